//! Helium, the vector extension of Armv8.1-M: sixteen products of bytes, or eight of half-words, an
//! instruction.
//!
//! # Split activations
//! In a layer of i8 weights and sixteen inputs or more, the work is done on bytes. Activations of whole groups of sixteen
//! are split into sixteen low bytes and sixteen high ones, `x = 2^8 high + low + 128`. So a group takes nine instructions
//! for the 64 multiply-accumulates of four rows: a load-multiple of the weights, and per row two `VMLADAVA`, into a sum
//! of the high and one of the low bytes; the outputs are made of `2^8 high + low`. The 128 is part of the bias. Groups
//! of eight and four that are left over are not split.
//!
//! Below 32 inputs all activations stay in registers, loaded once a layer. Those of more are split where they lie, before
//! the first row, loaded again for every block, and put together again after the last row.
//!
//! # Other layers
//! A group of eight inputs takes eight instructions for the 32 multiply-accumulates of four rows: per row a load of eight
//! weights and a `VMLADAVA`. A quad left over is widened to 32 bits instead, so that nothing behind it is read. Those of
//! i16 weights load the activations again for every block, in a hardware loop, whose predicate cuts the tail of a row
//! left over.
//!
//! Stands on `assembly`, `layout` and `shape`.

use super::assembly::{Assembly, call, call_from};
use super::layout::{I4, Native, splits, splits_in_place};
use super::shape::DenseShape;
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// Sixteen inputs of four rows with weights in q4-q7, bytes of activations in `$low` and `$high`.
macro_rules! sixteen {
    ($low:literal, $high:literal) => {
        concat!(
            "vldmia r1!, {{d8-d15}}\n",
            "vmladava.s8 r0, ",
            $low,
            ", q4\n",
            "vmladava.s8 r8, ",
            $high,
            ", q4\n",
            "vmladava.s8 r2, ",
            $low,
            ", q5\n",
            "vmladava.s8 r10, ",
            $high,
            ", q5\n",
            "vmladava.s8 r4, ",
            $low,
            ", q6\n",
            "vmladava.s8 r12, ",
            $high,
            ", q6\n",
            "vmladava.s8 r6, ",
            $low,
            ", q7\n",
            "vmladava.s8 lr, ",
            $high,
            ", q7\n",
        )
    };
}

/// Sixteen inputs of four rows from registers: weights in q4-q7, bytes of activations in q2 and q3.
macro_rules! sixteen_kept {
    () => {
        "vldmia r3!, {{d8-d15}}
         vmladava.s8 r4, q2, q4
         vmladav.s8 r0, q3, q4
         vmladava.s8 r6, q2, q5
         vmladav.s8 r2, q3, q5
         vmladava.s8 r8, q2, q6
         vmladav.s8 r12, q3, q6
         add r4, r4, r0, lsl #8
         vmladava.s8 r10, q2, q7
         vmladav.s8 r0, q3, q7
         add r6, r6, r2, lsl #8
         add r8, r8, r12, lsl #8
         add r10, r10, r0, lsl #8
         beq 5f
        "
    };
}

/// The same of a single row, whose weights are in q4 then.
macro_rules! single_kept {
    () => {
        "vldrb.u8 q4, [r3], #16
         vmladava.s8 r4, q2, q4
         vmladav.s8 r0, q3, q4
         add r4, r4, r0, lsl #8
         beq 82f
        "
    };
}

/// Inputs of four rows in `$x`: `$load` takes the `$bytes` of a row's weights at `$at` into `$a` or `$b`, and `$sum` adds their
/// products to the row's register.
macro_rules! inputs {
    ($load:literal, $at:literal, $bytes:literal, $sum:literal, $x:literal, [$a:literal, $b:literal],
     $r0:literal, $r1:literal, $r2:literal, $r3:literal) => {
        concat!(
            concat!($load, " ", $a, ", [", $at, "], #", $bytes, "\n"),
            concat!($sum, " ", $r0, ", ", $x, ", ", $a, "\n"),
            concat!($load, " ", $b, ", [", $at, "], #", $bytes, "\n"),
            concat!($sum, " ", $r1, ", ", $x, ", ", $b, "\n"),
            concat!($load, " ", $a, ", [", $at, "], #", $bytes, "\n"),
            concat!($sum, " ", $r2, ", ", $x, ", ", $a, "\n"),
            concat!($load, " ", $b, ", [", $at, "], #", $bytes, "\n"),
            concat!($sum, " ", $r3, ", ", $x, ", ", $b, "\n"),
        )
    };
}

