//! The committed figures in the documents: written, or compared with what is there.

use nervecord_cli::emulate::Board;
use nervecord_codegen::{Error, Result};

use crate::checkout::root;
use crate::entries::{self, Entry, HEAD};
use crate::figures::{COLUMNS, Figures, Row};
use crate::table::{self, Place};

/// The core whose memory and time the README shows.
pub const SHOWN: &str = "qemu-cortex-m4";

/// A document, the name of its table, and the table.
type Tables = [(&'static str, &'static str, String); 3];

/// Writes the tables of README.md and docs/figures.md.
///
/// # Errors
/// A document has no place for its table, or cannot be written.
pub fn write(figures: &Figures) -> Result<()> {
    for (document, name, table) in tables(figures)? {
        Place::find(&root().join(document), name)?.fill(&table)?;
    }
    Ok(())
}

/// Refuses documents with other figures than the committed ones.
///
/// # Errors
/// One has, or cannot be read.
pub fn check(figures: &Figures) -> Result<()> {
    for (document, name, table) in tables(figures)? {
        if Place::find(&root().join(document), name)?.table() != table {
            return Err(Error::new("a document does not have the committed figures")
                .file(document)
                .at(format!("table `{name}`"))
                .help("run `cargo xtask bench --write --model A`"));
        }
    }
    Ok(())
}

fn tables(figures: &Figures) -> Result<Tables> {
    let entries = entries::committed(figures)?;
    let all: Vec<Vec<String>> = entries.iter().map(Entry::cells).collect();
    Ok([
        ("docs/figures.md", "instructions", instructions(&entries)?),
        ("README.md", "memory", memory(&entries)),
        ("docs/figures.md", "figures", table::render(&HEAD, &all)),
    ])
}

/// A line a model, a column a core.
fn instructions(entries: &[Entry]) -> Result<String> {
    let boards = Board::all()?;
    let cores = boards.iter().map(|board| board.core.as_str());
    let head: Vec<&str> = ["a step of"].into_iter().chain(cores).collect();
    let line = |entries: &[Entry]| {
        let first = entries.iter().take(1).map(|entry| entry.model.clone());
        first.chain(entries.iter().map(|entry| number(entry.row, 0))).collect()
    };
    let rows: Vec<Vec<String>> = entries.chunks(boards.len()).map(line).collect();
    Ok(table::render(&head, &rows))
}

/// A line a model on the core that is shown, a column a figure.
fn memory(entries: &[Entry]) -> String {
    let head: Vec<&str> = ["a step of"].into_iter().chain(COLUMNS).collect();
    let shown = entries.iter().filter(|entry| entry.board.name == SHOWN);
    let rows: Vec<Vec<String>> = shown
        .map(|entry| {
            let numbers = (0..COLUMNS.len()).map(|column| number(entry.row, column));
            [entry.model.clone()].into_iter().chain(numbers).collect()
        })
        .collect();
    table::render(&head, &rows)
}

/// A figure, if there is one.
fn number(row: Option<Row>, column: usize) -> String {
    row.and_then(|row| row[column]).map_or_else(|| "-".to_owned(), grouped)
}

/// A number in groups of three digits.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups() {
        let row = |n| Some([Some(n), None, None, None, None, None]);
        assert_eq!(number(row(0), 0), "0");
        assert_eq!(number(row(1_234_567), 0), "1,234,567");
        assert_eq!(number(row(12_034), 0), "12,034");
        assert_eq!(number(row(1), 1), "-");
    }

    /// A figure is changed in one place, `xtask/figures.csv`.
    #[test]
    fn the_documents_have_the_committed_figures() {
        check(&Figures::committed().unwrap()).unwrap();
    }
}
