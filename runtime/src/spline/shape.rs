//! What a layer of splines is, beside its tables: grids, their axis, sizes. Stands on `arch::scalar`.

use crate::arch::scalar::clamp;
use crate::tensor::quads;

/// One input's way from activation to grid coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Grid {
    /// The input's index among the activations.
    pub input: u16,
    /// Grid coordinate an activation, with [`Axis::shift`] fraction bits.
    pub factor: i16,
    /// Grid coordinate of activation 0; below 2^30 in magnitude.
    pub offset: i32,
}

impl Grid {
    /// The grid coordinate of an activation.
    #[inline(always)]
    pub fn coordinate(&self, x: i16) -> i32 {
        x as i32 * self.factor as i32 + self.offset // |x * factor| <= 2^30 and |offset| < 2^30
    }
}

/// What the grids of a layer share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Intervals of the grid; an edge has three coefficients more.
    pub intervals: u8,
    /// Fraction bits of a grid coordinate, at least 16; `(intervals + 3) << shift` is below 2^31.
    pub shift: u8,
    /// Whether splines fall to zero beyond the grid, or coordinates stop at its ends.
    pub tails: bool,
}

impl Axis {
    /// Checks what the fields' documentation says.
    pub(crate) const fn is_sound(&self) -> bool {
        self.intervals > 0
            && self.shift >= 16
            && self.shift < 31
            && ((self.intervals as i64 + 3) << self.shift) < 1 << 31
    }

    /// First live coefficient and the weights of four from there, for a grid coordinate.
    ///
    /// The index is at most `intervals - 1`; the weights are at least 0 and sum to at most 2^15.
    pub fn locate(&self, q: i32) -> (usize, [i16; 4]) {
        let intervals = self.intervals as i32;
        let beyond = if self.tails { 3 } else { 0 };
        let (low, high) = (-(beyond << 15), ((intervals + beyond) << 15) - 1);
        // |q| < 2^31 before the shift by at least 1, and |low|, |high| < 2^22: differences fit.
        let q = clamp(q >> (self.shift - 15), low, high);
        let s = q >> 15; // -3 <= s <= intervals + 2
        let w = weights(q & 0x7fff); // 0 <= u < 2^15
        if !self.tails {
            return (s as usize, w); // 0 <= s < intervals: q was clamped so
        }
        let start = clamp(s, 0, intervals - 1);
        // The window of weights over the edge's coefficients: those outside count as zero.
        let first = (4 + start - s) as usize; // -3 <= s - start <= 3
        let mut window = [0; 12];
        window[4..8].copy_from_slice(&w);
        let moved = |k: usize| window.get(first + k).copied().unwrap_or(0);
        (start as usize, [moved(0), moved(1), moved(2), moved(3)])
    }
}

/// The four weights of a cubic B-spline at fraction `u` (Q15), within 1.7 units of exact.
#[inline(always)]
pub fn weights(u: i32) -> [i16; 4] {
    let u2 = (u * u) >> 15; // 0 <= u2 < 2^15
    let u3 = (u2 * u) >> 15; // 0 <= u3 < 2^15
    let v = 32768 - u; // 0 < v <= 2^15
    let v2 = (v * v) >> 15; // 0 <= v2 <= 2^15
    let v3 = (v2 * v) >> 15; // 0 <= v3 <= 2^15
    // 10923 / 2^16 is a sixth; 2^15 * 10923 + 2^15 < 2^29.
    let w0 = (v3 * 10923 + 32768) >> 16; // 0 <= w0 <= 5462
    let w3 = (u3 * 10923 + 32768) >> 16; // 0 <= w3 <= 5461
    let w1 = 21845 - u2 + (u3 >> 1); // 5461 <= w1 <= 21845
    let w2 = 32768 - w0 - w1 - w3; // 5461 <= w2 <= 21848, so that the four sum to 2^15
    [w0 as i16, w1 as i16, w2 as i16, w3 as i16]
}

/// What a layer of splines is, beside its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplineShape {
    /// Inputs.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// What the grids of all inputs share.
    pub axis: Axis,
    /// Whether a base function takes part.
    pub base: bool,
    /// Bits by which a factor of the base function weighs more than a coefficient; below 16.
    pub base_shift: u8,
    /// See [`requantize`](crate::rounding::requantize).
    pub shift: u8,
}

impl SplineShape {
    /// Coefficients of an edge.
    #[inline(always)]
    pub const fn count(&self) -> usize {
        self.axis.intervals as usize + 3
    }

    /// Features of memory a layer writes: its outputs, then accumulators.
    pub const fn memory(outputs: usize) -> usize {
        quads(outputs) * 4 + outputs * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    fn exact(u: f64) -> [f64; 4] {
        let v = 1.0 - u;
        let (u2, u3) = (u * u, u * u * u);
        [
            v * v * v / 6.0,
            (3.0 * u3 - 6.0 * u2 + 4.0) / 6.0,
            (-3.0 * u3 + 3.0 * u2 + 3.0 * u + 1.0) / 6.0,
            u3 / 6.0,
        ]
    }

    /// Basis function `i` on the uniform knots `-3, -2, ...` at `p`, by the recursion of Cox and de Boor.
    fn recursion(i: i32, k: i32, p: f64) -> f64 {
        let t = |j: i32| f64::from(j - 3);
        if k == 0 {
            return f64::from(u8::from(t(i) <= p && p < t(i + 1)));
        }
        (p - t(i)) / f64::from(k) * recursion(i, k - 1, p)
            + (t(i + k + 1) - p) / f64::from(k) * recursion(i + 1, k - 1, p)
    }

    #[test]
    fn weights_are_within_their_bounds_at_every_fraction() {
        let mut worst = 0.0_f64;
        for u in 0..32768 {
            let w = weights(u);
            assert_eq!(w.iter().map(|&w| i32::from(w)).sum::<i32>(), 32768);
            for (w, exact) in w.iter().zip(exact(f64::from(u) / 32768.0)) {
                assert!(*w >= 0);
                worst = worst.max((f64::from(*w) - exact * 32768.0).abs());
            }
        }
        assert!(worst <= 1.7, "{worst}");
    }

    /// Every i16 activation against the recursion in double precision, tails and all.
    #[test]
    fn every_activation_gives_the_recursion_of_cox_and_de_boor() {
        for (intervals, factor, offset) in
            [(5_u8, 8192_i16, 5 << 24), (3, 3000, 1 << 24), (8, 9000, 0)]
        {
            let axis = Axis { intervals, shift: 25, tails: true };
            for x in i16::MIN..=i16::MAX {
                let q = i32::from(x) * i32::from(factor) + offset;
                let (start, w) = axis.locate(q);
                assert!(start < intervals as usize);
                let p = f64::from(q) / f64::from(1 << 25);
                for i in 0..i32::from(intervals) + 3 {
                    let tap = usize::try_from(i).unwrap().wrapping_sub(start);
                    let got = w.get(tap).map_or(0.0, |&w| f64::from(w) / 32768.0);
                    let want = recursion(i, 3, p);
                    assert!((got - want).abs() < 8e-5, "{x}: basis {i} {got} {want}");
                }
            }
        }
    }
}
