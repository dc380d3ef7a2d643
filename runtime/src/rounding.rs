//! The one rounding rule, and saturation. Stands on the operations of `arch::scalar`.
//!
//! # The rounding rule
//! Every kernel ends in the same step, from an `i32` accumulator `a` to an `i16` activation:
//!
//! ```text
//!            a * m
//! y = sat16( floor( --------- ) )        m: i16 >= 0,   0 <= s <= 15
//!                   2^(16+s)
//!
//!   a ---> [ * m ] ---> [ >> 16 ] ---> [ >> s ] ---> [ sat16 ] ---> y
//!   i32     48 bit      i32, floor     floor of a floor is one floor
//! ```
//!
//! Rounding is to nearest, halves up: the half, `2^(15+s) / m` in units of `a`, is part of the
//! accumulator already (codegen folds it into the bias), so nothing is added here. With `m` the
//! nearest integer to the real factor, `|y - a * factor|` is at most `1/2 + |a| / 2^(17+s)` plus
//! the `m / 2^(17+s) < 1/4` that rounding the folded half costs; codegen picks `s` as large as `m`
//! allows, so the middle term stays below one unit at full scale.

use crate::arch::scalar;

/// `x` clamped to the `i16` range.
#[inline(always)]
pub fn saturate16(x: i32) -> i16 {
    scalar::saturate16(x)
}

/// `floor(a * m / 2^16)` in 32 bits, by two 16-bit products for cores without a long multiply.
#[inline(always)]
pub const fn mul_high_split(a: i32, m: i16) -> i32 {
    let high = (a >> 16) * m as i32; // |high| <= 2^30
    let low = (a & 0xffff) * m as i32; // |low| <= 65535 * 32768 < 2^31
    high + (low >> 16) // the split is exact: a = 2^16 (a >> 16) + (a & 0xffff)
}

/// `floor(a * m / 2^16)`, exact on every core.
#[inline(always)]
pub const fn mul_high(a: i32, m: i16) -> i32 {
    if cfg!(nervecord_short) {
        mul_high_split(a, m)
    } else {
        // One SMULWB, SMULL or MULH: shifting m instead of the product leaves no 64-bit shift.
        ((a as i64 * ((m as i64) << 16)) >> 32) as i32
    }
}

/// The one requantisation: `sat16(floor(a * m / 2^(16+s)))`.
///
/// `shift` is below 32; see the [module](self) for the error bound.
#[inline(always)]
pub fn requantize(a: i32, multiplier: i16, shift: u32) -> i16 {
    saturate16(mul_high(a, multiplier) >> shift)
}

/// [`requantize`] with one multiplier and shift (below 16) for many values.
#[inline(always)]
pub fn requantizer(multiplier: i16, shift: u32) -> impl Fn(i32) -> i16 {
    let scale = scaler(multiplier, shift);
    move |a| saturate16(scale(a))
}

/// `floor(a * m / 2^(16+s))` for many `a` and `s` below 16: where the core has a long multiply, the
/// shift is part of the multiplier.
#[inline(always)]
pub(crate) fn scaler(multiplier: i16, shift: u32) -> impl Fn(i32) -> i32 {
    // Of a factor it knows to be positive the compiler makes a longer product.
    let word = scalar::opaque((multiplier as u32) << (16 - shift)) as i32;
    move |a| match cfg!(nervecord_short) {
        true => mul_high_split(a, multiplier) >> shift,
        // floor(floor(a m / 2^16) / 2^s) = floor(a (m 2^(16-s)) / 2^32)
        false => ((a as i64 * word as i64) >> 32) as i32,
    }
}

/// `floor(x / 2^shift + 1/2)` for `shift` in 1..=31: the rounding rule where no multiplier is needed.
///
/// The caller has proved that `x + 2^(shift-1)` fits.
#[inline(always)]
pub const fn shift_round(x: i32, shift: u32) -> i32 {
    (x + (1 << (shift - 1))) >> shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_split_product_equals_the_long_one_at_the_edges() {
        for a in [i32::MIN, i32::MIN + 1, -65536, -1, 0, 1, 65535, 65536, i32::MAX] {
            for m in [i16::MIN, -1, 0, 1, 2, 16384, 32767] {
                let long = ((a as i64 * m as i64) >> 16) as i32;
                assert_eq!(mul_high_split(a, m), long, "{a} * {m}");
                assert_eq!(mul_high(a, m), long, "{a} * {m}");
            }
        }
    }

    /// The rule on a reduced width: every accumulator of 12 bits, every 6-bit multiplier.
    #[test]
    fn requantize_is_one_floor_for_every_small_case() {
        for a in -2048_i32..2048 {
            for m in 0_i16..64 {
                for s in 0..6 {
                    // Scaled up so that the small case exercises the 16 fixed bits too.
                    let exact =
                        ((a as i64) * (1 << 12) * (m as i64)) as f64 / f64::powi(2.0, 16 + s);
                    assert_eq!(
                        requantize(a << 12, m, s as u32) as f64,
                        exact.floor().clamp(-32768.0, 32767.0)
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn requantize_matches_exact_arithmetic(a: i32, m in 0_i16.., s in 0_u32..16) {
            let exact = (a as i64 * m as i64).div_euclid(1 << (16 + s));
            prop_assert_eq!(requantize(a, m, s) as i64, exact.clamp(-32768, 32767));
            prop_assert_eq!(requantizer(m, s)(a), requantize(a, m, s));
            prop_assert_eq!(mul_high_split(a, m), mul_high(a, m));
        }

        #[test]
        fn the_folded_half_rounds_to_nearest(a in -(1_i32 << 29)..(1 << 29), m in 1024_i16.., s in 1_u32..12) {
            let half = ((1_i64 << (15 + s)) + m as i64 / 2) / m as i64;
            let real = a as f64 * m as f64 / f64::powi(2.0, 16 + s as i32);
            let got = requantize(a + half as i32, m, s) as f64;
            let error = (got - real.clamp(-32768.0, 32767.0)).abs();
            prop_assert!(error <= 0.5 + m as f64 / f64::powi(2.0, 17 + s as i32) + 1e-9, "{error}");
        }
    }
}