/// Requantizes a block's four sums into the lower halves of `$q`'s lanes, with the multipliers at `$at`.
///
/// A multiplier is in `0..2^31`, so the high word of its product with a sum is in `-2^30..2^30`; it is saturated to i16.
macro_rules! requantize {
    ($at:literal, [$q:literal, $low:literal, $high:literal, $m:literal], $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("vldrw.u32 ", $m, ", [", $at, "], #16\n"),
            concat!("vmov ", $low, ", ", $a, ", ", $b, "\n"),
            concat!("vmov ", $high, ", ", $c, ", ", $d, "\n"),
            concat!("vmulh.s32 ", $q, ", ", $q, ", ", $m, "\n"),
            concat!("vqmovnb.s32 ", $q, ", ", $q, "\n"),
        )
    };
}

/// A dense kernel of few inputs, below 32, and i8 weights, which keeps the activations in registers: r0 = activations,
/// r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// In a block r4, r6, r8 and r10 hold the sums (`VMLADAVA` takes even registers), r0, r2 and r12 those of high bytes, lr
/// the blocks or rows to do; r5 says whether outputs are clamped at zero, r7 whether a quad is left over, and the flags,
/// which nothing in the loops changes, that eight inputs are (minus), or nothing is (zero).
macro_rules! few_kernel {
    ($name:ident, $save:literal, $restore:literal, $split:literal, $block:expr, $row:expr,
     [$a:literal, $low:literal, $high:literal, $b:literal], $eight:literal, $quad:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                ".cpu cortex-m55", // the assembler is not told of the target's here
                "push {{r4, r5, r6, r7, r8, r9, r10, lr}}",
                $save,
                "ldrb r5, [r2, #{relu}]",
                "ldrd r8, r9, [r2, #{block_bytes}]", // and rest
                "ldr r10, [r2, #{quads}]",
                "lsrs r8, r8, #3",
                "and r7, r10, #1",
                "lsls r10, r10, #30",
                $split,
                "bpl 1f",
                concat!("vldrh.u16 ", $eight, ", [r0], #16"),
                "1:",
                "cbz r7, 2f",
                concat!("vldrh.s32 ", $quad, ", [r0]"),
                "2:",
                "wls lr, r8, 7f",
                "3:", // a block of four rows
                "ldm r3!, {{r4, r6, r8, r10}}",
                $block,
                "bpl 4f",
                inputs!("vldrb.s16", "r3", "8", "vmladava.s16", $eight, [$a, $b], "r4", "r6", "r8", "r10"),
                "4:",
                "cbz r7, 5f",
                inputs!("vldrb.s32", "r3", "4", "vmladava.s32", $quad, [$a, $b], "r4", "r6", "r8", "r10"),
                "5:",
                requantize!("r3", [$a, $low, $high, $b], "r4", "r6", "r8", "r10"),
                "cbz r5, 6f",
                concat!("vqshlu.s16 ", $a, ", ", $a, ", #0"), // the shift saturates to 0 from below
                "6:",
                concat!("vstrh.32 ", $a, ", [r1], #8"),
                "le lr, 3b",
                "7:", // rows left over, one by one
                "wls lr, r9, 9f",
                "8:",
                "ldr r4, [r3], #4",
                $row,
                "bpl 81f",
                concat!("vldrb.s16 ", $a, ", [r3], #8"),
                concat!("vmladava.s16 r4, ", $eight, ", ", $a),
                "81:",
                "cbz r7, 82f",
                concat!("vldrb.s32 ", $a, ", [r3], #4"),
                concat!("vmladava.s32 r4, ", $quad, ", ", $a),
                "82:",
                "ldr r6, [r3], #4",
                "smmul r4, r4, r6",
                "ssat r4, #16, r4",
                "cbz r5, 83f",
                "usat r4, #15, r4",
                "83:",
                "strh r4, [r1], #2",
                "le lr, 8b",
                "9:",
                $restore,
                "pop {{r4, r5, r6, r7, r8, r9, r10, pc}}",
                block_bytes = const offset_of!(DenseShape, block_bytes),
                quads = const offset_of!(DenseShape, quads),
                relu = const offset_of!(DenseShape, relu),
            )
        }
    };
}

