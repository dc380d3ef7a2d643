//! Values and slopes of the edges of Kolmogorov-Arnold layers on intervals.
//!
//! A B-spline of degree p lies between the smallest and the largest of its p + 1 live coefficients, and its slope is a
//! B-spline of degree p - 1 with the coefficients `p (c_i - c_(i-1)) / (t_(i+p) - t_i)` (de Boor 1978, chapters IX, X).
//!
//! Stands on intervals and the graph's families.

use super::interval::{EVERYWHERE, Interval, Jet};
use crate::graph::expr::Expr;
use crate::graph::kan::{Edge, Spline};

/// What the recursion for a spline's value may be off, relative to its largest coefficient.
const RECURSION: f64 = 1e-13;

/// A spline with its first two slopes.
#[derive(Debug, Clone)]
struct Smooth {
    value: Spline,
    slope: Spline,
    bend: Option<Spline>,
}

/// The spline that is the slope of another, of one degree less.
fn slope_of(spline: &Spline) -> Spline {
    let (p, t) = (spline.degree(), &spline.knots);
    let c = |i: usize| {
        i.checked_sub(1).and_then(|i| spline.coefficients.get(i)).copied().unwrap_or(0.0)
    };
    // Basis function i of the slope is that from knot i on; the first and the last are beyond the spline's own.
    let count = spline.coefficients.len() + 1;
    let one = |i: usize| match (t.get(i), t.get(i + p)) {
        (Some(first), Some(last)) if last > first => p as f64 * (c(i + 1) - c(i)) / (last - first),
        _ => 0.0,
    };
    Spline { knots: t.clone(), coefficients: (0..count).map(one).collect() }
}

/// All values that a spline has on `x`, by its live coefficients.
fn hull(spline: &Spline, x: Interval) -> Interval {
    let (p, t) = (spline.degree(), &spline.knots);
    // Near both ends and beyond, the live basis functions do not sum to 1: what is missing stands for 0.
    let (first, last) = (t.get(p), t.get(spline.coefficients.len()));
    let (Some(first), Some(last)) = (first, last) else { return Interval::at(0.0) };
    let outside = x.low < *first || x.high > *last;
    let from = t.partition_point(|knot| *knot <= x.low).saturating_sub(p + 1);
    let to = t.partition_point(|knot| *knot <= x.high).min(spline.coefficients.len());
    let live = spline.coefficients.get(from..to).unwrap_or_default();
    let live = live.iter().copied().chain(outside.then_some(0.0));
    let (low, high) =
        live.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), c| (low.min(c), high.max(c)));
    if low > high {
        return Interval::at(0.0);
    }
    let margin = (low.abs() + high.abs()) * RECURSION;
    Interval::new(low - margin, high + margin)
}

/// The value of a spline at a point.
fn value(spline: &Spline, x: f64) -> Interval {
    let largest = spline.coefficients.iter().fold(0.0_f64, |most, c| most.max(c.abs()));
    Interval::around(spline.eval(x), largest * RECURSION)
}

impl Smooth {
    fn of(spline: &Spline) -> Self {
        let slope = slope_of(spline);
        let bend = (spline.degree() >= 2).then(|| slope_of(&slope));
        Self { value: spline.clone(), slope, bend }
    }

    fn jet(&self, x: Interval) -> Jet {
        let middle = x.middle();
        let half = Interval::around(0.0, x.radius());
        let bend = self.bend.as_ref().map_or(EVERYWHERE, |bend| hull(bend, x));
        let slope = match bend.is_finite() {
            true => hull(&self.slope, x).meet(&value(&self.slope, middle).plus(&bend.times(&half))),
            false => hull(&self.slope, x),
        };
        let near = value(&self.value, middle).plus(&slope.times(&half));
        Jet { value: hull(&self.value, x).meet(&near), slope, bend }
    }
}

/// A function of one variable: sums of splines and expressions.
#[derive(Debug, Clone, Default)]
pub struct Curve {
    splines: Vec<Smooth>,
    functions: Vec<(f64, Expr)>,
}

impl Curve {
    /// A multiple of a function.
    pub fn of(factor: f64, function: &Expr) -> Self {
        Self { functions: vec![(factor, function.clone())], ..Self::default() }
    }

    /// An edge of a layer with this base function.
    pub fn of_edge(edge: &Edge, base: &Expr) -> Self {
        let own = (edge.base != 0.0).then(|| (edge.base, base.clone()));
        let other = edge.function.iter().map(|f| (1.0, f.clone()));
        Self {
            splines: edge.spline.iter().map(Smooth::of).collect(),
            functions: own.into_iter().chain(other).collect(),
        }
    }

    /// With a multiple of a function added.
    pub fn add(&mut self, factor: f64, function: &Expr) {
        self.functions.push((factor, function.clone()));
    }

    /// Whether it is 0 everywhere.
    pub fn is_zero(&self) -> bool {
        self.splines.is_empty() && self.functions.iter().all(|(factor, _)| *factor == 0.0)
    }

    /// Values and slopes where its variable is in `x`.
    pub fn jet(&self, x: Interval) -> Jet {
        let splines = self.splines.iter().map(|spline| spline.jet(x));
        let functions = self.functions.iter().map(|(factor, f)| f.jet(x).scaled(*factor));
        splines.chain(functions).fold(Jet::constant(0.0), |sum, jet| sum.plus(&jet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Behind the last knot that all its live functions reach, a spline falls to 0.
    #[test]
    fn a_spline_falls_to_zero_at_its_end() {
        let spline = Spline {
            knots: (0..7).map(f64::from).collect(),
            coefficients: vec![0.0, 0.0, 0.0, -0.65, -0.15],
        };
        let edge = Edge { spline: Some(spline), ..Edge::default() };
        let value = Curve::of_edge(&edge, &Expr::X).jet(Interval::new(5.0, 5.9)).value;
        assert!(value.holds(&Interval::at(edge.eval(&Expr::X, 5.75))), "{value:?}");
    }

    proptest! {
        #[test]
        fn splines_lie_in_their_intervals(
            coefficients in prop::collection::vec(-2.0..2.0_f64, 5..9), degree in 1_usize..=4,
            steps in prop::collection::vec(0.1..1.0_f64, 14),
            a in -2.0..7.0_f64, width in 0.0..2.0_f64, at in prop::collection::vec(0.0..1.0_f64, 6),
        ) {
            let knots = steps.iter().scan(-1.0, |x, step| { *x += step; Some(*x) });
            let knots: Vec<f64> = knots.take(coefficients.len() + degree + 1).collect();
            let spline = Spline { knots: knots.into(), coefficients };
            let edge = Edge { spline: Some(spline), ..Edge::default() };
            let (curve, base) = (Curve::of_edge(&edge, &Expr::X), Expr::X);
            let jet = curve.jet(Interval::new(a, a + width));
            let points: Vec<f64> = at.iter().map(|t| a + t * width).collect();
            for &p in &points {
                let y = edge.eval(&base, p);
                prop_assert!(jet.value.low <= y && y <= jet.value.high, "{y} not in {:?}", jet.value);
                for &q in points.iter().filter(|q| (**q - p).abs() > 1e-3) {
                    let secant = (edge.eval(&base, q) - y) / (q - p);
                    prop_assert!(jet.slope.low - 1e-9 <= secant && secant <= jet.slope.high + 1e-9);
                }
            }
        }
    }
}
