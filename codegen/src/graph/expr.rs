//! Univariate functions as expressions, so that any chain of elementwise layers on one tensor
//! becomes one function, and so one table.

use std::fmt;

/// A function of one variable.
///
/// Importers build it from the primitives; [`Expr::of`] composes. `x * sigmoid(x)` is thus the same
/// whether a file spells it as one node or as two.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// The variable.
    X,
    /// A constant.
    Const(f64),
    /// A sum.
    Add(Box<Expr>, Box<Expr>),
    /// A product.
    Mul(Box<Expr>, Box<Expr>),
    /// A quotient.
    Div(Box<Expr>, Box<Expr>),
    /// A constant power; integer powers keep the sign of a negative base.
    Pow(Box<Expr>, f64),
    /// The smaller of two.
    Min(Box<Expr>, Box<Expr>),
    /// The larger of two.
    Max(Box<Expr>, Box<Expr>),
    /// A named function of an expression.
    Call(Function, Box<Expr>),
}

/// The named functions of one variable.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Function {
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
    /// To the nearest whole number, halves to the even one.
    Round,
    Sign,
    Sin,
    /// `sin(x) / x`, 1 at 0.
    Sinc,
    Sigmoid,
    Softplus,
    Sqrt,
    /// 1 where positive, else 0.
    Step,
    Tan,
    Tanh,
    /// `x` where positive, else `alpha x`.
    LeakyRelu {
        alpha: f64,
    },
    /// `gamma x` where positive, else `gamma alpha (e^x - 1)`: ELU with `gamma` 1, and SELU.
    Elu {
        alpha: f64,
        gamma: f64,
    },
}

impl Function {
    /// The function at `x`, in double precision.
    pub fn eval(self, x: f64) -> f64 {
        match self {
            Self::Abs => x.abs(),
            Self::Acos => x.acos(),
            Self::Acosh => x.acosh(),
            Self::Asin => x.asin(),
            Self::Asinh => x.asinh(),
            Self::Atan => x.atan(),
            Self::Atanh => x.atanh(),
            Self::Ceil => x.ceil(),
            Self::Cos => x.cos(),
            Self::Erf => libm::erf(x),
            Self::Exp => x.exp(),
            Self::Floor => x.floor(),
            Self::Log => x.ln(),
            Self::Round => x.round_ties_even(),
            Self::Sign => (x > 0.0) as i8 as f64 - (x < 0.0) as i8 as f64,
            Self::Sin => x.sin(),
            Self::Sinc if x == 0.0 => 1.0,
            Self::Sinc => x.sin() / x,
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Sqrt => x.sqrt(),
            Self::Step => f64::from(u8::from(x > 0.0)),
            Self::Tan => x.tan(),
            Self::Tanh => x.tanh(),
            Self::LeakyRelu { alpha } => {
                if x >= 0.0 {
                    x
                } else {
                    alpha * x
                }
            }
            Self::Elu { alpha, gamma } => gamma * if x >= 0.0 { x } else { alpha * x.exp_m1() },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Acos => "acos",
            Self::Acosh => "acosh",
            Self::Asin => "asin",
            Self::Asinh => "asinh",
            Self::Atan => "atan",
            Self::Atanh => "atanh",
            Self::Ceil => "ceil",
            Self::Cos => "cos",
            Self::Erf => "erf",
            Self::Exp => "exp",
            Self::Floor => "floor",
            Self::Log => "log",
            Self::Round => "round",
            Self::Sign => "sign",
            Self::Sin => "sin",
            Self::Sinc => "sinc",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Sqrt => "sqrt",
            Self::Step => "step",
            Self::Tan => "tan",
            Self::Tanh => "tanh",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
        }
    }
}

