//! Files that are damaged, or hold what has no integer counterpart: each is refused with its reason.

use super::*;

fn refused(model: &ModelProto, parts: &[&str]) {
    assert_refused(&model.encode_to_vec(), parts);
}

/// `y = relu(W x + b)` on two features.
fn small() -> ModelProto {
    let nodes =
        vec![node("Gemm", &["x", "w", "b"], &["h"]).int("transB", 1), node("Relu", &["h"], &["y"])];
    let w = floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    model(2, nodes, vec![w, floats("b", &[2], &[0.5, -0.5])])
}

/// `small` with one initializer changed.
fn changed(change: impl Fn(&mut TensorProto)) -> ModelProto {
    let mut model = small();
    if let Some(graph) = &mut model.graph {
        graph.initializer.iter_mut().take(1).for_each(change);
    }
    model
}

#[test]
fn bytes_that_are_no_model() {
    assert_refused(b"", &["an empty file"]);
    assert_refused(b"this is a text file, not a network\n", &["not an ONNX model"]);
    let noise: Vec<u8> =
        (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_refused(&noise, &["not an ONNX model"]);
    // A graph field (7) that claims two gigabytes.
    assert_refused(&[0x3a, 0x80, 0x80, 0x80, 0x80, 0x08, 0x0a], &["not an ONNX model"]);
    assert_refused(&ModelProto::default().encode_to_vec(), &["not an ONNX model"]);
}

#[test]
fn a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let message = load(&folder.path().join("gone.onnx"), "gone").unwrap_err().to_string();
    assert!(message.contains("cannot read") && message.contains("gone.onnx"), "{message}");
}

#[test]
fn every_truncation_is_refused_without_panic() {
    let bytes = small().encode_to_vec();
    for end in 0..bytes.len() {
        let saved = save(&bytes[..end]);
        if let Err(error) = load(&saved.path, "net") {
            assert!(error.to_string().contains("net.onnx"));
        }
    }
}

#[test]
fn unsupported_operators_are_named_with_what_to_do() {
    let conv = model(4, vec![node("ConvTranspose", &["x"], &["y"])], vec![]);
    refused(
        &conv,
        &["`ConvTranspose` is not supported", "node `y`", "image networks", "docs/files.md"],
    );
    let made_up = model(4, vec![node("Frobnicate", &["x"], &["y"])], vec![]);
    refused(&made_up, &["`Frobnicate` is not supported", "rewrite the layer"]);
    let recurrent = model(4, vec![node("GRU", &["x"], &["y"])], vec![]);
    refused(&recurrent, &["recurrent"]);
    let near = model(4, vec![node("Leakyrelu", &["x"], &["y"])], vec![]);
    refused(&near, &["such as `LeakyRelu`"]);
    let quantized = model(4, vec![node("QuantizeLinear", &["x"], &["y"])], vec![]);
    refused(&quantized, &["before quantisation"]);
}

#[test]
fn shapes_that_do_not_fit() {
    refused(
        &changed(|w| w.dims = vec![4, 1]),
        &["does not fit its input", "2 features", "[4, 1]", "node `h` (Gemm)"],
    );
    refused(
        &changed(|w| w.dims = vec![2, 3]),
        &["data of a tensor does not fit its shape", "6 elements", "4 elements", "tensor `w`"],
    );
    refused(&changed(|w| w.dims = vec![i64::MAX, i64::MAX]), &["overflows", "tensor `w`"]);
    refused(&changed(|w| w.dims = vec![-2, -2]), &["negative length", "tensor `w`"]);
    refused(&changed(|w| w.dims = vec![1 << 40]), &["tensor `w`", "does not fit"]);
    let add =
        model(3, vec![node("Add", &["x", "b"], &["y"])], vec![floats("b", &[2], &[1.0, 2.0])]);
    refused(&add, &["do not fit", "[1, 3]", "[2]", "node `y` (Add)"]);
}

#[test]
fn zero_size_tensors() {
    let empty = |w: &mut TensorProto| {
        w.dims = vec![0, 2];
        w.float_data.clear();
    };
    refused(&changed(empty), &["node `h` (Gemm)"]);
    let mut model = small();
    if let Some(graph) = &mut model.graph {
        graph.input = vec![port("x", &[1, 0])];
    }
    refused(&model, &["input `x`"]);
}

