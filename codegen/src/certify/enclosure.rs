//! Functions between lines.
//!
//! Stands on intervals and the tape's lines.

use super::interval::{Interval, Jet};
use super::tape::{Line, UNIT};

/// A function between two lines, with its values, over an interval.
#[derive(Debug, Clone, Copy)]
pub struct Enclosure {
    /// Nowhere above it.
    pub lower: Line,
    /// Nowhere below it.
    pub upper: Line,
    /// All its values.
    pub values: Interval,
}

/// Pieces of an interval that a function is looked at in, each by itself.
const CELLS: usize = 8;
/// The same where only its slopes matter.
const PARTS: usize = 4;

/// The ends of equal parts of an interval, its own first and last.
fn ends<const N: usize>(x: Interval) -> [f64; N] {
    let width = x.high - x.low;
    let at = |k: usize| x.low + width * k as f64 / (N - 1) as f64;
    std::array::from_fn(|k| if k == N - 1 { x.high } else { at(k).min(x.high) })
}

/// All values and slopes of a function over an interval, looked at in parts; none if it is not finite there.
pub fn slopes(curve: &dyn Fn(Interval) -> Jet, x: Interval) -> Option<Jet> {
    if !x.is_finite() {
        return None;
    }
    let parts = ends::<{ PARTS + 1 }>(x);
    let all = parts
        .windows(2)
        .map(|part| curve(Interval::new(part[0], part[1])))
        .reduce(|a, b| a.hull(&b));
    all.filter(|all| all.value.is_finite())
}

/// A cell with the function's values at both its ends, and its values and slopes in between.
struct Cell {
    ends: [f64; 2],
    values: [Interval; 2],
    jet: Jet,
}

impl Cell {
    /// All that the function is above `slope x` in the cell.
    fn above(&self, slope: f64) -> Interval {
        let line = Interval::at(slope);
        let [first, last] = self.ends;
        let width = Interval::new(0.0, (last - first).next_up().max(0.0));
        let rest = |k: usize| self.values[k].minus(&line.times(&Interval::at(self.ends[k])));
        let steeper = self.jet.slope.minus(&line);
        let from_first = rest(0).plus(&steeper.times(&width));
        let from_last = rest(1).minus(&steeper.times(&width));
        // Or from the values alone, where the slope is infinite.
        match from_first.is_finite() && from_last.is_finite() {
            true => from_first.meet(&from_last),
            false => self.jet.value.minus(&line.times(&Interval::new(first, last))),
        }
    }
}

/// The slope of the line under the points `(x, sign y)` that is highest at the one in the middle; none where that is a
/// corner of theirs.
fn hull_slope(x: &[f64], y: &[f64], sign: f64) -> Option<f64> {
    let middle = x.len() / 2;
    let mut best = (sign * y[middle], None);
    for i in 0..middle {
        for j in middle + 1..x.len() {
            let slope = (y[j] - y[i]) / (x[j] - x[i]);
            let there = sign * (y[i] + slope * (x[middle] - x[i]));
            if there < best.0 {
                best = (there, Some(slope));
            }
        }
    }
    best.1
}

impl Enclosure {
    /// How far the lines are apart in the middle of `x`.
    pub fn gap(&self, x: Interval) -> f64 {
        self.upper.at(x.middle()) - self.lower.at(x.middle())
    }

