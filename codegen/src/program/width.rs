//! Widths of weights, and weights of one width; stands on nothing.

use super::table::Array;

/// Width of a layer's weights, which are symmetric: `-largest()..=largest()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// 4 bits, of dense layers.
    I4,
    /// 8 bits.
    I8,
    /// 16 bits.
    I16,
}

impl Width {
    /// All of them, narrowest first.
    pub const ALL: [Self; 3] = [Self::I4, Self::I8, Self::I16];

    /// Bits of a weight.
    pub const fn bits(self) -> u32 {
        match self {
            Self::I4 => 4,
            Self::I8 => 8,
            Self::I16 => 16,
        }
    }

    /// The largest weight: the range is symmetric, so that a weight can be negated.
    pub const fn largest(self) -> i32 {
        (1 << (self.bits() - 1)) - 1
    }

    /// Bytes of so many weights.
    pub const fn bytes(self, weights: usize) -> usize {
        (weights * self.bits() as usize).div_ceil(8)
    }

    /// Whether weights are so coarse that where each is rounded to is worth a search.
    pub const fn is_coarse(self) -> bool {
        self.bits() <= 8
    }

    /// The type of a weight, in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I4 => "i4",
            Self::I8 => "i8",
            Self::I16 => "i16",
        }
    }

    /// These weights in this width; what lies outside its range is cut off.
    pub fn narrow(self, weights: impl IntoIterator<Item = i32>) -> Weights {
        let weights = weights.into_iter();
        match self {
            Self::I4 => Weights::I4(weights.map(|w| w as i8).collect()),
            Self::I8 => Weights::I8(weights.map(|w| w as i8).collect()),
            Self::I16 => Weights::I16(weights.map(|w| w as i16).collect()),
        }
    }
}

/// Weights of one width, as kernels take them.
#[derive(Debug, Clone, PartialEq)]
pub enum Weights {
    /// Of 4 bits, a byte each.
    I4(Vec<i8>),
    /// Of 8 bits.
    I8(Vec<i8>),
    /// Of 16 bits.
    I16(Vec<i16>),
}

impl Weights {
    /// Their width.
    pub fn width(&self) -> Width {
        match self {
            Self::I4(_) => Width::I4,
            Self::I8(_) => Width::I8,
            Self::I16(_) => Width::I16,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::I4(weights) | Self::I8(weights) => weights.len(),
            Self::I16(weights) => weights.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    pub fn at(&self, index: usize) -> i32 {
        match self {
            Self::I4(weights) | Self::I8(weights) => weights[index].into(),
            Self::I16(weights) => weights[index].into(),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        (0..self.len()).map(|index| self.at(index))
    }

    /// As a table's numbers.
    pub fn array(&self) -> Array<'_> {
        match self {
            Self::I4(weights) | Self::I8(weights) => Array::I8(weights),
            Self::I16(weights) => Array::I16(weights),
        }
    }
}
