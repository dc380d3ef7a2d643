//! What can go wrong in a period, and how often it did.
//!
//! Stands on nothing.

/// A kind of fault. Every one of them sends the loop to its safe output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[repr(u8)]
pub enum Fault {
    /// The sensor answered with an error.
    Sensor = 0,
    /// An input lay outside its plausible range.
    Range = 1,
    /// An input has not changed by a single bit for too many samples.
    Stuck = 2,
    /// The newest sample is older than allowed.
    Stale = 3,
    /// The output was not ready by its deadline.
    Deadline = 4,
    /// Whole periods went by without a poll; counted once a period.
    Overrun = 5,
    /// The controller's inputs were outside the calibrated range for too many steps on end.
    Saturated = 6,
    /// The actuator answered with an error.
    Actuator = 7,
    /// An input was no number: NaN, or not given.
    Invalid = 8,
    /// The clock went backwards, or so far ahead that it looks so.
    Clock = 9,
    /// A table in flash is not what it was when the firmware was built; no recovery mends it.
    Tables = 10,
}

impl Fault {
    /// Number of kinds.
    pub const KINDS: usize = 11;

    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; Self::KINDS] = [
        Self::Sensor,
        Self::Range,
        Self::Stuck,
        Self::Stale,
        Self::Deadline,
        Self::Overrun,
        Self::Saturated,
        Self::Actuator,
        Self::Invalid,
        Self::Clock,
        Self::Tables,
    ];
}

/// How often each kind of fault was seen; the counters stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([u32; Fault::KINDS]);

impl Faults {
    /// None so far.
    pub const fn new() -> Self {
        Self([0; Fault::KINDS])
    }

    /// Counts `times` faults of a kind.
    pub fn count(&mut self, fault: Fault, times: u32) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count = count.saturating_add(times);
        }
    }

    /// Faults of a kind.
    pub fn of(&self, fault: Fault) -> u32 {
        self.0.get(fault as usize).copied().unwrap_or(0)
    }

    /// Faults of all kinds.
    pub fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum, &count| sum.saturating_add(count))
    }
}
