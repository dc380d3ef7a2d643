//! Wrong input never panics and leaves nothing behind: exit code 2, and a message with the file,
//! the place, what was expected, what was found, and what to do.

mod program;

use nervecord_codegen::import::onnx::proto::TensorProto;
use nervecord_tests::onnx::{file, floats, graph, node, port, small};
use nervecord_tests::random::Random;
use program::{Desk, bundled, text};

const GOOD: &str = "x0,x1\n0.5,-1\n-0.5,1\n0.25,0.75\n";

/// Compiles `model` with `calibration`; the message must have all of `parts`, the folder no more
/// files than before.
#[track_caller]
fn refused(model: impl AsRef<[u8]>, calibration: &str, parts: &[&str]) {
    let desk = Desk::new();
    let model = text(&desk.file("net.onnx", model));
    desk.file("data.csv", calibration);
    let compile =
        ["compile", &model, "--calibration", "data.csv", "-o", "out.rs", "--report", "report"];
    desk.nervecord(&compile).refused(parts).refused(&["error: ", " file: "]);
    assert_eq!(desk.names(), ["data.csv", "net.onnx"]);
}

#[track_caller]
fn model_refused(model: impl AsRef<[u8]>, parts: &[&str]) {
    refused(model, GOOD, &[parts, &["net.onnx"]].concat());
}

#[track_caller]
fn data_refused(calibration: &str, parts: &[&str]) {
    refused(file(small()), calibration, &[parts, &["data.csv"]].concat());
}

/// `small` with its weights changed.
fn with_weights(change: impl Fn(&mut TensorProto)) -> Vec<u8> {
    let mut graph = small();
    graph.initializer.iter_mut().take(1).for_each(change);
    file(graph)
}

#[test]
fn the_model_these_tests_break_is_a_good_one() {
    let desk = Desk::new();
    let model = text(&desk.file("net.onnx", file(small())));
    desk.file("data.csv", GOOD);
    desk.nervecord(&["compile", &model, "--calibration", "data.csv", "-o", "out.rs"]).done();
    assert_eq!(desk.names(), ["data.csv", "net.onnx", "out.rs"]);
}

#[test]
fn a_truncated_model() {
    let bytes = std::fs::read(bundled("policy", "model.onnx")).unwrap();
    for end in [1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 7] {
        model_refused(&bytes[..end], &["not an ONNX model", "expected", "found", "help"]);
    }
}

#[test]
fn bytes_that_are_no_model() {
    let mut random = Random::new(1);
    for length in [1, 64, 4096] {
        let bytes: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
        model_refused(bytes, &["not an ONNX model", "help"]);
    }
    model_refused("this is a text file, not a network\n", &["not an ONNX model", "help"]);
    model_refused("", &["empty"]);
}

#[test]
fn a_length_field_of_two_gigabytes() {
    // The graph (field 7) claims 2^31 bytes.
    model_refused([0x3a, 0x80, 0x80, 0x80, 0x80, 0x08, 0x0a], &["not an ONNX model"]);
    // A tensor of 2^40 elements with the data of four.
    let claimed = with_weights(|w| w.dims = vec![1 << 40]);
    model_refused(claimed, &["tensor `w`"]);
}

#[test]
fn a_missing_model() {
    let desk = Desk::new();
    desk.file("data.csv", GOOD);
    let compile = ["compile", "gone.onnx", "--calibration", "data.csv", "-o", "out.rs"];
    desk.nervecord(&compile).refused(&[
        "cannot read",
        "gone.onnx",
        "No such file",
        "check the path",
    ]);
    desk.nervecord(&["inspect", "gone.onnx"]).refused(&["gone.onnx"]);
    assert_eq!(desk.names(), ["data.csv"]);
}

#[test]
fn an_unknown_operator() {
    let nodes = vec![node("Frobnicate", &["x"], &["y"])];
    model_refused(
        file(graph(2, nodes, vec![])),
        &["`Frobnicate` is not supported", "node `y`", "help"],
    );
}

