//! Tables of numbers in and out: CSV with a header, and `.npy`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::graph::Graph;

/// How every `.npy` file begins.
const NPY_MAGIC: &[u8] = b"\x93NUMPY";

/// Rows of finite numbers with named columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Column names; a `.npy` file's are `x0`, `x1`, ...
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<f64>>,
}

impl Data {
    /// Reads a CSV file with a header, or a two-dimensional `.npy` file.
    ///
    /// # Errors
    /// The file is missing, empty, ragged, without a header, or holds something that is not a
    /// finite number.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(|e| Error::io("read", path, &e))?;
        let data = if path.extension().is_some_and(|e| e == "npy") {
            Self::from_npy(&bytes)
        } else {
            Self::from_csv(&bytes)
        };
        data.and_then(Self::checked).map_err(|e| e.file(path))
    }

    fn from_csv(bytes: &[u8]) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let unreadable = |e: csv::Error| {
            Error::new("the file is not a CSV table")
                .expected("a header and rows of as many numbers")
                .found(e)
                .help("write text in UTF-8, with a comma between the cells and none at the end of a line")
        };
        let columns: Vec<String> =
            reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        if columns.iter().all(|c| c.is_empty()) {
            return Err(empty());
        }
        if columns.iter().any(|c| c.parse::<f64>().is_ok()) {
            return Err(Error::new("the header is missing")
                .at("line 1")
                .expected("column names, such as x0,x1,x2")
                .found(format!(
                    "numbers: {}",
                    columns.join(",").chars().take(60).collect::<String>()
                ))
                .help("add a first line that names the columns"));
        }
        let mut rows = Vec::new();
        for (i, record) in reader.records().enumerate() {
            let record = record.map_err(unreadable)?;
            let cell = |(cell, column): (&str, &String)| {
                cell.parse::<f64>().map_err(|_| {
                    Error::new("a cell is not a number")
                        .at(format!("row {}, column {column}", i + 1))
                        .expected("a number")
                        .found(format!("`{cell}`"))
                        .help("leave the row out, or write the value with a decimal point")
                })
            };
            rows.push(record.iter().zip(&columns).map(cell).collect::<Result<_>>()?);
        }
        Ok(Self { columns, rows })
    }

    fn from_npy(bytes: &[u8]) -> Result<Self> {
        let unreadable = |e: std::io::Error| {
            Error::new("the file is not a readable .npy array")
                .expected("a little-endian float or integer array of shape [rows, columns]")
                .found(e)
                .help("save it again with numpy.save, and copy it in binary mode")
        };
        if bytes.starts_with(NPY_MAGIC) && !is_as_long_as_its_header_says(bytes) {
            return Err(unreadable(std::io::ErrorKind::UnexpectedEof.into()));
        }
        let npy = npyz::NpyFile::new(bytes).map_err(unreadable)?;
        let shape = npy.shape().to_vec();
        let [rows, columns] = shape[..] else {
            return Err(Error::new("the array has the wrong number of axes")
                .expected("two: [rows, columns]")
                .found(format!("shape {shape:?}"))
                .help("save it as array.reshape(rows, -1)"));
        };
        if shape.contains(&0) {
            return Err(empty());
        }
        let c_order = npy.order() == npyz::Order::C;
        let dtype = npy.dtype();
        let values: Vec<f64> = match dtype.descr().trim_matches(['\'', '"']) {
            "<f8" => npy.into_vec::<f64>().map_err(unreadable)?,
            "<f4" => widen(npy.into_vec::<f32>().map_err(unreadable)?),
            "<i4" => widen(npy.into_vec::<i32>().map_err(unreadable)?),
            "<i2" => widen(npy.into_vec::<i16>().map_err(unreadable)?),
            "|i1" => widen(npy.into_vec::<i8>().map_err(unreadable)?),
            "|u1" => widen(npy.into_vec::<u8>().map_err(unreadable)?),
            "<i8" => npy.into_vec::<i64>().map_err(unreadable)?.iter().map(|&v| v as f64).collect(),
            other => {
                return Err(Error::new("the array's element type is not supported")
                    .expected("<f8, <f4, <i8, <i4, <i2, |i1 or |u1")
                    .found(other)
                    .help("save it with numpy as float32"));
            }
        };
        let (rows, columns) = (rows as usize, columns as usize);
        let at = |r: usize, c: usize| if c_order { r * columns + c } else { c * rows + r };
        let row = |r| (0..columns).filter_map(|c| values.get(at(r, c)).copied()).collect();
        Ok(Self {
            columns: (0..columns).map(|i| format!("x{i}")).collect(),
            rows: (0..rows).map(row).collect(),
        })
    }

    fn checked(self) -> Result<Self> {
        if self.rows.is_empty() || self.columns.is_empty() {
            return Err(empty());
        }
        for (i, row) in self.rows.iter().enumerate() {
            if let Some((column, bad)) = self.columns.iter().zip(row).find(|(_, v)| !v.is_finite())
            {
                return Err(Error::new("a value is not finite")
                    .at(format!("row {}, column {column}", i + 1))
                    .expected("a finite number")
                    .found(bad)
                    .help("remove the row or repair what recorded it"));
            }
        }
        Ok(self)
    }

    /// The columns named `prefix0`, `prefix1`, ... in order; none if there is no `prefix0`.
    fn numbered(&self, prefix: &str) -> Vec<usize> {
        let position = |i: usize| self.columns.iter().position(|c| *c == format!("{prefix}{i}"));
        (0..).map_while(position).collect()
    }

    fn pick(&self, columns: &[usize]) -> Vec<Vec<f64>> {
        self.rows.iter().map(|row| columns.iter().map(|&c| row[c]).collect()).collect()
    }

    /// The inputs of each row: the columns the graph names (`x0`, `x1`, ...), or all columns by
    /// position if none has such a name. Optional inputs without a column
    /// have the value that the graph says.
    ///
    /// # Errors
    /// A column is missing, or there is one for an input the model does not have.
    pub fn inputs(&self, graph: &Graph, path: &Path) -> Result<Vec<Vec<f64>>> {
        let n = graph.input_len();
        let names: Vec<String> = (0..n).map(|i| graph.input_name(i)).collect();
        let position = |name: &String| self.columns.iter().position(|c| c == name);
        let mut columns: Vec<Option<usize>> = names.iter().map(position).collect();
        if columns.iter().all(Option::is_none) && self.columns.len() == n {
            columns = (0..n).map(Some).collect();
        }
        let required = n - graph.optional_inputs.len().min(n);
        let missing = columns.iter().take(required).position(Option::is_none);
        let numbered =
            |c: &&String| c.strip_prefix('x').is_some_and(|i| i.parse::<usize>().is_ok());
        let stray = self.columns.iter().filter(numbered).find(|c| !names.contains(c));
        let wrong = |found: String| {
            let (first, last) = (graph.input_name(0), graph.input_name(n - 1));
            Error::new("the table does not fit the model's inputs")
                .file(path)
                .at("header")
                .expected(format!("{n} input columns, {first} to {last}"))
                .found(found)
                .help("use data recorded for this model, one column an input")
        };
        if let Some(stray) = stray.filter(|_| columns[0].is_some() || missing.is_some()) {
            return Err(wrong(format!("an input {stray} that the model does not have")));
        }
        if let Some(i) = missing {
            let header = self.columns.join(",");
            let count = self.columns.len();
            return Err(wrong(format!("no column {} among {count}: {header}", names[i])));
        }
        // The value of input i where it has no column; only optional ones come to that.
        let default = |i: usize| graph.optional_inputs.get(i - required).copied().unwrap_or(0.0);
        let cell =
            |row: &[f64], (i, c): (usize, &Option<usize>)| c.map_or_else(|| default(i), |c| row[c]);
        let cells = |row: &Vec<f64>| columns.iter().enumerate().map(|c| cell(row, c)).collect();
        Ok(self.rows.iter().map(cells).collect())
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
        let columns = self.numbered(prefix);
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

fn widen<T: Into<f64>>(values: Vec<T>) -> Vec<f64> {
    values.into_iter().map(Into::into).collect()
}

fn empty() -> Error {
    Error::new("the table is empty")
        .expected("a header and at least one row")
        .found("no rows")
        .help("record inputs the model will see in use")
}

/// Whether a `.npy` file can hold its header and a byte an element; asked before memory is taken for them.
fn is_as_long_as_its_header_says(bytes: &[u8]) -> bool {
    let header = match bytes.get(NPY_MAGIC.len()..) {
        Some([1, _, a, b, rest @ ..]) => rest.get(..usize::from(u16::from_le_bytes([*a, *b]))),
        Some([_, _, a, b, c, d, rest @ ..]) => {
            rest.get(..u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => None,
    };
    let Some(header) = header.map(String::from_utf8_lossy) else { return false };
    let shape = header.split("shape").nth(1).and_then(|s| s.split(['(', ')']).nth(1));
    let mut lengths = shape.unwrap_or_default().split(',').filter_map(|n| n.trim().parse().ok());
    let count = lengths.try_fold(1usize, usize::checked_mul);
    count.is_some_and(|count| count <= bytes.len())
}

/// A file written beside its place, which it takes with [`Staged::commit`]; else it goes without a trace.
pub struct Staged {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

/// Writes `text` to `path` whole or not at all.
///
/// # Errors
/// The folder does not exist or cannot be written.
pub fn write_atomic(path: &Path, text: &[u8]) -> Result<()> {
    stage(path, text)?.commit()
}

/// Writes `text` beside `path`.
///
/// # Errors
/// The folder does not exist or cannot be written, or `path` is a folder.
pub fn stage(path: &Path, text: &[u8]) -> Result<Staged> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        if path.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // A temporary file is private; the result is as public as any other the user writes.
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        Ok(file)
    };
    let file = write().map_err(|e: std::io::Error| Error::io("write", path, &e))?;
    Ok(Staged { file, path: path.to_owned() })
}

impl Staged {
    /// Puts the file in its place.
    ///
    /// # Errors
    /// The place cannot be taken.
    pub fn commit(self) -> Result<()> {
        let Self { file, path } = self;
        file.persist(&path).map(drop).map_err(|e| Error::io("write", &path, &e.error))
    }
}