#[test]
fn weights_that_are_not_finite() {
    for bad in [f32::NAN, f32::INFINITY] {
        let model = changed(|w| w.float_data.iter_mut().take(1).for_each(|v| *v = bad));
        refused(&model, &["not a finite number", "tensor `w`", "healthy checkpoint"]);
    }
}

#[test]
fn element_types_without_numbers() {
    refused(&changed(|w| w.data_type = Some(14)), &["element type", "data type 14", "float32"]);
    refused(&changed(|w| w.data_type = Some(8)), &["tensor `w`"]);
    let raw = |w: &mut TensorProto| {
        w.float_data.clear();
        w.raw_data = Some(vec![0; 15]);
    };
    refused(&changed(raw), &["15 bytes at 4 bytes an element", "tensor `w`"]);
}

#[test]
fn graphs_that_cannot_be_ordered() {
    let cycle = model(
        2,
        vec![
            node("Add", &["x", "b"], &["a"]),
            node("Relu", &["a"], &["b"]),
            node("Relu", &["b"], &["y"]),
        ],
        vec![],
    );
    refused(&cycle, &["has a cycle", "node `"]);
    let missing = model(2, vec![node("Add", &["x", "nowhere"], &["y"])], vec![]);
    refused(&missing, &["nothing writes", "`nowhere`", "node `y` (Add)"]);
    let twice = model(2, vec![node("Relu", &["x"], &["y"]), node("Tanh", &["x"], &["y"])], vec![]);
    refused(&twice, &["two nodes write one tensor", "tensor `y`"]);
    let unwritten = with_outputs(small(), &["z"]);
    refused(&unwritten, &["nothing writes", "`z`"]);
    refused(&with_outputs(small(), &[]), &["no output"]);
    refused(&with_outputs(small(), &["x"]), &["computes nothing"]);
    refused(&with_outputs(small(), &["w"]), &["output `w`", "does not depend on the input"]);
}

#[test]
fn inputs_that_are_not_vectors() {
    let with_inputs = |inputs: Vec<ValueInfoProto>| {
        let mut model = model(2, vec![node("Add", &["x", "z"], &["y"])], vec![]);
        if let Some(graph) = &mut model.graph {
            graph.input = inputs;
        }
        model
    };
    let two = with_inputs(vec![port("x", &[1, 2]), port("z", &[3, 2])]);
    refused(&two, &["fixed batch", "input `z`"]);
    refused(&with_inputs(vec![]), &["no input"]);
    let with_shape = |dims: &[i64]| {
        let mut model = small();
        if let Some(graph) = &mut model.graph {
            graph.input = vec![port("x", dims)];
        }
        model
    };
    refused(&with_shape(&[32, 2]), &["fixed batch", "[32, 2]", "dynamic batch axis"]);
    refused(&with_shape(&[0, 0]), &["unknown length", "input `x`"]);
    refused(&with_shape(&[1 << 40, 1 << 40]), &["input"]);
}

#[test]
fn old_operator_sets_and_training_graphs() {
    let mut old = small();
    old.opset_import = vec![OperatorSetIdProto { domain: None, version: Some(6) }];
    refused(&old, &["too old", "version 7", "version_converter"]);
    let one = || floats("one", &[2], &[1.0, 1.0]);
    let training = node("BatchNormalization", &["x", "one", "one", "one", "one"], &["y"]);
    refused(&model(2, vec![training.int("training_mode", 1)], vec![one()]), &["model.eval()"]);
}

#[test]
fn computed_constants_cannot_exhaust_memory() {
    let huge = ints("shape", &[1 << 40, 1 << 20]);
    let fill = node("ConstantOfShape", &["shape"], &["big"]);
    let bad = model(2, vec![fill, node("Add", &["x", "big"], &["y"])], vec![huge]);
    refused(&bad, &["too large", "ConstantOfShape"]);
    let zero = ints("shape", &[1 << 40, 1 << 40, 0]);
    let expand = node("Expand", &["x", "shape"], &["y"]);
    refused(&model(1, vec![expand], vec![zero]), &["node `y`", "no elements"]);
}