#[test]
fn a_convolutional_network() {
    let nodes = vec![node("ConvTranspose", &["x", "w"], &["h"]), node("Relu", &["h"], &["y"])];
    let conv = graph(2, nodes, vec![floats("w", &[1, 1, 2], &[1.0, 2.0])]);
    model_refused(
        file(conv.clone()),
        &["`ConvTranspose` is not supported", "node `h`", "image networks"],
    );
    // `inspect` still shows what is in the file, on stdout, with the culprit marked.
    let desk = Desk::new();
    let model = text(&desk.file("net.onnx", file(conv)));
    let shown = desk.nervecord(&["inspect", &model]);
    assert_eq!(shown.code, 2);
    assert!(shown.stdout.contains("NO") && shown.stdout.contains("Relu"), "{}", shown.stdout);
}

#[test]
fn shapes_that_do_not_fit() {
    let parts = ["does not fit", "node `h` (Gemm)", "expected", "found"];
    model_refused(with_weights(|w| w.dims = vec![4, 1]), &parts);
    model_refused(
        with_weights(|w| w.dims = vec![3, 2]),
        &["tensor `w`", "6 elements", "4 elements"],
    );
}

#[test]
fn weights_that_are_not_finite() {
    for (bad, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let model = with_weights(|w| w.float_data[3] = bad);
        model_refused(model, &["not a finite number", "tensor `w`", name, "help"]);
    }
}

#[test]
fn tensors_of_no_size() {
    let empty = |w: &mut TensorProto| {
        w.dims = vec![0, 2];
        w.float_data.clear();
    };
    model_refused(with_weights(empty), &["node `h`", "expected", "found"]);
    let mut graph = small();
    graph.input = vec![port("x", &[1, 0])];
    model_refused(file(graph), &["input `x`"]);
}

#[test]
fn a_cyclic_graph() {
    let nodes = vec![
        node("Add", &["x", "b"], &["a"]),
        node("Relu", &["a"], &["b"]),
        node("Relu", &["b"], &["y"]),
    ];
    model_refused(file(graph(2, nodes, vec![])), &["has a cycle", "node `"]);
}

#[test]
fn a_table_with_the_columns_of_one_input_of_two() {
    let mut two = graph(2, vec![node("Add", &["x", "z"], &["y"])], vec![]);
    two.input = vec![port("x", &[1, 2]), port("z", &[1, 2])];
    refused(file(two), GOOD, &["data.csv", "4 input columns", "no column x2", "help"]);
}

#[test]
fn calibration_that_is_empty_or_missing() {
    data_refused("", &["the table is empty", "expected", "no rows", "help"]);
    data_refused("x0,x1\n", &["the table is empty"]);
    let desk = Desk::new();
    let model = text(&desk.file("net.onnx", file(small())));
    let compile = ["compile", &model, "--calibration", "gone.csv", "-o", "out.rs"];
    desk.nervecord(&compile).refused(&["cannot read", "gone.csv"]);
    desk.nervecord(&["compile", &model, "-o", "out.rs"]).refused(&["no calibration data", "help"]);
    assert_eq!(desk.names(), ["net.onnx"]);
}

#[test]
fn calibration_that_is_not_finite_or_no_number() {
    for (cell, name) in [("NaN", "NaN"), ("inf", "inf"), ("-inf", "-inf"), ("1e999", "inf")] {
        let data = format!("x0,x1\n1,2\n3,{cell}\n");
        data_refused(&data, &["not finite", "row 2, column x1", "a finite number", name, "help"]);
    }
    data_refused("x0,x1\n1,2\n3,four\n", &["not a number", "row 2, column x1", "`four`"]);
}

#[test]
fn calibration_of_the_wrong_shape() {
    let parts = ["does not fit the model's inputs", "2 input columns, x0 to x1", "help"];
    data_refused("x0\n1\n2\n", &[&parts[..], &["x1"]].concat());
    data_refused("x0,x1,x2\n1,2,3\n", &[&parts[..], &["x2"]].concat());
    data_refused("a,b,c\n1,2,3\n", &parts);
    data_refused("x0,x1\n1,2\n3\n", &["not a CSV table", "header and rows"]);
}

