//! `cargo xtask policies`: what other people's policies take on the core that the README shows, and how near to float
//! they are there. Their files are not here, so CI does not run it.

use std::path::{Path, PathBuf};

use nervecord_cli::emulate::{Board, Job};
use nervecord_codegen::Result;
use nervecord_codegen::data::Vectors;
use nervecord_codegen::verify::verify;

use crate::checkout::{root, say};
use crate::documents::{SHOWN, grouped};
use crate::{emulate, figures, subject, table};

const HEAD: [&str; 7] =
    ["policy", "inputs", "outputs", "instructions", "flash B", "RAM B", "RMS difference"];

/// Measures policies, each a file or folder with `calibration.csv` and `vectors.csv` beside it, and prints their table
/// or puts it into docs/policies.md; whether all are within their tolerance.
///
/// # Errors
/// One cannot be read, compiled or run, or the page has no place for the table.
pub fn policies(paths: &[PathBuf], write: bool) -> Result<bool> {
    let board = Board::find(SHOWN)?;
    let (mut rows, mut good) = (Vec::new(), true);
    for path in paths {
        let folder = subject::folder(path);
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        say(&format!("{name} on {SHOWN}"));
        let (row, passed) = measure(&name, path, &folder.join("vectors.csv"), &board)?;
        rows.push(row);
        good &= passed;
    }
    let table = table::render(&HEAD, &rows);
    match write {
        true => table::Place::find(&root().join("docs/policies.md"), "policies")?.fill(&table)?,
        false => print!("{table}"),
    }
    Ok(good)
}

/// The cells of a policy, and whether it is within its tolerance.
fn measure(name: &str, path: &Path, vectors: &Path, board: &Board) -> Result<(Vec<String>, bool)> {
    let compiled = subject::compile(path)?;
    let vectors = Vectors::read(&compiled.graph, vectors, None)?;
    let verdict = verify(&compiled, &vectors);
    let inputs = subject::with_random(&compiled, &vectors.inputs);
    let measured = emulate::measure(board, &Job::of(name, &compiled, inputs)?)?;
    let [instructions, _, code, tables, ram, _] = figures::row(&measured).map(|n| n.unwrap_or(0));
    let graph = &compiled.graph;
    let numbers = [graph.input_len(), graph.output_len()].map(|n| n.to_string());
    let counts = [instructions, code + tables, ram].map(grouped);
    let cells = [name.to_owned()].into_iter().chain(numbers).chain(counts);
    Ok((cells.chain([format!("{:.4}", verdict.relative_error)]).collect(), verdict.passed))
}
