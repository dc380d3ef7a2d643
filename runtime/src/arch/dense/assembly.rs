//! How a kernel in assembly is called. Stands on the shape and the layout.

use super::layout::{Width, words};
use super::shape::DenseShape;
use crate::tensor::Quad;

/// A kernel in assembly: activations, outputs, shape, stream.
pub(super) type Assembly =
    unsafe extern "C" fn(*mut Quad, *mut Quad, *const DenseShape, *const u32);

/// Calls a kernel over weights `W` if the slices are as long as the shape says.
#[inline(always)]
pub(super) fn call<W: Width>(
    kernel: Assembly,
    shape: &DenseShape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [Quad],
) {
    let fits = x.len() >= shape.quads
        && y.len() >= shape.rows.div_ceil(4)
        && stream.len() == words::<W>(4 * shape.quads, shape.rows)
        && shape.quads > 0;
    if fits {
        // SAFETY: a kernel uses `quads` quads of x, reads the whole stream, and writes `rows`
        // activations of y, all inside by the line above; quads and words are aligned by type, and
        // `DenseShape` was made for this kernel's code by `DenseShape::new`.
        unsafe { kernel(x.as_mut_ptr(), y.as_mut_ptr(), shape, stream.as_ptr()) }
    }
}
