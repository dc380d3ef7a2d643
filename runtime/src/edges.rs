//! Functions of one variable over features: tables, each over a run of neighbouring features.

use crate::arch;
use crate::table::Table;
use crate::tensor::Quad;

/// One function over `count` neighbouring features.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Run<'a> {
    /// The function.
    pub table: Table<'a>,
    /// First feature read.
    pub from: usize,
    /// Number of features.
    pub count: usize,
}

/// Runs whose results follow one another: `y = [f(x[i]), ...]`, each function over its features.
///
/// Fastest where all runs have a multiple of eight features, or of four, and start at an even one.
#[derive(Clone, Copy, Debug)]
pub struct Functions<'a> {
    /// At least one.
    pub(crate) runs: &'a [Run<'a>],
    /// Features that must be there to read.
    pub(crate) inputs: usize,
    /// Features written.
    pub(crate) outputs: usize,
    /// 8, 4 or 1: what all counts are multiples of; runs start at even features unless it is 1.
    pub(crate) step: usize,
    /// Whether every run has `step` features.
    #[cfg_attr(not(nervecord_dsp), expect(dead_code))]
    pub(crate) even: bool,
}

impl<'a> Functions<'a> {
    /// A layer of `runs`.
    ///
    /// # Panics
    /// If there is no run, or one is empty or beyond 2^16 features. In a constant, that is a build error.
    pub const fn new(runs: &'a [Run<'a>]) -> Self {
        assert!(!runs.is_empty());
        let (mut inputs, mut outputs, mut step) = (0, 0, 8);
        let mut i = 0;
        while i < runs.len() {
            let Run { from, count, .. } = runs[i];
            assert!(count > 0 && count <= 1 << 16 && from <= 1 << 16);
            inputs = if from + count > inputs { from + count } else { inputs };
            outputs += count;
            while !count.is_multiple_of(step) || (step > 1 && !from.is_multiple_of(2)) {
                step = if step == 8 { 4 } else { 1 };
            }
            i += 1;
        }
        Self { runs, inputs, outputs, step, even: outputs == step * runs.len() }
    }

    /// Computes the layer; an `x` or `y` that is too short leaves outputs as they were.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        arch::apply(self, x, y);
    }

    /// Computes the layer in place: each run starts where the one before ended.
    #[inline(always)]
    pub fn run_in_place(&self, x: &mut [Quad]) {
        arch::apply_in_place(self, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::flat;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    const RELU: [u32; 4] = [0, 0, 0x7fff, 0x8000_7fff];
    const MINUS_QUARTER: [u32; 2] = [0xc000; 2];

    #[test]
    fn runs_may_read_one_feature_twice_and_stay_inside() {
        let (relu, negative) = (Table::new(&RELU), Table::new(&MINUS_QUARTER));
        let runs =
            [Run { table: relu, from: 0, count: 2 }, Run { table: negative, from: 1, count: 2 }];
        let mut y = [Quad([9; 4])];
        Functions::new(&runs).run(&[Quad([-100, 200, 300, 5])], &mut y);
        assert_eq!(y, [Quad([0, 200, -50, -75])]);
        let beyond = [Run { table: negative, from: 1, count: 4 }];
        Functions::new(&beyond).run(&[Quad([1; 4])], &mut y);
        Functions::new(&beyond).run(&[Quad([1; 4]); 2], &mut []);
        assert_eq!(y, [Quad([0, 200, -50, -75])]);
    }

    proptest! {
        /// Every run's function of the features it names, in order, whatever the counts.
        #[test]
        fn every_feature_gets_its_function(
            x: [[i16; 4]; 8], tables: [[u32; 6]; 3], runs in prop::collection::vec((0_usize..3, 0_usize..8, 1_usize..25), 1..6),
        ) {
            let x = x.map(Quad);
            let runs: Vec<Run> = runs
                .iter()
                .map(|&(k, from, count)| Run { table: Table::new(&tables[k]), from, count })
                .collect();
            let each = |run: &Run| -> Vec<i16> {
                flat(&x)[run.from..][..run.count].iter().map(|&x| run.table.eval(x)).collect()
            };
            let want: Vec<i16> = runs.iter().flat_map(each).collect();
            let mut y = std::vec![Quad::default(); want.len().div_ceil(4)];
            Functions::new(&runs).run(&x, &mut y);
            prop_assert_eq!(&flat(&y)[..want.len()], &want[..]);
        }
    }
}
