//! How often numbers occur. Stands on pictures and scales.

use serde::Serialize;

use super::axis::{Axis, rounded};
use super::picture::{Picture, Plot};

/// Counts of numbers in equal bins.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// Numbers in each bin; those outside are in the first and the last.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Of no numbers.
    pub fn empty(low: f64, high: f64, bins: usize) -> Self {
        Self { low, high, counts: vec![0; bins.max(1)] }
    }

    /// Of `values`.
    pub fn of(values: impl IntoIterator<Item = f64>, low: f64, high: f64, bins: usize) -> Self {
        let mut histogram = Self::empty(low, high, bins);
        values.into_iter().for_each(|value| histogram.add(value));
        histogram
    }

    /// Counts a number.
    pub fn add(&mut self, value: f64) {
        let last = self.counts.len() - 1;
        let place = (value - self.low) / (self.high - self.low) * self.counts.len() as f64;
        // What is no number counts at the low end, where nothing else can put it.
        self.counts[(place.max(0.0) as usize).min(last)] += 1;
    }

    /// The ends of bin `i`.
    pub fn bin(&self, i: usize) -> [f64; 2] {
        let width = (self.high - self.low) / self.counts.len() as f64;
        [i, i + 1].map(|i| self.low + width * i as f64)
    }

    /// The bars as a path in `plot`, the highest as high as that.
    fn bars(&self, plot: Plot) -> String {
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let x = Axis::fixed(self.low, self.high, []);
        let bar = |(i, &count): (usize, &u64)| {
            let [left, right] = self.bin(i).map(|end| plot.x(&x, end));
            // What occurs at all is seen.
            let height = rounded((plot.height * count as f64 / most).max(0.8));
            let width = rounded((right - left - 0.6).max(0.6));
            format!("M{left} {}v-{height}h{width}v{height}z", plot.bottom())
        };
        let counts = self.counts.iter().enumerate();
        counts.filter(|(_, count)| **count > 0).map(bar).collect()
    }

    /// As a chart over the axis `x`.
    pub fn chart(&self, title: &str, x: &Axis, write: impl Fn(f64) -> String) -> Picture {
        let plot = Plot { left: 26.0, top: 6.0, width: 208.0, height: 62.0 };
        let mut picture = Picture::new(title, plot.right() + 26.0, plot.bottom() + 22.0);
        picture.raw(format_args!("<path class=\"bars\" d=\"{}\"/>", self.bars(plot)));
        picture.raw(format_args!(
            "<path class=\"zero\" d=\"M{} {}h{}\"/>",
            plot.left,
            plot.bottom(),
            plot.width
        ));
        picture.below(plot, x, write);
        picture
    }

    /// As a line high drawing beside numbers that say the same.
    pub fn spark(&self) -> String {
        let plot = Plot { left: 0.0, top: 0.0, width: 120.0, height: 22.0 };
        format!(
            "<svg class=\"spark\" aria-hidden=\"true\" viewBox=\"0 0 120 24\"><path class=\"bars\" d=\"{}\"/>\
             <path class=\"zero\" d=\"M0 22.5h120\"/></svg>",
            self.bars(plot)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_a_bin() {
        let values = [-5.0, -1.0, -0.9, 0.0, 0.99, 1.0, 7.0, f64::NAN];
        let histogram = Histogram::of(values, -1.0, 1.0, 4);
        assert_eq!(histogram.counts, [4, 0, 1, 3]);
        assert_eq!(histogram.bin(3), [0.5, 1.0]);
        let svg = histogram.chart("h", &Axis::fixed(-1.0, 1.0, [0.0]), |v| v.to_string()).svg();
        assert_eq!(svg.matches('z').count(), "zero".len() / 4 + 3, "{svg}");
        assert!(svg.contains("role=\"img\"") && !svg.contains("NaN"));
    }

    #[test]
    fn an_empty_range_has_bars_all_the_same() {
        let histogram = Histogram::of([2.0, 2.0], 2.0, 2.0, 8);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 2);
        assert!(!histogram.spark().contains("NaN"), "{}", histogram.spark());
    }
}
