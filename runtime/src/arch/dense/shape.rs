//! The shape of a dense layer as its kernel loads it. Stands on tensors.

use crate::tensor::quads;

/// The shape of a dense layer, with what its kernel would otherwise compute in every step.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DenseShape {
    /// Where a loop unrolled four times is entered, in bytes.
    pub(super) entry: usize,
    /// How often it runs, [counted](count).
    pub(super) rounds: usize,
    /// Bytes of output that whole blocks write.
    pub(super) block_bytes: usize,
    /// Rows after the whole blocks.
    pub(super) rest: usize,
    /// Quads of inputs, [counted](count).
    pub(super) turns: usize,
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
            entry: entry(quads, quarter),
            rounds: count(quads.div_ceil(4), relu),
            block_bytes: rows / 4 * 8,
            rest: rows % 4,
            turns: count(quads, relu),
            quads,
            rows,
            relu,
        }
    }

    /// The entry of a kernel whose quads have so many bytes.
    #[cfg(nervecord_kernel = "dsp")]
    #[inline(always)]
    pub(super) const fn entry_of(&self, quarter: usize) -> usize {
        entry(self.quads, quarter)
    }

    /// Quads of inputs.
    pub(crate) const fn quads(&self) -> usize {
        self.quads
    }

    /// Outputs.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Whether a kernel can write outputs that start where `y` does: those with the DSP extension store blocks of rows as
    /// words.
    #[inline(always)]
    pub(crate) fn can_write(&self, y: &[i16]) -> bool {
        !cfg!(nervecord_kernel = "dsp") || self.rows < 4 || y.as_ptr().addr().is_multiple_of(4)
    }

    /// Whether all that a kernel reads and writes is in tensors of `x` and `y` quads.
    #[inline(always)]
    pub(crate) const fn fits(&self, x: usize, y: usize) -> bool {
        x >= self.quads && y >= quads(self.rows)
    }
}

/// What a kernel that loops `times` times counts down from, by one. Those with the DSP extension count by two, to 0
/// where outputs are clamped at zero and to -1 where they are not, so that the flags which end the loop say which.
const fn count(times: usize, relu: bool) -> usize {
    match cfg!(nervecord_kernel = "dsp") {
        true => 2 * times - !relu as usize,
        false => times,
    }
}

/// Where a loop over so many quads, four a round of `quarter` bytes each, is entered.
const fn entry(quads: usize, quarter: usize) -> usize {
    (4 - quads % 4) % 4 * quarter
}

/// Windows of a tensor at equal distances, and where their outputs go, one after the other; in activations.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(nervecord_kernel = "dsp"),
    allow(dead_code, reason = "others compute each by itself")
)]
pub struct Stretch {
    /// Where the first window starts.
    pub(crate) first: usize,
    /// From a window to the next.
    pub(crate) step: usize,
    /// How many there are, at least one.
    pub(crate) count: usize,
    /// Where the first output goes.
    pub(crate) at: usize,
}

#[cfg(nervecord_kernel = "dsp")]
impl Stretch {
    /// Whether all that is read in whole quads, and all that is written, is in tensors of `x` and `y` quads.
    #[inline(always)]
    pub(super) fn fits(&self, shape: &DenseShape, x: usize, y: usize) -> bool {
        let end = |first: usize, step: usize, len: usize| {
            let last = step.checked_mul(self.count.checked_sub(1)?)?;
            first.checked_add(last)?.checked_add(len)
        };
        let inside = |end: Option<usize>, quads: usize| end.is_some_and(|end| end <= 4 * quads);
        inside(end(self.first, self.step, 4 * shape.quads), x)
            && inside(end(self.at, shape.rows, shape.rows), y)
    }
}

#[cfg(nervecord_assembly)]
one_after_the_other!(DenseShape from 0; entry, rounds, block_bytes, rest, turns);
