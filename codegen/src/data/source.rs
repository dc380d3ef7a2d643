//! Bytes of a data file as they come, digested on the way: a pipe can be read only once.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::input;

/// A longer row is no row: the file is something else, or never ends.
pub const LONGEST_ROW: usize = 1 << 24;

/// An opened data file.
pub struct Source {
    file: File,
    digest: Sha256,
    /// Bytes that were looked at and are still to be read.
    head: Vec<u8>,
    /// Bytes that may still be read.
    allowed: usize,
}

impl Source {
    pub fn open(path: &Path) -> crate::error::Result<Self> {
        let file = input::data(path)?;
        Ok(Self { file, digest: Sha256::new(), head: Vec::new(), allowed: LONGEST_ROW })
    }

    /// The first `length` bytes, fewer if there are no more; they are read again.
    pub fn peek(&mut self, length: u64) -> Result<&[u8]> {
        let mut head = Vec::new();
        self.by_ref().take(length).read_to_end(&mut head)?;
        self.head = head;
        Ok(&self.head)
    }

    /// Reads at most so many bytes more, until told again.
    pub fn allow(&mut self, bytes: usize) {
        self.allowed = bytes;
    }

    /// SHA-256 of all that was read, in hexadecimal.
    pub fn sha256(self) -> String {
        hex(&self.digest.finalize())
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of `bytes`, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if !self.head.is_empty() {
            let read = self.head.as_slice().read(buffer)?;
            self.head.drain(..read);
            return Ok(read);
        }
        let read = self.file.read(buffer)?;
        self.allowed = self.allowed.checked_sub(read).ok_or_else(|| {
            Error::new(ErrorKind::InvalidData, format!("a row of more than {LONGEST_ROW} bytes"))
        })?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}
