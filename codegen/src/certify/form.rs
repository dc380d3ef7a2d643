//! Affine forms: numbers as sums over shared symbols, so that what cancels in a difference does (Comba, Stolfi 1993).
//!
//! A form `c + sum_k t_k e_k +- r` stands for a number for each choice of the symbols `e_k` from -1 to 1. Forms of two
//! numbers share symbols, whose parts cancel where one is taken from the other. What nobody can share is in `r`.
//!
//! Arithmetic is that of doubles. A sum of n products is off by at most `n 2^-52` times the sum of their magnitudes
//! (Higham 2002, chapter 3, with a factor of two to spare), for all terms at once, and that goes into `r`.
//!
//! Stands on intervals.

use std::cell::Cell;

use super::interval::{EVERYWHERE, Interval, Jet};

/// Rounding of one operation, with a factor of two to spare.
const UNIT: f64 = f64::EPSILON;

/// The symbols of a computation, in the order in which they were made. Those of the inputs are kept for good, of all
/// others the newest: what has passed through many layers has little left to cancel.
#[derive(Debug)]
pub struct Symbols {
    are_inputs: Cell<bool>,
    count: Cell<usize>,
    kept: usize,
}

impl Symbols {
    /// None yet; of those to come, as many as `kept` are remembered.
    pub fn keeping(kept: usize) -> Self {
        Self { are_inputs: Cell::new(true), count: Cell::new(0), kept }
    }

    /// From here on symbols are no inputs' any more.
    pub fn end_inputs(&self) {
        self.are_inputs.set(false);
    }

    fn fresh(&self) -> usize {
        let next = self.count.get();
        self.count.set(next + 1);
        next
    }

    /// The oldest symbol that is remembered, of those that are no inputs'.
    fn oldest(&self) -> usize {
        self.count.get().saturating_sub(self.kept)
    }
}

/// A number as a sum over symbols.
#[derive(Debug, Clone)]
pub struct Form {
    center: f64,
    /// Its parts of the inputs' symbols.
    inputs: Vec<f64>,
    /// Its parts of the symbols from `first` on.
    others: Vec<f64>,
    first: usize,
    slack: f64,
    /// At least the largest magnitude.
    size: f64,
    /// Where it is known to be, whatever its terms say.
    limits: Interval,
}

/// `sum += factor own`, with zeros behind the shorter.
fn add(sum: &mut Vec<f64>, factor: f64, own: &[f64]) {
    if sum.len() < own.len() {
        sum.resize(own.len(), 0.0);
    }
    for (term, own) in sum.iter_mut().zip(own) {
        *term += factor * own;
    }
}

/// `slope x + middle`, up to `radius`.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Of the line.
    pub slope: f64,
    /// At 0.
    pub middle: f64,
    /// How far a function is from it.
    pub radius: f64,
}

impl Form {
    /// A number that is known.
    pub fn constant(center: f64) -> Self {
        Self {
            center,
            inputs: Vec::new(),
            others: Vec::new(),
            first: usize::MAX,
            slack: 0.0,
            size: center.abs(),
            limits: EVERYWHERE,
        }
    }

    /// One that is known to lie within limits.
    #[must_use]
    pub fn within(mut self, limits: Interval) -> Self {
        self.limits = self.limits.meet(&limits);
        self
    }

    /// The same, with a symbol of its own in place of all others where these allow much more than the limits.
    #[must_use]
    pub fn inside(self, limits: Interval, symbols: &Symbols) -> Self {
        let own = self.range();
        if limits.radius() < 0.7 * own.radius() {
            let both = own.meet(&limits);
            return Self::of(both, symbols).within(both);
        }
        self.within(limits)
    }

    /// Its part of the symbol of input `i`: how much that moves it, and in which direction.
    pub fn of_input(&self, i: usize) -> f64 {
        self.inputs.get(i).copied().unwrap_or(0.0)
    }

    /// Any number of an interval, by a symbol of its own.
    pub fn of(x: Interval, symbols: &Symbols) -> Self {
        Self::constant(0.0).plus_any(x, symbols)
    }

    /// The sum of the magnitudes of its parts, and how many there are.
    fn spread(&self) -> (f64, f64) {
        let sum = |of: &[f64]| of.iter().map(|t| t.abs()).sum::<f64>();
        (sum(&self.inputs) + sum(&self.others), (self.inputs.len() + self.others.len()) as f64)
    }

