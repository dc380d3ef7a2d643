//! WavKAN (Bozorgasl, Chen 2024): a wavelet an edge, and batch normalisation after the sum.

use super::net::{Net, Site};
use super::options::Options;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::kan::{Edge, Kan};
use crate::graph::{Layer, TensorId};

/// PyTorch's default.
const EPSILON: f64 = 1e-5;

pub(super) fn layer(net: &mut Net, site: &Site) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, x } = site;
    let mother = mother(options)?;
    let of = |what: &str| net.shaped(&format!("{name}.{what}"), &[outputs, inputs]);
    let (scale, translation) = (of("scale")?, of("translation")?);
    let weights = of("wavelet_weights")?;
    if let Some(k) = scale.iter().position(|s| *s == 0.0) {
        return Err(Error::new("a wavelet has no width")
            .at(format!("tensor `{name}.scale`"))
            .expected("scales other than 0")
            .found(format!("0 at output {}, input {}", k / inputs, k % inputs))
            .help("a wavelet of no width has no value: prune the edge, by a weight of 0 and a scale of 1"));
    }
    let (gain, bias) = batch_norm(net, &format!("{name}.bn"), outputs)?;
    let edge = |k: usize| {
        let u = Expr::X.add(Expr::Const(-translation[k])).mul(Expr::Const(1.0 / scale[k]));
        let weight = weights[k] * gain[k / inputs];
        let function = mother.of(&u).mul(Expr::Const(weight));
        Edge { function: Some(function).filter(|_| weight != 0.0), ..Edge::default() }
    };
    let edges: Vec<Edge> = (0..outputs * inputs).map(edge).collect();
    let edges = edges.chunks(inputs).map(<[Edge]>::to_vec).collect();
    net.graph.push(name, Layer::Kan(Kan { base: Expr::Const(0.0), edges, bias }), &[x])
}

/// The factor and addend a feature of a batch normalisation in evaluation, none without its tensors.
fn batch_norm(net: &Net, name: &str, len: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let variance_name = format!("{name}.running_var");
    if !net.file.names().iter().any(|n| n.starts_with(name)) {
        return Ok((vec![1.0; len], vec![0.0; len]));
    }
    let mean = net.shaped(&format!("{name}.running_mean"), &[len])?;
    let variance = net.shaped(&variance_name, &[len])?;
    if let Some(bad) = variance.iter().find(|v| **v < 0.0) {
        return Err(Error::new("a variance is negative")
            .at(format!("tensor `{variance_name}`"))
            .expected("variances of at least 0")
            .found(bad)
            .help("the file is damaged: save the state_dict again"));
    }
    let weight = net.file.vector_or(&format!("{name}.weight"), len, 1.0)?;
    let bias = net.file.vector_or(&format!("{name}.bias"), len, 0.0)?;
    let gain: Vec<f64> =
        weight.iter().zip(&variance).map(|(w, v)| w / (v + EPSILON).sqrt()).collect();
    let offset = gain.iter().zip(&mean).zip(&bias).map(|((g, m), b)| b - g * m).collect();
    Ok((gain, offset))
}

/// The mother wavelet, with the constants and the signs of the library.
fn mother(options: &Options) -> Result<Expr> {
    let bell = || Expr::call(Function::Exp).of(&Expr::X.pow(2.0).mul(Expr::Const(-0.5)));
    let normal = 2.0 / (3f64.sqrt() * std::f64::consts::PI.powf(0.25));
    let word = options.text("wavelet_type").unwrap_or("mexican_hat");
    Ok(match word.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "mexican_hat" => {
            let hat = Expr::X.pow(2.0).add(Expr::Const(-1.0)).mul(bell());
            hat.mul(Expr::Const(normal))
        }
        "dog" => Expr::X.mul(bell()).mul(Expr::Const(-1.0)),
        "morlet" => {
            let omega = options.number("omega0").unwrap_or(5.0);
            let wave = Expr::call(Function::Cos).of(&Expr::X.mul(Expr::Const(omega)));
            wave.mul(bell())
        }
        _ => {
            return Err(options.wrong("wavelet_type", "\"mexican_hat\", \"dog\" or \"morlet\""));
        }
    })
}
