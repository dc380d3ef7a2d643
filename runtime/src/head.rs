//! Classifier heads.
//!
//! Stands on `norm`, `table` and the rounding rule.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::{clamp, negative};
use crate::norm::{normalized, reciprocal};
use crate::rounding::{requantize, requantizer, saturate16};
use crate::table::Table;
use crate::tensor::{Quad, quads};

/// `p_i = exp(x_i) / sum_j exp(x_j)` with 15 fractional bits.
#[derive(Clone, Copy, Debug)]
pub struct Softmax<'a> {
    /// Number of classes, at most 32,768.
    pub features: u16,
    /// `exp(-d scale)` with 15 fractional bits, at distances `d` of 0..=65535 below the largest input.
    pub exp: Table<'a>,
}

impl Softmax<'_> {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.features as usize)
    }

    /// Turns logits into probabilities in place; probability 1 saturates to `32767 / 2^15`.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        let x = flat_mut(x);
        let Some(x) = x.get_mut(..self.features as usize) else { return };
        let (_, largest) = largest(x);
        let mut sum = 0_u32; // <= 2^15 2^15
        for x in x.iter_mut() {
            *x = self.exp.at((largest - *x as i32) as u16); // 0 <= distance <= 65535
            sum += *x as u32; // 0 <= x <= 32767: the table is not negative
        }
        // p 2^15 = x m 2^(1 - e) = (x 2^15) m 2^-(14 + e); the largest x is about 2^15, so e >= 14.
        let (m, e) = reciprocal(sum);
        let shift = clamp(e - 2, 0, 31) as u32;
        for x in x.iter_mut() {
            *x = requantize((*x as i32) << 15, m, shift); // x 2^15 < 2^30
        }
    }
}

/// `y_i = x_i - ln(sum_j exp(x_j))`, no logarithm of a probability: with `d_i` the distance of `x_i` below
/// the largest input, `y_i = -d_i - ln(sum_j exp(-d_j))`, and the sum lies in 1..=features.
#[derive(Clone, Copy, Debug)]
pub struct LogSoftmax<'a> {
    /// Number of classes, at most 32,768.
    pub features: u16,
    /// `exp(-d scale)` with 15 fractional bits, at distances `d` of 0..=65535 below the largest input.
    pub exp: Table<'a>,
    /// `ln(1 + u / 65536)` at `u` in 0..=65535, in units of `2^-log_frac` outputs.
    pub log: Table<'a>,
    /// `ln 2` in the same units.
    pub ln2: i16,
    /// Fractional bits of `log` and `ln2`, at most 15.
    pub log_frac: u8,
    /// With `shift`: `multiplier / 2^(16 + shift)` outputs are `2^-14` inputs.
    pub multiplier: i16,
    /// See `multiplier`; at most 15.
    pub shift: u8,
    /// Half an output, in units of `2^-14` inputs; at most `2^30`.
    pub half: i32,
}

impl LogSoftmax<'_> {
    /// Whether a tensor of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(self.features as usize)
    }

    /// Turns logits into logarithms of probabilities in place; none is above 0.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        let x = flat_mut(x);
        let Some(x) = x.get_mut(..self.features as usize) else { return };
        let (_, largest) = largest(x);
        let mut sum = 0_u32; // <= 2^15 2^15
        for x in x.iter() {
            sum += self.exp.at((largest - *x as i32) as u16) as u32; // as in `Softmax`
        }
        // sum / 2^15 = (v / 2^31) 2^(e + 16): the sum is about 2^15 or more, so -1 <= e + 16 <= 15.
        let (v, e) = normalized(sum as u64, false);
        let log = self.log.at((v >> 15) as u16) as i32 + (e + 16) * self.ln2 as i32; // |log| < 2^19
        let log = (log + ((1 << self.log_frac) >> 1)) >> self.log_frac;
        let log = log & !negative(log); // the largest probability is 1 at most
        let scale = requantizer(self.multiplier, self.shift as u32);
        for x in x.iter_mut() {
            // 0 <= distance 2^14 < 2^30, and half as much again to round
            let distance = scale(((largest - *x as i32) << 14) + self.half) as i32;
            *x = saturate16(-distance - log);
        }
    }
}

/// Index of the largest value, the first of equals; 0 for none.
#[inline(never)]
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best: Option<(usize, &T)> = None;
    for (i, value) in values.iter().enumerate() {
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((i, value));
        }
    }
    best.map_or(0, |(i, _)| i)
}

/// Index and value of the largest, the first of equals, in the same time for all values.
fn largest(values: &[i16]) -> (i32, i32) {
    let (mut at, mut largest) = (0, i16::MIN as i32 - 1);
    for (i, &value) in values.iter().enumerate() {
        let newer = negative(largest - value as i32); // |difference| <= 2^16
        largest += (value as i32 - largest) & newer;
        at += (i as i32 - at) & newer;
    }
    (at, largest)
}

/// The [`argmax`] of the first activations of a tensor, as the first of another.
#[derive(Clone, Copy, Debug)]
pub struct ArgMax {
    /// How many.
    pub features: usize,
}

