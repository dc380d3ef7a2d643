//! A table of numbers, whatever its format, row by row or whole. Stands on the formats and the columns' rule.

use std::path::{Path, PathBuf};

use super::columns::{self, Inputs};
use super::names::{Names, check_names, empty};
use super::source::Source;
use super::{csv, npy};
use crate::error::{Error, Result};
use crate::graph::Graph;

/// A table that is read a row at a time.
pub struct Table {
    names: Names,
    rows: Rows,
    /// Rows read so far.
    count: u64,
    path: PathBuf,
}

enum Rows {
    Csv(csv::Rows),
    Npy(npy::Rows),
}

impl Table {
    /// Opens a CSV file with a header, or a two-dimensional `.npy` file, and reads what stands before the rows.
    ///
    /// # Errors
    /// The file cannot be read, is no such table, or has two columns of one name.
    pub fn open(path: &Path) -> Result<Self> {
        let about = |e: Error| e.file(path);
        let mut source = Source::open(path)?;
        // By their first bytes: a pipe has no extension.
        let head = source.peek(npy::MAGIC.len() as u64).map_err(|e| Error::io("read", path, &e))?;
        let is_npy = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        let (names, rows) = if is_npy || head == npy::MAGIC {
            let (names, rows) = npy::Rows::open(source).map_err(about)?;
            (names, Rows::Npy(rows))
        } else {
            refuse_archives(head).map_err(about)?;
            let (names, rows) = csv::Rows::open(source).map_err(about)?;
            check_names(&names).map_err(about)?;
            (names, Rows::Csv(rows))
        };
        Ok(Self { names, rows, count: 0, path: path.to_owned() })
    }

    /// Column names; a `.npy` file's are `x0`, `x1`, ...
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads the next row into `row`, a finite number a column; false at the end.
    ///
    /// # Errors
    /// The row is too short or too long, or holds something that is not a finite number; or there was none.
    pub fn next(&mut self, row: &mut Vec<f64>) -> Result<bool> {
        let number = self.count + 1;
        let read = match &mut self.rows {
            Rows::Csv(rows) => rows.next(&self.names, number, row),
            Rows::Npy(rows) => rows.next(number, row),
        };
        let more = read.map_err(|e| e.file(&self.path))?;
        if let Some((column, bad)) = self.names.iter().zip(&*row).find(|(_, v)| !v.is_finite()) {
            return Err(Error::new("a value is not finite")
                .file(&self.path)
                .at(format!("row {number}, column {column}"))
                .expected("a finite number")
                .found(bad)
                .help("remove the row or repair what recorded it"));
        }
        if !more && self.count == 0 {
            return Err(empty().file(&self.path));
        }
        self.count += u64::from(more);
        Ok(more)
    }

    /// Which columns are the inputs of `graph`.
    ///
    /// # Errors
    /// A column is missing, or there is one for an input the model does not have.
    pub fn inputs(&self, graph: &Graph) -> Result<Inputs> {
        Inputs::of(&self.names, self.is_named(), graph).map_err(|e| e.file(&self.path))
    }

    /// SHA-256 of all that was read, in hexadecimal.
    pub fn sha256(self) -> String {
        match self.rows {
            Rows::Csv(rows) => rows.into_source().sha256(),
            Rows::Npy(rows) => rows.into_source().sha256(),
        }
    }

    /// Whether the file names its columns.
    fn is_named(&self) -> bool {
        matches!(self.rows, Rows::Csv(_))
    }
}

/// Rows of finite numbers with named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Column names; a `.npy` file's are `x0`, `x1`, ...
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<f64>>,
    named: bool,
}

impl Data {
    /// Reads a whole table.
    ///
    /// # Errors
    /// As for [`Table::open`] and [`Table::next`].
    pub fn read(path: &Path) -> Result<Self> {
        let mut table = Table::open(path)?;
        let (mut rows, mut row) = (Vec::new(), Vec::new());
        while table.next(&mut row)? {
            rows.push(row.clone());
        }
        Ok(Self { named: table.is_named(), columns: table.names, rows })
    }

