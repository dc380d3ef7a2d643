//! Edges by lists: tables, each over a run of neighbouring features, and spline layers most of whose edges
//! are zero.

use crate::arch::{self, Coefficient};
use crate::number::requantize;
use crate::spline::{Grid, Shape};
use crate::table::Table;
use crate::tensor::{Quad, quads};

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

/// A sparse spline layer's edges and what becomes of its sums; `C` is i8 or i16.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a, C> {
    /// How many edges leave each input.
    pub fans: &'a [u8],
    /// Where each edge ends.
    pub outputs: &'a [u8],
    /// `[edge][interval + 3]`.
    pub coefficients: &'a [C],
    /// `[edge]`, the factors of the base function, or none.
    pub factors: &'a [C],
    /// One addend an output, with the rounding half.
    pub bias: &'a [i32],
    /// One an output; see [`requantize`].
    pub multiplier: &'a [i16],
}

/// A layer of cubic B-splines that has coefficients for its live edges only.
///
/// Equation and number formats are those of [`spline`](crate::spline); an edge that is not listed costs nothing.
/// Accumulators stay inside `i32` for any input: codegen has proved it from the coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Sparse<'a, C> {
    shape: Shape,
    grids: &'a [Grid],
    tables: Tables<'a, C>,
}

/// A sparse spline layer with i8 coefficients.
pub type Sparse8<'a> = Sparse<'a, i8>;
/// A sparse spline layer with i16 coefficients.
pub type Sparse16<'a> = Sparse<'a, i16>;