impl ArgMax {
    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if *x >= quads(self.features)) && written > 0
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        if let (Some(x), Some(y)) = (flat(x).get(..self.features), flat_mut(y).first_mut()) {
            *y = largest(x).0 as i16; // codegen refuses more than 32,767 features
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::sample::through;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn tensors_fit_if_they_have_every_class() {
        let table = Table::new(&[0; 2]);
        let softmax = Softmax { features: 5, exp: table };
        assert!(softmax.fits(&[], 2) && !softmax.fits(&[], 1) && !softmax.fits(&[2], 2));
        let (exp, log) = (table, table);
        let log = LogSoftmax {
            features: 5,
            exp,
            log,
            ln2: 0,
            log_frac: 0,
            multiplier: 0,
            shift: 0,
            half: 0,
        };
        assert!(log.fits(&[], 2) && !log.fits(&[], 1) && !log.fits(&[2], 2));
        let argmax = ArgMax { features: 5 };
        assert!(argmax.fits(&[2], 1) && !argmax.fits(&[1], 1) && !argmax.fits(&[2], 0));
    }

    proptest! {
        #[test]
        fn probabilities_follow_the_formula(logits in prop::collection::vec(any::<i16>(), 1..20), scale in 1e-5_f64..2e-3) {
            let exp = |i: usize| (f64::exp(-(i as f64) * 128.0 * scale) * 32767.0).round() as i16;
            let points: Vec<i16> = (0..=512).map(exp).collect();
            let n = logits.len();
            let mut y = std::vec![Quad::default(); n.div_ceil(4)];
            flat_mut(&mut y)[..n].copy_from_slice(&logits);
            Softmax { features: n as u16, exp: Table::new(&through(&points)) }.run(&mut y);
            let exps: Vec<f64> = logits.iter().map(|&x| (x as f64 * scale).exp()).collect();
            let sum: f64 = exps.iter().sum();
            for (exp, &got) in exps.iter().zip(flat(&y)) {
                let got = got as f64 / 32768.0;
                prop_assert!((got - exp / sum).abs() < 3e-3, "{} {}", got, exp / sum);
            }
        }
    }

    proptest! {
        #[test]
        fn logarithms_follow_the_formula(logits in prop::collection::vec(any::<i16>(), 1..20), scale in 1e-5_f64..2e-3) {
            let points = |f: &dyn Fn(f64) -> f64| -> Vec<i16> {
                (0..=512).map(|i| f(i as f64 * 128.0).round().min(32767.0) as i16).collect()
            };
            let exp = through(&points(&|d| (-d * scale).exp() * 32767.0));
            // An output of 2^-7 reaches 256, more than 65535 distances of the largest scale.
            let log_frac = 8_u8;
            let unit = f64::powi(2.0, 7 + i32::from(log_frac));
            let log = through(&points(&|u| (1.0 + u / 65536.0).ln() * unit));
            let (shift, factor) = (12_u8, scale * 128.0 / 16384.0);
            let multiplier = (factor * f64::powi(2.0, 16 + i32::from(shift))).round().max(1.0) as i16;
            let n = logits.len();
            let mut y = std::vec![Quad::default(); n.div_ceil(4)];
            flat_mut(&mut y)[..n].copy_from_slice(&logits);
            LogSoftmax {
                features: n as u16,
                exp: Table::new(&exp),
                log: Table::new(&log),
                ln2: (std::f64::consts::LN_2 * unit).round() as i16,
                log_frac,
                multiplier,
                shift,
                half: ((1 << (15 + shift)) / i32::from(multiplier)).min(1 << 30),
            }
            .run(&mut y);
            let largest = logits.iter().copied().max().map_or(0.0, f64::from);
            let below = |x: i16| (f64::from(x) - largest) * scale;
            let sum: f64 = logits.iter().map(|&x| below(x).exp()).sum();
            for (&x, &got) in logits.iter().zip(flat(&y)) {
                let (got, want) = (f64::from(got) / 128.0, below(x) - sum.ln());
                // The multiplier has 15 bits at the largest scale, and 7 at the smallest.
                let error = 1.5 / 128.0 + want.abs() * 0.6 / f64::from(multiplier);
                prop_assert!((got - want).abs() < error && got <= 0.0, "{} {}", got, want);
            }
        }
    }

    #[test]
    fn argmax_takes_the_first_of_equals() {
        assert_eq!(argmax(&[1, 3, 3, 2]), 1);
        assert_eq!(argmax::<i16>(&[]), 0);
    }

    proptest! {
        #[test]
        fn the_largest_is_found_without_a_comparison(
            values in prop::collection::vec(prop_oneof![any::<i16>(), Just(i16::MIN), Just(i16::MAX)], 1..50),
        ) {
            let (at, value) = largest(&values);
            prop_assert_eq!(at as usize, argmax(&values));
            prop_assert_eq!(value, values[at as usize] as i32);
        }
    }
}