#[test]
fn calibration_without_a_header() {
    data_refused(
        "0.5,-1\n0.25,1\n",
        &["header is missing", "line 1", "x0,x1", "0.5,-1", "first line"],
    );
}

#[test]
fn an_input_name_that_does_not_exist() {
    data_refused("x0,x7\n1,2\n", &["does not fit the model's inputs", "x7"]);
    data_refused("x0,speed\n1,2\n", &["does not fit the model's inputs", "x1", "speed"]);
}

#[test]
fn vectors_and_labels_that_do_not_fit() {
    let desk = Desk::new();
    let inputs = "x0,x1,x2,x3,x4,x5,x6,x7";
    for (more, parts) in [
        ("y0", ["the model's outputs", "2 output columns, y0 to y1", "found: 1: y0", "help"]),
        ("y1", ["the model's outputs", "2 output columns, y0 to y1", "found: 1: y1", "help"]),
        ("y0,y1,y3", ["the model's outputs", "2 output columns", "found: 3: y0,y1,y3", "help"]),
        ("y0,y1,h0", ["the model's states", "no columns h0..", "found: 1: h0", "help"]),
    ] {
        let zeros = vec!["0"; 8 + more.split(',').count()].join(",");
        let vectors = text(&desk.file("v.csv", format!("{inputs},{more}\n{zeros}\n")));
        desk.on("verify", "policy", &["--vectors", &vectors]).refused(&parts);
    }
    let vectors = bundled("digits", "vectors.csv");
    for (labels, parts) in [
        ("class\n1\n", ["l.csv", "a column `label`", "class"]),
        ("label\n1\n", ["l.csv", "200 rows", "found: 1"]),
        (&format!("label\n{}", "10\n".repeat(200)), ["row 1", "class indices 0 to 9", "`10`"]),
    ] {
        let labels = text(&desk.file("l.csv", labels));
        desk.on("verify", "digits", &["--vectors", &vectors, "--labels", &labels]).refused(&parts);
    }
}

#[test]
fn an_output_that_cannot_be_written() {
    let desk = Desk::new();
    desk.file("plain", "a file, not a folder");
    for output in ["plain/out.rs", "no/such/folder/out.rs"] {
        desk.on("compile", "policy", &["-o", output]).refused(&["cannot write", output, "help"]);
        let input = bundled("policy", "vectors.csv");
        desk.on("run", "policy", &["--input", &input, "-o", output]).refused(&[
            "cannot write",
            output,
            "help",
        ]);
    }
    desk.on("compile", "policy", &["-o", "out.rs", "--report", "plain/report"])
        .refused(&["plain/report", "help"]);
    assert_eq!(desk.names(), ["plain"]);
}

#[test]
fn a_model_that_leaves_the_numbers_on_its_data() {
    let huge = file(graph(2, vec![node("Exp", &["x"], &["y"])], vec![]));
    refused(
        huge,
        "x0,x1\n1,1\n1000,1\n",
        &["not finite", "data.csv", "calibration row 2", "scaled as in training"],
    );
}

#[test]
fn a_value_too_large_is_the_tables_fault() {
    let parts = ["too large for 32-bit", "row 2, column x1", "found: -2e9", "larger unit"];
    data_refused("x1,x0\n1,1\n-2e9,1\n", &parts);
}

#[test]
fn folders_and_configurations_without_a_model() {
    let desk = Desk::new();
    let config = text(&desk.file("m/config.json", "{\"format\": \"transformer\"}"));
    desk.nervecord(&["inspect", &config]).refused(&["config.json", "key `format`", "transformer"]);
    desk.file("m/config.json", "{");
    desk.nervecord(&["inspect", "m"]).refused(&["config.json", "not JSON"]);
    desk.file("m/config.json", "{\"format\": \"onnx\"}");
    desk.nervecord(&["inspect", "m"]).refused(&["model.onnx", "cannot read"]);
    desk.file("empty/notes.txt", "");
    desk.nervecord(&["inspect", "empty"]).refused(&["holds no model"]);
    desk.nervecord(&["inspect", "empty/notes.txt"]).refused(&["extension `txt`"]);
}
