//! Sizes of differences, and the units they are told in.

/// Rows of numbers, one column an output.
pub(super) type Rows = [Vec<f64>];

/// The sizes of many differences.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Errors {
    /// The largest.
    pub max: f64,
    /// The 99.9th percentile: the smallest that 99.9% of all do not exceed.
    pub p999: f64,
    /// Root mean square.
    pub rms: f64,
}

impl Errors {
    pub fn of(mut sizes: Vec<f64>) -> Self {
        sizes.sort_by(f64::total_cmp);
        let n = sizes.len();
        let Some(&max) = sizes.last() else { return Self::default() };
        let rank = ((0.999 * n as f64).ceil() as usize).clamp(1, n);
        // In parts of the largest, so that no square overflows.
        let parts = sizes.iter().map(|size| (size / max).powi(2)).sum::<f64>();
        let rms = if max > 0.0 { max * (parts / n as f64).sqrt() } else { 0.0 };
        Self { max, p999: sizes[rank - 1], rms }
    }
}

/// How far apart two finite numbers are; finite.
pub(super) fn difference(a: f64, b: f64) -> f64 {
    (a - b).abs().min(f64::MAX)
}

/// `error` in parts of `unit`; finite.
pub(super) fn ratio(error: f64, unit: f64) -> f64 {
    if error > 0.0 { (error / unit).min(f64::MAX) } else { 0.0 }
}

pub(super) fn columns(rows: &Rows) -> usize {
    rows.first().map_or(0, Vec::len)
}

pub(super) fn column(rows: &Rows, j: usize) -> impl Iterator<Item = f64> {
    rows.iter().map(move |row| row[j])
}

/// The differences of column `j`.
pub(super) fn differences(a: &Rows, b: &Rows, j: usize) -> Vec<f64> {
    column(a, j).zip(column(b, j)).map(|(a, b)| difference(a, b)).collect()
}

/// The largest magnitude in column `j`.
pub(super) fn magnitude(rows: &Rows, j: usize) -> f64 {
    column(rows, j).map(f64::abs).fold(0.0, f64::max)
}

/// The standard deviation of column `j`; `None` where it is constant, but for rounding.
pub(super) fn deviation(rows: &Rows, j: usize) -> Option<f64> {
    let n = rows.len().max(1) as f64;
    let mean = column(rows, j).map(|v| v / n).sum::<f64>();
    let rms = Errors::of(column(rows, j).map(|v| difference(v, mean)).collect()).rms;
    (rms > 1e-9 * magnitude(rows, j)).then_some(rms)
}

/// What an error of each column is measured in: its standard deviation over one of `sets`, the largest. A column that
/// is constant in each is measured in its magnitude, and zeros in the largest unit of the other columns.
pub(super) fn units(sets: [&Rows; 2]) -> Vec<f64> {
    let largest = |of: &dyn Fn(&Rows) -> Option<f64>| {
        sets.iter().filter_map(|rows| of(rows)).reduce(f64::max)
    };
    let own = |j| {
        let spread = largest(&|rows| deviation(rows, j));
        spread.or_else(|| largest(&|rows| Some(magnitude(rows, j)))).unwrap_or_default()
    };
    let columns = columns(sets[0]).max(columns(sets[1]));
    let own: Vec<f64> = (0..columns).map(own).collect();
    let zero = own.iter().copied().reduce(f64::max).filter(|&unit| unit > 0.0).unwrap_or(1.0);
    own.into_iter().map(|unit| if unit > 0.0 { unit } else { zero }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows<const N: usize>(rows: &[[f64; N]]) -> Vec<Vec<f64>> {
        rows.iter().map(|row| row.to_vec()).collect()
    }

    #[test]
    fn a_percentile_is_one_of_the_sizes() {
        let errors = Errors::of((1..=2000).map(f64::from).collect());
        assert_eq!((errors.max, errors.p999), (2000.0, 1998.0));
        // The mean of n squares is (n + 1)(2n + 1) / 6.
        assert!((errors.rms - (2001.0 * 4001.0 / 6.0_f64).sqrt()).abs() < 1e-9, "{errors:?}");
        let one = Errors::of(vec![3.0]);
        assert_eq!(one, Errors { max: 3.0, p999: 3.0, rms: 3.0 });
        assert_eq!(Errors::of(vec![]), Errors::default());
    }

    #[test]
    fn nothing_leaves_the_finite_numbers() {
        let huge = Errors::of(vec![1e300, 1e300]);
        assert_eq!(huge.rms, 1e300);
        assert_eq!(difference(f64::MAX, -f64::MAX), f64::MAX);
        assert_eq!(ratio(1e300, 1e-300), f64::MAX);
        assert!(units([&rows(&[[1e300], [-1e300]]), &[]])[0].is_finite());
    }

    #[test]
    fn a_unit_is_the_deviation_or_what_comes_nearest() {
        let varied = rows(&[[1.0, 5.0, 0.0], [-1.0, 5.0, 0.0]]);
        assert_eq!(units([&varied, &rows(&[[9.0, 4.0, 0.0]])]), [1.0, 5.0, 5.0]);
        assert_eq!(units([&varied, &rows(&[[0.0, 4.0, 2.0], [0.0, 8.0, 2.0]])]), [1.0, 2.0, 2.0]);
        assert_eq!(units([&rows(&[[0.0]]), &[]]), [1.0]);
        assert_eq!(deviation(&rows(&[[17.2], [17.2 + 1e-13]]), 0), None);
    }
}
