//! Armv7E-M and Armv8-M with the DSP extension: two multiply-accumulates an instruction.
//!
//! `SXTB16` widens bytes 0 and 2 of a word to half-words, `SXTB16 ROR #8` bytes 1 and 3; the
//! [interleaved](super::layout::Interleaved) layout stores the four weights of a group as `w0 w2 w1 w3`,
//! so they come out as the pairs `w0 w1` and `w2 w3` that `SMLAD` multiplies with two activations.
//!
//! A block of four rows holds its sums in r4-r7 while one pass over the activations feeds all four.
//! The loop does four quads a round and is entered where a first, partial round begins. Whole
//! functions are assembly because the loop needs all fourteen registers, of which the compiler
//! keeps two for itself.
//!
//! Stands on `assembly` and `shape`.

use super::assembly::{Run, call, call_windows};
use super::shape::{DenseShape, Stretch};
use crate::tensor::Quad;
use core::arch::naked_asm;

/// A quad of activations that lies on words.
macro_rules! load_words {
    () => {
        "ldrd r2, r3, [r0], #8\n"
    };
}

/// A quad of activations wherever it lies: an instruction more, of four bytes.
macro_rules! load_any {
    () => {
        "ldr r2, [r0], #4\nldr r3, [r0], #4\n"
    };
}

/// Four outputs that lie on words.
macro_rules! store_words {
    () => {
        "strd r4, r6, [r12], #8"
    };
}

/// Four outputs wherever they lie.
macro_rules! store_any {
    () => {
        "str r4, [r12], #4\nstr r6, [r12], #4"
    };
}

/// One quad of i8 weights: four words, 16 multiply-accumulates in 18 instructions, 72 bytes.
macro_rules! quad8 {
    ($load:ident) => {
        concat!(
            "ldm r1!, {{r8, r9, r10, r11}}\n",
            $load!(),
            row8!("r4", "r8"),
            row8!("r5", "r9"),
            row8!("r6", "r10"),
            row8!("r7", "r11"),
        )
    };
}

/// One row of a quad: weights in `$w`, activations in r2 and r3.
macro_rules! row8 {
    ($acc:literal, $w:literal) => {
        concat!(
            "sxtb16 r12, ",
            $w,
            "\n",
            "smlad ",
            $acc,
            ", r12, r2, ",
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
            ", r3, ",
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
            "ldm r1!, {{r8, r9, r10, r11}}
             smlad r4, r8, r2, r4
             smlad r4, r9, r3, r4
             smlad r5, r10, r2, r5
             smlad r5, r11, r3, r5
             ldm r1!, {{r8, r9, r10, r11}}
             smlad r6, r8, r2, r6
             smlad r6, r9, r3, r6
             smlad r7, r10, r2, r7
             smlad r7, r11, r3, r7
            "
        )
    };
}

/// One quad of a single row of i8 weights.
macro_rules! single8 {
    ($load:ident) => {
        concat!("ldr r8, [r1], #4\n", $load!(), row8!("r4", "r8"))
    };
}

/// One quad of a single row of i16 weights.
macro_rules! single16 {
    ($load:ident) => {
        concat!("ldrd r8, r9, [r1], #8\n", $load!(), "smlad r4, r8, r2, r4\nsmlad r4, r9, r3, r4\n")
    };
}

