//! What was executed, and how that was counted.

/// An executed instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// Where it is.
    pub address: u64,
    /// How often it was executed.
    pub count: u64,
    /// How often another than the one behind it came next: a branch was taken.
    pub left: u64,
}

/// How instructions are counted; both ways are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// By a plugin in the emulator.
    Plugin,
    /// From the emulator's log, which is slow, where it takes no plugin.
    Log,
}
