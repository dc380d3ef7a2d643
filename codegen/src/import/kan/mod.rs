//! Kolmogorov-Arnold networks: a library's own `state_dict` as safetensors, with a `config.json`.
//!
//! One module a library. Each appends one layer to the graph, so that the format `"stack"` can mix
//! them with dense layers: its key `stack` lists objects with `kind`, `prefix` (of the tensors' names),
//! `in`, `out` and what the kind needs.
//!
//! Stands on the tensors of a safetensors file and the graph; `net` and `options` have what the libraries share.

mod chebyshev;
mod efficient;
mod family;
mod fast;
mod fourier;
mod mixed;
mod net;
mod options;
mod pykan;
mod rational;
mod relu;
mod stack;
mod symbolic;
mod wavelet;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use self::family::knows;
use self::family::layer_of;
use self::net::{Net, Site};
use self::options::Options;
use super::config::Config;
use super::file::read;
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::Graph;

/// Tensors of the libraries that a trained network does not use: a counter of batch normalisation, ChebyKAN's
/// degrees, and what WavKAN makes and never reads.
const IDLE: &[&str] = &["num_batches_tracked", ".arange", ".weight1"];

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
    Ok((graph, sha256(&bytes)))
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
