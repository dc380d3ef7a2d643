//! The committed figures in the documents: written, or compared with what is there.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::data::write_atomic;
use nervecord_codegen::emulate::Board;
use nervecord_codegen::{Error, Result};

use crate::bench::{self, Entry, HEAD};
use crate::figures::{COLUMNS, Figures, Row};
use crate::{root, table};

/// The core whose memory and time the README shows.
const SHOWN: &str = "qemu-cortex-m4";

/// Writes the tables of README.md and docs/figures.md.
///
/// # Errors
/// A document has no place for its table, or cannot be written.
pub fn write(figures: &Figures) -> Result<()> {
    for (path, text) in rendered(figures)? {
        write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

/// Refuses documents with other figures than the committed ones.
///
/// # Errors
/// One has, or cannot be read.
pub fn check(figures: &Figures) -> Result<()> {
    for (path, text) in rendered(figures)? {
        if read(&path)? != text {
            return Err(Error::new("the document does not have the committed figures")
                .file(&path)
                .help("run `cargo xtask bench --write --model A`"));
        }
    }
    Ok(())
}

/// Each document as it should be.
fn rendered(figures: &Figures) -> Result<Vec<(PathBuf, String)>> {
    let entries = bench::committed(figures)?;
    let readme = [("instructions", instructions(&entries)?), ("memory", memory(&entries))];
    let all: Vec<Vec<String>> = entries.iter().map(Entry::cells).collect();
    let full = [("figures", table::render(&HEAD, &all))];
    let place = |path: &str, tables: &[(&str, String)]| {
        let path = root().join(path);
        let text = tables.iter().try_fold(read(&path)?, |text, (mark, table)| {
            fill(&text, mark, table).map_err(|e| e.file(&path))
        })?;
        Ok((path, text))
    };
    Ok(vec![place("README.md", &readme)?, place("docs/figures.md", &full)?])
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

/// A figure in groups of three digits.
fn number(row: Option<Row>, column: usize) -> String {
    let Some(n) = row.and_then(|row| row[column]) else { return "-".to_owned() };
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

/// `text` with a table between `<!-- mark -->` and `<!-- /mark -->`.
fn fill(text: &str, mark: &str, table: &str) -> Result<String> {
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let split = text.split_once(&open).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&close)?;
        Some([before, &open, table, &close, after].concat())
    });
    split.ok_or_else(|| {
        Error::new("the document has no place for the table")
            .expected(format!("lines `{}` and `{close}`", open.trim()))
            .found("not both")
    })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_between_its_marks_and_nowhere_else() {
        let text = "before\n<!-- b -->\nold\n<!-- /b -->\nafter\n";
        let filled = fill(text, "b", "| new |\n").unwrap();
        assert_eq!(filled, "before\n<!-- b -->\n| new |\n<!-- /b -->\nafter\n");
        assert!(fill("no marks", "b", "").is_err());
    }

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
