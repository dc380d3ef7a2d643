//! Edges by lists: functions that features share, and spline layers most of whose edges are zero.

use crate::arch::{self, Coefficient, Window};
use crate::number::requantize;
use crate::spline::{Axis, Grid, Tables};
use crate::table::Table;
use crate::tensor::{Quad, quads};

/// One function over `count` neighbouring features.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The function.
    pub table: Table<'a>,
    /// First feature read.
    pub from: u16,
    /// First feature written.
    pub to: u16,
    /// Number of features.
    pub count: u16,
}

/// Applies every run to `x`, writing `y`; features that are not there are left out.
#[inline(never)]
pub fn functions(runs: &[Run], x: &[Quad], y: &mut [Quad]) {
    let x = arch::flat(x);
    let y = arch::flat_mut(y);
    for run in runs {
        let x = x.iter().skip(run.from as usize);
        let y = y.iter_mut().skip(run.to as usize).take(run.count as usize);
        for (y, &x) in y.zip(x) {
            *y = run.table.eval(x);
        }
    }
}

/// A layer of cubic B-splines that has coefficients for its live edges only.
///
/// Equation and number formats are those of [`spline`](crate::spline); an edge that is not listed costs nothing.
/// Accumulators stay inside `i32` for any input: codegen has proved it from the coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Sparse<'a, C> {
    axis: Axis,
    grids: &'a [Grid],
    fans: &'a [u8],
    outputs: &'a [u8],
    tables: Tables<'a, C>,
}

/// A sparse spline layer with i8 coefficients.
pub type Sparse8<'a> = Sparse<'a, i8>;
/// A sparse spline layer with i16 coefficients.
pub type Sparse16<'a> = Sparse<'a, i16>;

impl<'a, C: Coefficient> Sparse<'a, C> {
    /// A layer of `fans.len()` inputs: how many edges leave each, and `outputs`, where each edge ends. One grid
    /// serves the first activations, or each input has its own.
    ///
    /// In `tables` an edge's coefficients follow those of the edge before, `[edge][interval + 3]`, and the
    /// factors of the base function are `[edge]`, or none.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(
        axis: Axis,
        grids: &'a [Grid],
        fans: &'a [u8],
        outputs: &'a [u8],
        tables: Tables<'a, C>,
    ) -> Self {
        assert!(axis.is_sound() && tables.shift < 16 && tables.base_shift < 16);
        assert!(grids.len() == fans.len() || grids.len() == 1);
        assert!(tables.multiplier.len() == tables.bias.len());
        let count = axis.intervals as usize + 3;
        assert!(tables.coefficients.len() == outputs.len() * count);
        assert!(tables.base.is_empty() || tables.base.len() == outputs.len());
        let (mut edges, mut k) = (0, 0);
        while k < fans.len() {
            edges += fans[k] as usize;
            k += 1;
        }
        assert!(edges == outputs.len());
        Self { axis, grids, fans, outputs, tables }
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`memory`](crate::spline::memory) features; one too short, or too short an `x`, leaves
    /// outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Tables { bias, multiplier, shift, .. } = self.tables;
        let Some((y, memory)) = y.split_at_mut_checked(quads(bias.len())) else { return };
        let Some(acc) = arch::words_mut(memory).get_mut(..bias.len()) else { return };
        acc.copy_from_slice(bias);
        match self.axis.tails {
            true => self.sum::<true>(arch::flat(x), arch::flat(base), acc),
            false => self.sum::<false>(arch::flat(x), arch::flat(base), acc),
        }
        let finish = acc.iter().zip(multiplier);
        for (y, (&acc, &multiplier)) in arch::flat_mut(y).iter_mut().zip(finish) {
            *y = requantize(acc, multiplier, shift as u32);
        }
    }

    /// Adds every edge to the accumulator of its output.
    #[inline(always)]
    fn sum<const TAILS: bool>(&self, x: &[i16], base: &[i16], acc: &mut [i32]) {
        let Tables { coefficients, base: factors, base_shift, .. } = self.tables;
        let mut window = Window::default();
        let ends = self.axis.ends::<TAILS>();
        let mut edges = self.outputs.iter().zip(coefficients.chunks_exact(self.count()));
        let mut factors = factors.iter();
        for (k, &fan) in self.fans.iter().enumerate() {
            let (grid, input) = match self.grids {
                [grid] => (grid, k),
                grids => match grids.get(k) {
                    Some(grid) => (grid, grid.input as usize),
                    None => return,
                },
            };
            let Some(&x) = x.get(input) else { return };
            // |x * factor| <= 2^30 and |offset| < 2^30
            let q = x as i32 * grid.factor as i32 + grid.offset;
            let (start, weights) = self.axis.find::<TAILS>(q, ends, &mut window);
            let [w0, w1, w2, w3] = weights.map(i32::from);
            let base = base.get(k).copied().unwrap_or(0) as i32;
            for _ in 0..fan {
                let Some((&output, edge)) = edges.next() else { return };
                let taps = edge.get(start..).and_then(|taps| taps.first_chunk::<4>());
                let (Some(taps), Some(acc)) = (taps, acc.get_mut(output as usize)) else { return };
                let [c0, c1, c2, c3] = taps.map(Into::into);
                *acc += w0 * c0 + w1 * c1 + w2 * c2 + w3 * c3;
                if let Some(&factor) = factors.next() {
                    *acc += (factor.into() * base) << base_shift;
                }
            }
        }
    }

    /// Coefficients of an edge.
    #[inline(always)]
    const fn count(&self) -> usize {
        self.axis.intervals as usize + 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spline::{Spline, memory};
    use proptest::prelude::*;
    extern crate std;
    use std::vec;
    use std::vec::Vec;

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
            let tables = Tables {
                coefficients: &full[..], base: &factors[..], base_shift, bias: &bias, multiplier: &multiplier, shift: 2
            };
            let lean = Tables { coefficients: &list[..], base: &own[..], ..tables };
            let (x, base) = ([Quad([x[0], x[1], x[2], x[3]]), Quad([x[4], x[5], x[6], x[7]])],
                [Quad([base[0], base[1], base[2], base[3]]), Quad([base[4], base[5], base[6], base[7]])]);
            let mut want = vec![Quad([0; 4]); quads(memory(outputs))];
            let mut got = want.clone();
            Spline::new(axis, &grids, inputs, tables).run(&x, &base, &mut want);
            Sparse::new(axis, &grids, &fans, &ends, lean).run(&x, &base, &mut got);
            prop_assert_eq!(&arch::flat(&got)[..outputs], &arch::flat(&want)[..outputs]);
            // Too little memory changes nothing.
            let mut short = [Quad([3; 4]); 1];
            Sparse::new(axis, &grids, &fans, &ends, lean).run(&x, &base, &mut short);
            prop_assert_eq!(short, [Quad([3; 4]); 1]);
        }
    }

    #[test]
    fn runs_may_read_one_feature_twice_and_stay_inside() {
        let (relu, negative) = (Table::new(&[0, 0, 32767]), Table::new(&[32767, 0, -32768]));
        let runs = [
            Run { table: relu, from: 0, to: 0, count: 2 },
            Run { table: negative, from: 1, to: 2, count: 9 },
        ];
        let mut y = [Quad([9; 4])];
        functions(&runs, &[Quad([-100, 200, 300, 5])], &mut y);
        assert_eq!(y, [Quad([0, 200, -200, -300])]);
    }
}
