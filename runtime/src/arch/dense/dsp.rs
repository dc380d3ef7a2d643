//! Armv7E-M and Armv8-M with the DSP extension: two multiply-accumulates an instruction.
//!
//! `SXTB16` widens bytes 0 and 2 of a word to half-words, `SXTB16 ROR #8` bytes 1 and 3; the
//! [interleaved](super::layout::Interleaved) layout stores the four weights of a group as `w0 w2 w1 w3`,
//! so they come out as the pairs `w0 w1` and `w2 w3` that `SMLAD` multiplies with two activations.
//!
//! A block of four rows holds its sums in r4-r7 while one pass over the activations feeds all four.
//! The loop does four quads a round and is entered where a first, partial round begins. One kernel
//! does layers with a clamp at zero and without. Whole functions are assembly because the loop needs
//! all fourteen registers, of which the compiler keeps two for itself.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::{Run, call, call_from, call_windows};
use super::layout::I4;
use super::shape::{DenseShape, Stretch};
use crate::tensor::Quad;
use core::arch::naked_asm;

/// A quad of activations that lies on words.
macro_rules! load_words {
    () => {
        "ldrd r1, r2, [r0], #8\n"
    };
}

/// A quad of activations wherever it lies: an instruction more, of four bytes.
macro_rules! load_any {
    () => {
        "ldr r1, [r0], #4\nldr r2, [r0], #4\n"
    };
}

/// One quad of i8 weights: four words, 16 multiply-accumulates in 18 instructions, 72 bytes.
macro_rules! quad8 {
    ($load:ident) => {
        concat!(
            "ldm r3!, {{r8, r9, r10, r11}}\n",
            $load!(),
            row8!("r4", "r8"),
            row8!("r5", "r9"),
            row8!("r6", "r10"),
            row8!("r7", "r11"),
        )
    };
}

/// One row of a quad: weights in `$w`, activations in r1 and r2.
macro_rules! row8 {
    ($acc:literal, $w:literal) => {
        concat!(
            "sxtb16 lr, ",
            $w,
            "\n",
            "smlad ",
            $acc,
            ", lr, r1, ",
            $acc,
            "\n",
            "sxtb16 ",
            $w,
            ", ",
            $w,
            ", ror #8\n",
            "smlad ",
            $acc,
            ", ",
            $w,
            ", r2, ",
            $acc,
            "\n",
        )
    };
}

/// One quad of i16 weights: eight words, 16 multiply-accumulates in 11 instructions, 44 bytes.
macro_rules! quad16 {
    ($load:ident) => {
        concat!(
            $load!(),
            "ldm r3!, {{r8, r9, r10, r11}}
             smlad r4, r8, r1, r4
             smlad r4, r9, r2, r4
             smlad r5, r10, r1, r5
             smlad r5, r11, r2, r5
             ldm r3!, {{r8, r9, r10, r11}}
             smlad r6, r8, r1, r6
             smlad r6, r9, r2, r6
             smlad r7, r10, r1, r7
             smlad r7, r11, r2, r7
            "
        )
    };
}

/// One quad of weights of 4 bits: two words of two inputs each, 16 multiply-accumulates in 18 instructions, 72 bytes.
macro_rules! quad4 {
    ($load:ident) => {
        concat!("ldrd r8, r9, [r3], #8\n", $load!(), inputs4!("r8", "r1"), inputs4!("r9", "r2"))
    };
}

/// Two inputs of four rows: [nibbles](super::layout::Layout#nibbles) in `$w`, activations in `$x`, the mask of every other
/// nibble in r10. Sums are those of rows 0 and 2, 1 and 3, 2, and 3.
macro_rules! inputs4 {
    ($w:literal, $x:literal) => {
        concat!(
            concat!("and lr, r10, ", $w, "\n"),
            concat!("and r11, r10, ", $w, ", lsr #4\n"),
            concat!("smlad r4, lr, ", $x, ", r4\n"),
            "uxtb16 lr, lr, ror #8\n",
            concat!("smlad r5, r11, ", $x, ", r5\n"),
            "uxtb16 r11, r11, ror #8\n",
            concat!("smlad r6, lr, ", $x, ", r6\n"),
            concat!("smlad r7, r11, ", $x, ", r7\n"),
        )
    };
}

