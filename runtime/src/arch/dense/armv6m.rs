//! Armv6-M: four rows in the [lanes](super::layout::Layout#lanes) of a word, and sixteen registers.
//!
//! A quad of inputs takes 51 instructions for its 16 multiply-accumulates: three load-multiples and,
//! per input, one instruction that unpacks the activation, three shifts, four multiplications and
//! four additions, whose sums live in the registers r8-r11 that little else can reach. The loop does
//! four quads a round and is entered where a first, partial round begins.
//!
//! No instruction branches on data, so the time is the same for all inputs.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::{call, call_from};
use super::layout::I4;
use super::shape::DenseShape;
use crate::tensor::Quad;
use core::arch::naked_asm;
use core::mem::offset_of;

/// One input's word of i8 weights in `$w`, the activation in r4.
macro_rules! column8 {
    ($w:literal) => {
        concat!(
            "asrs r7, ",
            $w,
            ", #8\n",
            "muls r7, r4\n",
            "add r9, r7\n",
            "asrs r7, ",
            $w,
            ", #16\n",
            "muls r7, r4\n",
            "add r10, r7\n",
            "asrs r7, ",
            $w,
            ", #24\n",
            "muls r7, r4\n",
            "add r11, r7\n",
            "muls ",
            $w,
            ", r4\n",
            "add r8, ",
            $w,
            "\n",
        )
    };
}

/// One quad of i8 weights, 102 bytes.
macro_rules! quad8 {
    () => {
        concat!(
            "ldm r0!, {{r2, r3}}\n",
            "ldm r1!, {{r5, r6}}\n",
            "sxth r4, r2\n",
            column8!("r5"),
            "asrs r4, r2, #16\n",
            column8!("r6"),
            "ldm r1!, {{r5, r6}}\n",
            "sxth r4, r3\n",
            column8!("r5"),
            "asrs r4, r3, #16\n",
            column8!("r6"),
        )
    };
}

/// One input's [nibbles](super::layout::Layout#nibbles) in the upper half of `$w`, the activation in r4.
macro_rules! column4 {
    ($w:literal) => {
        concat!(
            concat!("lsrs r7, ", $w, ", #20\n"),
            "muls r7, r4\n",
            "add r9, r7\n",
            concat!("lsrs r7, ", $w, ", #24\n"),
            "muls r7, r4\n",
            "add r10, r7\n",
            concat!("lsrs r7, ", $w, ", #28\n"),
            "muls r7, r4\n",
            "add r11, r7\n",
            concat!("lsrs ", $w, ", ", $w, ", #16\n"),
            concat!("muls ", $w, ", r4\n"),
            concat!("add r8, ", $w, "\n"),
        )
    };
}

/// One quad of weights of 4 bits: 57 instructions, 114 bytes.
macro_rules! quad4 {
    () => {
        concat!("ldm r0!, {{r2, r3}}\n", inputs4!("r2"), inputs4!("r3"),)
    };
}

/// Two inputs of weights of 4 bits, their activations in `$x`.
macro_rules! inputs4 {
    ($x:literal) => {
        concat!(
            "ldm r1!, {{r5}}\n",
            "lsls r6, r5, #16\n",
            concat!("sxth r4, ", $x, "\n"),
            column4!("r6"),
            concat!("asrs r4, ", $x, ", #16\n"),
            column4!("r5"),
        )
    };
}

/// One input's two words of i16 weights, the activation unpacked by `$unpack`.
macro_rules! column16 {
    ($unpack:literal) => {
        concat!(
            $unpack,
            "\n",
            "ldm r1!, {{r5, r6}}\n",
            "asrs r7, r5, #16\n",
            "muls r7, r4\n",
            "add r9, r7\n",
            "muls r5, r4\n",
            "add r8, r5\n",
            "asrs r7, r6, #16\n",
            "muls r7, r4\n",
            "add r11, r7\n",
            "muls r6, r4\n",
            "add r10, r6\n",
        )
    };
}

/// One quad of i16 weights: 49 instructions, 98 bytes.
macro_rules! quad16 {
    () => {
        concat!(
            "ldm r0!, {{r2, r3}}\n",
            column16!("sxth r4, r2"),
            column16!("asrs r4, r2, #16"),
            column16!("sxth r4, r3"),
            column16!("asrs r4, r3, #16"),
        )
    };
}

/// Takes the lanes of the sums in r4-r7 apart; r2 holds the sum of all inputs in units of the offset.
macro_rules! apart8 {
    () => {
        "lsls r3, r5, #8
         subs r4, r4, r3
         subs r4, r4, r2
         lsls r3, r6, #8
         subs r5, r5, r3
         subs r5, r5, r2
         lsls r3, r7, #8
         subs r6, r6, r3
         subs r6, r6, r2
        "
    };
}

