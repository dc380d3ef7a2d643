//! The dot products in plain Rust: what every other kernel is tested against.

use super::{Group, Layout};
use crate::tensor::Quad;

#[inline(always)]
fn quad_dot(x: Quad, w: [i16; 4]) -> i32 {
    x.0.iter().zip(w).map(|(&x, w)| x as i32 * w as i32).sum()
}

/// `acc[r] + sum of x * weights` for a block of four interleaved rows in layout `L`.
#[inline(always)]
pub fn dot4<L: Layout, G: Group>(mut acc: [i32; 4], x: &[Quad], weights: &[G]) -> [i32; 4] {
    for (&x, block) in x.iter().zip(weights.as_chunks::<4>().0) {
        for (acc, w) in acc.iter_mut().zip(block) {
            *acc += quad_dot(x, w.unpack::<L>());
        }
    }
    acc
}

/// `acc + sum of x * weights` for one row in layout `L`.
#[inline(always)]
pub fn dot1<L: Layout, G: Group>(acc: i32, x: &[Quad], weights: &[G]) -> i32 {
    x.iter().zip(weights).fold(acc, |acc, (&x, w)| acc + quad_dot(x, w.unpack::<L>()))
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
