//! Readings of models of both widths.

use super::*;
use crate::controller::Sealed;
use fixed::types::{I4F12, I16F16, I24F8};
use proptest::prelude::*;

/// Steps nothing: its formats and ranges are all that matters here.
struct Model<R, const FRAC: u8, const FULL: bool>(R, Status);

macro_rules! model {
    ($raw:ty, $ranges:expr) => {
        impl<const FRAC: u8, const FULL: bool> Sealed for Model<$raw, FRAC, FULL> {}

        impl<const FRAC: u8, const FULL: bool> RawStep<3, 1> for Model<$raw, FRAC, FULL> {
            type RawInput = $raw;
            type RawOutput = $raw;
            const INPUT_FRAC: [u8; 3] = [FRAC; 3];
            const INPUT_RANGES: &'static [[i32; 2]; 3] = &$ranges;
            const OUTPUT_FRAC: [u8; 1] = [FRAC];
            const FULL_SCALE: bool = FULL;

            fn step_raw(&mut self, input: &[$raw; 3]) -> [$raw; 1] {
                self.1 = Status::new();
                [input[0]]
            }

            fn note(&mut self, status: Status) {
                self.1 = self.1.and(status);
            }
        }
    };
}

model!(i16, [[-100, 100], [1000, 3000], [-32767, 32766]]);
model!(i32, [[-100, 100], [1000, 3001], [i32::MIN + 1, i32::MAX - 1]]);

type Narrow = Model<i16, 12, false>;
type Wide = Model<i32, 16, false>;
type Unit = Model<i16, 15, true>;

#[test]
fn what_is_not_given_is_missing_and_in_the_middle() {
    let mut reading = Reading::<Narrow, 3, 1>::new();
    assert_eq!(reading.raw(), &[0, 2000, 0]);
    assert_eq!(reading.status().invalid_bits(), 0b111);
    reading.set(1, I4F12::from_num(0.5));
    reading.set(2, I24F8::from_num(-1.5));
    assert_eq!(reading.raw(), &[0, 2048, -6144]);
    assert_eq!((reading.status().invalid_bits(), reading.status().bits()), (0b001, 0));
    reading.set(0, I24F8::from_num(9));
    reading.set(2, I24F8::MIN);
    assert_eq!(reading.raw(), &[i16::MAX, 2048, i16::MIN]);
    assert_eq!((reading.status().invalid_bits(), reading.status().bits()), (0, 0b101));
    assert_eq!(Reading::<Wide, 3, 1>::new().raw(), &[0, 2000, 0]);
}

#[test]
fn an_input_that_there_is_not_is_told() {
    let mut reading = Reading::<Narrow, 3, 1>::of(&[I4F12::ZERO; 3]);
    assert!(!reading.status().any());
    reading.set(3, I4F12::ZERO);
    assert!(reading.status().invalid(Status::LAST));
}

#[test]
fn counts_become_inputs_without_a_float() {
    const ADC: Counts<Narrow> = Counts::new(1, 0.25, -0.5);
    let mut reading = Reading::<Narrow, 3, 1>::new();
    reading.count(&ADC, 5_i16);
    assert_eq!(reading.raw()[1], 3072); // 0.75
    assert_eq!(reading.status().bits(), 0);
    reading.count(&ADC, 4095_u16);
    assert_eq!(reading.raw()[1], i16::MAX);
    assert!(reading.status().saturated(1));
    // Backwards, in a 32-bit format, beyond it.
    const TURNS: Counts<Wide> = Counts::new(0, -30000.5, 0.0);
    let mut reading = Reading::<Wide, 3, 1>::new();
    reading.count(&TURNS, 1);
    assert_eq!(reading.raw()[0], -1_966_112_768);
    reading.count(&TURNS, 2);
    assert_eq!(reading.raw()[0], i32::MIN);
    assert!(reading.status().saturated(0));
}

#[test]
fn full_scale_is_the_largest_integer() {
    const HALF: Counts<Unit> = Counts::new(0, 0.5, 0.0);
    let mut reading = Reading::<Unit, 3, 1>::new();
    for (count, raw) in [(-2, -32767), (-1, -16383), (0, 0), (1, 16384), (2, 32767)] {
        reading.count(&HALF, count);
        assert_eq!((reading.raw()[0], reading.status().bits()), (raw, 0), "{count} halves");
        reading.set(0, I4F12::from_num(count) / 2);
        assert_eq!((reading.raw()[0], reading.status().bits()), (raw, 0), "{count} halves");
    }
    reading.count(&HALF, 3);
    assert_eq!((reading.raw()[0], reading.status().bits()), (32767, 1));
    reading.set(0, I4F12::from_num(1.001));
    assert_eq!((reading.raw()[0], reading.status().bits()), (32767, 1));
}

/// The number a conversion must give: `(a p + b) one / 2^k`, rounded, clamped, and whether it was.
fn exact(count: i32, [p, b]: [i128; 2], k: u32, one: i128, [low, high]: [i128; 2]) -> (i32, bool) {
    let numerator = (i128::from(count) * p + b) * one;
    let rounded = (numerator + if k > 0 { 1 << (k - 1) } else { 0 }) >> k;
    let clamped = rounded.clamp(low, high);
    (clamped as i32, clamped != rounded)
}

