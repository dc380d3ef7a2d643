//! Tables for a terminal that are also Markdown, and their places in documents.

use std::fs;
use std::path::{Path, PathBuf};

use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};

/// A table; the first column is text, the others are numbers.
pub fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let head = line(&head.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>());
    let rule = widths.iter().enumerate().map(|(column, &width)| {
        if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
    });
    let rule = format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    head + &rule + &rows.iter().map(|row| line(row)).collect::<String>()
}

/// Prints a table.
pub fn print(head: &[&str], rows: &[Vec<String>]) {
    print!("{}", render(head, rows));
}

/// Where a table stands in a document: between `<!-- name -->` and `<!-- /name -->`.
pub struct Place {
    path: PathBuf,
    /// The document up to the table, and from there on, the marks included.
    around: [String; 2],
    table: String,
}

impl Place {
    /// The place of the table of this name.
    ///
    /// # Errors
    /// The document cannot be read or has no such place.
    pub fn find(path: &Path, name: &str) -> Result<Self> {
        let marks = [format!("<!-- {name} -->\n"), format!("<!-- /{name} -->")];
        let text = fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))?;
        let around = text.split_once(&marks[0]).and_then(|(before, rest)| {
            let (table, after) = rest.split_once(&marks[1])?;
            Some(([before.to_owned() + &marks[0], marks[1].clone() + after], table.to_owned()))
        });
        let (around, table) = around.ok_or_else(|| {
            Error::new("the document has no place for the table")
                .file(path)
                .expected(format!("lines `{}` and `{}`", marks[0].trim(), marks[1]))
                .found("not both")
        })?;
        Ok(Self { path: path.to_owned(), around, table })
    }

    /// The table that is there.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Puts the table there.
    ///
    /// # Errors
    /// The document cannot be written.
    pub fn fill(&self, table: &str) -> Result<()> {
        let [before, after] = &self.around;
        write_atomic(&self.path, [before, table, after].concat().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_between_its_marks_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("README.md");
        fs::write(&path, "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n").unwrap();
        Place::find(&path, "bench").unwrap().fill("new\n").unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "before\n<!-- bench -->\nnew\n<!-- /bench -->\nafter\n");
        assert_eq!(Place::find(&path, "bench").unwrap().table(), "new\n");
        assert!(Place::find(&path, "sizes").is_err());
    }
}
