//! Armv7-M without the DSP extension: four rows in the [lanes](super::layout::Layout#lanes) of a word.
//!
//! A quad of inputs takes 33 instructions for its 16 multiply-accumulates: one load-multiple of its
//! four words, and per input a load of the activation, three shifts and four `MLA`s. The loop does
//! four quads a round and is entered where a first, partial round begins.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::{call, call_from};
use super::layout::I4;
use super::shape::DenseShape;
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// One quad of [nibbles](super::layout::Layout#nibbles), two inputs a word: 37 instructions, 128 bytes.
macro_rules! quad4 {
    () => {
        "ldrd r4, r5, [r1], #8
         .irp w, r4, r5
         ldrsh r2, [r0], #2
         uxth r3, \\w
         mla r8, r3, r2, r8
         ubfx r3, \\w, #4, #12
         mla r9, r3, r2, r9
         ubfx r3, \\w, #8, #8
         mla r10, r3, r2, r10
         ubfx r3, \\w, #12, #4
         mla r11, r3, r2, r11
         ldrsh r2, [r0], #2
         lsrs r3, \\w, #16
         mla r8, r3, r2, r8
         lsrs r3, \\w, #20
         mla r9, r3, r2, r9
         lsrs r3, \\w, #24
         mla r10, r3, r2, r10
         lsrs r3, \\w, #28
         mla r11, r3, r2, r11
         .endr
        "
    };
}

/// One quad of i8 weights, 106 bytes.
macro_rules! quad8 {
    () => {
        "ldm r1!, {{r4, r5, r6, r7}}
         .irp w, r4, r5, r6, r7
         ldrsh r2, [r0], #2
         asrs r3, \\w, #8
         mla r9, r3, r2, r9
         asrs r3, \\w, #16
         mla r10, r3, r2, r10
         asrs r3, \\w, #24
         mla r11, r3, r2, r11
         mla r8, \\w, r2, r8
         .endr
        "
    };
}

/// One quad of i16 weights, two rows a word: 30 instructions, 100 bytes.
macro_rules! quad16 {
    () => {
        ".rept 2
         ldm r1!, {{r4, r5, r6, r7}}
         ldrsh r2, [r0], #2
         asrs r3, r4, #16
         mla r9, r3, r2, r9
         mla r8, r4, r2, r8
         asrs r3, r5, #16
         mla r11, r3, r2, r11
         mla r10, r5, r2, r10
         ldrsh r2, [r0], #2
         asrs r3, r6, #16
         mla r9, r3, r2, r9
         mla r8, r6, r2, r8
         asrs r3, r7, #16
         mla r11, r3, r2, r11
         mla r10, r7, r2, r10
         .endr
        "
    };
}

/// As [`apart8`], for four rows a half-word.
macro_rules! apart4 {
    () => {
        "sub r8, r8, r9, lsl #4
         sub r9, r9, r10, lsl #4
         sub r10, r10, r11, lsl #4
         sub r8, r8, r12
         sub r9, r9, r12
         sub r10, r10, r12
         sub r11, r11, r12
        "
    };
}

/// Takes the lanes of four sums apart; r12 holds the sum of all inputs in units of the offset.
macro_rules! apart8 {
    () => {
        "sub r8, r8, r9, lsl #8
         sub r9, r9, r10, lsl #8
         sub r10, r10, r11, lsl #8
         sub r8, r8, r12
         sub r9, r9, r12
         sub r10, r10, r12
        "
    };
}

/// As [`apart8`], for two rows a word.
macro_rules! apart16 {
    () => {
        "sub r8, r8, r9, lsl #16
         sub r10, r10, r11, lsl #16
         sub r8, r8, r12
         sub r10, r10, r12
        "
    };
}

