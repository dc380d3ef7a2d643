//! Intervals with ends rounded outward, and a function's values and slopes on them.
//!
//! A sum, a product or a quotient of doubles is off by less than their distance to the next one, so that each end moves
//! by one. Of a library's functions that is not known: their results are taken to be within `2^-40` of their size, more
//! than a thousand units in the last place.
//!
//! Stands on expressions.

use crate::graph::expr::{Expr, Function};

/// What a library's function may be off, relative to its value.
const LIBRARY: f64 = 1.0 / (1_u64 << 40) as f64;

/// All numbers from `low` to `high`; either may be infinite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
}

/// Nothing is known.
pub const EVERYWHERE: Interval = Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };

impl Interval {
    /// Both ends as they are.
    pub fn new(low: f64, high: f64) -> Self {
        match low <= high {
            true => Self { low, high },
            // One of them is no number.
            false => EVERYWHERE,
        }
    }

    /// A single number.
    pub fn at(x: f64) -> Self {
        Self::new(x, x)
    }

    /// A number that is known up to `radius`.
    pub fn around(x: f64, radius: f64) -> Self {
        Self::outward(x - radius, x + radius)
    }

    /// Ends that were rounded once.
    fn outward(low: f64, high: f64) -> Self {
        Self::new(low.next_down(), high.next_up())
    }

    /// The values of a library's function at both ends, one that rises or falls throughout.
    fn library(a: f64, b: f64) -> Self {
        let (low, high) = (a.min(b), a.max(b));
        if low.is_nan() || high.is_nan() {
            return EVERYWHERE;
        }
        Self::outward(low - low.abs() * LIBRARY, high + high.abs() * LIBRARY)
    }

    /// Half the width, rounded up.
    pub fn radius(&self) -> f64 {
        let middle = self.middle();
        match self.is_finite() {
            true => (self.high - middle).max(middle - self.low).next_up().max(0.0),
            false => f64::INFINITY,
        }
    }

    /// A number in the middle.
    pub fn middle(&self) -> f64 {
        self.low.midpoint(self.high)
    }

    /// The largest magnitude.
    pub fn magnitude(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }

