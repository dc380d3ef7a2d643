//! The command line's contract: commands, exit codes, and what goes to which stream.

mod program;

use nervecord_codegen::data::Data;
use nervecord_tests::onnx::{file, small};
use program::{Desk, bundled, text};
use serde_json::Value;

#[test]
fn help_lists_the_commands_and_the_boards() {
    let desk = Desk::new();
    let help = desk.nervecord(&["--help"]).done().stdout;
    for command in ["inspect", "compile", "certify", "prove", "run", "verify", "emulate", "demo"] {
        assert!(help.contains(&format!("  {command} ")), "{command}: {help}");
    }
    assert!(desk.nervecord(&["--version"]).done().stdout.starts_with("nervecord "));
    let boards = desk.nervecord(&["emulate", "--help"]).done().stdout;
    assert!(boards.contains("qemu-cortex-m4") && boards.contains("qemu-riscv32"), "{boards}");
}

#[test]
fn misuse_exits_with_2() {
    let desk = Desk::new();
    desk.nervecord::<&str>(&[]).refused(&["Usage"]);
    desk.nervecord(&["fly"]).refused(&["fly"]);
    desk.nervecord(&["compile", "a.onnx"]).refused(&["--out"]);
    desk.on("compile", "policy", &["-o", "p.rs", "--weights", "5"]).refused(&["5", "auto"]);
    desk.on("compile", "policy", &["-o", "p.rs", "--cpu", "z80"]).refused(&["z80", "cortex-m4"]);
    let power = ["-o", "p.rs", "--optimize", "power"];
    desk.on("compile", "policy", &power).refused(&["power", "speed", "size", "balanced"]);
    desk.on("compile", "policy", &["-o", "p.rs", "--tolerance", "0"]).refused(&["--tolerance"]);
    desk.on("compile", "policy", &["-o", "p.rs", "--tolerance", "NaN"]).refused(&["--tolerance"]);
    let both = ["--input", "x.csv", "-o", "y.csv", "--float", "--raw"];
    desk.on("run", "policy", &both).refused(&["--float", "--raw"]);
    assert!(desk.names().is_empty());
}

#[test]
fn what_is_optimized_for_is_smaller_and_what_it_was_chosen_among_is_told() {
    let desk = Desk::new();
    let of = |optimize: &[&str]| {
        let more = ["-o", "p.rs", "--cpu", "cortex-m4", "--report", "report"];
        let said = desk.on("compile", "policy", &[&more, optimize].concat()).done().stdout;
        let report: Value = serde_json::from_str(&desk.read("report/report.json")).unwrap();
        (said, report, desk.read("p.rs"))
    };
    let (said, balanced, module) = of(&[]);
    assert!(!said.contains("optimized for") && !module.contains("--optimize"), "{said}");
    assert_eq!(module, of(&["--optimize", "balanced"]).2);
    for (optimize, smaller) in [("speed", "instructions"), ("size", "flash_bytes")] {
        let (said, report, module) = of(&["--optimize", optimize]);
        assert!(said.contains(&format!("optimized for {optimize}: the fewest")), "{said}");
        assert!(module.contains(&format!("--cpu cortex-m4 --optimize {optimize}")), "{module}");
        let taken = |report: &Value| {
            let choices = report["front"]["choices"].as_array().unwrap();
            choices.iter().find(|choice| choice["taken"] == true).unwrap()[smaller].as_f64()
        };
        assert!(taken(&report) < taken(&balanced), "{report}");
        assert_eq!(report["kept"], true);
        assert!(desk.read("report/report.html").contains("id=\"front\""));
        desk.on(
            "compile",
            "policy",
            &["-o", "p.rs", "--cpu", "cortex-m4", "--check", "--optimize", optimize],
        )
        .done();
        let vectors = bundled("policy", "vectors.csv");
        desk.on("verify", "policy", &["--vectors", &vectors, "--optimize", optimize]).done();
    }
    let nothing = ["-o", "p.rs", "--weights", "8", "--optimize", "speed"];
    let said = desk.on("compile", "digits", &nothing).done().stdout;
    assert!(said.contains("nothing was left to choose"), "{said}");
}

