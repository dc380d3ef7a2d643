//! The firmware as it lies in the bench's memory, semihosting turned into what a core can do by itself. Stands on nothing.

use nervecord_codegen::{Error, Result};
use object::LittleEndian;
use object::elf::{FileHeader32, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// What a debugger or an emulator takes for a call: `slli x0, x0, 31`, `ebreak`, `srai x0, x0, 7`.
const CALL: [u32; 3] = [0x01f0_1013, 0x0010_0073, 0x4070_5013];
/// What stands there on the bench: `sw a0, -8(x0)`, `sw a1, -4(x0)`, `lw a0, -8(x0)`. The bench makes the call at the
/// second store, so that no core needs a debugger or an exception for it.
const STORED: [u32; 3] = [0xfea0_2c23, 0xfeb0_2e23, 0xff80_2503];

/// A memory's contents.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// The first address.
    pub origin: u32,
    /// Where the program starts.
    pub entry: u32,
    /// What lies from the first address on.
    pub bytes: Vec<u8>,
}

impl Image {
    /// The memory after the ELF file has been loaded.
    ///
    /// # Errors
    /// It is no such file, or calls nobody.
    pub fn of(elf: &[u8]) -> Result<Self> {
        let (entry, segments) = segments(elf).map_err(|error| {
            Error::new("the firmware is not a 32-bit ELF file")
                .expected("what the linker of the board's target writes")
                .found(error)
                .help("remove boards/target and run it again")
        })?;
        let origin = segments.iter().map(|&(address, _)| address).min().unwrap_or(entry);
        let mut bytes = Vec::new();
        for (address, data) in segments {
            let from = (address - origin) as usize;
            let until = from + data.len();
            bytes.resize(until.max(bytes.len()), 0);
            bytes[from..until].copy_from_slice(data);
        }
        match store_calls(&mut bytes) {
            0 => Err(Error::new("the firmware never calls the host")
                .expected("the three instructions of RISC-V semihosting")
                .found("none")
                .help("build firmware and nervecord from one checkout")),
            _ => Ok(Self { origin, entry, bytes }),
        }
    }
}

/// What a file loads: addresses with their bytes.
type Segments<'a> = Vec<(u32, &'a [u8])>;

/// The entry of a file, and what it loads; or what is wrong with it.
fn segments(elf: &[u8]) -> std::result::Result<(u32, Segments<'_>), String> {
    let wrong = |error: object::Error| error.to_string();
    let header = FileHeader32::<LittleEndian>::parse(elf).map_err(wrong)?;
    let endian = header.endian().map_err(wrong)?;
    let mut segments = Vec::new();
    for segment in header.program_headers(endian, elf).map_err(wrong)? {
        if segment.p_type(endian) == PT_LOAD && segment.p_filesz(endian) > 0 {
            let outside = |()| "a segment outside of the file".to_owned();
            let data = segment.data(endian, elf).map_err(outside)?;
            segments.push((segment.p_paddr(endian), data));
        }
    }
    Ok((header.e_entry(endian), segments))
}

/// Puts [`STORED`] in place of every [`CALL`]; how many there were.
fn store_calls(code: &mut [u8]) -> usize {
    let [call, stored] = [CALL, STORED].map(|words| words.map(u32::to_le_bytes));
    let call = call.as_flattened();
    let mut calls = 0;
    // Instructions lie at even addresses.
    for at in (0..code.len().saturating_sub(call.len() - 1)).step_by(2) {
        let place = &mut code[at..at + call.len()];
        if place == call {
            place.copy_from_slice(stored.as_flattened());
            calls += 1;
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_stores_wherever_they_are() {
        let call = CALL.map(u32::to_le_bytes);
        let mut code =
            [&[0x01, 0x00], call.as_flattened(), &[0x82, 0x80], call.as_flattened()].concat();
        assert_eq!(store_calls(&mut code), 2);
        let stored = STORED.map(u32::to_le_bytes);
        let expected = [&[0x01, 0x00], stored.as_flattened(), &[0x82, 0x80], stored.as_flattened()];
        assert_eq!(code, expected.concat());
        assert_eq!(store_calls(&mut code), 0);
        assert_eq!(store_calls(&mut [0x13, 0x10]), 0);
    }

    #[test]
    fn what_is_no_firmware_is_refused_in_words() {
        let message = Image::of(b"#!/bin/sh").unwrap_err().to_string();
        assert!(message.contains("ELF") && message.contains("help"), "{message}");
    }
}
