//! Functions of one variable over the features of a tensor. Stands on `table` and `arch::functions`.

use crate::arch::functions::{Runs, apply, apply_in_place};
use crate::table::FunctionRun;
use crate::tensor::{Quad, quads};

/// Runs whose results follow one another: `y = [f(x[i]), ...]`, each function over its features.
///
/// Fastest where all runs have a multiple of eight features, or of four, and start at an even one.
#[derive(Clone, Copy, Debug)]
pub struct Functions<'a>(Runs<'a>);

impl<'a> Functions<'a> {
    /// A layer of `runs`.
    ///
    /// # Panics
    /// If there is no run, or one is empty or beyond 2^16 features. In a constant, that is a build error.
    pub const fn new(runs: &'a [FunctionRun<'a>]) -> Self {
        Self(Runs::new(runs))
    }

    /// Whether a tensor of `written` quads is long enough to write, and one to read, if the layer is not in place.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let read = match reads {
            [] => written,
            [x] => *x,
            _ => return false,
        };
        read >= quads(self.0.inputs) && written >= quads(self.0.outputs)
    }

    /// Computes the layer; an `x` or `y` that is too short leaves outputs as they were.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        apply(&self.0, x, y);
    }

    /// Computes the layer in place: each run starts where the one before ended.
    #[inline(always)]
    pub fn run_in_place(&self, x: &mut [Quad]) {
        debug_assert!(self.fits(&[], x.len()), "a tensor is too short");
        apply_in_place(&self.0, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::memory::flat;
    use crate::table::Table;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    const RELU: [u32; 4] = [0, 0, 0x7fff, 0x8000_7fff];
    const MINUS_QUARTER: [u32; 2] = [0xc000; 2];

    #[test]
    fn runs_may_read_one_feature_twice_and_stay_inside() {
        let (relu, negative) = (Table::new(&RELU), Table::new(&MINUS_QUARTER));
        let runs = [
            FunctionRun { table: relu, from: 0, count: 2 },
            FunctionRun { table: negative, from: 1, count: 2 },
        ];
        let mut y = [Quad([9; 4])];
        Functions::new(&runs).run(&[Quad([-100, 200, 300, 5])], &mut y);
        assert_eq!(y, [Quad([0, 200, -50, -75])]);
    }

    #[test]
    fn tensors_fit_if_every_run_has_its_features() {
        let runs = [FunctionRun { table: Table::new(&MINUS_QUARTER), from: 3, count: 5 }];
        let functions = Functions::new(&runs);
        assert!(functions.fits(&[2], 2) && functions.fits(&[], 2));
        assert!(!functions.fits(&[1], 2) && !functions.fits(&[2], 1) && !functions.fits(&[], 1));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn short_tensors_are_refused() {
        let beyond = [FunctionRun { table: Table::new(&MINUS_QUARTER), from: 1, count: 4 }];
        Functions::new(&beyond).run(&[Quad([1; 4])], &mut [Quad::default()]);
    }

    proptest! {
        /// Every run's function of the features it names, in order, whatever the counts.
        #[test]
        fn every_feature_gets_its_function(
            x: [[i16; 4]; 8], tables: [[u32; 6]; 3], runs in prop::collection::vec((0_usize..3, 0_usize..8, 1_usize..25), 1..6),
        ) {
            let x = x.map(Quad);
            let runs: Vec<FunctionRun> = runs
                .iter()
                .map(|&(k, from, count)| FunctionRun { table: Table::new(&tables[k]), from, count })
                .collect();
            let each = |run: &FunctionRun| -> Vec<i16> {
                flat(&x)[run.from..][..run.count].iter().map(|&x| run.table.eval(x)).collect()
            };
            let want: Vec<i16> = runs.iter().flat_map(each).collect();
            let mut y = std::vec![Quad::default(); want.len().div_ceil(4)];
            Functions::new(&runs).run(&x, &mut y);
            prop_assert_eq!(&flat(&y)[..want.len()], &want[..]);
        }
    }
}