few_kernel!(below_16_i8, "", "", "", "", "", ["q0", "d0", "d1", "q1"], "q2", "q3");
few_kernel!(
    below_32_i8,
    "vpush {{d8-d15}}",
    "vpop {{d8-d15}}",
    "vmov.i8 q0, #0x80
     vld20.8 {{q2, q3}}, [r0]
     vld21.8 {{q2, q3}}, [r0]!
     veor q2, q2, q0
     beq 2f",
    sixteen_kept!(),
    single_kept!(),
    ["q4", "d8", "d9", "q5"],
    "q0",
    "q1"
);

/// A dense kernel of split activations and i8 weights: r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// In a block r0, r2, r4 and r6 hold the sums of low bytes, r8, r10, r12 and lr those of high ones
/// (`VMLADAVA` takes even registers), r1 and r3 are the next word and activation, r9 the rounds to
/// do, r5 the quads left over, r7 and r11 the next output and the end of the blocks' outputs. Stack:
/// activations, rounds between the zeros that sums of high bytes begin with, where the loop of four groups a round is
/// entered, rest, groups.
macro_rules! split_kernel {
    ($name:ident, $clamp:literal, $saturate:literal, $bits:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                ".cpu cortex-m55", // the assembler is not told of the target's here
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "vpush {{d8-d15}}",
                "ldrd r4, r8, [r2, #{block_bytes}]", // and rest
                "ldr r5, [r2, #{quads}]",
                "mov r7, r1",
                "mov r1, r3",
                "mov r3, r0",
                "add r11, r7, r4",
                "vmov.i8 q2, #0x80",
                "lsrs r10, r5, #2",
                "wls lr, r10, 11f",
                "10:",
                "vld20.8 {{q0, q1}}, [r3]",
                "vld21.8 {{q0, q1}}, [r3]",
                "veor q0, q0, q2",
                "vstmia r3!, {{d0-d3}}",
                "le lr, 10b",
                "11:",
                "lsrs r4, r5, #3", // pairs of groups, two a round
                "adr.w r6, 2f",
                "it eq",
                "adreq.w r6, 4f",
                "lsls r9, r4, #31",
                "it mi",
                "adrmi.w r6, 3f",
                "orr r6, r6, #1", // the jump stays in Thumb state
                "adds r4, r4, #1",
                "lsrs r4, r4, #1",
                "and r5, r5, #7",
                "mov r12, r6",
                "push {{r8, r10}}",
                "mov r2, #0",
                "mov r6, #0",
                "mov r8, #0",
                "push {{r0, r2, r4, r6, r8, r12}}",
                "cmp r7, r11",
                "beq 7f",
                "1:", // a block of four rows
                "ldm r1!, {{r0, r2, r4, r6}}",
                "mov lr, #0",
                "ldm sp, {{r3, r8, r9, r10, r12, pc}}",
                ".p2align 2",
                "2:",
                "vldmia r3!, {{d0-d7}}",
                sixteen!("q0", "q1"),
                sixteen!("q2", "q3"),
                "3:",
                "vldmia r3!, {{d0-d7}}",
                sixteen!("q0", "q1"),
                sixteen!("q2", "q3"),
                "subs r9, r9, #1",
                "bne 2b",
                "4:",
                "cbnz r5, 5f",
                "6:",
                "add r0, r0, r8, lsl #8",
                "add r2, r2, r10, lsl #8",
                "add r4, r4, r12, lsl #8",
                "add r6, r6, lr, lsl #8",
                requantize!("r1", ["q0", "d0", "d1", "q1"], "r0", "r2", "r4", "r6"),
                $clamp,
                "vstrh.32 q0, [r7], #8",
                "cmp r7, r11",
                "bne 1b",
                "b 7f",
                "5:", // what is left over of the inputs
                "lsls r9, r5, #30", // the carry says sixteen, the sign eight, zero that no more are left
                "bcc 51f",
                "vldmia r3!, {{d0-d3}}",
                sixteen!("q0", "q1"),
                "beq 6b",
                "51:",
                "bpl 52f",
                "vldrh.u16 q0, [r3], #16",
                inputs!("vldrb.s16", "r1", "8", "vmladava.s16", "q0", ["q1", "q2"], "r0", "r2", "r4", "r6"),
                "52:",
                "lsls r9, r5, #31",
                "beq 6b",
                "vldrh.s32 q0, [r3]",
                inputs!("vldrb.s32", "r1", "4", "vmladava.s32", "q0", ["q1", "q2"], "r0", "r2", "r4", "r6"),
                "b 6b",
                "7:", // rows left over, one by one
                "ldrd r4, r6, [sp, #24]",
                "cbz r4, 9f",
                "8:",
                "ldr r0, [r1], #4",
                "mov r2, #0",
                "ldr r3, [sp]",
                "wls lr, r6, 82f",
                "81:",
                "vldmia r3!, {{d0-d3}}",
                "vldrb.u8 q2, [r1], #16",
                "vmladava.s8 r0, q0, q2",
                "vmladava.s8 r2, q1, q2",
                "le lr, 81b",
                "82:",
                "lsls r9, r5, #30",
                "bpl 83f",
                "vldrh.u16 q0, [r3], #16",
                "vldrb.s16 q1, [r1], #8",
                "vmladava.s16 r0, q0, q1",
                "83:",
                "lsls r9, r5, #31",
                "beq 84f",
                "vldrh.s32 q0, [r3]",
                "vldrb.s32 q1, [r1], #4",
                "vmladava.s32 r0, q0, q1",
                "84:",
                "add r0, r0, r2, lsl #8",
                "ldr r9, [r1], #4",
                "smmul r0, r0, r9",
                concat!($saturate, " r0, ", $bits, ", r0"),
                "strh r0, [r7], #2",
                "subs r4, r4, #1",
                "bne 8b",
                "9:", // the activations as they were
                "ldr r3, [sp], #32",
                "vmov.i8 q2, #0x80",
                "wls lr, r6, 92f",
                "91:",
                "vldmia r3, {{d0-d3}}",
                "veor q0, q0, q2",
                "vst20.8 {{q0, q1}}, [r3]",
                "vst21.8 {{q0, q1}}, [r3]!",
                "le lr, 91b",
                "92:",
                "vpop {{d8-d15}}",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                block_bytes = const offset_of!(DenseShape, block_bytes),
                quads = const offset_of!(DenseShape, quads),
            )
        }
    };
}

