//! `cargo xtask bench`: what a step takes on each core.

use std::path::PathBuf;

use nervecord_codegen::Result;
use nervecord_tests::shapes::Shape;

use crate::checkout::{boards, say};
use crate::entries::{Entry, HEAD};
use crate::figures::{self, Figures};
use crate::{documents, emulate, subject, table};

/// What to measure, and what to do with it.
pub struct BenchOptions {
    /// A board, or `all`.
    pub board: String,
    /// Names or paths; networks A to E, K and the bundled models if there is none.
    pub models: Vec<PathBuf>,
    /// Print which functions the instructions were executed in.
    pub profile: bool,
    /// Compare with the committed figures.
    pub check: bool,
    /// Replace the committed figures.
    pub save: bool,
    /// Write the committed figures into the documents.
    pub write: bool,
}

/// Measures and prints; whether every output is the host's, and every figure below its bar or, where
/// figures are checked, not worse than the committed one.
///
/// # Errors
/// Something cannot be built or run, or a document has no place for its table.
pub fn bench(options: &BenchOptions) -> Result<bool> {
    let boards = boards(&options.board)?;
    let models =
        if options.models.is_empty() { subject::benched()? } else { options.models.clone() };
    let mut committed = Figures::committed()?;
    let mut entries = Vec::new();
    let mut worse = Vec::new();
    for path in &models {
        let work = subject::work(path)?;
        let job = subject::load(path)?;
        for board in &boards {
            if Shape::named(path).is_some_and(|shape| shape.flash() > board.flash_bytes) {
                let (model, board) = (job.name.clone(), board.clone());
                entries.push(Entry { model, board, work, row: None });
                continue;
            }
            say(&format!("{} on {}", job.name, board.name));
            let measured = emulate::measure(board, &job)?;
            if options.profile {
                emulate::print_profile(&measured);
            }
            if options.check {
                worse.extend(committed.check(&job.name, &board.name, &measured).err());
            }
            if options.save {
                // At once, so that an interrupted run has saved what it measured.
                committed.set(&job.name, &board.name, &measured);
                committed.save()?;
            }
            let row = Some(figures::row(&measured));
            entries.push(Entry { model: job.name.clone(), board: board.clone(), work, row });
        }
    }
    println!("Executed instructions of a step under emulation; cycles are the core's published");
    println!("timings applied to them, without wait states, at most. Neither is hardware.");
    let rows: Vec<Vec<String>> = entries.iter().map(Entry::cells).collect();
    table::print(&HEAD, &rows);
    worse.iter().for_each(|error| println!("{error}"));
    if options.write {
        documents::write(&committed)?;
    }
    Ok(if options.check { worse.is_empty() } else { entries.iter().all(Entry::good) })
}
