//! Tables as text: a header, then rows of as many numbers, divided by commas.

use csv::{ByteRecord, ErrorKind, Reader, Trim};

use super::names::{Names, check_names, empty};
use super::source::{LONGEST_ROW, Source};
use crate::error::{Error, Result};

/// The rows of a CSV file.
pub struct Rows {
    reader: Reader<Source>,
    record: ByteRecord,
}

/// What divides cells in tables that are not read, and what it is called.
const OTHERS: [(char, &str); 2] = [(';', "semicolons"), ('\t', "tabs")];

impl Rows {
    /// Reads the header.
    pub fn open(source: Source) -> Result<(Names, Self)> {
        // Cells are trimmed as they are parsed, which takes no memory.
        let mut reader = csv::ReaderBuilder::new()
            .trim(Trim::Headers)
            .buffer_capacity(1 << 16)
            .from_reader(source);
        let names: Names =
            reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        if names.iter().all(String::is_empty) {
            return Err(empty());
        }
        if let Some((_, what)) =
            OTHERS.iter().find(|(c, _)| names.iter().any(|name| name.contains(*c)))
        {
            return Err(divided_by(what).at("line 1").found(start_of(&names.join(","))));
        }
        if names.iter().any(|c| c.parse::<f64>().is_ok()) {
            return Err(Error::new("the header is missing")
                .at("line 1")
                .expected("column names, such as x0,x1,x2")
                .found(format!("numbers: {}", start_of(&names.join(","))))
                .help("add a first line that names the columns"));
        }
        Ok((names, Self { reader, record: ByteRecord::new() }))
    }

    /// Reads row `number`, counted from 1, into `row`; false at the end.
    pub fn next(&mut self, names: &Names, number: u64, row: &mut Vec<f64>) -> Result<bool> {
        row.clear();
        self.reader.get_mut().allow(LONGEST_ROW);
        let read = self.reader.read_byte_record(&mut self.record);
        if !read.map_err(|e| of_row(e, names.len()))? {
            return Ok(false);
        }
        for (cell, column) in self.record.iter().zip(names) {
            let text = str::from_utf8(cell.trim_ascii()).ok();
            let value = text.and_then(|text| text.parse().ok());
            row.push(value.ok_or_else(|| not_a_number(cell, number, column))?);
        }
        Ok(true)
    }

    /// What was read.
    pub fn into_source(self) -> Source {
        self.reader.into_inner()
    }
}

/// The cells of one column of text, below its name.
pub fn texts(source: Source, column: &str) -> Result<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().trim(Trim::All).from_reader(source);
    let names: Names = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
    check_names(&names)?;
    let Some(position) = names.iter().position(|name| name == column) else {
        return Err(Error::new("a column is missing")
            .at("header")
            .expected(format!("a column `{column}`"))
            .found(start_of(&names.join(",")))
            .help(format!("name the column `{column}` in the first line")));
    };
    let mut cells = Vec::new();
    loop {
        let mut record = csv::StringRecord::new();
        reader.get_mut().allow(LONGEST_ROW);
        if !reader.read_record(&mut record).map_err(unreadable)? {
            return Ok(cells);
        }
        cells.push(record.get(position).unwrap_or_default().to_owned());
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(60).collect()
}

fn unreadable(error: csv::Error) -> Error {
    let refused = Error::new("the file is not a CSV table")
        .expected("a header and rows of as many numbers")
        .help("write text in UTF-8, with a comma between the cells and none at the end of a line");
    match error.kind() {
        ErrorKind::Io(e) => refused.found(e),
        _ => refused.found(error),
    }
}

/// As [`unreadable`], for a row below a header of `columns` names.
fn of_row(error: csv::Error, columns: usize) -> Error {
    let twice =
        matches!(error.kind(), ErrorKind::UnequalLengths { len, .. } if *len == 2 * columns as u64);
    let error = unreadable(error);
    match twice {
        true => error.help("write numbers with a decimal point: a comma ends a cell"),
        false => error,
    }
}

fn divided_by(what: &str) -> Error {
    Error::new(format!("the cells are divided by {what}"))
        .expected("commas between the cells")
        .help("save the table with commas between the cells, and points in the numbers")
}

fn not_a_number(cell: &[u8], row: u64, column: &str) -> Error {
    let text = String::from_utf8_lossy(cell.trim_ascii()).into_owned();
    let place = format!("row {row}, column {column}");
    if let Some((_, what)) = OTHERS.iter().find(|(c, _)| text.contains(*c)) {
        return divided_by(what).at(place).found(format!("`{}`", start_of(&text)));
    }
    let help = match text.as_str() {
        "" => "leave the row or the column out; a comma at the end of a line begins another cell",
        text if text.replacen(',', ".", 1).parse::<f64>().is_ok() => {
            "write the value with a decimal point, not a comma"
        }
        _ => "leave the row or the column out: every cell of the table is read as a number",
    };
    Error::new("a cell is not a number")
        .at(place)
        .expected("a number")
        .found(format!("`{}`", start_of(&text)))
        .help(help)
}
