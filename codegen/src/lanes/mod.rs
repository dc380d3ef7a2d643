//! Many rows at once on a host: a row a lane of its vector unit, the same operation on one feature of all.
//!
//! Where a step's kernels go along the features of one row, these go along rows, so that every vector is full whatever
//! the layer's shape, and a weight is loaded once for all of them. Integers add in any order: the bits are those of the
//! runtime's kernels, to which property tests hold every unit.
//!
//! Beside them, sums of rows of real numbers for who makes the integers: a vector holds neighbours of one row there.
//!
//! This and the units below it have the only `unsafe` code of the crate. Stands on the runtime's tensors.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dense;
mod portable;
mod reading;
mod real;
mod tensor;

pub use self::dense::DenseLanes;
pub use self::reading::{Line, Reading};
pub use self::tensor::{LANES, Lanes};
use self::tensor::{turn_in, turn_out};

use nervecord::generated::Quad;
use nervecord::host::{flat, flat_mut};

/// A vector unit that this machine has, or what the compiler makes of loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// Calls the kernel of a unit.
macro_rules! on {
    ($unit:expr, $kernel:ident($($argument:expr),*)) => {
        match $unit.0 {
            // SAFETY: this unit is made only where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::$kernel($($argument),*) },
            // SAFETY: this unit is made only where the processor has it.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            Kind::Portable => portable::$kernel($($argument),*),
        }
    };
}

impl Unit {
    /// The fastest that this machine has.
    pub fn best() -> Self {
        Self::all().next().unwrap_or(Self(Kind::Portable))
    }

    /// All that this machine has, the fastest first.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = [
            #[cfg(target_arch = "x86_64")]
            (avx512::is_here(), Self(Kind::Avx512)),
            #[cfg(target_arch = "x86_64")]
            (std::arch::is_x86_feature_detected!("avx2"), Self(Kind::Avx2)),
            (true, Self(Kind::Portable)),
        ];
        all.into_iter().filter_map(|(here, unit)| here.then_some(unit))
    }

    /// Computes a dense layer of all rows, as many outputs as there are in `y`; features that `x` lacks are zeros.
    pub fn dense(self, layer: &DenseLanes, x: &[Lanes], y: &mut [Lanes]) {
        on!(self, dense(layer, x, y));
    }

    /// Replaces features by their function, a table of `words` as of [`nervecord::generated::Table`].
    pub fn function(self, words: &[u32], features: &mut [Lanes]) {
        on!(self, function(words, features));
    }

    /// Real numbers of a row as activations; whether all were within their ranges, without which they are nothing.
    pub fn read(self, reading: &Reading, x: &[f64], row: &mut [Quad]) -> bool {
        on!(self, read(reading, x, flat_mut(row)))
    }

    /// Rows of quads, one behind the other and as many as there are lanes, as lanes: one a feature of a row.
    pub fn to_lanes(self, rows: &[Quad], lanes: &mut [Lanes]) {
        let rows = flat(rows);
        let done = on!(self, turn_in(rows, lanes));
        turn_in(rows, lanes, done);
    }

    /// Lanes as rows of quads, one behind the other.
    pub fn to_rows(self, lanes: &[Lanes], rows: &mut [Quad]) {
        let rows = flat_mut(rows);
        let done = on!(self, turn_out(lanes, rows));
        turn_out(lanes, rows, done);
    }
}

/// Adds the rows of a matrix, each times its factor, to each of `sums`, which have a factor a row of their own: one row
/// after the other, so that the bits are the same on every machine.
pub fn add_rows<const N: usize>(sums: &mut [&mut [f64]; N], rows: &[f64], factors: [&[f64]; N]) {
    on!(Unit::best(), add_rows(sums, rows, factors));
}

/// Adds a row times a factor to `sums`, which may be shorter.
pub fn add_row(sums: &mut [f64], row: &[f64], factor: f64) {
    on!(Unit::best(), add_row(sums, row, factor));
}

/// Adds a row times a factor over a count to `sums`, which may be shorter.
pub fn add_means(sums: &mut [f64], row: &[f64], factor: f64, count: f64) {
    on!(Unit::best(), add_means(sums, row, factor, count));
}

#[cfg(test)]
mod tests;
