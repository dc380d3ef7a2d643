//! Scales of charts: where a number lies, and which numbers are written beside it. Stands on nothing.

/// Magnitudes beyond are drawn as this one, so that no difference of two overflows.
const LARGEST: f64 = 1e150;
/// Decimals of a coordinate are cut to this many.
const DECIMALS: i32 = 1;

/// A range of numbers with round ends, and the ticks between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Its smallest number.
    pub low: f64,
    /// Its largest.
    pub high: f64,
    /// The numbers that are written at it, rising.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// Around all finite `values`, with about `ticks` ticks; -1 to 1 if there are none.
    pub fn around(values: impl IntoIterator<Item = f64>, ticks: usize) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let ends = finite.map(|v| v.clamp(-LARGEST, LARGEST));
        let (low, high) = ends
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        match high - low {
            span if span > 1e-12 * high.abs().max(low.abs()) => Self::over(low, high, ticks),
            _ if low.is_finite() && low != 0.0 => {
                Self::over(low - low.abs() / 2.0, high + high.abs() / 2.0, ticks)
            }
            _ => Self::over(-1.0, 1.0, ticks),
        }
    }

    /// From minus to plus the largest of `values`.
    pub fn symmetric(values: impl IntoIterator<Item = f64>, ticks: usize) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let most = finite.fold(0.0_f64, |most, v| most.max(v.abs()));
        Self::around([-most, most], ticks)
    }

    /// From `low` to `high`, moved outwards to the next ticks.
    fn over(low: f64, high: f64, ticks: usize) -> Self {
        let step = nice((high - low) / ticks.max(1) as f64);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let count = (last - first).clamp(1.0, 64.0) as usize;
        let ticks = (0..=count).map(|i| (first + i as f64) * step).collect();
        Self { low: first * step, high: (first + count as f64) * step, ticks }
    }

    /// From `low` to `high` as they are, with these ticks.
    pub fn fixed(low: f64, high: f64, ticks: impl Into<Vec<f64>>) -> Self {
        Self { low, high, ticks: ticks.into() }
    }

    /// Where `value` lies between the coordinates `from` (the axis's low end) and `to`.
    pub fn at(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        let place = from + (to - from) * if share.is_finite() { share } else { 0.0 };
        rounded(place)
    }
}

/// A coordinate as a page needs it.
pub fn rounded(place: f64) -> f64 {
    let unit = 10_f64.powi(DECIMALS);
    // No minus zero.
    (place * unit).round() / unit + 0.0
}

/// The next of 1, 2, 5, 10, .. times a power of ten.
pub fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-300).log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|step| step * power >= value * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// A number in at most three digits, with a true minus sign.
pub fn number(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".to_owned(),
        size if !size.is_finite() => value.to_string(),
        size if !(1e-4..1e6).contains(&size) => format!("{value:.2e}"),
        size => {
            let digits = (2 - size.log10().floor() as i32).clamp(0, 7) as usize;
            let text = format!("{value:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    };
    let text = match text.split_once('e') {
        Some((mantissa, power)) if mantissa.contains('.') => {
            format!("{}e{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text,
    };
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_ends_and_holds_all_values() {
        let axis = Axis::around([-0.93, 0.2, 0.71], 4);
        assert_eq!((axis.low, axis.high), (-1.0, 1.0));
        assert_eq!(axis.ticks.len(), 5);
        assert_eq!(axis.at(-1.0, 0.0, 100.0), 0.0);
        assert_eq!(axis.at(0.5, 100.0, 0.0), 25.0);
        assert_eq!(Axis::symmetric([0.3, -2.0], 4).low, -2.0);
    }

    #[test]
    fn no_value_is_too_odd_for_an_axis() {
        let odd: [&[f64]; 7] = [
            &[],
            &[0.0],
            &[3.0, 3.0],
            &[f64::NAN, f64::INFINITY],
            &[-f64::MAX, f64::MAX],
            &[5e-324, 0.0],
            &[1e9, 1e9 + 1e-3],
        ];
        for values in odd {
            let axis = Axis::around(values.iter().copied(), 4);
            assert!(axis.high > axis.low && axis.ticks.len() < 70, "{values:?}: {axis:?}");
            let numbers = values.iter().chain([&f64::NAN]);
            assert!(numbers.map(|&v| axis.at(v, 0.0, 9.0)).all(f64::is_finite), "{values:?}");
        }
    }

    #[test]
    fn a_step_is_round_and_large_enough() {
        assert_eq!(nice(0.0031), 0.005);
        assert!((nice(0.95) - 1.0).abs() < 1e-12);
        assert_eq!(nice(2.0), 2.0);
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-0.25, "\u{2212}0.25"),
            (1234.5, "1234"),
            (0.001_234, "0.00123"),
            (1.5e-7, "1.5e\u{2212}7"),
            (2e9, "2e9"),
            (100.0, "100"),
            (99.96, "100"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