    /// Whether both ends are numbers.
    pub fn is_finite(&self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// The smallest interval that holds both.
    pub fn hull(&self, other: &Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Whether all of `other` is in it.
    pub fn holds(&self, other: &Self) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// The numbers that are in both, where there are any.
    pub fn meet(&self, other: &Self) -> Self {
        Self::new(self.low.max(other.low), self.high.min(other.high))
    }

    /// The sum.
    pub fn plus(&self, other: &Self) -> Self {
        Self::outward(self.low + other.low, self.high + other.high)
    }

    /// The difference.
    pub fn minus(&self, other: &Self) -> Self {
        Self::outward(self.low - other.high, self.high - other.low)
    }

    /// The product.
    pub fn times(&self, other: &Self) -> Self {
        // 0 times infinity is 0 here: the infinite end is not reached.
        let of = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
        let ends = [
            of(self.low, other.low),
            of(self.low, other.high),
            of(self.high, other.low),
            of(self.high, other.high),
        ];
        let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Nothing is lost by a product with 0.
        if low == 0.0 && high == 0.0 { Self::at(0.0) } else { Self::outward(low, high) }
    }

    /// A multiple.
    pub fn scaled(&self, factor: f64) -> Self {
        self.times(&Self::at(factor))
    }

    /// The reciprocal; everywhere if 0 is in it.
    pub fn reciprocal(&self) -> Self {
        match self.low > 0.0 || self.high < 0.0 {
            true => Self::outward(1.0 / self.high, 1.0 / self.low),
            false => EVERYWHERE,
        }
    }

    /// The squares.
    pub fn square(&self) -> Self {
        let all = self.times(self);
        let own = Self::at(self.low).times(&Self::at(self.low));
        let other = Self::at(self.high).times(&Self::at(self.high));
        match self.low <= 0.0 && self.high >= 0.0 {
            true => Self::new(0.0, own.high.max(other.high)),
            false => Self::new(own.low.min(other.low), all.high),
        }
    }

    /// The square roots of what is not negative.
    pub fn root(&self) -> Self {
        let (low, high) = (self.low.max(0.0).sqrt(), self.high.max(0.0).sqrt());
        Self::new(low.next_down().max(0.0), high.next_up())
    }

    /// The powers of e.
    pub fn exp(&self) -> Self {
        let image = Self::library(self.low.exp(), self.high.exp());
        Self::new(image.low.max(0.0), image.high)
    }

    /// The natural logarithms.
    pub fn ln(&self) -> Self {
        match self.low > 0.0 {
            true => {
                let image = Self::library(self.low.ln(), self.high.ln());
                // Near 1 the logarithm is small and its argument's rounding is not.
                Self::new(image.low - LIBRARY, image.high + LIBRARY)
            }
            false => EVERYWHERE,
        }
    }

    /// The larger of two numbers.
    pub fn larger(&self, other: &Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// The smaller of two numbers.
    pub fn smaller(&self, other: &Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }
}

/// Values and slopes of a function where its variable is in an interval.
#[derive(Debug, Clone, Copy)]
pub struct Jet {
    /// Its values.
    pub value: Interval,
    /// Its slopes, in whatever direction at a kink; everywhere at a jump.
    pub slope: Interval,
    /// The slopes of its slope; everywhere at a kink, or where nobody asks.
    pub bend: Interval,
}

impl Jet {
    /// The variable itself.
    pub fn variable(x: Interval) -> Self {
        Self { value: x, slope: Interval::at(1.0), bend: Interval::at(0.0) }
    }

    /// The same whatever the variable is.
    pub fn constant(c: f64) -> Self {
        Self { value: Interval::at(c), slope: Interval::at(0.0), bend: Interval::at(0.0) }
    }

    /// The slope as a function itself.
    pub fn of_slope(&self) -> Self {
        Self { value: self.slope, slope: self.bend, bend: EVERYWHERE }
    }

    /// The sum.
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            value: self.value.plus(&other.value),
            slope: self.slope.plus(&other.slope),
            bend: self.bend.plus(&other.bend),
        }
    }

    /// All of both.
    pub fn hull(&self, other: &Self) -> Self {
        Self {
            value: self.value.hull(&other.value),
            slope: self.slope.hull(&other.slope),
            bend: self.bend.hull(&other.bend),
        }
    }

    /// A multiple.
    pub fn scaled(&self, factor: f64) -> Self {
        let of = |x: Interval| x.scaled(factor);
        Self { value: of(self.value), slope: of(self.slope), bend: of(self.bend) }
    }

    /// A function of this one, with its values and slopes where this is: `f'' a'^2 + f' a''`.
    fn through(&self, value: Interval, slope: Interval, bend: Interval) -> Self {
        let bend = bend.times(&self.slope.square()).plus(&slope.times(&self.bend));
        Self { value, slope: slope.times(&self.slope), bend }
    }
}

impl Expr {
    /// Values and slopes of the function of `x`.
    pub fn jet(&self, x: Interval) -> Jet {
        match self {
            Self::X => Jet::variable(x),
            Self::Const(c) => Jet::constant(*c),
            Self::Add(a, b) => a.jet(x).plus(&b.jet(x)),
            Self::Mul(a, b) => {
                let (a, b) = (a.jet(x), b.jet(x));
                let mixed = |p: &Interval, q: &Interval| a.value.times(p).plus(&b.value.times(q));
                let slope = mixed(&b.slope, &a.slope);
                let bend = mixed(&b.bend, &a.bend).plus(&a.slope.times(&b.slope).scaled(2.0));
                Jet { value: a.value.times(&b.value), slope, bend }
            }
            Self::Div(a, b) => {
                let (a, b) = (a.jet(x), b.jet(x));
                let one = b.value.reciprocal();
                let value = a.value.times(&one);
                let slope = a.slope.minus(&value.times(&b.slope)).times(&one);
                let twice = slope.times(&b.slope).scaled(2.0);
                let bend = a.bend.minus(&twice).minus(&value.times(&b.bend)).times(&one);
                Jet { value, slope, bend }
            }
            Self::Pow(a, p) => power(&a.jet(x), *p),
            Self::Min(a, b) => extreme(&a.jet(x), &b.jet(x), false),
            Self::Max(a, b) => extreme(&a.jet(x), &b.jet(x), true),
            Self::Call(f, a) => f.jet(&a.jet(x)),
        }
    }
}

/// `a^p`.
fn power(a: &Jet, p: f64) -> Jet {
    if p == 2.0 {
        return a.through(a.value.square(), a.value.scaled(2.0), Interval::at(2.0));
    }
    let of = |p: f64| -> Interval {
        let (low, high) = (a.value.low, a.value.high);
        let whole = p.fract() == 0.0;
        if p == 0.0 {
            return Interval::at(1.0);
        }
        if low > 0.0 || (low >= 0.0 && p > 0.0) {
            return Interval::library(low.powf(p), high.powf(p));
        }
        if whole && p > 0.0 {
            let ends = Interval::library(low.powf(p), high.powf(p));
            return match (p % 2.0 == 0.0, high >= 0.0) {
                (true, true) => Interval::new(0.0, ends.high),
                _ => ends,
            };
        }
        EVERYWHERE
    };
    a.through(of(p), of(p - 1.0).scaled(p), of(p - 2.0).scaled(p * (p - 1.0)))
}

/// The larger or the smaller of two.
fn extreme(a: &Jet, b: &Jet, largest: bool) -> Jet {
    let value = if largest { a.value.larger(&b.value) } else { a.value.smaller(&b.value) };
    let first = if largest { a.value.low > b.value.high } else { a.value.high < b.value.low };
    let second = if largest { b.value.low > a.value.high } else { b.value.high < a.value.low };
    let (slope, bend) = match (first, second) {
        (true, _) => (a.slope, a.bend),
        (_, true) => (b.slope, b.bend),
        _ => (a.slope.hull(&b.slope), EVERYWHERE),
    };
    Jet { value, slope, bend }
}

impl Function {
    /// Values and slopes of the function of `a`.
    fn jet(self, a: &Jet) -> Jet {
        let (value, slope) = self.slopes(a.value);
        a.through(value, slope, self.bend(a.value, value, slope))
    }

