//! Which kernel computes a layer on the core this crate is built for. Stands on all of the room.

#[cfg(not(nervecord_kernel = "portable"))]
use super::kernel;
use super::layout::{I4, Width};
#[cfg(nervecord_kernel = "portable")]
use super::portable as kernel;
use super::shape::{DenseShape, Stretch};
use crate::tensor::Quad;

/// Weights that a dense layer may have. Its name is out of reach, so the widths here are all there are.
pub trait Weight: Width {
    /// Bytes of code a quad takes in this core's unrolled loop; 0 where there is none.
    const QUARTER: usize;

    /// Computes rows from a stream in the [`Native`](super::layout::Native) layout: `y[r] =
    /// clamp(requantize(bias[r] + sum_i w[r][i] x[i]))`. `x` is as before afterwards; where a slice is too
    /// short, the outputs stay as they were.
    fn dense(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]);

    /// The same of activations that stay as they are, where this core has a kernel that reads them so and they start on a
    /// word; else false, and nothing done.
    #[inline(always)]
    fn dense_from(_: &DenseShape, _: &[u32], _: &[i16], _: &mut [i16]) -> bool {
        false
    }

    /// Computes a stretch of windows, `WORDS` if they start and end on words, where this core has a kernel for them;
    /// else false, and nothing done.
    #[inline(always)]
    fn windows<const WORDS: bool>(
        _: &DenseShape,
        _: &[u32],
        _: &mut [Quad],
        _: &mut [Quad],
        _: &Stretch,
    ) -> bool {
        false
    }
}

impl Weight for I4 {
    const QUARTER: usize = kernel::QUARTER_I4;

    #[inline(always)]
    fn dense(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
        kernel::dense_i4(shape, stream, x, y);
    }

    #[cfg(nervecord_assembly)]
    #[inline(always)]
    fn dense_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
        kernel::dense_i4_from(shape, stream, x, y)
    }
}

impl Weight for i8 {
    const QUARTER: usize = kernel::QUARTER_I8;

    #[inline(always)]
    fn dense(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
        kernel::dense_i8(shape, stream, x, y);
    }

    #[cfg(nervecord_assembly)]
    #[inline(always)]
    fn dense_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
        kernel::dense_i8_from(shape, stream, x, y)
    }

    #[cfg(nervecord_kernel = "dsp")]
    #[inline(always)]
    fn windows<const WORDS: bool>(
        shape: &DenseShape,
        stream: &[u32],
        x: &mut [Quad],
        y: &mut [Quad],
        windows: &Stretch,
    ) -> bool {
        kernel::windows_i8::<WORDS>(shape, stream, x, y, windows)
    }
}

impl Weight for i16 {
    const QUARTER: usize = kernel::QUARTER_I16;

    #[inline(always)]
    fn dense(shape: &DenseShape, stream: &[u32], x: &mut [Quad], y: &mut [i16]) {
        kernel::dense_i16(shape, stream, x, y);
    }

    #[cfg(nervecord_assembly)]
    #[inline(always)]
    fn dense_from(shape: &DenseShape, stream: &[u32], x: &[i16], y: &mut [i16]) -> bool {
        kernel::dense_i16_from(shape, stream, x, y)
    }

    #[cfg(nervecord_kernel = "dsp")]
    #[inline(always)]
    fn windows<const WORDS: bool>(
        shape: &DenseShape,
        stream: &[u32],
        x: &mut [Quad],
        y: &mut [Quad],
        windows: &Stretch,
    ) -> bool {
        kernel::windows_i16::<WORDS>(shape, stream, x, y, windows)
    }
}
