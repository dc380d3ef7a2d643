//! The command line's contract: what each command writes, prints and exits with.

mod common;

use std::fs;

use common::{Folder, INPUTS, Ran, npy};
use nervecord_codegen::data::Data;
use nervecord_codegen::import::onnx::proto::GraphProto;
use nervecord_tests::{models, onnx};
use serde_json::Value;

const COMPILE: &str = "compile net.onnx --calibration c.csv -o out/net.rs";
const RUN: &str = "run net.onnx --calibration c.csv --input c.csv";

/// Outputs of `y = relu(W x + b)` on [`INPUTS`].
const OUTPUTS: [[f64; 2]; 5] = [[0.5, 0.0], [1.5, 6.5], [0.0, 0.0], [2.25, 1.75], [0.0, 0.0]];

/// Runs a command that must succeed without a word on stderr.
fn done(folder: &Folder, args: &str) -> Ran {
    let ran = folder.run(args);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{args}");
    ran
}

/// The table a `run` writes to `out/y.csv`.
fn outputs(folder: &Folder, run: &str) -> Data {
    assert_eq!(done(folder, &format!("{run} -o out/y.csv")).stdout, "");
    Data::read(&folder.path("out/y.csv")).unwrap()
}

/// Verifies a bundled model, copied to where a path has no spaces.
fn verify(name: &str, rest: &str) -> Ran {
    let mut folder = Folder::new();
    for file in ["calibration.csv", "vectors.csv", "labels.csv"] {
        if let Ok(bytes) = fs::read(models(&format!("{name}/{file}"))) {
            folder = folder.write(file, bytes);
        }
    }
    let model = fs::read(models(&format!("{name}/model.onnx"))).unwrap();
    let files = "--calibration calibration.csv --vectors vectors.csv";
    folder.write("bundled.onnx", model).run(&format!("verify bundled.onnx {files} {rest}"))
}

/// Two scores, their softmax, and the index of the larger as label.
fn classifier() -> GraphProto {
    let mut graph = onnx::small();
    graph.node.push(onnx::with_int(onnx::node("Softmax", &["h"], &["p"]), "axis", 1));
    graph.node.push(onnx::with_int(onnx::node("ArgMax", &["p"], &["c"]), "axis", 1));
    graph.output = vec![onnx::port("p", &[]), onnx::port("c", &[])];
    graph
}