impl<'a, C: Coefficient> Sparse<'a, C> {
    /// A layer over its tables; one grid serves the first activations, or each input has its own.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(shape: Shape, grids: &'a [Grid], tables: Tables<'a, C>) -> Self {
        assert!(shape.axis.is_sound() && shape.shift < 16 && shape.base_shift < 16);
        assert!(grids.len() == shape.inputs || grids.len() == 1);
        let Tables { fans, outputs, coefficients, factors, bias, multiplier } = &tables;
        assert!(fans.len() == shape.inputs && bias.len() == shape.outputs);
        assert!(multiplier.len() == shape.outputs);
        assert!(coefficients.len() == outputs.len() * shape.count());
        assert!(factors.len() == if shape.base { outputs.len() } else { 0 });
        let (mut edges, mut k) = (0, 0);
        while k < fans.len() {
            edges += fans[k] as usize;
            k += 1;
        }
        assert!(edges == outputs.len());
        Self { shape, grids, tables }
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`Shape::memory`] features; one too short, or too short an `x` or `base`, leaves outputs as
    /// they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Tables { bias, multiplier, .. } = self.tables;
        let Some((y, memory)) = y.split_at_mut_checked(quads(bias.len())) else { return };
        let Some(acc) = arch::words_mut(memory).get_mut(..bias.len()) else { return };
        acc.copy_from_slice(bias);
        if self.sum(arch::flat(x), arch::flat(base), acc).is_none() {
            return;
        }
        let finish = acc.iter().zip(multiplier);
        for (y, (&acc, &multiplier)) in arch::flat_mut(y).iter_mut().zip(finish) {
            *y = requantize(acc, multiplier, self.shape.shift as u32);
        }
    }

    /// Adds every edge to the accumulator of its output; nothing if there is no activation for one.
    #[inline(always)]
    fn sum(&self, x: &[i16], base: &[i16], acc: &mut [i32]) -> Option<()> {
        let Shape { axis, base_shift, base: has_base, .. } = self.shape;
        let Tables { fans, outputs, coefficients, factors, .. } = self.tables;
        let mut edges = outputs.iter().zip(coefficients.chunks_exact(self.shape.count()));
        let mut factors = factors.iter();
        for (k, &fan) in fans.iter().enumerate() {
            let (grid, input) = match self.grids {
                [grid] => (grid, k),
                grids => grids.get(k).map(|grid| (grid, grid.input as usize))?,
            };
            let (start, weights) = axis.locate(grid.coordinate(*x.get(input)?));
            let [w0, w1, w2, w3] = weights.map(i32::from);
            let base = if has_base { *base.get(k)? as i32 } else { 0 };
            for _ in 0..fan {
                let (&output, edge) = edges.next()?;
                let [c0, c1, c2, c3] = edge.get(start..)?.first_chunk::<4>()?.map(Into::into);
                let acc = acc.get_mut(output as usize)?;
                *acc += w0 * c0 + w1 * c1 + w2 * c2 + w3 * c3;
                if let Some(&factor) = factors.next() {
                    *acc += (factor.into() * base) << base_shift;
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::flat;
    use crate::arch::{SplineNative as Native, pack_spline8};
    use crate::spline::{Axis, Spline8};
    use proptest::prelude::*;
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    const RELU: [u32; 4] = [0, 0, 0x7fff, 0x8000_7fff];
    const MINUS_QUARTER: [u32; 2] = [0xc000; 2];

    proptest! {
        /// A sparse layer gives what the full one gives with zeros for the edges that are not listed.
        #[test]
        fn edges_that_are_not_listed_are_zero(
            (inputs, outputs) in (1_usize..9, 1_usize..9), intervals in 1_u8..6, tails: bool, shared: bool, with_base: bool,
            base_shift in 0_u8..5, seed: u32, x: [i16; 8], base: [i16; 8]
        ) {
            let count = intervals as usize + 3;
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 as i8
            };
            let (mut full, mut list) = (vec![], vec![]);
            let mut factors = vec![0_i8; if with_base { quads(inputs) * 4 * outputs } else { 0 }];
            let (mut own, mut fans, mut ends) = (vec![], vec![0_u8; inputs], vec![]);
            for k in 0..inputs {
                for o in 0..outputs {
                    let live = next() > 20;
                    let edge: Vec<i8> = (0..count).map(|_| if live { next() } else { 0 }).collect();
                    full.extend(&edge);
                    if live {
                        list.extend(&edge);
                        fans[k] += 1;
                        ends.push(o as u8);
                    }
                    if with_base && live {
                        own.push(next());
                        factors[k / 4 * 4 * outputs + k % 4 + o * 4] = own[own.len() - 1];
                    }
                }
            }
            let shared = shared || inputs == 1;
            let grids: Vec<Grid> = (0..if shared { 1 } else { inputs })
                .map(|i| Grid { input: if shared { 0 } else { (inputs - 1 - i) as u16 }, factor: 1000 + i as i16, offset: 3 << 25 })
                .collect();
            let (bias, multiplier) = (vec![5; outputs], vec![20000; outputs]);
            let axis = Axis { intervals, shift: 25, tails };
            let shape = Shape { inputs, outputs, axis, base: with_base, base_shift, shift: 2 };
            let tables = Tables {
                fans: &fans[..], outputs: &ends[..], coefficients: &list[..], factors: &own[..],
                bias: &bias[..], multiplier: &multiplier[..]
            };
            let (x, base) = ([Quad([x[0], x[1], x[2], x[3]]), Quad([x[4], x[5], x[6], x[7]])],
                [Quad([base[0], base[1], base[2], base[3]]), Quad([base[4], base[5], base[6], base[7]])]);
            let mut want = vec![Quad([0; 4]); quads(Shape::memory(outputs))];
            let mut got = want.clone();
            let mut stream = vec![0; shape.words(8)];
            pack_spline8::<Native>(&shape, &full, &factors, &bias, &multiplier, &mut stream);
            Spline8::new(shape, &grids, &stream).run(&x, &base, &mut want);
            Sparse::new(shape, &grids, tables).run(&x, &base, &mut got);
            prop_assert_eq!(&arch::flat(&got)[..outputs], &arch::flat(&want)[..outputs]);
            // Too little memory changes nothing.
            let mut short = [Quad([3; 4]); 1];
            Sparse::new(shape, &grids, tables).run(&x, &base, &mut short);
            prop_assert_eq!(short, [Quad([3; 4]); 1]);
        }
    }

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
