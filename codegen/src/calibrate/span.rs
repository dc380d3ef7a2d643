//! The range that values take. Stands on nothing.

/// What moves by less, in magnitudes of its own, stands still but for a float's rounding.
pub const STILL: f64 = 1e-6;

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

    /// Whether it varies by more than a float's rounding.
    pub fn moves(&self) -> bool {
        self.deviation > STILL * self.magnitude()
    }

    /// Largest magnitude.
    pub fn magnitude(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}
