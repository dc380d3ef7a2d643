//! Spline layers on cores with the DSP extension, a whole layer a call.
//!
//! Per input its interval and four weights are computed in registers, 17 instructions from the
//! coordinate on. Then every block of four outputs takes 21 with i8 coefficients, 5.25 an edge: it
//! loads four sums and four words, one a tap; `PKHBT` and `PKHTB` pair the taps of two outputs each,
//! `SMLAD` multiplies the pair as it is, folded, and `SXTB16 ROR #8` the upper output's alone. The loop
//! does two blocks a round and is entered in its middle if their number is odd.
//!
//! Coordinates are clamped by saturating additions, so no instruction branches on data.
//!
//! Stands on `plan`.

use super::plan::{Kernel, Operands, Plan};
use crate::spline::shape::Grid;
use core::arch::naked_asm;
use core::mem::offset_of;

one_after_the_other!(Operands from 0; y, stream);
one_after_the_other!(Plan from 0; bottom, top, factor, offset, fraction, last, last_above);
one_after_the_other!(Plan from offset_of!(Plan, walk); walk, own_grids);
one_after_the_other!(Plan from offset_of!(Plan, stride);
    stride, rest_stride, rest_step, edges, rest_edges, rounds);
one_after_the_other!(Plan from offset_of!(Plan, base_stride);
    base_stride, base_rest_stride, base_rounds, factors, rest_factors);
one_after_the_other!(Plan from offset_of!(Plan, fours); fours, base_shift);
one_after_the_other!(Plan from offset_of!(Plan, blocks); blocks, rest);
one_after_the_other!(Plan from offset_of!(Plan, pairs); pairs, output_bytes);
one_after_the_other!(Plan from offset_of!(Plan, multiplier); multiplier, shift);
one_after_the_other!(Grid from 4; offset);
const _: () = assert!(offset_of!(Grid, input) == 0 && offset_of!(Grid, factor) == 2);
const _: () = assert!(size_of::<Grid>() == 8);

/// Loads the frame: r0 = next activation, grid or quad of values, r1 = its blocks' edges, r2 = the
/// clamp at the bottom, r3 = 65535, r4 = its other edges, r5 = last interval from three before the
/// first, r6 = factor, r7 = offset, r8 = clamp at the top, r9 = shift to 15 fraction bits, r10 = 1/6 in
/// Q32, r11 = 2/3 in Q15, r12 = last interval, lr = the end of what r0 goes through.
macro_rules! next {
    ($done:literal) => {
        concat!(
            "ldm sp, {{r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr}}\n",
            "cmp r0, lr\n",
            "beq ",
            $done,
            "\n"
        )
    };
}

/// From the coordinate in lr, Q15, to its interval in `$interval` and its weights in r2 and r3, two
/// each; r5 is left alone.
///
/// `u2 - 2 u` is `(1 - u)^2 - 1`, so that the cube of `1 - u` is one multiply-accumulate.
macro_rules! weights {
    ($interval:literal) => {
        concat!(
            "lsr ",
            $interval,
            ", lr, #15
             ubfx lr, lr, #0, #15
             lsl r6, lr, #1
             smulwb r7, r6, lr
             smulwb r8, r6, r7
             sub r2, r7, r6
             rsb lr, lr, #32768
             rsb r6, r6, #65536
             smlawb r2, r6, r2, lr
             smmulr r2, r2, r10
             sub r7, r11, r7
             add r7, r7, r8, lsr #1
             smmulr r8, r8, r10
             rsb lr, r2, #32768
             sub lr, lr, r7
             mla r3, r8, r3, lr
             pkhbt r2, r2, r7, lsl #16
            "
        )
    };
}

