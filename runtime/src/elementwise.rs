//! Layers that treat every feature by itself: scales, sums, products and extremes of tensors, and copies.
//!
//! Stands on the rounding rule.

use crate::arch::copy::copy_plain;
pub use crate::arch::elementwise::Line;
use crate::arch::elementwise::{add, each, gate, lines, multiply};
use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::{clamp, larger};
use crate::rounding::{saturate16, shift_round};
use crate::tensor::{Quad, quads};

/// `y_i = floor((w_i x_i + b_i) / 2^s_i)`: per-feature scales that no neighbouring layer could absorb.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// One a feature.
    pub lines: &'a [Line],
}

impl Affine<'_> {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.lines.len())
    }

    /// Computes the layer in place.
    #[inline(always)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        lines(flat_mut(x), self.lines);
    }
}

/// [`Affine`] on each of several rows, which have the same lines.
#[derive(Clone, Copy, Debug)]
pub struct AffineRows<'a> {
    /// One a feature of a row.
    pub lines: &'a [Line],
    /// How many rows there are.
    pub rows: usize,
}

impl AffineRows<'_> {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.lines.len() * self.rows)
    }

    /// Computes the layer in place.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        let rows = flat_mut(x).chunks_exact_mut(self.lines.len().max(1));
        rows.take(self.rows).for_each(|row| lines(row, self.lines));
    }
}

/// Whether the only tensor to read has as many quads as the one written.
const fn same(reads: &[usize], written: usize) -> bool {
    matches!(reads, [other] if *other == written)
}

/// `y = (a x0 + b x1) / 2^shift`: the sum of two tensors of different scales.
#[derive(Clone, Copy, Debug)]
pub struct Add {
    /// Factors of the two inputs; the sum of their magnitudes is at most 65,534.
    pub factors: [i16; 2],
    /// Bits dropped, 1..=16.
    pub shift: u8,
}

impl Add {
    /// Whether the tensor to read has as many quads as the one `written`, which all are computed.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        same(reads, written)
    }

    /// Adds `other` to `x`, in place.
    #[inline(always)]
    pub fn run(&self, x: &mut [Quad], other: &[Quad]) {
        debug_assert!(self.fits(&[other.len()], x.len()), "a tensor is too short");
        add(x, other, self.factors, self.shift);
    }
}

/// `y = x0 x1`: the product of two tensors of different scales.
#[derive(Clone, Copy, Debug)]
pub struct Mul {
    /// The rounding half, in units of the product.
    pub half: i32,
    /// See [`requantize`](crate::rounding::requantize).
    pub multiplier: i16,
    /// See [`requantize`](crate::rounding::requantize).
    pub shift: u8,
}

impl Mul {
    /// Whether the tensor to read has as many quads as the one `written`, which all are computed.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        same(reads, written)
    }

    /// Multiplies `x` by `other`, in place.
    #[inline(always)]
    pub fn run(&self, x: &mut [Quad], other: &[Quad]) {
        debug_assert!(self.fits(&[other.len()], x.len()), "a tensor is too short");
        multiply(x, other, self.half, self.multiplier, self.shift);
    }
}

/// The larger or the smaller of two tensors of one scale.
#[derive(Clone, Copy, Debug)]
pub struct Extreme {
    /// The larger; else the smaller.
    pub largest: bool,
}

impl Extreme {
    /// Whether the tensor to read has as many quads as the one `written`, which all are computed.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        same(reads, written)
    }

    /// Leaves in `x` the one of it and `other`.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad], other: &[Quad]) {
        debug_assert!(self.fits(&[other.len()], x.len()), "a tensor is too short");
        // !x falls where x rises, within the same range: the smaller is the complement of the larger.
        let flip = if self.largest { 0 } else { -1 };
        each(x, other, |x, other| (larger(x ^ flip, other ^ flip) ^ flip) as i16);
    }
}

/// `y = g x`: the product of a tensor and of gates from 0 to 1, whose integers `q` stand for `(q + 32767) / 65534`.
#[derive(Clone, Copy, Debug)]
pub struct GatedMul {
    /// The rounding half, in units of the product, at most 65,535.
    pub half: i32,
    /// See [`requantize`](crate::rounding::requantize).
    pub multiplier: i16,
    /// See [`requantize`](crate::rounding::requantize).
    pub shift: u8,
}

impl GatedMul {
    /// Whether the tensor to read has as many quads as the one `written`, which all are computed.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        same(reads, written)
    }

    /// Multiplies `x` by the gates `g`, in place.
    #[inline(always)]
    pub fn run(&self, x: &mut [Quad], g: &[Quad]) {
        debug_assert!(self.fits(&[g.len()], x.len()), "a tensor is too short");
        gate(x, g, self.half, self.multiplier, self.shift);
    }
}