    /// Sets `size` and takes in what sums of `count` products of magnitudes that sum to `all` may be off.
    fn settled(mut self, count: usize, all: f64) -> Self {
        self.slack += (count + 4) as f64 * UNIT * all;
        self.slack *= 1.0 + 8.0 * UNIT;
        let (terms, n) = self.spread();
        self.size = (self.center.abs() + terms + self.slack) * (1.0 + (n + 8.0) * UNIT);
        self
    }

    /// `constant + sum of factor form`.
    pub fn sum<'a>(parts: impl IntoIterator<Item = (f64, &'a Self)>, constant: f64) -> Self {
        let mut sum = Self::constant(constant);
        let (mut count, mut all) = (1, constant.abs());
        for (factor, form) in parts {
            if factor == 0.0 {
                continue;
            }
            count += 1;
            all += factor.abs() * form.size;
            sum.center += factor * form.center;
            sum.slack += factor.abs() * form.slack;
            add(&mut sum.inputs, factor, &form.inputs);
            if form.others.is_empty() {
                continue;
            }
            if sum.others.is_empty() {
                sum.first = form.first;
            }
            if form.first < sum.first {
                let missing = sum.first - form.first;
                sum.others.splice(0..0, std::iter::repeat_n(0.0, missing));
                sum.first = form.first;
            }
            let from = form.first - sum.first;
            if sum.others.len() < from {
                sum.others.resize(from, 0.0);
            }
            let (own, more) =
                form.others.split_at((sum.others.len() - from).min(form.others.len()));
            for (term, own) in sum.others[from..].iter_mut().zip(own) {
                *term += factor * own;
            }
            sum.others.extend(more.iter().map(|own| factor * own));
        }
        sum.settled(count, all)
    }

    /// The sum of two.
    pub fn plus(&self, other: &Self) -> Self {
        Self::sum([(1.0, self), (1.0, other)], 0.0)
    }

    /// The difference of two.
    pub fn minus(&self, other: &Self) -> Self {
        Self::sum([(1.0, self), (-1.0, other)], 0.0)
    }

    /// `factor x + addend`.
    pub fn line(&self, factor: f64, addend: f64) -> Self {
        Self::sum([(factor, self)], addend)
    }

    /// With any number of an interval added, that has a symbol of its own.
    pub fn plus_any(mut self, x: Interval, symbols: &Symbols) -> Self {
        let (middle, radius) = (x.middle(), x.radius());
        self.center += middle;
        self.limits = EVERYWHERE;
        let before = self.size + middle.abs();
        self.forget(symbols.oldest());
        // An input has one even if it does not move, so that its place is the input's.
        if radius > 0.0 || symbols.are_inputs.get() {
            let symbol = symbols.fresh();
            match symbols.are_inputs.get() {
                true => {
                    self.inputs.resize(symbol + 1, 0.0);
                    self.inputs[symbol] = radius;
                }
                false => {
                    if self.others.is_empty() {
                        self.first = symbol;
                    }
                    self.others.resize(symbol - self.first + 1, 0.0);
                    self.others[symbol - self.first] = radius;
                }
            }
        }
        self.settled(1, before)
    }

    /// Takes parts of symbols older than `oldest` for nobody else's.
    fn forget(&mut self, oldest: usize) {
        if self.others.is_empty() || self.first >= oldest {
            return;
        }
        let gone = (oldest - self.first).min(self.others.len());
        let lost: f64 = self.others.drain(..gone).map(f64::abs).sum();
        self.slack += lost * (1.0 + gone as f64 * UNIT);
        self.first += gone;
    }

    /// With a number of an interval added, shared with nobody.
    pub fn plus_slack(mut self, x: Interval) -> Self {
        self.center += x.middle();
        self.limits = EVERYWHERE;
        self.slack += x.radius();
        let before = self.size + x.magnitude();
        self.settled(1, before)
    }

    /// All that it can be.
    pub fn range(&self) -> Interval {
        Interval::around(self.center, self.radius()).meet(&self.limits)
    }

    /// How far it can be from its middle, rounded up.
    fn radius(&self) -> f64 {
        let (terms, n) = self.spread();
        (terms + self.slack) * (1.0 + (n + 8.0) * UNIT)
    }

    /// The product of two.
    pub fn times(&self, other: &Self, symbols: &Symbols) -> Self {
        let linear =
            Self::sum([(other.center, self), (self.center, other)], -self.center * other.center);
        // Of e_k e_k, from 0 to 1, half is sure.
        let from = self.first.max(other.first);
        let others = |form: &Self| {
            form.others.get(from.wrapping_sub(form.first)..).unwrap_or_default().to_vec()
        };
        let (own, its) = match self.others.is_empty() || other.others.is_empty() {
            true => (vec![], vec![]),
            false => (others(self), others(other)),
        };
        let pairs =
            self.inputs.iter().zip(&other.inputs).chain(own.iter().zip(&its)).map(|(a, b)| a * b);
        let (sure, both, n) = pairs.fold((0.0, 0.0, 8.0), |(sum, all, n): (f64, f64, f64), p| {
            (sum + p, all + p.abs(), n + 1.0)
        });
        let most = self.radius() * other.radius();
        let radius =
            (most - both / 2.0).max(0.0) * (1.0 + 4.0 * UNIT) + n * UNIT * both + most * 8.0 * UNIT;
        linear.plus_any(Interval::around(sure / 2.0, radius), symbols)
    }

    /// What a function near a line makes of it.
    pub fn along(&self, near: &Enclosure, symbols: &Symbols) -> Self {
        let Line { slope, middle, radius } = near.line;
        let form = self.line(slope, middle).plus_any(Interval::around(0.0, radius), symbols);
        form.within(near.values)
    }
}