/// Adds the weights in r2 and r3 to the sum of all, which i8 coefficients need.
macro_rules! count8 {
    () => {
        "ldrd r7, r8, [sp, #88]
         smlad r7, r2, r8, r7
         smlad r7, r3, r8, r7
         str r7, [sp, #88]
        "
    };
}
macro_rules! count16 {
    () => {
        ""
    };
}

/// A block of four outputs: sums at r0, coefficients at r1, weights in r2 and r3.
macro_rules! block8 {
    () => {
        "ldm r0, {{r4, r5, r6, r7}}
         ldm r1, {{r8, r9, r10, r11}}
         pkhbt r12, r8, r9, lsl #16
         pkhtb r9, r9, r8, asr #16
         smlad r4, r12, r2, r4
         sxtb16 r12, r12, ror #8
         smlad r5, r12, r2, r5
         smlad r6, r9, r2, r6
         sxtb16 r9, r9, ror #8
         smlad r7, r9, r2, r7
         pkhbt r12, r10, r11, lsl #16
         pkhtb r11, r11, r10, asr #16
         smlad r4, r12, r3, r4
         sxtb16 r12, r12, ror #8
         smlad r5, r12, r3, r5
         smlad r6, r11, r3, r6
         sxtb16 r11, r11, ror #8
         smlad r7, r11, r3, r7
         stm r0!, {{r4, r5, r6, r7}}
         uxtah r1, r1, lr
        "
    };
}
macro_rules! block16 {
    () => {
        "ldm r0, {{r4, r5, r6, r7}}
         ldm r1!, {{r8, r9, r10, r11}}
         pkhbt r12, r8, r10, lsl #16
         smlad r4, r12, r2, r4
         pkhtb r12, r10, r8, asr #16
         smlad r5, r12, r2, r5
         pkhbt r12, r9, r11, lsl #16
         smlad r6, r12, r2, r6
         pkhtb r12, r11, r9, asr #16
         smlad r7, r12, r2, r7
         ldm r1, {{r8, r9, r10, r11}}
         pkhbt r12, r8, r10, lsl #16
         smlad r4, r12, r3, r4
         pkhtb r12, r10, r8, asr #16
         smlad r5, r12, r3, r5
         pkhbt r12, r9, r11, lsl #16
         smlad r6, r12, r3, r6
         pkhtb r12, r11, r9, asr #16
         smlad r7, r12, r3, r7
         stm r0!, {{r4, r5, r6, r7}}
         uxtah r1, r1, lr
        "
    };
}

/// Outputs left over, r6 of them: sums at r5, coefficients at r4 and every r8 bytes on.
macro_rules! rest8 {
    () => {
        "pkhbt r10, r2, r3, lsl #16
         pkhtb r11, r3, r2, asr #16
         18:
         ldr r7, [r4]
         add r4, r4, r8
         ldr r12, [r5]
         sxtb16 r9, r7
         smlad r12, r9, r10, r12
         sxtb16 r7, r7, ror #8
         smlad r12, r7, r11, r12
         str r12, [r5], #4
         subs r6, r6, #1
         bne 18b
        "
    };
}
macro_rules! rest16 {
    () => {
        "18:
         ldr r7, [r4]
         ldr r9, [r4, #4]
         add r4, r4, r8
         ldr r12, [r5]
         smlad r12, r7, r2, r12
         smlad r12, r9, r3, r12
         str r12, [r5], #4
         subs r6, r6, #1
         bne 18b
        "
    };
}

/// Takes the sums in r4-r7 apart; lr holds the sum of all weights in units of the offset.
macro_rules! apart8 {
    () => {
        "sub r4, r4, r5, lsl #8
         sub r4, r4, lr
         sub r6, r6, r7, lsl #8
         sub r6, r6, lr
        "
    };
}
macro_rules! apart16 {
    () => {
        ""
    };
}

/// A spline kernel: r0 = [`Plan`], r1 = [`Operands`].
///
/// Its frame, in bytes: 0 what [`next`] loads, 56 where to go on after an input, 60 stride of blocks, 64
/// outputs left over, 68 their stride, 72 their step, 76 where the loop over blocks is entered, 80
/// sums, 84 rounds, 88 sum of all weights, 92 a one in each half, 96 activations, 100 plan, 104
/// operands, 108 four zeros, weights, four zeros, 132 sums of the outputs left over.
macro_rules! kernel {
    ($name:ident, $block:ident, $rest:ident, $count:ident, $apart:ident, $scale:literal, $size:literal) => {
        /// # Safety
        /// As for the caller, [`run`](super::call::run).
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *const Plan, _: *const Operands) {
            naked_asm!(
                cpu!(),
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "sub sp, sp, #136",
                "strd r0, r1, [sp, #100]",
                "ldm r0, {{r4, r5, r6, r7, r8, r9, r10}}", // up to `last_above`
                "movw r11, #65535",
                "strd r4, r11, [sp, #8]",
                "strd r10, r6, [sp, #20]",
                "strd r7, r5, [sp, #28]",
                "movw r4, #0",
                "movt r4, #10923",
                "strd r8, r4, [sp, #36]",
                "movw r5, #21845",
                "strd r5, r9, [sp, #44]",
                "ldrd r3, r12, [r0, #{blocks}]", // and rest
                "adr.w r2, 19f",
                "cbz r3, 2f",
                "adr.w r2, 6f",
                "lsls r4, r3, #31",
                "beq 2f",
                "adr.w r2, 7f",
                "2:",
                "orr r2, r2, #1", // a load into pc stays in Thumb state
                "ldrd r6, r7, [r0, #{pairs}]", // and output_bytes
                "ldrd r4, r5, [r1, #{y}]", // and stream
                "add r7, r7, r4",
                "mov r10, #0",
                "mov r11, #0x00010001",
                "str r12, [sp, #64]",
                "strd r2, r7, [sp, #76]",
                "strd r10, r11, [sp, #88]",
                "strd r10, r10, [sp, #108]",
                "strd r10, r10, [sp, #124]",
                "add r3, r7, r3, lsl #4",
                "str r3, [sp, #132]",
                "ldrd r2, r3, [r0, #{fours}]", // and base_shift
                "cbz r2, 5f",
                "3:", // the base function first, since its sums are shifted up
                "strd r10, r10, [r7], #8",
                "subs r6, r6, #1",
                "bne 3b",
                "ldr r4, [r1, #{base}]",
                "add r2, r4, r2, lsl #3",
                "adr.w r3, 21f",
                "orr r3, r3, #1",
                "str r4, [sp]",
                "strd r2, r3, [sp, #52]",
                "add r0, r0, #{base_stride}",
                "ldm r0, {{r6, r7, r8, r9, r10}}", // up to `rest_factors`
                concat!("mov r4, #4*", $size),
                "b 9f",
                "22:",
                "ldrd r0, r1, [sp, #100]",
                "ldrd r2, r3, [r0, #{fours}]",
                "ldr r4, [sp, #88]",
                "lsl r4, r4, r3",
                "str r4, [sp, #88]",
                "ldr r6, [r0, #{pairs}]",
                "ldr r5, [r1, #{stream}]",
                "ldr r7, [sp, #80]",
                "4:",
                "ldrd r8, r9, [r5], #8",
                "ldrd r10, r11, [r7]",
                "lsl r10, r10, r3",
                "lsl r11, r11, r3",
                "add r8, r8, r10",
                "add r9, r9, r11",
                "strd r8, r9, [r7], #8",
                "subs r6, r6, #1",
                "bne 4b",
                "b 8f",
                "5:", // sums start as biases
                "ldrd r8, r9, [r5], #8",
                "strd r8, r9, [r7], #8",
                "subs r6, r6, #1",
                "bne 5b",
                "8:",
                "ldr r4, [r1, #{x}]",
                "ldrd r2, r5, [r0, #{walk}]", // and own_grids
                "str r4, [sp, #96]",
                "ldr r7, [sp, #8]",
                "adr.w r3, 10f",
                "cbz r7, 18f",
                "adr.w r3, 13f",
                "18:",
                "cbz r5, 16f",
                "adr.w r3, 11f",
                "ldr r4, [r1, #{grids}]",
                "16:",
                "orr r3, r3, #1",
                "str r4, [sp]",
                "add r2, r2, r4",
                "strd r2, r3, [sp, #52]",
                "add r0, r0, #{stride}",
                "ldm r0, {{r6, r7, r8, r9, r10, r11}}", // up to `rounds`
                "mov r4, r8",
                "mov r8, r11",
                "9:", // r6 = stride, r7, r4 = of the others, r8 = rounds, r9, r10 = edges
                "ldr r5, [r1, #{stream}]",
                "add r9, r9, r5",
                "add r10, r10, r5",
                "str r9, [sp, #4]",
                "str r10, [sp, #16]",
                "str r6, [sp, #60]",
                "strd r7, r4, [sp, #68]",
                "str r8, [sp, #84]",
                "bx r3",
                "10:", // an input, one grid for all
                next!("30f"),
                "ldrsh lr, [r0], #2",
                "mla lr, lr, r6, r7",
                "12:",
                "qadd lr, lr, r8",
                "sub lr, lr, r8",
                "usat lr, #31, lr",
                "lsr lr, lr, r9",
                weights!("r12"),
                "15:", // an input's edges, from coefficient r12 on
                "ldrd r5, r6, [sp, #60]",
                "add r5, r1, r5",
                "strd r0, r5, [sp]",
                concat!("add r1, r1, r12, lsl #", $scale, "+2"),
                "cbz r6, 17f",
                "ldrd r7, r8, [sp, #68]",
                "ldr r5, [sp, #132]",
                "add r7, r4, r7",
                "str r7, [sp, #16]",
                concat!("add r4, r4, r12, lsl #", $scale),
                $rest!(),
                "17:",
                "ldrd r0, lr, [sp, #80]",
                "ldr pc, [sp, #76]",
                "6:",
                $block!(),
                "7:",
                $block!(),
                "subs lr, lr, #0x10000",
                "bcs 6b",
                "19:",
                "ldr pc, [sp, #56]",
                "11:", // an input with a grid of its own
                next!("30f"),
                "ldrd r3, r7, [r0], #8", // input and factor, offset
                "ldr lr, [sp, #96]",
                "uxth r6, r3",
                "ldrsh lr, [lr, r6, lsl #1]",
                "smlabt lr, lr, r3, r7",
                "movw r3, #65535",
                "cmp r2, #0",
                "beq 12b",
                "b 14f",
                "13:", // an input with tails: coefficients outside are zero
                next!("30f"),
                "ldrsh lr, [r0], #2",
                "mla lr, lr, r6, r7",
                "14:",
                "qadd lr, lr, r8",
                "sub lr, lr, r8",
                "qsub lr, lr, r2",
                "eor lr, lr, #0x80000000", // three intervals above the coordinate
                "lsr lr, lr, r9",
                weights!("r9"),
                "uqsub16 r6, r5, r9",
                "uqsub16 r12, r12, r6", // the first coefficient
                "sub r5, r9, r12",
                "add r6, sp, #122",
                "sub r5, r6, r5, lsl #1",
                "strd r2, r3, [sp, #116]",
                "ldr r2, [r5]",
                "ldr r3, [r5, #4]",
                $count!(),
                "b 15b",
                "21:", // values of the base function, which are the weights of their factors
                next!("22b"),
                "ldrd r2, r3, [r0], #8",
                "mov r12, #0",
                $count!(),
                "b 15b",
                "30:",
                "ldrd r5, r10, [sp, #100]",
                "ldrd r2, r3, [r5, #{multiplier}]", // and shift
                "ldrd r0, r11, [r10, #{y}]", // and stream
                "add r2, r2, r11",
                "ldr r1, [sp, #80]",
                "ldr lr, [sp, #88]",
                "lsl lr, lr, #7",
                "ldr r12, [r5, #{blocks}]",
                "cmp r12, #0",
                "beq 32f",
                "31:",
                "ldm r1!, {{r4, r5, r6, r7}}",
                $apart!(),
                "ldrd r8, r9, [r2], #8",
                "smulwb r4, r4, r8",
                "smulwt r5, r5, r8",
                "smulwb r6, r6, r9",
                "smulwt r7, r7, r9",
                "asr r4, r4, r3",
                "asr r5, r5, r3",
                "asr r6, r6, r3",
                "asr r7, r7, r3",
                "ssat r4, #16, r4",
                "ssat r5, #16, r5",
                "ssat r6, #16, r6",
                "ssat r7, #16, r7",
                "pkhbt r4, r4, r5, lsl #16",
                "pkhbt r6, r6, r7, lsl #16",
                "strd r4, r6, [r0], #8",
                "subs r12, r12, #1",
                "bne 31b",
                "32:",
                "ldr r12, [sp, #64]",
                "cmp r12, #0",
                "beq 34f",
                "33:",
                "ldr r4, [r1], #4",
                "ldrsh r8, [r2], #2",
                "smulwb r4, r4, r8",
                "asr r4, r4, r3",
                "ssat r4, #16, r4",
                "strh r4, [r0], #2",
                "subs r12, r12, #1",
                "bne 33b",
                "34:",
                "add sp, sp, #136",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                walk = const offset_of!(Plan, walk),
                stride = const offset_of!(Plan, stride),
                base_stride = const offset_of!(Plan, base_stride),
                fours = const offset_of!(Plan, fours),
                blocks = const offset_of!(Plan, blocks),
                pairs = const offset_of!(Plan, pairs),
                multiplier = const offset_of!(Plan, multiplier),
                stream = const offset_of!(Operands, stream),
                x = const offset_of!(Operands, x),
                base = const offset_of!(Operands, base),
                grids = const offset_of!(Operands, grids),
                y = const offset_of!(Operands, y),
            )
        }
    };
}

kernel!(spline_i8, block8, rest8, count8, apart8, "0", "1");
kernel!(spline_i16, block16, rest16, count16, apart16, "1", "2");

/// The kernel of layers whose coefficients have `size` bytes.
pub(super) const fn kernel(size: usize) -> Kernel {
    if size == 1 { spline_i8 } else { spline_i16 }
}
