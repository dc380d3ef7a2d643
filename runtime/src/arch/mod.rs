//! What differs from core to core: how a layer's tables lie in memory, and the sums over them.
//!
//! This is the only module with `unsafe` code. Each core-specific kernel has its portable twin in
//! [`portable`], which reads the same layout and must give the same integers; integers add in any
//! order, so all that differs is speed.
//!
//! # The stream of a dense layer
//! All tables of a layer form one stream of words, in the order in which the kernel needs them, so
//! that a core with few registers walks it with one pointer. Rows (outputs) come in blocks:
//!
//! ```text
//! block of R rows:  R biases | for each quad of inputs: R groups of 4 weights | R multipliers
//! ```
//!
//! R is [`Layout::ROWS`]; rows left over follow as blocks of one. A group of i8 weights is one word,
//! one of i16 weights two.
#![allow(unsafe_code)]

pub mod portable;
mod taps;

#[cfg(any(target_arch = "riscv32", all(target_arch = "arm", not(target_feature = "v7"))))]
mod branchless;
#[cfg(nervecord_dsp)]
mod dsp;

use crate::number::mul_high_split;
use crate::tensor::Quad;
pub(crate) use taps::{Tile, Window};
pub use taps::{Coefficient, Live, accumulate};

/// How a core wants a dense layer in memory.
pub trait Layout {
    /// Rows of a block.
    const ROWS: usize;
    /// `ORDER[k]` is the column, within a group of four i8 weights, that byte `k` holds.
    const ORDER: [usize; 4];
    /// Whether the core multiplies 32 by 32 bits to the high word in an instruction or two.
    const LONG_MULTIPLY: bool;
}

/// For hosts: one row after the other, so that a loop over columns vectorizes.
pub enum RowMajor {}

impl Layout for RowMajor {
    const ROWS: usize = 1;
    const ORDER: [usize; 4] = [0, 1, 2, 3];
    const LONG_MULTIPLY: bool = true;
}

/// For scalar cores: blocks of four rows, so that an activation is loaded once for four.
pub enum Blocked {}

impl Layout for Blocked {
    const ROWS: usize = 4;
    const ORDER: [usize; 4] = [0, 1, 2, 3];
    const LONG_MULTIPLY: bool = true;
}

/// For Armv6-M: as [`Blocked`], with multipliers for two 16-bit products.
pub enum BlockedShort {}

impl Layout for BlockedShort {
    const ROWS: usize = 4;
    const ORDER: [usize; 4] = [0, 1, 2, 3];
    const LONG_MULTIPLY: bool = false;
}

/// For the DSP extension: bytes in the order in which `SXTB16` and `SXTB16 ROR #8` unpack them.
pub enum Interleaved {}

impl Layout for Interleaved {
    const ROWS: usize = 4;
    const ORDER: [usize; 4] = [0, 2, 1, 3];
    const LONG_MULTIPLY: bool = true;
}

#[cfg(nervecord_dsp)]
type Chosen = Interleaved;
#[cfg(all(target_os = "none", not(nervecord_dsp), not(nervecord_short)))]
type Chosen = Blocked;
#[cfg(nervecord_short)]
type Chosen = BlockedShort;
#[cfg(not(target_os = "none"))]
type Chosen = RowMajor;

/// The layout of the core this crate is built for.
pub type Native = Chosen;

/// Width of weights in a stream.
pub trait Weight: Copy {
    /// Words of a group of four weights.
    const WORDS: usize;

    /// The four weights of a group, columns in order, out of layout `L`.
    fn unpack<L: Layout>(group: &[u32]) -> [i16; 4];

    /// Computes rows from a stream in the [`Native`] layout; see [`portable::dense`] for the contract.
    fn dense(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]);
}

/// The shape of a dense layer, with what its kernel would otherwise compute in every step.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Shape {
    /// Where a loop unrolled four times is entered, in bytes.
    entry: usize,
    /// How often it runs.
    rounds: usize,
    /// Bytes of output that whole blocks write.
    block_bytes: usize,
    /// Rows after the whole blocks.
    rest: usize,
    /// Quads of inputs.
    pub(crate) quads: usize,
    /// Outputs.
    pub(crate) rows: usize,
    /// Clamp outputs at zero from below.
    pub(crate) relu: bool,
}

