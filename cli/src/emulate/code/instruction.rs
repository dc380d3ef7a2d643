//! An instruction as the models of cores see it, and the bits it is made of.

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
    /// 32-bit product, where its time differs from that of [`Plain`](Self::Plain) ones.
    Multiply,
    /// 32-bit product and addition.
    MultiplyAccumulate,
    /// 64-bit product, or its upper half.
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
    /// One that reads and writes no register.
    pub fn new(bytes: u64, kind: Kind) -> Self {
        Self { bytes, kind, reads: 0, writes: 0 }
    }

    /// The same, needing these registers too.
    pub fn reads(self, registers: u32) -> Self {
        Self { reads: self.reads | registers, ..self }
    }

    /// The same, writing these registers too.
    pub fn writes(self, registers: u32) -> Self {
        Self { writes: self.writes | registers, ..self }
    }
}

/// Some bits of an instruction.
pub fn field(word: u32, low: u32, bits: u32) -> u32 {
    word >> low & ((1 << bits) - 1)
}

/// The bit of the register that a field names.
pub fn register(word: u32, low: u32, bits: u32) -> u32 {
    1 << field(word, low, bits)
}
