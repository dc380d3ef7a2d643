//! The shape of a dense layer as its kernel loads it. Stands on tensors.

use crate::tensor::quads;

/// The shape of a dense layer, with what its kernel would otherwise compute in every step.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DenseShape {
    /// Where a loop unrolled four times is entered, in bytes.
    pub(super) entry: usize,
    /// How often it runs.
    pub(super) rounds: usize,
    /// Bytes of output that whole blocks write.
    pub(super) block_bytes: usize,
    /// Rows after the whole blocks.
    pub(super) rest: usize,
    /// Quads of inputs.
    pub(super) quads: usize,
    /// Outputs.
    pub(super) rows: usize,
    /// Clamp outputs at zero from below.
    pub(super) relu: bool,
}

impl DenseShape {
    /// The shape of a layer whose unrolled loop has `quarter` bytes a quad.
    pub(crate) const fn new(quads: usize, rows: usize, relu: bool, quarter: usize) -> Self {
        Self {
            entry: (4 - quads % 4) % 4 * quarter,
            rounds: quads.div_ceil(4),
            block_bytes: rows / 4 * 8,
            rest: rows % 4,
            quads,
            rows,
            relu,
        }
    }

    /// Whether all that a kernel reads and writes is in tensors of `x` and `y` quads.
    #[inline(always)]
    pub(crate) const fn fits(&self, x: usize, y: usize) -> bool {
        x >= self.quads && y >= quads(self.rows)
    }
}

#[cfg(nervecord_assembly)]
one_after_the_other!(DenseShape from 0; entry, rounds, block_bytes, rest, quads);
