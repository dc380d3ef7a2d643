//! A build script as a firmware project has it: the module lands in `OUT_DIR` for `include!`. And a model
//! whose inputs differ in range so much that each has its own 32-bit format.

use std::path::PathBuf;
use std::{env, fs};

use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::import::Source;
use nervecord_codegen::{Compiler, Error, Result};

fn main() {
    let policy = Compiler::new("../models/policy/model.onnx")
        .calibration("../models/policy/calibration.csv")
        .compile();
    if let Err(error) = policy.and_then(|()| mixed()) {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}

/// Four inputs, -0.01 to 0.01, 0 to 100, -20000 to 20000 and 300 to 301, with names that are no identifiers.
fn mixed() -> Result<()> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut graph = Graph::new("mixed", "x", 4);
    graph.input_names = ["joint angle", "joint-angle", "names", "7th °C"].map(str::to_owned).into();
    let weights = vec![vec![50.0, 0.005, 2.5e-5, 0.5], vec![-50.0, 0.005, -2.5e-5, 0.25]];
    graph.push("dense", Layer::Dense(Dense { weights, bias: vec![-150.0, -75.0] }), &[0])?;
    let mut table = graph.input_names.join(",") + "\n";
    for i in 0..=40 {
        let t = f64::from(i * 17 % 41) / 40.0;
        let u = f64::from(i * 11 % 41) / 40.0;
        let (a, b) = (0.02 * t - 0.01, 100.0 * u);
        let (c, d) = (40_000.0 * u - 20_000.0, 300.0 + t);
        table += &format!("{a},{b},{c},{d}\n");
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| Error::io("write", &path, &e)).map(|()| path)
    };
    let calibration = write("mixed.csv", &table)?;
    let path = PathBuf::from("mixed");
    let source = Source { graph, path: path.clone(), sha256: "made in memory".into() };
    let compiled = Compiler::new(path).calibration(calibration).build_from(source)?;
    write("mixed.rs", &compiled.module()).map(|_| ())
}
