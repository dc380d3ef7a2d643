//! FourierKAN: `sum_k c0_k cos kx + c1_k sin kx`, shared functions before a dense layer.

use super::net::{Net, Site};
use crate::error::Result;
use crate::graph::TensorId;
use crate::graph::expr::{Expr, Function};

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, .. } = site;
    let count = options.terms("gridsize")?;
    let c = net.shaped(&format!("{name}.fouriercoeffs"), &[2, outputs, inputs, count])?;
    let bias = match options.flag("addbias") {
        Some(false) => vec![0.0; outputs],
        _ => net.shaped(&format!("{name}.bias"), &[1, outputs])?,
    };
    let functions = [Function::Cos, Function::Sin].into_iter();
    let functions = functions.flat_map(|f| (1..=count).map(move |k| wave(f, k))).collect();
    let weight = |o: usize, i: usize, k: usize| {
        let (part, wave) = (k / count, k % count);
        c[((part * outputs + o) * inputs + i) * count + wave]
    };
    net.shared_functions(&format!("{name}.basis"), name, site, functions, weight, bias)
}

/// `f(k x)`.
pub(super) fn wave(f: Function, k: usize) -> Expr {
    Expr::call(f).of(&Expr::X.mul(Expr::Const(k as f64)))
}