    /// The slopes of its slope, by its values and slopes.
    fn bend(self, x: Interval, value: Interval, slope: Interval) -> Interval {
        let straight = |is: bool| if is { Interval::at(0.0) } else { EVERYWHERE };
        match self {
            Self::Tanh => value.times(&slope).scaled(-2.0),
            Self::Sigmoid => slope.times(&Interval::at(1.0).minus(&value.scaled(2.0))),
            Self::Exp => value,
            Self::Log if x.low > 0.0 => x.reciprocal().square().scaled(-1.0),
            Self::Softplus => Self::Sigmoid.slopes(x).1,
            Self::Sin => wave(x, 2.0),
            Self::Cos => wave(x, 1.0).scaled(-1.0),
            Self::Atan => x.times(&slope.square()).scaled(-2.0),
            Self::Asinh => x.times(&slope.square().times(&slope)).scaled(-1.0),
            Self::Erf => x.times(&slope).scaled(-2.0),
            Self::Abs | Self::LeakyRelu { .. } => straight(x.low >= 0.0 || x.high <= 0.0),
            Self::Elu { .. } if x.high <= 0.0 => slope,
            Self::Elu { .. } => straight(x.low >= 0.0),
            Self::Ceil | Self::Floor | Self::Round | Self::Sign | Self::Step => {
                straight(slope.is_finite())
            }
            _ => EVERYWHERE,
        }
    }

