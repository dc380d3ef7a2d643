//! S-KAN: every edge keeps the function space selected for it in training.

use std::sync::Arc;

use super::net::{Net, Site};
use super::options::{MOST_TERMS, Options, too_many_terms};
use super::{chebyshev, fast, fourier};
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::kan::{Edge, Kan, Spline};
use crate::graph::{Layer, TensorId};

/// The kinds of edges that can be read.
const KINDS: [&str; 6] = ["bspline", "rbf", "chebyshev", "fourier", "wavelet", "silu"];

pub(super) fn layer(net: &mut Net, site: &Site, level: usize) -> Result<TensorId> {
    let &Site { options, name, inputs, outputs, x } = site;
    let kinds = kinds(options)?;
    let domain = options.get("domain").and_then(|d| d.get(level)).and_then(|d| d.as_f64());
    let half = domain
        .filter(|d| d.is_finite() && *d > 0.0)
        .ok_or_else(|| options.wrong("domain", "a half-width above 0 for every layer"))?;
    let counts = |kind: &str| options.get("params_per_kind")?.get(kind)?.as_u64();
    let columns = kinds.iter().filter_map(|k| counts(k)).max().unwrap_or(0) as usize;
    let kind_name = format!("{name}.kind");
    let kind = net.shaped(&kind_name, &[outputs, inputs])?;
    let params_name = format!("{name}.params");
    let params = net.shaped(&params_name, &[outputs, inputs, columns.max(1)])?;
    let bias = net.shaped(&format!("{name}.bias"), &[outputs])?;
    let mut edges = Vec::with_capacity(outputs * inputs);
    for (k, (index, row)) in kind.iter().zip(params.chunks(columns.max(1))).enumerate() {
        let at =
            |text: &str| format!("tensor `{text}`, output {}, input {}", k / inputs, k % inputs);
        let kind = kinds.get(*index as usize).ok_or_else(|| {
            Error::new("the kind of an edge is not known")
                .at(at(&kind_name))
                .expected(format!("an index below {}, of {}", kinds.len(), kinds.join(", ")))
                .found(index)
                .help("`kinds` must list the edge kinds in the order of the training")
        })?;
        let count = counts(kind).map_or(row.len(), |n| n as usize);
        let used = row.get(..count).unwrap_or(row);
        if used.len() > MOST_TERMS {
            return Err(too_many_terms(used.len()).at(at(&params_name)));
        }
        let edge = edge(kind, used, half).ok_or_else(|| {
            Error::new("an edge's parameters do not fit its kind")
                .at(at(&params_name))
                .expected(format!(
                    "the parameters of a {kind} edge, a wavelet's scale other than 0"
                ))
                .found(format!("{used:?}"))
                .help("`params_per_kind` must give each kind's number of parameters as in training")
        })?;
        edges.push(edge.pruned());
    }
    let edges = edges.chunks(inputs).map(<[Edge]>::to_vec).collect();
    net.graph.push(name, Layer::Kan(Kan { base: Expr::silu(), edges, bias }), &[x])
}

/// The names that indices stand for.
fn kinds(options: &Options) -> Result<Vec<String>> {
    let expected = format!("a list of edge kinds out of {}", KINDS.join(", "));
    let list = options.get("kinds").and_then(|k| k.as_array());
    let list = list.ok_or_else(|| options.wrong("kinds", &expected))?;
    let name = |kind: &serde_json::Value| {
        let word = kind.as_str().filter(|word| KINDS.contains(word));
        word.map(str::to_owned).ok_or_else(|| {
            Error::new("the kind of an edge is not known")
                .at(options.at("kinds"))
                .expected(format!("one of {}", KINDS.join(", ")))
                .found(kind)
                .help("train without edges of other kinds")
        })
    };
    list.iter().map(name).collect()
}

/// The function of one edge on a domain of half-width `d`.
fn edge(kind: &str, p: &[f64], d: f64) -> Option<Edge> {
    let term = |w: &f64, f: Expr| f.mul(Expr::Const(*w));
    let function = match kind {
        "silu" => return Some(Edge { base: *p.first()?, ..Edge::default() }),
        "bspline" => {
            let intervals = p.len().checked_sub(3).filter(|n| *n > 0)?;
            let step = 2.0 * d / intervals as f64;
            let knots: Arc<[f64]> =
                (0..p.len() + 4).map(|j| -d + (j as f64 - 3.0) * step).collect();
            let spline = Some(Spline { knots, coefficients: p.to_vec() });
            return Some(Edge { spline, ..Edge::default() });
        }
        "rbf" => {
            let last = p.len().checked_sub(1).filter(|n| *n > 0)? as f64;
            let bells = p.iter().enumerate().map(|(j, w)| {
                term(w, fast::gaussian(-d + 2.0 * d * j as f64 / last, 2.0 * d / last))
            });
            bells.reduce(Expr::add)?
        }
        "chebyshev" => chebyshev::sum(p),
        "fourier" => {
            let (cosines, sines) = p.split_at(p.len() / 2);
            let half = |f: Function, list: &[f64]| {
                let wave = |(k, w): (usize, &f64)| term(w, fourier::wave(f, k + 1));
                list.iter().enumerate().map(wave).reduce(Expr::add)
            };
            half(Function::Cos, cosines)?.add(half(Function::Sin, sines)?)
        }
        "wavelet" => {
            let &[w, s, t] = p else { return None };
            let u = Expr::X.add(Expr::Const(-t)).mul(Expr::Const(1.0 / s));
            let square = || u.clone().pow(2.0);
            let bell = Expr::call(Function::Exp).of(&square().mul(Expr::Const(-0.5)));
            let hat = square().mul(Expr::Const(-1.0)).add(Expr::Const(1.0));
            (s != 0.0).then(|| term(&w, hat.mul(bell)))?
        }
        _ => return None,
    };
    Some(Edge { function: Some(function), ..Edge::default() })
}
