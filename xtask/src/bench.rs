//! `cargo xtask bench`: what a step takes on each core.

use std::path::PathBuf;

use nervecord_cli::emulate::Board;
use nervecord_codegen::Result;
use nervecord_tests::shapes::Shape;

use crate::figures::{self, COLUMNS, Figures, Row};
use crate::limits::{Work, bar};
use crate::{boards, documents, emulate, say, subject, table};

/// What to measure, and what to do with it.
pub struct Wish {
    /// A board, or `all`.
    pub board: String,
    /// Names or paths; networks A to D, K and the bundled models if there is none.
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

/// A model on a board.
pub struct Entry {
    /// The model's name.
    pub model: String,
    /// The board.
    pub board: Board,
    /// What a step has to do.
    pub work: Work,
    /// What it takes; none if it does not fit the board.
    pub row: Option<Row>,
}

impl Entry {
    /// The columns of [`HEAD`].
    pub fn cells(&self) -> Vec<String> {
        let core = self.board.core.as_str();
        let words = [self.model.clone(), self.board.name.clone()];
        let Some(row) = self.row else {
            let dashes = std::iter::repeat_n("-".to_owned(), HEAD.len() - 3);
            return words.into_iter().chain(["does not fit".to_owned()]).chain(dashes).collect();
        };
        let share = |of: Option<f64>| {
            let instructions = row[0].unwrap_or(0) as f64;
            of.map_or_else(|| "-".to_owned(), |of| format!("{:.2}", instructions / of))
        };
        let shares = [
            share(self.work.macs()),
            share(self.work.edges()),
            share(self.work.limit(core)),
            share(bar(&self.model, core, &self.work)),
        ];
        let count = |n: &Option<u64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let (time, sizes) = row.split_at(2);
        let cells = time.iter().map(count).chain(shares).chain(sizes.iter().map(count));
        words.into_iter().chain(cells).collect()
    }

    /// Whether it is below its bar, where there is one.
    fn good(&self) -> bool {
        let bar = bar(&self.model, &self.board.core, &self.work);
        let instructions = self.row.and_then(|row| row[0]);
        bar.zip(instructions).is_none_or(|(bar, instructions)| instructions as f64 <= bar)
    }
}

/// The columns of the table.
pub const HEAD: [&str; 12] = [
    "model",
    "board",
    COLUMNS[0],
    COLUMNS[1],
    "a MAC",
    "an edge",
    "of the limit",
    "of the bar",
    COLUMNS[2],
    COLUMNS[3],
    COLUMNS[4],
    COLUMNS[5],
];

/// Measures and prints; whether every output is the host's, and every figure below its bar or, where
/// figures are checked, not worse than the committed one.
///
/// # Errors
/// Something cannot be built or run, or a document has no place for its table.
pub fn bench(wish: &Wish) -> Result<bool> {
    let boards = boards(&wish.board)?;
    let models = if wish.models.is_empty() { subject::benched()? } else { wish.models.clone() };
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
            if wish.profile {
                emulate::print_profile(&measured);
            }
            if wish.check {
                worse.extend(committed.check(&job.name, &board.name, &measured).err());
            }
            if wish.save {
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
    if wish.write {
        documents::write(&committed)?;
    }
    Ok(if wish.check { worse.is_empty() } else { entries.iter().all(Entry::good) })
}

/// What has committed figures: every benched model on every board, as far as it was saved.
///
/// # Errors
/// A model or the boards cannot be read.
pub fn committed(figures: &Figures) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in subject::benched()? {
        let model = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let work = subject::work(&path)?;
        for board in Board::all()? {
            let row = figures.get(&model, &board.name);
            entries.push(Entry { model: model.clone(), board, work, row });
        }
    }
    Ok(entries)
}