/// A dense kernel: r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// In a block r8-r11 hold the sums, r4-r7 words of weights, r2 an activation, r3 an unpacked weight,
/// r0 and r1 the next activation and word, lr the rounds to do.
///
/// Stack while it runs: activations, entry, rounds, next output, end of the blocks' outputs, rest,
/// quads, sum of the inputs in units of the lanes' offset, whether outputs are clamped at zero; the
/// first three are loaded together at the start of a block.
macro_rules! kernel {
    ($name:ident, $quad:ident, $apart:ident, $quarter:ident, $offset:literal, $load:literal, $bytes:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "ldrb r10, [r2, #{relu}]",
                "mov r11, r3",
                "ldm r2, {{r3, r4, r6, r7, r8}}", // entry, rounds, block bytes, rest, quads
                "mov r5, r1",
                "mov r1, r11",
                "mov r9, #0",
                "cbz r6, 8f", // without a block nothing has an offset
                "mov r2, r0",
                "mov lr, r8",
                "7:",
                "ldrd r11, r12, [r2], #8",
                "add r9, r9, r11, asr #16",
                "sxth r11, r11",
                "add r9, r9, r11",
                "add r9, r9, r12, asr #16",
                "sxth r12, r12",
                "add r9, r9, r12",
                "subs lr, lr, #1",
                "bne 7b",
                concat!("lsl r9, r9, #", $offset),
                "8:",
                "adds r6, r6, r5",
                "adr r12, 2f",
                "adds r3, r3, r12",
                "orr r3, r3, #1", // bx stays in Thumb state
                "push {{r0, r3, r4, r5, r6, r7, r8, r9, r10}}",
                "cmp r5, r6",
                "beq 4f",
                "1:", // a block of four rows
                "ldm r1!, {{r8, r9, r10, r11}}",
                "ldm sp, {{r0, r12, lr}}",
                "bx r12",
                ".p2align 2",
                "2:",
                ".rept 4",
                $quad!(),
                ".endr",
                // The entry counts on the length of a quad: no space, which a build with another refuses.
                "90:",
                ".space 4 * {quarter} - (90b - 2b)",
                ".space (90b - 2b) - 4 * {quarter}",
                "subs lr, lr, #1",
                "bne 2b",
                "ldrd r12, lr, [sp, #28]",
                $apart!(),
                "ldm r1!, {{r4, r5, r6, r7}}",
                "smull r3, r8, r8, r4",
                "smull r3, r9, r9, r5",
                "smull r3, r10, r10, r6",
                "smull r3, r11, r11, r7",
                "ldrd r2, r3, [sp, #12]",
                "cmp lr, #0",
                "bne 9f",
                "ssat r8, #16, r8",
                "ssat r9, #16, r9",
                "ssat r10, #16, r10",
                "ssat r11, #16, r11",
                "b 10f",
                "9:",
                "usat r8, #15, r8",
                "usat r9, #15, r9",
                "usat r10, #15, r10",
                "usat r11, #15, r11",
                "10:",
                "bfi r8, r9, #16, #16",
                "bfi r10, r11, #16, #16",
                "str r8, [r2], #4", // outputs may lie anywhere
                "str r10, [r2], #4",
                "str r2, [sp, #12]",
                "cmp r2, r3",
                "bne 1b",
                "4:",                    // rows left over, one by one
                "ldrd r5, r6, [sp, #20]", // rest, quads
                "ldr r10, [sp, #12]",
                "ldr r7, [sp, #32]",
                "cbz r5, 6f",
                "3:",
                "ldr r8, [r1], #4",
                "ldr r0, [sp]",
                "mov lr, r6",
                "5:",
                ".rept 4",
                concat!($load, " r4, [r1], #", $bytes),
                "ldrsh r2, [r0], #2",
                "mla r8, r4, r2, r8",
                ".endr",
                "subs lr, lr, #1",
                "bne 5b",
                "ldr r4, [r1], #4",
                "smull r3, r8, r8, r4",
                "ssat r8, #16, r8",
                "cmp r7, #0",
                "it ne",
                "usatne r8, #15, r8",
                "strh r8, [r10], #2",
                "subs r5, r5, #1",
                "bne 3b",
                "6:",
                "add sp, sp, #36",
                "pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}",
                quarter = const $quarter,
                relu = const offset_of!(DenseShape, relu),
            )
        }
    };
}

kernel!(rows_i4, quad4, apart4, QUARTER_I4, "3", "ldrsb", "1");
kernel!(rows_i8, quad8, apart8, QUARTER_I8, "7", "ldrsb", "1");
kernel!(rows_i16, quad16, apart16, QUARTER_I16, "15", "ldrsh", "2");

/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I4: usize = 128;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I8: usize = 106;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = 100;

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
    call::<i8>(rows_i8, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i8_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i8>(rows_i8, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i16>(rows_i16, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i16>(rows_i16, shape, stream, x, y)
}
