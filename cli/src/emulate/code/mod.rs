//! Machine code as the models of cores see it: how long an instruction is, what kind it is, and which
//! registers it ties to its neighbours.

mod flow;
mod instruction;
mod riscv;
mod thumb;

pub use flow::{Taken, Target};
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
        let (first, second) = self.halves(address)?;
        Some(match self.thumb {
            true if thumb::is_wide(first) => thumb::wide(first.into(), second?.into()),
            true => thumb::narrow(first.into()),
            false if first & 3 == 3 => riscv::wide(u32::from(second?) << 16 | u32::from(first)),
            false => riscv::compressed(first.into()),
        })
    }

    /// Where the instruction at an address may go; `before` is where the one before it is.
    pub fn target(&self, address: u64, before: Option<u64>) -> Target {
        match self.thumb {
            true => {
                let [first, second] = self.bits(address);
                flow::thumb_target(address, first, second)
            }
            false => flow::riscv_target(
                address,
                self.word(address),
                before.map_or(0, |at| self.word(at)),
            ),
        }
    }

    /// What the instruction at an address takes of the stack.
    pub fn taken(&self, address: u64) -> Taken {
        match self.thumb {
            true => {
                let [first, second] = self.bits(address);
                flow::thumb_taken(first, second)
            }
            false => flow::riscv_taken(self.word(address)),
        }
    }

    /// Whether the instruction at an address computes in floats; no RISC-V core here has any that do.
    pub fn floats(&self, address: u64) -> bool {
        let [first, second] = self.bits(address);
        self.thumb && flow::thumb_floats(first, second)
    }

    /// The half-word at an address, and the one behind it if there is one.
    fn halves(&self, address: u64) -> Option<(u16, Option<u16>)> {
        let (start, bytes) = self.segments.iter().find(|(start, bytes)| {
            address.checked_sub(*start).is_some_and(|at| at < bytes.len() as u64)
        })?;
        let bytes = bytes.get(usize::try_from(address - start).ok()?..)?;
        let half = |at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
        Some((half(0)?, half(2)))
    }

    /// The same, zeros where there is nothing.
    fn bits(&self, address: u64) -> [u32; 2] {
        let (first, second) = self.halves(address).unwrap_or_default();
        [first.into(), second.unwrap_or_default().into()]
    }

    /// The half-word at an address if it is an instruction of its own, else both.
    fn word(&self, address: u64) -> u32 {
        let [first, second] = self.bits(address);
        if first & 3 == 3 { second << 16 | first } else { first }
    }
}
