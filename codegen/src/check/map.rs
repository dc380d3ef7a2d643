//! Functions of one variable, and all values and slopes they have on a span. Stands on spans and expressions.

use std::f64::consts::{FRAC_2_SQRT_PI, FRAC_PI_2, TAU};

use super::span::{EVERYTHING, Span};
use crate::graph::expr::{Expr, Function};
use crate::graph::kan::{Edge, MOST_DEGREE, Spline};

/// All values and all slopes on a span; slopes are [`EVERYTHING`] where the function may jump.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jet {
    /// Values.
    pub value: Span,
    /// Derivatives, from either side where it has a kink.
    pub slope: Span,
}

/// A function of one variable.
#[derive(Debug, Clone)]
pub enum Map {
    /// An expression.
    Expr(Expr),
    /// An edge of a layer of functions: a factor, the layer's base function, and what is added to it.
    Edge(f64, Expr, Pieces, Option<Expr>),
}

impl Map {
    /// That of an edge.
    pub fn of_edge(edge: &Edge, base: &Expr) -> Self {
        let spline = edge.spline.as_ref().map(Pieces::of).unwrap_or_default();
        Self::Edge(edge.base, base.clone(), spline, edge.function.clone())
    }

    /// All values and slopes on `x`.
    pub fn jet(&self, x: Span) -> Jet {
        match self {
            Self::Expr(expr) => jet(expr, x),
            Self::Edge(factor, base, spline, function) => {
                let mut sum = spline.jet(x);
                if *factor != 0.0 {
                    sum = plus(sum, scaled(jet(base, x), *factor));
                }
                function.iter().fold(sum, |sum, f| plus(sum, jet(f, x)))
            }
        }
    }

    /// The ends if this is `min(max(x, low), high)`.
    pub fn clamp(&self) -> Option<Span> {
        match self {
            Self::Expr(expr) => expr.as_clamp().map(|(low, high)| Span::new(low, high)),
            Self::Edge(..) => None,
        }
    }
}

fn plus(a: Jet, b: Jet) -> Jet {
    Jet { value: a.value + b.value, slope: a.slope + b.slope }
}

fn scaled(a: Jet, factor: f64) -> Jet {
    Jet { value: a.value * factor, slope: a.slope * factor }
}

fn constant(c: f64) -> Jet {
    Jet { value: Span::at(c), slope: Span::at(0.0) }
}

const NOTHING: Jet = Jet { value: EVERYTHING, slope: EVERYTHING };

/// An expression on a span.
fn jet(expr: &Expr, x: Span) -> Jet {
    match expr {
        Expr::X => Jet { value: x, slope: Span::at(1.0) },
        Expr::Const(c) => constant(*c),
        Expr::Add(a, b) => plus(jet(a, x), jet(b, x)),
        Expr::Mul(a, b) if a == b => {
            let a = jet(a, x);
            Jet { value: a.value.square(), slope: a.value * a.slope * 2.0 }
        }
        Expr::Mul(a, b) => {
            let (a, b) = (jet(a, x), jet(b, x));
            Jet { value: a.value * b.value, slope: a.slope * b.value + a.value * b.slope }
        }
        Expr::Div(a, b) => {
            let (a, b) = (jet(a, x), jet(b, x));
            let value = a.value.over(b.value);
            Jet { value, slope: (a.slope - value * b.slope).over(b.value) }
        }
        Expr::Pow(a, p) => {
            let a = jet(a, x);
            Jet { value: power(a.value, *p), slope: power(a.value, p - 1.0) * *p * a.slope }
        }
        Expr::Min(a, b) => {
            let (a, b) = (jet(a, x), jet(b, x));
            either(a, b, a.value.high < b.value.low, b.value.high < a.value.low, f64::min)
        }
        Expr::Max(a, b) => {
            let (a, b) = (jet(a, x), jet(b, x));
            either(a, b, a.value.low > b.value.high, b.value.low > a.value.high, f64::max)
        }
        Expr::Call(f, a) => {
            let a = jet(a, x);
            let outer = called(*f, a.value);
            Jet { value: outer.value, slope: outer.slope * a.slope }
        }
    }
}

