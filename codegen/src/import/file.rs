//! The bytes of a trained file; stands on the files that are read and nothing else of the importers.

use std::fs;
use std::io::Read;
use std::path::Path;

use crate::error::{Error, Result};
use crate::input;

/// Larger files are refused: nothing that fits a microcontroller needs them.
const MAX_FILE: u64 = 1 << 26;

/// A regular file of at most [`MAX_FILE`] bytes, for reading.
pub fn open(path: &Path) -> Result<fs::File> {
    let io = |e: std::io::Error| Error::io("read", path, &e);
    let file = input::regular(path)?;
    let length = file.metadata().map_err(io)?.len();
    if length > MAX_FILE {
        return Err(Error::new("this is not a model file")
            .file(path)
            .expected(format!("a file of at most {MAX_FILE} bytes"))
            .found(format!("{length} bytes"))
            .help("export the network alone, without its training data or optimizer"));
    }
    Ok(file)
}

/// The bytes of a regular file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| Error::io("read", path, &e);
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
