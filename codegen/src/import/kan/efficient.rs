//! efficient-kan (Blealtan): `base_weight silu(x) + spline_weight spline_scaler B(x)`.

use super::net::{Net, Site};
use super::options::Options;
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::kan::{Edge, Kan, Spline};
use crate::graph::{Layer, TensorId};
use crate::import::mlp;

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, x } = site;
    let degree = options.degree("spline_order")?;
    let count = options.count("grid_size")? + degree;
    let knots = net.knots(&format!("{name}.grid"), inputs, count + degree + 1)?;
    let base = net.shaped(&format!("{name}.base_weight"), &[outputs, inputs])?;
    let coefficients = net.shaped(&format!("{name}.spline_weight"), &[outputs, inputs, count])?;
    let scaler = match options.flag("standalone_scale_spline") {
        Some(false) => vec![1.0; outputs * inputs],
        _ => net.shaped(&format!("{name}.spline_scaler"), &[outputs, inputs])?,
    };
    let edge = |(k, coefficients): (usize, &[f64])| {
        let spline =
            Spline { knots: knots[k % inputs].clone(), coefficients: coefficients.to_vec() };
        let spline = Edge { spline: Some(spline), ..Edge::default() }.scaled(scaler[k]);
        Edge { base: base[k], ..spline }.pruned()
    };
    let edges: Vec<Edge> = coefficients.chunks(count).enumerate().map(edge).collect();
    let kan = Kan {
        base: base_function(options, &["base", "base_activation"])?,
        edges: edges.chunks(inputs).map(<[Edge]>::to_vec).collect(),
        bias: vec![0.0; outputs],
    };
    net.graph.push(name, Layer::Kan(kan), &[x])
}

/// The base function the configuration names, SiLU if it names none.
pub(super) fn base_function(options: &Options, keys: &[&str]) -> Result<Expr> {
    let Some((key, word)) = keys.iter().find_map(|key| Some((key, options.text(key)?))) else {
        return Ok(Expr::silu());
    };
    let first = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    match first {
        Some("zero") => Ok(Expr::Const(0.0)),
        Some(word) => mlp::function(word).ok_or_else(|| unknown(options, key, word)),
        None => Err(unknown(options, key, word)),
    }
}

fn unknown(options: &Options, key: &str, word: &str) -> Error {
    Error::new("the base function is not known")
        .at(options.at(key))
        .expected("silu, identity, zero, relu, tanh, gelu or another common activation")
        .found(format!("\"{word}\""))
        .help("name the function that the layers were trained with")
}
