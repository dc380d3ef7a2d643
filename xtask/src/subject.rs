//! What is emulated, from whatever names it.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::data::{Data, write_atomic};
use nervecord_codegen::emulate::Job;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::import::Source;
use nervecord_codegen::quantize::Weights;
use nervecord_codegen::{Compiled, Compiler, Error, Result};

use crate::networks::{self, Random};
use crate::{root, splines};

/// Rows for a module that comes without its own.
const ROWS: usize = 100;

/// The bundled models: every folder in `models/` that holds a trained file.
///
/// # Errors
/// There is none, or the folder cannot be read.
pub fn bundled() -> Result<Vec<PathBuf>> {
    let folder = root().join("models");
    let entries = fs::read_dir(&folder).map_err(|e| Error::io("read", &folder, &e))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            ["model.onnx", "config.json", "circuit.toml"]
                .iter()
                .any(|name| path.join(name).is_file())
        })
        .collect();
    found.sort();
    match found.is_empty() {
        true => Err(Error::new("there are no bundled models").file(&folder)),
        false => Ok(found),
    }
}

/// Layers of many sizes, with weights of either width, under the names that [`load`] knows.
pub const EDGES: [(&str, Weights); 2] = [("edges-i8", Weights::I8), ("edges-i16", Weights::I16)];

/// Spline layers of many sizes, under the name that [`load`] knows.
pub const SPLINES: &str = "splines";

/// What is checked unless something is named: the bundled models, and the edges of kernels.
///
/// # Errors
/// As for [`bundled`].
pub fn all() -> Result<Vec<PathBuf>> {
    Ok(bundled()?
        .into_iter()
        .chain(EDGES.map(|(name, _)| name.into()))
        .chain([SPLINES.into()])
        .collect())
}

/// A job from a model folder, a trained file, a generated module, a name of [`EDGES`], or [`SPLINES`].
///
/// # Errors
/// It cannot be read or compiled.
pub fn load(path: &Path) -> Result<Job> {
    if let Some((name, weights)) = EDGES.iter().find(|(name, _)| path == Path::new(name)) {
        let inputs = Random::new(7).rows(ROWS, networks::EDGES.widths[0]);
        let job = from_graph(networks::EDGES.graph()?, &inputs, *weights)?;
        return Ok(Job { name: (*name).to_owned(), ..job });
    }
    if path == Path::new(SPLINES) {
        return Ok(splines::job());
    }
    if path.extension().is_some_and(|e| e == "rs") { from_module(path) } else { from_model(path) }
}

/// A trained model on its test vectors, or, without them, on its calibration data.
fn from_model(path: &Path) -> Result<Job> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let calibration = folder.join("calibration.csv");
    let mut compiler = Compiler::new(path).name("model");
    // A circuit knows the ranges of its inputs itself.
    if calibration.is_file() {
        compiler = compiler.calibration(&calibration);
    }
    let compiled = compiler.build()?;
    let vectors = folder.join("vectors.csv");
    let rows = match vectors.is_file() {
        true => Data::read(&vectors)?.inputs(&compiled.graph, &vectors)?,
        false => compiled.calibration.rows.clone(),
    };
    job(path, &compiled, &rows)
}

/// A network made in memory with i8 or i16 weights, calibrated and run on `rows`.
///
/// # Errors
/// It cannot be compiled.
pub fn from_graph(graph: Graph, rows: &[Vec<f64>], weights: Weights) -> Result<Job> {
    let name = PathBuf::from(&graph.name);
    let folder = tempfile::tempdir().map_err(|e| Error::io("create", std::env::temp_dir(), &e))?;
    let calibration = folder.path().join("calibration.csv");
    write_atomic(&calibration, csv(rows).as_bytes())?;
    let source = Source { graph, path: name.clone(), sha256: "made in memory".into() };
    let compiled = Compiler::new(&name)
        .calibration(&calibration)
        .weights(weights)
        .name("model")
        .build_from(source)?;
    job(&name, &compiled, rows)
}

fn job(path: &Path, compiled: &Compiled, rows: &[Vec<f64>]) -> Result<Job> {
    let raw = rows.iter().map(|row| compiled.program.input.to_raws(row)).collect();
    Job::of(path.file_stem().unwrap_or_default().to_string_lossy(), compiled, raw)
}

fn csv(rows: &[Vec<f64>]) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\n";
    let columns = rows.first().map_or(0, Vec::len);
    let head = line((0..columns).map(|column| format!("x{column}")).collect());
    rows.iter().fold(head, |text, row| text + &line(row.iter().map(f64::to_string).collect()))
}

/// A generated module on random rows.
fn from_module(path: &Path) -> Result<Job> {
    let module = fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
    let missing = |what: &str| {
        Error::new("this is not a generated module")
            .file(path)
            .expected(format!("a line `{what}..`"))
    };
    let after = |start: &str| {
        let rest = module.lines().find_map(|line| line.trim().strip_prefix(start));
        rest.map(|rest| rest.trim_end_matches(';')).ok_or_else(|| missing(start))
    };
    let columns: usize = after("pub const INPUTS: usize = ")?
        .parse()
        .map_err(|_| missing("pub const INPUTS: usize = "))?;
    let input_bits = if after("pub type RawInput = ")? == "i32" { 32 } else { 16 };
    let mut random = Random::new(1);
    let mut row = || (0..columns).map(|_| i32::from(random.next() as i16)).collect();
    let rows = (0..ROWS).map(|_| row()).collect();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Job::new(name, module, input_bits, rows))
}
