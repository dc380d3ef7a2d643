//! Tables as numpy saves them: a header of a tiny fixed grammar, then numbers.

use std::io::{BufRead, BufReader, Read};

use super::names::{Names, empty};
use super::source::{LONGEST_ROW, Source};
use crate::error::{Error, Result};

/// How every `.npy` file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// No array of numbers has a longer header.
const LONGEST_HEADER: usize = 1 << 12;
/// No network has so many inputs.
const MOST_COLUMNS: u64 = 1 << 20;

/// The rows of a `.npy` file.
pub struct Rows {
    reader: BufReader<Source>,
    kind: Kind,
    columns: usize,
    rows: u64,
    /// The bytes of one row; of the whole array where its columns are stored one after the other.
    bytes: Vec<u8>,
    by_column: bool,
}

/// How a number is stored.
#[derive(Clone, Copy)]
struct Kind {
    bytes: usize,
    read: fn(&[u8]) -> f64,
}

/// What a header says.
#[derive(Debug, Default, PartialEq)]
struct Header {
    descr: Option<String>,
    fortran_order: Option<bool>,
    shape: Option<Vec<u64>>,
}

impl Rows {
    /// Reads the header; columns are called `x0`, `x1`, ...
    pub fn open(source: Source) -> Result<(Names, Self)> {
        let mut reader = BufReader::with_capacity(1 << 16, source);
        let header = header(&mut reader)?;
        let found = || format!("the header `{}`", header.chars().take(100).collect::<String>());
        let Some(Header { descr: Some(descr), fortran_order: Some(by_column), shape: Some(shape) }) =
            parse(&header)
        else {
            return Err(unreadable(found()));
        };
        let &[rows, columns] = shape.as_slice() else {
            return Err(Error::new("the array has the wrong number of axes")
                .expected("two: [rows, columns]")
                .found(format!("shape {shape:?}"))
                .help("save it as array.reshape(rows, -1)"));
        };
        if rows == 0 || columns == 0 {
            return Err(empty());
        }
        if columns > MOST_COLUMNS {
            return Err(Error::new("the array has too many columns")
                .expected(format!("at most {MOST_COLUMNS}"))
                .found(columns)
                .help("save it as [rows, columns]: one row a step, one column an input"));
        }
        let kind = kind(&descr)?;
        let names = (0..columns).map(|i| format!("x{i}")).collect();
        let mut rows =
            Self { reader, kind, columns: columns as usize, rows, bytes: vec![], by_column };
        if by_column {
            let total =
                rows.rows.checked_mul(columns).and_then(|n| n.checked_mul(kind.bytes as u64));
            let total = total.ok_or_else(cut_off)?;
            rows.reader.get_mut().allow(usize::MAX);
            rows.read(total)?;
        }
        Ok((names, rows))
    }

    /// Reads row `number`, counted from 1, into `row`; false at the end.
    pub fn next(&mut self, number: u64, row: &mut Vec<f64>) -> Result<bool> {
        row.clear();
        self.reader.get_mut().allow(LONGEST_ROW);
        if number > self.rows {
            return match self.reader.fill_buf().map_err(unreadable)?.is_empty() {
                true => Ok(false),
                false => Err(unreadable("there is more behind the array")
                    .help("save one array a file with numpy.save")),
            };
        }
        if self.by_column {
            let column = self.rows as usize * self.kind.bytes;
            let columns = self.bytes.chunks_exact(column);
            let cells =
                columns.filter_map(|c| c.chunks_exact(self.kind.bytes).nth(number as usize - 1));
            row.extend(cells.map(self.kind.read));
        } else {
            self.read((self.columns * self.kind.bytes) as u64)?;
            row.extend(self.bytes.chunks_exact(self.kind.bytes).map(self.kind.read));
        }
        Ok(true)
    }

    /// Takes memory for what is there, not for what the header claims.
    fn read(&mut self, length: u64) -> Result<()> {
        self.bytes.clear();
        let read = self.reader.by_ref().take(length).read_to_end(&mut self.bytes);
        match read.map_err(unreadable)? as u64 == length {
            true => Ok(()),
            false => Err(cut_off()),
        }
    }

    /// What was read.
    pub fn into_source(self) -> Source {
        self.reader.into_inner()
    }
}

fn header(reader: &mut impl Read) -> Result<String> {
    let mut bytes = |length: usize| {
        let mut bytes = Vec::new();
        let read = reader.by_ref().take(length as u64).read_to_end(&mut bytes);
        match read.map_err(unreadable)? == length {
            true => Ok(bytes),
            false => Err(cut_off()),
        }
    };
    let start = bytes(MAGIC.len() + 2)?;
    // The length has two bytes in version 1 and four in those after it.
    let wide = start.get(MAGIC.len()).is_some_and(|&version| version > 1);
    let length = bytes(if wide { 4 } else { 2 })?;
    let length = length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
    if !start.starts_with(MAGIC) || length > LONGEST_HEADER {
        return Err(unreadable("it does not begin as an array of numbers does"));
    }
    Ok(String::from_utf8_lossy(&bytes(length)?).trim().to_owned())
}

