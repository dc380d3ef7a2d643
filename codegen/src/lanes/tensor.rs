//! Tensors of many rows, and numbers on their way in. Stands on nothing.

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

/// Rows of as many numbers as there are `lanes`, one behind the other, as lanes, from feature `from` on.
pub fn turn_in(rows: &[i16], lanes: &mut [Lanes], from: usize) {
    let features = lanes.len();
    for (feature, lanes) in lanes.iter_mut().enumerate().skip(from) {
        let own = rows.iter().skip(feature).step_by(features.max(1));
        lanes.0.iter_mut().zip(own).for_each(|(y, x)| *y = *x);
    }
}

/// Lanes as rows, one behind the other, from feature `from` on.
pub fn turn_out(lanes: &[Lanes], rows: &mut [i16], from: usize) {
    let features = lanes.len();
    for (feature, lanes) in lanes.iter().enumerate().skip(from) {
        let own = rows.iter_mut().skip(feature).step_by(features.max(1));
        own.zip(&lanes.0).for_each(|(y, x)| *y = *x);
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
