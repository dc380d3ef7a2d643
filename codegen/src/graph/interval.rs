//! Intervals that hold every value of a function, and of what is made of several. Stands on expressions.

use super::expr::{Expr, Function};

/// Smallest and largest value, either of which may be infinite.
pub type Interval = (f64, f64);

/// The interval of numbers of which nothing is known.
pub const EVERYWHERE: Interval = (f64::NEG_INFINITY, f64::INFINITY);

/// The interval that reaches from the smallest to the largest of `values`.
pub fn hull(values: impl IntoIterator<Item = f64>) -> Interval {
    let longer = |(low, high): Interval, value: f64| match value.is_nan() {
        true => EVERYWHERE,
        false => (low.min(value), high.max(value)),
    };
    values.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), longer)
}

/// The products of the numbers of two intervals.
pub fn product((a, b): Interval, (c, d): Interval) -> Interval {
    // 0 times infinity is 0 here: the infinite end is not reached.
    let product = |a: f64, b: f64| if a == 0.0 || b == 0.0 { 0.0 } else { a * b };
    hull([product(a, c), product(a, d), product(b, c), product(b, d)])
}

impl Function {
    /// An interval that holds every value on the interval `low..=high`.
    fn image(self, (low, high): Interval) -> Interval {
        let (first, last) = (self.eval(low), self.eval(high));
        match self {
            Self::Sin | Self::Cos => (-1.0, 1.0),
            Self::Tan => EVERYWHERE,
            Self::Abs if low < 0.0 && high > 0.0 => (0.0, first.max(last)),
            Self::LeakyRelu { alpha } if alpha < 0.0 => EVERYWHERE,
            Self::Elu { alpha, gamma } if alpha < 0.0 || gamma < 0.0 => EVERYWHERE,
            // All others rise or fall throughout.
            _ => hull([first, last]),
        }
    }
}

impl Expr {
    /// An interval that holds every value of the function on the interval `x`; not the smallest where a variable occurs
    /// twice.
    pub fn image(&self, x: Interval) -> Interval {
        match self {
            Self::X => x,
            Self::Const(c) => (*c, *c),
            Self::Add(a, b) => {
                let ((a, b), (c, d)) = (a.image(x), b.image(x));
                hull([a + c, b + d])
            }
            Self::Mul(a, b) => product(a.image(x), b.image(x)),
            Self::Div(a, b) => match b.image(x) {
                (low, high) if low > 0.0 || high < 0.0 => {
                    product(a.image(x), (1.0 / high, 1.0 / low))
                }
                _ => EVERYWHERE,
            },
            Self::Pow(a, p) => match a.image(x) {
                (low, high) if low >= 0.0 => hull([low.powf(*p), high.powf(*p)]),
                _ if p.rem_euclid(2.0) == 0.0 && *p > 0.0 => (0.0, f64::INFINITY),
                _ => EVERYWHERE,
            },
            Self::Min(a, b) => {
                let ((a, b), (c, d)) = (a.image(x), b.image(x));
                (a.min(c), b.min(d))
            }
            Self::Max(a, b) => {
                let ((a, b), (c, d)) = (a.image(x), b.image(x));
                (a.max(c), b.max(d))
            }
            Self::Call(f, a) => f.image(a.image(x)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_hold_every_value() {
        let (everywhere, x) = (EVERYWHERE, || Expr::X);
        let sigmoid = || Expr::call(Function::Sigmoid);
        assert_eq!(sigmoid().image(everywhere), (0.0, 1.0));
        assert_eq!(Expr::Const(1.0).sub(sigmoid()).image(everywhere), (0.0, 1.0));
        assert_eq!(Expr::call(Function::Tanh).image(everywhere), (-1.0, 1.0));
        assert_eq!(Expr::relu().image(everywhere), (0.0, f64::INFINITY));
        assert_eq!(
            x().div(Expr::call(Function::Abs).add(Expr::Const(1.0))).image(everywhere),
            everywhere
        );
        assert_eq!(x().mul(x()).image((-1.0, 2.0)), (-2.0, 4.0));
        let functions = [
            sigmoid().mul(x()),
            Expr::call(Function::Exp).of(&x().mul(Expr::Const(-1.0))),
            x().pow(2.0).sub(x()),
            Expr::call(Function::Sin).mul(x()),
            Expr::call(Function::Abs),
            Expr::Const(1.0).div(x().pow(2.0).add(Expr::Const(1.0))),
            Expr::call(Function::LeakyRelu { alpha: -0.5 }),
        ];
        for f in functions {
            for (low, high) in [(-3.0, 2.0), (0.5, 4.0), (-2.0, -1.0)] {
                let (least, most) = f.image((low, high));
                let inside = |k: u32| f.eval(low + (high - low) * f64::from(k) / 64.0);
                assert!((0..=64).map(inside).all(|y| least <= y && y <= most), "{f}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_anywhere() {
        assert_eq!(hull([1.0, f64::NAN, 2.0]), EVERYWHERE);
        assert_eq!(product((0.0, 1.0), (-2.0, f64::INFINITY)), (-2.0, f64::INFINITY));
        assert_eq!(product((-1.0, 1.0), (-3.0, 2.0)), (-3.0, 3.0));
    }
}