#[test]
fn inspect_prints_layers_and_totals() {
    let desk = Desk::new();
    let shown = desk.nervecord(&["inspect", &bundled("policy", "model.onnx")]).done().stdout;
    for part in ["fc0", "dense", "tanh", "4736", "total"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let folder = desk.nervecord(&["inspect", &bundled("policy", "")]).done().stdout;
    let config = desk.nervecord(&["inspect", &bundled("policy", "config.json")]).done().stdout;
    let layers = |text: &str| text.split_once("sha256").map(|(_, rest)| rest.to_owned());
    assert_eq!(layers(&folder), layers(&shown));
    assert_eq!(layers(&config), layers(&shown));
}

#[test]
fn compile_writes_the_module_and_the_report_and_check_compares() {
    let desk = Desk::new();
    let said = desk.on("compile", "policy", &["-o", "p.rs", "--report", "report"]).done().stdout;
    assert!(said.contains("multiply-accumulates") && said.contains("wrote p.rs"), "{said}");
    assert!(desk.read("p.rs").contains("pub mod policy {"));
    assert!(desk.read("report/report.html").contains("</html>"));
    let report: serde_json::Value = serde_json::from_str(&desk.read("report/report.json")).unwrap();
    assert_eq!(report["macs"], 4736);

    desk.on("compile", "policy", &["-o", "p.rs", "--check"]).done();
    let stale = desk.on("compile", "policy", &["-o", "p.rs", "--check", "--weights", "16"]);
    assert_eq!(stale.code, 1);
    assert!(stale.stderr.contains("p.rs is stale") && stale.stdout.is_empty(), "{}", stale.stderr);
    desk.file("p.rs", [0xff, 0xfe]);
    assert_eq!(desk.on("compile", "policy", &["-o", "p.rs", "--check"]).code, 1);
    assert_eq!(desk.names(), ["p.rs", "report"]);
}

#[test]
fn options_change_the_module_as_they_say() {
    let desk = Desk::new();
    let named = ["-o", "p.rs", "--name", "Arm Policy", "--cpu", "cortex-m4"];
    desk.on("compile", "policy", &named).done();
    let module = desk.read("p.rs");
    assert!(module.contains("pub mod arm_policy {") && module.contains("pub struct ArmPolicy"));
    assert!(module.contains("--weights auto --tolerance 0.02 --cpu cortex-m4"));
    let layers = |weights: &str| {
        desk.on("compile", "policy", &["-o", "p.rs", "--weights", weights]).done().stdout
    };
    assert!(layers("4").contains("dense i4") && !layers("4").contains("dense i8"));
    assert!(layers("8").contains("dense i8") && !layers("8").contains("dense i16"));
    assert!(layers("16").contains("dense i16") && !layers("16").contains("dense i8"));
    // The rounding of 4 bits by itself leaves five times the tolerance: layers are fitted to what those before them write.
    assert!(layers("4").contains("within the tolerance of 0.02"), "{}", layers("4"));
    // A tolerance that i8 cannot meet widens layers, and says which and why.
    let tight = desk.on("compile", "policy", &["-o", "p.rs", "--tolerance", "0.001"]).done().stdout;
    assert!(tight.contains("dense i16") && tight.contains("widened"), "{tight}");
}

#[test]
fn compile_says_how_near_float_it_came_and_strict_insists() {
    let desk = Desk::new();
    let said = desk.on("compile", "policy", &["-o", "p.rs", "--strict"]).done();
    let promise = "100 calibration rows held out from every decision: within the tolerance of 0.02";
    assert!(said.stdout.contains(promise), "{}", said.stdout);
    assert_eq!(said.stderr, "");
    // What no width of weights gives is told, and with --strict it is a failure; the module is there.
    let out_of_reach = ["-o", "far.rs", "--tolerance", "1e-6"];
    let said = desk.on("compile", "policy", &out_of_reach);
    assert_eq!(said.code, 0);
    for part in ["the tolerance was not reached", "NOT within the tolerance of 0.000001", "help: "]
    {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
    let strict = [&out_of_reach[..], &["--strict"]].concat();
    assert_eq!(desk.on("compile", "policy", &strict).code, 1);
    assert!(desk.read("far.rs").contains("pub mod policy"));
    assert_eq!(desk.on("compile", "policy", &[&strict[..], &["--check"]].concat()).code, 1);
    assert_eq!(desk.on("compile", "policy", &[&out_of_reach[..], &["--check"]].concat()).code, 0);
}

#[test]
fn run_writes_reals_integers_or_floats() {
    let desk = Desk::new();
    let vectors = bundled("policy", "vectors.csv");
    let rows = |file: &str, more: &[&str]| {
        let arguments = [&["--input", &vectors, "-o", file], more].concat();
        assert_eq!(desk.on("run", "policy", &arguments).done().stdout, "");
        let data = Data::read(&desk.path(file)).unwrap();
        assert_eq!(data.columns, ["y0", "y1"]);
        assert_eq!(data.rows.len(), 200);
        data.rows
    };
    let fixed = rows("y.csv", &[]);
    let raw = rows("raw.csv", &["--raw"]);
    let float = rows("float.csv", &["--float"]);
    for ((fixed, raw), float) in fixed.iter().zip(&raw).zip(&float) {
        for ((y, integer), exact) in fixed.iter().zip(raw).zip(float) {
            assert_eq!(*y, integer / 32768.0, "I1F15");
            assert_eq!(integer.fract(), 0.0);
            assert!((y - exact).abs() < 0.02);
        }
    }
    let given = Data::read(vectors.as_ref()).unwrap();
    let given = given.beside("y", 2, "output", vectors.as_ref()).unwrap().unwrap();
    for (found, given) in float.iter().flatten().zip(given.iter().flatten()) {
        assert!((found - given).abs() < 1e-5);
    }
}

#[test]
fn the_float_network_needs_no_calibration() {
    let desk = Desk::new();
    let model = bundled("policy", "model.onnx");
    let vectors = bundled("policy", "vectors.csv");
    let run = ["run", &model, "--input", &vectors, "-o", "y.csv"];
    desk.nervecord(&[&run[..], &["--float"]].concat()).done();
    desk.nervecord(&run).refused(&["no calibration data", "--calibration", "nervecord.toml"]);
}

#[test]
fn verify_judges_and_reports() {
    let desk = Desk::new();
    let vectors = bundled("digits", "vectors.csv");
    let labels = bundled("digits", "labels.csv");
    let given = ["--vectors", &vectors, "--labels", &labels];
    let said = desk.on("verify", "digits", &given).done().stdout;
    for part in ["accuracy", "same class as float", "99.9%", "  passed: Integers and float name"] {
        assert!(said.contains(part), "{part}: {said}");
    }

    let said = desk.on("verify", "digits", &[&given[..], &["--json"]].concat()).done().stdout;
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&json["rows"], &json["passed"]), (&200.into(), &true.into()));
    let numbers = [
        "max_error",
        "p999_error",
        "rms_error",
        "max_relative_error",
        "p999_relative_error",
        "relative_error",
        "r2",
        "float_max_error",
        "float_relative_error",
        "accuracy",
        "float_accuracy",
        "same_class",
        "decided_flips",
        "flash_bytes",
        "ram_bytes",
        "macs",
        "saturated_rows",
    ];
    for key in numbers {
        assert!(json[key].is_number(), "{key}: {json}");
    }
    assert_eq!(json["outputs"].as_array().map(Vec::len), Some(10));
    assert!(json["verdict"].as_str().unwrap().contains("same class"), "{json}");
}