/// A function near a line, with its values and slopes, over an interval.
#[derive(Debug, Clone, Copy)]
pub struct Enclosure {
    /// The line.
    pub line: Line,
    /// All its values.
    pub values: Interval,
}

/// Pieces of an interval that a function is looked at in, each by itself.
const CELLS: usize = 8;
/// The same where only its slopes matter.
const PARTS: usize = 4;

/// All values and slopes of a function over an interval; none if it is not finite there.
pub fn slopes(curve: &dyn Fn(Interval) -> Jet, x: Interval) -> Option<Jet> {
    if !x.is_finite() {
        return None;
    }
    let width = x.high - x.low;
    let at = |k: usize| if k == PARTS { x.high } else { x.low + width * k as f64 / PARTS as f64 };
    let part = |k: usize| curve(Interval::new(at(k).min(at(k + 1)), at(k + 1).max(at(k))));
    let all = (0..PARTS)
        .map(part)
        .reduce(|a, b| Jet { value: a.value.hull(&b.value), slope: a.slope.hull(&b.slope) });
    all.filter(|all| all.value.is_finite())
}

impl Enclosure {
    /// A function over an interval; none if it is not finite there.
    pub fn of(curve: &dyn Fn(Interval) -> Jet, x: Interval) -> Option<Self> {
        if !x.is_finite() {
            return None;
        }
        let width = x.high - x.low;
        let at =
            |k: usize| if k == CELLS { x.high } else { x.low + width * k as f64 / CELLS as f64 };
        let cell = |k: usize| {
            let (first, last) = (at(k), at(k + 1));
            let jet = curve(Interval::new(first.min(last), last.max(first)));
            (
                first,
                Interval::new(0.0, (last - first).next_up().max(0.0)),
                curve(Interval::at(first)).value,
                jet,
            )
        };
        let cells: [_; CELLS] = std::array::from_fn(cell);
        let first = cells[0].2;
        let last = curve(Interval::at(x.high)).value;
        let mut values = first.hull(&last);
        let mut slopes = cells[0].3.slope;
        for (_, step, value, jet) in &cells {
            let moved = value.plus(&jet.slope.times(step));
            values = values.hull(&moved.meet(&jet.value));
            slopes = slopes.hull(&jet.slope);
        }
        if !values.is_finite() {
            return None;
        }
        let secant =
            if width > 0.0 { (last.middle() - first.middle()) / width } else { slopes.middle() };
        let candidates = [secant, slopes.low, slopes.high, slopes.middle()];
        let lines = candidates.into_iter().chain([0.0]).filter(|slope| slope.is_finite());
        let residual = |slope: f64| {
            let mut all: Option<Interval> = None;
            for (at, step, value, jet) in &cells {
                let line = Interval::at(slope);
                let start = value.minus(&line.times(&Interval::at(*at)));
                let moved = start.plus(&jet.slope.minus(&line).times(step));
                // Or from the values alone, where the slope is infinite.
                let whole = jet.value.minus(&line.times(&Interval::at(*at).plus(step)));
                let cell = if moved.is_finite() { moved.meet(&whole) } else { whole };
                all = Some(all.map_or(cell, |all| all.hull(&cell)));
            }
            let all = all.unwrap_or(first);
            Line { slope, middle: all.middle(), radius: all.radius() }
        };
        let best = lines.map(residual).filter(|line| line.radius.is_finite());
        let line = best.min_by(|a, b| a.radius.total_cmp(&b.radius))?;
        Some(Self { line, values })
    }