/// One of two, of which it may be known which.
fn either(a: Jet, b: Jet, first: bool, second: bool, f: impl Fn(f64, f64) -> f64) -> Jet {
    match (first, second) {
        (true, _) => a,
        (_, true) => b,
        _ => Jet {
            value: Span::new(f(a.value.low, b.value.low), f(a.value.high, b.value.high)),
            slope: a.slope.hull(b.slope),
        },
    }
}

/// `x^p`.
fn power(x: Span, p: f64) -> Span {
    let whole = p.fract() == 0.0 && p.abs() < 1e9;
    let f = |x: f64| x.powf(p);
    match () {
        () if p == 0.0 => Span::at(1.0),
        () if p == 1.0 => x,
        () if p == 2.0 => x.square(),
        () if x.low > 0.0 || x.low >= 0.0 && p > 0.0 => {
            if p > 0.0 {
                x.rising(f)
            } else {
                x.falling(f)
            }
        }
        () if !whole => EVERYTHING,
        () if p < 0.0 => Span::at(1.0).over(power(x, -p)),
        () if p.rem_euclid(2.0) == 1.0 => x.rising(f),
        () => {
            let high = x.low.abs().max(x.high.abs());
            let low = if x.holds(0.0) { 0.0 } else { x.low.abs().min(x.high.abs()) };
            Span::new(low, high).rising(f)
        }
    }
}

/// A wave of period 2 pi whose largest value, 1, is at `top`.
fn wave(x: Span, top: f64, f: impl Fn(f64) -> f64) -> Span {
    // Beyond, the argument's own rounding is a share of a period.
    if !(x.width() < TAU && x.size() < 1e9) {
        return Span::new(-1.0, 1.0);
    }
    let slack = 1e-6;
    let holds = |peak: f64| {
        let turns = ((x.low - slack - peak) / TAU).ceil();
        peak + turns * TAU <= x.high + slack
    };
    let (a, b) = (f(x.low), f(x.high));
    let ends = Span::library(a.min(b) - slack * slack, a.max(b) + slack * slack);
    Span {
        low: if holds(top + TAU / 2.0) { -1.0 } else { ends.low.max(-1.0) },
        high: if holds(top) { 1.0 } else { ends.high.min(1.0) },
    }
}

/// What rises in steps: known where it is the same at both ends.
fn steps(x: Span, f: Function) -> Jet {
    let value = Span::new(f.eval(x.low), f.eval(x.high));
    Jet { value, slope: if value.low == value.high { Span::at(0.0) } else { EVERYTHING } }
}

/// A straight line on each side of 0.
fn kinked(x: Span, below: f64, above: f64) -> Jet {
    let side = |x: Span, slope: f64| Jet { value: x * slope, slope: Span::at(slope) };
    if x.low >= 0.0 {
        return side(x, above);
    }
    let low = side(Span::new(x.low, x.high.min(0.0)), below);
    if x.high <= 0.0 {
        return low;
    }
    let high = side(Span::new(0.0, x.high), above);
    Jet { value: low.value.hull(high.value), slope: low.slope.hull(high.slope) }
}

fn exp(x: Span) -> Span {
    let e = x.rising(f64::exp);
    Span { low: e.low.max(0.0), ..e }
}