    /// A function over an interval; none if it is not finite there.
    pub fn of(curve: &dyn Fn(Interval) -> Jet, x: Interval) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let points = ends::<{ CELLS + 1 }>(x);
        let values = points.map(|point| curve(Interval::at(point)).value);
        let cells: [Cell; CELLS] = std::array::from_fn(|k| Cell {
            ends: [points[k], points[k + 1]],
            values: [values[k], values[k + 1]],
            jet: curve(Interval::new(points[k], points[k + 1])),
        });
        let reached = |cell: &Cell| cell.above(0.0).meet(&cell.jet.value);
        let all = cells.iter().map(reached).reduce(|a, b| a.hull(&b))?;
        if !all.is_finite() {
            return None;
        }
        let slopes = cells.iter().map(|cell| cell.jet.slope).reduce(|a, b| a.hull(&b))?;
        let secant = (values[CELLS].middle() - values[0].middle()) / (x.high - x.low);
        let band = |slope: f64| {
            let above = cells.iter().map(|cell| cell.above(slope)).reduce(|a, b| a.hull(&b))?;
            above.is_finite().then_some((slope, above))
        };
        // Both lines have one slope: a sum of many functions loses least where none is far from its line.
        let candidates = [secant, slopes.low, slopes.high, slopes.middle(), 0.0].into_iter();
        let bands = candidates.filter(|slope| slope.is_finite()).filter_map(band);
        let (slope, above) = bands.min_by(|a, b| a.1.radius().total_cmp(&b.1.radius()))?;
        let line = |at_zero: f64| Line { slope, at_zero };
        Some(Self { lower: line(above.low), upper: line(above.high), values: all })
    }

    /// A function of integers: it is looked at some points, between which it is off by no more than `slack` from straight.
    /// None if there is no point.
    pub fn of_integers(
        points: impl IntoIterator<Item = i32, IntoIter: Clone>,
        value: impl Fn(i32) -> f64,
        slack: f64,
    ) -> Option<Self> {
        let points = points.into_iter();
        let (first, last) = (points.clone().min()?, points.clone().max()?);
        let few = ends::<{ CELLS + 1 }>(Interval::new(first.into(), last.into())).map(f64::round);
        let heights = few.map(|x| value(x as i32));
        let around = [few[CELLS / 2 - 1], few[CELLS / 2 + 1]];
        let secant = (heights[CELLS / 2 + 1] - heights[CELLS / 2 - 1]) / (around[1] - around[0]);
        let mut values = Interval::at(value(first));
        points.clone().for_each(|q| values = values.hull(&Interval::at(value(q))));
        let line = |sign: f64| {
            let slope = hull_slope(&few, &heights, sign).unwrap_or(secant);
            let slope = if slope.is_finite() { slope } else { 0.0 };
            let above = |q: i32| {
                // Integers of less than 2^40: products and differences are rounded once each.
                let (y, line) = (value(q), slope * f64::from(q));
                Interval::around(y - line, (y.abs() + line.abs()) * 4.0 * UNIT + slack)
            };
            let above = points.clone().map(above).reduce(|a, b| a.hull(&b));
            let above = above.unwrap_or(values);
            Line { slope, at_zero: if sign > 0.0 { above.low } else { above.high } }
        };
        let (lower, upper) = (line(1.0), line(-1.0));
        let values = Interval::new(values.low - slack, values.high + slack);
        Some(Self { lower, upper, values })
    }

    /// Differences `s d` of slopes `s` and a number `d` of an interval, between the chords of the steepest and the flattest.
    pub fn of_slopes(slopes: Interval, d: Interval) -> Self {
        let Interval { low: least, high: most } = slopes;
        // The upper end of `s d` is convex in `d`, with its kink at 0; the lower is the upper mirrored.
        let chord = |below: f64, above: f64, sign: f64| {
            let slope = match (d.low < 0.0, d.high > 0.0) {
                (true, true) => (above * d.high - below * d.low) / (d.high - d.low),
                (true, false) => below,
                _ => above,
            };
            let at_zero = match d.low < 0.0 && d.high > 0.0 {
                true => -((above - below) * d.high * (d.low / (d.high - d.low))),
                false => 0.0,
            };
            let rounding = 8.0 * UNIT * (slopes.magnitude() * d.magnitude() + at_zero.abs());
            Line { slope, at_zero: at_zero + sign * rounding }
        };
        let (upper, lower) = (chord(least, most, 1.0), chord(most, least, -1.0));
        Self { lower, upper, values: slopes.times(&d) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::expr::{Expr, Function};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn functions_are_between_their_lines(
            a in -4.0..4.0_f64, width in 0.0..5.0_f64, at in prop::collection::vec(0.0..=1.0_f64, 20),
        ) {
            let x = Interval::new(a, a + width);
            for f in [Function::Tanh, Function::Sigmoid, Function::Abs, Function::Exp, Function::Sin, Function::LeakyRelu { alpha: 0.1 }] {
                let f = Expr::call(f);
                let near = Enclosure::of(&|x| f.jet(x), x).unwrap();
                let bent = Enclosure::of(&|x| f.jet(x).of_slope(), x);
                for t in &at {
                    let p = (x.low + t * width).min(x.high);
                    let y = f.eval(p);
                    prop_assert!(near.lower.at(p) <= y + 1e-9 && y <= near.upper.at(p) + 1e-9, "{f} at {p}");
                    prop_assert!(near.values.low <= y + 1e-9 && y <= near.values.high + 1e-9, "{f} at {p}");
                    let Some(bent) = bent else { continue };
                    let slope = f.jet(Interval::at(p)).slope.middle();
                    prop_assert!(bent.lower.at(p) <= slope + 1e-9 && slope <= bent.upper.at(p) + 1e-9, "{f} at {p}");
                }
            }
        }

        #[test]
        fn integers_are_between_their_lines(first in -300..300_i32, count in 0..400_i32, wave in 1.0..40.0_f64) {
            let value = |q: i32| (f64::from(q) / wave).sin().mul_add(1000.0, f64::from(q % 7)).round();
            let near = Enclosure::of_integers(first..=first + count, value, 0.0).unwrap();
            for q in first..=first + count {
                let (x, y) = (f64::from(q), value(q));
                prop_assert!(near.lower.at(x) <= y && y <= near.upper.at(x));
            }
        }

        #[test]
        fn differences_are_between_the_chords(
            a in -2.0..2.0_f64, b in 0.0..2.0_f64, low in -1.0..1.0_f64, width in 0.0..1.0_f64,
            s in 0.0..=1.0_f64, t in 0.0..=1.0_f64,
        ) {
            let d = Interval::new(low, low + width);
            let near = Enclosure::of_slopes(Interval::new(a, a + b), d);
            let (slope, x) = (a + s * b, low + t * width);
            prop_assert!(near.lower.at(x) <= slope * x + 1e-12 && slope * x <= near.upper.at(x) + 1e-12);
        }
    }
}
