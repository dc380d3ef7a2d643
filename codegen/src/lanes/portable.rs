//! Any host: loops over all rows of a feature that the compiler makes vectors of, such as those of NEON, which every
//! 64-bit Arm has.
//!
//! Stands on `dense`, `reading`, `real` and `tensor`.

use nervecord::generated::Table;

use super::dense::{Block, DenseLanes, ROWS};
use super::reading::{self, Reading};
pub use super::real::{add_means, add_row, add_rows};
use super::tensor::{LANES, Lanes};

/// See [`dense`](super::Unit::dense).
pub fn dense(layer: &DenseLanes, x: &[Lanes], y: &mut [Lanes]) {
    let zero = Lanes::default();
    for (Block { bias, words, pairs }, y) in layer.blocks.iter().zip(y.chunks_mut(ROWS)) {
        for (row, y) in y.iter_mut().enumerate() {
            let mut sums = [bias[row]; LANES];
            for (pair, weights) in x.chunks(2).zip(pairs) {
                let weight = weights[row];
                add(&mut sums, &pair[0], weight as i16);
                add(&mut sums, pair.get(1).unwrap_or(&zero), (weight >> 16) as i16);
            }
            for (y, sum) in y.numbers_mut().iter_mut().zip(sums) {
                let value = (i64::from(sum) * i64::from(words[row])) >> 32;
                let value = value.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
                *y = if layer.relu { value.max(0) } else { value };
            }
        }
    }
}

/// Of 16 bits both, so that NEON's `SMLAL` multiplies and adds; inlined, so that sums stay in registers.
#[inline(always)]
fn add(sums: &mut [i32; LANES], x: &Lanes, weight: i16) {
    let products = x.numbers().iter().map(|&x| i32::from(x) * i32::from(weight));
    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum = sum.wrapping_add(product));
}

/// See [`function`](super::Unit::function).
pub fn function(words: &[u32], features: &mut [Lanes]) {
    let table = Table::new(words);
    let numbers = features.iter_mut().flat_map(Lanes::numbers_mut);
    numbers.for_each(|x| *x = table.eval(*x));
}

/// See [`read`](super::Unit::read). Inlined, so that its loop becomes the caller's vectors.
#[inline(always)]
pub fn read(reading: &Reading, x: &[f64], row: &mut [i16]) -> bool {
    let Reading { ones, wide, ends: [low, high] } = reading;
    reading::each(x, row, |k, x, row| {
        let mut outside = 0_u64;
        for (i, (x, activation)) in x.iter().zip(row).enumerate() {
            let mut value = (x * ones[k][i] + 0.5).floor();
            if let Some([add, factor]) = wide {
                value = ((value + add[k][i]) * factor[k][i]).floor();
            }
            let (low, high) = (low[k][i], high[k][i]);
            // Of NaN as well.
            outside |= u64::from(!(value >= low && value <= high));
            *activation = value.max(low).min(high) as i32 as i16;
        }
        outside == 0
    })
}

/// No row is turned by vectors.
pub fn turn_in(_rows: &[i16], _lanes: &mut [Lanes]) -> usize {
    0
}

/// No row is turned by vectors.
pub fn turn_out(_lanes: &[Lanes], _rows: &mut [i16]) -> usize {
    0
}
