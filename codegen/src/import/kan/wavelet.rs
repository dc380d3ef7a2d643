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
    let (mother, windowed) = mother(options)?;
    let window = if windowed { hamming(inputs) } else { vec![1.0; inputs] };
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
        let weight = weights[k] * gain[k / inputs] * window[k % inputs];
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

/// The symmetric window of Hamming (Blackman, Tukey 1958).
fn hamming(len: usize) -> Vec<f64> {
    let end = len.saturating_sub(1) as f64;
    let at = |i: usize| 0.54 - 0.46 * (2.0 * std::f64::consts::PI * i as f64 / end).cos();
    if len < 2 { vec![1.0; len] } else { (0..len).map(at).collect() }
}

/// The mother wavelet, with the constants and the signs of the library, and whether a window over the inputs
/// weighs it.
fn mother(options: &Options) -> Result<(Expr, bool)> {
    let bell = || Expr::call(Function::Exp).of(&Expr::X.pow(2.0).mul(Expr::Const(-0.5)));
    let normal = 2.0 / (3f64.sqrt() * std::f64::consts::PI.powf(0.25));
    let word = options.text("wavelet_type").unwrap_or("mexican_hat");
    let plain = match word.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
        "mexican_hat" => {
            let hat = Expr::X.pow(2.0).add(Expr::Const(-1.0)).mul(bell());
            hat.mul(Expr::Const(normal))
        }
        "dog" => Expr::X.mul(bell()).mul(Expr::Const(-1.0)),
        "meyer" => meyer(),
        "morlet" => {
            let omega = options.number("omega0").unwrap_or(5.0);
            let wave = Expr::call(Function::Cos).of(&Expr::X.mul(Expr::Const(omega)));
            wave.mul(bell())
        }
        "shannon" => return Ok((Expr::call(Function::Sinc), true)),
        _ => {
            return Err(options.wrong(
                "wavelet_type",
                "\"mexican_hat\", \"dog\", \"meyer\", \"morlet\" or \"shannon\"",
            ));
        }
    };
    Ok((plain, false))
}

/// `sin(pi |x|)` where `|x|` is at most 1/2, from there to 1 times `cos(pi/2 nu(2 |x| - 1))`, with the auxiliary
/// function `nu(t) = t^4 (35 - 84 t + 70 t^2 - 20 t^3)` (Meyer 1985).
fn meyer() -> Expr {
    let (c, pi) = (Expr::Const, std::f64::consts::PI);
    let size = || Expr::call(Function::Abs);
    let t = Expr::clamp(0.0, 1.0).of(&size().mul(c(2.0)).add(c(-1.0)));
    let nu = Expr::polynomial(&[0.0, 0.0, 0.0, 0.0, 35.0, -84.0, 70.0, -20.0], &t);
    let edge = Expr::call(Function::Cos).of(&nu.mul(c(pi / 2.0)));
    Expr::call(Function::Sin).of(&size().mul(c(pi))).mul(edge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meyer_is_a_sine_that_fades_out() {
        let f = meyer();
        for (x, y) in
            [(0.25, 0.5_f64.sqrt()), (-0.25, 0.5_f64.sqrt()), (0.5, 1.0), (1.0, 0.0), (1.7, 0.0)]
        {
            assert!((f.eval(x) - y).abs() < 1e-12, "{x}: {}", f.eval(x));
        }
        // nu(1/2) = 1/2
        let half = (0.75 * std::f64::consts::PI).sin() * std::f64::consts::FRAC_1_SQRT_2;
        assert!((f.eval(0.75) - half).abs() < 1e-12);
    }

    #[test]
    fn the_window_is_symmetric_and_ends_low() {
        let window = hamming(5);
        for (found, expected) in window.iter().zip([0.08, 0.54, 1.0, 0.54, 0.08]) {
            assert!((found - expected).abs() < 1e-12, "{window:?}");
        }
        assert_eq!(hamming(1), [1.0]);
    }
}
