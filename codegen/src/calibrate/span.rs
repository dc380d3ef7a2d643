//! The range that values take. Stands on nothing.

/// The range of one feature or tensor over the calibration rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Smallest value.
    pub low: f64,
    /// Largest value.
    pub high: f64,
    /// Standard deviation.
    pub deviation: f64,
}

impl Span {
    /// The range of both, with the larger deviation.
    pub fn joined(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            deviation: self.deviation.max(other.deviation),
        }
    }

    /// Largest magnitude.
    pub fn magnitude(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}