#[test]
fn inspect_prints_layers_and_totals() {
    let text = done(&Folder::new(), "inspect net.onnx").stdout;
    for part in
        ["net: net.onnx", "sha256: ", "input `x`, output `y`", "parameters", "MACs", "dense"]
    {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let total = text.lines().find(|line| line.starts_with("total")).unwrap();
    // Four weights and two biases, four products.
    assert_eq!(total.split_whitespace().collect::<Vec<_>>(), ["total", "2", "2", "6", "4"]);
}

#[test]
fn compile_writes_the_same_bytes_twice() {
    let folder = Folder::new();
    let text = done(&folder, COMPILE).stdout;
    assert!(text.contains("wrote out/net.rs"), "{text}");
    let first = folder.contents();
    done(&folder, COMPILE);
    assert!(folder.contents() == first);
    let module = fs::read_to_string(folder.path("out/net.rs")).unwrap();
    assert!(module.contains("pub mod net") && module.contains("pub struct Net"));
}

#[test]
fn compile_takes_a_name_and_writes_a_report() {
    let folder = Folder::new();
    done(&folder, &format!("{COMPILE} --name arm --report out/report"));
    let module = fs::read_to_string(folder.path("out/net.rs")).unwrap();
    assert!(module.contains("pub struct Arm"));
    let json = fs::read(folder.path("out/report/report.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!((&json["model"], &json["macs"]), (&"arm".into(), &4.into()));
    assert!(fs::read_to_string(folder.path("out/report/report.html")).unwrap().contains("arm"));
}

#[test]
fn a_model_may_have_a_name_that_rust_or_the_module_has_taken() {
    let folder = Folder::new();
    for (name, module, model) in [
        ("fn", "model_fn", "ModelFn"),
        ("Self", "model_self", "ModelSelf"),
        ("nervecord", "model_nervecord", "ModelNervecord"),
        ("controller", "controller", "ControllerModel"),
        ("output", "output", "OutputModel"),
    ] {
        done(&folder, &format!("{COMPILE} --name {name}"));
        let text = fs::read_to_string(folder.path("out/net.rs")).unwrap();
        for part in [format!("pub mod {module} {{"), format!("pub struct {model} {{")] {
            assert!(text.contains(&part), "`{part}` is not in the module of {name}");
        }
    }
}

#[test]
fn check_tells_a_stale_module_and_writes_nothing() {
    let folder = Folder::new();
    done(&folder, COMPILE);
    let check = format!("{COMPILE} --check");
    done(&folder, &check);
    let folder = folder.write("c.csv", format!("{INPUTS}1.5,1.5\n"));
    let before = folder.contents();
    let ran = folder.run(&check);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("out/net.rs is stale"), "{}", ran.stderr);
    assert!(folder.contents() == before);
}

#[test]
fn run_is_near_the_float_network() {
    let folder = Folder::new();
    let float = outputs(&folder, &format!("{RUN} --float"));
    assert_eq!(float.columns, ["y0", "y1"]);
    assert_eq!(float.rows, OUTPUTS);
    let fixed = outputs(&folder, RUN);
    assert_eq!(fixed.columns, float.columns);
    for (fixed, float) in fixed.rows.iter().flatten().zip(OUTPUTS.iter().flatten()) {
        assert!((fixed - float).abs() < 0.05, "{fixed} for {float}");
    }
}

#[test]
fn raw_outputs_are_the_scaled_ones() {
    let folder = Folder::new();
    let fixed = outputs(&folder, RUN).rows;
    let raw = outputs(&folder, &format!("{RUN} --raw")).rows;
    assert!(raw.iter().flatten().all(|v| v.fract() == 0.0 && v.abs() <= 32768.0));
    let unit = fixed[1][1] / raw[1][1];
    assert_eq!(unit.log2().fract(), 0.0, "a power of two");
    let scaled: Vec<Vec<f64>> =
        raw.iter().map(|row| row.iter().map(|v| v * unit).collect()).collect();
    assert_eq!(scaled, fixed);
}

#[test]
fn a_classifier_has_a_label_beside_its_scores() {
    let folder = Folder::new().model(classifier());
    for run in [RUN.to_owned(), format!("{RUN} --float")] {
        done(&folder, &format!("{run} -o out/y.csv"));
        let text = fs::read_to_string(folder.path("out/y.csv")).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("y0,y1,label"));
        // The larger score of each row, before the softmax: W x + b.
        let labels: Vec<&str> = lines.filter_map(|line| line.split(',').nth(2)).collect();
        assert_eq!(labels, ["0", "1", "0", "0", "0"], "{text}");
    }
}

#[test]
fn an_array_gives_what_a_table_gives() {
    let folder = Folder::new();
    let table = outputs(&folder, RUN);
    let values = Data::read(&folder.path("c.csv")).unwrap().rows.concat();
    let bytes: Vec<u8> = values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect();
    let folder = folder.write("c.npy", npy("5, 2", &bytes));
    assert_eq!(outputs(&folder, &RUN.replace("c.csv", "c.npy")), table);
}

#[test]
fn columns_are_found_by_name() {
    let folder = Folder::new();
    let expected = outputs(&folder, &format!("{RUN} --float")).rows[0].clone();
    let folder = folder.write("swapped.csv", "time,x1,x0\n7,-0.25,0.5\n");
    let run = "run net.onnx --float --input swapped.csv";
    assert_eq!(outputs(&folder, run).rows, [expected]);
}

#[test]
fn verify_passes_a_good_model() {
    let ran = verify("policy", "--json");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&json["model"], &json["passed"]), (&"bundled".into(), &true.into()));
    assert!(json["faults"].as_array().unwrap().is_empty());
    let number = |key: &str| json[key].as_f64().unwrap_or_else(|| panic!("{key} in {json}"));
    assert!(number("r2") >= 0.9995 && number("r2") <= 1.0);
    assert!(number("max_error") >= number("rms_error") && number("rms_error") > 0.0);
    assert!(number("float_max_error") < 1e-5);
    assert_eq!(number("macs"), 8.0 * 64.0 + 64.0 * 64.0 + 64.0 * 2.0);
    for key in ["rows", "flash_bytes", "ram_bytes"] {
        assert!(number(key) > 0.0, "{key}");
    }
    assert!(number("saturated_rows") >= 0.0);
}

