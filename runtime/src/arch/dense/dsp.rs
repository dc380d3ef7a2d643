//! Armv7E-M and Armv8-M with the DSP extension: two multiply-accumulates an instruction.
//!
//! The [layout](super::layout::Pairs) puts the weights of two rows for one input into a half-word, `a + 2^8 b`, and two
//! inputs into a word. `SMLAD` multiplies the word as it is with two activations, for the sum of `x (a + 2^8 b)`, and what
//! `SXTB16 ROR #8` makes of it for the sum of `x b`: three instructions for four products. The sum of `x a` is what is
//! left of the first without 2^8 times the second. 128 is added to each `a`, so that nothing of it goes into `b`, and
//! taken out again by the sum of all inputs, computed once a layer.
//!
//! A row by itself has its weights as `w0 w2 w1 w3`: `SXTB16` widens bytes 0 and 2, `SXTB16 ROR #8` bytes 1 and 3.
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
    ($x:literal, $y:literal) => {
        concat!("ldrd ", $x, ", ", $y, ", [r0], #8\n")
    };
}

/// A quad of activations wherever it lies: an instruction more, of four bytes.
macro_rules! load_any {
    ($x:literal, $y:literal) => {
        concat!("ldr ", $x, ", [r0], #4\nldr ", $y, ", [r0], #4\n")
    };
}

/// One quad of i8 weights: four words, 16 multiply-accumulates in 14 instructions, 56 bytes.
macro_rules! quad8 {
    ($load:ident) => {
        concat!(
            "ldm r3!, {{r8, r9, r10, r11}}\n",
            $load!("r2", "lr"),
            pair8!("r4", "r5", "r8", "r2"),
            pair8!("r6", "r7", "r9", "r2"),
            pair8!("r4", "r5", "r10", "lr"),
            pair8!("r6", "r7", "r11", "lr"),
        )
    };
}

/// Two inputs of two rows: weights in `$w`, activations in `$x`, the sum of both rows and that of the second.
macro_rules! pair8 {
    ($both:literal, $second:literal, $w:literal, $x:literal) => {
        concat!(
            concat!("smlad ", $both, ", ", $w, ", ", $x, ", ", $both, "\n"),
            concat!("sxtb16 ", $w, ", ", $w, ", ror #8\n"),
            concat!("smlad ", $second, ", ", $w, ", ", $x, ", ", $second, "\n"),
        )
    };
}

/// One quad of i16 weights: eight words, 16 multiply-accumulates in 11 instructions, 44 bytes.
macro_rules! quad16 {
    ($load:ident) => {
        concat!(
            $load!("r2", "lr"),
            "ldm r3!, {{r8, r9, r10, r11}}
             smlad r4, r8, r2, r4
             smlad r4, r9, lr, r4
             smlad r5, r10, r2, r5
             smlad r5, r11, lr, r5
             ldm r3!, {{r8, r9, r10, r11}}
             smlad r6, r8, r2, r6
             smlad r6, r9, lr, r6
             smlad r7, r10, r2, r7
             smlad r7, r11, lr, r7
            "
        )
    };
}

/// One quad of weights of 4 bits: two words of two inputs each, 16 multiply-accumulates in 18 instructions, 72 bytes.
macro_rules! quad4 {
    ($load:ident) => {
        concat!(
            "ldrd r8, r9, [r3], #8\n",
            $load!("r2", "lr"),
            inputs4!("r8", "r2"),
            inputs4!("r9", "lr")
        )
    };
}

/// Two inputs of four rows: [nibbles](super::layout::Layout#nibbles) in `$w`, activations in `$x`, the mask of every other
/// nibble in r10. Sums are those of rows 0 and 2, 1 and 3, 2, and 3.
macro_rules! inputs4 {
    ($w:literal, $x:literal) => {
        concat!(
            concat!("and r11, r10, ", $w, "\n"),
            concat!("and ", $w, ", r10, ", $w, ", lsr #4\n"),
            concat!("smlad r4, r11, ", $x, ", r4\n"),
            "uxtb16 r11, r11, ror #8\n",
            concat!("smlad r5, ", $w, ", ", $x, ", r5\n"),
            concat!("uxtb16 ", $w, ", ", $w, ", ror #8\n"),
            concat!("smlad r6, r11, ", $x, ", r6\n"),
            concat!("smlad r7, ", $w, ", ", $x, ", r7\n"),
        )
    };
}

