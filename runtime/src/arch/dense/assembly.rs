//! How a kernel in assembly is called. Stands on the shape and the layout.

use super::layout::{Width, words};
use super::shape::DenseShape;
use crate::tensor::Quad;

/// A kernel in assembly: activations, outputs wherever they lie, shape, stream.
pub(super) type Assembly = unsafe extern "C" fn(*mut Quad, *mut i16, *const DenseShape, *const u32);

/// Calls a kernel over weights `W` if the slices are as long as the shape says.
#[inline(always)]
pub(super) fn call<W: Width>(
    kernel: Assembly,
    shape: &DenseShape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [i16],
) {
    let fits = x.len() >= shape.quads
        && y.len() >= shape.rows
        && shape.can_write(y)
        && stream.len() == words::<W>(4 * shape.quads, shape.rows)
        && shape.quads > 0;
    if fits {
        // SAFETY: a kernel uses `quads` quads of x, reads the whole stream, and writes `rows`
        // activations of y, all inside by the lines above, where it can; quads and words are aligned by type, and
        // `DenseShape` was made for this kernel's code by `DenseShape::new`.
        unsafe { kernel(x.as_mut_ptr(), y.as_mut_ptr(), shape, stream.as_ptr()) }
    }
}

/// The same for a kernel that leaves the activations as they are; false, and nothing done, where they do not start on a
/// word or a slice is too short.
#[inline(always)]
pub(super) fn call_from<W: Width>(
    kernel: Assembly,
    shape: &DenseShape,
    stream: &[u32],
    x: &[i16],
    y: &mut [i16],
) -> bool {
    let fits = x.as_ptr().addr().is_multiple_of(4)
        && x.len() >= 4 * shape.quads
        && y.len() >= shape.rows
        && shape.can_write(y)
        && stream.len() == words::<W>(4 * shape.quads, shape.rows)
        && shape.quads > 0;
    if fits {
        // SAFETY: as in `call`, and the kernel writes nothing of x, which it reads a word at a time.
        unsafe { kernel(x.as_ptr().cast_mut().cast(), y.as_mut_ptr(), shape, stream.as_ptr()) }
    }
    fits
}

/// Windows that a kernel computes in one go, as it loads them.
#[cfg(nervecord_kernel = "dsp")]
#[repr(C)]
pub(super) struct Run {
    count: usize,
    step_bytes: usize,
    /// The entry of a shape whose kernel reads activations anywhere.
    entry: usize,
}

/// A kernel in assembly over several windows: activations of the first, outputs, shape, stream, windows.
#[cfg(nervecord_kernel = "dsp")]
pub(super) type AssemblyWindows =
    unsafe extern "C" fn(*mut Quad, *mut i16, *const DenseShape, *const u32, *const Run);

/// Calls a kernel over weights `W`, which loads and stores words that are aligned if `WORDS` says so, for `windows`
/// that lie so inside the slices; false, and nothing done, for others. `longer` is the kernel's quarter if it reads
/// anywhere.
#[cfg(nervecord_kernel = "dsp")]
#[inline(always)]
pub(super) fn call_windows<W: Width, const WORDS: bool>(
    kernel: AssemblyWindows,
    longer: usize,
    shape: &DenseShape,
    stream: &[u32],
    x: &mut [Quad],
    y: &mut [Quad],
    windows: &super::shape::Stretch,
) -> bool {
    let &super::shape::Stretch { first, step, count, at } = windows;
    let on_words = (first | step | at | shape.rows) & 1 == 0;
    let fits = (on_words || !WORDS)
        && windows.fits(shape, x.len(), y.len())
        && stream.len() == words::<W>(4 * shape.quads, shape.rows)
        && shape.quads > 0;
    if fits {
        let run = Run { count, step_bytes: 2 * step, entry: shape.entry_of(longer) };
        // SAFETY: the kernel uses `quads` quads of each window of x and writes `count` times `rows` activations
        // of y, all inside by `Stretch::fits`, in words that are aligned where it needs that, as first, step, at and
        // rows are even then; it reads the whole stream; `DenseShape` was made for this kernel's code by `DenseShape::new`.
        unsafe {
            let (x, y) = (x.as_mut_ptr().cast::<i16>(), y.as_mut_ptr().cast::<i16>());
            kernel(x.add(first).cast(), y.add(at), shape, stream.as_ptr(), &run);
        }
    }
    fits
}
