//! ONNX files, operator set 7 to the newest.
//!
//! Nodes are evaluated once on values: what is known becomes a constant, what depends on the
//! input becomes a layer. The batch axis is 1, so every tensor of activations is a vector with a shape.
//!
//! Stands on the graph; `builder` and `node` have what the operators share.

mod array;
mod builder;
mod cells;
mod door;
mod history;
mod importer;
mod interface;
mod metadata;
mod node;
mod ops;
mod order;
mod outputs;
mod pairs;
pub mod proto;
mod tensor;
#[cfg(test)]
mod tests;

pub use self::ops::SUPPORTED;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use prost::Message;

use self::importer::{File, Importer};
use self::proto::ModelProto;
use super::file::read;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::settings::Settings;

/// Reads the network in the file `path`, to be called `name`, and the digest of its files.
///
/// # Errors
/// The file is not an ONNX model, is damaged, or computes something without a layer; or `settings` name inputs or
/// outputs that it does not have.
pub fn load(path: &Path, name: &str, settings: &Settings) -> Result<(Graph, String)> {
    let load = || {
        let bytes = read(path)?;
        import(&parse(&bytes)?, name, (path, &bytes), settings)
    };
    load().map_err(|e| e.file(path))
}

/// The network that `model` says, as it was read from the bytes of a file, and the digest of its files.
///
/// # Errors
/// As of [`load`].
pub(super) fn import(
    model: &ModelProto,
    name: &str,
    (path, bytes): (&Path, &[u8]),
    settings: &Settings,
) -> Result<(Graph, String)> {
    let file = File::of(path, bytes, model, settings)?;
    let (outputs, notes) = match (settings.outputs.as_slice(), settings.widths.as_slice()) {
        ([], []) => file.supported()?,
        ([], names) | (names, _) => (file.doors.chosen(names)?, Vec::new()),
    };
    let interface = file.doors.interface(&outputs)?;
    let mut importer = Importer::new(&file, name, &interface)?;
    for &index in &interface.nodes {
        if let Some(node) = file.proto.node.get(index) {
            importer.node(node)?;
        }
    }
    importer.builder.graph.notes.extend(notes);
    let (mut graph, sha256) = importer.finish(&interface)?;
    metadata::name_outputs(&mut graph, file.model);
    Ok((graph, sha256))
}

/// The files that hold the data of an ONNX model's tensors; none if the model cannot be read.
pub fn data_files(path: &Path) -> Vec<PathBuf> {
    let Ok(model) = read(path).and_then(|bytes| parse(&bytes)) else { return Vec::new() };
    let tensors = model.graph.iter().flat_map(|graph| &graph.initializer);
    let entries = tensors.flat_map(|tensor| &tensor.external_data);
    let locations = entries.filter(|entry| entry.key.as_deref() == Some("location"));
    let names: BTreeSet<&str> = locations.filter_map(|entry| entry.value.as_deref()).collect();
    names.into_iter().map(|name| path.with_file_name(name)).collect()
}

/// What became of one node of a file.
pub struct Surveyed {
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Shapes of its outputs, or why it could not be imported.
    pub outcome: std::result::Result<String, String>,
}

/// Every node of the file `path` with what became of it, for files that cannot be imported as a whole.
///
/// # Errors
/// The file is not an ONNX model, or has no usable input.
pub fn survey(path: &Path, settings: &Settings) -> Result<Vec<Surveyed>> {
    let survey = || {
        let bytes = read(path)?;
        let model = parse(&bytes)?;
        let file = File::of(path, &bytes, &model, settings)?;
        let interface = file.doors.interface(&file.doors.outputs())?;
        let mut importer = Importer::new(&file, "survey", &interface)?;
        let surveyed = file.proto.node.iter().map(|node| {
            let outcome = importer.node(node).map(|()| importer.shapes(node));
            Surveyed {
                name: node::name(node).to_owned(),
                op: node.op_type.clone().unwrap_or_default(),
                outcome: outcome.map_err(|e| e.reason()),
            }
        });
        Ok(surveyed.collect())
    };
    survey().map_err(|e: Error| e.file(path))
}

fn parse(bytes: &[u8]) -> Result<ModelProto> {
    let damaged = |found: String| {
        Error::new("this is not an ONNX model, or it is damaged")
            .expected("a protocol buffer with a graph in it")
            .found(found)
            .help("export the model again, and copy the file in binary mode")
    };
    if bytes.is_empty() {
        return Err(damaged("an empty file".into()));
    }
    let model = ModelProto::decode(bytes).map_err(|e| damaged(e.to_string()))?;
    match &model.graph {
        Some(graph) if !graph.node.is_empty() => Ok(model),
        Some(_) => Err(damaged("a graph without nodes".into())),
        None => Err(damaged("no graph".into())),
    }
}
