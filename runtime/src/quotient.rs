//! Quotients of tensors: each divisor's reciprocal has a mantissa and an exponent of its own, so that nothing is lost
//! where it is small.
//!
//! Stands on `norm` and the rounding rule.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::{clamp, negative};
use crate::norm::reciprocal;
use crate::rounding::{mul_high, saturate16, shift_round};
use crate::tensor::{Quad, quads};

/// `y_i = factor_i x_i / d_i`, or `factor_i x_i / d_0` for one divisor; a divisor of 0 counts as 1.
#[derive(Clone, Copy, Debug)]
pub struct Quotient<'a> {
    /// One a feature.
    pub factors: &'a [Ratio],
    /// Whether the divisor is one feature, for all.
    pub shared: bool,
}

/// `multiplier / 2^shift`.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// At least 0.
    pub multiplier: i16,
    /// 0..=31.
    pub shift: u8,
}

impl Quotient<'_> {
    /// Whether the divisor and the tensor `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let n = self.factors.len();
        let divisors = if self.shared { 1 } else { n };
        matches!(reads, [d] if *d >= quads(divisors)) && written >= quads(n)
    }

    /// Divides `x` in place.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad], divisors: &[Quad]) {
        debug_assert!(self.fits(&[divisors.len()], x.len()), "a tensor is too short");
        let (x, divisors) = (flat_mut(x), flat(divisors));
        let Some(&first) = divisors.first() else { return };
        let mut divisor = Divisor::of(first);
        for (i, (x, factor)) in x.iter_mut().zip(self.factors).enumerate() {
            if !self.shared {
                divisor = Divisor::of(divisors.get(i).copied().unwrap_or(0));
            }
            *x = divisor.divide(*x, factor);
        }
    }
}

/// `1 / d = sign mantissa 2^-14 2^-exponent`.
struct Divisor {
    mantissa: i16,
    /// In 1..=16.
    exponent: i32,
    /// All ones for a negative divisor.
    sign: i32,
}

impl Divisor {
    #[inline(always)]
    fn of(d: i16) -> Self {
        let sign = negative(d as i32);
        let (mantissa, exponent) = reciprocal(((d as i32 ^ sign) - sign) as u32); // 0..=2^15
        Self { mantissa, exponent, sign }
    }

    #[inline(always)]
    fn divide(&self, x: i16, factor: &Ratio) -> i16 {
        // |x multiplier| <= 2^30, |quotient| <= 2^29
        let quotient = mul_high(x as i32 * factor.multiplier as i32, self.mantissa);
        // y = quotient 2^-(exponent + shift - 2). What would be shifted up, by 2 at most to leave one bit to
        // round, may be cut off first: 2^28 2^2 is beyond 2^15 2.
        let s = self.exponent + factor.shift as i32 - 2; // -1..=45
        let up = clamp(1 - s, 0, 2);
        let raised = clamp(quotient, -(1 << 28), 1 << 28) << up;
        let quotient = quotient ^ ((quotient ^ raised) & negative(-up));
        // |quotient| + 2^30 < 2^31
        let y = saturate16(shift_round(quotient, clamp(s, 1, 31) as u32)) as i32;
        saturate16((y ^ self.sign) - self.sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tensors_fit_if_they_have_every_feature() {
        let factors = [Ratio { multiplier: 1, shift: 0 }; 5];
        let quotient = Quotient { factors: &factors, shared: false };
        assert!(quotient.fits(&[2], 2) && !quotient.fits(&[1], 2) && !quotient.fits(&[2], 1));
        let quotient = Quotient { factors: &factors, shared: true };
        assert!(quotient.fits(&[1], 2) && !quotient.fits(&[], 2));
    }

    fn number() -> impl Strategy<Value = i16> {
        prop_oneof![any::<i16>(), -5_i16..5, Just(i16::MIN), Just(i16::MAX)]
    }

    proptest! {
        #[test]
        fn quotients_follow_the_formula(
            x in [number(), number(), number(), number()], d in [number(), number(), number(), number()],
            multiplier in 16384_i16.., shift in 0_u8..=31,
        ) {
            let factors = [Ratio { multiplier, shift }; 4];
            let factor = f64::from(multiplier) * f64::powi(2.0, -i32::from(shift));
            for shared in [false, true] {
                let mut y = [Quad(x)];
                Quotient { factors: &factors, shared }.run(&mut y, &[Quad(d)]);
                for i in 0..4 {
                    let divisor = if shared { d[0] } else { d[i] };
                    let divisor = if divisor == 0 { 1.0 } else { f64::from(divisor) };
                    let want = (f64::from(x[i]) / divisor * factor).clamp(-32768.0, 32767.0);
                    let got = f64::from(y[0].0[i]);
                    prop_assert!((got - want).abs() <= 1.1 + want.abs() / 16000.0, "{} {}", got, want);
                }
            }
        }
    }
}