/// Copies features to their place in another tensor and another scale: concatenations.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// First feature written.
    pub offset: usize,
    /// Number of features.
    pub features: usize,
    /// `y = factor x / 2^shift`; `1 << shift` copies exactly.
    pub factor: i16,
    /// Bits dropped, 1..=15.
    pub shift: u8,
}

impl Place {
    /// Whether the tensor to read and the one `written` have the features copied, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if *x >= quads(self.features))
            && written >= quads(self.offset + self.features)
    }

    /// Copies `x` into `y`.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        let y = flat_mut(y).get_mut(self.offset..).unwrap_or_default();
        let features = self.features.min(y.len()).min(x.len() * 4);
        let y = &mut y[..features];
        // Known when it is compiled.
        match self.factor as i32 == 1 << self.shift {
            true => copy_plain(x, y),
            false => self.rescale(&flat(x)[..features], y),
        }
    }

    #[inline(never)]
    fn rescale(&self, x: &[i16], y: &mut [i16]) {
        // |x * factor| <= 2^30
        let scale =
            |x: i16| saturate16(shift_round(x as i32 * self.factor as i32, self.shift as u32));
        let ((x, last_x), (y, last_y)) = (x.as_chunks::<4>(), y.as_chunks_mut::<4>());
        for (x, y) in x.iter().zip(y) {
            for (&x, y) in x.iter().zip(y) {
                *y = scale(x);
            }
        }
        for (&x, y) in last_x.iter().zip(last_y) {
            *y = scale(x);
        }
    }
}

/// `y_i = x[indices_i]`; without debug assertions, an index outside `x` gives 0.
#[derive(Clone, Copy, Debug)]
pub struct Select<'a> {
    /// One a feature of `y`.
    pub indices: &'a [u16],
}

impl Select<'_> {
    /// Whether the tensor to read has every index, and the one `written` is long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x] = reads else { return false };
        let mut k = 0;
        while k < self.indices.len() {
            if self.indices[k] as usize / 4 >= x {
                return false;
            }
            k += 1;
        }
        written >= quads(self.indices.len())
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        self.of(flat(x), flat_mut(y));
    }

    /// The same of features that may be anything, such as those of many rows on a host.
    #[inline(always)]
    pub fn of<T: Copy + Default>(&self, x: &[T], y: &mut [T]) {
        for (y, &i) in y.iter_mut().zip(self.indices) {
            *y = x.get(i as usize).copied().unwrap_or_default();
        }
    }
}

/// `y_j = x[index_j]` for indices that are computed; one outside `x` counts as its nearest.
///
/// The same instructions for every index; on a part with a data cache not the same time.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    /// Features of `x`, at least one and at most 32,768.
    pub features: usize,
    /// Features of the index, and of `y`.
    pub picks: usize,
}

