//! Armv6-M: the edges of a layer, coefficients [folded](super::tables::Sections) four bytes at a time.
//!
//! A block of four outputs takes 61 instructions, 15.25 an edge. A tap is thirteen of them: a load of
//! its word, its weight's way from r8-r11, three shifts, four multiplications and four additions. An
//! input takes 70 for its interval and weights, kept in registers until its last edge.
//!
//! No instruction branches on data, so the time is the same for all inputs.
//!
//! Stands on `walk`.

use super::walk::{Walk, walking};

/// Four outputs' i8 coefficients of a tap, at r0; its weight in `$w`, the sums in r4-r7.
macro_rules! tap8 {
    ($w:literal) => {
        concat!(
            "ldm r0!, {{r1}}\n",
            "mov r2, ",
            $w,
            "
             asrs r3, r1, #8
             muls r3, r2
             adds r5, r5, r3
             asrs r3, r1, #16
             muls r3, r2
             adds r6, r6, r3
             asrs r3, r1, #24
             muls r3, r2
             adds r7, r7, r3
             muls r1, r2
             adds r4, r4, r1
            "
        )
    };
}

/// As [`tap8`], for i16, two outputs a word.
macro_rules! tap16 {
    ($w:literal) => {
        concat!(
            "mov r2, ",
            $w,
            "
             ldm r0!, {{r1}}
             asrs r3, r1, #16
             muls r3, r2
             adds r5, r5, r3
             muls r1, r2
             adds r4, r4, r1
             ldm r0!, {{r1}}
             asrs r3, r1, #16
             muls r3, r2
             adds r7, r7, r3
             muls r1, r2
             adds r6, r6, r1
            "
        )
    };
}

