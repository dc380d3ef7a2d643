//! `cargo xtask bench --host`: what a step takes on this machine, by itself and beside others.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::{Graph, Layer};
use nervecord_codegen::import::onnx::proto::GraphProto;
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};
use nervecord_tests::onnx;
use nervecord_tests::shapes::{BATCHES, ROWS_OF_A_BATCH, SHAPES, Shape};

use crate::checkout::{cargo_path, root, say};
use crate::{python, table};

/// Who runs beside.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    /// The Python package, in an environment of its own; runs A, B and the networks of batches in floats
    Onnxruntime,
    /// The Rust crate; runs the example in its package, a dense network 1-16-16-1
    Microflow,
}

/// The version of gungraun in `bench/Cargo.toml`, which its runner must have too.
const GUNGRAUN: &str = "0.20.0";

/// Nanoseconds to stay below for networks A and B on one x86-64 core.
const BARS: [(&str, f64); 2] = [("A", 60.0), ("B", 500.0)];

/// How many times onnxruntime's rate a step is to have.
const TIMES: f64 = 10.0;

/// Runs the benchmarks; whether networks A and B are below their bars, and fast enough beside others.
///
/// # Errors
/// Something cannot be built, installed or run.
pub fn host(instructions: bool, against: &[Peer]) -> Result<bool> {
    bench("step", &[], None)?;
    if instructions {
        bench("instructions", &["--features", "instructions"], Some(&runner()?))?;
    }
    let ours = example("rate")?;
    let mut good = BARS.iter().all(|(network, bar)| {
        ours.iter().all(|(name, nanoseconds)| network != name || nanoseconds <= bar)
    });
    let (mut steps, mut rows) = (vec![], vec![]);
    for peer in against {
        match peer {
            Peer::Onnxruntime => {
                let bars = SHAPES.iter().filter(|s| BARS.iter().any(|(name, _)| *name == s.letter));
                steps.push(("onnxruntime", onnxruntime(1, bars)?));
                rows.push(("onnxruntime", onnxruntime(ROWS_OF_A_BATCH, BATCHES.iter())?));
            }
            Peer::Microflow => steps.push(("microflow", microflow()?)),
        }
    }
    println!("Nanoseconds of a step on one core of this machine, medians of one run.");
    good &= compare(&ours, &steps, TIMES);
    println!(
        "\nNanoseconds of a row of a batch of {ROWS_OF_A_BATCH} on one core, conversions included."
    );
    good &= compare(&example("batch")?, &rows, 1.0);
    Ok(good)
}

/// Prints our times and those of `others`; whether ours are so many times less.
fn compare(ours: &[(String, f64)], others: &[(&str, Vec<(String, f64)>)], bar: f64) -> bool {
    let row = |who: &str, (name, nanoseconds): &(String, f64), times: Option<f64>| {
        let times = times.map_or_else(|| "-".to_owned(), |times| format!("{times:.2}"));
        vec![format!("{who}, {name}"), format!("{nanoseconds:.1}"), times]
    };
    let mut rows: Vec<_> = ours.iter().map(|ours| row("nervecord", ours, None)).collect();
    let mut good = true;
    for (who, theirs) in others {
        for their in theirs {
            let same = ours.iter().find(|(network, _)| *network == their.0);
            let times = same.map(|(_, ours)| their.1 / ours);
            good &= times.is_none_or(|times| times >= bar);
            rows.push(row(who, their, times));
        }
    }
    table::print(&["who, what", "ns", "times ours"], &rows);
    good
}

/// What an example of the package in `bench/` measures.
fn example(name: &str) -> Result<Vec<(String, f64)>> {
    let mut run = cargo("run");
    run.args(["--quiet", "--release", "--package", "nervecord-bench", "--example", name]);
    times(&mut run)
}

/// Runs a benchmark of the package in `bench/`.
fn bench(name: &str, more: &[&str], runner: Option<&Path>) -> Result<()> {
    let mut command = cargo("bench");
    command.args(["--quiet", "--package", "nervecord-bench", "--bench", name]).args(more);
    if let Some(runner) = runner {
        command.env("GUNGRAUN_RUNNER", runner);
    }
    run("a benchmark failed", &mut command)
}

/// The program that runs benchmarks under valgrind, installed if it is not there yet.
fn runner() -> Result<PathBuf> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err(Error::new("instructions are counted by valgrind, which is not installed")
            .expected("valgrind on PATH")
            .help("run `sudo apt-get install -y valgrind`, or leave out --instructions"));
    }
    let place = root().join("target/gungraun");
    let program = place.join("bin").join(format!("gungraun-runner{}", env::consts::EXE_SUFFIX));
    if !program.is_file() {
        say(&format!("installing gungraun-runner {GUNGRAUN} in {}", place.display()));
        let mut install = cargo("install");
        install.args(["--quiet", "--locked", "--version", GUNGRAUN, "gungraun-runner", "--root"]);
        run("gungraun-runner cannot be installed", install.arg(&place))?;
    }
    Ok(program)
}