    /// A function of integers near the line through its first and its last point: it is looked at some points, between
    /// which it is off by no more than `slack` from straight. None if there is no point.
    pub fn of_integers(
        points: impl IntoIterator<Item = i32, IntoIter: Clone>,
        value: impl Fn(i32) -> f64,
        slack: f64,
    ) -> Option<Self> {
        let points = points.into_iter();
        let (first, last) = (points.clone().min()?, points.clone().max()?);
        let (a, b) = (value(first), value(last));
        let slope = if last > first { (b - a) / f64::from(last - first) } else { 0.0 };
        let (mut all, mut values) = (Interval::at(a - slope * f64::from(first)), Interval::at(a));
        for q in points {
            // Integers of less than 2^40: products and differences are rounded once each.
            let (y, line) = (value(q), slope * f64::from(q));
            values = values.hull(&Interval::at(y));
            let rounding = (y.abs() + line.abs()) * 4.0 * f64::EPSILON;
            all = all.hull(&Interval::around(y - line, rounding + slack));
        }
        let values = Interval::new(values.low - slack, values.high + slack);
        let line = Line { slope, middle: all.middle(), radius: all.radius() };
        Some(Self { line, values })
    }
}

/// A number of the float network and how far the integers' is from it: `(f, g - f)`.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The float network's.
    pub exact: Form,
    /// The integers', less that.
    pub off: Form,
}

impl Pair {
    /// One that is the same in both.
    pub fn constant(x: f64) -> Self {
        Self { exact: Form::constant(x), off: Form::constant(0.0) }
    }

    /// `constant + sum of factor pair`.
    pub fn sum<'a>(
        parts: impl IntoIterator<Item = (f64, &'a Self)> + Clone,
        constant: f64,
    ) -> Self {
        let exact = parts.clone().into_iter().map(|(factor, pair)| (factor, &pair.exact));
        let off = parts.into_iter().map(|(factor, pair)| (factor, &pair.off));
        Self { exact: Form::sum(exact, constant), off: Form::sum(off, 0.0) }
    }

    /// The product: `(f + d)(h + e) - f h = f e + h d + d e`.
    pub fn times(&self, other: &Self, symbols: &Symbols) -> Self {
        let own = self.exact.times(&other.off, symbols);
        let others = other.exact.plus(&other.off).times(&self.off, symbols);
        Self { exact: self.exact.times(&other.exact, symbols), off: own.plus(&others) }
    }

    /// The same, where both are known to be small whatever their forms say: float's number and the difference.
    #[must_use]
    pub fn inside(self, exact: f64, off: f64, symbols: &Symbols) -> Self {
        let around = |x: f64| Interval::new(-x, x);
        Self {
            exact: self.exact.inside(around(exact), symbols),
            off: self.off.inside(around(off), symbols),
        }
    }

    /// All that the integers' number can be.
    pub fn reached(&self) -> Interval {
        let apart = self.exact.range().plus(&self.off.range());
        self.exact.plus(&self.off).range().meet(&apart)
    }

    /// What a function makes of both; none if it is not finite there.
    pub fn through(&self, curve: &dyn Fn(Interval) -> Jet, symbols: &Symbols) -> Option<Self> {
        self.through_within(EVERYWHERE, curve, symbols)
    }

    /// The same, where both numbers are known to lie within limits, whatever their forms say.
    pub fn through_within(
        &self,
        limits: Interval,
        curve: &dyn Fn(Interval) -> Jet,
        symbols: &Symbols,
    ) -> Option<Self> {
        let enclosure = Enclosure::of(curve, self.exact.range().meet(&limits))?;
        let off = self.moved_within(limits, curve, symbols)?;
        Some(Self { exact: self.exact.along(&enclosure, symbols), off })
    }

    /// The difference that a function makes of the difference: `phi(f + d) - phi(f)`.
    pub fn moved(&self, curve: &dyn Fn(Interval) -> Jet, symbols: &Symbols) -> Option<Form> {
        self.moved_within(EVERYWHERE, curve, symbols)
    }

