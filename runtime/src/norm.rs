//! Layer normalisation (Ba, Kiros, Hinton 2016): `z_i = (x_i - mean) / sqrt(variance + epsilon)`; and division by the
//! root mean square.
//!
//! Stands on the rounding rule.

use crate::arch::memory::flat_mut;
use crate::arch::norm::{divide, moments};
use crate::arch::scalar::{clamp, leading_zeros, negative, unit};
use crate::tensor::{Quad, quads};

/// High half of a 32 x 32 bit product.
#[inline(always)]
const fn high(a: u32, b: u32) -> u32 {
    ((a as u64 * b as u64) >> 32) as u32
}

/// `x = v 2^exponent` with v in [2^31, 2^32), or exponent even and v in [2^30, 2^32).
///
/// No shift by 32 or more and no branch: in the same time for every `x`, also where 64-bit shifts and
/// the count of leading zeros are library calls.
#[inline(always)]
pub(crate) fn normalized(x: u64, even: bool) -> (u32, i32) {
    let x = x | (x == 0) as u64;
    let (high, low) = ((x >> 32) as u32, x as u32);
    // All ones if the high word is 0: only then no bit of h | -h is its sign.
    let short = !negative((high | high.wrapping_neg()) as i32) as u32;
    let (high, low) = (high | low & short, low & !short); // high is not 0
    let zeros = leading_zeros(high);
    let zeros = if even { zeros & !1 } else { zeros }; // 0..=31
    let v = high << zeros | (low >> 1) >> (31 - zeros);
    (v, 32 - (zeros + (short & 32)) as i32)
}

/// `(m, e)` with `1 / sqrt(x) = m 2^-14 2^-e`, m in 2^14..2^15; an `x` of 0 counts as 1.
///
/// Newton's iteration `y (3 - v y^2) / 2` from a linear start, whose error of 12% it squares
/// four times; m's rounding of 2^-15 remains.
#[inline(never)]
pub fn reciprocal_sqrt(x: u64) -> (i16, i32) {
    let (v, exponent) = normalized(x, true); // x = v 2^exponent, v/2^32 in [1/4, 1)
    // y holds 1/sqrt(v/2^32) in Q30: (1, 2], and the start 2.2333 - 1.3 v lies in (0.93, 1.91).
    let mut y = 2_398_001_000_u32 - (high(v, 1_395_864_371));
    let mut round = 0;
    while round < 4 {
        let square = high(y, y); // Q28, below 2^30: y <= 2.04 in Q30 < 2^31.1
        let product = high(square, v); // Q28, v y^2 in (0.2, 1.3)
        y = high(y, (3 << 28) - product) << 3; // Q30 * Q28 / 2^32 = Q26; half of it in Q30
        round += 1;
    }
    (unit::<15>((y >> 16) as i32) as i16, exponent / 2 + 16)
}

/// `2^32 / v` with 30 fractional bits, in (1, 2], for a `v` of at least 2^31; good to 2^-27.
///
/// Newton's iteration `y (2 - v y)`, from 48/17 - 32/17 v with an error of 1/17.
#[inline(always)]
pub const fn reciprocal_q30(v: u32) -> u32 {
    let mut y = 3_031_741_621_u32 - high(v, 2_021_161_080);
    let mut round = 0;
    while round < 3 {
        y = high(y, (2 << 30) - high(y, v)) << 2; // Q30 * Q30 / 2^32 = Q28
        round += 1;
    }
    y
}

/// `(m, e)` with `1 / x = m 2^-14 2^-e`, m in 2^14..2^15; an `x` of 0 counts as 1.
#[inline(never)]
pub fn reciprocal(x: u32) -> (i16, i32) {
    let (v, exponent) = normalized(x as u64, false); // x = v 2^exponent, v/2^32 in [1/2, 1)
    let m = (reciprocal_q30(v) >> 16) as i32;
    (clamp(m, 0, 32767) as i16, exponent + 32)
}

/// Layer normalisation of `features` inputs, without gain and bias.
///
/// With n features, `z_i = (n x_i - sum) / sqrt(n sum of squares - sum^2 + n^2 epsilon)`: exact
/// integers up to the root. The output has `frac` fractional bits; `|z| < sqrt(n)`.
#[derive(Clone, Copy, Debug)]
pub struct Normalize {
    /// Number of features, at most 8,192.
    pub features: u16,
    /// `n^2 epsilon`, in squared units of the input.
    pub epsilon: u64,
    /// Fractional bits of the output: `sqrt(n) 2^frac <= 2^15`.
    pub frac: u8,
}

impl Normalize {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.features as usize)
    }

    /// Normalizes `x` in place.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        let x = whole_quads(x, self.features);
        let (sum, squares) = moments(x);
        // n^2 variance, >= 0 by Cauchy-Schwarz; n squares <= 2^56.
        let variance = self.features as u64 * squares - (sum as i64 * sum as i64) as u64;
        // d = n x - sum, |d| <= 2^29
        quotient(x, self.features, sum, variance.saturating_add(self.epsilon), self.frac);
    }
}

/// Division of `features` inputs by their root mean square (Zhang, Sennrich 2019), without a gain.
///
/// With n features, `z_i = n x_i / sqrt(max(n sum of squares + n^2 epsilon, n^2 least))`: exact integers up to the
/// root. The output has `frac` fractional bits; `|z| <= sqrt(n)`.
#[derive(Clone, Copy, Debug)]
pub struct RootMeanSquare {
    /// Number of features, at most 8,192.
    pub features: u16,
    /// `n^2 epsilon`, in squared units of the input, at most 2^62.
    pub epsilon: u64,
    /// `n^2` times the least mean square, in squared units of the input, at most 2^62.
    pub least: u64,
    /// Fractional bits of the output: `sqrt(n) 2^frac <= 2^15`.
    pub frac: u8,
}

