//! Kolmogorov-Arnold networks: a library's own `state_dict` as safetensors, with a `config.json`.
//!
//! One module a library. Each appends one layer to the graph, so that the format `"stack"` can mix
//! them with dense layers: its key `stack` lists objects with `kind`, `prefix` (of the tensors' names),
//! `in`, `out` and what the kind needs.

mod chebyshev;
mod efficient;
mod fast;
mod fourier;
mod mixed;
mod pykan;
mod rational;
mod relu;
mod stack;
mod symbolic;
mod wavelet;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::tensors::Tensors;
use super::{Config, hex, read};
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::graph::{Dense, Graph, Layer, TensorId};

/// Whether `family` is the first word of a format read here.
pub fn knows(family: &str) -> bool {
    FAMILIES.contains(&family)
}

const FAMILIES: [&str; 11] = [
    "pykan",
    "efficient-kan",
    "fastkan",
    "chebykan",
    "fourierkan",
    "wavkan",
    "relu-kan",
    "gr-kan",
    "mixed-kan/1",
    "mixed-kan",
    "stack",
];

/// Tensors of the libraries that a trained network does not use: a counter of batch normalisation, ChebyKAN's
/// degrees, and what WavKAN makes and never reads.
const IDLE: &[&str] = &["num_batches_tracked", ".arange", ".weight1"];

/// Most functions of a basis, and most terms of an edge's function: each takes a table, or a part of one, and
/// is evaluated at 65,536 inputs.
const MOST_TERMS: usize = 128;

/// Most nodes of a level; every edge has tensors of its own, so that more would fill no microcontroller's flash.
const MOST_WIDTH: usize = 4096;

/// Reads the network `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A tensor is missing or does not fit, or the configuration asks for what is not supported.
pub fn load(family: &str, config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let build = || {
        let file = Tensors::open(&bytes)?;
        let options = Options { config, json: &config.json, place: String::new() };
        let graph = match family {
            "stack" => stack::graph(&options, &file, name)?,
            _ => {
                let widths = options.widths(if family == "pykan" { "width" } else { "layers" })?;
                let mut net = Net {
                    graph: Graph::new(name, "x", widths.first().copied().unwrap_or(0)),
                    file: &file,
                };
                family_of(family, &mut net, &options, &widths)?;
                net.graph
            }
        };
        file.understood(IDLE)?;
        Ok(graph)
    };
    // Configuration and tensors lie side by side; a key is named as such.
    let graph = build().map_err(|e: Error| e.file(model))?;
    Ok((graph, hex(&Sha256::digest(&bytes))))
}

/// All layers of a network of one family.
fn family_of(family: &str, net: &mut Net, options: &Options, widths: &[usize]) -> Result<()> {
    let last = widths.len().saturating_sub(2);
    let mut x = net.graph.input;
    match family {
        "pykan" => return pykan::network(net, options),
        "gr-kan" => return rational::network(net, options, widths),
        _ => {}
    }
    for (l, pair) in widths.windows(2).enumerate() {
        let &[inputs, outputs] = pair else { continue };
        let name = match family {
            "relu-kan" => format!("rk_layers.{l}"),
            "chebykan" => format!("chebykan{}", l + 1),
            _ => format!("layers.{l}"),
        };
        let site = Site { options, name: &name, inputs, outputs, x };
        x = match layer_of(family, net, &site) {
            Some(layer) => layer?,
            None => mixed::layer(net, &site, l)?,
        };
        if family == "chebykan" && options.flag("layernorm") == Some(true) && l < last {
            x = net.layer_norm(&format!("ln{}", l + 1), outputs, x)?;
        }
    }
    Ok(())
}

/// One layer of a family whose layers stand for themselves.
fn layer_of(family: &str, net: &mut Net, site: &Site) -> Option<Result<TensorId>> {
    let layer = match family {
        "efficient-kan" => efficient::layer,
        "fastkan" => fast::layer,
        "chebykan" => chebyshev::layer,
        "fourierkan" => fourier::layer,
        "wavkan" => wavelet::layer,
        "relu-kan" => relu::layer,
        _ => return None,
    };
    Some(layer(net, site))
}

/// Where a layer stands: what the configuration says of it, the prefix of its tensors, its widths and its input.
#[derive(Clone, Copy)]
struct Site<'a> {
    options: &'a Options<'a>,
    name: &'a str,
    inputs: usize,
    outputs: usize,
    x: TensorId,
}

/// A graph in the making and the tensors it is made of.
struct Net<'a> {
    graph: Graph,
    file: &'a Tensors<'a>,
}

