//! Spline layers on Armv7-M without the DSP extension: the edges of an input.
//!
//! A block of four outputs takes 37 instructions, 9.25 an edge: each of its sixteen coefficients is
//! loaded and multiplied into its sum, since a `LDRSB` costs what unpacking a byte of a word does.

use super::taps::Walk;
use core::arch::naked_asm;

/// Four outputs' coefficients of a tap whose weight is `$w`, at r3.
macro_rules! tap {
    ($load:literal, $size:literal, $tap:literal, $w:literal) => {
        concat!(
            $load, " r4, [r3, #", $size, "*(4*", $tap, ")]\n",
            "mla r9, r4, ", $w, ", r9\n",
            $load, " r4, [r3, #", $size, "*(4*", $tap, "+1)]\n",
            "mla r10, r4, ", $w, ", r10\n",
            $load, " r4, [r3, #", $size, "*(4*", $tap, "+2)]\n",
            "mla r11, r4, ", $w, ", r11\n",
            $load, " r4, [r3, #", $size, "*(4*", $tap, "+3)]\n",
            "mla r12, r4, ", $w, ", r12\n",
        )
    };
}

/// Taps: r0 = [`Walk`], r1 = first coefficient, r2 and r3 = weights, two each.
///
/// r5-r8 hold the weights, r9-r12 four sums, r2 and r3 the next sums and coefficients, r4 a
/// coefficient, lr the end of the sums, r0 the bytes of a block. Stack while it runs: walk, first
/// coefficient.
macro_rules! taps {
    ($name:ident, $load:literal, $size:literal, $scale:literal) => {
        /// # Safety
        /// As for [`taps`](super::taps::taps).
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(_: *mut Walk, _: usize, _: u64) {
            naked_asm!(
                "push {{r0, r1, r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "sxth r5, r2",
                "asr r6, r2, #16",
                "sxth r7, r3",
                "asr r8, r3, #16",
                "ldrd r2, lr, [r0]",
                "ldrd r3, r0, [r0, #8]",
                concat!("add r3, r3, r1, lsl #2+", $scale),
                "cmp r2, lr",
                "beq 2f",
                "1:",
                "ldm r2, {{r9, r10, r11, r12}}",
                tap!($load, $size, "0", "r5"),
                tap!($load, $size, "1", "r6"),
                tap!($load, $size, "2", "r7"),
                tap!($load, $size, "3", "r8"),
                "stm r2!, {{r9, r10, r11, r12}}",
                "add r3, r3, r0",
                "cmp r2, lr",
                "bne 1b",
                "2:",
                "ldrd r4, r1, [sp], #8",
                concat!("sub r3, r3, r1, lsl #2+", $scale),
                "str r3, [r4, #8]",
                "ldr r0, [r4, #16]", // outputs left over
                "cbz r0, 4f",
                "ldrd r3, r9, [r4, #20]",
                concat!("add r3, r3, r1, lsl #", $scale),
                "3:",
                "ldr r10, [r2]",
                concat!($load, " r11, [r3]"),
                "mla r10, r11, r5, r10",
                concat!($load, " r11, [r3, #", $size, "]"),
                "mla r10, r11, r6, r10",
                concat!($load, " r11, [r3, #", $size, "*2]"),
                "mla r10, r11, r7, r10",
                concat!($load, " r11, [r3, #", $size, "*3]"),
                "mla r10, r11, r8, r10",
                "str r10, [r2], #4",
                "add r3, r3, r9",
                "subs r0, r0, #1",
                "bne 3b",
                concat!("sub r3, r3, r1, lsl #", $scale),
                "str r3, [r4, #20]",
                "4:",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
            )
        }
    };
}

taps!(taps_i8, "ldrsb", "1", "0");
taps!(taps_i16, "ldrsh", "2", "1");
