//! ONNX models made in memory, a field at a time.

use nervecord_codegen::import::onnx::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use prost::Message;

/// A float tensor.
pub fn floats(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: dims.to_vec(),
        data_type: Some(1),
        float_data: data.to_vec(),
        ..TensorProto::default()
    }
}

/// A vector of integers.
pub fn ints(name: &str, data: &[i64]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: vec![data.len() as i64],
        data_type: Some(7),
        int64_data: data.to_vec(),
        ..TensorProto::default()
    }
}

/// A node named after its first output.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
    NodeProto {
        input: owned(inputs),
        output: owned(outputs),
        op_type: Some(op.into()),
        ..NodeProto::default()
    }
}

/// `op`, with an integer attribute.
pub fn with_int(mut op: NodeProto, name: &str, value: i64) -> NodeProto {
    op.attribute.push(AttributeProto {
        name: Some(name.into()),
        i: Some(value),
        ..AttributeProto::default()
    });
    op
}

/// A float input or output; lengths of 0 are left open.
pub fn port(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |&d: &i64| DimensionProto { dim_value: (d > 0).then_some(d), dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor_type = TensorTypeProto { elem_type: Some(1), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
    }
}

/// A graph from `x` of shape `[batch, features]` to `y`.
pub fn graph(features: i64, nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> GraphProto {
    GraphProto {
        node: nodes,
        name: Some("net".into()),
        initializer: constants,
        input: vec![port("x", &[0, features])],
        output: vec![port("y", &[])],
        sparse_initializer: vec![],
    }
}

/// `y = relu(W x + b)` from two features to two.
pub fn small() -> GraphProto {
    let gemm = with_int(node("Gemm", &["x", "w", "b"], &["h"]), "transB", 1);
    let w = floats("w", &[2, 2], &[1.0, 2.0, -3.0, 4.0]);
    graph(2, vec![gemm, node("Relu", &["h"], &["y"])], vec![w, floats("b", &[2], &[0.5, -0.5])])
}

/// The file of a graph.
pub fn file(graph: GraphProto) -> Vec<u8> {
    let opset = OperatorSetIdProto { domain: None, version: Some(17) };
    ModelProto {
        metadata_props: vec![],
        ir_version: Some(8),
        producer_name: None,
        opset_import: vec![opset],
        graph: Some(graph),
    }
    .encode_to_vec()
}
