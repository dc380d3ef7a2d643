//! Kernels in plain Rust: what every other kernel is tested against.
//!
//! Stands on `layout`, `shape`, and the rooms `memory` and `scalar`.

use super::layout::{self, Layout, Width, low_offset, place, plain_bias, row_words, scale, slot};
use super::shape::DenseShape;
use crate::arch::scalar::saturate16;
use crate::tensor::Quad;

/// `y[r] = clamp(requantize(bias[r] + sum_i w[r][i] x[i]))` from a stream in layout `L`.
///
/// The first `shape.quads` quads of `x` are read and `shape.rows` activations of `y` written; where
/// a slice is too short, the outputs stay as they were.
#[inline(always)]
pub(crate) fn dense<L: Layout, W: Width>(
    shape: &DenseShape,
    stream: &[u32],
    x: &[Quad],
    y: &mut [i16],
) {
    let Some(x) = x.get(..shape.quads) else { return };
    let words = row_words::<W>(shape.quads);
    if stream.len() != layout::words::<W>(4 * shape.quads, shape.rows) || y.len() < shape.rows {
        return;
    }
    for (row, y) in y.iter_mut().enumerate().take(shape.rows) {
        let sum = if L::ROWS == 1 && W::BITS >= 8 {
            plain_row::<W>(&stream[row * words..], x)
        } else {
            any_row::<L, W>(shape, stream, x, row)
        };
        let word = stream[place::<L, W>(row, shape.rows, shape.quads).multiplier];
        let value = saturate16(scale::<L>(sum, word));
        *y = if shape.relu { value.max(0) } else { value };
    }
}

/// The accumulator of a row that starts at `stream`, its columns in order.
#[inline(always)]
fn plain_row<W: Width>(stream: &[u32], x: &[Quad]) -> i32 {
    let mut sum = stream[0] as i32;
    for (x, words) in x.iter().zip(stream[1..].chunks_exact(W::WORDS)) {
        for (k, &x) in x.0.iter().enumerate() {
            let per_word = 4 / W::WORDS;
            let at = k % per_word * 8 * W::WORDS;
            sum += x as i32 * field(words[k / per_word] >> at, 8 * W::WORDS);
        }
    }
    sum
}

/// The accumulator of row `row` in any layout.
fn any_row<L: Layout, W: Width>(shape: &DenseShape, stream: &[u32], x: &[Quad], row: usize) -> i32 {
    let place = place::<L, W>(row, shape.rows, shape.quads);
    let mut sum = plain_bias::<L, W>(stream, place);
    for (quad, x) in x.iter().enumerate() {
        for (k, &x) in x.0.iter().enumerate() {
            let column = 4 * quad + k;
            let slot = slot::<L, W>(place, column);
            let x = x as i32 - low_offset::<L, W>(shape.quads, column);
            let weight = field(stream[slot.word] >> slot.shift ^ slot.flip, slot.bits);
            // A bias with what is taken from the activations may wrap, and the sum wraps back.
            sum = sum.wrapping_add(x * weight);
        }
    }
    sum
}

/// The weight in the lowest bits of a word.
#[inline(always)]
fn field(word: u32, bits: usize) -> i32 {
    (word << (32 - bits)) as i32 >> (32 - bits)
}

/// There is no unrolled loop to enter.
#[cfg(nervecord_kernel = "portable")]
pub(super) const QUARTER_I4: usize = 0;
/// There is no unrolled loop to enter.
#[cfg(nervecord_kernel = "portable")]
pub(super) const QUARTER_I8: usize = 0;
/// There is no unrolled loop to enter.
#[cfg(nervecord_kernel = "portable")]
pub(super) const QUARTER_I16: usize = 0;

/// The kernel of this core: one copy for all layers.
#[cfg(nervecord_kernel = "portable")]
#[inline(never)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    dense::<super::layout::Native, i8>(shape, stream, x, y);
}

/// The kernel of this core: one copy for all layers.
#[cfg(nervecord_kernel = "portable")]
#[inline(never)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    dense::<super::layout::Native, i16>(shape, stream, x, y);
}

/// The kernel of this core: one copy for all layers.
#[cfg(nervecord_kernel = "portable")]
#[inline(never)]
pub(super) fn dense_i4(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    dense::<super::layout::Native, super::layout::I4>(shape, stream, x, y);
}
