//! What the kernels of DSP cores would otherwise compute of a layer in every step. Stands on the tables.

#[cfg(nervecord_kernel = "helium")]
use super::spread::Lanes;
use super::tables::{Sections, is_shared, reads};
use crate::spline::shape::{Grid, SplineShape};
use crate::tensor::{Quad, quads};

/// A layer by its plan.
pub(super) type Kernel = unsafe extern "C" fn(*const Plan, *const Operands);

/// Where a layer's data lies.
#[repr(C)]
pub(super) struct Operands {
    /// Outputs, then sums.
    pub y: *mut Quad,
    pub stream: *const u32,
    pub x: *const Quad,
    pub base: *const Quad,
    pub grids: *const Grid,
}

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
    #[cfg(nervecord_kernel = "helium")]
    pub spread: Spread,
}

/// What the kernel that spreads weights needs beside, in the order in which it loads it; lengths are in bytes.
#[cfg(nervecord_kernel = "helium")]
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Spread {
    /// Of the one grid.
    pub factor: i32,
    pub offset: i32,
    /// Added with saturation, it takes the lowest coordinate to -2^31; the last one less as much.
    pub bottom: i32,
    pub limit: i32,
    /// From the coordinate's fraction bits to 16, negative as shifts down are.
    pub place: i32,
    /// Coefficients of an edge; what makes the interval of the coordinate -2^31 the first's place among them.
    pub count: usize,
    pub first: u32,
    /// What is part of the lane from the start: `first`, unless places are held against `count`.
    pub start: u32,
    /// Inputs of a chunk, and all inputs.
    pub chunk: usize,
    pub inputs: usize,
    /// Where coefficients start in the stream, of blocks and of outputs left over.
    pub edges: usize,
    pub rest_edges: usize,
    /// Values of the base function, and where their factors start.
    pub values: usize,
    pub factors: usize,
    pub rest_factors: usize,
    pub outputs: usize,
    /// Bits by which the base function's sums are shifted up.
    pub base_shift: usize,
    /// Outputs before the sums, sums of blocks, number of outputs left over.
    pub output_bytes: usize,
    pub block_bytes: usize,
    pub rest: usize,
    /// Where multipliers start, and by how many bits they are shifted up: see `requantize`.
    pub multiplier: usize,
    pub up: usize,
}

#[cfg(nervecord_kernel = "helium")]
impl Spread {
    const fn new(shape: &SplineShape, grids: &[Grid], size: usize) -> Self {
        let SplineShape { inputs, outputs, axis, .. } = *shape;
        let sections = Sections::new(shape, size);
        let beyond = if axis.tails { 3 } else { 0 };
        // -2^31 is interval -2^(31-shift), and the lowest coordinate the place `beyond` before the first.
        let first = (1 << (31 - axis.shift as u32)) - beyond;
        let last = ((axis.intervals as u32 + 2 * beyond) << axis.shift) - 1;
        Self {
            factor: grids[0].factor as i32,
            offset: grids[0].offset,
            bottom: i32::MIN + ((beyond as i32) << axis.shift),
            limit: (last as i32).wrapping_add(i32::MIN),
            place: 16 - axis.shift as i32,
            count: shape.count(),
            first,
            start: if axis.tails { 0 } else { first },
            chunk: Lanes::of_inputs(shape).chunk(),
            inputs,
            edges: 4 * outputs,
            rest_edges: 4 * sections.rest,
            values: if shape.base { 4 * quads(inputs) } else { 0 },
            factors: 4 * sections.factors,
            rest_factors: 4 * sections.rest_factors,
            outputs,
            base_shift: shape.base_shift as usize,
            output_bytes: 8 * quads(outputs),
            block_bytes: outputs / 4 * 16,
            rest: outputs % 4,
            multiplier: 4 * sections.multiplier,
            up: 16 - shape.shift as usize,
        }
    }
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
            #[cfg(nervecord_kernel = "helium")]
            spread: Spread::new(shape, grids, size),
        }
    }
}
