//! The firmwares that `boards/` can build.

/// Which firmware to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Steps over the host's rows and measures.
    Measuring,
    /// Steps and does nothing else: every symbol in it is one the step can reach, or start-up code.
    Bare,
    /// Runs a control loop whose sensor and actuator are on the host; see [`super::Link`].
    Linked,
    /// As [`Bare`](Self::Bare), with something in it that has to be refused.
    Seeded(Seed),
}

/// What has to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// An index that may lie outside.
    Panic,
    /// A product of floats.
    Float,
    /// An allocation.
    Heap,
}

impl Kind {
    /// The firmware's feature that makes it this kind.
    pub const fn feature(self) -> Option<&'static str> {
        match self {
            Self::Measuring => None,
            Self::Bare => Some("bare"),
            Self::Linked => Some("link"),
            Self::Seeded(Seed::Panic) => Some("seed-panic"),
            Self::Seeded(Seed::Float) => Some("seed-float"),
            Self::Seeded(Seed::Heap) => Some("seed-heap"),
        }
    }
}
