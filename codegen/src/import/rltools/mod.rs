//! Policies of RLtools: a tar archive with a folder a layer (`actor/layers/0`), of dense layers and GRUs.
//!
//! Each layer's `meta` says its `type` and, of a dense one, its `activation_function`. A GRU stacks the weights of its
//! gates in the order r, z, n and resets after the product of the state, as PyTorch does; its state starts from
//! `initial_hidden_state` and is kept from step to step. `example/input` and `example/output`, of shape
//! `[steps, sequences, features]`, are what the network gives from a reset.
//!
//! Stands on the cells of recurrent networks.

mod archive;

use std::path::Path;

use self::archive::{Archive, Stored, damaged};
use super::file::read;
use super::mlp::function;
use super::recurrent::{Cell, Gate};
use crate::data::{Vectors, sha256};
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Dense, Graph, Layer, TensorId};

/// Reads the policy in the file `path`, to be called `name`, and the digest of the file.
///
/// # Errors
/// It is damaged, or has layers of another kind.
pub fn load(path: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(path)?;
    let build = || {
        let archive = Archive::open(&bytes)?;
        let root = archive.network()?;
        let layers = (0..).map(|k| format!("{root}/layers/{k}"));
        let layers: Vec<String> = layers.take_while(|layer| archive.has(layer)).collect();
        let mut graph = Graph::new(name, "x", inputs(&archive, &layers)?);
        let mut x = graph.input;
        for (k, layer) in layers.iter().enumerate() {
            x = match archive.word(layer, "type").as_deref() {
                Some("dense") => dense(&archive, layer, &format!("dense{k}"), &mut graph, x)?,
                Some("gru") => gru(&archive, layer, &format!("gru{k}"), &mut graph, x)?,
                other => return Err(unknown(layer, other.unwrap_or("no type"))),
            };
        }
        graph.output = x;
        Ok(graph)
    };
    let graph = build().map_err(|e: Error| e.file(path))?;
    Ok((graph, sha256(&bytes)))
}

/// The example in the file `path` as test vectors, a sequence after the other; none if there is no example.
///
/// # Errors
/// It cannot be read, or does not fit itself.
pub fn examples(path: &Path) -> Result<Option<Vectors>> {
    let bytes = read(path)?;
    let read = || {
        let archive = Archive::open(&bytes)?;
        if !archive.has("example/input") || !archive.has("example/output") {
            return Ok(None);
        }
        let inputs = archive.tensor("example/input")?;
        let outputs = archive.tensor("example/output")?;
        let (&[steps, count, _], &[other_steps, other_count, _]) =
            (&inputs.shape[..], &outputs.shape[..])
        else {
            return Err(damaged(
                "an example of shape [steps, sequences, features]",
                format!("{:?}", inputs.shape),
            ));
        };
        if (steps, count) != (other_steps, other_count) {
            return Err(damaged(
                &format!("{steps} steps of {count} sequences in both parts of the example"),
                format!("{:?}", outputs.shape),
            ));
        }
        Ok(Some(Vectors {
            outputs: Some(sequences(&outputs)),
            starts: (0..count).map(|sequence| sequence * steps).collect(),
            ..Vectors::of(sequences(&inputs))
        }))
    };
    read().map_err(|e: Error| e.file(path))
}

/// The rows of a tensor of steps, sequences and features, one sequence after the other.
fn sequences(tensor: &Stored) -> Vec<Vec<f64>> {
    let &[_, count, features] = &tensor.shape[..] else { return vec![] };
    let rows: Vec<&[f64]> = tensor.data.chunks(features.max(1)).collect();
    let of = |sequence: usize| rows.iter().skip(sequence).step_by(count.max(1));
    (0..count).flat_map(|sequence| of(sequence).map(|row| row.to_vec())).collect()
}

/// The features that the first layer reads.
fn inputs(archive: &Archive, layers: &[String]) -> Result<usize> {
    let first = layers.first().ok_or_else(|| damaged("at least one layer", "none"))?;
    let weights =
        ["weights", "weights_input"].into_iter().map(|w| format!("{first}/{w}/parameters"));
    let mut there = weights.filter(|path| archive.has(path));
    let path = there.next().unwrap_or_else(|| format!("{first}/weights/parameters"));
    Ok(archive.matrix(&path)?.first().map_or(0, Vec::len))
}

fn dense(
    archive: &Archive,
    layer: &str,
    name: &str,
    graph: &mut Graph,
    x: TensorId,
) -> Result<TensorId> {
    let weights = archive.matrix(&format!("{layer}/weights/parameters"))?;
    let bias = archive.tensor(&format!("{layer}/biases/parameters"))?.data;
    let y = graph.push(name, Layer::Dense(Dense::new(weights, bias)), &[x])?;
    let word = archive.word(layer, "activation_function").unwrap_or_else(|| "IDENTITY".into());
    match function(&word) {
        Some(Expr::X) => Ok(y),
        Some(activation) => graph.push(format!("{name}.activation"), Layer::Map(activation), &[y]),
        None => Err(Error::new("the activation is not supported")
            .at(format!("layer `{layer}`"))
            .expected("IDENTITY, RELU, GELU, TANH, SIGMOID or another common activation")
            .found(word)
            .help("train with one of these")),
    }
}

fn gru(
    archive: &Archive,
    layer: &str,
    name: &str,
    graph: &mut Graph,
    x: TensorId,
) -> Result<TensorId> {
    let stacked = |kind: &str| -> Result<Dense> {
        let path = format!("{layer}/weights_{kind}/parameters");
        let weights = archive.matrix(&path)?;
        let bias = archive.tensor(&format!("{layer}/biases_{kind}/parameters"))?.data;
        match weights.len().is_multiple_of(3) && bias.len() == weights.len() {
            true => Ok(Dense::new(weights, bias)),
            false => Err(damaged("three gates, as many rows of weights as biases", weights.len())
                .at(format!("tensor `{path}`"))),
        }
    };
    let cell = Cell::gru(Gate::stacked(&stacked("input")?, &stacked("hidden")?));
    let initial = archive.tensor(&format!("{layer}/initial_hidden_state/parameters"))?.data;
    let state = graph.push_state(format!("{name}.h"), initial);
    cell.keep(graph, name, x, &[state])
}

fn unknown(layer: &str, found: &str) -> Error {
    Error::new("the kind of a layer is not supported")
        .at(format!("layer `{layer}`"))
        .expected("`dense` or `gru`")
        .found(format!("`{found}`"))
        .help("save the actor without layers that sample or scale: do that around the policy")
}
