//! Spline layers on Armv6-M: the edges of an input, coefficients [folded](super::taps::Sections) four
//! bytes at a time.
//!
//! A block of four outputs takes 61 instructions, 15.25 an edge. A tap is thirteen of them: a load of
//! its word, its weight's way from r8-r11, three shifts, four multiplications and four additions.
//!
//! No instruction branches on data, so the time is the same for all inputs.

use super::taps::Walk;
use core::arch::naked_asm;

/// Four outputs' i8 coefficients of a tap, at r0; its weight in `$w`, the sums in r4-r7.
macro_rules! tap8 {
    ($w:literal) => {
        concat!(
            "ldm r0!, {{r1}}\n",
            "mov r2, ", $w, "\n",
            "asrs r3, r1, #8\n",
            "muls r3, r2\n",
            "adds r5, r5, r3\n",
            "asrs r3, r1, #16\n",
            "muls r3, r2\n",
            "adds r6, r6, r3\n",
            "asrs r3, r1, #24\n",
            "muls r3, r2\n",
            "adds r7, r7, r3\n",
            "muls r1, r2\n",
            "adds r4, r4, r1\n",
        )
    };
}

/// As [`tap8`], for i16, two outputs a word.
macro_rules! tap16 {
    ($w:literal) => {
        concat!(
            "mov r2, ", $w, "\n",
            "ldm r0!, {{r1}}\n",
            "asrs r3, r1, #16\n",
            "muls r3, r2\n",
            "adds r5, r5, r3\n",
            "muls r1, r2\n",
            "adds r4, r4, r1\n",
            "ldm r0!, {{r1}}\n",
            "asrs r3, r1, #16\n",
            "muls r3, r2\n",
            "adds r7, r7, r3\n",
            "muls r1, r2\n",
            "adds r6, r6, r1\n",
        )
    };
}

/// Taps: r0 = [`Walk`], r1 = first coefficient, r2 and r3 = weights, two each.
///
/// r8-r11 hold the weights, r0 the next coefficients, r12 the next sums, lr their end. Stack while it
/// runs: walk, first coefficient, bytes from a block's last tap to the next block.
macro_rules! taps {
    ($name:ident, $tap:ident, $load:literal, $size:literal, $scale:literal) => {
        /// # Safety
        /// As for [`taps`](super::taps::taps).
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(_: *mut Walk, _: usize, _: u64) {
            naked_asm!(
                "push {{r4, r5, r6, r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r4, r5, r6, r7}}",
                "sxth r4, r2",
                "mov r8, r4",
                "asrs r4, r2, #16",
                "mov r9, r4",
                "sxth r4, r3",
                "mov r10, r4",
                "asrs r4, r3, #16",
                "mov r11, r4",
                "ldr r2, [r0, #12]",
                concat!("subs r2, r2, #16*", $size),
                "push {{r0, r1, r2}}",
                "ldm r0, {{r0, r2, r3}}", // sums, their end, blocks
                "mov r12, r0",
                "mov lr, r2",
                concat!("lsls r1, r1, #2+", $scale),
                "adds r0, r3, r1",
                "cmp r12, r2",
                "beq 2f",
                "1:",
                "mov r1, r12",
                "ldm r1!, {{r4, r5, r6, r7}}",
                $tap!("r8"),
                $tap!("r9"),
                $tap!("r10"),
                $tap!("r11"),
                "mov r1, r12",
                "stm r1!, {{r4, r5, r6, r7}}",
                "mov r12, r1",
                "ldr r2, [sp, #8]",
                "adds r0, r0, r2",
                "cmp r1, lr",
                "bne 1b",
                "2:",
                "pop {{r1, r2, r3}}",
                concat!("lsls r3, r2, #2+", $scale),
                "subs r0, r0, r3",
                "str r0, [r1, #8]",
                "ldr r3, [r1, #16]", // outputs left over
                "cmp r3, #0",
                "beq 4f",
                "lsls r3, r3, #2",
                "add lr, r3", // end of their sums
                "ldr r0, [r1, #20]",
                concat!("lsls r2, r2, #", $scale),
                "adds r0, r0, r2",
                "push {{r1, r2}}",
                "ldr r2, [r1, #24]",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "mov r8, r2",
                "mov r1, r12",
                "3:",
                "ldr r2, [r1]",
                concat!($load, " r3, [r0]"),
                "muls r3, r4",
                "adds r2, r2, r3",
                concat!($load, " r3, [r0, #", $size, "]"),
                "muls r3, r5",
                "adds r2, r2, r3",
                concat!($load, " r3, [r0, #2*", $size, "]"),
                "muls r3, r6",
                "adds r2, r2, r3",
                concat!($load, " r3, [r0, #3*", $size, "]"),
                "muls r3, r7",
                "adds r2, r2, r3",
                "stm r1!, {{r2}}",
                "add r0, r8",
                "cmp r1, lr",
                "bne 3b",
                "pop {{r1, r2}}",
                "subs r0, r0, r2",
                "str r0, [r1, #20]",
                "4:",
                "pop {{r4, r5, r6, r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4, r5, r6, r7, pc}}",
            )
        }
    };
}

taps!(taps_i8, tap8, "ldrb", "1", "0");
taps!(taps_i16, tap16, "ldrh", "2", "1");