/// What the number that is added to each weight of a lane adds to every row, before the blocks: `$offset` holds it twice,
/// lr the turns.
macro_rules! offsets {
    ($offset:literal, $load:ident) => {
        concat!(
            concat!("mov r5, #", $offset, "\n"),
            "mov r4, #0\n",
            "70:\n",
            $load!("r2", "r6"),
            "smlad r4, r2, r5, r4\n",
            "smlad r4, r6, r5, r4\n",
            "subs lr, lr, #2\n",
            "bgt 70b\n",
            "str r4, [sp, #16]\n",
        )
    };
}

/// That of 4-bit weights.
macro_rules! offsets4 {
    ($load:ident) => {
        offsets!("0x00080008", $load)
    };
}

/// That of i8 weights.
macro_rules! offsets8 {
    ($load:ident) => {
        offsets!("0x00800080", $load)
    };
}

/// Weights of 16 bits have a lane each.
macro_rules! offsets16 {
    ($load:ident) => {
        ""
    };
}

/// Stores the four outputs of a block, two words.
macro_rules! store_words {
    () => {
        "stm r1!, {{r4, r6}}\n"
    };
}

/// The same wherever they lie: an instruction more.
macro_rules! store_any {
    () => {
        "str r4, [r1], #4\nstr r6, [r1], #4\n"
    };
}

/// Writes the outputs of a block and goes on with the next, if there is one.
macro_rules! finish {
    ($store:ident) => {
        concat!(
            "pkhbt r4, r4, r5, lsl #16\n",
            "pkhbt r6, r6, r7, lsl #16\n",
            $store!(),
            "cmp r1, r0\n",
            "bne 1b\n",
        )
    };
}

macro_rules! start4 {
    () => {
        "mov r10, #0x0f0f0f0f\n"
    };
}

/// Takes four sums of nibbles apart, where r2 is what the offsets add, and leaves the flags as they are.
macro_rules! apart4 {
    () => {
        "sub r4, r4, r6, lsl #8
         sub r5, r5, r7, lsl #8
         sub r4, r4, r2
         sub r5, r5, r2
         sub r6, r6, r2
         sub r7, r7, r2
        "
    };
}

/// The same of two pairs of sums of bytes.
macro_rules! apart8 {
    () => {
        "sub r4, r4, r5, lsl #8
         sub r6, r6, r7, lsl #8
         sub r4, r4, r2
         sub r6, r6, r2
        "
    };
}

/// One quad of a single row of i8 weights.
macro_rules! single8 {
    ($load:ident) => {
        concat!(
            "ldr r8, [r3], #4\n",
            $load!("r2", "lr"),
            "sxtb16 r9, r8\n",
            "smlad r4, r9, r2, r4\n",
            "sxtb16 r8, r8, ror #8\n",
            "smlad r4, r8, lr, r4\n",
        )
    };
}