split_kernel!(linear_i8, "", "ssat", "#16");
split_kernel!(relu_i8, "vqshlu.s16 q0, q0, #0", "usat", "#15"); // the shift saturates to 0 from below

/// A dense kernel of i16 weights: r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// In a block r4, r6, r8 and r10 hold the sums (`VMLADAVA` takes even registers), r0 and r1 the next
/// activation and word, lr the groups to do; r2 is the next output, r3 the end of the blocks'
/// outputs, r12 the number of quads. Stack while it runs: activations, rest, whether outputs are
/// clamped at zero.
#[unsafe(naked)]
unsafe extern "C" fn rows_i16(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
    naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, r5, r6, r7, r8, r10, lr}}",
        "ldrb r6, [r2, #{relu}]",
        "ldrd r4, r5, [r2, #{block_bytes}]", // and rest
        "ldr r12, [r2, #{quads}]",
        "push {{r0, r5, r6}}",
        "mov r2, r1",
        "mov r1, r3",
        "adds r3, r2, r4",
        "cmp r2, r3",
        "beq 4f",
        "1:", // a block of four rows
        "ldm r1!, {{r4, r6, r8, r10}}",
        "ldr r0, [sp]",
        "lsrs r5, r12, #1", // the carry says that a quad is left over
        "wls lr, r5, 7f",
        "2:",
        "vldrh.u16 q0, [r0], #16",
        inputs!("vldrh.u16", "r1", "16", "vmladava.s16", "q0", ["q1", "q2"], "r4", "r6", "r8", "r10"),
        "le lr, 2b",
        "7:",
        "bcc 8f",
        "vldrh.s32 q0, [r0]",
        inputs!("vldrh.s32", "r1", "8", "vmladava.s32", "q0", ["q1", "q2"], "r4", "r6", "r8", "r10"),
        "8:",
        "ldr r0, [sp, #8]",
        requantize!("r1", ["q0", "d0", "d1", "q1"], "r4", "r6", "r8", "r10"),
        "cbz r0, 9f",
        "vqshlu.s16 q0, q0, #0",
        "9:",
        "vstrh.32 q0, [r2], #8",
        "cmp r2, r3",
        "bne 1b",
        "4:", // rows left over, one by one
        "ldrd r5, r7, [sp, #4]",
        "cbz r5, 6f",
        "3:",
        "ldr r4, [r1], #4",
        "ldr r0, [sp]",
        "lsl r6, r12, #2",
        "dlstp.16 lr, r6",
        "5:",
        "vldrh.u16 q0, [r0], #16",
        "vldrh.u16 q1, [r1], #16",
        "vmladava.s16 r4, q0, q1",
        "letp lr, 5b",
        "lsls r6, r12, #31",
        "it ne", // an odd number of quads: half of the last load was none
        "subne r1, r1, #8",
        "ldr r6, [r1], #4",
        "smmul r4, r4, r6",
        "ssat r4, #16, r4",
        "cmp r7, #0",
        "it ne",
        "usatne r4, #15, r4",
        "strh r4, [r2], #2",
        "subs r5, r5, #1",
        "bne 3b",
        "6:",
        "add sp, sp, #12",
        "pop {{r4, r5, r6, r7, r8, r10, pc}}",
        block_bytes = const offset_of!(DenseShape, block_bytes),
        quads = const offset_of!(DenseShape, quads),
        relu = const offset_of!(DenseShape, relu),
    )
}