impl Shape {
    /// The shape of a layer whose unrolled loop has `quarter` bytes a quad.
    pub(crate) const fn new(quads: usize, rows: usize, relu: bool, quarter: usize) -> Self {
        Self {
            entry: (4 - quads % 4) % 4 * quarter,
            rounds: quads.div_ceil(4),
            block_bytes: rows / 4 * 8,
            rest: rows % 4,
            quads,
            rows,
            relu,
        }
    }
}

impl Weight for i8 {
    const WORDS: usize = 1;

    #[inline(always)]
    fn unpack<L: Layout>(group: &[u32]) -> [i16; 4] {
        let bytes = group.first().copied().unwrap_or(0).to_le_bytes();
        let mut columns = [0; 4];
        let mut k = 0;
        while k < 4 {
            columns[L::ORDER[k]] = bytes[k] as i8 as i16;
            k += 1;
        }
        columns
    }

    #[inline(always)]
    fn dense(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
        #[cfg(nervecord_dsp)]
        dsp::dense_i8(shape, stream, x, y);
        #[cfg(not(nervecord_dsp))]
        native_i8(shape, stream, x, y);
    }
}

impl Weight for i16 {
    const WORDS: usize = 2;

    #[inline(always)]
    fn unpack<L: Layout>(group: &[u32]) -> [i16; 4] {
        match group {
            [a, b, ..] => [*a as i16, (*a >> 16) as i16, *b as i16, (*b >> 16) as i16],
            _ => [0; 4],
        }
    }

    #[inline(always)]
    fn dense(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
        #[cfg(nervecord_dsp)]
        dsp::dense_i16(shape, stream, x, y);
        #[cfg(not(nervecord_dsp))]
        native_i16(shape, stream, x, y);
    }
}

/// The portable kernel as this core's: one copy for all layers.
#[cfg(not(nervecord_dsp))]
#[inline(never)]
fn native_i8(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    portable::dense::<Native, i8>(shape, stream, x, y);
}

/// The portable kernel as this core's: one copy for all layers.
#[cfg(not(nervecord_dsp))]
#[inline(never)]
fn native_i16(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    portable::dense::<Native, i16>(shape, stream, x, y);
}

/// The word that stands for `multiplier` and `shift` (below 16) of
/// [`requantize`](crate::number::requantize): `m 2^(16-s)`, whose product's high word is the
/// requantized accumulator, or, without a long multiply, the two side by side.
pub const fn multiplier_word<L: Layout>(multiplier: i16, shift: u8) -> u32 {
    if L::LONG_MULTIPLY {
        (multiplier as u32) << (16 - shift) // m >= 0, so below 2^31
    } else {
        multiplier as u32 | (shift as u32) << 16
    }
}

/// `floor(acc * m / 2^(16+s))` from the word of `m` and `s`, before saturation.
#[inline(always)]
pub(crate) fn scale<L: Layout>(acc: i32, word: u32) -> i32 {
    if L::LONG_MULTIPLY {
        ((acc as i64 * word as i32 as i64) >> 32) as i32
    } else {
        mul_high_split(acc, word as i16) >> (word >> 16)
    }
}

/// Words of a layer's stream.
pub const fn words<W: Weight>(inputs: usize, outputs: usize) -> usize {
    outputs * (2 + inputs.div_ceil(4) * W::WORDS)
}

/// Bytes of code a quad takes in this core's unrolled loop over weights `W`; 0 where there is none.
pub(crate) const fn quarter<W: Weight>() -> usize {
    #[cfg(nervecord_dsp)]
    return if W::WORDS == 1 { dsp::QUARTER_I8 } else { dsp::QUARTER_I16 };
    #[cfg(not(nervecord_dsp))]
    0
}

/// Where the parts of row `row` lie in a stream: bias, first group, distance of groups, multiplier.
const fn place<L: Layout, W: Weight>(row: usize, rows: usize, quads: usize) -> [usize; 4] {
    let blocked = rows - rows % L::ROWS;
    let (first, count) = if row < blocked { (row - row % L::ROWS, L::ROWS) } else { (row, 1) };
    let start = first * (2 + quads * W::WORDS);
    let lane = row - first;
    let groups = start + count;
    [
        start + lane,
        groups + lane * W::WORDS,
        count * W::WORDS,
        groups + count * quads * W::WORDS + lane,
    ]
}

