//! Models built in memory, written to a file, and read back.

mod bad_files;
mod external;
mod history;
mod interface;
mod layers;
mod operators;
mod outputs;
mod recurrent;
mod reductions;
mod rows;

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use tempfile::TempDir;

use super::proto::*;
use crate::error::Result;
use crate::graph::Graph;
use crate::reference;
use crate::settings::{Settings, StateSettings};
use crate::simplify::simplify;

/// A file in a folder of its own, which goes with it.
struct Saved {
    folder: TempDir,
    path: PathBuf,
}

fn load(path: &Path, name: &str) -> Result<(Graph, String)> {
    super::load(path, name, &Settings::default())
}

fn save(bytes: &[u8]) -> Saved {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    fs::write(&path, bytes).unwrap();
    Saved { folder, path }
}

fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(1),
        float_data: data.to_vec(),
        ..TensorProto::default()
    }
}

fn ints(name: &str, data: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: vec![data.len() as i64],
        data_type: Some(7),
        int64_data: data.to_vec(),
        ..TensorProto::default()
    }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|s| (*s).to_owned()).collect(),
        output: outputs.iter().map(|s| (*s).to_owned()).collect(),
        op_type: Some(op.into()),
        ..NodeProto::default()
    }
}

impl NodeProto {
    fn with(mut self, name: &str, set: impl Fn(&mut AttributeProto)) -> Self {
        let mut attribute = AttributeProto { name: Some(name.into()), ..Default::default() };
        set(&mut attribute);
        self.attribute.push(attribute);
        self
    }

    fn int(self, name: &str, value: i64) -> Self {
        self.with(name, |a| a.i = Some(value))
    }

    fn float(self, name: &str, value: f32) -> Self {
        self.with(name, |a| a.f = Some(value))
    }

    fn ints(self, name: &str, values: &[i64]) -> Self {
        self.with(name, |a| a.ints = values.to_vec())
    }

    fn in_domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.into());
        self
    }
}

fn port(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&d: &i64| DimensionProto { dim_value: (d > 0).then_some(d), dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor_type = TensorTypeProto { elem_type: Some(1), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
    }
}

/// A model from `x` of shape `[batch, features]` to `y`.
fn model(features: i64, nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> ModelProto {
    let opset = OperatorSetIdProto { domain: None, version: Some(17) };
    ModelProto {
        ir_version: Some(8),
        producer_name: None,
        metadata_props: vec![],
        opset_import: vec![opset],
        graph: Some(GraphProto {
            node: nodes,
            name: Some("net".into()),
            initializer: constants,
            input: vec![port("x", &[0, features])],
            output: vec![port("y", &[])],
            sparse_initializer: vec![],
        }),
    }
}

/// A model with other outputs than `y`.
fn with_outputs(mut model: ModelProto, names: &[&str]) -> ModelProto {
    if let Some(graph) = &mut model.graph {
        graph.output = names.iter().map(|n| port(n, &[])).collect();
    }
    model
}

fn import(model: &ModelProto) -> Graph {
    let saved = save(&model.encode_to_vec());
    match load(&saved.path, "net") {
        Ok((graph, _)) => graph,
        Err(error) => panic!("{error}"),
    }
}

/// As [`import`], with settings of states.
fn import_with(model: &ModelProto, state: StateSettings) -> Result<Graph> {
    let saved = save(&model.encode_to_vec());
    let mut settings = Settings::default();
    settings.state = state;
    super::load(&saved.path, "net", &settings).map(|(graph, _)| graph)
}

/// The output for `x`, the same before and after simplification.
fn output(model: &ModelProto, x: &[f64]) -> Vec<f64> {
    let graph = import(model);
    let y = reference::run(&graph, &[x.to_vec()]).remove(0);
    let simple = reference::run(&simplify(graph), &[x.to_vec()]).remove(0);
    assert_close(&simple, &y);
    y
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?} for {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{found:?} for {expected:?}");
    }
}

/// The message for bytes that cannot be imported, which must hold all of `parts`.
fn assert_refused(bytes: &[u8], parts: &[&str]) {
    let saved = save(bytes);
    let message = load(&saved.path, "net").map(|_| ()).unwrap_err().to_string();
    for part in parts.iter().chain(&["net.onnx"]) {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}