/// A dense kernel of [nibbles](super::layout::Layout#nibbles): r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// Registers as in the kernel of unsplit activations, with q3 the mask of every other nibble, and on the stack behind
/// whether outputs are clamped what the 8 that is added to each weight adds to every row.
#[unsafe(naked)]
unsafe extern "C" fn rows_i4(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
    naked_asm!(
        ".cpu cortex-m55", // the assembler is not told of the target's here
        "push {{r4, r5, r6, r7, r8, r10, lr}}",
        "ldrb r6, [r2, #{relu}]",
        "ldrd r4, r5, [r2, #{block_bytes}]", // and rest
        "ldr r12, [r2, #{quads}]",
        "mov r2, r1",
        "mov r1, r3",
        "mov r8, #0",
        "mov r7, r0",
        "lsl r3, r12, #2",
        "dlstp.16 lr, r3",
        "10:",
        "vldrh.u16 q0, [r7], #16",
        "vaddva.s16 r8, q0",
        "letp lr, 10b",
        "lsl r8, r8, #3",
        "mov r7, r8",
        "push {{r0, r5, r6, r7}}",
        "movw r6, #0x0f0f",
        "vdup.16 q3, r6",
        "adds r3, r2, r4",
        "cmp r2, r3",
        "beq 4f",
        "1:", // a block of four rows
        "ldm r1!, {{r4, r6, r8, r10}}",
        "ldr r0, [sp]",
        "lsl r5, r12, #2",
        "dlstp.16 lr, r5",
        "2:",
        "vldrh.u16 q0, [r0], #16",
        "vldrh.u16 q1, [r1], #16",
        "vand q2, q1, q3",
        "vmladava.s16 r4, q0, q2",
        "vshr.u16 q1, q1, #4",
        "vand q1, q1, q3",
        "vmladava.s16 r6, q0, q1",
        "vshr.u16 q2, q2, #8",
        "vmladava.s16 r8, q0, q2",
        "vshr.u16 q1, q1, #8",
        "vmladava.s16 r10, q0, q1",
        "letp lr, 2b",
        "lsls r5, r12, #31",
        "it ne", // an odd number of quads: half of the last load was none
        "subne r1, r1, #8",
        "ldrd r5, r7, [sp, #8]",
        "sub r4, r4, r8, lsl #8",
        "sub r6, r6, r10, lsl #8",
        "sub r4, r4, r7",
        "sub r6, r6, r7",
        "sub r8, r8, r7",
        "sub r10, r10, r7",
        requantize!("r1", ["q0", "d0", "d1", "q1"], "r4", "r6", "r8", "r10"),
        "cbz r5, 9f",
        "vqshlu.s16 q0, q0, #0",
        "9:",
        "vstrh.32 q0, [r2], #8",
        "cmp r2, r3",
        "bne 1b",
        "4:", // rows left over, one by one
        "ldrd r5, r7, [sp, #4]",
        "cbz r5, 6f",
        "3:",
        "ldr r4, [r1], #4",
        "ldr r0, [sp]",
        "lsl r6, r12, #2",
        "dlstp.16 lr, r6",
        "5:",
        "vldrh.u16 q0, [r0], #16",
        "vldrb.s16 q1, [r1], #8",
        "vmladava.s16 r4, q0, q1",
        "letp lr, 5b",
        "lsls r6, r12, #31",
        "it ne", // as above
        "subne r1, r1, #4",
        "ldr r6, [r1], #4",
        "smmul r4, r4, r6",
        "ssat r4, #16, r4",
        "cmp r7, #0",
        "it ne",
        "usatne r4, #15, r4",
        "strh r4, [r2], #2",
        "subs r5, r5, #1",
        "bne 3b",
        "6:",
        "add sp, sp, #16",
        "pop {{r4, r5, r6, r7, r8, r10, pc}}",
        block_bytes = const offset_of!(DenseShape, block_bytes),
        quads = const offset_of!(DenseShape, quads),
        relu = const offset_of!(DenseShape, relu),
    )
}

/// There is no unrolled loop to enter.
pub(super) const QUARTER_I4: usize = 0;
/// There is no unrolled loop to enter.
pub(super) const QUARTER_I8: usize = 0;
/// There is no unrolled loop to enter.
pub(super) const QUARTER_I16: usize = 0;

#[inline(always)]
pub(super) fn dense_i4(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<I4>(rows_i4, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i4_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<I4>(rows_i4, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    let kernel = match (splits_in_place::<Native, i8>(shape.quads), shape.relu) {
        (false, _) => few_i8(shape),
        (true, false) => linear_i8,
        (true, true) => relu_i8,
    };
    call::<i8>(kernel, shape, stream, x, y);
}

/// The kernel of few inputs.
#[inline(always)]
fn few_i8(shape: &DenseShape) -> Assembly {
    if splits::<Native, i8>(shape.quads) { below_32_i8 } else { below_16_i8 }
}

/// A kernel that splits activations in place does not leave them as they are.
#[inline(always)]
pub(super) fn dense_i8_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    !splits_in_place::<Native, i8>(shape.quads)
        && call_from::<i8>(few_i8(shape), shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i16>(rows_i16, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i16>(rows_i16, shape, stream, x, y)
}