/// A function of all of a span.
fn called(function: Function, x: Span) -> Jet {
    let one = Span::at(1.0);
    let rising = x.rising(|x| function.eval(x));
    let squared = || x.square();
    let in_unit = |to: Span| x.meet(Span::new(-1.0, 1.0)).meet(to);
    match function {
        Function::Abs => kinked(x, -1.0, 1.0),
        Function::Acos => {
            let value = in_unit(x).falling(f64::acos);
            Jet { value, slope: -one.over((one - squared()).root()) }
        }
        Function::Asin => Jet { value: rising, slope: one.over((one - squared()).root()) },
        Function::Acosh => Jet { value: rising, slope: one.over((squared() - one).root()) },
        Function::Asinh => Jet { value: rising, slope: one.over((squared() + one).root()) },
        Function::Atan => Jet { value: rising, slope: one.over(squared() + one) },
        Function::Atanh => Jet { value: rising, slope: one.over(one - squared()) },
        Function::Ceil | Function::Floor | Function::Round | Function::Sign | Function::Step => {
            steps(x, function)
        }
        Function::Cos => {
            Jet { value: wave(x, 0.0, f64::cos), slope: -wave(x, FRAC_PI_2, f64::sin) }
        }
        Function::Sin => Jet { value: wave(x, FRAC_PI_2, f64::sin), slope: wave(x, 0.0, f64::cos) },
        Function::Tan => {
            let middle = ((x.low + FRAC_PI_2) / (TAU / 2.0)).floor();
            let end = (middle + 0.5) * (TAU / 2.0);
            let inside = x.size() < 1e9 && x.high < end - 1e-6 && x.low > end - TAU / 2.0 + 1e-6;
            if inside { Jet { value: rising, slope: rising.square() + one } } else { NOTHING }
        }
        Function::Sinc => sinc(x),
        Function::Erf => {
            let value = rising.meet(Span::new(-1.0, 1.0));
            Jet { value, slope: exp(-squared()) * Span::library(FRAC_2_SQRT_PI, FRAC_2_SQRT_PI) }
        }
        Function::Exp => Jet { value: exp(x), slope: exp(x) },
        Function::Log => Jet { value: rising, slope: one.over(x) },
        Function::Sqrt => Jet { value: x.root(), slope: one.over(x.root() * 2.0) },
        Function::Sigmoid => {
            let value = rising.meet(Span::new(0.0, 1.0));
            // s (1 - s) = 1/4 - (s - 1/2)^2
            let slope = Span::at(0.25) - (value - Span::at(0.5)).square();
            Jet { value, slope: slope.meet(Span::new(0.0, 0.25)) }
        }
        Function::Softplus => {
            let slope = x.rising(|x| Function::Sigmoid.eval(x)).meet(Span::new(0.0, 1.0));
            Jet { value: Span { low: rising.low.max(0.0), ..rising }, slope }
        }
        Function::Tanh => {
            let value = rising.meet(Span::new(-1.0, 1.0));
            Jet { value, slope: (one - value.square()).meet(Span::new(0.0, 1.0)) }
        }
        Function::LeakyRelu { alpha } => kinked(x, alpha, 1.0),
        Function::Elu { alpha, gamma } => elu(x, alpha, gamma),
    }
}

fn elu(x: Span, alpha: f64, gamma: f64) -> Jet {
    let above = Jet { value: x, slope: Span::at(1.0) };
    let below = |x: Span| Jet { value: x.rising(f64::exp_m1) * alpha, slope: exp(x) * alpha };
    let own = match () {
        () if x.low >= 0.0 => above,
        () if x.high <= 0.0 => below(x),
        () => {
            let low = below(Span::new(x.low, 0.0));
            let high = Span::new(0.0, x.high);
            Jet { value: low.value.hull(high), slope: low.slope.hull(above.slope) }
        }
    };
    scaled(own, gamma)
}

/// `sin(x) / x`, whose slope is below `|x| / 3` and 0.437.
fn sinc(x: Span) -> Jet {
    let most = (x.size() / 3.0).next_up().min(0.437);
    let near = Span::new(-most, most);
    if x.holds(0.0) {
        let square = squared_fall(x);
        return Jet { value: square, slope: near };
    }
    let value = wave(x, FRAC_PI_2, f64::sin).over(x).meet(Span::new(-0.218, 1.0));
    let slope = (wave(x, 0.0, f64::cos) - value).over(x);
    Jet { value, slope: slope.meet(near) }
}

/// `1 - x^2 / 6 <= sinc(x) <= 1`, and never below -0.218.
fn squared_fall(x: Span) -> Span {
    let low = (Span::at(1.0) - x.square() * Span::outward(1.0 / 6.0, 1.0 / 6.0)).low;
    Span::new(low.max(-0.218), 1.0)
}

/// A spline as polynomials around the middles of its intervals (Taylor's coefficients); zero beyond them.
#[derive(Debug, Clone, Default)]
pub struct Pieces {
    knots: Vec<f64>,
    /// `value = sum_k of[k] (x - middle)^k`.
    of: Vec<(f64, [Span; MOST_DEGREE + 1])>,
}