    /// The inputs of each row, as [`Inputs`] finds them.
    ///
    /// # Errors
    /// A column is missing, or there is one for an input the model does not have.
    pub fn inputs(&self, graph: &Graph, path: &Path) -> Result<Vec<Vec<f64>>> {
        self.steps(graph, path).map(|(steps, _)| steps)
    }

    /// As [`inputs`](Self::inputs), and how many steps each row is.
    pub(super) fn steps(&self, graph: &Graph, path: &Path) -> Result<(Vec<Vec<f64>>, usize)> {
        let inputs = Inputs::of(&self.columns, self.named, graph).map_err(|e| e.file(path))?;
        let steps = self.rows.iter().flat_map(|row| inputs.steps(row)).collect();
        Ok((steps, inputs.steps_of_row()))
    }

    /// How many columns `prefix0`, `prefix1`, ... there are one after the other.
    pub(super) fn numbered(&self, prefix: &str) -> usize {
        self.positions(prefix).len()
    }

    /// The columns named `prefix0`, `prefix1`, ... in order; none if there is no `prefix0`.
    fn positions(&self, prefix: &str) -> Vec<usize> {
        let positions = columns::positions(&self.columns);
        (0..).map_while(|i| positions.get(format!("{prefix}{i}").as_str()).copied()).collect()
    }

    fn pick(&self, columns: &[usize]) -> Vec<Vec<f64>> {
        self.rows.iter().map(|row| columns.iter().map(|&c| row[c]).collect()).collect()
    }

    /// Reference values beside the inputs: the columns `prefix0`, `prefix1`, ... of each row, `n` of them;
    /// none if there is no such column. `what` they are is for the message.
    ///
    /// # Errors
    /// There are others, or of another number.
    pub fn beside(
        &self,
        prefix: &str,
        n: usize,
        what: &str,
        path: &Path,
    ) -> Result<Option<Vec<Vec<f64>>>> {
        let is_numbered = |column: &String| {
            column.strip_prefix(prefix).is_some_and(|i| i.parse::<usize>().is_ok())
        };
        let found: Vec<&str> =
            self.columns.iter().filter(|c| is_numbered(c)).map(String::as_str).collect();
        if found.is_empty() {
            return Ok(None);
        }
        let columns = self.positions(prefix);
        if columns.len() != n || found.len() != n {
            let expected = match n {
                0 => format!("no columns {prefix}0..: this model has no {what}s"),
                1 => format!("1 {what} column, {prefix}0"),
                _ => format!("{n} {what} columns, {prefix}0 to {prefix}{}", n - 1),
            };
            let names: String = found.join(",").chars().take(60).collect();
            return Err(Error::new(format!("the vectors do not fit the model's {what}s"))
                .file(path)
                .at("header")
                .expected(expected)
                .found(format!("{}: {names}", found.len()))
                .help(format!(
                    "write each {what} the float network gives for a row beside its inputs, or leave the \
                     columns out; `nervecord run --float --states` writes both"
                )));
        }
        Ok(Some(self.pick(&columns)))
    }
}

/// The cells of column `name` of a CSV file, as text.
///
/// # Errors
/// The file cannot be read, is no table, or has no such column.
pub fn texts(path: &Path, name: &str) -> Result<Vec<String>> {
    csv::texts(Source::open(path)?, name).map_err(|e| e.file(path))
}

/// Refuses what is packed, by its first bytes.
fn refuse_archives(head: &[u8]) -> Result<()> {
    let what = match head {
        [b'P', b'K', 3, 4, ..] => "a zip archive, as .npz and .xlsx files are",
        [0x1f, 0x8b, ..] => "compressed by gzip",
        _ => return Ok(()),
    };
    Err(Error::new("the file is packed")
        .expected("CSV with a header, or one array as numpy.save writes it")
        .found(what)
        .help("unpack it, or save the one array with numpy.save"))
}