/// Adds the weights in r1, r2, r7 and r6 to the sum at `$place` from r0.
macro_rules! count {
    ($place:literal) => {
        concat!(
            "ldr r4, [r0, #",
            $place,
            "]
             adds r4, r4, r1
             adds r4, r4, r2
             adds r4, r4, r7
             adds r4, r4, r6
             str r4, [r0, #",
            $place,
            "]
            "
        )
    };
}

/// The edges of a layer: r0 = [`Walk`].
///
/// An input's weights are made in r1, r2, r7 and r6, and stay in r8-r11. r12 holds the next sums, lr
/// the end of those in blocks. Stack while it runs: walk, first coefficient, bytes from a block's
/// last tap to the next block, where to go on after the blocks, and after an input.
macro_rules! edges {
    ($name:ident, $tap:ident, $load:literal, $size:literal, $scale:literal) => {
        /// # Safety
        /// What the walk points to can be read, and the sums written.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(_: *mut Walk) {
            walking!(
                "push {{r4, r5, r6, r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r4, r5, r6, r7}}",
                "sub sp, sp, #20",
                "str r0, [sp]",
                "ldr r1, [r0, #{step}]",
                concat!("subs r1, r1, #16*", $size),
                "str r1, [sp, #8]",
                "ldr r1, [r0, #{acc_end}]",
                "mov lr, r1",
                "ldr r1, [r0, #{source}]",
                "adr r2, 10f",
                "cmp r1, #1",
                "blo 5f",
                "adr r2, 11f",
                "beq 5f",
                "adr r2, 12f",
                "5:",
                "adds r2, r2, #1", // bx stays in Thumb state
                "str r2, [sp, #16]",
                "ldr r1, [r0, #{left}]",
                "cmp r1, #0",
                "beq 6f",
                "adr r1, 20f",
                "adds r1, r1, #1",
                "b 7f",
                "6:",
                "movs r1, r2",
                "7:",
                "str r1, [sp, #12]",
                "bx r2",
                "30:",
                "add sp, sp, #20",
                "pop {{r4, r5, r6, r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4, r5, r6, r7, pc}}",
                ".p2align 2",
                "12:", // values, which are weights
                "ldr r0, [sp]",
                "ldm r0!, {{r1, r2}}",
                "cmp r1, r2",
                "beq 30b",
                "subs r0, r0, #8",
                "ldm r1!, {{r2, r3}}",
                "str r1, [r0]",
                "sxth r1, r2",
                "asrs r2, r2, #16",
                "sxth r7, r3",
                "asrs r6, r3, #16",
                "ldr r4, [r0, #{value_shift}]",
                "lsls r1, r4",
                "lsls r2, r4",
                "lsls r7, r4",
                "lsls r6, r4",
                count!("{sum}"),
                "movs r3, #0",
                "b 15f",
                ".p2align 2",
                "11:", // an input with a grid of its own
                "ldr r0, [sp]",
                "ldm r0!, {{r1, r2, r3, r4, r5, r6, r7}}",
                "cmp r1, r2",
                "beq 30b",
                "ldr r3, [r0, #{activations}-28]",
                "ldrh r2, [r1]",
                "lsls r2, r2, #1",
                "ldrsh r2, [r3, r2]",
                "movs r4, #2",
                "ldrsh r3, [r1, r4]",
                "ldr r4, [r1, #4]",
                "adds r1, r1, #8",
                "b 13f",
                ".p2align 2",
                "10:", // an input, one grid for all
                "ldr r0, [sp]",
                "ldm r0!, {{r1, r2, r3, r4, r5, r6, r7}}", // up to `range`
                "cmp r1, r2",
                "beq 30b",
                "movs r2, #0",
                "ldrsh r2, [r1, r2]",
                "adds r1, r1, #2",
                "13:",
                "subs r0, r0, #28",
                "str r1, [r0]",
                "muls r2, r3",
                "adds r2, r2, r4",
                "asrs r2, r5",
                "subs r2, r2, r6",
                "asrs r3, r2, #31",
                "bics r2, r3",
                "subs r2, r2, r7",
                "asrs r3, r2, #31",
                "ands r2, r3",
                "adds r2, r2, r7", // above the lowest
                "lsrs r3, r2, #15",
                "lsls r2, r2, #17",
                "lsrs r2, r2, #17", // u
                "movs r4, r2",
                "muls r4, r2",
                "lsrs r4, r4, #15",
                "movs r5, r4",
                "muls r5, r2",
                "lsrs r5, r5, #15",
                "movs r7, #1",
                "lsls r7, r7, #15",
                "subs r6, r7, r2",
                "movs r1, r6",
                "muls r1, r6",
                "lsrs r1, r1, #15",
                "muls r1, r6",
                "lsrs r1, r1, #15",
                "ldr r6, 8f",
                "muls r1, r6",
                "adds r1, r1, r7",
                "lsrs r1, r1, #16",
                "muls r6, r5",
                "adds r6, r6, r7",
                "lsrs r6, r6, #16",
                "ldr r2, 9f",
                "subs r2, r2, r4",
                "lsrs r5, r5, #1",
                "adds r2, r2, r5",
                "subs r7, r7, r1",
                "subs r7, r7, r2",
                "subs r7, r7, r6",
                "ldr r4, [r0, #{tails}]",
                "cmp r4, #0",
                "bne 14f",
                "15:", // the edges from coefficient r3 on
                "mov r8, r1",
                "mov r9, r2",
                "mov r10, r7",
                "mov r11, r6",
                "str r3, [sp, #4]",
                "ldr r1, [r0, #{blocks}]",
                "ldr r2, [r0, #{stride}]",
                "adds r2, r2, r1",
                "str r2, [r0, #{blocks}]",
                "ldr r2, [r0, #{acc}]",
                "mov r12, r2",
                concat!("lsls r3, r3, #2+", $scale),
                "adds r0, r1, r3",
                "cmp r2, lr",
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
                "ldr r0, [sp, #12]",
                "bx r0",
                ".p2align 2",
                "8:",
                ".word 10923",
                "9:",
                ".word 21845",
                "14:", // tails: coefficients outside are zero
                "adds r0, r0, #{window}",
                "strh r1, [r0, #8]",
                "strh r2, [r0, #10]",
                "strh r7, [r0, #12]",
                "strh r6, [r0, #14]",
                "subs r3, r3, #3",
                "asrs r4, r3, #31",
                "movs r5, r3",
                "bics r5, r4",
                "ldr r4, [r0, #{last}-{window}]",
                "subs r5, r5, r4",
                "asrs r6, r5, #31",
                "ands r5, r6",
                "adds r5, r5, r4", // the first coefficient
                "subs r3, r3, r5",
                "lsls r3, r3, #1",
                "subs r4, r0, r3",
                "ldrh r1, [r4, #8]",
                "ldrh r2, [r4, #10]",
                "ldrh r7, [r4, #12]",
                "ldrh r6, [r4, #14]",
                count!("{sum}-{window}"),
                "movs r3, r5",
                "subs r0, r0, #{window}",
                "b 15b",
                ".p2align 2",
                "20:", // outputs left over
                "ldr r0, [sp]",
                "ldr r1, [r0, #{rest}]",
                "ldr r2, [r0, #{rest_stride}]",
                "adds r2, r2, r1",
                "str r2, [r0, #{rest}]",
                "ldr r2, [sp, #4]",
                concat!("lsls r2, r2, #", $scale),
                "adds r1, r1, r2",
                "ldr r3, [r0, #{left}]",
                "lsls r3, r3, #2",
                "add r3, lr",
                "mov r12, r3",
                "ldr r2, [r0, #{rest_step}]",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "mov r8, r2",
                "movs r0, r1",
                "mov r1, lr",
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
                "cmp r1, r12",
                "bne 3b",
                "ldr r0, [sp, #16]",
                "bx r0",
            )
        }
    };
}

edges!(edges_i8, tap8, "ldrb", "1", "0");
edges!(edges_i16, tap16, "ldrh", "2", "1");
