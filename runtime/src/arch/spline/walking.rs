//! A layer on cores whose kernel walks all edges, from sums that are there to sums to be finished.
//!
//! Stands on `walk`, `kernel` and what the portable kernel stands on.

use super::layer::{Coefficient, SplineLayer};
use super::tables::{Native, is_shared};
use super::tensors::Tensors;
use super::walk::{Source, Walk};
use crate::spline::shape::SplineShape;
use crate::tensor::Quad;

/// Computes a layer; a slice that is too short leaves outputs as they were.
#[inline(always)]
pub(super) fn run<C: Coefficient>(
    layer: &SplineLayer<C>,
    x: &[Quad],
    base: &[Quad],
    y: &mut [Quad],
) {
    let SplineLayer { shape, sections, grids, stream, .. } = layer;
    let SplineShape { inputs, outputs, axis, .. } = *shape;
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
        // SAFETY: the values were found to be as many as the layer says, and the stream and sums as before.
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
