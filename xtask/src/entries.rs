//! The table of figures: a line a model on a board, as it is printed and as the documents have it. Stands on the figures
//! and on what a step has to do.

use nervecord_cli::emulate::Board;
use nervecord_codegen::Result;

use crate::figures::{COLUMNS, Figures, Row};
use crate::limits::{Work, bar};
use crate::subject;

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
    pub fn good(&self) -> bool {
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
