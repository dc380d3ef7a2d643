//! Networks made in memory, through all phases but the import.

use nervecord_codegen::graph::Graph;
use nervecord_codegen::import::Source;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, Compiler, Result};

/// A graph compiled under its own name with the ranges that its inputs take in `rows`.
///
/// # Errors
/// It cannot be compiled.
///
/// # Panics
/// The calibration data cannot be written.
pub fn compile(graph: Graph, weights: Weights, rows: &[Vec<f64>]) -> Result<Compiled> {
    compile_as(graph, weights, rows, "")
}

/// The same with a `nervecord.toml` of this text.
///
/// # Errors
/// It cannot be compiled, or the settings do not fit it.
///
/// # Panics
/// Settings or calibration data cannot be written.
pub fn compile_as(
    graph: Graph,
    weights: Weights,
    rows: &[Vec<f64>],
    settings: &str,
) -> Result<Compiled> {
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("no folder for the calibration data: {error}"),
    };
    let calibration = folder.path().join("calibration.csv");
    if let Err(error) = std::fs::write(&calibration, table(&graph.input_names, rows)) {
        panic!("no calibration data: {error}");
    }
    let path = folder.path().join("in memory");
    if let Err(error) = std::fs::write(folder.path().join("nervecord.toml"), settings) {
        panic!("no settings: {error}");
    }
    let source = Source { graph, path: path.clone(), sha256: "made in memory".into() };
    Compiler::new(path).calibration(&calibration).weights(weights).build_from(source)
}

/// Rows as CSV with these names, or the columns x0, x1, ... without any.
pub fn table(names: &[String], rows: &[Vec<f64>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let name = |i: usize| names.get(i).cloned().unwrap_or_else(|| format!("x{i}"));
    let head: Vec<String> = (0..columns).map(name).collect();
    let line = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let lines: Vec<String> = [head.join(",")].into_iter().chain(rows.iter().map(line)).collect();
    lines.join("\n") + "\n"
}
