//! Machine code as the models of cores see it: how long an instruction is, what kind it is, and which
//! registers it ties to its neighbours.

mod instruction;
mod riscv;
mod thumb;

pub use instruction::{Instruction, Kind};

use object::{Architecture, Object, ObjectSegment};

use super::firmware::Firmware;
use nervecord_codegen::{Error, Result};

/// The code of an image.
pub struct Code {
    thumb: bool,
    segments: Vec<(u64, Vec<u8>)>,
}

impl Code {
    /// Takes the code out of an image.
    ///
    /// # Errors
    /// It is not an ELF file.
    pub fn of(firmware: &Firmware) -> Result<Self> {
        let unreadable = |error| {
            Error::new("the firmware is not an ELF file")
                .expected("what the firmware's build has just linked")
                .found(error)
                .help("run the command again; if it stays so, report it as a bug")
        };
        let file = object::File::parse(&*firmware.elf).map_err(unreadable)?;
        let mut segments = Vec::new();
        for segment in file.segments() {
            segments.push((segment.address(), segment.data().map_err(unreadable)?.to_vec()));
        }
        Ok(Self { thumb: file.architecture() == Architecture::Arm, segments })
    }

    /// The instruction at an address, if there is one.
    pub fn at(&self, address: u64) -> Option<Instruction> {
        let (start, bytes) = self.segments.iter().find(|(start, bytes)| {
            address.checked_sub(*start).is_some_and(|at| at < bytes.len() as u64)
        })?;
        let bytes = bytes.get(usize::try_from(address - start).ok()?..)?;
        let half = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        let first = half(0)?;
        Some(match self.thumb {
            true if thumb::is_wide(first) => thumb::wide(first.into(), half(2)?.into()),
            true => thumb::narrow(first.into()),
            false if first & 3 == 3 => riscv::wide(u32::from(half(2)?) << 16 | u32::from(first)),
            false => riscv::compressed(first.into()),
        })
    }
}
