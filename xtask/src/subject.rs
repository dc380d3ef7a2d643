//! What is emulated: a generated module, the rows that go in, and the host's rows that come out.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::graph::Graph;
use nervecord_codegen::{Error, Result};

use crate::networks::Random;
use crate::root;

/// Rows for a module that comes without its own.
const ROWS: usize = 100;

/// A module with its rows.
pub struct Subject {
    /// What reports call it.
    pub name: String,
    /// The generated Rust.
    pub module: String,
    /// Bits of a raw input.
    pub input_bits: u32,
    /// Raw input rows.
    pub rows: Vec<Vec<i32>>,
    /// The host's raw output rows; without them the boards are compared with one another.
    pub expected: Option<Vec<Vec<i32>>>,
}

/// The bundled models: every folder in `models/` that holds a trained file.
///
/// # Errors
/// There is none, or the folder cannot be read.
pub fn bundled() -> Result<Vec<PathBuf>> {
    let folder = root().join("models");
    let entries = fs::read_dir(&folder).map_err(|e| Error::io("read", &folder, &e))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("model.onnx").is_file() || path.join("config.json").is_file())
        .collect();
    found.sort();
    match found.is_empty() {
        true => Err(Error::new("there are no bundled models").file(&folder)),
        false => Ok(found),
    }
}

/// A subject from a model folder, a trained file, or a generated module.
///
/// # Errors
/// It cannot be read or compiled.
pub fn load(path: &Path) -> Result<Subject> {
    if path.extension().is_some_and(|e| e == "rs") { from_module(path) } else { from_model(path) }
}

fn from_model(path: &Path) -> Result<Subject> {
    Err(Error::new("this build has no compiler for trained files")
        .file(path)
        .help("give a generated module (.rs)"))
}

/// A subject from a network made in memory, calibrated and run on `rows`.
///
/// # Errors
/// It cannot be compiled.
pub fn from_graph(graph: &Graph, rows: &[Vec<f64>]) -> Result<Subject> {
    Err(Error::new("this build has no compiler for graphs")
        .at(&graph.name)
        .found(format!("{} rows", rows.len())))
}

/// A generated module on random rows.
fn from_module(path: &Path) -> Result<Subject> {
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
    Ok(Subject {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        rows: (0..ROWS).map(|_| row()).collect(),
        module,
        input_bits,
        expected: None,
    })
}