impl Net<'_> {
    fn shaped(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        self.file.shaped(name, shape)
    }

    /// `y_o = bias_o + sum_i sum_k weight(o, i, k) functions_k(x_i)`: shared functions before a dense layer.
    fn shared_functions(
        &mut self,
        basis: &str,
        name: &str,
        site: &Site,
        functions: Vec<Expr>,
        weight: impl Fn(usize, usize, usize) -> f64,
        bias: Vec<f64>,
    ) -> Result<TensorId> {
        // Function by function: the kernel runs one table over all inputs.
        let count = functions.len();
        let picks: Vec<(usize, usize)> =
            (0..count).flat_map(|k| (0..site.inputs).map(move |i| (i, k))).collect();
        let row = |o: usize| picks.iter().map(|&(i, k)| weight(o, i, k)).collect();
        let dense = Dense { weights: (0..site.outputs).map(row).collect(), bias };
        let values = self.graph.push(basis, Layer::Functions { functions, picks }, &[site.x])?;
        self.graph.push(name, Layer::Dense(dense), &[values])
    }

    /// Layer normalisation with its gain and bias.
    fn layer_norm(&mut self, name: &str, len: usize, x: TensorId) -> Result<TensorId> {
        let scale = self.shaped(&format!("{name}.weight"), &[len])?;
        let offset = self.shaped(&format!("{name}.bias"), &[len])?;
        let y = self.graph.push(name, Layer::Normalize { epsilon: 1e-5 }, &[x])?;
        self.graph.push(format!("{name}.gain"), Layer::Affine { scale, offset }, &[y])
    }

    /// The knots of each input: strictly increasing.
    fn knots(&self, name: &str, inputs: usize, count: usize) -> Result<Vec<Arc<[f64]>>> {
        let data = self.shaped(name, &[inputs, count])?;
        let rows = data.chunks(count).enumerate().map(|(i, row)| {
            match row.windows(2).position(|pair| pair[0] >= pair[1]) {
                None => Ok(Arc::from(row)),
                Some(j) => Err(Error::new("a grid does not increase")
                    .at(format!("tensor `{name}`, input {i}"))
                    .expected("every knot above the one before")
                    .found(format!("{:?} at knot {j}", &row[j..j + 2]))
                    .help("a grid update on constant data collapses knots: train with a larger grid_eps")),
            }
        });
        rows.collect()
    }
}

fn too_many_terms(count: usize) -> Error {
    Error::new("a basis has too many functions")
        .expected(format!("at most {MOST_TERMS} functions or terms"))
        .found(count)
        .help("train with a smaller grid or degree: every function takes a table of its own")
}

/// What a configuration says of a network, or of one layer of a stack.
struct Options<'a> {
    config: &'a Config,
    json: &'a Json,
    /// Where it stands in the file, for messages.
    place: String,
}

impl Options<'_> {
    fn at(&self, key: &str) -> String {
        format!("key `{}{key}` of config.json", self.place)
    }

    fn wrong(&self, key: &str, expected: &str) -> Error {
        let found = self.get(key).map_or("nothing".to_owned(), Json::to_string);
        Error::new("the configuration does not describe the network")
            .at(self.at(key))
            .expected(expected)
            .found(found)
            .help(format!("set `{key}` to what the network was trained with"))
    }

    /// The value under `key`, if there is one.
    fn get(&self, key: &str) -> Option<&Json> {
        self.config.get_in(self.json, &self.place, key)
    }

    /// A whole number, at least 1.
    fn count(&self, key: &str) -> Result<usize> {
        self.number(key)
            .filter(|n| n.fract() == 0.0 && (1.0..=65536.0).contains(n))
            .map(|n| n as usize)
            .ok_or_else(|| self.wrong(key, "a whole number from 1 to 65536"))
    }

    /// A number of functions or terms, at least 1.
    fn terms(&self, key: &str) -> Result<usize> {
        let count = self.count(key)?;
        if count > MOST_TERMS {
            return Err(too_many_terms(count).at(self.at(key)));
        }
        Ok(count)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.config.typed_in(self.json, &self.place, key, "a number", Json::as_f64)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.config.typed_in(self.json, &self.place, key, "true or false", Json::as_bool)
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.config.typed_in(self.json, &self.place, key, "a string", Json::as_str)
    }

    /// The widths under `key`, input first: numbers, or pairs of sums and products as pykan has them.
    fn widths(&self, key: &str) -> Result<Vec<usize>> {
        let expected = format!("at least two widths from 1 to {MOST_WIDTH}, input first");
        let width = |w: &Json| match w {
            Json::Array(pair) => {
                pair.iter().try_fold(0u64, |sum, part| sum.checked_add(part.as_u64()?))
            }
            other => other.as_u64(),
        };
        let list = self.get(key).and_then(Json::as_array);
        let list: Option<Vec<u64>> =
            list.and_then(|list| list.iter().map(width).collect::<Option<_>>());
        match list {
            Some(list)
                if list.len() >= 2 && list.iter().all(|w| (1..=MOST_WIDTH as u64).contains(w)) =>
            {
                Ok(list.into_iter().map(|w| w as usize).collect())
            }
            _ => Err(self.wrong(key, &expected)),
        }
    }

    /// Refuses splines that are not cubic.
    fn cubic(&self, key: &str) -> Result<()> {
        match self.number(key) {
            None => Ok(()),
            Some(3.0) => Ok(()),
            Some(order) => Err(Error::new("the order of the splines is not supported")
                .at(self.at(key))
                .expected("3, cubic splines")
                .found(order)
                .help("train with the default order 3")),
        }
    }
}
