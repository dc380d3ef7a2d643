//! The symbolic functions of pykan, by the names its library gives them.

use crate::graph::expr::{Expr, Function};

/// The names, for messages.
pub(super) const NAMES: &str = "0, x, x^2 to x^5, 1/x to 1/x^5, sqrt, x^0.5, x^1.5, 1/sqrt(x), 1/x^0.5, exp, log, abs, sin, cos, \
     tan, tanh, sgn, arcsin, arccos, arctan, arctanh, gaussian, sigmoid, silu";

/// The function called `name`.
pub(super) fn function(name: &str) -> Option<Expr> {
    let call = |f| Some(Expr::call(f));
    match name {
        "0" => return Some(Expr::Const(0.0)),
        "x" => return Some(Expr::X),
        "sqrt" => return call(Function::Sqrt),
        "1/sqrt(x)" => return Some(Expr::X.pow(-0.5)),
        "exp" => return call(Function::Exp),
        "log" => return call(Function::Log),
        "abs" => return call(Function::Abs),
        "sin" => return call(Function::Sin),
        "cos" => return call(Function::Cos),
        "tan" => return call(Function::Tan),
        "tanh" => return call(Function::Tanh),
        "sgn" => return call(Function::Sign),
        "arcsin" => return call(Function::Asin),
        "arccos" => return call(Function::Acos),
        "arctan" => return call(Function::Atan),
        "arctanh" => return call(Function::Atanh),
        "sigmoid" => return call(Function::Sigmoid),
        "silu" => return Some(Expr::silu()),
        "gaussian" => {
            let square = Expr::X.pow(2.0).mul(Expr::Const(-1.0));
            return Some(Expr::call(Function::Exp).of(&square));
        }
        _ => {}
    }
    // x^n, 1/x and 1/x^n.
    let (power, sign) = match name.strip_prefix("1/") {
        Some(power) => (power, -1.0),
        None => (name, 1.0),
    };
    let exponent: f64 = match power.strip_prefix('x')? {
        "" => 1.0,
        rest => rest.strip_prefix('^')?.parse().ok()?,
    };
    let known = (0.5..=5.0).contains(&exponent);
    known.then(|| Expr::X.pow(sign * exponent))
}
