//! Layers that work on each row of a tensor by itself, in place.
//!
//! Stands on the heads and layer normalisation.

use crate::arch::memory::{flat, flat_mut};
use crate::head::{LogSoftmax, Softmax};
use crate::norm::{Normalize, RootMeanSquare};
use crate::tensor::{Quad, quads};

/// A kernel that works on one tensor in place.
pub trait InPlace {
    /// Features of its tensor.
    fn features(&self) -> usize;

    /// Computes the layer.
    fn run(&self, x: &mut [Quad]);
}

macro_rules! in_place {
    ($($kernel:ty),*) => {
        $(impl InPlace for $kernel {
            fn features(&self) -> usize {
                self.features as usize
            }

            #[inline(always)]
            fn run(&self, x: &mut [Quad]) {
                <$kernel>::run(self, x);
            }
        })*
    };
}

in_place!(Normalize, RootMeanSquare, Softmax<'_>, LogSoftmax<'_>);

/// A kernel on each of several rows, which follow one another without a gap.
///
/// Rows of whole quads are worked on where they lie; others are copied to work memory behind the tensor and back.
#[derive(Clone, Copy, Debug)]
pub struct Rows<K> {
    /// What is done with each row.
    pub kernel: K,
    /// Features of a row, as many as the kernel's.
    pub features: usize,
    /// How many rows there are.
    pub rows: usize,
}

/// Layer normalisation of each row.
pub type NormalizeRows = Rows<Normalize>;
/// Division of each row by its root mean square.
pub type RootMeanSquareRows = Rows<RootMeanSquare>;
/// Softmax of each row.
pub type SoftmaxRows<'a> = Rows<Softmax<'a>>;
/// Logarithm of softmax of each row.
pub type LogSoftmaxRows<'a> = Rows<LogSoftmax<'a>>;

/// Features of memory that a kernel on rows takes: the rows, then a copy of one where they are no whole quads.
pub const fn rows_memory(features: usize, rows: usize) -> usize {
    let copy = if features.is_multiple_of(4) { 0 } else { quads(features) };
    4 * (quads(features * rows) + copy)
}

impl<K: InPlace> Rows<K> {
    /// Whether a memory of `written` quads, and none to read beside it, is long enough.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        reads.is_empty() && written >= quads(rows_memory(self.features, self.rows))
    }

    /// Computes each row in place.
    #[inline(never)]
    pub fn run(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        debug_assert!(self.kernel.features() == self.features, "a row of another length");
        if self.features.is_multiple_of(4) {
            let rows = x.chunks_exact_mut((self.features / 4).max(1));
            rows.take(self.rows).for_each(|row| self.kernel.run(row));
            return;
        }
        let all = quads(self.features * self.rows);
        let Some((x, work)) = x.split_at_mut_checked(all) else { return };
        for row in flat_mut(x).chunks_exact_mut(self.features).take(self.rows) {
            flat_mut(work).iter_mut().zip(row.iter()).for_each(|(to, x)| *to = *x);
            self.kernel.run(work);
            row.iter_mut().zip(flat(work)).for_each(|(to, x)| *to = *x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn each_row_is_normalized_by_itself(
            x in prop::collection::vec(any::<i16>(), 100), features in 1_usize..20, rows in 1_usize..5,
        ) {
            let kernel = Normalize { features: features as u16, epsilon: 1, frac: 11 };
            let all = Rows { kernel, features, rows };
            let mut memory = std::vec![Quad([77; 4]); rows_memory(features, rows) / 4];
            prop_assert!(all.fits(&[], memory.len()) && !all.fits(&[], memory.len() - 1));
            flat_mut(&mut memory)[..features * rows].copy_from_slice(&x[..features * rows]);
            all.run(&mut memory);
            let expected: Vec<i16> = x[..features * rows]
                .chunks(features)
                .flat_map(|row| {
                    let mut alone = std::vec![Quad::default(); quads(features)];
                    flat_mut(&mut alone)[..features].copy_from_slice(row);
                    kernel.run(&mut alone);
                    flat(&alone)[..features].to_vec()
                })
                .collect();
            prop_assert_eq!(&flat(&memory)[..features * rows], &expected[..]);
        }
    }
}