/// What the 8 that is added to each weight of 4 bits adds to every row, before the blocks: above the kernel's stack.
macro_rules! begin4 {
    () => {
        "mov r1, r0
         mov r4, #0
         mov r5, #0x00080008
         mov r6, lr
         70:
         ldrd r7, r9, [r1], #8
         smlad r4, r7, r5, r4
         smlad r4, r9, r5, r4
         subs r6, r6, #2
         bgt 70b
         push {{r4}}
        "
    };
}

macro_rules! start4 {
    () => {
        "mov r10, #0x0f0f0f0f\n"
    };
}

/// Takes four sums of nibbles apart, and leaves the flags as they are.
macro_rules! apart4 {
    () => {
        "ldr r8, [sp, #28]
         sub r4, r4, r6, lsl #8
         sub r5, r5, r7, lsl #8
         sub r4, r4, r8
         sub r5, r5, r8
         sub r6, r6, r8
         sub r7, r7, r8
        "
    };
}

/// What a kernel of weights of 4 bits does behind its rows: it returns.
macro_rules! end4 {
    () => {
        "add sp, sp, #32
         pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}
        "
    };
}

/// One quad of a single row of i8 weights.
macro_rules! single8 {
    ($load:ident) => {
        concat!("ldr r8, [r3], #4\n", $load!(), row8!("r4", "r8"))
    };
}

/// One quad of a single row of i16 weights.
macro_rules! single16 {
    ($load:ident) => {
        concat!("ldrd r8, r9, [r3], #8\n", $load!(), "smlad r4, r8, r1, r4\nsmlad r4, r9, r2, r4\n")
    };
}

/// What is nothing in a kernel.
macro_rules! nothing {
    () => {
        ""
    };
}

/// What a kernel of one window does behind its rows: it returns.
macro_rules! end_one {
    () => {
        "add sp, sp, #28
         pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}
        "
    };
}

/// What a kernel of several windows keeps before its blocks: stream, block bytes, windows, bytes to the next.
macro_rules! begin_several {
    () => {
        "ldr r5, [sp, #36]
         ldrd r5, r6, [r5]
         mov r4, r11
         push {{r3, r4, r5, r6}}
        "
    };
}

/// The same, where windows lie anywhere: the entry into their longer quads is given with them.
macro_rules! begin_anywhere {
    () => {
        "ldr r7, [sp, #36]
         ldm r7, {{r5, r6, r7}}
         mov r2, r7
         mov r4, r11
         push {{r3, r4, r5, r6}}
        "
    };
}

/// What a kernel of several windows does behind the rows of one: the next follows, or it returns.
macro_rules! end_several {
    () => {
        "ldrd r5, r6, [sp, #36]
         subs r5, r5, #1
         beq 7f
         ldr r0, [sp]
         str r5, [sp, #36]
         ldrd r3, r4, [sp, #28]
         add r0, r0, r6
         add r4, r4, r10
         str r0, [sp]
         strd r10, r4, [sp, #12]
         cmp r10, r4
         bne 1b
         b 4b
         7:
         add sp, sp, #44
         pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}
        "
    };
}

/// A dense kernel: r0 = activations, r1 = outputs, wherever they lie, r2 = [`DenseShape`], r3 = stream.
///
/// Stack while it runs: activations, rounds, entry, next output, end of the blocks' outputs, rest,
/// turns; the first three are loaded together at the start of a block, the entry into the program counter.
/// Rounds and turns are counted down by two, to 0 where outputs are clamped at zero and to -1 where they are not:
/// the flags that end a sum say which.
macro_rules! kernel {
    ($name:ident($($run:ty)?), $begin:ident, $end:ident, $load:ident, $start:ident, $quad:ident, $apart:ident, $single:ident,
        $quarter:expr) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            _: *mut Quad,
            _: *mut i16,
            _: *const DenseShape,
            _: *const u32,
            $(_: $run)?
        ) {
            naked_asm!(
                cpu!(),
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "mov r10, r1",
                "ldm r2, {{r2, r8, r11, r12, lr}}", // entry, rounds, block bytes, rest, turns
                $begin!(),
                "add r11, r11, r10",
                "adr.w r9, 2f + 1", // the program counter stays in Thumb state
                "add r9, r9, r2",
                "push {{r0, r8, r9, r10, r11, r12, lr}}",
                "cmp r10, r11",
                "beq 4f",
                "1:", // a block of four rows
                "ldm r3!, {{r4, r5, r6, r7}}",
                $start!(),
                "ldm sp, {{r0, r12, pc}}",
                ".p2align 2",
                "2:",
                $quad!($load),
                $quad!($load),
                $quad!($load),
                $quad!($load),
                // The entry counts on the length of a quad: no space, which a build with another refuses.
                "90:",
                ".space 4 * {quarter} - (90b - 2b)",
                ".space (90b - 2b) - 4 * {quarter}",
                "subs r12, r12, #2",
                "bgt 2b", // what follows leaves the flags as they are
                $apart!(),
                "ldm r3!, {{r8, r9, r10, r11}}",
                "smmul r4, r4, r8",
                "smmul r5, r5, r9",
                "smmul r6, r6, r10",
                "smmul r7, r7, r11",
                "ldrd r10, r11, [sp, #12]",
                "bne 8f",
                "usat r4, #15, r4",
                "usat r5, #15, r5",
                "usat r6, #15, r6",
                "usat r7, #15, r7",
                "9:",
                "pkhbt r4, r4, r5, lsl #16",
                "pkhbt r6, r6, r7, lsl #16",
                "str r4, [r10], #4",
                "str r6, [r10], #4",
                "str r10, [sp, #12]",
                "cmp r10, r11",
                "bne 1b",
                "4:", // rows left over, one by one
                "ldrd r5, r6, [sp, #20]", // rest, turns
                "cbz r5, 6f",
                "3:",
                "ldr r4, [r3], #4",
                "ldr r0, [sp]",
                "mov r12, r6",
                "5:",
                $single!($load),
                "subs r12, r12, #2",
                "bgt 5b",
                "ldr r8, [r3], #4",
                "smmul r4, r4, r8",
                "ite eq",
                "usateq r4, #15, r4",
                "ssatne r4, #16, r4",
                "strh r4, [r10], #2",
                "subs r5, r5, #1",
                "bne 3b",
                "6:",
                $end!(),
                "8:", // no clamp at zero
                "ssat r4, #16, r4",
                "ssat r5, #16, r5",
                "ssat r6, #16, r6",
                "ssat r7, #16, r7",
                "b 9b",
                quarter = const $quarter,
            )
        }
    };
}