/// As [`apart8`], for four rows a half-word.
macro_rules! apart4 {
    () => {
        "lsls r3, r5, #4
         subs r4, r4, r3
         subs r4, r4, r2
         lsls r3, r6, #4
         subs r5, r5, r3
         subs r5, r5, r2
         lsls r3, r7, #4
         subs r6, r6, r3
         subs r6, r6, r2
         subs r7, r7, r2
        "
    };
}

/// As [`apart8`], for two rows a word.
macro_rules! apart16 {
    () => {
        "lsls r3, r5, #16
         subs r4, r4, r3
         subs r4, r4, r2
         lsls r3, r7, #16
         subs r6, r6, r3
         subs r6, r6, r2
        "
    };
}

/// One quad of a single row of i8 weights, summed in r8.
macro_rules! single8 {
    () => {
        "ldm r1!, {{r6}}
         sxtb r5, r6
         sxth r4, r2
         muls r4, r5
         add r8, r4
         lsls r5, r6, #16
         asrs r5, r5, #24
         asrs r2, r2, #16
         muls r2, r5
         add r8, r2
         lsls r5, r6, #8
         asrs r5, r5, #24
         sxth r4, r3
         muls r4, r5
         add r8, r4
         asrs r6, r6, #24
         asrs r3, r3, #16
         muls r3, r6
         add r8, r3
        "
    };
}

/// One quad of a single row of i16 weights.
macro_rules! single16 {
    () => {
        "ldm r1!, {{r5, r6}}
         sxth r4, r2
         sxth r7, r5
         muls r4, r7
         add r8, r4
         asrs r2, r2, #16
         asrs r5, r5, #16
         muls r2, r5
         add r8, r2
         sxth r4, r3
         sxth r7, r6
         muls r4, r7
         add r8, r4
         asrs r3, r3, #16
         asrs r6, r6, #16
         muls r3, r6
         add r8, r3
        "
    };
}

/// Requantizes the accumulator in `$acc`, with the multiplier's word from the stream.
///
/// lr = -largest, r9 = distance of largest and smallest, r10 = smallest output. With
/// a' = min(a - largest, 0) + distance, the output is max(a', 0) + smallest.
macro_rules! requantize {
    ($acc:literal) => {
        concat!(
            "ldm r1!, {{r2}}\n",
            "lsrs r3, r2, #16\n", // multiplier
            "asrs r0, ",
            $acc,
            ", #16\n",
            "muls r0, r3\n",
            "uxth ",
            $acc,
            ", ",
            $acc,
            "\n",
            "muls ",
            $acc,
            ", r3\n",
            "lsrs ",
            $acc,
            ", ",
            $acc,
            ", #16\n",
            "adds ",
            $acc,
            ", ",
            $acc,
            ", r0\n",
            "asrs ",
            $acc,
            ", r2\n", // by the lowest byte
            "add ",
            $acc,
            ", lr\n",
            "asrs r2, ",
            $acc,
            ", #31\n",
            "ands ",
            $acc,
            ", r2\n",
            "add ",
            $acc,
            ", r9\n",
            "asrs r2, ",
            $acc,
            ", #31\n",
            "bics ",
            $acc,
            ", r2\n",
            "add ",
            $acc,
            ", r10\n",
        )
    };
}

