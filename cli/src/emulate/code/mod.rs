//! Machine code as the models of cores see it: how long an instruction is, what kind it is, and which
//! registers it ties to its neighbours.

mod riscv;
mod thumb;

use object::{Architecture, Object, ObjectSegment};

use super::Firmware;
use nervecord_codegen::{Error, Result};

/// An instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// Its size.
    pub bytes: u64,
    /// What it does.
    pub kind: Kind,
    /// Registers it needs at its start, a bit each: on ARM those of an address, on RISC-V all but
    /// the data of a store.
    pub reads: u32,
    /// Registers it writes, a bit each.
    pub writes: u32,
}

/// What an instruction does, as far as its time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Registers to registers.
    Plain,
    /// 32-bit product and addition.
    MultiplyAccumulate,
    /// 64-bit product.
    MultiplyLong,
    /// 64-bit product and addition.
    MultiplyLongAccumulate,
    /// Quotient or remainder.
    Divide,
    /// One register from memory; `updates` says that the address register is written too.
    Load { updates: bool },
    /// One register to memory; `indexed` says that the address is a sum of registers.
    Store { updates: bool, indexed: bool },
    /// Several registers from or to memory.
    Multiple { registers: u32 },
    /// A conditional branch, to an address before or behind it.
    Branch { backward: bool },
    /// Any other change of the program counter, a return of one register included.
    Jump,
    /// A jump that leaves a return address.
    Call,
    /// Several registers from memory, the last one the program counter.
    Return { registers: u32 },
    /// The program counter from memory.
    LoadJump,
    /// Special registers and barriers.
    System,
    /// Not known to the models.
    Unknown,
}

impl Instruction {
    fn new(bytes: u64, kind: Kind) -> Self {
        Self { bytes, kind, reads: 0, writes: 0 }
    }

    fn reads(self, registers: u32) -> Self {
        Self { reads: self.reads | registers, ..self }
    }

    fn writes(self, registers: u32) -> Self {
        Self { writes: self.writes | registers, ..self }
    }
}

/// Some bits of an instruction.
fn field(word: u32, low: u32, bits: u32) -> u32 {
    word >> low & ((1 << bits) - 1)
}

/// The bit of the register that a field names.
fn register(word: u32, low: u32, bits: u32) -> u32 {
    1 << field(word, low, bits)
}

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
