//! Stacks: layers of any family, dense layers and activations, one after the other.
//!
//! `{"format": "stack", "stack": [{"kind": "efficient-kan", "prefix": "kan1", "in": 4, "out": 8, "grid_size": 5},
//! {"kind": "tanh"}, {"kind": "dense", "prefix": "head", "in": 8, "out": 2}]}`

use super::family::{knows, layer_of};
use super::net::{Net, Site};
use super::options::Options;
use super::rational;
use crate::error::{Error, Result};
use crate::graph::{Graph, Layer};
use crate::import::mlp;
use crate::import::tensors::Tensors;

pub(super) fn graph(options: &Options, file: &Tensors, name: &str) -> Result<Graph> {
    let key = if options.get("stack").is_some() { "stack" } else { "layers" };
    let list = options.get(key).and_then(|l| l.as_array()).filter(|l| !l.is_empty());
    let list = list.ok_or_else(|| options.wrong(key, "a list of layers, each with `kind`"))?;
    let item = |k: usize| Options {
        config: options.config,
        json: &list[k],
        place: format!("{key}[{k}]."),
    };
    let inputs = match list.iter().position(|l| l.get("in").is_some()) {
        Some(k) => item(k).count("in")?,
        None => return Err(item(0).wrong("in", "the number of inputs")),
    };
    let mut net = Net { graph: Graph::new(name, "x", inputs), file };
    for k in 0..list.len() {
        layer(&mut net, &item(k))?;
    }
    Ok(net.graph)
}

fn layer(net: &mut Net, options: &Options) -> Result<()> {
    let x = net.graph.output;
    let width = net.graph.tensors[x].len();
    let kind = options.text("kind").unwrap_or_default();
    let prefix = options.text("prefix").unwrap_or(kind).trim_end_matches('.').to_owned();
    if let Some(function) = mlp::function(kind) {
        let title = format!("{kind}{}", net.graph.nodes.len());
        net.graph.push(title, Layer::Map(function), &[x])?;
        return Ok(());
    }
    if options.get("in").is_some() && options.count("in")? != width {
        return Err(options.wrong("in", &format!("{width}, the outputs of the layer before")));
    }
    match kind {
        "dense" | "linear_layer" => {
            rational::dense(net, &prefix, width, options.count("out")?, x)
        }
        "layernorm" => net.layer_norm(&prefix, width, x),
        "rational" | "gr-kan" => rational::activation(net, options, &prefix, width, x),
        other => {
            let own = knows(other).then(|| options.count("out")).transpose()?;
            let site = Site { options, name: &prefix, inputs: width, outputs: own.unwrap_or(0), x };
            if let Some(layer) = layer_of(other, net, &site) {
                return layer.map(drop);
            }
            return Err(Error::new("the kind of a layer is not known")
                .at(options.at("kind"))
                .expected(
                    "dense, layernorm, efficient-kan, fastkan, chebykan, fourierkan, wavkan, relu-kan, rational, \
                     or an activation like tanh",
                )
                .found(format!("\"{other}\""))
                .help("export the network as ONNX if it has other layers"));
        }
    }
    .map(drop)
}