macro_rules! kernels {
    ($one:ident, $several:ident, $anywhere:ident, $quad:ident, $single:ident, $quarter:ident) => {
        kernel!($one(), nothing, end_one, load_words, nothing, $quad, nothing, $single, $quarter);
        kernel!(
            $several(*const Run),
            begin_several,
            end_several,
            load_words,
            nothing,
            $quad,
            nothing,
            $single,
            $quarter
        );
        kernel!(
            $anywhere(*const Run),
            begin_anywhere,
            end_several,
            load_any,
            nothing,
            $quad,
            nothing,
            $single,
            $quarter + LONGER
        );
    };
}

kernel!(one_i4(), begin4, end4, load_words, start4, quad4, apart4, single8, QUARTER_I4);
kernels!(one_i8, windows_on_words_i8, windows_anywhere_i8, quad8, single8, QUARTER_I8);
kernels!(one_i16, windows_on_words_i16, windows_anywhere_i16, quad16, single16, QUARTER_I16);

/// Bytes by which a quad's code is longer where activations lie anywhere.
const LONGER: usize = 4;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I4: usize = 72;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I8: usize = 72;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = 44;

#[inline(always)]
pub(super) fn dense_i4(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<I4>(one_i4, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i4_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<I4>(one_i4, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i8>(one_i8, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i8_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i8>(one_i8, shape, stream, x, y)
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
    call::<i16>(one_i16, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
    call_from::<i16>(one_i16, shape, stream, x, y)
}

/// Several windows of i8 weights, `WORDS` if all start and end on words; false, and nothing done, where they are not
/// inside the slices.
#[inline(always)]
pub(super) fn windows_i8<const WORDS: bool>(
    shape: &DenseShape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [Quad],
    windows: &Stretch,
) -> bool {
    let kernel = if WORDS { windows_on_words_i8 } else { windows_anywhere_i8 };
    call_windows::<i8, WORDS>(kernel, QUARTER_I8 + LONGER, shape, stream, x, y, windows)
}

/// The same of i16 weights.
#[inline(always)]
pub(super) fn windows_i16<const WORDS: bool>(
    shape: &DenseShape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [Quad],
    windows: &Stretch,
) -> bool {
    let kernel = if WORDS { windows_on_words_i16 } else { windows_anywhere_i16 };
    call_windows::<i16, WORDS>(kernel, QUARTER_I16 + LONGER, shape, stream, x, y, windows)
}
