//! Flatbuffers: tables whose fields are found by their number; stands on errors alone.
//!
//! A table begins with the distance back to its list of places: 16 bits its own length, 16 bits the table's, then
//! 16 bits a field, the field's distance from the table's begin or 0 where it is left out. What is no number is
//! stored elsewhere: its field holds the distance to there. A vector begins with how many elements it has.
//! Every distance is checked when it is followed, so that a damaged file is refused and read nowhere else.

use crate::error::{Error, Result};

/// Most elements of a vector of tables: more than any network's tensors, operators and constants.
const MOST_TABLES: usize = 1 << 16;

/// Bytes of a name that are read: a file may give one of any length to many tensors.
const LONGEST_TEXT: usize = 512;

/// A table of a file.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    /// Where it begins.
    at: usize,
    /// The places of its fields, 16 bits each.
    places: &'a [u8],
}

impl<'a> Table<'a> {
    /// The table a file begins with.
    pub fn root(bytes: &'a [u8]) -> Result<Self> {
        Self::at(bytes, follow(bytes, 0)?)
    }

    fn at(bytes: &'a [u8], at: usize) -> Result<Self> {
        let back = i64::from(i32::from_le_bytes(number(bytes, at)?));
        let list = usize::try_from(at as i64 - back).map_err(|_| damaged(at))?;
        let length = usize::from(u16::from_le_bytes(number(bytes, list)?));
        let places = slice(bytes, list, length)?.get(4..).ok_or_else(|| damaged(list))?;
        Ok(Self { bytes, at, places })
    }

    /// Where a field is; none if it is left out.
    fn place(&self, field: usize) -> Option<usize> {
        let place = u16::from_le_bytes(number(self.places, field.checked_mul(2)?).ok()?);
        (place != 0).then(|| self.at + usize::from(place))
    }

    /// The little-endian bytes of a number.
    pub fn number<const N: usize>(&self, field: usize) -> Result<Option<[u8; N]>> {
        self.place(field).map(|at| number(self.bytes, at)).transpose()
    }

    /// A number of 32 bits, 0 where it is left out.
    pub fn int(&self, field: usize) -> Result<i32> {
        Ok(self.number(field)?.map_or(0, i32::from_le_bytes))
    }

    /// A number of 8 bits, 0 where it is left out.
    pub fn byte(&self, field: usize) -> Result<i8> {
        Ok(self.number(field)?.map_or(0, i8::from_le_bytes))
    }

    /// A truth value, false where it is left out.
    pub fn truth(&self, field: usize) -> Result<bool> {
        Ok(self.byte(field)? != 0)
    }

    /// A table.
    pub fn table(&self, field: usize) -> Result<Option<Self>> {
        let table = |at| Self::at(self.bytes, follow(self.bytes, at)?);
        self.place(field).map(table).transpose()
    }

    /// A vector of tables, empty where it is left out.
    pub fn tables(&self, field: usize) -> Result<Vec<Self>> {
        let places = self.vector(field, 4)?;
        if places.bytes.len() / 4 > MOST_TABLES {
            return Err(Error::new("the model has too many parts")
                .expected(format!("at most {MOST_TABLES} tensors, operators or buffers"))
                .found(places.bytes.len() / 4)
                .help("nervecord is for networks that fit a microcontroller"));
        }
        let entries = (places.at..places.at + places.bytes.len()).step_by(4);
        entries.map(|at| Self::at(self.bytes, follow(self.bytes, at)?)).collect()
    }

    /// A vector of numbers of `N` bytes, little-endian; empty where it is left out.
    pub fn numbers<const N: usize>(&self, field: usize) -> Result<&'a [[u8; N]]> {
        Ok(self.vector(field, N)?.bytes.as_chunks().0)
    }

    /// A vector of at most `most` 32-bit integers.
    pub fn ints(&self, field: usize, most: usize) -> Result<Vec<i32>> {
        let numbers = self.numbers(field)?;
        if numbers.len() > most {
            return Err(Error::new("a list of the model is too long")
                .expected(format!("at most {most} axes or tensors"))
                .found(numbers.len())
                .help("the file is damaged: convert the model again"));
        }
        Ok(numbers.iter().map(|&b| i32::from_le_bytes(b)).collect())
    }

    /// A string's first [`LONGEST_TEXT`] bytes; those that are no UTF-8 are replaced. Empty where it is left out.
    pub fn text(&self, field: usize) -> Result<String> {
        let bytes = self.vector(field, 1)?.bytes;
        Ok(String::from_utf8_lossy(bytes.get(..LONGEST_TEXT).unwrap_or(bytes)).into_owned())
    }

    /// The elements of a vector, each of `size` bytes.
    fn vector(&self, field: usize, size: usize) -> Result<Vector<'a>> {
        let Some(place) = self.place(field) else { return Ok(Vector { at: 0, bytes: &[] }) };
        let begin = follow(self.bytes, place)?;
        let count = u32::from_le_bytes(number(self.bytes, begin)?) as usize;
        let length = count.checked_mul(size).ok_or_else(|| damaged(begin))?;
        Ok(Vector { at: begin + 4, bytes: slice(self.bytes, begin + 4, length)? })
    }
}

struct Vector<'a> {
    at: usize,
    bytes: &'a [u8],
}

/// The place whose distance from `at` is stored there.
fn follow(bytes: &[u8], at: usize) -> Result<usize> {
    let distance = u32::from_le_bytes(number(bytes, at)?) as usize;
    at.checked_add(distance).filter(|&to| to < bytes.len()).ok_or_else(|| damaged(at))
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.copied().ok_or_else(|| damaged(at))
}

fn slice(bytes: &[u8], at: usize, length: usize) -> Result<&[u8]> {
    let end = at.checked_add(length);
    end.and_then(|end| bytes.get(at..end)).ok_or_else(|| damaged(at))
}

fn damaged(at: usize) -> Error {
    Error::new("this is not a TensorFlow Lite model, or it is damaged")
        .expected("a flatbuffer whose tables lie inside the file")
        .found(format!("what leads out of the file, at byte {at}"))
        .help("convert the model again, and copy the file in binary mode")
}