fn kind(descr: &str) -> Result<Kind> {
    // Pieces have the length that the type wants; NaN, which no row may hold, stands for others.
    let (bytes, read): (usize, fn(&[u8]) -> f64) = match descr {
        "<f8" => (8, |b| b.try_into().map_or(f64::NAN, f64::from_le_bytes)),
        "<f4" => (4, |b| b.try_into().map_or(f64::NAN, |b| f32::from_le_bytes(b).into())),
        "<i8" => (8, |b| b.try_into().map_or(f64::NAN, |b| i64::from_le_bytes(b) as f64)),
        "<i4" => (4, |b| b.try_into().map_or(f64::NAN, |b| i32::from_le_bytes(b).into())),
        "<i2" => (2, |b| b.try_into().map_or(f64::NAN, |b| i16::from_le_bytes(b).into())),
        "|i1" => (1, |b| b.try_into().map_or(f64::NAN, |b| i8::from_le_bytes(b).into())),
        "|u1" => (1, |b| b.try_into().map_or(f64::NAN, |b| u8::from_le_bytes(b).into())),
        other => {
            return Err(Error::new("the array's element type is not supported")
                .expected("<f8, <f4, <i8, <i4, <i2, |i1 or |u1")
                .found(other)
                .help("save it with numpy as float32"));
        }
    };
    Ok(Kind { bytes, read })
}

fn unreadable(found: impl std::fmt::Display) -> Error {
    Error::new("the file is not a readable .npy array")
        .expected("a little-endian float or integer array of shape [rows, columns]")
        .found(found)
        .help("save it again with numpy.save, and copy it in binary mode")
}

fn cut_off() -> Error {
    unreadable("it ends before its last number")
}

/// The header's literal: three keys, each once, in any order.
fn parse(text: &str) -> Option<Header> {
    let mut header = Header::default();
    let mut rest = Rest(text);
    rest.eat("{")?;
    while rest.eat("}").is_none() {
        let key = rest.string()?;
        rest.eat(":")?;
        let again = match key {
            "descr" => header.descr.replace(rest.string()?.to_owned()).is_some(),
            "fortran_order" => {
                let value = rest.eat("True").is_some();
                if !value {
                    rest.eat("False")?;
                }
                header.fortran_order.replace(value).is_some()
            }
            "shape" => header.shape.replace(rest.tuple()?).is_some(),
            _ => return None,
        };
        if again || (rest.eat(",").is_none() && !rest.0.trim_start().starts_with('}')) {
            return None;
        }
    }
    rest.0.trim().is_empty().then_some(header)
}

/// What is left of a literal.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn eat(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn string(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (string, rest) = text.get(1..)?.split_once(quote)?;
        self.0 = rest;
        Some(string)
    }

    fn tuple(&mut self) -> Option<Vec<u64>> {
        self.eat("(")?;
        let mut numbers = Vec::new();
        while self.eat(")").is_none() {
            let text = self.0.trim_start();
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            numbers.push(text.get(..digits)?.parse().ok()?);
            self.0 = text.get(digits..)?;
            if self.eat(",").is_none() && !self.0.trim_start().starts_with(')') {
                return None;
            }
        }
        Some(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_numpy_writes_are_understood() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
        let header = Header {
            descr: Some("<f4".into()),
            fortran_order: Some(false),
            shape: Some(vec![3, 2]),
        };
        assert_eq!(parse(text), Some(header));
        let vector = "{\"shape\": (7,), 'fortran_order':True, 'descr': '|i1'}";
        let header = parse(vector).unwrap();
        assert_eq!((header.fortran_order, header.shape), (Some(true), Some(vec![7])));
    }

    #[test]
    fn other_headers_are_refused_at_once() {
        let nested = format!("{{'descr': {}{}, }}", "[(".repeat(2000), ")]".repeat(2000));
        for text in [
            nested.as_str(),
            "",
            "{",
            "{'descr': '<f4'",
            "{'shape': [99999999999999, 2]}",
            "{'shape': (3 2)}",
            "{'shape': (-3, 2)}",
            "{'shape': (99999999999999999999999, 2)}",
            "{'shape': (3, 2), 'shape': (3, 2)}",
            "{'fortran_order': Maybe}",
            "{'more': '1'}",
            "{'descr': '<f4'} extra",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