#[test]
fn verify_judges_a_classifier_by_its_labels() {
    let ran = verify("digits", "--json --labels labels.csv");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let share = |key: &str| json[key].as_f64().unwrap();
    assert!(share("accuracy") > 0.95 && share("accuracy") >= share("float_accuracy") - 0.005);
}

#[test]
fn verify_fails_what_is_too_far_off() {
    let ran = verify("policy", "--weights 8 --tolerance 1e-9");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.contains("FAILED") && ran.stdout.contains("tolerance"), "{}", ran.stdout);
}

#[test]
fn verify_fails_vectors_of_another_network() {
    let folder = Folder::new().write("v.csv", "x0,x1,y0,y1\n0,0,0.5,0\n1,1,3.25,0.5\n");
    let ran = folder.run("verify net.onnx --calibration c.csv --vectors v.csv");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stdout.contains("do they belong to this model?"), "{}", ran.stdout);
}

#[test]
fn declared_ranges_stand_in_for_calibration_data() {
    let ranges = "[inputs]\nx0 = [-1.0, 1.0]\nx1 = [-1, 1]\n";
    let folder = Folder::new().write("nervecord.toml", ranges);
    done(&folder, "compile net.onnx -o out/net.rs");
    let module = fs::read_to_string(folder.path("out/net.rs")).unwrap();
    assert!(module.contains("declared ranges"));
    let fixed = outputs(&folder, "run net.onnx --input c.csv").rows;
    for (fixed, float) in fixed.iter().flatten().zip(OUTPUTS.iter().flatten()) {
        assert!((fixed - float).abs() < 0.05, "{fixed} for {float}");
    }
}

#[test]
fn help_lists_every_command() {
    let text = done(&Folder::new(), "--help").stdout;
    for command in ["inspect", "compile", "run", "verify", "emulate"] {
        assert!(text.lines().any(|line| line.trim_start().starts_with(command)), "{text}");
        let own = done(&Folder::new(), &format!("{command} --help")).stdout;
        assert!(own.contains("MODEL"), "{own}");
    }
    assert!(text.contains("Exit code: 0 done, 1 not as wanted"), "{text}");
    assert!(done(&Folder::new(), "--version").stdout.contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn misuse_exits_with_2() {
    for (args, told) in [
        ("", "Usage:"),
        ("conjure net.onnx", "conjure"),
        ("inspect", "<MODEL>"),
        ("compile net.onnx --calibration c.csv", "--output"),
        ("run net.onnx --calibration c.csv -o out/y.csv", "--input"),
        ("verify net.onnx --calibration c.csv", "--vectors"),
        ("run net.onnx --input c.csv -o out/y.csv --float --raw", "cannot be used with"),
    ] {
        let folder = Folder::new();
        let before = folder.contents();
        let ran = folder.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args}");
        assert!(ran.stderr.contains(told), "{args}\n{}", ran.stderr);
        assert!(folder.contents() == before, "{args}");
    }
}