proptest! {
    /// Slopes of up to 31 bits, which are kept exactly.
    #[test]
    fn counts_are_rounded_as_rational_numbers(
        count: i32,
        p in -(1_i64 << 15)..1 << 15,
        b in -(1_i64 << 15)..1 << 15,
        k in 12_u32..40,
    ) {
        prop_assume!(p != 0);
        let real = |x: i64| x as f64 / f64::powi(2.0, k as i32);
        let wide = [i32::MIN as i128, i32::MAX as i128];
        let narrow = [i16::MIN as i128, i16::MAX as i128];
        let numbers = [p as i128, b as i128];

        let found = Counts::<Wide>::new(0, real(p), real(b));
        let mut reading = Reading::<Wide, 3, 1>::new();
        reading.count(&found, count);
        let found = (reading.raw()[0], reading.status().saturated(0));
        prop_assert_eq!(found, exact(count, numbers, k, 1 << 16, wide));

        let found = Counts::<Narrow>::new(0, real(p), real(b));
        let mut reading = Reading::<Narrow, 3, 1>::new();
        reading.count(&found, count);
        let found = (reading.raw()[0] as i32, reading.status().saturated(0));
        prop_assert_eq!(found, exact(count, numbers, k, 1 << 12, narrow));

        let found = Counts::<Unit>::new(0, real(p), real(b));
        let mut reading = Reading::<Unit, 3, 1>::new();
        reading.count(&found, count);
        let found = (reading.raw()[0] as i32, reading.status().saturated(0));
        prop_assert_eq!(found, exact(count, numbers, k, 32767, narrow));
    }

    /// Any slope: within half an integer and the last of its 31 bits.
    #[test]
    fn counts_of_any_size_are_near(count: i32, slope in -1e3..1e3, start in -1e3..1e3) {
        prop_assume!(slope != 0.0);
        let mut reading = Reading::<Wide, 3, 1>::new();
        reading.count(&Counts::new(0, slope, start), count);
        let real = (f64::from(count) * slope + start) * 65536.0;
        let real = real.clamp(f64::from(i32::MIN), f64::from(i32::MAX));
        let error = (f64::from(reading.raw()[0]) - real).abs();
        let slack = 0.5 + (real.abs() + start.abs() * 65536.0) * f64::powi(2.0, -30);
        prop_assert!(error <= slack, "{error} of {slack}");
    }

    #[test]
    fn fixed_point_numbers_are_rounded_as_rational_numbers(bits: i32) {
        let mut reading = Reading::<Narrow, 3, 1>::new();
        reading.set(0, I16F16::from_bits(bits));
        let found = (reading.raw()[0] as i32, reading.status().saturated(0));
        let narrow = [i16::MIN as i128, i16::MAX as i128];
        prop_assert_eq!(found, exact(bits, [1, 0], 16, 1 << 12, narrow));
    }
}

#[cfg(feature = "f32")]
#[test]
fn floats_are_rounded_and_clamped_and_nan_is_missing() {
    let narrow = |x: f32| {
        let reading = Reading::<Narrow, 3, 1>::of(&[0.0, x, 0.0]);
        let status = reading.status();
        (reading.raw()[1], status.saturated(1), status.invalid(1))
    };
    assert_eq!(narrow(1.00012), (4096, false, false));
    assert_eq!(narrow(-1.00013), (-4097, false, false));
    assert_eq!(narrow(99.0), (i16::MAX, true, false));
    assert_eq!(narrow(-99.0), (i16::MIN, true, false));
    assert_eq!(narrow(f32::INFINITY), (i16::MAX, true, false));
    assert_eq!(narrow(f32::NEG_INFINITY), (i16::MIN, true, false));
    assert_eq!(narrow(f32::NAN), (2000, false, true));
    assert_eq!(narrow(-f32::NAN), (2000, false, true));
    assert_eq!(narrow(0.499_999_97 / 4096.0), (0, false, false));
    assert_eq!(narrow(-0.5 / 4096.0), (0, false, false));
    let wide = |x: f32| {
        let reading = Reading::<Wide, 3, 1>::of(&[x; 3]);
        let status = reading.status();
        (reading.raw()[1], status.saturated(1), status.invalid(1))
    };
    // Odd integers from 2^23 on must not be carried upwards.
    assert_eq!(wide(8_388_609.0 / 65536.0), (8_388_609, false, false));
    assert_eq!(wide(32768.0), (i32::MAX, true, false));
    assert_eq!(wide(-32768.0), (i32::MIN, false, false));
    assert_eq!(wide(-32768.004), (i32::MIN, true, false));
    assert_eq!(wide(f32::NEG_INFINITY), (i32::MIN, true, false));
    assert_eq!(wide(f32::NAN), (2000, false, true));
}

#[cfg(feature = "f32")]
#[test]
fn a_step_on_floats_tells_what_did_not_fit() {
    use crate::FloatStep;
    let mut model = Model::<i16, 15, true>(0, Status::new());
    assert_eq!(model.step_f32(&[1.0, -1.0, 0.0]), [1.0]);
    assert_eq!(model.1, Status::new());
    assert_eq!(model.step_f32(&[1.5, f32::NAN, 0.0]), [1.0]);
    assert!(model.1.saturated(0) && model.1.invalid(1) && !model.1.invalid(0));
    assert_eq!(model.1.bits(), 1);
}

#[test]
#[should_panic(expected = "no such input")]
fn a_conversion_for_an_input_that_there_is_not_is_refused() {
    let _ = Counts::<Narrow>::new(3, 1.0, 0.0);
}
