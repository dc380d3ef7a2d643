//! What is emulated, from whatever names it.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::data::{Data, write_atomic};
use nervecord_codegen::emulate::Job;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::import::Source;
use nervecord_codegen::quantize::Weights;
use nervecord_codegen::{Compiler, Error, Result};

use crate::networks::{self, Random};
use crate::{root, splines};

/// Rows for layers that come without their own.
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

/// Random rows behind a model's own, so that no time hides in inputs that its data never show;
/// fewer for a model so wide that they would hold more values than [`RANDOM_VALUES`].
const RANDOM_ROWS: usize = 1000;
const RANDOM_VALUES: usize = 100_000;

/// Rows over the full range of raw inputs of so many bits, its ends more often than chance has it.
fn random_rows(columns: usize, bits: u32) -> Vec<Vec<i32>> {
    let mut random = Random::new(1);
    let mut value = || {
        let wide = random.next() as i32 >> (32 - bits);
        match random.next() % 16 {
            0 => i32::MIN >> (32 - bits),
            1 => i32::MAX >> (32 - bits),
            _ => wide,
        }
    };
    let rows = RANDOM_ROWS.min(RANDOM_VALUES / columns.max(1));
    (0..rows).map(|_| (0..columns).map(|_| value()).collect()).collect()
}

/// A trained model on its test vectors, or, without them, on its calibration data, and on random
/// rows.
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
    let input = &compiled.program.input;
    let mut raws: Vec<_> = rows.iter().map(|row| input.to_raws(row)).collect();
    raws.extend(random_rows(input.features(), input.bits()));
    Job::of(name_of(path), &compiled, raws)
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
    let raws = rows.iter().map(|row| compiled.program.input.to_raws(row)).collect();
    Job::of(name_of(&name), &compiled, raws)
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
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
    Ok(Job::new(name_of(path), module, input_bits, random_rows(columns, input_bits)))
}