/// What a kernel of one window does before its blocks: nothing.
macro_rules! begin_one {
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

/// What a kernel of several windows keeps before its blocks: block bytes, stream, windows, bytes to the next.
macro_rules! begin_several {
    () => {
        "ldr r12, [sp, #36]
         ldrd r10, r11, [r12]
         push {{r6, r9, r10, r11}}
        "
    };
}

/// The same, where windows lie anywhere: the entry into their longer quads is given with them.
macro_rules! begin_anywhere {
    () => {
        "ldr r12, [sp, #36]
         ldm r12, {{r10, r11, r12}}
         mov r3, r12
         push {{r6, r9, r10, r11}}
        "
    };
}

/// What a kernel of several windows does behind the rows of one: the next follows, or it returns.
macro_rules! end_several {
    () => {
        "ldrd r2, r3, [sp, #36]
         subs r2, r2, #1
         beq 7f
         ldr r0, [sp]
         str r2, [sp, #36]
         ldrd r4, r1, [sp, #28]
         add r0, r0, r3
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

/// A dense kernel: r0 = activations, r1 = outputs, r2 = [`DenseShape`], r3 = stream.
///
/// Stack while it runs: activations, entry, rounds, next output, end of the blocks' outputs, rest,
/// quads; the first three are loaded together at the start of a block.
macro_rules! kernel {
    ($name:ident($($run:ty)?), $begin:ident, $end:ident, $load:ident, $store:ident, $quad:ident, $single:ident,
        $quarter:expr, $saturate:literal, $bits:literal) => {
        /// # Safety
        /// As for the caller, [`call`].
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            _: *mut Quad,
            _: *mut Quad,
            _: *const DenseShape,
            _: *const u32,
            $(_: $run)?
        ) {
            naked_asm!(
                cpu!(),
                "push {{r4, r5, r6, r7, r8, r9, r10, r11, lr}}",
                "mov r9, r3",
                "ldm r2, {{r3, r4, r6, r7, r8}}", // entry, rounds, block bytes, rest, quads
                $begin!(),
                "mov r5, r1",
                "mov r1, r9",
                "adds r6, r6, r5",
                "adr r12, 2f",
                "adds r3, r3, r12",
                "orr r3, r3, #1", // bx stays in Thumb state
                "push {{r0, r3, r4, r5, r6, r7, r8}}",
                "cmp r5, r6",
                "beq 4f",
                "1:", // a block of four rows
                "ldm r1!, {{r4, r5, r6, r7}}",
                "ldm sp, {{r0, r12, lr}}",
                "bx r12",
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
                "subs lr, lr, #1",
                "bne 2b",
                "ldm r1!, {{r8, r9, r10, r11}}",
                "ldrd r12, lr, [sp, #12]",
                "smmul r4, r4, r8",
                "smmul r5, r5, r9",
                "smmul r6, r6, r10",
                "smmul r7, r7, r11",
                concat!($saturate, " r4, ", $bits, ", r4"),
                concat!($saturate, " r5, ", $bits, ", r5"),
                concat!($saturate, " r6, ", $bits, ", r6"),
                concat!($saturate, " r7, ", $bits, ", r7"),
                "pkhbt r4, r4, r5, lsl #16",
                "pkhbt r6, r6, r7, lsl #16",
                $store!(),
                "str r12, [sp, #12]",
                "cmp r12, lr",
                "bne 1b",
                "4:",                     // rows left over, one by one
                "ldrd r5, r6, [sp, #20]", // rest, quads
                "ldr r10, [sp, #12]",
                "cbz r5, 6f",
                "3:",
                "ldr r4, [r1], #4",
                "ldr r0, [sp]",
                "mov lr, r6",
                "5:",
                $single!($load),
                "subs lr, lr, #1",
                "bne 5b",
                "ldr r8, [r1], #4",
                "smmul r4, r4, r8",
                concat!($saturate, " r4, ", $bits, ", r4"),
                "strh r4, [r10], #2",
                "subs r5, r5, #1",
                "bne 3b",
                "6:",
                $end!(),
                quarter = const $quarter,
            )
        }
    };
}

macro_rules! kernels {
    ($one:ident, $several:ident, $anywhere:ident, $quad:ident, $single:ident, $quarter:ident, $saturate:literal,
        $bits:literal) => {
        kernel!(
            $one(),
            begin_one,
            end_one,
            load_words,
            store_words,
            $quad,
            $single,
            $quarter,
            $saturate,
            $bits
        );
        kernel!(
            $several(*const Run),
            begin_several,
            end_several,
            load_words,
            store_words,
            $quad,
            $single,
            $quarter,
            $saturate,
            $bits
        );
        kernel!(
            $anywhere(*const Run),
            begin_anywhere,
            end_several,
            load_any,
            store_any,
            $quad,
            $single,
            $quarter + LONGER,
            $saturate,
            $bits
        );
    };
}

// 16 bits signed, or, for a clamp at zero, 15 bits unsigned.
kernels!(
    linear_i8,
    linear_windows_i8,
    linear_anywhere_i8,
    quad8,
    single8,
    QUARTER_I8,
    "ssat",
    "#16"
);
kernels!(relu_i8, relu_windows_i8, relu_anywhere_i8, quad8, single8, QUARTER_I8, "usat", "#15");
kernels!(
    linear_i16,
    linear_windows_i16,
    linear_anywhere_i16,
    quad16,
    single16,
    QUARTER_I16,
    "ssat",
    "#16"
);
kernels!(
    relu_i16,
    relu_windows_i16,
    relu_anywhere_i16,
    quad16,
    single16,
    QUARTER_I16,
    "usat",
    "#15"
);

/// Bytes by which a quad's code is longer where activations lie anywhere.
const LONGER: usize = 4;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I8: usize = 72;
/// Bytes of code a quad, for [`DenseShape`].
pub(super) const QUARTER_I16: usize = 44;

#[inline(always)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
    call::<i8>(if shape.relu { relu_i8 } else { linear_i8 }, shape, stream, x, y);
}

#[inline(always)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [Quad]) {
    call::<i16>(if shape.relu { relu_i16 } else { linear_i16 }, shape, stream, x, y);
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
    let kernel = match (WORDS, shape.relu) {
        (true, false) => linear_windows_i8,
        (true, true) => relu_windows_i8,
        (false, false) => linear_anywhere_i8,
        (false, true) => relu_anywhere_i8,
    };
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
    let kernel = match (WORDS, shape.relu) {
        (true, false) => linear_windows_i16,
        (true, true) => relu_windows_i16,
        (false, false) => linear_anywhere_i16,
        (false, true) => relu_anywhere_i16,
    };
    call_windows::<i16, WORDS>(kernel, QUARTER_I16 + LONGER, shape, stream, x, y, windows)
}
