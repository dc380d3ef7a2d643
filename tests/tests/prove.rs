//! Properties decided on the integers, and certificates, through the command line.

mod program;

use nervecord_tests::onnx::{file, small};
use program::{Desk, Outcome, bundled, text};

/// Asks for a property of the bundled policy: a box around 0, and what its outputs may not be.
fn prove(desk: &Desk, half: f64, asserts: &str, more: &[&str]) -> Outcome {
    let ends = |i| format!("(assert (<= X_{i} {half}))\n(assert (>= X_{i} -{half}))\n");
    let limits: String = (0..8).map(ends).collect();
    desk.file("p.vnnlib", format!("; a box\n{limits}{asserts}\n"));
    desk.on("prove", "policy", &[&["--property", "p.vnnlib"], more].concat())
}

/// The number that is said of a name.
fn value(told: &str, name: &str) -> f64 {
    let start = format!("    {name} = ");
    let line = told.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn properties_hold_or_are_violated_or_stay_open() {
    let desk = Desk::new();
    // Beyond its tanh no output is; and near 0 none is near 1.
    for asserts in ["(assert (>= Y_0 1.5))", "(assert (or (>= Y_0 0.999) (>= Y_1 0.999)))"] {
        let told = prove(&desk, 0.02, asserts, &[]).done().stdout;
        assert!(told.starts_with("holds"), "{asserts}: {told}");
    }
    let violated = prove(&desk, 1.0, "(assert (<= Y_0 Y_1))", &[]);
    assert_eq!((violated.code, violated.stderr.as_str()), (1, ""));
    // The input is one of the box, and the model answers what is said.
    let told = violated.stdout;
    let names: Vec<String> = (0..8).map(|i| format!("x{i}")).collect();
    let x: Vec<f64> = names.iter().map(|name| value(&told, name)).collect();
    assert!(x.iter().all(|x| x.abs() <= 1.0), "{told}");
    let [y0, y1] = ["y0", "y1"].map(|name| value(&told, name));
    assert!(y0 <= y1, "{told}");
    let row: Vec<String> = x.iter().map(f64::to_string).collect();
    desk.file("x.csv", format!("{}\n{}\n", names.join(","), row.join(",")));
    desk.on("run", "policy", &["--input", "x.csv", "-o", "y.csv"]);
    assert_eq!(desk.read("y.csv"), format!("y0,y1\n{y0},{y1}\n"));
    // Time that no box is looked at in.
    let open = prove(&desk, 1.25, "(assert (>= Y_0 0.99))", &["--timeout", "0.000001"]);
    assert_eq!(open.code, 3, "{}{}", open.stdout, open.stderr);
    assert!(open.stdout.contains("not decided in 0.000001 s"), "{}", open.stdout);
}

#[test]
fn bad_properties_are_misuse() {
    let desk = Desk::new();
    prove(&desk, 1.0, "(assert (>= Y_2 0))", &[]).refused(&["line 18", "Y_0 to Y_1", "`Y_2`"]);
    prove(&desk, 1.0, "(assert (>= Y_0 0)", &[]).refused(&["closing bracket"]);
    prove(&desk, 1.0, "(assert (>= Y_0 0))", &["--timeout", "0"]).refused(&["--timeout"]);
    prove(&desk, 1.0, "(assert (>= Y_0 0))", &["--timeout", "NaN"]).refused(&["--timeout"]);
    desk.on("prove", "policy", &["--property", "none.vnnlib"]).refused(&["none.vnnlib"]);
    let memory = bundled("gru_hover", "model.onnx");
    let data = bundled("gru_hover", "calibration.csv");
    let ends = |i| format!("(assert (<= X_{i} 1))(assert (>= X_{i} 0))");
    let inputs = std::fs::read_to_string(&data).unwrap().lines().next().unwrap().split(',').count();
    let limits: String = (0..inputs).map(ends).collect();
    desk.file("p.vnnlib", format!("{limits}(assert (>= Y_0 0))"));
    let asked = ["prove", &memory, "--calibration", &data, "--property", "p.vnnlib"];
    desk.nervecord(&asked).refused(&["memory", "--certificate"]);
}

/// The small network with its data and these settings.
fn stated(desk: &Desk, settings: &str) -> String {
    let model = text(&desk.file("small.onnx", file(small())));
    let row =
        |k: u32| format!("{},{}\n", f64::from(k % 20) / 10.0 - 1.0, f64::from(k / 20) / 5.0 - 1.0);
    desk.file("x.csv", format!("x0,x1\n{}", (0..200).map(row).collect::<String>()));
    desk.file("nervecord.toml", settings);
    model
}

const HOLDS: &str = "[[property]]\nname = \"small\"\noutput = \"y0\"\nmin = -100.0\nmax = 100.0\n";
const VIOLATED: &str =
    "[[property]]\nname = \"flat\"\ninputs = { x0 = [-0.5, 0.5] }\noutput = \"y0\"\nmin = 99.0\n";

#[test]
fn properties_of_the_settings_are_decided_and_their_proof_is_checked_again() {
    let desk = Desk::new();
    let model = stated(&desk, &[HOLDS, VIOLATED].concat());
    let data = ["--calibration", "x.csv"];
    let prove = |more: &[&str]| desk.nervecord(&[&["prove", &model], &data[..], more].concat());
    let told = prove(&["--proof", "p.json"]);
    // All are decided, and the worst is what the exit code says.
    assert_eq!((told.code, told.stderr.as_str()), (1, ""));
    let [small, flat] =
        ["holds: small\n  y0 is from -100 to 100, for every input", "violated: flat\n  y0 is"];
    assert!(told.stdout.contains(small) && told.stdout.contains(flat), "{}", told.stdout);
    assert!(
        told.stdout.contains("for x0 from -0.5 to 0.5 and every other input"),
        "{}",
        told.stdout
    );
    assert!(told.stdout.ends_with("wrote p.json\n"), "{}", told.stdout);
    let first = desk.read("p.json");
    prove(&["--proof", "p.json"]);
    assert!(first == desk.read("p.json"), "another run gives other bytes");
    desk.nervecord(&[&["compile", &model, "-o", "m.rs"], &data[..]].concat());
    let certify = || desk.nervecord(&["certify", "p.json", &model, "m.rs"]);
    let followed = certify().done().stdout;
    assert!(followed.starts_with("every claim follows\n  small: 1 y0 <= "), "{followed}");
    assert!(followed.contains("flat: 1 y0 <= "), "{followed}");
    // What was changed is named.
    let refused = |part: &str| {
        let refused = certify();
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(part) && refused.stderr.contains("help"),
            "{}",
            refused.stderr
        );
    };
    let lowered: String = first.replacen("100.5", "-0.5", 1).replacen("-100.", "100.", 1);
    assert!(lowered != first);
    desk.file("p.json", &lowered);
    refused("claims, `small`");
    desk.file(
        "p.json",
        first.replacen("\"calibration_sha256\": \"", "\"calibration_sha256\": \"0", 1),
    );
    refused("calibration_sha256");
    desk.file("p.json", first.replacen("\"model_sha256\": \"", "\"model_sha256\": \"0", 1));
    refused("model_sha256");
    desk.file("p.json", &first);
    let module = desk.read("m.rs");
    desk.file("m.rs", module.replacen("_BIAS: [i32; ", "_BIAS: [i32;  ", 1));
    refused("_BIAS`");
    desk.file("p.json", first.replacen("\"properties\": 1", "\"properties\": 2", 1));
    certify().refused(&["p.json", "format 2"]);
    // A proof may not take the place of what is read.
    prove(&["--proof", "x.csv"]).refused(&["x.csv"]);
    desk.file("nervecord.toml", HOLDS);
    prove(&[]).done();
}

