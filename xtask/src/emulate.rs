//! `cargo xtask emulate`: the same bits on every core, and what a step takes there.

use std::path::PathBuf;

use nervecord_cli::emulate::{self, Board, Counting, Firmware, Job, Kind, Measured, Reach, STEP};
use nervecord_codegen::{Error, Result};

use crate::checkout::{boards, say};
use crate::{subject, table};

/// Columns of the table.
const HEAD: [&str; 11] = [
    "model", "board", "rows", "equal", "min", "max", "code B", "tables B", "RAM B", "stack B",
    "at most",
];

/// Runs models on boards; whether every output was the host's.
///
/// # Errors
/// Something cannot be built or run.
pub fn emulate(board: &str, models: &[PathBuf], profile: bool) -> Result<bool> {
    let boards = boards(board)?;
    let paths = if models.is_empty() { subject::all()? } else { models.to_vec() };
    let mut rows = Vec::new();
    let mut all_equal = true;
    for path in paths {
        let mut job = subject::load(&path)?;
        for board in &boards {
            say(&format!("{} on {}", job.name, board.name));
            let measured = check(board, &job)?;
            if measured.counting == Counting::Log {
                say("  counted from the emulator's log, since it takes no plugin");
            }
            if profile {
                print_profile(&measured);
            }
            // Without a host's word the first core's is the one to meet.
            let expected = job.expected.get_or_insert_with(|| measured.outputs.clone());
            let equal = measured.equal_rows(expected);
            all_equal &= equal == job.rows.len();
            rows.push(report(&job.name, board, equal, &measured));
        }
    }
    println!("Instructions of a step are executed ones under emulation, not cycles of hardware.");
    table::print(&HEAD, &rows);
    Ok(all_equal)
}

/// Checks one job on one board: as [`measure`], and nothing in the path that may not be.
///
/// # Errors
/// What is not as promised.
pub fn check(board: &Board, job: &Job) -> Result<Measured> {
    let measured = measure(board, job)?;
    let at = |e: Error| e.at(format!("{} on {}", job.name, board.name));
    // What was measured, of which the firmware around the step may do as it likes, and what has nothing but the step.
    Reach::of(&measured.firmware)?.require(STEP).map_err(at)?;
    let bare = Firmware::build(board, &job.module, Kind::Bare)?;
    Reach::of(&bare)?.require_all().map_err(at)?;
    Ok(measured)
}

/// Runs one job on one board: the host's bits, in the same time for every row unless the job allows others.
///
/// # Errors
/// What is not as promised.
pub fn measure(board: &Board, job: &Job) -> Result<Measured> {
    let at = format!("{} on {}", job.name, board.name);
    let measured = emulate::emulate(board, job)?;
    if let Some(expected) = &job.expected {
        let equal = measured.equal_rows(expected);
        if equal != expected.len() {
            return Err(Error::new("the core's outputs are not the host's")
                .at(at)
                .expected(format!("{} equal rows", expected.len()))
                .found(equal));
        }
    }
    if job.constant_time && measured.min() != measured.max() {
        return Err(Error::new("a step's time depends on its input")
            .at(at)
            .expected("as many instructions for every row")
            .found(format!("{} to {}", measured.min(), measured.max())));
    }
    Ok(measured)
}

/// Prints the functions of a step with their instructions and bytes, the busiest first.
pub fn print_profile(measured: &Measured) {
    let steps = measured.instructions.len().max(1) as u64;
    let mut functions: Vec<_> = measured.functions.iter().collect();
    functions.sort_by_key(|(function, count)| (std::cmp::Reverse(*count), function.address));
    for (function, count) in functions {
        println!(
            "  {:>8} instructions {:>6} B  {}",
            count / steps,
            function.bytes,
            function.name()
        );
    }
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
    let bound = measured.stack_bound.map_or("-".to_owned(), |bytes| bytes.to_string());
    let cells = words.into_iter().chain(rows.iter().chain(&numbers).map(u64::to_string));
    cells.chain([bound]).collect()
}
