//! ChebyKAN: `sum_d c_d T_d(tanh x)`, the Chebyshev polynomials as shared functions before a dense layer.

use super::{Net, Site};
use crate::error::Result;
use crate::expr::{Expr, Function};
use crate::graph::TensorId;

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, .. } = site;
    let degree = options.count("degree")?;
    let terms = degree + 1;
    let name_of_tensor = format!("{name}.cheby_coeffs");
    let c = net.shaped(&name_of_tensor, &[inputs, outputs, terms])?;
    let at = |i: usize, o: usize, d: usize| c[(i * outputs + o) * terms + d];
    let functions = (1..terms).map(of_tanh).collect();
    let bias = (0..outputs).map(|o| (0..inputs).map(|i| at(i, o, 0)).sum()).collect();
    let weight = |o: usize, i: usize, k: usize| at(i, o, k + 1);
    net.shared_functions(&format!("{name}.basis"), name, site, functions, weight, bias)
}

/// `T_degree(tanh x)`.
pub(super) fn of_tanh(degree: usize) -> Expr {
    Expr::polynomial(&polynomial(degree), &Expr::call(Function::Tanh))
}

/// The coefficients of `T_degree`, by `T_d = 2 x T_(d-1) - T_(d-2)`.
fn polynomial(degree: usize) -> Vec<f64> {
    let (mut before, mut last) = (vec![1.0], vec![0.0, 1.0]);
    for _ in 0..degree {
        let mut next = vec![0.0];
        next.extend(last.iter().map(|c| 2.0 * c));
        next.iter_mut().zip(&before).for_each(|(n, b)| *n -= b);
        (before, last) = (last, next);
    }
    before
}

/// `sum_d coefficients_d T_d(tanh x)` as one expression.
pub(super) fn sum(coefficients: &[f64]) -> Expr {
    let mut total = vec![0.0; coefficients.len()];
    for (d, c) in coefficients.iter().enumerate() {
        total.iter_mut().zip(polynomial(d)).for_each(|(t, p)| *t += c * p);
    }
    Expr::polynomial(&total, &Expr::call(Function::Tanh))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomials_are_cosines_of_multiples() {
        for degree in 0..9 {
            for x in [-2.0, -0.3, 0.0, 0.7, 5.0_f64] {
                let exact = (degree as f64 * x.tanh().acos()).cos();
                assert!((of_tanh(degree).eval(x) - exact).abs() < 1e-9, "{degree} {x}");
            }
        }
    }
}