/// Shorthands for building expressions.
#[allow(missing_docs, clippy::should_implement_trait)]
impl Expr {
    pub fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Const(a), Self::Const(b)) => Self::Const(a + b),
            (e, Self::Const(0.0)) | (Self::Const(0.0), e) => e,
            (a, b) => Self::Add(a.into(), b.into()),
        }
    }

    pub fn mul(self, other: Self) -> Self {
        match (self, other) {
            (Self::Const(a), Self::Const(b)) => Self::Const(a * b),
            (e, Self::Const(1.0)) | (Self::Const(1.0), e) => e,
            (a, b) => Self::Mul(a.into(), b.into()),
        }
    }

    pub fn div(self, other: Self) -> Self {
        Self::Div(self.into(), other.into())
    }

    pub fn sub(self, other: Self) -> Self {
        self.add(other.mul(Self::Const(-1.0)))
    }

    pub fn pow(self, exponent: f64) -> Self {
        Self::Pow(self.into(), exponent)
    }

    pub fn min(self, other: Self) -> Self {
        Self::Min(self.into(), other.into())
    }

    pub fn max(self, other: Self) -> Self {
        Self::Max(self.into(), other.into())
    }

    pub fn silu() -> Self {
        Self::X.mul(Self::call(Function::Sigmoid))
    }

    /// `sum_n coefficients_n of^n`, by Horner's rule.
    pub fn polynomial(coefficients: &[f64], of: &Self) -> Self {
        let mut terms = coefficients.iter().rev();
        let first = Self::Const(terms.next().copied().unwrap_or(0.0));
        terms.fold(first, |sum, &c| sum.mul(of.clone()).add(Self::Const(c)))
    }

    pub fn call(function: Function) -> Self {
        Self::Call(function, Self::X.into())
    }

    /// `max(x, 0)`.
    pub fn relu() -> Self {
        Self::X.max(Self::Const(0.0))
    }

    /// The nearest whole number towards zero.
    pub fn truncated() -> Self {
        let size = Self::call(Function::Floor).of(&Self::call(Function::Abs));
        Self::call(Function::Sign).mul(size)
    }

    /// `min(max(x, lo), hi)`.
    pub fn clamp(lo: f64, hi: f64) -> Self {
        Self::X.max(Self::Const(lo)).min(Self::Const(hi))
    }
}

impl Expr {
    /// The function at `x`, in double precision.
    pub fn eval(&self, x: f64) -> f64 {
        match self {
            Self::X => x,
            Self::Const(c) => *c,
            Self::Add(a, b) => a.eval(x) + b.eval(x),
            Self::Mul(a, b) => a.eval(x) * b.eval(x),
            Self::Div(a, b) => a.eval(x) / b.eval(x),
            Self::Pow(a, p) => a.eval(x).powf(*p),
            Self::Min(a, b) => a.eval(x).min(b.eval(x)),
            Self::Max(a, b) => a.eval(x).max(b.eval(x)),
            Self::Call(f, a) => f.eval(a.eval(x)),
        }
    }

    /// `self` with `inner` in place of the variable: `self(inner(x))`.
    pub fn of(&self, inner: &Self) -> Self {
        let go = |e: &Self| Box::new(e.of(inner));
        match self {
            Self::X => inner.clone(),
            Self::Const(c) => Self::Const(*c),
            Self::Add(a, b) => Self::Add(go(a), go(b)),
            Self::Mul(a, b) => Self::Mul(go(a), go(b)),
            Self::Div(a, b) => Self::Div(go(a), go(b)),
            Self::Pow(a, p) => Self::Pow(go(a), *p),
            Self::Min(a, b) => Self::Min(go(a), go(b)),
            Self::Max(a, b) => Self::Max(go(a), go(b)),
            Self::Call(f, a) => Self::Call(*f, go(a)),
        }
    }

    /// The bounds `(lo, hi)` if this is exactly `min(max(x, lo), hi)`, either side possibly infinite.
    pub fn as_clamp(&self) -> Option<(f64, f64)> {
        self.as_clamped_line().filter(|(line, _)| *line == (1.0, 0.0)).map(|(_, range)| range)
    }

    /// `(scale, offset)` and the bounds `(lo, hi)` if this is `min(max(scale x + offset, lo), hi)`, either side possibly
    /// infinite.
    pub fn as_clamped_line(&self) -> Option<((f64, f64), (f64, f64))> {
        let constant = |a: &Self, b: &Self| match (a, b) {
            (Self::Const(c), e) | (e, Self::Const(c)) => e.as_clamped_line().map(|all| (all, *c)),
            _ => None,
        };
        match self {
            Self::Max(a, b) => {
                constant(a, b).map(|((line, (lo, hi)), c)| (line, (lo.max(c), hi.max(c))))
            }
            Self::Min(a, b) => {
                constant(a, b).map(|((line, (lo, hi)), c)| (line, (lo.min(c), hi.min(c))))
            }
            other => {
                let line = other.as_affine()?;
                Some((line, (f64::NEG_INFINITY, f64::INFINITY)))
            }
        }
    }