    /// All values and slopes on an interval.
    fn slopes(self, x: Interval) -> (Interval, Interval) {
        let one = Interval::at(1.0);
        let ends = Interval::library(self.eval(x.low), self.eval(x.high));
        let within = |image: Interval, low: f64, high: f64| {
            Interval::new(image.low.max(low), image.high.min(high))
        };
        match self {
            Self::Abs => {
                let value = x.larger(&x.scaled(-1.0));
                let value = if x.low <= 0.0 && x.high >= 0.0 {
                    Interval::new(0.0, value.high)
                } else {
                    value
                };
                (value, steps(x, -1.0, 1.0))
            }
            Self::LeakyRelu { alpha } => {
                let value = Interval::new(ends.low, ends.high);
                let value = if x.low < 0.0 && x.high > 0.0 {
                    value.hull(&Interval::at(0.0))
                } else {
                    value
                };
                (value, steps(x, alpha, 1.0))
            }
            Self::Sigmoid => {
                let value = within(ends, 0.0, 1.0);
                // s (1 - s), at most 1/4 where s is 1/2.
                let at = |s: f64| Interval::at(s).times(&one.minus(&Interval::at(s)));
                let (first, last) = (at(value.low), at(value.high));
                let slope = first.hull(&last);
                let slope = if x.low <= 0.0 && x.high >= 0.0 {
                    slope.hull(&Interval::at(0.25))
                } else {
                    slope
                };
                (value, slope.larger(&Interval::at(0.0)))
            }
            Self::Tanh => {
                let value = within(ends, -1.0, 1.0);
                (value, one.minus(&value.square()).larger(&Interval::at(0.0)))
            }
            Self::Exp => (x.exp(), x.exp()),
            Self::Log => (x.ln(), if x.low > 0.0 { x.reciprocal() } else { EVERYWHERE }),
            Self::Softplus => {
                let slope = Self::Sigmoid.slopes(x).0;
                (Interval::new(ends.low.max(0.0), ends.high + LIBRARY), slope)
            }
            Self::Sqrt => {
                let slope = x.root().scaled(2.0).reciprocal();
                (x.root(), if x.low > 0.0 { slope } else { EVERYWHERE })
            }
            Self::Sin => (wave(x, 0.0), wave(x, 1.0)),
            Self::Cos => (wave(x, 1.0), wave(x, 2.0)),
            Self::Atan => (ends, one.plus(&x.square()).reciprocal()),
            Self::Asinh => (ends, one.plus(&x.square()).root().reciprocal()),
            Self::Erf => {
                // 2 / sqrt(pi) exp(-x^2), itself rounded outward by the library's margin.
                let factor = std::f64::consts::FRAC_2_SQRT_PI;
                (within(ends, -1.0, 1.0), x.square().scaled(-1.0).exp().scaled(factor))
            }
            Self::Elu { alpha, gamma } => {
                let value =
                    if x.low < 0.0 && x.high > 0.0 { ends.hull(&Interval::at(0.0)) } else { ends };
                let below = Interval::new(x.low, x.high.min(0.0)).exp().scaled(gamma * alpha);
                let slope = match (x.high <= 0.0, x.low >= 0.0) {
                    (true, _) => below,
                    (_, true) => Interval::at(gamma),
                    _ => below.hull(&Interval::at(gamma)),
                };
                (value, slope)
            }
            Self::Tan => {
                let cosine = wave(x, 1.0);
                let slope = cosine.square().reciprocal();
                (if slope.is_finite() { ends } else { EVERYWHERE }, slope)
            }
            // Their slopes are infinite at the ends of where they are defined.
            Self::Acos | Self::Asin => {
                let slope = one.minus(&x.square()).root().reciprocal();
                let inside = x.low >= -1.0 && x.high <= 1.0;
                let slope = if inside { slope.hull(&slope.scaled(-1.0)) } else { EVERYWHERE };
                (if inside { ends } else { EVERYWHERE }, slope)
            }
            Self::Acosh => {
                let slope = x.square().minus(&one).root().reciprocal();
                (if x.low >= 1.0 { ends } else { EVERYWHERE }, slope)
            }
            Self::Atanh => {
                let inside = x.low > -1.0 && x.high < 1.0;
                let slope = one.minus(&x.square()).reciprocal();
                (if inside { ends } else { EVERYWHERE }, if inside { slope } else { EVERYWHERE })
            }
            // |sinc'| < 1/2.
            Self::Sinc => (Interval::new(-0.25, 1.0), Interval::new(-0.5, 0.5)),
            // Steps: flat where both ends are on one of them.
            Self::Ceil | Self::Floor | Self::Round | Self::Sign | Self::Step => {
                let (first, last) = (self.eval(x.low), self.eval(x.high));
                let slope = if first == last { Interval::at(0.0) } else { EVERYWHERE };
                (Interval::new(first, last), slope)
            }
        }
    }
}

/// A slope of `below` under 0 and `above` over it.
fn steps(x: Interval, below: f64, above: f64) -> Interval {
    match (x.high <= 0.0, x.low >= 0.0) {
        (true, _) => Interval::at(below),
        (_, true) => Interval::at(above),
        _ => Interval::new(below.min(above), below.max(above)),
    }
}

/// `sin(x + quarters pi / 2)`: its ends, and its turning points in between.
fn wave(x: Interval, quarters: f64) -> Interval {
    use std::f64::consts::FRAC_PI_2;
    let turn = |x: f64| x / FRAC_PI_2 + quarters;
    // Quarter turns are known to a part in 2^50; a turning point that near counts as inside.
    let slack = 1e-12 * (1.0 + turn(x.low).abs().max(turn(x.high).abs()));
    let (first, last) = (turn(x.low) - slack, turn(x.high) + slack);
    if !(first.abs() < 1e9 && last.abs() < 1e9) {
        return Interval::new(-1.0, 1.0);
    }
    let value = |x: f64| match quarters as i64 {
        0 => x.sin(),
        1 => x.cos(),
        _ => -x.sin(),
    };
    let ends = [value(x.low), value(x.high)];
    // Peaks at 1, 5, 9, ... quarters, valleys at 3, 7, ...
    let passes = |at: f64| ((first - at) / 4.0).ceil() * 4.0 + at <= last;
    let low = if passes(3.0) { -1.0 } else { ends[0].min(ends[1]) - LIBRARY };
    let high = if passes(1.0) { 1.0 } else { ends[0].max(ends[1]) + LIBRARY };
    Interval::new(low.max(-1.0), high.min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every function, and some that are made of several.
    fn functions() -> Vec<Expr> {
        use Function::*;
        let named = [
            Abs,
            Acos,
            Acosh,
            Asin,
            Asinh,
            Atan,
            Atanh,
            Ceil,
            Cos,
            Erf,
            Exp,
            Floor,
            Log,
            Round,
            Sign,
            Sin,
            Sinc,
            Sigmoid,
            Softplus,
            Sqrt,
            Step,
            Tan,
            Tanh,
            LeakyRelu { alpha: 0.1 },
            LeakyRelu { alpha: -0.5 },
            Elu { alpha: 1.0, gamma: 1.05 },
        ];
        let x = || Expr::X;
        let made = [
            Expr::silu(),
            Expr::relu(),
            Expr::clamp(-0.5, 0.7),
            x().pow(2.0).sub(x()),
            x().pow(3.0),
            x().pow(-1.0),
            x().div(Expr::call(Abs).add(Expr::Const(1.0))),
            Expr::call(Sin).of(&x().mul(Expr::Const(30.0))).mul(Expr::call(Exp)),
        ];
        named.into_iter().map(Expr::call).chain(made).collect()
    }

    proptest! {
        /// Values lie in the values' interval, every secant's slope in that of the slopes, and that of slopes in the bends'.
        #[test]
        fn values_and_secants_are_inside(a in -4.0..4.0_f64, width in 0.0..2.0_f64, at in prop::collection::vec(0.0..1.0_f64, 8)) {
            for f in functions() {
                let x = Interval::new(a, a + width);
                let jet = f.jet(x);
                let points: Vec<f64> = at.iter().map(|t| a + t * width).filter(|x| f.eval(*x).is_finite()).collect();
                for &p in &points {
                    let y = f.eval(p);
                    prop_assert!(jet.value.low <= y && y <= jet.value.high, "{f} at {p}: {y} not in {:?}", jet.value);
                    for &q in points.iter().filter(|q| (**q - p).abs() > 1e-3) {
                        let secant = (f.eval(q) - y) / (q - p);
                        prop_assert!(
                            jet.slope.low <= secant + 1e-9 && secant <= jet.slope.high + 1e-9,
                            "{f} from {p} to {q}: {secant} not in {:?}", jet.slope
                        );
                        // The slopes at both points have a secant as well.
                        let [first, last] = [p, q].map(|x| f.jet(Interval::at(x)).slope);
                        let bend = last.minus(&first).scaled(1.0 / (q - p));
                        prop_assert!(
                            !bend.is_finite() || jet.bend.low <= bend.high && bend.low <= jet.bend.high,
                            "{f} from {p} to {q}: {bend:?} not in {:?}", jet.bend
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn ends_move_outward() {
        let third = Interval::at(1.0).times(&Interval::at(3.0).reciprocal());
        assert!(third.low < third.high && third.holds(&Interval::at(1.0 / 3.0)));
        assert_eq!(Interval::at(0.0).times(&EVERYWHERE), Interval::at(0.0));
        assert_eq!(Interval::new(f64::NAN, 1.0), EVERYWHERE);
    }
}
