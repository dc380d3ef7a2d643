//! Tensors of many rows. Stands on the runtime's.

use nervecord::generated::Quad;
use nervecord::host::{flat, flat_mut};

/// Rows that are computed at once.
pub const LANES: usize = 32;

/// One feature of as many rows, as quads: what is done to each number alone, a kernel of the runtime can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(align(64))]
pub struct Lanes(pub [Quad; LANES / 4]);

impl Lanes {
    /// The number of each row.
    pub fn numbers(&self) -> &[i16] {
        flat(&self.0)
    }

    /// The number of each row.
    pub fn numbers_mut(&mut self) -> &mut [i16] {
        flat_mut(&mut self.0)
    }
}

/// Rows of as many numbers as there are `lanes`, one behind the other, as lanes, from feature `from` on.
pub fn turn_in(rows: &[i16], lanes: &mut [Lanes], from: usize) {
    let features = lanes.len();
    for (feature, lanes) in lanes.iter_mut().enumerate().skip(from) {
        let own = rows.iter().skip(feature).step_by(features.max(1));
        lanes.numbers_mut().iter_mut().zip(own).for_each(|(y, x)| *y = *x);
    }
}

/// Lanes as rows, one behind the other, from feature `from` on.
pub fn turn_out(lanes: &[Lanes], rows: &mut [i16], from: usize) {
    let features = lanes.len();
    for (feature, lanes) in lanes.iter().enumerate().skip(from) {
        let own = rows.iter_mut().skip(feature).step_by(features.max(1));
        own.zip(lanes.numbers()).for_each(|(y, x)| *y = *x);
    }
}