    fn moved_within(
        &self,
        limits: Interval,
        curve: &dyn Fn(Interval) -> Jet,
        symbols: &Symbols,
    ) -> Option<Form> {
        let between = self.exact.range().hull(&self.reached()).meet(&limits);
        let Jet { value, slope: slopes } = slopes(curve, between)?;
        let off = self.off.range();
        let apart = value.minus(&value);
        if slopes.is_finite() {
            let radius = slopes.radius() * off.magnitude();
            if slopes.magnitude() * off.magnitude() <= 4.0 * apart.magnitude() {
                return self
                    .off
                    .line(slopes.middle(), 0.0)
                    .plus_any(Interval::around(0.0, radius), symbols)
                    .into();
            }
        }
        Some(Form::of(apart, symbols))
    }

    /// The larger of two; else the smaller.
    pub fn extreme(&self, other: &Self, largest: bool, symbols: &Symbols) -> Self {
        let sign = if largest { 0.5 } else { -0.5 };
        let apart = Self::sum([(1.0, self), (-1.0, other)], 0.0);
        let size = apart.through(
            &|x| crate::graph::expr::Expr::call(crate::graph::expr::Function::Abs).jet(x),
            symbols,
        );
        let size = size.unwrap_or_else(|| Self::constant(0.0));
        Self::sum([(0.5, self), (0.5, other), (sign, &size)], 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::expr::{Expr, Function};
    use proptest::prelude::*;

    /// The form at some values of the symbols.
    fn at(form: &Form, symbols: &[f64]) -> f64 {
        form.center + form.inputs.iter().zip(symbols).map(|(t, e)| t * e).sum::<f64>()
    }

    proptest! {
        /// Sums, products and functions of numbers are where their forms say: within the slack and the fresh symbols'
        /// reach of the form at the numbers' symbols.
        #[test]
        fn forms_hold_what_they_stand_for(
            a in -2.0..2.0_f64, b in -2.0..2.0_f64, ra in 0.01..1.0_f64, rb in 0.01..1.0_f64,
            e in -1.0..=1.0_f64, g in -1.0..=1.0_f64, w in -3.0..3.0_f64,
        ) {
            let symbols = Symbols::keeping(3);
            let x = Form::of(Interval::new(a - ra, a + ra), &symbols);
            let y = Form::of(Interval::new(b - rb, b + rb), &symbols);
            symbols.end_inputs();
            let (vx, vy) = (at(&x, &[e]), at(&y, &[0.0, g]));
            let tanh = Expr::call(Function::Tanh);
            let near_tanh = Enclosure::of(&|x| tanh.jet(x), x.range()).unwrap();
            let near = |form: &Form, value: f64| {
                let known = at(form, &[e, g]);
                let others: f64 = form.others.iter().map(|t| t.abs()).sum();
                (known - value).abs() <= others + form.slack + 1e-12 && form.range().holds(&Interval::at(value))
            };
            prop_assert!(near(&Form::sum([(w, &x), (-2.0, &y)], 0.3), w * vx - 2.0 * vy + 0.3));
            prop_assert!(near(&x.times(&y, &symbols), vx * vy));
            prop_assert!(near(&x.times(&x, &symbols), vx * vx));
            prop_assert!(near(&x.along(&near_tanh, &symbols), vx.tanh()));
            let pair = Pair { exact: x.clone(), off: y.line(0.1, 0.0) };
            let other = Pair { exact: y.clone(), off: x.line(-0.05, 0.02) };
            let (d, h) = (0.1 * vy, -0.05 * vx + 0.02);
            prop_assert!(near(&pair.times(&other, &symbols).off, (vx + d) * (vy + h) - vx * vy));
            let moved = pair.through(&|x| tanh.jet(x), &symbols).unwrap();
            prop_assert!(near(&moved.off, (vx + d).tanh() - vx.tanh()));
            let larger = pair.extreme(&other, true, &symbols);
            prop_assert!(near(&larger.exact, vx.max(vy)));
            prop_assert!(near(&larger.off, (vx + d).max(vy + h) - vx.max(vy)));
        }
    }

    #[test]
    fn what_is_shared_cancels() {
        let symbols = Symbols::keeping(8);
        let x = Form::of(Interval::new(-1.0, 3.0), &symbols);
        symbols.end_inputs();
        let difference = x.line(2.0, 1.0).minus(&x.line(2.0, 0.0)).range();
        assert!(difference.holds(&Interval::at(1.0)) && difference.radius() < 1e-12);
        let square =
            x.minus(&Form::constant(1.0)).times(&x.minus(&Form::constant(1.0)), &symbols).range();
        assert!(square.low > -1e-9 && square.high < 4.0 + 1e-9, "{square:?}");
    }
}
