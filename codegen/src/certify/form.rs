//! Arithmetic of numbers on a tape.
//!
//! Stands on the tape and functions between lines.

use super::enclosure::Enclosure;
use super::interval::Interval;
pub use super::tape::{Form, Line, Tape};

use crate::graph::expr::Expr;

impl Form<'_> {
    /// The sum of two.
    pub fn plus(&self, other: &Self) -> Self {
        self.tape().sum([(1.0, self), (1.0, other)], 0.0)
    }

    /// The difference of two.
    pub fn minus(&self, other: &Self) -> Self {
        self.tape().sum([(1.0, self), (-1.0, other)], 0.0)
    }

    /// `factor x + addend`.
    pub fn line(&self, factor: f64, addend: f64) -> Self {
        self.tape().sum([(factor, self)], addend)
    }

    /// With a number of an interval added that other forms know of as well.
    pub fn plus_any(&self, x: Interval) -> Self {
        self.plus(&self.tape().any(x))
    }

    /// With a number of an interval added.
    pub fn plus_slack(&self, x: Interval) -> Self {
        self.tape().sum_with([(1.0, self)], x)
    }

    /// The same, or any number within limits where these are much narrower.
    #[must_use]
    pub fn inside(self, limits: Interval) -> Self {
        let own = self.range();
        if limits.radius() < 0.7 * own.radius() {
            return self.tape().any_since(own.meet(&limits), [&self, &self]);
        }
        self.within(limits)
    }

    /// The product of two.
    pub fn times(&self, other: &Self) -> Self {
        let square = Expr::X.pow(2.0);
        let near = || Enclosure::of(&|x| square.jet(x), self.range());
        if let Some(near) = self.is_same(other).then(near).flatten() {
            return self.along(&near);
        }
        self.times_within(other, self.range(), other.range())
    }

    /// The product of two that lie in `x` and `y`: it is off from the plane through its middle by at most both radii's
    /// product (McCormick 1976: the mean of both planes below, or above).
    pub fn times_within(&self, other: &Self, x: Interval, y: Interval) -> Self {
        let (a, b) = (x.middle(), y.middle());
        let middle = Interval::at(-a).times(&Interval::at(b));
        let radius = (x.radius() * y.radius()).next_up();
        let rest = self.tape().any_since(Interval::new(-radius, radius), [self, other]);
        let product = self.tape().sum_with([(b, self), (a, other), (1.0, &rest)], middle);
        product.within(x.times(&y))
    }

    /// What a function between lines makes of it.
    pub fn along(&self, near: &Enclosure) -> Self {
        self.between(near.lower, near.upper, near.values, self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair::Pair;
    use super::*;
    use crate::graph::expr::Function;
    use proptest::prelude::*;

    proptest! {
        /// Sums, products and functions of numbers are where their forms say, and so are sums of these, in which much
        /// cancels.
        #[test]
        fn forms_hold_what_they_stand_for(
            a in -2.0..2.0_f64, b in -2.0..2.0_f64, ra in 0.01..1.0_f64, rb in 0.01..1.0_f64,
            e in -1.0..=1.0_f64, g in -1.0..=1.0_f64, w in -3.0..3.0_f64,
        ) {
            let tape = Tape::new();
            let x = tape.input(Interval::new(a - ra, a + ra));
            let y = tape.input(Interval::new(b - rb, b + rb));
            let (vx, vy) = (a + ra * e, b + rb * g);
            let tanh = Expr::call(Function::Tanh);
            let near_tanh = Enclosure::of(&|x| tanh.jet(x), x.range()).unwrap();
            let mut known: Vec<(Form, f64)> = vec![
                (tape.sum([(w, &x), (-2.0, &y)], 0.3), w * vx - 2.0 * vy + 0.3),
                (x.times(&y), vx * vy),
                (x.times(&x), vx * vx),
                (x.along(&near_tanh), vx.tanh()),
            ];
            let pair = Pair { exact: x, off: y.line(0.1, 0.0) };
            let other = Pair { exact: y, off: x.line(-0.05, 0.02) };
            let (d, h) = (0.1 * vy, -0.05 * vx + 0.02);
            known.push((pair.times(&other).off, (vx + d) * (vy + h) - vx * vy));
            let moved = pair.through(&|x| tanh.jet(x)).unwrap();
            known.push((moved.off, (vx + d).tanh() - vx.tanh()));
            let larger = pair.extreme(&other, true);
            known.push((larger.exact, vx.max(vy)));
            known.push((larger.off, (vx + d).max(vy + h) - vx.max(vy)));
            let sums: Vec<(Form, f64)> = known
                .windows(2)
                .map(|two| (two[0].0.minus(&two[1].0), two[0].1 - two[1].1))
                .collect();
            for (form, value) in known.iter().chain(&sums) {
                let around = Interval::around(*value, 1e-12);
                let range = form.range();
                prop_assert!(range.low <= around.high && around.low <= range.high, "{value} not in {range:?}");
            }
        }
    }

    #[test]
    fn what_is_shared_cancels() {
        let tape = Tape::new();
        let x = tape.input(Interval::new(-1.0, 3.0));
        let difference = x.line(2.0, 1.0).minus(&x.line(2.0, 0.0)).range();
        assert!(difference.holds(&Interval::at(1.0)) && difference.radius() < 1e-12);
        let centred = x.minus(&tape.constant(1.0));
        let square = centred.times(&centred).range();
        assert!(square.low > -1e-9 && square.high < 4.0 + 1e-9, "{square:?}");
        assert_eq!(centred.of_input(0), 1.0);
    }

    /// Where nothing is known, nothing is said.
    #[test]
    fn an_infinite_end_is_passed_on() {
        let tape = Tape::new();
        let x = tape.input(Interval::new(0.0, f64::INFINITY));
        assert_eq!(x.line(-1.0, 1.0).range().low, f64::NEG_INFINITY);
        assert_eq!(x.range().radius(), f64::INFINITY);
        assert!(!x.minus(&x).range().is_finite());
    }
}
