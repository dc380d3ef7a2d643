//! Classifier heads.

use crate::arch::{clamp, flat, flat_mut, negative};
use crate::norm::reciprocal;
use crate::number::requantize;
use crate::table::Table;
use crate::tensor::Quad;

/// `p_i = exp(x_i) / sum_j exp(x_j)` with 15 fractional bits.
#[derive(Clone, Copy, Debug)]
pub struct Softmax<'a> {
    /// Number of classes, at most 32,768.
    pub features: u16,
    /// `exp(-d scale)` with 15 fractional bits, at distances `d` of 0..=65535 below the largest input.
    pub exp: Table<'a>,
}

impl Softmax<'_> {
    /// Turns logits into probabilities in place; probability 1 saturates to `32767 / 2^15`.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
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

/// Writes the [`argmax`] of the first `features` activations as the first of `y`.
#[inline(never)]
pub fn argmax_tensor(features: usize, x: &[Quad], y: &mut [Quad]) {
    if let (Some(x), Some(y)) = (flat(x).get(..features), flat_mut(y).first_mut()) {
        *y = largest(x).0 as i16; // codegen refuses more than 32,767 features
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::through;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

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