    /// `(scale, offset)` if this is exactly `scale x + offset`.
    pub fn as_affine(&self) -> Option<(f64, f64)> {
        match self {
            Self::X => Some((1.0, 0.0)),
            Self::Const(c) => Some((0.0, *c)),
            Self::Add(a, b) => {
                let ((a0, a1), (b0, b1)) = (a.as_affine()?, b.as_affine()?);
                Some((a0 + b0, a1 + b1))
            }
            Self::Mul(a, b) => match (a.as_affine()?, b.as_affine()?) {
                ((s, o), (0.0, c)) | ((0.0, c), (s, o)) => Some((s * c, o * c)),
                _ => None,
            },
            Self::Div(a, b) => match (a.as_affine()?, b.as_affine()?) {
                ((s, o), (0.0, c)) => Some((s / c, o / c)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether its values are whole numbers, where the variable's are if `whole`.
    pub fn is_whole(&self, whole: bool) -> bool {
        use Function::{Abs, Ceil, Floor, Round, Sign, Step};
        match self {
            Self::X => whole,
            Self::Const(c) => c.fract() == 0.0,
            Self::Add(a, b) | Self::Mul(a, b) | Self::Min(a, b) | Self::Max(a, b) => {
                a.is_whole(whole) && b.is_whole(whole)
            }
            Self::Call(Ceil | Floor | Round | Sign | Step, _) => true,
            Self::Call(Abs, a) => a.is_whole(whole),
            Self::Call(..) | Self::Div(..) | Self::Pow(..) => false,
        }
    }

    /// An input from `low` to `high` where a denominator is 0 or changes its sign.
    pub fn pole(&self, low: f64, high: f64) -> Option<f64> {
        const STEPS: u32 = 4096;
        let at = |k: u32| low + (high - low) * f64::from(k) / f64::from(STEPS);
        let crosses = |e: &Self| {
            let mut before = e.eval(low);
            (0..=STEPS).map(at).find(|&x| {
                let y = e.eval(x);
                let crossed = y == 0.0 || (y < 0.0) != (before < 0.0);
                before = y;
                crossed
            })
        };
        let go = |e: &Self| e.pole(low, high);
        match self {
            Self::X | Self::Const(_) => None,
            Self::Div(a, b) => crosses(b).or_else(|| go(a)).or_else(|| go(b)),
            Self::Pow(a, p) if *p < 0.0 => crosses(a).or_else(|| go(a)),
            Self::Pow(a, _) | Self::Call(_, a) => go(a),
            Self::Add(a, b) | Self::Mul(a, b) | Self::Min(a, b) | Self::Max(a, b) => {
                go(a).or_else(|| go(b))
            }
        }
    }

    /// Every constant in it, for checking that all are finite.
    pub fn constants(&self) -> Vec<f64> {
        match self {
            Self::X => vec![],
            Self::Const(c) => vec![*c],
            Self::Pow(a, p) => [a.constants(), vec![*p]].concat(),
            Self::Add(a, b)
            | Self::Mul(a, b)
            | Self::Div(a, b)
            | Self::Min(a, b)
            | Self::Max(a, b) => [a.constants(), b.constants()].concat(),
            Self::Call(f, a) => {
                let own = match f {
                    Function::LeakyRelu { alpha } => vec![*alpha],
                    Function::Elu { alpha, gamma } => vec![*alpha, *gamma],
                    _ => vec![],
                };
                [own, a.constants()].concat()
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X => write!(f, "x"),
            Self::Const(c) => write!(f, "{c}"),
            Self::Add(a, b) => write!(f, "({a} + {b})"),
            Self::Mul(a, b) => write!(f, "{a}*{b}"),
            Self::Div(a, b) => write!(f, "{a}/({b})"),
            Self::Pow(a, p) => write!(f, "({a})^{p}"),
            Self::Max(a, b) if **a == Self::X && **b == Self::Const(0.0) => write!(f, "relu(x)"),
            Self::Min(a, b) => write!(f, "min({a}, {b})"),
            Self::Max(a, b) => write!(f, "max({a}, {b})"),
            Self::Call(g, a) => write!(f, "{}({a})", g.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamps_are_recognised_however_they_are_nested() {
        assert_eq!(Expr::relu().as_clamp(), Some((0.0, f64::INFINITY)));
        assert_eq!(Expr::clamp(-1.0, 6.0).as_clamp(), Some((-1.0, 6.0)));
        assert_eq!(Expr::relu().of(&Expr::clamp(-3.0, 3.0)).as_clamp(), Some((0.0, 3.0)));
        assert_eq!(Expr::call(Function::Tanh).as_clamp(), None);
    }

    #[test]
    fn affine_chains_are_recognised() {
        let e = Expr::X.mul(Expr::Const(3.0)).add(Expr::Const(1.0)).div(Expr::Const(2.0));
        assert_eq!(e.as_affine(), Some((1.5, 0.5)));
        assert_eq!(Expr::X.mul(Expr::X).as_affine(), None);
    }

    #[test]
    fn whole_numbers_stay_whole_in_sums_and_products() {
        let step = Expr::Const(1.0).sub(Expr::call(Function::Step));
        assert!(step.is_whole(false) && !Expr::X.mul(Expr::Const(2.0)).is_whole(false));
        assert!(Expr::X.is_whole(true) && !Expr::X.mul(Expr::Const(0.5)).is_whole(true));
    }

    #[test]
    fn composition_evaluates_inside_out() {
        let silu = Expr::X.mul(Expr::call(Function::Sigmoid));
        let shifted = silu.of(&Expr::X.add(Expr::Const(1.0)));
        assert!((shifted.eval(0.5) - silu.eval(1.5)).abs() < 1e-15);
    }
}