/// The first `rows` rows of a bundled model's vectors, their first `columns` columns.
fn part_of_vectors(model: &str, rows: usize, columns: usize) -> String {
    let table = std::fs::read_to_string(bundled(model, "vectors.csv")).unwrap();
    let cut = |line: &str| line.split(',').take(columns).collect::<Vec<_>>().join(",") + "\n";
    table.lines().take(1 + rows).map(cut).collect()
}

#[test]
fn verify_needs_one_row_and_no_outputs() {
    let desk = Desk::new();
    let one = text(&desk.file("one.csv", part_of_vectors("policy", 1, 10)));
    let said = desk.on("verify", "policy", &["--vectors", &one]).done().stdout;
    assert!(said.contains("passed: On 1 row the integers differ"), "{said}");
    let json = desk.on("verify", "policy", &["--vectors", &one, "--json"]).done().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["relative_error"].is_number() && json["r2"].is_null(), "{json}");
    let inputs = text(&desk.file("inputs.csv", part_of_vectors("policy", 50, 8)));
    let said = desk.on("verify", "policy", &["--vectors", &inputs]).done().stdout;
    assert!(said.contains("float against vectors       -\n"), "{said}");
    assert!(said.contains("no columns y0.."), "{said}");
}

#[test]
fn verify_exits_with_1_outside_the_tolerance_and_for_foreign_vectors() {
    let desk = Desk::new();
    let vectors = bundled("policy", "vectors.csv");
    let tight = ["--vectors", &vectors, "--weights", "8", "--tolerance", "0.0001"];
    let judged = desk.on("verify", "policy", &tight);
    assert_eq!((judged.code, judged.stderr.as_str()), (1, ""));
    assert!(judged.stdout.contains("not within tolerance: the RMS error"), "{}", judged.stdout);
    assert!(judged.stdout.contains("`--weights auto`"), "{}", judged.stdout);
    let widest = ["--vectors", &vectors, "--weights", "16", "--tolerance", "0.0001"];
    let judged = desk.on("verify", "policy", &widest);
    assert_eq!(judged.code, 1);
    assert!(!judged.stdout.contains("--weights"), "{}", judged.stdout);

    let mut foreign = String::from("x0,x1,x2,x3,x4,x5,x6,x7,y0,y1\n");
    (0..8).for_each(|i| foreign += &format!("0,1,0,1,0,0,0,0,{i},{}\n", -i));
    let foreign = text(&desk.file("foreign.csv", foreign));
    let judged = desk.on("verify", "policy", &["--vectors", &foreign]);
    assert_eq!(judged.code, 1);
    let said = judged.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("do they belong to this model"), "{said}");
}

