//! ChebyKAN: `sum_d c_d T_d(tanh x)`, the Chebyshev polynomials as shared functions before a dense layer.

use super::net::{Net, Site};
use crate::error::Result;
use crate::graph::TensorId;
use crate::graph::expr::{Expr, Function};

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, .. } = site;
    let degree = options.terms("degree")?;
    let terms = degree + 1;
    let name_of_tensor = format!("{name}.cheby_coeffs");
    let c = net.shaped(&name_of_tensor, &[inputs, outputs, terms])?;
    let at = |i: usize, o: usize, d: usize| c[(i * outputs + o) * terms + d];
    let functions = (1..terms).map(of_tanh).collect();
    let bias = (0..outputs).map(|o| (0..inputs).map(|i| at(i, o, 0)).sum()).collect();
    let weight = |o: usize, i: usize, k: usize| at(i, o, k + 1);
    net.shared_functions(&format!("{name}.basis"), name, site, functions, weight, bias)
}

/// `T_degree(tanh x)`, as the cosine of a multiple: the coefficients of the polynomial grow as `2^degree` and
/// cancel, and from degree 50 on a double holds nothing of the sum.
pub(super) fn of_tanh(degree: usize) -> Expr {
    let tanh = Expr::call(Function::Tanh);
    match degree {
        0 => Expr::Const(1.0),
        1 => tanh,
        _ => {
            let angle = Expr::call(Function::Acos).of(&tanh);
            Expr::call(Function::Cos).of(&angle.mul(Expr::Const(degree as f64)))
        }
    }
}

/// `sum_d coefficients_d T_d(tanh x)` as one expression.
pub(super) fn sum(coefficients: &[f64]) -> Expr {
    let term = |(d, c): (usize, &f64)| of_tanh(d).mul(Expr::Const(*c));
    coefficients.iter().enumerate().map(term).reduce(Expr::add).unwrap_or(Expr::Const(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cosines_are_the_polynomials_of_chebyshev_at_every_degree() {
        for x in [-30.0, -2.0, -0.3, 0.0, 0.7, 5.0_f64] {
            let t = x.tanh();
            let (mut before, mut last) = (1.0, t);
            for degree in 0..=256 {
                assert!((of_tanh(degree).eval(x) - before).abs() < 1e-9, "{degree} {x}");
                (before, last) = (last, 2.0 * t * last - before);
            }
        }
    }
}
