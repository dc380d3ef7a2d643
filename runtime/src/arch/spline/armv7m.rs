//! Armv7-M without the DSP extension: the edges of a layer.
//!
//! A block of four outputs takes 37 instructions, 9.25 an edge: each of its sixteen coefficients is
//! loaded and multiplied into its sum, since a `LDRSB` costs what unpacking a byte of a word does.
//!
//! No instruction branches on data, so the time is the same for all inputs.
//!
//! Stands on `walk`.

use super::walk::{Walk, walking};

/// Four outputs' coefficients of tap `$tap`, at r3; its weight in `$w`, the sums in r9-r12.
macro_rules! tap {
    ($load:literal, $size:literal, $tap:literal, $w:literal) => {
        concat!(
            ".irp lane, 0, 1, 2, 3\n",
            $load,
            " r4, [r3, #",
            $size,
            "*(4*",
            $tap,
            "+\\lane)]\n",
            ".if \\lane == 0\nmla r9, r4, ",
            $w,
            ", r9\n.elseif \\lane == 1\nmla r10, r4, ",
            $w,
            ", r10\n.elseif \\lane == 2\nmla r11, r4, ",
            $w,
            ", r11\n.else\nmla r12, r4, ",
            $w,
            ", r12\n.endif\n.endr\n",
        )
    };
}

/// The edges of a layer: r0 = [`Walk`].
///
/// An input's weights are in r5-r8, its first coefficient in r12. In a block r9-r12 hold the sums, r2
/// and r3 the next sums and coefficients, r4 a coefficient, r1 the bytes of a block, lr the end of
/// the sums. On the stack is where to go on after an input.
macro_rules! edges {
    ($name:ident, $load:literal, $size:literal, $scale:literal) => {
        /// # Safety
        /// What the walk points to can be read, and the sums written.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(_: *mut Walk) {
            walking!(
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "ldr r1, [r0, #{source}]",
                "adr.w r2, 10f",
                "cmp r1, #1",
                "blo 5f",
                "adr.w r2, 11f",
                "beq 5f",
                "adr.w r2, 12f",
                "5:",
                "orr r2, r2, #1", // a load into pc stays in Thumb state
                "push {{r2}}",
                "bx r2",
                "30:",
                "add sp, sp, #4",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                "12:", // values, which are weights
                "ldrd r1, r2, [r0]",
                "cmp r1, r2",
                "beq 30b",
                "ldrsh r5, [r1], #2",
                "ldrsh r6, [r1], #2",
                "ldrsh r7, [r1], #2",
                "ldrsh r8, [r1], #2",
                "str r1, [r0]",
                "ldr r1, [r0, #{value_shift}]",
                "lsl r5, r5, r1",
                "lsl r6, r6, r1",
                "lsl r7, r7, r1",
                "lsl r8, r8, r1",
                "mov r12, #0",
                "b 15f",
                "11:", // an input with a grid of its own
                "ldm r0, {{r1, r2, r3, r4, r9, r10, r11}}",
                "cmp r1, r2",
                "beq 30b",
                "ldrd r2, r4, [r1], #8", // input and factor, offset
                "ldr r5, [r0, #{activations}]",
                "uxth r6, r2",
                "ldrsh r5, [r5, r6, lsl #1]",
                "asr r3, r2, #16",
                "mov r2, r5",
                "b 13f",
                "10:",                                      // an input, one grid for all
                "ldm r0, {{r1, r2, r3, r4, r9, r10, r11}}", // up to `range`
                "cmp r1, r2",
                "beq 30b",
                "ldrsh r2, [r1], #2",
                "13:",
                "str r1, [r0]",
                "mla r2, r2, r3, r4",
                "asr r2, r2, r9",
                "sub r2, r2, r10",
                "usat r2, #31, r2",
                "cmp r2, r11",
                "it gt",
                "movgt r2, r11", // above the lowest
                "lsr r12, r2, #15",
                "ubfx r2, r2, #0, #15", // u
                "mul r3, r2, r2",
                "lsr r3, r3, #15",
                "mul r4, r3, r2",
                "lsr r4, r4, #15",
                "rsb r2, r2, #32768",
                "mul r5, r2, r2",
                "lsr r5, r5, #15",
                "mul r5, r5, r2",
                "lsr r5, r5, #15",
                "movw r7, #10923",
                "mov r1, #32768",
                "mla r5, r5, r7, r1",
                "lsr r5, r5, #16",
                "mla r8, r4, r7, r1",
                "lsr r8, r8, #16",
                "movw r6, #21845",
                "sub r6, r6, r3",
                "add r6, r6, r4, lsr #1",
                "sub r7, r1, r5",
                "sub r7, r7, r6",
                "sub r7, r7, r8",
                "ldr r1, [r0, #{tails}]",
                "cbz r1, 15f",
                "sub r12, r12, #3", // tails: coefficients outside are zero
                "usat r2, #9, r12",
                "ldr r3, [r0, #{last}]",
                "cmp r2, r3",
                "it gt",
                "movgt r2, r3",
                "sub r12, r12, r2",
                "orr r5, r5, r6, lsl #16",
                "orr r7, r7, r8, lsl #16",
                "strd r5, r7, [r0, #{window}+8]",
                "add r3, r0, #{window}+8",
                "sub r3, r3, r12, lsl #1",
                "ldrh r5, [r3]",
                "ldrh r6, [r3, #2]",
                "ldrh r7, [r3, #4]",
                "ldrh r8, [r3, #6]",
                "mov r12, r2",
                "15:", // the edges from coefficient r12 on
                "ldr r1, [r0, #{left}]",
                "cbz r1, 17f",
                "ldrd r3, r4, [r0, #{rest}]", // and rest_stride
                "add r4, r4, r3",
                "str r4, [r0, #{rest}]",
                "ldr r9, [r0, #{rest_step}]",
                concat!("add r3, r3, r12, lsl #", $scale),
                "ldr r2, [r0, #{acc_end}]",
                "3:",
                "ldr r10, [r2]",
                concat!($load, " r11, [r3]"),
                "mla r10, r11, r5, r10",
                concat!($load, " r11, [r3, #", $size, "]"),
                "mla r10, r11, r6, r10",
                concat!($load, " r11, [r3, #2*", $size, "]"),
                "mla r10, r11, r7, r10",
                concat!($load, " r11, [r3, #3*", $size, "]"),
                "mla r10, r11, r8, r10",
                "str r10, [r2], #4",
                "add r3, r3, r9",
                "subs r1, r1, #1",
                "bne 3b",
                "17:",
                "ldrd r3, r4, [r0, #{blocks}]", // and stride
                "add r4, r4, r3",
                "str r4, [r0, #{blocks}]",
                concat!("add r3, r3, r12, lsl #2+", $scale),
                "ldr r1, [r0, #{step}]",
                "ldrd r2, lr, [r0, #{acc}]", // and acc_end
                "cmp r2, lr",
                "beq 2f",
                "1:",
                "ldm r2, {{r9, r10, r11, r12}}",
                tap!($load, $size, "0", "r5"),
                tap!($load, $size, "1", "r6"),
                tap!($load, $size, "2", "r7"),
                tap!($load, $size, "3", "r8"),
                "stm r2!, {{r9, r10, r11, r12}}",
                "add r3, r3, r1",
                "cmp r2, lr",
                "bne 1b",
                "2:",
                "ldr pc, [sp]",
            )
        }
    };
}

edges!(edges_i8, "ldrsb", "1", "0");
edges!(edges_i16, "ldrsh", "2", "1");
