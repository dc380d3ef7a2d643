//! Bad input ends with exit code 2 and a message that helps, and leaves no file behind.

mod common;

use common::{Folder, INPUTS, npy};
use nervecord_codegen::import::onnx::proto::{GraphProto, TensorProto};
use nervecord_tests::{models, onnx};

/// Every command that reads a model, with good data for all else.
const ON_A_MODEL: [&str; 4] = [
    "compile MODEL --calibration c.csv -o out/net.rs --report out/report",
    "run MODEL --calibration c.csv --input c.csv -o out/y.csv",
    "run MODEL --calibration c.csv --input c.csv -o out/y.csv --float",
    "verify MODEL --calibration c.csv --vectors c.csv --json",
];

/// Every way in for a table of inputs.
const ON_A_TABLE: [&str; 4] = [
    "compile net.onnx --calibration TABLE -o out/net.rs --report out/report",
    "run net.onnx --calibration c.csv --input TABLE -o out/y.csv",
    "run net.onnx --input TABLE -o out/y.csv --float",
    "verify net.onnx --calibration c.csv --vectors TABLE",
];

/// Runs `args`, which must be refused with all of `told` and no trace; returns the message.
fn refused(folder: &Folder, args: &str, told: &[&str]) -> String {
    let before = folder.contents();
    let ran = folder.run(args);
    let message = ran.stderr;
    assert_eq!(ran.code, Some(2), "{args}\n{message}");
    assert_eq!(ran.stdout, "", "{args}");
    assert!(message.starts_with("error: "), "{args}\n{message}");
    assert!(!message.contains("panicked"), "{args}\n{message}");
    for part in told {
        assert!(message.contains(part), "`{part}` is not in the message of {args}:\n{message}");
    }
    assert!(folder.contents() == before, "{args} left something behind");
    message
}

/// As [`refused`]; the message has its parts, and what is told stands in it.
fn explained(folder: &Folder, args: &str, told: &[&str]) {
    let message = refused(folder, args, told);
    for label in [" file: ", " expected: ", " found: ", " help: "] {
        assert!(message.contains(label), "no `{label}` in the message of {args}:\n{message}");
    }
}

/// The model `file` of the folder is refused by every command.
fn bad_model_file(folder: &Folder, file: &str, told: &[&str]) {
    for command in ON_A_MODEL {
        explained(folder, &command.replace("MODEL", file), told);
    }
    // It may list the nodes of a file that can be read, with a mark at what is in the way.
    let inspected = folder.run(&format!("inspect {file}"));
    assert_eq!(inspected.code, Some(2));
    assert!(told.iter().all(|part| inspected.stderr.contains(part)), "{}", inspected.stderr);
}

/// A file of these bytes is refused as a model.
fn bad_bytes(bytes: &[u8], told: &[&str]) {
    let folder = Folder::new().write("net.onnx", bytes);
    bad_model_file(&folder, "net.onnx", &[&["file: net.onnx"], told].concat());
}

fn bad_graph(graph: GraphProto, told: &[&str]) {
    bad_bytes(&onnx::file(graph), told);
}

/// The small network with its weights changed.
fn bad_weights(change: impl Fn(&mut TensorProto), told: &[&str]) {
    let mut graph = onnx::small();
    change(&mut graph.initializer[0]);
    bad_graph(graph, told);
}

/// A file of these bytes is refused as calibration data, as inputs and as vectors.
fn bad_table(name: &str, bytes: impl AsRef<[u8]>, told: &[&str]) {
    let folder = Folder::new().write(name, bytes);
    let file = format!("file: {name}");
    for command in ON_A_TABLE {
        explained(&folder, &command.replace("TABLE", name), &[&[file.as_str()], told].concat());
    }
}

const DAMAGED: &str = "not an ONNX model, or it is damaged";

#[test]
fn a_truncated_model() {
    let whole = std::fs::read(models("policy/model.onnx")).unwrap();
    bad_bytes(&whole[..whole.len() / 2], &[DAMAGED, "help: export the model again"]);
    bad_bytes(&whole[..1], &[DAMAGED]);
    bad_bytes(b"", &[DAMAGED, "found: an empty file"]);
}

