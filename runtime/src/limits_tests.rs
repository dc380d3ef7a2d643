//! Limits in real units and their integers, in every format there is.

use super::*;
use fixed::types::{I1F15, I4F12};
use proptest::prelude::*;

/// Every format that a port can have.
fn format() -> impl Strategy<Value = Format> {
    (0_u8..=31, any::<bool>(), any::<bool>()).prop_map(|(frac, wide, full_scale)| Format {
        frac: if wide { frac } else { frac % 16 },
        bits: if wide { 32 } else { 16 },
        full_scale,
    })
}

/// The number of an integer.
fn real(raw: impl Into<f64>, format: Format) -> f64 {
    raw.into() / format.one() as f64
}

/// Numbers about as large as a format's, integers among them.
fn number(format: Format, share: f64, whole: bool) -> f64 {
    let raw = share * f64::from(format.ends()[1]);
    real(if whole { raw.round() } else { raw }, format)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_integer_is_beyond_what_was_stated(
        format in format(),
        a in -1.2..1.2_f64,
        b in -1.2..1.2_f64,
        safe in 0.0..=1.0_f64,
        slew in 0.0..3.0_f64,
        whole in any::<bool>(),
    ) {
        prop_assume!(format.one() > 0);
        let (a, b) = (number(format, a, whole), number(format, b, whole));
        let (min, max) = (a.min(b), a.max(b));
        let slew = number(format, slew, whole);
        let limits = OutputLimits { min, max, slew, safe: min + safe * (max - min), safe_slew: slew / 3.0 };
        if let Ok(bounds) = limits.bounds(format) {
            let [low, high] = format.ends();
            prop_assert!(low <= bounds.min && bounds.min <= bounds.max && bounds.max <= high);
            prop_assert!(min <= real(bounds.min, format) && real(bounds.max, format) <= max);
            prop_assert!(bounds.min <= bounds.safe && bounds.safe <= bounds.max);
            prop_assert!((real(bounds.safe, format) - limits.safe).abs() <= real(1, format));
            for (slew, integer) in [(limits.slew, bounds.slew), (limits.safe_slew, bounds.safe_slew)] {
                prop_assert!(integer > 0 && real(integer, format) <= slew);
            }
            // And no tighter than that needs.
            let step = real(1, format);
            prop_assert!(bounds.min == low || real(bounds.min, format) - step < min);
            prop_assert!(bounds.max == high || real(bounds.max, format) + step > max);
        }
        if let Ok(bounds) = (InputLimits { min, max, stuck: 0 }).bounds(format) {
            prop_assert!(min <= real(bounds.min, format) && real(bounds.max, format) <= max);
        }
    }

    #[test]
    fn no_number_at_all_panics_or_leaves_the_format(
        format in format(),
        numbers in prop::collection::vec(any::<f64>(), 5),
    ) {
        let [min, max, slew, safe, safe_slew] = numbers[..] else { unreachable!() };
        if let Ok(bounds) = (OutputLimits { min, max, slew, safe, safe_slew }).bounds(format) {
            let [low, high] = format.ends();
            prop_assert!(low <= bounds.min && bounds.min <= bounds.safe);
            prop_assert!(bounds.safe <= bounds.max && bounds.max <= high);
        }
        let _ = InputLimits { min, max, stuck: 0 }.bounds(format);
    }
}

#[test]
fn limits_are_the_same_in_every_format() {
    let limits = OutputLimits { slew: 0.3, safe: -0.5, ..OutputLimits::symmetric(0.8) };
    for frac in 2..=15 {
        let format = Format { frac, bits: 16, full_scale: false };
        let bounds = limits.bounds(format).unwrap();
        let step = real(1, format);
        for (integer, number) in [(bounds.min, -0.8), (bounds.max, 0.8), (bounds.safe, -0.5)] {
            assert!((real(integer, format) - number).abs() < step, "{frac}");
        }
        assert!(0.3 - real(bounds.slew, format) < step, "{frac}");
    }
}

#[test]
fn what_cannot_be_held_to_is_refused_by_kind() {
    let format = Format::of::<I4F12>();
    let any = OutputLimits::ANY;
    let refused = |limits: OutputLimits| limits.bounds(format).unwrap_err();
    assert_eq!(refused(OutputLimits { min: f64::NAN, ..any }), LimitError::NoNumber);
    assert_eq!(refused(OutputLimits { safe: f64::INFINITY, ..any }), LimitError::NoNumber);
    assert_eq!(refused(OutputLimits { min: 1.0, max: -1.0, ..any }), LimitError::Order);
    assert_eq!(refused(OutputLimits { min: 9.0, safe: 9.0, ..any }), LimitError::Nothing);
    assert_eq!(
        refused(OutputLimits { min: 1e-5, max: 2e-5, safe: 1e-5, ..any }),
        LimitError::Nothing
    );
    assert_eq!(refused(OutputLimits { safe: 8.5, ..any }), LimitError::Beyond);
    assert_eq!(refused(OutputLimits { slew: 0.0, ..any }), LimitError::Still);
    assert_eq!(refused(OutputLimits { safe_slew: -1.0, ..any }), LimitError::Still);
    assert_eq!(refused(OutputLimits { slew: 1e-4, ..any }), LimitError::Fine);
    assert_eq!(refused(OutputLimits { min: 1.0, ..any }), LimitError::Safe);

    let input = |min, max| InputLimits { min, max, stuck: 0 }.bounds(format);
    assert_eq!(input(-1.0, 8.5), Err(LimitError::Beyond));
    assert_eq!(input(-9.0, 1.0), Err(LimitError::Beyond));
    assert!(input(-8.0, 8.0).is_ok() && input(f64::NEG_INFINITY, 1.0).is_ok());
    // An output that its format holds in is held in.
    assert_eq!(OutputLimits::symmetric(100.0).bounds(format), any.bounds(format));
}

#[test]
fn one_is_the_largest_fraction() {
    let bounds = OutputLimits::symmetric(1.0).bounds(Format::of::<I1F15>()).unwrap();
    assert_eq!((bounds.min, bounds.max), (-32768, 32767));
    let full = Format { frac: 15, bits: 16, full_scale: true };
    let bounds = OutputLimits::symmetric(1.0).bounds(full).unwrap();
    assert_eq!((bounds.min, bounds.max), (-32767, 32767));
}