impl RootMeanSquare {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.features as usize)
    }

    /// Normalizes `x` in place.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        let x = whole_quads(x, self.features);
        let (_, squares) = moments(x);
        // n squares <= 2^56, the others <= 2^62
        let square = self.features as u64 * squares + self.epsilon;
        let more = square as i64 - self.least as i64;
        // d = n x, |d| <= 2^28
        quotient(x, self.features, 0, self.least + (more & !(more >> 63)) as u64, self.frac);
    }
}

/// The quads of `features`, behind whose last are zeros: whole quads are faster.
#[inline(always)]
fn whole_quads(x: &mut [Quad], features: u16) -> &mut [Quad] {
    let n = features as usize;
    flat_mut(x).iter_mut().take(quads(n) * 4).skip(n).for_each(|x| *x = 0);
    x.get_mut(..quads(n)).unwrap_or_default()
}

/// `z = d / sqrt(square)` with `frac` fractional bits, of `d = n x - sum` of at most 2^29 and at most
/// `sqrt(n square)`, in place.
#[inline(always)]
fn quotient(x: &mut [Quad], features: u16, sum: i32, square: u64, frac: u8) {
    let (m, e) = reciprocal_sqrt(square);
    // z 2^frac = d m 2^(frac - 14 - e) = (d m / 2^16) >> s. A negative s means a small square
    // and so a small d: shift d up instead, leaving two bits to round.
    let s = e - frac as i32 - 2;
    let up = clamp(2 - s, 0, 31);
    let s = clamp(s + up, 2, 31) as u32;
    // |d| 2^up m / 2^16 <= sqrt(n) 2^frac 2^s <= 2^15 2^2 when up > 0
    divide(x, (features as i32) << up, sum.wrapping_shl(up as u32), m, s);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::memory::flat;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn a_tensor_fits_if_it_has_every_feature() {
        let norm = Normalize { features: 5, epsilon: 0, frac: 13 };
        assert!(norm.fits(&[], 2) && !norm.fits(&[], 1) && !norm.fits(&[2], 2));
        let norm = RootMeanSquare { features: 5, epsilon: 0, least: 0, frac: 13 };
        assert!(norm.fits(&[], 2) && !norm.fits(&[], 1) && !norm.fits(&[2], 2));
    }

    proptest! {
        #[test]
        fn reciprocal_roots_are_good_to_their_last_bit(x in 1_u64.., small in 0_u32..64) {
            let x = (x >> small).max(1);
            let (m, e) = reciprocal_sqrt(x);
            let got = m as f64 * f64::powi(2.0, -14 - e);
            prop_assert!((got * (x as f64).sqrt() - 1.0).abs() < 1.0 / 16000.0, "{} {} {}", x, m, e);
        }

        #[test]
        fn reciprocals_are_good_to_their_last_bit(x in 1_u32.., small in 0_u32..32) {
            let x = (x >> small).max(1);
            let (m, e) = reciprocal(x);
            let got = m as f64 * f64::powi(2.0, -14 - e);
            prop_assert!((got * x as f64 - 1.0).abs() < 1.0 / 16000.0, "{} {} {}", x, m, e);
        }

        #[test]
        fn root_mean_squares_follow_the_formula(
            x in prop::collection::vec(any::<i16>(), 1..40), spread in 0_u32..16,
            epsilon in 0_u64..100_000, least in 0_u64..1_000_000,
        ) {
            let x: Vec<i16> = x.iter().map(|x| x >> spread).collect();
            let n = x.len();
            let frac = 15 - (n as f64).sqrt().log2().ceil() as u8;
            let mut y = std::vec![Quad::default(); n.div_ceil(4)];
            flat_mut(&mut y)[..n].copy_from_slice(&x);
            RootMeanSquare { features: n as u16, epsilon, least, frac }.run(&mut y);
            let squares = x.iter().map(|&x| (x as f64).powi(2)).sum::<f64>();
            let square = (n as f64 * squares + epsilon as f64).max(least as f64).max(1.0);
            for (&x, &got) in x.iter().zip(flat(&y)) {
                let z = n as f64 * x as f64 / square.sqrt() * f64::powi(2.0, frac as i32);
                prop_assert!((got as f64 - z.clamp(-32768.0, 32767.0)).abs() <= 1.6 + z.abs() / 16000.0, "{} {}", got, z);
            }
        }

        #[test]
        fn normalization_follows_the_formula(
            x in prop::collection::vec(any::<i16>(), 2..40), spread in 0_u32..14, epsilon in 0_u64..100_000,
        ) {
            let x: Vec<i16> = x.iter().map(|x| x >> spread).collect();
            let n = x.len();
            let frac = 15 - (n as f64).sqrt().log2().ceil() as u8;
            let mut y = std::vec![Quad::default(); n.div_ceil(4)];
            flat_mut(&mut y)[..n].copy_from_slice(&x);
            Normalize { features: n as u16, epsilon, frac }.run(&mut y);
            let mean = x.iter().map(|&x| x as f64).sum::<f64>() / n as f64;
            let var = x.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / n as f64;
            let root = (var + epsilon as f64 / (n * n) as f64).max(1.0 / (n * n) as f64).sqrt();
            for (&x, &got) in x.iter().zip(flat(&y)) {
                let z = (x as f64 - mean) / root * f64::powi(2.0, frac as i32);
                prop_assert!((got as f64 - z.clamp(-32768.0, 32767.0)).abs() <= 1.6 + z.abs() / 16000.0, "{} {}", got, z);
            }
        }
    }
}
