//! `cargo xtask emulate`: the same bits on every core, and what a step takes there.

use std::path::PathBuf;

use nervecord_codegen::emulate::{self, Board, Firmware, Job, Kind, Measured};
use nervecord_codegen::{Error, Result};

use crate::subject::{self, Subject};
use crate::{boards, table};

/// Columns of the table.
const HEAD: [&str; 10] =
    ["model", "board", "rows", "equal", "min", "max", "code B", "tables B", "RAM B", "stack B"];

/// Runs models on boards; whether every output was the host's.
///
/// # Errors
/// Something cannot be built or run.
pub fn emulate(board: &str, models: &[PathBuf]) -> Result<bool> {
    let boards = boards(board)?;
    let paths = if models.is_empty() { subject::bundled()? } else { models.to_vec() };
    let mut rows = Vec::new();
    let mut all_equal = true;
    for path in paths {
        let mut subject = subject::load(&path)?;
        for board in &boards {
            let measured = run(board, &subject)?;
            // Without a host's word the first core's is the one to meet.
            let expected = subject.expected.get_or_insert_with(|| measured.outputs.clone());
            let equal = equal_rows(expected, &measured.outputs);
            all_equal &= equal == subject.rows.len();
            rows.push(report(&subject.name, board, equal, &measured));
        }
    }
    println!("Instructions of a step are executed ones under emulation, not cycles of hardware.");
    table::print(&HEAD, &rows);
    Ok(all_equal)
}

/// Runs one subject on one board.
///
/// # Errors
/// The firmware does not build, run or fit.
pub fn run(board: &Board, subject: &Subject) -> Result<Measured> {
    let module = module_file(subject)?;
    emulate::emulate(board, &Job::new(module.path(), &subject.rows, subject.input_bits))
}

/// Checks one subject on one board: the host's bits, and nothing in the path that may not be.
///
/// # Errors
/// What is not as promised.
pub fn check(board: &Board, subject: &Subject) -> Result<Measured> {
    let measured = run(board, subject)?;
    if let Some(expected) = &subject.expected {
        let equal = equal_rows(expected, &measured.outputs);
        if equal != expected.len() {
            return Err(Error::new("the core's outputs are not the host's")
                .at(&board.name)
                .expected(format!("{} equal rows", expected.len()))
                .found(equal));
        }
    }
    let module = module_file(subject)?;
    let firmware = Firmware::build(board, module.path(), Kind::Bare)?;
    let forbidden: Vec<String> = firmware.forbidden().iter().map(|f| f.name()).collect();
    match forbidden.is_empty() {
        true => Ok(measured),
        false => Err(Error::new("the inference path can panic, allocate or use soft floats")
            .at(&board.name)
            .found(forbidden.join(", "))),
    }
}

/// Puts a generated module where cargo can read it.
///
/// # Errors
/// It cannot be written.
pub fn module_file(subject: &Subject) -> Result<tempfile::NamedTempFile> {
    let folder = std::env::temp_dir();
    let write = || {
        let file = tempfile::Builder::new().suffix(".rs").tempfile_in(&folder)?;
        std::fs::write(file.path(), &subject.module)?;
        Ok(file)
    };
    write().map_err(|e| Error::io("write", &folder, &e))
}

fn equal_rows(expected: &[Vec<i32>], found: &[Vec<i32>]) -> usize {
    expected.iter().zip(found).filter(|(a, b)| a == b).count()
}

fn report(name: &str, board: &Board, equal: usize, measured: &Measured) -> Vec<String> {
    let numbers = [
        measured.min(),
        measured.max(),
        measured.code_bytes,
        measured.table_bytes,
        measured.ram_bytes,
        measured.stack_bytes,
    ];
    let words = [name.to_owned(), board.name.clone()];
    let rows = [measured.outputs.len() as u64, equal as u64];
    words.into_iter().chain(rows.iter().chain(&numbers).map(u64::to_string)).collect()
}
