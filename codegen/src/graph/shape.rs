//! The shape of a tensor, and how it lies in memory; stands on nothing.
//!
//! A tensor is `rows` x `features`: a vector has one row, a window of tokens a row a token. In memory rows follow one
//! another without a gap, features of a row neighbouring, so that a window over some rows is one stretch of memory.
//! Only the end of a whole tensor is padded, to whole quads of four activations: what lies there may hold anything,
//! and no kernel may let it reach a result.

use std::fmt;

/// Rows and features of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// How many vectors there are.
    pub rows: usize,
    /// Features of each.
    pub features: usize,
}

impl Shape {
    /// One row.
    pub const fn vector(features: usize) -> Self {
        Self { rows: 1, features }
    }

    /// Activations of all rows.
    pub const fn len(self) -> usize {
        self.rows.saturating_mul(self.features)
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl From<usize> for Shape {
    fn from(features: usize) -> Self {
        Self::vector(features)
    }
}

impl fmt::Display for Shape {
    /// The features of a vector, else `rows x features`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            1 => write!(f, "{}", self.features),
            rows => write!(f, "{rows} x {}", self.features),
        }
    }
}