/// One quad of a single row of i16 weights.
macro_rules! single16 {
    ($load:ident) => {
        concat!(
            "ldrd r8, r9, [r3], #8\n",
            $load!("r2", "lr"),
            "smlad r4, r8, r2, r4\nsmlad r4, r9, lr, r4\n"
        )
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

/// Where a kernel of one window goes from the blocks of a layer without a clamp at zero: as what follows those of one
/// with it does.
macro_rules! end_one_linear {
    () => {
        concat!("ldrd r5, r6, [sp, #20]\ncbz r5, 9f\nb 3b\n9:\n", end_one!())
    };
}

/// The same in a kernel of several.
macro_rules! next_several {
    () => {
        "b 4b\n"
    };
}

/// What a kernel of several windows keeps before its blocks: stream, block bytes, windows, bytes to the next.
macro_rules! begin_several {
    () => {
        "ldr r5, [sp, #36]
         ldrd r5, r6, [r5]
         mov r4, r10
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
         mov r4, r10
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
         ldr lr, [sp, #24]
         add r4, r4, r1
         str r0, [sp]
         str r4, [sp, #12]
         cmp r1, r4
         bne 60b
         b 4b
         7:
         add sp, sp, #44
         pop {{r4, r5, r6, r7, r8, r9, r10, r11, pc}}
        "
    };
}

/// A dense kernel: r0 = activations, r1 = outputs, where `$store` can write, r2 = [`DenseShape`], r3 = stream.
///
/// The next output is in r1. Stack while it runs: activations, rounds, entry, end of the blocks' outputs, what offsets
/// add, rest, turns; the first three are loaded together at the start of a block, the entry into the program counter.
/// Rounds and turns are counted down by two, to 0 where outputs are clamped at zero and to -1 where they are not:
/// the flags that end a sum say which.
macro_rules! kernel {
    ($name:ident($($run:ty)?); $begin:ident $end:ident $after:ident $load:ident $store:ident;
        $offsets:ident $start:ident $quad:ident $apart:ident $single:ident; $quarter:expr) => {
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
                "ldm r2, {{r2, r8, r10, r12, lr}}", // entry, rounds, block bytes, rest, turns
                $begin!(),
                "add r10, r10, r1",
                "adr.w r9, 2f + 1", // the program counter stays in Thumb state
                "add r9, r9, r2",
                "push {{r0, r8, r9, r10, r11, r12, lr}}",
                "cmp r1, r10",
                "beq 4f",
                "60:",
                $offsets!($load),
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
                "ldrd r0, r2, [sp, #12]", // end, what offsets add
                $apart!(),
                "ldm r3!, {{r8, r9, r10, r11}}",
                "smmul r4, r4, r8",
                "smmul r5, r5, r9",
                "smmul r6, r6, r10",
                "smmul r7, r7, r11",
                "bne 8f",
                "usat r4, #15, r4",
                "usat r5, #15, r5",
                "usat r6, #15, r6",
                "usat r7, #15, r7",
                finish!($store),
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
                "strh r4, [r1], #2",
                "subs r5, r5, #1",
                "bne 3b",
                "6:",
                $end!(),
                "8:", // no clamp at zero
                "ssat r4, #16, r4",
                "ssat r5, #16, r5",
                "ssat r6, #16, r6",
                "ssat r7, #16, r7",
                finish!($store),
                $after!(),
                quarter = const $quarter,
            )
        }
    };
}

/// The kernels of one window, of windows that lie on words, and of windows anywhere.
macro_rules! kernels {
    ($one:ident, $several:ident, $anywhere:ident; $($weights:ident)*; $quarter:ident) => {
        kernel!($one(); nothing end_one end_one_linear load_words store_words; $($weights)*; $quarter);
        kernel!($several(*const Run); begin_several end_several next_several load_words store_words; $($weights)*; $quarter);
        kernel!($anywhere(*const Run); begin_anywhere end_several next_several load_any store_any; $($weights)*; $quarter + LONGER);
    };
}

kernel!(one_i4(); nothing end_one end_one_linear load_words store_words; offsets4 start4 quad4 apart4 single8; QUARTER_I4);
kernels!(one_i8, windows_on_words_i8, windows_anywhere_i8; offsets8 nothing quad8 apart8 single8; QUARTER_I8);
kernels!(one_i16, windows_on_words_i16, windows_anywhere_i16; offsets16 nothing quad16 nothing single16; QUARTER_I16);

/// Bytes by which a quad's code is longer where activations lie anywhere.
const LONGER: usize = 4;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I4: usize = 72;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I8: usize = 56;
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