impl Pieces {
    fn of(spline: &Spline) -> Self {
        let (knots, degree) = (spline.knots.to_vec(), spline.degree());
        if !spline.fits() {
            // Nothing is known of what is no spline.
            let all = (0.0, [EVERYTHING; MOST_DEGREE + 1]);
            return Self { knots: vec![f64::NEG_INFINITY, f64::INFINITY], of: vec![all] };
        }
        // Coefficients of each derivative, of a spline of one degree less on the same knots (de Boor 1978).
        let mut derivatives: Vec<Vec<Span>> =
            vec![spline.coefficients.iter().map(|c| Span::at(*c)).collect()];
        for order in 0..degree {
            let (own, left) = (derivatives.last().cloned().unwrap_or_default(), degree - order);
            let at = |i: usize| own.get(i).copied().unwrap_or(Span::at(0.0));
            let next = |i: usize| {
                let apart = Span::at(*knots.get(i + left)?) - Span::at(*knots.get(i)?);
                let before = if i == 0 { Span::at(0.0) } else { at(i - 1) };
                Some(((at(i) - before) * left as f64).over(apart))
            };
            derivatives.push((0..=own.len()).map_while(next).collect());
        }
        let piece = |(j, ends): (usize, &[f64])| {
            let middle = ends[0].midpoint(ends[1]);
            let mut of = [Span::at(0.0); MOST_DEGREE + 1];
            let mut factorial = 1.0;
            for (order, own) in derivatives.iter().enumerate() {
                factorial *= (order as f64).max(1.0);
                let left = degree - order;
                let basis = basis(&knots, left, j, middle);
                let terms = (0..=left).filter_map(|k| {
                    let i = (j + k).checked_sub(left)?;
                    Some(*own.get(i)? * basis[k])
                });
                of[order] = terms.fold(Span::at(0.0), |a, b| a + b).over(Span::at(factorial));
            }
            (middle, of)
        };
        let of = knots.windows(2).enumerate().map(piece).collect();
        Self { knots, of }
    }

    fn jet(&self, x: Span) -> Jet {
        let zero = constant(0.0);
        let (Some(first), Some(last)) = (self.knots.first(), self.knots.last()) else {
            return zero;
        };
        let mut all: Option<Jet> = (x.low < *first || x.high > *last).then_some(zero);
        let from = self.knots.partition_point(|t| *t < x.low).saturating_sub(1);
        for (ends, (middle, of)) in self.knots.windows(2).zip(&self.of).skip(from) {
            let [low, high] = ends else { continue };
            if *low > x.high {
                break;
            }
            if *high < x.low {
                continue;
            }
            let u = Span::new(x.low.max(*low), x.high.min(*high)) - Span::at(*middle);
            let mut own = constant(0.0);
            for c in of.iter().rev() {
                own.slope = own.slope * u + own.value;
                own.value = own.value * u + *c;
            }
            all = Some(all.map_or(own, |all| Jet {
                value: all.value.hull(own.value),
                slope: all.slope.hull(own.slope),
            }));
        }
        all.unwrap_or(zero)
    }
}

