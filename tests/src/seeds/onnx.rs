//! ONNX files whose operators are of every kind that is read.

use nervecord_codegen::import::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::seed::Seed;
use crate::onnx::{file, floats, graph, ints, node, small, with_int};
use crate::random::Random;

pub(super) fn all() -> Vec<Seed> {
    let seed = |graph: GraphProto| Seed {
        target: "onnx",
        files: vec![("net.onnx".to_owned(), file(graph))],
        model: "net.onnx",
    };
    [small(), perceptron(), residual(), shapes(), activations(), statistics()].map(seed).to_vec()
}

fn random(name: &str, dims: &[i64]) -> TensorProto {
    let count = dims.iter().product::<i64>() as usize;
    let values = Random::new(name.len() as u64 + count as u64).row(count, 1.0);
    floats(name, dims, &values.into_iter().map(|x| x as f32).collect::<Vec<_>>())
}

fn with_float(mut op: NodeProto, name: &str, value: f32) -> NodeProto {
    let name = Some(name.to_owned());
    op.attribute.push(AttributeProto { name, f: Some(value), ..AttributeProto::default() });
    op
}

/// As PyTorch exports a classifier without `Gemm`.
fn perceptron() -> GraphProto {
    let nodes = vec![
        node("MatMul", &["x", "w0"], &["a"]),
        node("Add", &["a", "b0"], &["b"]),
        node("Tanh", &["b"], &["c"]),
        node("MatMul", &["c", "w1"], &["d"]),
        with_int(node("Softmax", &["d"], &["y"]), "axis", -1),
    ];
    graph(3, nodes, vec![random("w0", &[3, 4]), random("b0", &[4]), random("w1", &[4, 3])])
}

fn residual() -> GraphProto {
    let gemm =
        with_float(with_int(node("Gemm", &["x", "w", "b"], &["a"]), "transB", 1), "alpha", 0.5);
    let norm = node("LayerNormalization", &["a", "gain", "shift"], &["n"]);
    let nodes = vec![
        gemm,
        with_float(with_int(norm, "axis", -1), "epsilon", 1e-5),
        node("Add", &["n", "x"], &["r"]),
        node("Clip", &["r", "low", "high"], &["y"]),
    ];
    let constants = vec![
        random("w", &[3, 3]),
        random("b", &[3]),
        floats("gain", &[3], &[1.0, 0.5, 2.0]),
        floats("shift", &[3], &[0.0, 0.1, -0.1]),
        floats("low", &[], &[-1.0]),
        floats("high", &[], &[1.0]),
    ];
    graph(3, nodes, constants)
}

fn shapes() -> GraphProto {
    let nodes = vec![
        node("Slice", &["x", "zero", "two", "one"], &["head"]),
        with_int(node("Gather", &["x", "order"], &["mixed"]), "axis", 1),
        node("Reshape", &["mixed", "square"], &["m"]),
        node("Transpose", &["m"], &["t"]),
        node("Reshape", &["t", "flat"], &["f"]),
        with_int(node("Split", &["f", "sizes"], &["left", "right"]), "axis", 1),
        node("Mul", &["left", "head"], &["product"]),
        node("Sub", &["product", "right"], &["rest"]),
        with_int(node("Concat", &["rest", "head", "x"], &["y"]), "axis", 1),
    ];
    let constants = vec![
        ints("zero", &[0]),
        ints("two", &[2]),
        ints("one", &[1]),
        ints("order", &[3, 1, 0, 2]),
        ints("square", &[2, 2]),
        ints("flat", &[1, 4]),
        ints("sizes", &[2, 2]),
    ];
    graph(4, nodes, constants)
}

fn activations() -> GraphProto {
    let prelu = node("PRelu", &["b", "slope"], &["c"]);
    let nodes = vec![
        node("BatchNormalization", &["x", "gain", "shift", "mean", "var"], &["a"]),
        with_float(node("Elu", &["a"], &["b"]), "alpha", 0.7),
        prelu,
        node("Sigmoid", &["c"], &["d"]),
        node("Mul", &["c", "d"], &["e"]),
        with_float(node("LeakyRelu", &["e"], &["f"]), "alpha", 0.1),
        node("Pow", &["f", "two"], &["g"]),
        node("Max", &["g", "d"], &["y"]),
    ];
    let constants = vec![
        floats("gain", &[2], &[2.0, 1.0]),
        floats("shift", &[2], &[0.5, 0.0]),
        floats("mean", &[2], &[0.1, 0.0]),
        floats("var", &[2], &[0.5, 1.0]),
        floats("slope", &[1], &[0.25]),
        floats("two", &[], &[2.0]),
    ];
    graph(2, nodes, constants)
}

fn statistics() -> GraphProto {
    let mut mean = with_int(node("ReduceMean", &["a"], &["mean"]), "keepdims", 1);
    let name = Some("axes".to_owned());
    mean.attribute.push(AttributeProto { name, ints: vec![1], ..AttributeProto::default() });
    let nodes = vec![
        node("Identity", &["x"], &["a"]),
        mean,
        node("Sub", &["a", "mean"], &["centred"]),
        node("Sum", &["centred", "a", "bias"], &["s"]),
        with_int(with_int(node("ArgMax", &["s"], &["y"]), "axis", 1), "keepdims", 0),
    ];
    graph(3, nodes, vec![random("bias", &[3])])
}