#[test]
fn properties_that_cannot_be_asked_are_misuse() {
    let desk = Desk::new();
    let prove = |settings: &str| {
        let model = stated(&desk, settings);
        desk.nervecord(&["prove", &model, "--calibration", "x.csv"])
    };
    prove("").refused(&["nothing to decide", "[[property]]", "nervecord.toml"]);
    prove(&HOLDS.replace("y0", "y7")).refused(&[
        "nervecord.toml",
        "[[property]] small",
        "y7",
        "y0",
    ]);
    prove(&VIOLATED.replace("x0", "x9")).refused(&[
        "nervecord.toml",
        "[[property]] flat",
        "x9",
        "x0, x1",
    ]);
    prove(&HOLDS.replace("min", "least")).refused(&["nervecord.toml", "line 4", "least"]);
    prove("[[property]]\nname = \"f\"\nfile = \"none.vnnlib\"").refused(&["none.vnnlib"]);
    desk.file("f.vnnlib", "(assert (>= Y_9 0))");
    prove("[[property]]\nname = \"f\"\nfile = \"f.vnnlib\"")
        .refused(&["f.vnnlib", "line 1", "Y_9"]);
}

#[test]
fn a_certificate_is_written_and_holds_until_something_is_changed() {
    let desk = Desk::new();
    let model = stated(&desk, "");
    let compile =
        ["compile", &model, "--calibration", "x.csv", "-o", "m.rs", "--certificate", "c.json"];
    let told = desk.nervecord(&compile);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout.contains("y0 is within") && told.stdout.contains("no sum overflows"),
        "{}",
        told.stdout
    );
    let first = desk.read("c.json");
    desk.nervecord(&compile);
    assert!(first == desk.read("c.json"), "another run gives other bytes");
    let certify = || desk.nervecord(&["certify", "c.json", &model, "m.rs"]);
    assert!(certify().done().stdout.starts_with("every claim follows"));
    let module = desk.read("m.rs");
    desk.file("m.rs", module.replacen("_BIAS: [i32; ", "_BIAS: [i32;  ", 1));
    let refused = certify();
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.contains("_BIAS`") && refused.stderr.contains("help"),
        "{}",
        refused.stderr
    );
    desk.file("m.rs", module);
    let mut lowered: serde_json::Value = serde_json::from_str(&first).unwrap();
    let error = &mut lowered["outputs"][0]["error"];
    *error = (error.as_f64().unwrap() / 2.0).into();
    desk.file("c.json", lowered.to_string());
    let refused = certify();
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("a claim does not follow"), "{}", refused.stderr);
    desk.file("c.json", "{}");
    certify().refused(&["c.json", "cannot be read"]);
    desk.nervecord(&["certify", "none.json", &model, "m.rs"]).refused(&["none.json"]);
    // A certificate may not take the place of what it is made from, and --check writes none.
    desk.nervecord(&[&compile[..6], &["--certificate", "x.csv"]].concat()).refused(&["x.csv"]);
    desk.nervecord(&[&compile[..], &["--check"]].concat()).refused(&["--check"]);
}
