//! ReLU-KAN (Qiu et al. 2024): `(relu(x - low) relu(high - x) r)^2`, bells of finite reach.

use super::net::{Net, Site};
use crate::error::Result;
use crate::graph::expr::Expr;
use crate::graph::kan::{Edge, Kan};
use crate::graph::{Layer, TensorId};

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, x } = site;
    let (grid, k) = (options.terms("grid")?, options.terms("k")?);
    let count = grid + k;
    let r = options.number("r").unwrap_or(4.0 * (grid * grid) as f64 / ((k + 1) * (k + 1)) as f64);
    let low = net.shaped(&format!("{name}.phase_low"), &[inputs, count])?;
    let high = net.shaped(&format!("{name}.phase_height"), &[inputs, count])?;
    // The library's reshape does not transpose: bell j of input i meets weight i * count + j.
    let weights =
        net.shaped(&format!("{name}.equal_size_conv.weight"), &[outputs, 1, count, inputs])?;
    let bias = net.shaped(&format!("{name}.equal_size_conv.bias"), &[outputs])?;
    let shared = low.chunks(count).all(|row| row == &low[..count])
        && high.chunks(count).all(|row| row == &high[..count]);
    if shared {
        let functions = (0..count).map(|j| bell(low[j], high[j], r)).collect();
        let weight = |o: usize, i: usize, k: usize| weights[(o * inputs + i) * count + k];
        let basis = format!("{name}.basis");
        return net.shared_functions(&basis, name, site, functions, weight, bias);
    }
    // Trained phases: every input has bells of its own.
    let edge = |(i, weights): (usize, &[f64])| {
        let bells = weights
            .iter()
            .enumerate()
            .map(|(j, w)| bell(low[i * count + j], high[i * count + j], r).mul(Expr::Const(*w)));
        let function = bells.reduce(Expr::add);
        Edge { function, ..Edge::default() }.pruned()
    };
    let row = |row: &[f64]| row.chunks(count).enumerate().map(edge).collect();
    let edges = weights.chunks(inputs * count).map(row).collect();
    net.graph.push(name, Layer::Kan(Kan { base: Expr::Const(0.0), edges, bias }), &[x])
}

fn bell(low: f64, high: f64, r: f64) -> Expr {
    let left = Expr::relu().of(&Expr::X.add(Expr::Const(-low)));
    let right = Expr::relu().of(&Expr::X.mul(Expr::Const(-1.0)).add(Expr::Const(high)));
    left.mul(right).mul(Expr::Const(r)).pow(2.0)
}
