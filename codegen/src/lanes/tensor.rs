//! Tensors of many rows, and numbers on their way in. Stands on the runtime's tensors.

use nervecord::generated::Quad;
use nervecord::host::{flat, flat_mut};

/// Rows that are computed at once.
pub const LANES: usize = 32;

/// One feature of as many rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(64))]
pub struct Lanes(pub [i16; LANES]);

impl Default for Lanes {
    fn default() -> Self {
        Self([0; LANES])
    }
}

/// Rows of quads, one behind the other, as lanes; a row that is not there is 0.
pub fn to_lanes(rows: &[Quad], quads: usize, lanes: &mut [Lanes]) {
    let numbers = flat(rows);
    for (q, block) in lanes.chunks_exact_mut(4).take(quads).enumerate() {
        for l in 0..LANES {
            let own = &numbers[4 * (l * quads + q)..][..4];
            block.iter_mut().zip(own).for_each(|(lanes, x)| lanes.0[l] = *x);
        }
    }
}

/// Lanes as rows of quads, one behind the other.
pub fn to_rows(lanes: &[Lanes], rows: &mut [Quad]) {
    let features = lanes.len();
    let numbers = flat_mut(rows);
    for (l, row) in numbers.chunks_exact_mut(features).take(LANES).enumerate() {
        row.iter_mut().zip(lanes).for_each(|(x, lanes)| *x = lanes.0[l]);
    }
}

/// The nearest integers of real numbers, `floor(x one + 1/2)`, into `raws`; whether all were numbers within `ends`.
#[inline(always)]
pub fn nearest(x: &[f64], ones: &[f64], (low, high): (f64, f64), raws: &mut [i32]) -> bool {
    let mut outside = 0_u64;
    for ((x, one), raw) in x.iter().zip(ones).zip(raws) {
        let scaled = (x * one + 0.5).floor();
        // Of NaN as well.
        outside |= u64::from(!(scaled >= low && scaled <= high));
        *raw = scaled.max(low).min(high) as i32;
    }
    outside == 0
}
