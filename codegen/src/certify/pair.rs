//! Numbers of both networks at once: float's, and how far the integers' is from it.
//!
//! Stands on forms.

use super::enclosure::{Enclosure, slopes};
use super::form::{Form, Tape};
use super::interval::{EVERYWHERE, Interval, Jet};
use crate::graph::expr::{Expr, Function};

/// A number of the float network and how far the integers' is from it: `(f, g - f)`.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'t> {
    /// The float network's.
    pub exact: Form<'t>,
    /// The integers', less that.
    pub off: Form<'t>,
}

impl<'t> Pair<'t> {
    /// A number that is the same in both.
    pub fn same(exact: Form<'t>) -> Self {
        Self { exact, off: exact.tape().constant(0.0) }
    }

    /// `constant + sum of factor pair`.
    pub fn sum<'f>(
        tape: &'t Tape,
        parts: impl IntoIterator<Item = (f64, &'f Self)> + Clone,
        constant: f64,
    ) -> Self
    where
        't: 'f,
    {
        let exact = parts.clone().into_iter().map(|(factor, pair)| (factor, &pair.exact));
        let off = parts.into_iter().map(|(factor, pair)| (factor, &pair.off));
        Self { exact: tape.sum(exact, constant), off: tape.sum(off, 0.0) }
    }

    /// The difference.
    pub fn minus(&self, other: &Self) -> Self {
        Self { exact: self.exact.minus(&other.exact), off: self.off.minus(&other.off) }
    }

    /// The product: `(f + d)(h + e) - f h = f e + h d + d e`.
    pub fn times(&self, other: &Self) -> Self {
        let own = self.exact.times(&other.off);
        let others = other.exact.plus(&other.off).times(&self.off);
        Self { exact: self.exact.times(&other.exact), off: own.plus(&others) }
    }

    /// The same, where both are known to be small whatever their forms say: float's number and the difference.
    #[must_use]
    pub fn inside(self, exact: f64, off: f64) -> Self {
        let around = |x: f64| Interval::new(-x, x);
        Self { exact: self.exact.inside(around(exact)), off: self.off.inside(around(off)) }
    }

    /// All that the integers' number can be.
    pub fn reached(&self) -> Interval {
        self.apart().meet(&self.exact.plus(&self.off).range())
    }

    /// The same, where float's number and the difference have nothing to do with one another.
    fn apart(&self) -> Interval {
        self.exact.range().plus(&self.off.range())
    }

    /// Whether the integers' number is in an interval for sure.
    pub fn is_within(&self, limits: Interval) -> bool {
        limits.holds(&self.apart()) || limits.holds(&self.reached())
    }

    /// What a function makes of both; none if it is not finite there.
    pub fn through(&self, curve: &dyn Fn(Interval) -> Jet) -> Option<Self> {
        self.through_within(EVERYWHERE, curve)
    }

    /// The same, where both numbers are known to lie within limits, whatever their forms say.
    pub fn through_within(
        &self,
        limits: Interval,
        curve: &dyn Fn(Interval) -> Jet,
    ) -> Option<Self> {
        let enclosure = Enclosure::of(curve, self.exact.range().meet(&limits))?;
        let off = self.moved_within(limits, curve)?;
        Some(Self { exact: self.exact.along(&enclosure), off })
    }

    /// The difference that a function makes of the difference: `phi(f + d) - phi(f)`.
    pub fn moved(&self, curve: &dyn Fn(Interval) -> Jet) -> Option<Form<'t>> {
        self.moved_within(EVERYWHERE, curve)
    }

    fn moved_within(&self, limits: Interval, curve: &dyn Fn(Interval) -> Jet) -> Option<Form<'t>> {
        let (exact, off) = (self.exact.range().meet(&limits), self.off.range());
        let between = exact.hull(&self.apart()).meet(&limits);
        let Jet { value, slope, bend } = slopes(curve, between)?;
        let apart = value.minus(&value);
        let far = slope.magnitude() * off.magnitude();
        if !slope.is_finite() || far > 4.0 * apart.magnitude() {
            return Some(self.exact.tape().any_since(apart, [&self.exact, &self.exact]));
        }
        // phi'(f) d + phi''(.) d^2 / 2 with phi'(f) between lines, where that is closer than slopes that are anything.
        let second = bend.times(&off.square()).scaled(0.5);
        let rest = slope.radius() * off.radius() + second.radius();
        let most = 0.8 * slope.radius() * off.magnitude();
        let near = || Enclosure::of(&|x| curve(x).of_slope(), exact);
        let near = (rest < most).then(near).flatten();
        let closer = |near: &Enclosure| near.gap(exact) / 2.0 * off.magnitude() + rest < most;
        if let Some(near) = near.filter(closer) {
            let steep = self.exact.along(&near);
            let moved = steep.times_within(&self.off, near.values, off).plus_any(second);
            return Some(moved.within(slope.times(&off).meet(&apart)));
        }
        let Enclosure { lower, upper, values } = Enclosure::of_slopes(slope, off);
        Some(self.off.between(lower, upper, values.meet(&apart), &self.exact))
    }

    /// The larger of two; else the smaller.
    pub fn extreme(&self, other: &Self, largest: bool) -> Self {
        let sign = if largest { 0.5 } else { -0.5 };
        let abs = Expr::call(Function::Abs);
        let size = self.minus(other).through(&|x| abs.jet(x));
        let size = size.unwrap_or_else(|| Self::same(self.exact.tape().constant(0.0)));
        Self::sum(self.exact.tape(), [(0.5, self), (0.5, other), (sign, &size)], 0.0)
    }
}
