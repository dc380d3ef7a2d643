//! Spline layers most of whose edges are zero. Stands on `shape`, `arch` and the rounding rule.

use super::shape::{Grid, SplineShape};
use crate::arch::memory::{flat, flat_mut, words_mut};
use crate::arch::spline::layer::Coefficient;
use crate::rounding::requantize;
use crate::tensor::{Quad, quads};

/// A sparse spline layer's edges and what becomes of its sums; `C` is i8 or i16.
#[derive(Clone, Copy, Debug)]
pub struct SparseSplineTables<'a, C> {
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
/// Equation and number formats are those of the [room](super); an edge that is not listed costs nothing.
/// Accumulators stay inside `i32` for any input: codegen has proved it from the coefficients.
#[derive(Clone, Copy, Debug)]
pub struct SparseSpline<'a, C> {
    shape: SplineShape,
    grids: &'a [Grid],
    tables: SparseSplineTables<'a, C>,
}

/// A sparse spline layer with i8 coefficients.
pub type SparseSpline8<'a> = SparseSpline<'a, i8>;
/// A sparse spline layer with i16 coefficients.
pub type SparseSpline16<'a> = SparseSpline<'a, i16>;

impl<'a, C: Coefficient> SparseSpline<'a, C> {
    /// A layer over its tables; one grid serves the first activations, or each input has its own.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(
        shape: SplineShape,
        grids: &'a [Grid],
        tables: SparseSplineTables<'a, C>,
    ) -> Self {
        assert!(shape.axis.is_sound() && shape.shift < 16 && shape.base_shift < 16);
        assert!(grids.len() == shape.inputs || grids.len() == 1);
        let SparseSplineTables { fans, outputs, coefficients, factors, bias, multiplier } = &tables;
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

    /// Whether the tensors to read, activations and, if there is a base function, its values, and the memory
    /// `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let (x, base) = match reads {
            [x] => (*x, 0),
            [x, base] => (*x, *base),
            _ => return false,
        };
        let SplineShape { inputs, outputs, base: has_base, .. } = self.shape;
        let each = if self.grids.len() == 1 { inputs } else { 1 };
        let (mut activations, mut k) = (0, 0);
        while k < self.grids.len() {
            let end = self.grids[k].input as usize + each;
            activations = if end > activations { end } else { activations };
            k += 1;
        }
        let bases = if has_base { quads(inputs) } else { 0 };
        x >= quads(activations) && base >= bases && written >= quads(SplineShape::memory(outputs))
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`SplineShape::memory`] features; one too short, or too short an `x` or `base`, leaves outputs as
    /// they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let SparseSplineTables { bias, multiplier, .. } = self.tables;
        debug_assert!(self.fits(&[x.len(), base.len()], y.len()), "a tensor is too short");
        let Some((y, memory)) = y.split_at_mut_checked(quads(bias.len())) else { return };
        let Some(acc) = words_mut(memory).get_mut(..bias.len()) else { return };
        acc.copy_from_slice(bias);
        if self.sum(flat(x), flat(base), acc).is_none() {
            return;
        }
        let finish = acc.iter().zip(multiplier);
        for (y, (&acc, &multiplier)) in flat_mut(y).iter_mut().zip(finish) {
            *y = requantize(acc, multiplier, self.shape.shift as u32);
        }
    }

    /// Adds every edge to the accumulator of its output; nothing if there is no activation for one.
    #[inline(always)]
    fn sum(&self, x: &[i16], base: &[i16], acc: &mut [i32]) -> Option<()> {
        let SplineShape { axis, base_shift, base: has_base, .. } = self.shape;
        let SparseSplineTables { fans, outputs, coefficients, factors, .. } = self.tables;
        let mut edges = outputs.iter().zip(coefficients.chunks_exact(self.shape.count()));
        let mut factors = factors.iter();
        for (k, &fan) in fans.iter().enumerate() {
            let (grid, input) = match self.grids {
                // That of a layer's only input names it; one that inputs share names the first.
                [grid] => (grid, grid.input as usize + k),
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
    use crate::arch::spline::tables::{Native, pack_spline8};
    use crate::spline::full::Spline8;
    use crate::spline::shape::Axis;
    use proptest::prelude::*;
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn tensors_fit_if_they_have_every_input_and_output() {
        let grid = |input| Grid { input, factor: 1000, offset: 0 };
        let axis = Axis { intervals: 1, shift: 25, tails: true };
        let shape =
            SplineShape { inputs: 2, outputs: 1, axis, base: true, base_shift: 0, shift: 0 };
        let tables = SparseSplineTables {
            fans: &[0, 1],
            outputs: &[0],
            coefficients: &[1_i8; 4],
            factors: &[1],
            bias: &[0],
            multiplier: &[1],
        };
        let grids = [grid(4), grid(1)];
        let own = SparseSpline8::new(shape, &grids, tables);
        assert!(own.fits(&[2, 1], 2));
        assert!(!own.fits(&[1, 1], 2) && !own.fits(&[2, 0], 2) && !own.fits(&[2, 1], 1));
        assert!(!own.fits(&[2], 2), "the base function's values are missing");
        let grids = [grid(0)];
        let shared = SparseSpline8::new(shape, &grids, tables);
        assert!(shared.fits(&[1, 1], 2) && !shared.fits(&[0, 1], 2));
    }

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
            let shape = SplineShape { inputs, outputs, axis, base: with_base, base_shift, shift: 2 };
            let tables = SparseSplineTables {
                fans: &fans[..], outputs: &ends[..], coefficients: &list[..], factors: &own[..],
                bias: &bias[..], multiplier: &multiplier[..]
            };
            let (x, base) = ([Quad([x[0], x[1], x[2], x[3]]), Quad([x[4], x[5], x[6], x[7]])],
                [Quad([base[0], base[1], base[2], base[3]]), Quad([base[4], base[5], base[6], base[7]])]);
            let mut want = vec![Quad([0; 4]); quads(SplineShape::memory(outputs))];
            let mut got = want.clone();
            let mut stream = vec![0; shape.words(8)];
            pack_spline8::<Native>(&shape, &full, &factors, &bias, &multiplier, &mut stream);
            Spline8::new(shape, &grids, &stream).run(&x, &base, &mut want);
            SparseSpline::new(shape, &grids, tables).run(&x, &base, &mut got);
            prop_assert_eq!(&flat(&got)[..outputs], &flat(&want)[..outputs]);
        }
    }
}