/// A dense kernel: r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// In a block r8-r11 hold the sums, r2 and r3 a quad of activations, r4 one of them, r5 and r6 words
/// of weights, r7 a weight, r0 and r1 the next activation and word, r12 the end of the activations,
/// lr the largest output, negated.
///
/// Stack while it runs: activations, entry, next output, end of the blocks' outputs, rest, sum of
/// the inputs in units of the lanes' offset, distance of the largest and smallest output, smallest
/// output.
macro_rules! kernel {
    ($name:ident, $quad:ident, $apart:ident, $single:ident, $quarter:ident, $offset:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(_: *mut Quad, _: *mut i16, _: *const DenseShape, _: *const u32) {
            naked_asm!(
                "push {{r4, r5, r6, r7, lr}}",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "push {{r4, r5, r6, r7}}",
                "sub sp, sp, #32",
                "str r0, [sp]",
                "mov r8, r3",
                "ldr r4, [r2, #{entry}]",
                "adr r5, 2f",
                "adds r4, r4, r5",
                "adds r4, r4, #1", // bx stays in Thumb state
                "str r4, [sp, #4]",
                "str r1, [sp, #8]",
                "ldr r7, [r2, #{block_bytes}]",
                "adds r4, r1, r7",
                "str r4, [sp, #12]",
                "ldr r4, [r2, #{rest}]",
                "str r4, [sp, #16]",
                "ldrb r6, [r2, #{relu}]",
                "subs r6, r6, #1",
                "lsls r6, r6, #15", // 0, or -32768
                "str r6, [sp, #28]",
                "ldr r4, 11f",
                "subs r6, r4, r6",
                "str r6, [sp, #24]",
                "rsbs r4, r4, #0",
                "mov lr, r4",
                "ldr r4, [r2, #{quads}]",
                "lsls r4, r4, #3",
                "adds r4, r4, r0",
                "mov r12, r4",
                "mov r1, r8",
                "cmp r7, #0", // without a block nothing has an offset
                "beq 12f",
                "movs r3, #0",
                "7:",
                "ldm r0!, {{r5, r6}}",
                "sxth r7, r5",
                "adds r3, r3, r7",
                "asrs r5, r5, #16",
                "adds r3, r3, r5",
                "sxth r7, r6",
                "adds r3, r3, r7",
                "asrs r6, r6, #16",
                "adds r3, r3, r6",
                "cmp r0, r4",
                "bne 7b",
                concat!("lsls r3, r3, #", $offset),
                "str r3, [sp, #20]",
                "b 1f",
                "12:",
                "b 4f",
                ".p2align 2",
                "11:",
                ".word 32767",
                "1:", // a block of four rows
                "ldm r1!, {{r4, r5, r6, r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "ldr r0, [sp]",
                "ldr r4, [sp, #4]",
                "bx r4",
                ".p2align 2",
                "2:",
                $quad!(),
                $quad!(),
                $quad!(),
                $quad!(),
                // The entry counts on the length of a quad: no space, which a build with another refuses.
                "90:",
                ".space 4 * {quarter} - (90b - 2b)",
                ".space (90b - 2b) - 4 * {quarter}",
                "cmp r0, r12",
                "beq 8f",
                "b 2b",
                "8:",
                "mov r4, r8",
                "mov r5, r9",
                "mov r6, r10",
                "mov r7, r11",
                "ldr r2, [sp, #20]",
                $apart!(),
                "ldr r2, [sp, #24]",
                "mov r9, r2",
                "ldr r2, [sp, #28]",
                "mov r10, r2",
                requantize!("r4"),
                requantize!("r5"),
                requantize!("r6"),
                requantize!("r7"),
                "ldr r2, [sp, #8]",
                "ldr r3, [sp, #12]",
                "strh r4, [r2]",
                "strh r5, [r2, #2]",
                "strh r6, [r2, #4]",
                "strh r7, [r2, #6]",
                "adds r2, r2, #8",
                "str r2, [sp, #8]",
                "cmp r2, r3",
                "beq 4f",
                "b 1b",
                "4:", // rows left over, one by one
                "ldr r2, [sp, #24]",
                "mov r9, r2",
                "ldr r2, [sp, #28]",
                "mov r10, r2",
                "ldr r2, [sp, #16]",
                "cmp r2, #0",
                "beq 6f",
                "lsls r2, r2, #1",
                "ldr r3, [sp, #8]",
                "adds r2, r2, r3",
                "mov r11, r2", // end of the outputs
                "3:",
                "ldm r1!, {{r4}}",
                "mov r8, r4",
                "ldr r0, [sp]",
                "5:",
                "ldm r0!, {{r2, r3}}",
                $single!(),
                "cmp r0, r12",
                "bne 5b",
                "mov r4, r8",
                requantize!("r4"),
                "ldr r2, [sp, #8]",
                "strh r4, [r2]",
                "adds r2, r2, #2",
                "str r2, [sp, #8]",
                "cmp r2, r11",
                "bne 3b",
                "6:",
                "add sp, sp, #32",
                "pop {{r4, r5, r6, r7}}",
                "mov r8, r4",
                "mov r9, r5",
                "mov r10, r6",
                "mov r11, r7",
                "pop {{r4, r5, r6, r7, pc}}",
                quarter = const $quarter,
                entry = const offset_of!(DenseShape, entry),
                block_bytes = const offset_of!(DenseShape, block_bytes),
                rest = const offset_of!(DenseShape, rest),
                quads = const offset_of!(DenseShape, quads),
                relu = const offset_of!(DenseShape, relu),
            )
        }
    };
}

kernel!(rows_i4, quad4, apart4, single8, QUARTER_I4, "3");
kernel!(rows_i8, quad8, apart8, single8, QUARTER_I8, "7");
kernel!(rows_i16, quad16, apart16, single16, QUARTER_I16, "15");

/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I4: usize = 114;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I8: usize = 102;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = 98;

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