/// Times of a row of networks in onnxruntime, so many at once.
fn onnxruntime<'a>(
    rows: usize,
    networks: impl Iterator<Item = &'a Shape>,
) -> Result<Vec<(String, f64)>> {
    let place = root().join("target/onnxruntime");
    let requirements = root().join("bench/requirements.txt");
    say(&format!("installing {} in {}", requirements.display(), place.display()));
    let python = python::environment(&place)?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements);
    run("onnxruntime cannot be installed", &mut pip)?;
    let mut rate = Command::new(&python);
    rate.arg(root().join("bench/onnxruntime_rate.py")).arg(rows.to_string());
    for shape in networks {
        let path = place.join(format!("{}.onnx", shape.letter));
        write_atomic(&path, &exported(&shape.graph()?))?;
        rate.arg(path);
    }
    times(&mut rate)
}

fn microflow() -> Result<Vec<(String, f64)>> {
    let place = root().join("bench/microflow");
    let mut metadata = cargo("metadata");
    metadata.args(["--format-version", "1", "--manifest-path"]).arg(place.join("Cargo.toml"));
    let text = output("microflow cannot be had", &mut metadata)?;
    // The one file of its package that is needed, beside the manifest that cargo names.
    let package = text.split('"').find_map(|word| {
        let manifest = Path::new(word);
        let named =
            |name: &str| manifest.parent()?.file_name()?.to_str()?.starts_with(name).then_some(());
        manifest.ends_with("Cargo.toml").then_some(())?;
        named("microflow-0")?;
        manifest.parent()
    });
    let package = package.ok_or_else(|| Error::new("cargo does not say where microflow is"))?;
    let (from, to) = (package.join("models/sine.tflite"), place.join("models/sine.tflite"));
    let model = fs::read(&from).map_err(|e| Error::io("read", &from, &e))?;
    fs::create_dir_all(place.join("models")).map_err(|e| Error::io("create", &place, &e))?;
    write_atomic(&to, &model)?;
    let mut rate = cargo("run");
    rate.args(["--quiet", "--release"]).current_dir(&place);
    times(rate.arg("--target-dir").arg(root().join("target/microflow")))
}

/// A dense network as an ONNX file in floats.
fn exported(graph: &Graph) -> Vec<u8> {
    let (mut nodes, mut constants) = (Vec::new(), Vec::new());
    let tensor = |id: usize| match (id == graph.input, id == graph.output) {
        (true, _) => "x".to_owned(),
        (_, true) => "y".to_owned(),
        _ => format!("t{id}"),
    };
    for node in &graph.nodes {
        let (x, y) = (tensor(node.inputs[0]), tensor(node.output));
        match &node.layer {
            Layer::Dense(dense) => {
                let [w, b] = ["w", "b"].map(|name| format!("{name}{}", node.output));
                // A column an output.
                let (inputs, outputs) = (dense.weights[0].len(), dense.weights.len());
                let column = |i: usize| dense.weights.iter().map(move |row| row[i] as f32);
                let weights: Vec<f32> = (0..inputs).flat_map(column).collect();
                let bias: Vec<f32> = dense.bias.iter().map(|&b| b as f32).collect();
                constants.push(onnx::floats(&w, &[inputs as i64, outputs as i64], &weights));
                constants.push(onnx::floats(&b, &[outputs as i64], &bias));
                nodes.push(onnx::node("Gemm", &[&x, &w, &b], &[&y]));
            }
            Layer::Map(f) if *f == Expr::relu() => nodes.push(onnx::node("Relu", &[&x], &[&y])),
            other => unreachable!("the networks have no {}", other.kind()),
        }
    }
    let output = vec![onnx::port("y", &[0, graph.output_len() as i64])];
    let graph = onnx::graph(graph.input_len() as i64, nodes, constants);
    onnx::file(GraphProto { output, ..graph })
}

fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new(cargo_path());
    cargo.arg(verb).current_dir(root());
    cargo
}

fn run(action: &str, command: &mut Command) -> Result<()> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new(action).at(format!("{command:?}")).found(status)),
        Err(error) => Err(Error::new(action).at(format!("{command:?}")).found(error)),
    }
}

fn output(action: &str, command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => Err(Error::new(action).at(format!("{command:?}")).found(output.status)),
        Err(error) => Err(Error::new(action).at(format!("{command:?}")).found(error)),
    }
}

/// The lines `name nanoseconds` that a program writes.
fn times(command: &mut Command) -> Result<Vec<(String, f64)>> {
    let text = output("a program that is measured failed", command)?;
    let line = |line: &str| {
        let (name, nanoseconds) = line.split_once(' ')?;
        Some((name.to_owned(), nanoseconds.parse().ok()?))
    };
    let times: Option<Vec<(String, f64)>> = text.lines().map(line).collect();
    times.ok_or_else(|| {
        Error::new("a program that is measured does not say its times")
            .at(format!("{command:?}"))
            .expected("lines such as `A 38.2`")
            .found(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_network_is_the_one_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.onnx");
        let graph = SHAPES[0].graph().unwrap();
        fs::write(&path, exported(&graph)).unwrap();
        let read = nervecord_codegen::import::load(&path).unwrap().graph;
        assert_eq!((read.input_len(), read.output_len(), read.macs()), (4, 1, graph.macs()));
    }
}
