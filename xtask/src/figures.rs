//! The committed figures of every network on every board, and whether new ones are worse.

use std::collections::BTreeMap;
use std::fs;

use nervecord_codegen::data::write_atomic;
use nervecord_codegen::emulate::Measured;
use nervecord_codegen::{Error, Result};

use crate::root;

/// What the columns after network and board are.
const COLUMNS: [&str; 5] = ["instructions", "code", "tables", "ram", "stack"];

/// The figures of a network on a board, in the order of [`COLUMNS`].
type Row = [u64; COLUMNS.len()];

/// Figures by network and board, kept in `xtask/figures.csv`.
#[derive(Debug, Default, PartialEq)]
pub struct Figures(BTreeMap<(String, String), Row>);

impl Figures {
    /// The committed ones; none if there is no file yet.
    ///
    /// # Errors
    /// A line cannot be read.
    pub fn committed() -> Result<Self> {
        let path = root().join("xtask/figures.csv");
        match path.is_file() {
            true => {
                Self::parse(&fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?)
                    .ok_or_else(|| {
                        Error::new("the committed figures cannot be read")
                            .file(&path)
                            .help("run `cargo xtask bench --save`")
                    })
            }
            false => Ok(Self::default()),
        }
    }

    /// Commits them, so to say.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self) -> Result<()> {
        write_atomic(&root().join("xtask/figures.csv"), self.text().as_bytes())
    }

    /// Adds or replaces what was measured.
    pub fn set(&mut self, network: &str, board: &str, measured: &Measured) {
        self.0.insert((network.to_owned(), board.to_owned()), row(measured));
    }

    /// What is worse than here by more than one part in a hundred, or not here at all.
    pub fn worse(&self, network: &str, board: &str, measured: &Measured) -> Vec<String> {
        let Some(old) = self.0.get(&(network.to_owned(), board.to_owned())) else {
            return vec![format!("{network} on {board}: no committed figures")];
        };
        let pairs = COLUMNS.iter().zip(old.iter().zip(row(measured)));
        pairs
            .filter(|(_, (old, new))| new * 100 > *old * 101)
            .map(|(column, (old, new))| format!("{network} on {board}: {column} {old} -> {new}"))
            .collect()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut figures = Self::default();
        for line in text.lines().skip(1) {
            let mut cells = line.split(',');
            let key = (cells.next()?.to_owned(), cells.next()?.to_owned());
            let row: Vec<u64> =
                cells.map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
            figures.0.insert(key, row.try_into().ok()?);
        }
        Some(figures)
    }

    fn text(&self) -> String {
        let mut text = format!("network,board,{}\n", COLUMNS.join(","));
        for ((network, board), row) in &self.0 {
            let cells = row.map(|n| n.to_string()).join(",");
            text += &format!("{network},{board},{cells}\n");
        }
        text
    }
}

fn row(measured: &Measured) -> Row {
    let Measured { code_bytes, table_bytes, ram_bytes, stack_bytes, .. } = measured;
    [measured.max(), *code_bytes, *table_bytes, *ram_bytes, *stack_bytes]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_survive_their_file() {
        let mut figures = Figures::default();
        figures.0.insert(("A".into(), "qemu-cortex-m0".into()), [1, 2, 3, 4, 5]);
        assert_eq!(Figures::parse(&figures.text()), Some(figures));
        assert_eq!(Figures::parse("head\nA,b,1,2\n"), None);
    }
}
