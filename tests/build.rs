//! A build script as a firmware project has it: the module lands in `OUT_DIR` for `include!`. Beside it go
//! modules of networks with dead parts, for `tests/dead.rs`, of random ones, for `tests/drawn.rs`, and of one
//! whose inputs differ in range so much that each has its own 32-bit format, of one with several inputs and outputs, of
//! one with limits for a guard, under two calibrations, and of one whose width is chosen at each step.

// What the tests use of these is more than is needed here.
#[allow(dead_code)]
#[path = "src/built.rs"]
mod built;
#[path = "src/dead.rs"]
mod dead;
#[allow(dead_code, unused_imports)]
#[path = "src/drawn/mod.rs"]
mod drawn;
#[allow(dead_code)]
#[path = "src/network.rs"]
mod network;
#[allow(dead_code)]
#[path = "src/random.rs"]
mod random;
#[path = "src/widths.rs"]
mod widths;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use nervecord_codegen::Result;
use nervecord_codegen::graph::{Dense, Graph, Layer, Part};
use nervecord_codegen::options::Weights;
use nervecord_codegen::output::write_atomic;

/// Seeds of the networks whose modules are built.
const SEEDS: std::ops::Range<u64> = 0..27;

fn main() {
    let made = nervecord_codegen::Compiler::new("../models/policy/model.onnx")
        .calibration("../models/policy/calibration.csv")
        .compile()
        .and_then(|()| write("dead.rs", &dead::modules()?))
        .and_then(|()| write("drawn.rs", &drawn_modules()?))
        .and_then(|()| write("mixed.rs", &mixed_module()?))
        .and_then(|()| write("actor.rs", &actor_module()?))
        .and_then(|()| write("guarded.rs", &guarded_modules()?))
        .and_then(|()| write("slim.rs", &widths::compile()?.module()));
    println!("cargo::rerun-if-changed=src");
    if let Err(error) = made {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}

fn write(name: &str, modules: &str) -> Result<()> {
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    write_atomic(&folder.join(name), modules.as_bytes())
}

/// The modules of those networks that can be compiled, and a list of their checks.
fn drawn_modules() -> Result<String> {
    let (mut text, mut names) = (String::new(), Vec::new());
    for seed in SEEDS {
        let drawn = drawn::draw(seed)?;
        // A panic is for the test to tell, which judges the same networks.
        let compile = || network::compile(drawn.graph, drawn.weights, &drawn.rows);
        let Ok(Ok(compiled)) = catch_unwind(AssertUnwindSafe(compile)) else { continue };
        let name = format!("drawn_{seed}");
        text += &built::checked(&name, &compiled, &drawn.fresh[..20]);
        names.push(format!("{name}::check"));
    }
    Ok(text + &format!("pub static DRAWN: &[fn()] = &[{}];\n", names.join(", ")))
}

/// Four inputs, -0.01 to 0.01, 0 to 100, -20000 to 20000 and 300 to 301, with names that are no identifiers.
fn mixed_module() -> Result<String> {
    let mut graph = Graph::new("mixed", "x", 4);
    graph.input_names = ["joint angle", "joint-angle", "names", "7th °C"].map(str::to_owned).into();
    let weights = vec![vec![50.0, 0.005, 2.5e-5, 0.5], vec![-50.0, 0.005, -2.5e-5, 0.25]];
    graph.push("dense", Layer::Dense(Dense::new(weights, vec![-150.0, -75.0])), &[0])?;
    let row = |i: i32| {
        let (t, u) = (f64::from(i * 17 % 41) / 40.0, f64::from(i * 11 % 41) / 40.0);
        vec![0.02 * t - 0.01, 100.0 * u, 40_000.0 * u - 20_000.0, 300.0 + t]
    };
    let rows: Vec<Vec<f64>> = (0..=40).map(row).collect();
    Ok(network::compile(graph, Weights::Auto, &rows)?.module())
}

/// Inputs `obs` of two features and `command` of one; outputs `type` of two, -1 to 1, and `value` of one, -300 to 300.
fn actor_module() -> Result<String> {
    let mut graph = Graph::new("actor", "obs, command", 3);
    let weights = vec![vec![0.5, 0.25, 0.0], vec![0.0, -0.5, 0.25]];
    let action = graph.push("action", Layer::Dense(Dense::new(weights, vec![0.0; 2])), &[0])?;
    let weights = vec![vec![100.0, -100.0, 100.0]];
    let value = graph.push("value", Layer::Dense(Dense::new(weights, vec![0.0])), &[0])?;
    graph.push("outputs", Layer::Concat, &[action, value])?;
    graph.inputs = vec![Part::of("obs", 2), Part::of("command", 1)];
    graph.outputs = vec![Part::of("type", 2), Part::of("value", 1)];
    let row = |i: i32| [17, 11, 7].map(|k| f64::from(i * k % 41) / 20.0 - 1.0).to_vec();
    let rows: Vec<Vec<f64>> = (0..=200).map(row).collect();
    Ok(network::compile(graph, Weights::I16, &rows)?.module())
}

/// A spring and a damper, -2 `angle` - 0.5 `rate`, with one `nervecord.toml` and two calibrations: up to 1 and up to 7.
fn guarded_modules() -> Result<String> {
    const SETTINGS: &str = "
        [guard]
        invalid = 0
        stale = 1
        tables = 16
        [guard.inputs]
        angle = { min = -0.9, max = 0.8, stuck = 4 }
        [guard.outputs]
        y0 = { min = -1.3, max = 1.1, slew = 0.7, safe = 0.1, safe_slew = 0.9 }
    ";
    let module = |name: &str, reach: f64| {
        let mut graph = Graph::new(name, "x", 2);
        graph.input_names = ["angle", "rate"].map(str::to_owned).into();
        let weights = vec![vec![-2.0, -0.5]];
        graph.push("dense", Layer::Dense(Dense::new(weights, vec![0.0])), &[0])?;
        let row = |i: i32| [17, 11].map(|k| reach * (f64::from(i * k % 41) / 20.0 - 1.0)).to_vec();
        let rows: Vec<Vec<f64>> = (0..=200).map(row).collect();
        network::compile_as(graph, Weights::I16, &rows, SETTINGS).map(|made| made.module())
    };
    Ok(module("narrow", 1.0)? + &module("wide", 7.0)?)
}