#[test]
fn arithmetic_that_has_no_result() {
    let by_zero = |dims: &[i64], data: &[f32]| {
        model(2, vec![node("Div", &["x", "s"], &["y"])], vec![floats("s", dims, data)])
    };
    refused(&by_zero(&[2], &[1.0, 0.0]), &["division by a constant zero", "standard deviation"]);
    refused(&by_zero(&[1], &[0.0]), &["division by a constant zero"]);
    let attention = model(2, vec![node("MatMul", &["x", "x"], &["y"])], vec![]);
    refused(&attention, &["factors of a product", "[1, 2] and [1, 2]"]);
}

#[test]
fn a_survey_marks_what_is_not_supported_and_what_hangs_on_it() {
    let nodes = vec![
        node("Relu", &["x"], &["h"]),
        node("ConvTranspose", &["h"], &["c"]),
        node("Tanh", &["c"], &["y"]),
    ];
    let saved = save(&model(4, nodes, vec![]).encode_to_vec());
    let text = crate::report::inspect::survey(&saved.path).unwrap().unwrap();
    let line = |op: &str| text.lines().find(|l| l.contains(op)).unwrap().to_owned();
    assert!(line("Relu").starts_with("ok") && line("Relu").contains("[1, 4]"), "{text}");
    assert!(line("Conv").starts_with("NO") && line("Conv").contains("image networks"), "{text}");
    assert!(line("Tanh").starts_with("NO") && line("Tanh").contains("not known"), "{text}");
    assert!(text.contains("2 of 3 nodes"), "{text}");
}

/// Names are shown, not obeyed, and a table stays a table.
#[test]
fn a_name_of_any_length_or_kind_is_shown_on_one_line() {
    let long = "n".repeat(65_536);
    let evil = "a\n#![no_std]\u{1b}[2J\u{202e}";
    let mut nodes = vec![node("Tanh", &["x"], &[&long]), node("Sin", &[&long], &[evil])];
    nodes[0].name = Some(long.clone());
    nodes[1].name = Some(evil.into());
    nodes.push(node("Gemm", &[evil, "w"], &["y"]));
    let model = model(2, nodes, vec![floats("w", &[2, 2], &[1.0; 4])]);
    let saved = save(&model.encode_to_vec());
    let source = crate::import::load(&saved.path).unwrap();
    let shown = crate::report::inspect::render(&source);
    assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
    assert!(!shown.contains(['\u{1b}', '\u{202e}']) && !shown.contains("\n#!"), "{shown}");
    let survey = crate::report::inspect::survey(&saved.path).unwrap().unwrap();
    assert!(survey.lines().all(|line| line.chars().count() < 300), "{survey}");
    assert!(!survey.contains(['\u{1b}', '\u{202e}']), "{survey}");
}

#[test]
fn a_small_file_that_asks_for_much_is_refused_before_it_has_it() {
    let tanh = |features: i64| model(features, vec![node("Tanh", &["x"], &["y"])], vec![]);
    for features in [65_536, 2_000_000] {
        assert_refused(&tanh(features).encode_to_vec(), &["too many features", "65535"]);
    }
    let shape = ints("shape", &[1, 1 << 21]);
    let expand = model(1, vec![node("Expand", &["x", "shape"], &["y"])], vec![shape]);
    assert_refused(&expand.encode_to_vec(), &["too many features"]);
    // One weight, read by many nodes.
    let name = |k: usize| if k == 0 { "x".to_owned() } else { format!("t{k}") };
    let add = |k: usize| node("Add", &[&name(k), "w"], &[&name(k + 1)]);
    let mut nodes: Vec<_> = (0..400).map(add).collect();
    nodes.push(node("Relu", &[&name(400)], &["y"]));
    let weights = floats("w", &[60_000], &vec![1.0; 60_000]);
    assert_refused(&model(60_000, nodes, vec![weights]).encode_to_vec(), &["too large", "help"]);
}

/// Time grows with the file: so many nodes of one name, and operands of one node.
#[test]
fn many_nodes_of_one_name_are_read() {
    // Were a name looked for among all before it, this would not end.
    let inputs = vec!["x"; 100_000];
    let sum = model(1, vec![node("Sum", &inputs, &["h"]), node("Log", &["h"], &["y"])], vec![]);
    let graph = import(&sum);
    assert_eq!(graph.nodes.len(), 100_000);
    assert!(crate::simplify::simplify(graph).nodes.len() < 5_000);
}
