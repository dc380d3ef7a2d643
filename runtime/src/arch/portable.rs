//! Kernels in plain Rust: what every other kernel is tested against.

use super::layout::{low_offset, place, plain_bias, row_words, scale, slot};
use super::{Layout, Shape, Weight, flat_mut};
use crate::tensor::Quad;

/// `y[r] = clamp(requantize(bias[r] + sum_i w[r][i] x[i]))` from a stream in layout `L`.
///
/// The first `shape.quads` quads of `x` are read and `shape.rows` activations of `y` written; where
/// a slice is too short, the outputs stay as they were.
#[inline(always)]
pub fn dense<L: Layout, W: Weight>(shape: &Shape, stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    let Some(x) = x.get(..shape.quads) else { return };
    let words = row_words::<W>(shape.quads);
    if stream.len() != shape.rows * words || y.len() * 4 < shape.rows {
        return;
    }
    for (row, y) in flat_mut(y).iter_mut().enumerate().take(shape.rows) {
        let sum = if L::ROWS == 1 && !L::VECTORS {
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
fn plain_row<W: Weight>(stream: &[u32], x: &[Quad]) -> i32 {
    let mut sum = stream[0] as i32;
    for (x, words) in x.iter().zip(stream[1..].chunks_exact(W::WORDS)) {
        for (k, &x) in x.0.iter().enumerate() {
            let per_word = 4 / W::WORDS;
            let at = k % per_word * 8 * W::WORDS;
            sum += x as i32 * field::<W>(words[k / per_word] >> at);
        }
    }
    sum
}

/// The accumulator of row `row` in any layout.
fn any_row<L: Layout, W: Weight>(shape: &Shape, stream: &[u32], x: &[Quad], row: usize) -> i32 {
    let place = place::<L, W>(row, shape.rows, shape.quads);
    let mut sum = plain_bias::<L, W>(stream, place);
    for (quad, x) in x.iter().enumerate() {
        for (k, &x) in x.0.iter().enumerate() {
            let column = 4 * quad + k;
            let slot = slot::<L, W>(place, column);
            let x = x as i32 - low_offset::<L, W>(shape.quads, column);
            let weight = field::<W>(stream[slot.word] >> slot.shift ^ slot.flip);
            // A bias with what is taken from the activations may wrap, and the sum wraps back.
            sum = sum.wrapping_add(x * weight);
        }
    }
    sum
}

/// The weight in the lowest bits of a word.
#[inline(always)]
fn field<W: Weight>(word: u32) -> i32 {
    let unused = 32 - 8 * W::WORDS as u32;
    (word << unused) as i32 >> unused
}

/// All ones if `x` is negative, else 0.
#[inline(always)]
pub fn negative(x: i32) -> i32 {
    x >> 31
}

/// `x` clamped to `0..2^BITS`.
#[inline(always)]
pub fn unit<const BITS: u32>(x: i32) -> i32 {
    x.clamp(0, (1 << BITS) - 1)
}

/// `x` clamped to 16 bits.
#[inline(always)]
pub fn saturate16(x: i32) -> i16 {
    x.clamp(i16::MIN as i32, i16::MAX as i32) as i16
}

/// `a - b`, saturating.
#[inline(always)]
pub fn saturating_sub(a: i32, b: i32) -> i32 {
    let difference = a.wrapping_sub(b);
    let overflow = super::negative((a ^ b) & (a ^ difference));
    difference ^ ((difference ^ super::negative(a) ^ i32::MAX) & overflow)
}