#[test]
fn settings_beside_the_model_are_used() {
    let desk = Desk::new();
    let net = file(small());
    let model = text(&desk.file("m/net.onnx", net));
    let compile = ["compile", &model, "-o", "net.rs"];
    desk.file("m/nervecord.toml", "[inputs]\nx0 = [-1, 1]\nx1 = [-2, 2]\n");
    desk.nervecord(&compile).done();
    assert!(desk.read("net.rs").contains("declared ranges"));
    for (settings, parts) in [
        ("[inputs]\nx0 = [-1, 1]\n", &["input x1", "--calibration", "nervecord.toml"][..]),
        ("[inputs]\nx0 = [-1, 1]\nx1 = [2, -2]\n", &["[inputs] x1", "low < high", "[2, -2]"]),
        ("[inputs]\nx0 = [-1, 1]\nx1 = [0, 2]\nspeed = [0, 1]\n", &["[inputs] speed", "x0 to x1"]),
        ("[calibration]\npercentile = 20\n", &["percentile", "above 50"]),
        ("[calibration]\nmargin = 0.5\n", &["margin", "1 to 16"]),
        ("[calibration]\nmargn = 2\n", &["nervecord.toml", "margn"]),
        ("[calibration]\nsequence = 0\n", &["sequence", "1 or more", "found: 0"]),
        ("[calibration]\nsequence = -3\n", &["sequence", "found: -3"]),
        ("[calibration]\nsequence = 2.5\n", &["nervecord.toml cannot be read", "line 2"]),
        (
            "[calibration]\ncolumns = [\"a\"]\n",
            &["columns", "2 names", "found: 1", "model's order"],
        ),
        ("[calibration]\ncolumns = [\"a\", \"a\"]\n", &["declared twice", "found: a"]),
        ("[calibration]\ncolumns = [\"a\", \" b\"]\n", &["cannot be read from a table", "\" b\""]),
        ("[calibration]\ncolumns = [\"a\", \"1\"]\n", &["cannot be read from a table", "\"1\""]),
        ("[calibration]\ncolumns = [\"a\", \"y0\"]\n", &["a column of results", "input y0"]),
        ("[sparsity]\nweight = true\n", &["line 2", "weight"]),
        ("[inputs", &["nervecord.toml cannot be read"]),
    ] {
        desk.file("m/nervecord.toml", settings);
        desk.nervecord(&compile).refused(parts).refused(&["nervecord.toml"]);
    }
}

#[test]
fn the_demo_runs_in_a_pipe() {
    let said = Desk::new().nervecord(&["demo"]).done().stdout;
    for part in ["policy", "digits", "regressor", "passed", "What to try next"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains('\x1b'), "colour codes in a pipe");
}

#[test]
fn a_board_that_does_not_exist_is_answered_with_those_that_do() {
    let desk = Desk::new();
    let parts = ["no such board", "abacus", "qemu-cortex-m0", "qemu-cortex-m4", "qemu-riscv32"];
    desk.on("emulate", "policy", &["--board", "abacus"]).refused(&parts);
}