macro_rules! pack {
    ($name:ident, $weight:ty, |$group:ident, $order:ident| $write:expr) => {
        /// The stream of a layer in layout `L`, from a row-major matrix of `inputs` columns; rows are
        /// padded with zero weights to whole quads.
        ///
        /// # Panics
        /// If the tables' lengths do not belong together. It runs when tables are built: in a
        /// constant, where that is a build error, or on the host.
        pub const fn $name<L: Layout>(
            weights: &[$weight],
            bias: &[i32],
            multiplier: &[i16],
            shift: u8,
            stream: &mut [u32],
        ) {
            let (rows, inputs) = (bias.len(), weights.len() / bias.len());
            let quads = inputs.div_ceil(4);
            assert!(weights.len() == rows * inputs && multiplier.len() == rows && shift < 16);
            assert!(stream.len() == words::<$weight>(inputs, rows));
            let mut row = 0;
            while row < rows {
                let [at_bias, at_groups, distance, at_multiplier] =
                    place::<L, $weight>(row, rows, quads);
                stream[at_bias] = bias[row] as u32;
                stream[at_multiplier] = multiplier_word::<L>(multiplier[row], shift);
                let mut quad = 0;
                while quad < quads {
                    let mut $group = [0; 4];
                    let mut k = 0;
                    while k < 4 {
                        if quad * 4 + k < inputs {
                            $group[k] = weights[row * inputs + quad * 4 + k];
                        }
                        k += 1;
                    }
                    let $order = L::ORDER;
                    let words: [u32; <$weight as Weight>::WORDS] = $write;
                    let mut k = 0;
                    while k < words.len() {
                        stream[at_groups + quad * distance + k] = words[k];
                        k += 1;
                    }
                    quad += 1;
                }
                row += 1;
            }
        }
    };
}

pack!(pack8, i8, |group, order| {
    [u32::from_le_bytes([
        group[order[0]] as u8,
        group[order[1]] as u8,
        group[order[2]] as u8,
        group[order[3]] as u8,
    ])]
});
pack!(pack16, i16, |group, _order| {
    [
        group[0] as u16 as u32 | (group[1] as u16 as u32) << 16,
        group[2] as u16 as u32 | (group[3] as u16 as u32) << 16,
    ]
});

/// `x` clamped to `0..2^BITS`, for `BITS` of 15 or less and `-2^31 < x < 2^31 - 2^BITS`.
///
/// No branch on any core: where the compiler would make one, the instructions are spelled out.
#[inline(always)]
pub(crate) fn unit<const BITS: u32>(x: i32) -> i32 {
    #[cfg(any(target_arch = "riscv32", all(target_arch = "arm", not(target_feature = "v7"))))]
    return branchless::unit::<BITS>(x);
    #[cfg(not(any(
        target_arch = "riscv32",
        all(target_arch = "arm", not(target_feature = "v7"))
    )))]
    portable::unit::<BITS>(x)
}

/// All ones if `x` is negative, else 0; a mask that the compiler does not turn back into a branch.
#[inline(always)]
pub(crate) fn negative(x: i32) -> i32 {
    #[cfg(any(target_arch = "riscv32", all(target_arch = "arm", not(target_feature = "v7"))))]
    return branchless::negative(x);
    #[cfg(not(any(
        target_arch = "riscv32",
        all(target_arch = "arm", not(target_feature = "v7"))
    )))]
    portable::negative(x)
}

/// The activations of a tensor one by one.
#[inline(always)]
pub fn flat(x: &[Quad]) -> &[i16] {
    // SAFETY: a Quad is exactly four i16 (repr(C), size 8, no padding) at least as aligned as one,
    // so the slice covers the same bytes, and the lifetime is that of the borrow.
    unsafe { core::slice::from_raw_parts(x.as_ptr().cast(), x.len() * 4) }
}

/// The activations of a tensor one by one, to write.
#[inline(always)]
pub fn flat_mut(x: &mut [Quad]) -> &mut [i16] {
    // SAFETY: as for `flat`; the borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 4) }
}

/// A tensor's memory as `i32` accumulators, two a quad.
#[inline(always)]
pub fn words_mut(x: &mut [Quad]) -> &mut [i32] {
    // SAFETY: a Quad is eight bytes without padding, aligned to eight, and any bits are an i32; the
    // borrow is unique.
    unsafe { core::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len() * 2) }
}

/// `points[index]` for an index the caller has proved to lie inside.
///
/// # Safety
/// `index < points.len()`.
#[inline(always)]
pub(crate) unsafe fn point(points: &[i16], index: usize) -> i16 {
    debug_assert!(index < points.len());
    // SAFETY: the caller's contract.
    unsafe { *points.get_unchecked(index) }
}