impl Pick {
    /// Whether the tensor to read, its index and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x, index] = reads else { return false };
        x >= quads(self.features) && index >= quads(self.picks) && written >= quads(self.picks)
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], index: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len(), index.len()], y.len()), "a tensor is too short");
        let last = self.features as i32 - 1;
        let x = flat(x);
        for (y, &i) in flat_mut(y).iter_mut().zip(flat(index)).take(self.picks) {
            *y = x.get(clamp(i as i32, 0, last) as usize).copied().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sum_is_rounded_once(x: [i16; 4], other: [i16; 4], a in -32767_i16.., b in -32767_i16.., shift in 1_u8..=16) {
            let mut y = [Quad(x)];
            Add { factors: [a, b], shift }.run(&mut y, &[Quad(other)]);
            for i in 0..4 {
                let exact = x[i] as i64 * a as i64 + other[i] as i64 * b as i64;
                let want = (exact + (1 << (shift - 1))) >> shift;
                prop_assert_eq!(y[0].0[i] as i64, want.clamp(-32768, 32767));
            }
        }

        #[test]
        fn extremes_are_one_of_the_two(x: [i16; 4], other: [i16; 4]) {
            let (mut largest, mut smallest) = ([Quad(x)], [Quad(x)]);
            Extreme { largest: true }.run(&mut largest, &[Quad(other)]);
            Extreme { largest: false }.run(&mut smallest, &[Quad(other)]);
            for i in 0..4 {
                prop_assert_eq!(largest[0].0[i], x[i].max(other[i]));
                prop_assert_eq!(smallest[0].0[i], x[i].min(other[i]));
            }
        }

        #[test]
        fn a_product_never_overflows(x: [i16; 4], other: [i16; 4], m in 16384_i16.., shift in 0_u8..15) {
            let half = ((1_i64 << (15 + shift)) / m as i64) as i32;
            let mut y = [Quad(x)];
            Mul { half, multiplier: m, shift }.run(&mut y, &[Quad(other)]);
            for i in 0..4 {
                let exact = (x[i] as i64 * other[i] as i64 + half as i64) * m as i64;
                prop_assert_eq!(y[0].0[i] as i64, (exact >> (16 + shift)).clamp(-32768, 32767));
            }
        }
    }

    #[test]
    fn rows_share_their_lines() {
        let line = |weight| Line { bias: 1, weight, shift: 1 };
        let mut x = [Quad([2, 4, 6, 8]), Quad([10, 12, 14, 16])];
        AffineRows { lines: &[line(2), line(-2), line(0)], rows: 2 }.run(&mut x);
        assert_eq!(flat(&x), [2, -4, 0, 8, -10, 0, 14, 16]);
    }

    proptest! {
        #[test]
        fn a_gated_product_never_overflows(
            x: [i16; 4], q in -32767_i16.., m in 16384_i16.., shift in 0_u8..=15,
        ) {
            let half = (((1_i64 << (15 + shift)) / m as i64) as i32).min(65535);
            let mut y = [Quad(x)];
            GatedMul { half, multiplier: m, shift }.run(&mut y, &[Quad([q; 4])]);
            for (&x, &y) in x.iter().zip(&y[0].0) {
                let exact = ((q as i64 + 32767) * x as i64 + half as i64) * m as i64;
                prop_assert_eq!(y as i64, (exact >> (16 + shift)).clamp(-32768, 32767));
            }
        }
    }

    #[test]
    fn places_and_selections_stay_inside() {
        let x = [Quad([1, 2, 3, 4]), Quad([5, 6, 7, 8])];
        let mut y = [Quad::default(); 2];
        Place { offset: 3, features: 2, factor: 1 << 14, shift: 14 }.run(&x, &mut y);
        assert_eq!(flat(&y), [0, 0, 0, 1, 2, 0, 0, 0]);
        Place { offset: 7, features: 1, factor: 1 << 14, shift: 13 }.run(&x, &mut y);
        assert_eq!(flat(&y), [0, 0, 0, 1, 2, 0, 0, 2]);
        Select { indices: &[7, 0] }.run(&x, &mut y);
        assert_eq!(&flat(&y)[..2], [8, 1]);
        Pick { features: 7, picks: 4 }.run(&x, &[Quad([3, -5, 9, 6])], &mut y);
        assert_eq!(&flat(&y)[..4], [4, 1, 7, 7]);
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn beyond_a_tensor_nothing_is_written_and_zeros_are_read() {
        let x = [Quad([1, 2, 3, 4]), Quad([5, 6, 7, 8])];
        let mut y = [Quad::default(); 2];
        Place { offset: 7, features: 4, factor: 1 << 14, shift: 13 }.run(&x, &mut y);
        assert_eq!(flat(&y), [0, 0, 0, 0, 0, 0, 0, 2]);
        Select { indices: &[7, 0, 99] }.run(&x, &mut y);
        assert_eq!(&flat(&y)[..3], [8, 1, 0]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn short_tensors_are_refused() {
        Select { indices: &[4] }.run(&[Quad::default()], &mut [Quad::default()]);
    }

    #[test]
    fn tensors_fit_if_they_have_every_feature() {
        let lines = [Line { bias: 0, weight: 1, shift: 1 }; 5];
        let affine = Affine { lines: &lines };
        assert!(affine.fits(&[], 2) && !affine.fits(&[], 1) && !affine.fits(&[2], 2));
        let rows = AffineRows { lines: &lines, rows: 2 };
        assert!(rows.fits(&[], 3) && !rows.fits(&[], 2) && !rows.fits(&[2], 3));
        let add = Add { factors: [1, 1], shift: 1 };
        assert!(add.fits(&[2], 2) && !add.fits(&[1], 2) && !add.fits(&[2], 1));
        let mul = Mul { half: 0, multiplier: 1, shift: 0 };
        assert!(mul.fits(&[2], 2) && !mul.fits(&[1], 2) && !mul.fits(&[2], 1));
        let extreme = Extreme { largest: true };
        assert!(extreme.fits(&[2], 2) && !extreme.fits(&[1], 2) && !extreme.fits(&[2], 1));
        let pick = Pick { features: 5, picks: 9 };
        assert!(pick.fits(&[2, 3], 3) && !pick.fits(&[1, 3], 3) && !pick.fits(&[2, 2], 3));
        assert!(!pick.fits(&[2, 3], 2));
        let place = Place { offset: 3, features: 2, factor: 1, shift: 1 };
        assert!(place.fits(&[1], 2) && !place.fits(&[0], 2) && !place.fits(&[1], 1));
        let select = Select { indices: &[0, 4, 1, 2, 3] };
        assert!(select.fits(&[2], 2) && !select.fits(&[1], 2) && !select.fits(&[2], 1));
    }
}
