//! What differs from core to core: how weights lie in memory, and the dot products over them.
//!
//! This is the only module with `unsafe` code. Each core-specific kernel has its portable twin in
//! [`portable`], which reads the same layout and must give the same sums; integers add in any
//! order, so all that differs is speed.
#![allow(unsafe_code)]

pub mod portable;
mod taps;

#[cfg(nervecord_dsp)]
mod dsp;

use crate::tensor::Quad;
pub use taps::Coefficient;
pub(crate) use taps::moved;

/// How a core wants a weight matrix in memory.
///
/// Rows come in blocks of [`ROWS`](Layout::ROWS) whose groups of four weights are interleaved:
/// group `q` of each row of the block, then group `q + 1` of each. Rows left over follow one by one.
pub trait Layout {
    /// Rows of a block.
    const ROWS: usize;
    /// `ORDER[k]` is the column, within a group of four i8 weights, that byte `k` holds.
    const ORDER: [usize; 4];
}

/// One row after the other, columns in order.
pub enum RowMajor {}

impl Layout for RowMajor {
    const ROWS: usize = 1;
    const ORDER: [usize; 4] = [0, 1, 2, 3];
}

/// Blocks of four rows, bytes in the order in which `SXTB16` and `SXTB16 ROR #8` unpack them.
pub enum Interleaved {}

impl Layout for Interleaved {
    const ROWS: usize = 4;
    const ORDER: [usize; 4] = [0, 2, 1, 3];
}

/// The layout of the core this crate is built for.
#[cfg(nervecord_dsp)]
pub type Native = Interleaved;
/// The layout of the core this crate is built for.
#[cfg(not(nervecord_dsp))]
pub type Native = RowMajor;

/// Four i8 weights of one row, in [`Layout::ORDER`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct W8(pub [i8; 4]);

/// Four i16 weights of one row, columns in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct W16(pub [i16; 4]);

/// Four weights of one row: what the dense kernel is generic over.
pub trait Group: Copy + 'static {
    /// The weights, columns in order, out of layout `L`.
    fn unpack<L: Layout>(self) -> [i16; 4];

    /// `acc[r] + sum of x * weights` for a block of four interleaved rows.
    ///
    /// `weights` holds `4 * x.len()` groups; missing ones count as zero.
    fn dot4(acc: [i32; 4], x: &[Quad], weights: &[Self]) -> [i32; 4];

    /// `acc + sum of x * weights` for one row.
    fn dot1(acc: i32, x: &[Quad], weights: &[Self]) -> i32;
}

impl Group for W8 {
    #[inline(always)]
    fn unpack<L: Layout>(self) -> [i16; 4] {
        let mut columns = [0; 4];
        let mut k = 0;
        while k < 4 {
            columns[L::ORDER[k]] = self.0[k] as i16;
            k += 1;
        }
        columns
    }

    #[inline(always)]
    fn dot4(acc: [i32; 4], x: &[Quad], weights: &[Self]) -> [i32; 4] {
        #[cfg(nervecord_dsp)]
        return dsp::dot4_i8(acc, x, weights);
        #[cfg(not(nervecord_dsp))]
        portable::dot4::<Native, _>(acc, x, weights)
    }

    #[inline(always)]
    fn dot1(acc: i32, x: &[Quad], weights: &[Self]) -> i32 {
        #[cfg(nervecord_dsp)]
        return dsp::dot1_i8(acc, x, weights);
        #[cfg(not(nervecord_dsp))]
        portable::dot1::<Native, _>(acc, x, weights)
    }
}

impl Group for W16 {
    #[inline(always)]
    fn unpack<L: Layout>(self) -> [i16; 4] {
        self.0
    }

    #[inline(always)]
    fn dot4(acc: [i32; 4], x: &[Quad], weights: &[Self]) -> [i32; 4] {
        #[cfg(nervecord_dsp)]
        return dsp::dot4_i16(acc, x, weights);
        #[cfg(not(nervecord_dsp))]
        portable::dot4::<Native, _>(acc, x, weights)
    }

    #[inline(always)]
    fn dot1(acc: i32, x: &[Quad], weights: &[Self]) -> i32 {
        #[cfg(nervecord_dsp)]
        return dsp::dot1_i16(acc, x, weights);
        #[cfg(not(nervecord_dsp))]
        portable::dot1::<Native, _>(acc, x, weights)
    }
}

/// Where group `quad` of `row` lies in layout `L`, for a matrix of `rows` x `quads` groups.
pub const fn position<L: Layout>(row: usize, quad: usize, rows: usize, quads: usize) -> usize {
    let blocked = rows - rows % L::ROWS;
    if row < blocked {
        (row / L::ROWS * quads + quad) * L::ROWS + row % L::ROWS
    } else {
        row * quads + quad
    }
}

macro_rules! pack {
    ($name:ident, $group:ident, $weight:ty, $order:expr) => {
        /// Lays out a row-major matrix of `inputs` columns for layout `L`, padding rows with zeros.
        ///
        /// # Panics
        /// If `packed` does not hold exactly the groups of the matrix. It runs when tables are
        /// built: in a constant, or on the host.
        pub const fn $name<L: Layout>(weights: &[$weight], inputs: usize, packed: &mut [$group]) {
            let (quads, rows) = (inputs.div_ceil(4), weights.len() / inputs);
            assert!(weights.len() == rows * inputs && packed.len() == rows * quads);
            let order: [usize; 4] = $order;
            let mut row = 0;
            while row < rows {
                let mut quad = 0;
                while quad < quads {
                    let mut group = [0; 4];
                    let mut k = 0;
                    while k < 4 {
                        let column = quad * 4 + order[k];
                        if column < inputs {
                            group[k] = weights[row * inputs + column];
                        }
                        k += 1;
                    }
                    packed[position::<L>(row, quad, rows, quads)] = $group(group);
                    quad += 1;
                }
                row += 1;
            }
        }
    };
}

pack!(pack8, W8, i8, L::ORDER);
pack!(pack16, W16, i16, [0, 1, 2, 3]);

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
