//! What the kernel of DSP cores would otherwise compute of a layer in every step. Stands on the tables.

use super::tables::{Sections, is_shared, reads};
use crate::spline::shape::{Grid, SplineShape};
use crate::tensor::quads;

/// What the kernel needs to know of a layer, in the order in which it loads it; lengths are in bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Plan {
    /// Added and taken away again with saturation, they clamp a coordinate: `2^31` less three
    /// intervals, or 0 without tails; `2^31` less the last coordinate's successor.
    pub bottom: u32,
    pub top: u32,
    /// Of the one grid.
    pub factor: i32,
    pub offset: i32,
    /// From the coordinate's fraction bits to 15.
    pub fraction: u32,
    /// The last interval, and that counted from three before the first.
    pub last: u32,
    pub last_above: u32,

    /// Activations to go through, or grids if each input has its own.
    pub walk: usize,
    pub own_grids: usize,
    /// Blocks of an input, outputs left over of an input, and one of these.
    pub stride: usize,
    pub rest_stride: usize,
    pub rest_step: usize,
    /// Where they start in the stream.
    pub edges: usize,
    pub rest_edges: usize,
    /// From block to block, and, in the upper half, rounds of the loop less 1.
    pub rounds: usize,

    /// The same for the base function.
    pub base_stride: usize,
    pub base_rest_stride: usize,
    pub base_rounds: usize,
    pub factors: usize,
    pub rest_factors: usize,

    /// Quads of values of the base function, bits by which they are shifted up.
    pub fours: usize,
    pub base_shift: usize,
    pub blocks: usize,
    pub rest: usize,
    /// Pairs of outputs, bytes of outputs before the sums.
    pub pairs: usize,
    pub output_bytes: usize,
    /// Where multipliers start; see `requantize`.
    pub multiplier: usize,
    pub shift: usize,
    /// Activations that may be read.
    pub reads: usize,
}

impl Plan {
    /// The plan of a layer whose coefficients have `size` bytes.
    pub(super) const fn new(shape: &SplineShape, grids: &[Grid], size: usize) -> Self {
        let SplineShape { inputs, outputs, axis, .. } = *shape;
        let sections = Sections::new(shape, size);
        let (blocks, rest, count) = (outputs / 4, outputs % 4, shape.count());
        let beyond = if axis.tails { 3 } else { 0 };
        let own_grids = !is_shared(grids);
        // A block of i16 is loaded in two halves, of which the first moves on by itself.
        let own = if size == 2 { 16 } else { 0 };
        let rounds = blocks.div_ceil(2).saturating_sub(1) << 16;
        Self {
            bottom: if axis.tails { (1 << 31) - (3 << axis.shift) } else { 0 },
            top: (1 << 31) - ((axis.intervals as u32 + beyond) << axis.shift),
            factor: grids[0].factor as i32,
            offset: grids[0].offset,
            fraction: axis.shift as u32 - 15,
            last: axis.intervals as u32 - 1,
            last_above: axis.intervals as u32 + 2,
            walk: if own_grids { size_of_val(grids) } else { 2 * inputs },
            own_grids: own_grids as usize,
            stride: blocks * 4 * count * size,
            rest_stride: rest * count * size,
            rest_step: count * size,
            edges: 4 * outputs,
            rest_edges: 4 * sections.rest,
            rounds: rounds | (4 * count * size - own),
            base_stride: blocks * 16 * size,
            base_rest_stride: rest * 4 * size,
            base_rounds: rounds | (16 * size - own),
            factors: 4 * sections.factors,
            rest_factors: 4 * sections.rest_factors,
            fours: if shape.base { quads(inputs) } else { 0 },
            base_shift: shape.base_shift as usize,
            blocks,
            rest,
            pairs: outputs.div_ceil(2),
            output_bytes: 8 * quads(outputs),
            multiplier: 4 * sections.multiplier,
            shift: shape.shift as usize,
            reads: reads(shape, grids),
        }
    }
}
