//! A layer on cores whose kernel walks all edges, from sums that are there to sums to be finished.

use super::tensors::Tensors;
use super::{Coefficient, Layer, is_shared};
use crate::arch::Native;
use crate::spline::Shape;
use crate::tensor::Quad;

/// What the kernel goes through, in the order in which it loads it; lengths are in bytes.
#[repr(C)]
pub(super) struct Walk {
    /// The next activation, grid or quad of values, and their end.
    pub(super) from: *const u8,
    pub(super) end: *const u8,
    /// Of the one grid.
    pub(super) factor: i32,
    pub(super) offset: i32,
    /// From the coordinate's fraction bits to 15.
    pub(super) fraction: u32,
    /// The lowest coordinate, Q15, and what the highest lies above.
    pub(super) low: i32,
    pub(super) range: i32,
    /// The next edges to blocks of four outputs, from one input to the next, from block to block.
    pub(super) blocks: *const u8,
    pub(super) stride: usize,
    pub(super) step: usize,
    /// Sums, and the end of those in blocks.
    pub(super) acc: *mut i32,
    pub(super) acc_end: *mut i32,
    /// Outputs left over, the next edges to them, from one input to the next, from edge to edge.
    pub(super) left: usize,
    pub(super) rest: *const u8,
    pub(super) rest_stride: usize,
    pub(super) rest_step: usize,
    /// What grids of their own say where to find.
    pub(super) activations: *const Quad,
    /// Bits by which values are shifted up.
    pub(super) value_shift: u32,
    pub(super) source: Source,
    pub(super) tails: usize,
    /// Zeros, weights, zeros.
    pub(super) window: [[i16; 4]; 3],
    /// The last interval.
    pub(super) last: i32,
    /// The sum of all weights with tails, and values, where coefficients have offsets.
    pub(super) sum: i32,
}

/// A kernel's code with the places of what it needs of a [`Walk`].
macro_rules! walking {
    ($($line:expr),* $(,)?) => {
        core::arch::naked_asm!(
            $($line,)*
            // Not every core needs all: to the assembler this is a comment.
            "/* {sum} {stride} {rest_stride} */",
            blocks = const core::mem::offset_of!(Walk, blocks),
            stride = const core::mem::offset_of!(Walk, stride),
            step = const core::mem::offset_of!(Walk, step),
            acc = const core::mem::offset_of!(Walk, acc),
            acc_end = const core::mem::offset_of!(Walk, acc_end),
            left = const core::mem::offset_of!(Walk, left),
            rest = const core::mem::offset_of!(Walk, rest),
            rest_stride = const core::mem::offset_of!(Walk, rest_stride),
            rest_step = const core::mem::offset_of!(Walk, rest_step),
            activations = const core::mem::offset_of!(Walk, activations),
            value_shift = const core::mem::offset_of!(Walk, value_shift),
            source = const core::mem::offset_of!(Walk, source),
            tails = const core::mem::offset_of!(Walk, tails),
            window = const core::mem::offset_of!(Walk, window),
            last = const core::mem::offset_of!(Walk, last),
            sum = const core::mem::offset_of!(Walk, sum),
        )
    };
}
pub(super) use walking;

/// What a kernel goes through.
#[repr(usize)]
pub(super) enum Source {
    /// Activations that share a grid.
    Activations = 0,
    /// A grid an input.
    Grids = 1,
    /// Values of the base function, which are the weights of their factors.
    Values = 2,
}

/// Computes a layer; a slice that is too short leaves outputs as they were.
#[inline(always)]
pub(super) fn run<C: Coefficient>(layer: &Layer<C>, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
    let Layer { shape, sections, grids, stream, .. } = layer;
    let Shape { inputs, outputs, axis, .. } = *shape;
    let (count, size) = (shape.count(), size_of::<C>());
    let part = |word: usize| stream.as_ptr().wrapping_add(word).cast::<u8>();
    let Some(Tensors { x, base, y, acc }) = layer.start(x, base, y) else { return };
    let Some(grid) = grids.first() else { return };
    let (from, length, source) = if is_shared(grids) {
        (x.as_ptr().cast::<u8>(), 2 * inputs, Source::Activations)
    } else {
        (grids.as_ptr().cast(), size_of_val(*grids), Source::Grids)
    };
    let beyond = if axis.tails { 3 } else { 0 };
    let (blocks, left) = (outputs / 4, outputs % 4);
    let mut walk = Walk {
        from,
        end: from.wrapping_add(length),
        factor: grid.factor as i32,
        offset: grid.offset,
        fraction: axis.shift as u32 - 15,
        low: -(beyond << 15),
        range: ((axis.intervals as i32 + 2 * beyond) << 15) - 1,
        blocks: part(outputs),
        stride: blocks * 4 * count * size,
        step: 4 * count * size,
        acc: acc.as_mut_ptr(),
        acc_end: acc.as_mut_ptr().wrapping_add(4 * blocks),
        left,
        rest: part(sections.rest),
        rest_stride: left * count * size,
        rest_step: count * size,
        activations: x.as_ptr(),
        value_shift: shape.base_shift as u32,
        source,
        tails: axis.tails as usize,
        window: [[0; 4]; 3],
        last: axis.intervals as i32 - 1,
        sum: 0,
    };
    // SAFETY: the stream, the activations and the values were found to be as long as the layer says,
    // and the grids are; the sums are borrowed.
    unsafe { kernel::<C>(&mut walk) };
    if shape.base {
        let values = base.as_ptr_range();
        (walk.from, walk.end) = (values.start.cast(), values.end.cast());
        walk.source = Source::Values;
        (walk.blocks, walk.rest) = (part(sections.factors), part(sections.rest_factors));
        (walk.stride, walk.step) = (blocks * 16 * size, 16 * size);
        (walk.rest_stride, walk.rest_step) = (left * 4 * size, 4 * size);
        // SAFETY: as above.
        unsafe { kernel::<C>(&mut walk) };
    }
    layer.finish::<Native>(acc, walk.sum, y);
}

/// Adds all edges to the sums.
///
/// # Safety
/// What the walk points to can be read, and the sums written.
#[inline(always)]
unsafe fn kernel<C: Coefficient>(walk: &mut Walk) {
    // SAFETY: the caller's contract.
    unsafe {
        match size_of::<C>() {
            1 => super::kernel::edges_i8(walk),
            _ => super::kernel::edges_i16(walk),
        }
    }
}