/// The `degree + 1` basis functions that live in interval `j`, at a place in it: those of indices `j - degree..=j`, by the
/// recursion of Cox and de Boor (1972). Those that would need knots beyond the ends have no coefficients.
fn basis(knots: &[f64], degree: usize, j: usize, x: f64) -> Vec<Span> {
    let knot = |i: isize| {
        let count = knots.len() as isize;
        // Beyond the ends, as far apart as the ends' neighbours: any increasing knots do.
        let (first, last) = (knots[0], knots[knots.len() - 1]);
        match i {
            i if i < 0 => first + i as f64,
            i if i >= count => last + (i - count + 1) as f64,
            i => knots[i as usize],
        }
    };
    let (x, j) = (Span::at(x), j as isize);
    let mut own = vec![Span::at(1.0)];
    for k in 1..=degree {
        let mut next = vec![Span::at(0.0); k + 1];
        for (m, value) in own.iter().enumerate() {
            // Of degree k - 1, index i = j - (k - 1) + m, on knots i..=i + k.
            let i = j - (k as isize - 1) + m as isize;
            let (low, high) = (Span::at(knot(i)), Span::at(knot(i + k as isize)));
            let right = (x - low).over(high - low) * *value;
            let left = (high - x).over(high - low) * *value;
            next[m] = next[m] + left;
            next[m + 1] = next[m + 1] + right;
        }
        own = next;
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn functions() -> Vec<Expr> {
        let call = |f| Expr::call(f);
        let x = || Expr::X;
        vec![
            call(Function::Abs),
            call(Function::Asinh),
            call(Function::Atan),
            call(Function::Ceil),
            call(Function::Cos),
            call(Function::Erf),
            call(Function::Exp),
            call(Function::Round),
            call(Function::Sign),
            call(Function::Sin),
            call(Function::Sinc),
            call(Function::Sigmoid),
            call(Function::Softplus),
            call(Function::Step),
            call(Function::Tan),
            call(Function::Tanh),
            call(Function::LeakyRelu { alpha: -0.2 }),
            call(Function::Elu { alpha: 1.3, gamma: 1.1 }),
            call(Function::Acos).of(&call(Function::Sin)),
            call(Function::Log).of(&x().mul(x()).add(Expr::Const(0.1))),
            call(Function::Sqrt).of(&call(Function::Abs).add(Expr::Const(0.1))),
            call(Function::Acosh).of(&call(Function::Abs).add(Expr::Const(1.5))),
            call(Function::Atanh).of(&call(Function::Tanh).mul(Expr::Const(0.9))),
            Expr::silu(),
            Expr::clamp(-1.0, 6.0),
            x().pow(3.0),
            x().pow(-2.0),
            call(Function::Abs).pow(1.5),
            x().mul(x()).sub(x()),
            Expr::Const(1.0).div(x().mul(x()).add(Expr::Const(1.0))),
        ]
    }

    fn holds(map: &Map, f: impl Fn(f64) -> f64, low: f64, width: f64, at: [f64; 2]) {
        let x = Span::new(low, low + width);
        let jet = map.jet(x);
        let [a, b] = at.map(|at| (low + width * at).clamp(x.low, x.high));
        let (fa, fb) = (f(a), f(b));
        let slack = 1e-12 * (1.0 + fa.abs());
        assert!(
            fa.is_nan() || jet.value.low - slack <= fa && fa <= jet.value.high + slack,
            "{map:?} {fa} {jet:?}"
        );
        if (a - b).abs() > 1e-4 && fa.is_finite() && fb.is_finite() {
            let slope = (fa - fb) / (a - b);
            let slack = 1e-9 * (1.0 + slope.abs() + fa.abs());
            assert!(
                jet.slope.low - slack <= slope && slope <= jet.slope.high + slack,
                "{map:?} from {a} to {b}: {slope} {jet:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn expressions_are_in_their_jets(
            which in 0..30_usize, low in -4.0..4.0_f64, width in 0.0..3.0_f64, at in [0.0..=1.0_f64, 0.0..=1.0],
        ) {
            let expr = functions().swap_remove(which);
            holds(&Map::Expr(expr.clone()), |x| expr.eval(x), low, width, at);
        }

        #[test]
        fn splines_are_in_their_jets(
            degree in 1..=MOST_DEGREE, coefficients in prop::collection::vec(-2.0..2.0_f64, 4..9),
            steps in prop::collection::vec(0.05..1.0_f64, 16), low in -3.0..4.0_f64, width in 0.0..2.0_f64,
            at in [0.0..=1.0_f64, 0.0..=1.0],
        ) {
            let count = coefficients.len() + degree + 1;
            let knots: Vec<f64> = steps.iter().scan(-2.0, |t, step| { *t += step; Some(*t) }).take(count).collect();
            prop_assume!(knots.len() == count);
            let edge = Edge { base: 0.7, spline: Some(Spline { knots: knots.into(), coefficients }), function: Some(Expr::silu()) };
            let base = Expr::call(Function::Tanh);
            holds(&Map::of_edge(&edge, &base), |x| edge.eval(&base, x), low, width, at);
        }
    }

    #[test]
    fn jets_of_a_spline_are_narrow_where_the_span_is() {
        let knots: Vec<f64> = (0..12).map(|j| f64::from(j) * 0.4).collect();
        let edge = Edge {
            spline: Some(Spline {
                knots: knots.into(),
                coefficients: vec![1.0, -1.0, 2.0, 0.5, 0.0, 1.0, -2.0, 1.0],
            }),
            ..Edge::default()
        };
        let map = Map::of_edge(&edge, &Expr::X);
        for step in 0..440 {
            let x = f64::from(step) / 100.0;
            let jet = map.jet(Span::new(x, x + 1e-4));
            assert!(jet.value.width() < 2e-3 && jet.slope.width() < 2e-2, "{x}: {jet:?}");
        }
    }
}
