//! FourierKAN: `sum_k c0_k cos kx + c1_k sin kx`, shared functions before a dense layer.

use super::{Net, Options, Shape};
use crate::error::Result;
use crate::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId};

pub(super) fn layer(
    net: &mut Net,
    options: &Options,
    name: &str,
    shape: Shape,
    x: TensorId,
) -> Result<TensorId> {
    let Shape { inputs, outputs } = shape;
    let count = options.count("gridsize")?;
    let c = net.shaped(&format!("{name}.fouriercoeffs"), &[2, outputs, inputs, count])?;
    let bias = match options.json.get("addbias").and_then(|v| v.as_bool()) {
        Some(false) => vec![0.0; outputs],
        _ => net.shaped(&format!("{name}.bias"), &[1, outputs])?,
    };
    let functions = [Function::Cos, Function::Sin].into_iter();
    let functions = functions.flat_map(|f| (1..=count).map(move |k| wave(f, k))).collect();
    let picks = (0..2 * count).flat_map(|k| (0..inputs).map(move |i| (i, k))).collect();
    let row = |o: usize| {
        let at =
            |part: usize, k: usize, i: usize| c[((part * outputs + o) * inputs + i) * count + k];
        let mut row = Vec::with_capacity(2 * count * inputs);
        for (part, k) in (0..2).flat_map(|part| (0..count).map(move |k| (part, k))) {
            row.extend((0..inputs).map(|i| at(part, k, i)));
        }
        row
    };
    let dense = Dense { weights: (0..outputs).map(row).collect(), bias };
    let basis =
        net.graph.push(format!("{name}.basis"), Layer::Functions { functions, picks }, &[x])?;
    net.graph.push(name, Layer::Dense(dense), &[basis])
}

/// `f(k x)`.
pub(super) fn wave(f: Function, k: usize) -> Expr {
    Expr::call(f).of(&Expr::X.mul(Expr::Const(k as f64)))
}
