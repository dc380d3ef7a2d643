//! The dense kernel in plain Rust: what every other kernel is tested against.

use super::{Layout, Shape, Weight, flat_mut, scale};
use crate::number::saturate16;
use crate::tensor::Quad;

#[inline(always)]
fn quad_dot(x: Quad, w: [i16; 4]) -> i32 {
    x.0.iter().zip(w).map(|(&x, w)| x as i32 * w as i32).sum()
}

/// Computes a block of `R` rows; `stream` starts at it.
#[inline(always)]
fn block<L: Layout, W: Weight, const R: usize>(
    stream: &[u32],
    x: &[Quad],
    relu: bool,
) -> Option<[i16; R]> {
    let (bias, rest) = stream.split_first_chunk::<R>()?;
    let (groups, rest) = rest.split_at_checked(x.len() * R * W::WORDS)?;
    let (multipliers, _) = rest.split_first_chunk::<R>()?;
    let mut acc = bias.map(|b| b as i32);
    for (&x, groups) in x.iter().zip(groups.chunks_exact(R * W::WORDS)) {
        for (acc, group) in acc.iter_mut().zip(groups.chunks_exact(W::WORDS)) {
            *acc += quad_dot(x, W::unpack::<L>(group));
        }
    }
    let mut y = [0; R];
    for ((y, acc), &word) in y.iter_mut().zip(acc).zip(multipliers) {
        let value = saturate16(scale::<L>(acc, word));
        *y = if relu { value.max(0) } else { value };
    }
    Some(y)
}

/// `y[r] = clamp(requantize(bias[r] + sum_i w[r][i] x[i]))` from a stream in layout `L`.
///
/// The first `shape.quads` quads of `x` are read and `shape.rows` activations of `y` written; where
/// a slice is too short, the remaining outputs stay as they were.
#[inline(always)]
pub fn dense<L: Layout, W: Weight>(shape: &Shape, mut stream: &[u32], x: &[Quad], y: &mut [Quad]) {
    let Some(x) = x.get(..shape.quads) else { return };
    let row = 2 + shape.quads * W::WORDS;
    let (blocks, rest) = if L::ROWS == 4 { (shape.rows / 4, shape.rest) } else { (0, shape.rows) };
    for y in y.iter_mut().take(blocks) {
        let Some(values) = block::<L, W, 4>(stream, x, shape.relu) else { return };
        y.0 = values;
        stream = stream.get(4 * row..).unwrap_or_default();
    }
    for y in flat_mut(y).iter_mut().skip(4 * blocks).take(rest) {
        let Some([value]) = block::<L, W, 1>(stream, x, shape.relu) else { return };
        *y = value;
        stream = stream.get(row..).unwrap_or_default();
    }
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
