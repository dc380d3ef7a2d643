//! What is emulated, from whatever names it.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_cli::emulate::Job;
use nervecord_codegen::data::Data;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::import;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, Compiler, Error, Result};
use nervecord_tests::made;
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::shapes::{self, SHAPES, Shape};

use crate::checkout::root;
use crate::limits::Work;
use crate::{features, splines};

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

/// Networks made in memory, under the names that [`load`] knows: layers of many sizes with weights
/// of either width, spline layers of many sizes, layers that treat every feature by itself, that compare what they
/// read, at many places, and with gates.
pub const MADE: [&str; 9] = [
    "edges-i4",
    "edges-i8",
    "edges-i16",
    "splines",
    "features",
    "heads",
    "windows",
    "windows-i4",
    "gates",
];

/// Whether it is a name of [`MADE`].
pub fn is_made(path: &Path) -> bool {
    MADE.iter().any(|name| path == Path::new(name))
}

/// What is checked unless something is named: the bundled models, and those made in memory.
///
/// # Errors
/// As for [`bundled`].
pub fn all() -> Result<Vec<PathBuf>> {
    Ok(bundled()?.into_iter().chain(MADE.map(PathBuf::from)).collect())
}

/// What the project's speed is stated for: networks A to E and K, two of them in 4 bits, and the bundled models.
///
/// # Errors
/// As for [`bundled`].
pub fn benched() -> Result<Vec<PathBuf>> {
    let shapes = SHAPES.iter().map(|shape| shape.letter).chain(["B4", "C4"]);
    Ok(shapes.map(PathBuf::from).chain(bundled()?).collect())
}

/// A model of `models/` by its name, or the path itself.
fn resolved(path: &Path) -> PathBuf {
    let bundled = root().join("models").join(path);
    if path.components().count() == 1 && bundled.is_dir() { bundled } else { path.to_owned() }
}

/// What a step of a model has to do; nothing is known of a generated module.
///
/// # Errors
/// It cannot be read.
pub fn work(path: &Path) -> Result<Work> {
    if let Some((shape, _)) = shape(path) {
        return Ok(Work::of(&shape.graph()?));
    }
    if is_made(path) || path.extension().is_some_and(|e| e == "rs") {
        return Ok(Work::default());
    }
    Ok(Work::of(&import::load(&resolved(path))?.graph))
}

/// A job from a model folder, a trained file, a generated module, or a name: of a bundled model, of
/// [`SHAPES`], or of [`MADE`].
///
/// # Errors
/// It cannot be read or compiled.
pub fn load(path: &Path) -> Result<Job> {
    match path.to_str() {
        Some("edges-i4") => return edges("edges-i4", Weights::I4),
        Some("edges-i8") => return edges("edges-i8", Weights::I8),
        Some("edges-i16") => return edges("edges-i16", Weights::I16),
        Some("splines") => return Ok(splines::job()),
        Some("features") => return Ok(features::job()),
        Some("heads") => return made(made::heads()?, &made::HEAD_RANGES, Weights::I8),
        Some("windows") => {
            return made(made::windows()?, &[1.0; made::WINDOW_INPUTS], Weights::I8);
        }
        Some("windows-i4") => {
            let graph = Graph { name: "windows-i4".into(), ..made::windows()? };
            return made(graph, &[1.0; made::WINDOW_INPUTS], Weights::I4);
        }
        Some("gates") => return made(made::gates()?, &[1.0; made::GATE_INPUTS], Weights::I8),
        _ => {}
    }
    if let Some((shape, weights)) = shape(path) {
        let inputs = Random::new(7).rows(SHAPE_ROWS, shape.widths[0]);
        let job = from_graph(shape.graph()?, &inputs, weights)?;
        return Ok(Job { name: path.display().to_string(), ..job });
    }
    let path = &resolved(path);
    if path.extension().is_some_and(|e| e == "rs") { from_module(path) } else { from_model(path) }
}

/// A network of [`SHAPES`] by its letter, of i8 weights; with a 4 behind it, in weights of 4 bits.
fn shape(name: &Path) -> Option<(&'static Shape, Weights)> {
    let in_four = name.to_str().and_then(|name| name.strip_suffix('4')).map(Path::new);
    let of = |name: &Path, weights| Shape::named(name).map(|shape| (shape, weights));
    of(name, Weights::I8).or_else(|| of(in_four?, Weights::I4))
}

fn edges(name: &str, weights: Weights) -> Result<Job> {
    let inputs = Random::new(7).rows(ROWS, shapes::EDGES.widths[0]);
    let job = from_graph(shapes::EDGES.graph()?, &inputs, weights)?;
    Ok(Job { name: name.to_owned(), ..job })
}

/// A network made in memory on random rows of those ranges, and on random raw ones.
fn made(graph: Graph, ranges: &[f64], weights: Weights) -> Result<Job> {
    let mut rows = Random::new(7).rows(ROWS, ranges.len());
    for row in &mut rows {
        row.iter_mut().zip(ranges).for_each(|(x, range)| *x *= range);
    }
    let name = graph.name.clone();
    let compiled = network::compile(Graph { name: "model".into(), ..graph }, weights, &rows)?;
    Job::of(name, &compiled, with_random(&compiled, &rows))
}

/// Rows of a network in [`SHAPES`], whose steps all take the same time.
const SHAPE_ROWS: usize = 32;

/// Random rows behind a model's own, so that no time hides in inputs that its data never show;
/// fewer for a model so wide that they would hold more values than [`RANDOM_VALUES`].
const RANDOM_ROWS: usize = 1000;
const RANDOM_VALUES: usize = 100_000;

/// Rows over the full range of raw inputs of so many bits, its ends more often than chance has it.
fn random_rows(columns: usize, bits: u32) -> Vec<Vec<i32>> {
    let mut random = Random::new(1);
    let mut value = || {
        let wide = random.bits() as i32 >> (32 - bits);
        match random.bits() % 16 {
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
    let compiled = compile(path)?;
    let vectors = folder(path).join("vectors.csv");
    let rows = match vectors.is_file() {
        true => Data::read(&vectors)?.inputs(&compiled.graph, &vectors)?,
        false => compiled.calibration.rows.clone(),
    };
    Job::of(name_of(path), &compiled, with_random(&compiled, &rows))
}

/// The folder that a model is or lies in.
pub fn folder(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(path) }
}

/// A trained model, calibrated on the data beside it.
///
/// # Errors
/// It cannot be read or compiled.
pub fn compile(path: &Path) -> Result<Compiled> {
    let calibration = folder(path).join("calibration.csv");
    let mut compiler = Compiler::new(path).name("model");
    // A circuit knows the ranges of its inputs itself.
    if calibration.is_file() {
        compiler = compiler.calibration(&calibration);
    }
    compiler.build()
}

/// Raw rows, and random ones behind them.
pub fn with_random(compiled: &Compiled, rows: &[Vec<f64>]) -> Vec<Vec<i32>> {
    let input = &compiled.program.input;
    let raws = rows.iter().map(|row| input.to_raws(row));
    raws.chain(random_rows(input.features(), input.bits())).collect()
}

/// A network made in memory with weights of one width, calibrated and run on `rows`.
///
/// # Errors
/// It cannot be compiled.
pub fn from_graph(graph: Graph, rows: &[Vec<f64>], weights: Weights) -> Result<Job> {
    let name = graph.name.clone();
    let compiled = network::compile(Graph { name: "model".into(), ..graph }, weights, rows)?;
    let raws = rows.iter().map(|row| compiled.program.input.to_raws(row)).collect();
    Job::of(name, &compiled, raws)
}

fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
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