#[test]
fn a_random_file() {
    let noise: Vec<u8> =
        (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bad_bytes(&noise, &[DAMAGED]);
}

#[test]
fn no_cut_and_no_flipped_byte_breaks_the_importer() {
    let whole = std::fs::read(models("policy/model.onnx")).unwrap();
    let folder = Folder::new();
    let path = folder.path("net.onnx");
    for k in (0..whole.len()).step_by(whole.len() / 300) {
        let mut flipped = whole.clone();
        flipped[k] ^= 1 << (k % 8);
        for bytes in [&whole[..k], &flipped] {
            std::fs::write(&path, bytes).unwrap();
            // Some of these are models, if not good ones; none may panic.
            if let Err(error) = nervecord_codegen::import::load(&path) {
                assert!(error.to_string().contains("net.onnx"), "{error}");
            }
        }
    }
}

#[test]
fn a_text_file() {
    bad_bytes(b"this is a text file, not a network\n", &[DAMAGED]);
    let folder = Folder::new().write("notes.txt", "hello\n");
    let told = ["file: notes.txt", "extension `txt`", "a .onnx or .safetensors file"];
    bad_model_file(&folder, "notes.txt", &told);
}

#[test]
fn a_missing_file() {
    let folder = Folder::new();
    let told = ["cannot read the file", "missing.onnx", "No such file"];
    bad_model_file(&folder, "missing.onnx", &told);
    for command in ON_A_TABLE {
        let told = ["cannot read the file", "missing.csv", "No such file"];
        explained(&folder, &command.replace("TABLE", "missing.csv"), &told);
    }
    bad_model_file(&folder, "out", &["file: out", "the folder holds no model"]);
}

#[test]
fn an_unknown_operator() {
    let graph = onnx::graph(4, vec![onnx::node("Frobnicate", &["x"], &["y"])], vec![]);
    bad_graph(graph, &["`Frobnicate` is not supported", "at: node `y` (Frobnicate)"]);
}

#[test]
fn a_convolution() {
    let weights = onnx::floats("w", &[1, 1, 1, 1], &[1.0]);
    let graph = onnx::graph(4, vec![onnx::node("Conv", &["x", "w"], &["y"])], vec![weights]);
    bad_graph(graph, &["`Conv` is not supported", "at: node `y` (Conv)", "Gemm"]);
}

#[test]
fn inspect_marks_what_is_in_the_way() {
    let nodes = vec![onnx::node("Relu", &["x"], &["h"]), onnx::node("Conv", &["h"], &["y"])];
    let ran = Folder::new().model(onnx::graph(4, nodes, vec![])).run("inspect net.onnx");
    assert_eq!(ran.code, Some(2));
    for part in ["ok  h", "NO  y", "1 of 2 nodes cannot be imported"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
}

#[test]
fn shapes_that_do_not_fit() {
    bad_weights(
        |w| w.dims = vec![4, 1],
        &["does not fit its input", "at: node `h` (Gemm)", "2 features", "[4, 1]"],
    );
    bad_weights(|w| w.dims = vec![2, 3], &["at: tensor `w`", "6 elements", "4 elements"]);
}

#[test]
fn weights_that_are_not_finite() {
    for (bad, found) in [
        (f32::NAN, "found: NaN"),
        (f32::INFINITY, "found: inf"),
        (f32::NEG_INFINITY, "found: -inf"),
    ] {
        bad_weights(
            |w| w.float_data[1] = bad,
            &["a weight is not a finite number", "at: tensor `w`", found],
        );
    }
}

#[test]
fn zero_size_tensors() {
    let none = |w: &mut TensorProto| {
        w.dims = vec![0, 2];
        w.float_data.clear();
    };
    bad_weights(none, &["at: node `h` (Gemm)", "0"]);
    let mut graph = onnx::small();
    graph.input = vec![onnx::port("x", &[1, 0])];
    bad_graph(graph, &["input `x`"]);
    let product = onnx::node("MatMul", &["x", "w"], &["y"]);
    let graph = onnx::graph(2, vec![product], vec![onnx::floats("w", &[2, 0], &[])]);
    bad_graph(graph, &["at: node `y`", "at least one weight"]);
}

#[test]
fn lengths_of_gigabytes() {
    // The graph's field, 7, said to be 2 GB long.
    bad_bytes(&[0x3a, 0x80, 0x80, 0x80, 0x80, 0x08, 0x0a], &[DAMAGED]);
    bad_weights(|w| w.dims = vec![1 << 31, 1], &["at: tensor `w`", "2147483648", "4 elements"]);
    bad_weights(|w| w.dims = vec![i64::MAX, i64::MAX], &["at: tensor `w`", "overflows"]);
    let mut graph = onnx::graph(1, vec![onnx::node("Tanh", &["x"], &["y"])], vec![]);
    graph.input = vec![onnx::port("x", &[0, 1 << 31])];
    bad_graph(graph, &["too large", "input `x`", "2147483648"]);
    let mut safetensors = (1u64 << 31).to_le_bytes().to_vec();
    safetensors.extend(b"{}");
    bad_mlp(&safetensors, &["not a safetensors file"]);
}

#[test]
fn a_cycle() {
    let nodes = vec![
        onnx::node("Add", &["x", "b"], &["a"]),
        onnx::node("Relu", &["a"], &["b"]),
        onnx::node("Relu", &["b"], &["y"]),
    ];
    bad_graph(onnx::graph(2, nodes, vec![]), &["the graph has a cycle", "at: node `"]);
}

#[test]
fn two_inputs() {
    let mut graph = onnx::graph(2, vec![onnx::node("Add", &["x", "z"], &["y"])], vec![]);
    graph.input.push(onnx::port("z", &[0, 2]));
    bad_graph(graph, &["several inputs", "at: the inputs of the graph", "2 inputs: x, z"]);
}

/// A folder with a perceptron's configuration and these weights is refused.
fn bad_mlp(weights: &[u8], told: &[&str]) {
    let folder = Folder::new()
        .write("config.json", r#"{"format": "mlp relu", "layers": [2, 2]}"#)
        .write("model.safetensors", weights);
    bad_model_file(&folder, ".", &[&["file: ./model.safetensors"], told].concat());
    bad_model_file(&folder, "model.safetensors", told);
}

#[test]
fn a_safetensors_file_without_its_tensors() {
    let file = |header: &str, data: &[u8]| {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    };
    bad_mlp(&file("{}", b""), &["holds no weights", "*.weight", "0 tensors"]);
    let bias = r#"{"fc.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    bad_mlp(&file(bias, &[0; 8]), &["holds no weights", "*.weight", "1 tensors"]);
    let weight = r#"{"fc.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
    bad_mlp(&file(weight, &[0; 12]), &["not a safetensors file"]);
    let tall = r#"{"fc.weight":{"dtype":"F32","shape":[4,1],"data_offsets":[0,16]}}"#;
    bad_mlp(&file(tall, &[0; 16]), &["key `layers`", "[2, 2]", "[1, 4]"]);
    let folder = Folder::new().write("config.json", r#"{"format": "mlp relu"}"#);
    bad_model_file(&folder, "config.json", &["cannot read the file", "file: model.safetensors"]);
}

#[test]
fn a_configuration_of_an_unknown_format() {
    let folder = Folder::new().write("config.json", r#"{"format": "transformer"}"#);
    let told = ["config.json", "at: key `format`", "\"mlp relu\"", "found: \"transformer\""];
    bad_model_file(&folder, ".", &told);
    let folder = Folder::new().write("config.json", "{");
    bad_model_file(&folder, "config.json", &["the configuration is not JSON"]);
}

#[test]
fn a_table_without_rows() {
    bad_table("t.csv", "", &["the table is empty", "a header and at least one row"]);
    bad_table("t.csv", "\n\n", &["the table is empty"]);
    bad_table("t.csv", "x0,x1\n", &["the table is empty", "no rows"]);
    bad_table("t.npy", npy("0, 2", &[]), &["the table is empty"]);
}

#[test]
fn a_table_without_a_header() {
    let told = ["the header is missing", "at: line 1", "x0,x1,x2", "0.5,-0.25"];
    bad_table("t.csv", "0.5,-0.25\n1,2\n", &told);
}

#[test]
fn a_table_with_other_columns() {
    let told = ["at: header", "2 input columns, x0 to x1"];
    bad_table("t.csv", "x0\n1\n", &[&told[..], &["no column x1 among 1: x0"]].concat());
    bad_table("t.csv", "x0,x1,x2\n1,2,3\n", &[&told[..], &["an input x2"]].concat());
    bad_table("t.csv", "a,b,c\n1,2,3\n", &[&told[..], &["no column x0 among 3: a,b,c"]].concat());
    bad_table("t.npy", npy("1, 3", &[0; 12]), &[&told[..], &["an input x2"]].concat());
}

#[test]
fn a_column_for_an_input_that_does_not_exist() {
    let told = ["at: header", "x0 to x1", "an input x9 that the model does not have"];
    bad_table("t.csv", "x0,x1,x9\n1,2,3\n", &told);
    bad_table("t.csv", "x0,x9\n1,2\n", &told);
}

#[test]
fn cells_that_are_not_finite() {
    for (cell, found) in [("NaN", "NaN"), ("inf", "inf"), ("-inf", "-inf"), ("1e999", "inf")] {
        bad_table(
            "t.csv",
            format!("x0,x1\n0.5,1\n2,{cell}\n"),
            &["a value is not finite", "at: row 2, column x1", &format!("found: {found}")],
        );
    }
    let cells = [1.0f32, f32::NAN].map(f32::to_le_bytes).concat();
    bad_table("t.npy", npy("1, 2", &cells), &["at: row 1, column x1", "found: NaN"]);
}

#[test]
fn cells_that_are_not_numbers() {
    let told = ["a cell is not a number", "at: row 2, column x1", "found: `high`"];
    bad_table("t.csv", "x0,x1\n0.5,1\n2,high\n", &told);
    bad_table("t.csv", "x0,x1\n0.5,\n", &["at: row 1, column x1", "found: ``"]);
}

#[test]
fn rows_of_different_lengths() {
    bad_table("t.csv", "x0,x1\n0.5,1\n2\n", &["not a CSV table", "line: 3", "1 field"]);
    bad_table("t.csv", "x0,x1\n0.5,1,7\n", &["not a CSV table", "line: 2", "3 fields"]);
}

#[test]
fn arrays_that_are_not_what_they_say() {
    bad_table("t.npy", "x0,x1\n1,2\n", &["not a readable .npy array"]);
    bad_table("t.npy", npy("2, 2", &[0; 8]), &["not a readable .npy array"]);
    bad_table("t.npy", npy("4,", &[0; 16]), &["wrong number of axes", "[4]"]);
    // Shapes whose bytes, or whose column names, no memory holds.
    bad_table("t.npy", npy("1099511627776, 2", &[0; 8]), &["not a readable .npy array"]);
    bad_table("t.npy", npy("4294967296, 4294967296", &[0; 8]), &["not a readable .npy array"]);
    bad_table("t.npy", npy("0, 1099511627776", &[]), &["the table is empty"]);
    bad_table("t.npy", npy("1099511627776, 0", &[]), &["the table is empty"]);
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(0x7fff_ffffu32.to_le_bytes());
    bad_table("t.npy", long, &["not a readable .npy array"]);
    bad_table("t.csv", npy("1, 2", &[0xff; 8]), &["t.csv"]);
}

#[test]
fn no_calibration_at_all() {
    let told =
        ["no calibration data", "at: input x0", "--calibration", "[inputs] x0 = [low, high]"];
    explained(&Folder::new(), "compile net.onnx -o out/net.rs", &told);
}

/// The settings `text` are refused where a model is compiled without data.
fn bad_settings(text: &str, told: &[&str]) {
    let folder = Folder::new().write("nervecord.toml", text);
    let told = [&["file: nervecord.toml"], told].concat();
    explained(&folder, "compile net.onnx -o out/net.rs", &told);
}

#[test]
fn settings_that_cannot_be_used() {
    bad_settings(
        "[inputs]\nx0 = [-1, 1]\nx9 = [-1, 1]\n",
        &["an input that does not exist", "at: [inputs] x9", "x0 to x1"],
    );
    bad_settings("[inputs]\nx0 = [-1, 1]\n", &["no calibration data", "at: input x1"]);
    bad_settings("[inputs]\nx0 = [1, -1]\n", &["at: [inputs] x0", "[1, -1]", "low < high"]);
    bad_settings("[inputs]\nx0 = [nan, 1]\n", &["at: [inputs] x0", "NaN"]);
    bad_settings(
        "[calibration]\npercentile = 20\n",
        &["at: [calibration] percentile", "found: 20"],
    );
    bad_settings(
        "[calibration]\nmargin = 0.5\n",
        &["at: [calibration] margin", "1 to 16", "found: 0.5"],
    );
    bad_settings("[calibration]\n\nmargins = 2\n", &["at: line 3", "margins"]);
    bad_settings("[inputs\n", &["at: line 1"]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let folder = Folder::new();
    for path in ["c.csv/net.rs", "gone/net.rs", "out"] {
        let told = ["cannot write the file", path];
        let compile = "compile net.onnx --calibration c.csv -o PATH".replace("PATH", path);
        explained(&folder, &compile, &told);
        explained(&folder, &format!("{compile} --report out/report"), &told);
        let run = "run net.onnx --input c.csv --float -o PATH".replace("PATH", path);
        explained(&folder, &run, &told);
    }
    let report = "compile net.onnx --calibration c.csv -o out/net.rs --report c.csv";
    explained(&folder, report, &["c.csv"]);
    let check = "compile net.onnx --calibration c.csv -o out/net.rs --check";
    explained(&folder, check, &["cannot read the file", "file: out/net.rs"]);
}

#[test]
fn options_out_of_range() {
    let folder = Folder::new();
    for tolerance in ["0", "-1", "1.5", "nan", "inf"] {
        let args =
            format!("compile net.onnx --calibration c.csv -o out/net.rs --tolerance={tolerance}");
        let told = ["the tolerance is out of range", "at: --tolerance", "at most 1", "found: "];
        refused(&folder, &args, &told);
    }
    let common = "compile net.onnx --calibration c.csv -o out/net.rs";
    refused(&folder, &format!("{common} --tolerance much"), &["--tolerance", "much"]);
    refused(&folder, &format!("{common} --weights 4"), &["--weights", "4", "auto, 8, 16"]);
    refused(&folder, &format!("{common} --cpu 6502"), &["--cpu", "6502", "cortex-m4"]);
    refused(&folder, &format!("{common} --report out --check"), &["--report", "--check"]);
}

#[test]
fn an_unknown_board() {
    let args = "emulate net.onnx --calibration c.csv --board commodore";
    let told = ["no such board", "qemu-cortex-m4", "found: commodore", "help: "];
    refused(&Folder::new(), args, &told);
}

#[test]
fn vectors_and_labels_of_another_model() {
    let verify = "verify net.onnx --calibration c.csv --vectors v.csv";
    let folder = Folder::new().write("v.csv", INPUTS);
    explained(&folder, verify, &["file: v.csv", "at: header", "2 output columns, y0 to y1"]);
    let labelled = format!("{verify} --labels l.csv");
    for (labels, told) in [
        ("class\n0\n1\n", ["a column `label`", "found: class"]),
        ("label\n0\n", ["2 rows, one a vector", "found: 1"]),
        ("label\n0\ncat\n", ["class indices or class names", "found: `cat`"]),
    ] {
        let folder = Folder::new()
            .write("v.csv", "x0,x1,y0,y1\n0,0,0.5,0\n1,1,3.5,0.5\n")
            .write("l.csv", labels);
        explained(&folder, &labelled, &[&["file: l.csv"], &told[..]].concat());
    }
}
