//! The committed figures of every model on every board, and whether new ones are worse.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use nervecord_cli::emulate::Measured;
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};

use crate::checkout::root;

/// What the columns after model and board are.
pub const COLUMNS: [&str; 6] = ["instructions", "cycles", "code B", "tables B", "RAM B", "stack B"];

/// The figures of a model on a board, in the order of [`COLUMNS`]; none where there is no such figure.
pub type Row = [Option<u64>; COLUMNS.len()];

/// Figures by model and board, kept in `xtask/figures.csv`.
#[derive(Debug, Default, PartialEq)]
pub struct Figures(BTreeMap<(String, String), Row>);

impl Figures {
    /// The committed ones; none if there is no file yet.
    ///
    /// # Errors
    /// A line cannot be read.
    pub fn committed() -> Result<Self> {
        let path = file();
        if !path.is_file() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        Self::parse(&text).ok_or_else(|| {
            Error::new("the committed figures cannot be read")
                .file(&path)
                .help("delete it and run `cargo xtask bench --save`")
        })
    }

    /// Replaces the committed ones.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> Result<()> {
        write_atomic(&file(), self.text().as_bytes())
    }

    /// Adds or replaces what was measured.
    pub fn set(&mut self, model: &str, board: &str, measured: &Measured) {
        self.0.insert((model.to_owned(), board.to_owned()), row(measured));
    }

    /// The figures of a model on a board.
    pub fn get(&self, model: &str, board: &str) -> Option<Row> {
        self.0.get(&(model.to_owned(), board.to_owned())).copied()
    }

    /// Refuses what is worse than here by more than one part in a hundred, or not here at all.
    ///
    /// # Errors
    /// It is; the message names every such figure.
    pub fn check(&self, model: &str, board: &str, measured: &Measured) -> Result<()> {
        self.compare(model, board, row(measured))
    }

    fn compare(&self, model: &str, board: &str, new: Row) -> Result<()> {
        let at = format!("{model} on {board}");
        let save = format!("`cargo xtask bench --board {board} --model {model} --save --write`");
        let Some(old) = self.get(model, board) else {
            let missing = Error::new("there are no committed figures").at(at);
            return Err(missing.help(format!("run {save}")));
        };
        let worse: Vec<usize> = (0..COLUMNS.len())
            .filter(|&i| old[i].zip(new[i]).is_some_and(|(old, new)| new * 100 > old * 101))
            .collect();
        let list = |row: Row| {
            let cells = worse.iter().map(|&i| format!("{} {}", row[i].unwrap_or(0), COLUMNS[i]));
            cells.collect::<Vec<_>>().join(", ")
        };
        match worse.is_empty() {
            true => Ok(()),
            false => Err(Error::new("figures are worse than the committed ones by more than 1%")
                .at(at)
                .expected(list(old))
                .found(list(new))
                .help(format!("find what costs that, or commit it with {save}"))),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut figures = Self::default();
        for line in text.lines().skip(1) {
            let mut cells = line.split(',');
            let key = (cells.next()?.to_owned(), cells.next()?.to_owned());
            let number = |cell: &str| match cell {
                "" => Some(None),
                digits => digits.parse().ok().map(Some),
            };
            let row: Vec<Option<u64>> = cells.map(number).collect::<Option<_>>()?;
            figures.0.insert(key, row.try_into().ok()?);
        }
        Some(figures)
    }

    fn text(&self) -> String {
        let mut text = format!("model,board,{}\n", COLUMNS.join(","));
        for ((model, board), row) in &self.0 {
            let cells = row.map(|n| n.map_or_else(String::new, |n| n.to_string())).join(",");
            text += &format!("{model},{board},{cells}\n");
        }
        text
    }
}

fn file() -> PathBuf {
    root().join("xtask/figures.csv")
}

/// The figures of a measurement.
pub fn row(measured: &Measured) -> Row {
    let Measured { cycles, code_bytes, table_bytes, ram_bytes, stack_bytes, .. } = *measured;
    let some = [measured.max(), code_bytes, table_bytes, ram_bytes, stack_bytes].map(Some);
    [some[0], cycles, some[1], some[2], some[3], some[4]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        let row = [Some(1000), None, Some(200), Some(3), Some(4), Some(5)];
        figures.0.insert(("A".into(), "qemu-cortex-m55".into()), row);
        figures
    }

    #[test]
    fn figures_survive_their_file() {
        let figures = figures();
        assert_eq!(Figures::parse(&figures.text()), Some(figures));
        assert_eq!(Figures::parse("head\nA,b,1,2\n"), None);
        assert_eq!(Figures::parse("head\nA,b,1,2,3,4,5,x\n"), None);
    }

    #[test]
    fn more_than_a_hundredth_is_worse_and_named() {
        let compare = |instructions, code| {
            let new = [Some(instructions), Some(9), Some(code), Some(3), Some(4), Some(5)];
            figures().compare("A", "qemu-cortex-m55", new)
        };
        assert_eq!(compare(1010, 202), Ok(()));
        assert_eq!(compare(1, 2), Ok(()));
        let message = compare(1011, 203).unwrap_err().to_string();
        for part in ["A on qemu-cortex-m55", "1000 instructions, 200 code B", "1011 instructions"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(figures().compare("B", "qemu-cortex-m55", [None; 6]).is_err());
    }
}
