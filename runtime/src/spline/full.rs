//! Spline layers that have all their edges. Stands on `shape` and `arch::spline`.

use super::shape::{Grid, SplineShape};
use crate::arch::spline::dispatch::run;
use crate::arch::spline::layer::{Coefficient, SplineLayer};
use crate::arch::spline::tables::{self, Native, Sections};
use crate::tensor::Quad;

impl SplineShape {
    /// Words of the stream of a layer with coefficients of `bits`, 8 or 16.
    pub const fn words(&self, bits: usize) -> usize {
        Sections::new(self, bits / 8).words
    }
}

/// The stream of a layer of i8 coefficients `[input][output][interval + 3]` for the core this is built
/// for; factors of the base function, if it has one, are `[input / 4][output][input % 4]`.
pub const fn pack_spline8<const N: usize>(
    shape: &SplineShape,
    coefficients: &[i8],
    factors: &[i8],
    bias: &[i32],
    multiplier: &[i16],
) -> [u32; N] {
    let mut stream = [0; N];
    tables::pack_spline8::<Native>(shape, coefficients, factors, bias, multiplier, &mut stream);
    stream
}

/// The stream of a layer of i16 coefficients for the core this is built for, from tables in the order of
/// [`pack_spline8`].
pub const fn pack_spline16<const N: usize>(
    shape: &SplineShape,
    coefficients: &[i16],
    factors: &[i16],
    bias: &[i32],
    multiplier: &[i16],
) -> [u32; N] {
    let mut stream = [0; N];
    tables::pack_spline16::<Native>(shape, coefficients, factors, bias, multiplier, &mut stream);
    stream
}

/// A layer of cubic B-splines over a packed stream of its tables.
///
/// Accumulators stay inside `i32` for any input: codegen has proved it from the coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Spline<'a, C>(SplineLayer<'a, C>);

/// A spline layer with i8 coefficients.
pub type Spline8<'a> = Spline<'a, i8>;
/// A spline layer with i16 coefficients.
pub type Spline16<'a> = Spline<'a, i16>;

impl<'a, C: Coefficient> Spline<'a, C> {
    /// A layer over a `stream` packed for this core; one grid of input 0 serves the first `inputs`
    /// activations, or each input has its own.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(shape: SplineShape, grids: &'a [Grid], stream: &'a [u32]) -> Self {
        assert!(shape.axis.is_sound() && shape.shift < 16 && shape.base_shift < 16);
        assert!(shape.inputs > 0 && shape.outputs > 0);
        assert!(grids.len() == shape.inputs || grids.len() == 1 && grids[0].input == 0);
        Self(SplineLayer::new(shape, grids, stream))
    }

    /// Whether the tensors to read, activations and, if there is a base function, its values, and the memory
    /// `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        match reads {
            [x] => self.0.fits(*x, 0, written),
            [x, base] => self.0.fits(*x, *base, written),
            _ => false,
        }
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`SplineShape::memory`] features; one too short, or too short an `x` or `base`, leaves
    /// outputs as they were.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len(), base.len()], y.len()), "a tensor is too short");
        run(&self.0, x, base, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::dense::layout::{LanesShort, Layout, Pairs, RowMajor, Vectors};
    use crate::arch::memory::{flat, flat_mut};
    use crate::rounding::requantize;
    use crate::spline::shape::Axis;
    use crate::tensor::quads;
    use proptest::prelude::*;
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    fn quads_of(x: &[i16]) -> Vec<Quad> {
        let mut padded: Vec<Quad> = vec![Quad([-7; 4]); quads(x.len())];
        flat_mut(&mut padded)[..x.len()].copy_from_slice(x);
        padded
    }

    /// A layer's tables in their plain order, and an input.
    struct Case {
        shape: SplineShape,
        grids: Vec<Grid>,
        coefficients: Vec<i16>,
        factors: Vec<i16>,
        x: [i16; 32],
        base: [i16; 32],
    }

    impl Case {
        /// Coefficients of `bits` from a sequence that starts at `seed`.
        fn new(
            mut shape: SplineShape,
            bits: u32,
            shared: bool,
            seed: u32,
            ends: [[i16; 32]; 2],
        ) -> Self {
            shape.shift = 2;
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state as i32 >> (32 - bits)) as i16
            };
            let SplineShape { inputs, outputs, .. } = shape;
            let coefficients = (0..inputs * outputs * shape.count()).map(|_| next()).collect();
            let padded = if shape.base { quads(inputs) * 4 * outputs } else { 0 };
            let mut factors = vec![0_i16; padded];
            for k in (0..inputs).filter(|_| shape.base) {
                (0..outputs).for_each(|o| factors[k / 4 * 4 * outputs + o * 4 + k % 4] = next());
            }
            // The last activations backwards, so that even a single grid may be an input's own.
            let grid = |i: usize| Grid {
                input: if shared { 0 } else { (31 - i) as u16 },
                factor: 1000 + i as i16,
                offset: 3 << 25,
            };
            let grids = (0..if shared { 1 } else { inputs }).map(grid).collect();
            let [x, base] = ends;
            Self { shape, grids, coefficients, factors, x, base }
        }

        fn expected(&self) -> Vec<i16> {
            let SplineShape { inputs, outputs, axis, base, base_shift, shift } = self.shape;
            let output = |o: usize| {
                let mut sum = 5;
                for k in 0..inputs {
                    let shared = self.grids.len() == 1 && self.grids[0].input == 0;
                    let grid = self.grids[if shared { 0 } else { k }];
                    let x = self.x[if shared { k } else { grid.input as usize }];
                    let (start, w) = axis.locate(grid.coordinate(x));
                    let own = &self.coefficients[(k * outputs + o) * self.shape.count() + start..];
                    sum += w.iter().zip(own).map(|(&w, &c)| w as i32 * c as i32).sum::<i32>();
                    if base {
                        let factor = self.factors[k / 4 * 4 * outputs + o * 4 + k % 4];
                        sum += (factor as i32 * self.base[k] as i32) << base_shift;
                    }
                }
                requantize(sum, 20000, shift as u32)
            };
            (0..outputs).map(output).collect()
        }

        /// What the kernel makes of a stream in layout `L`.
        fn found<L: Layout, C: Coefficient>(&self, pack: impl Fn(&mut [u32])) -> Vec<i16> {
            // What was in the stream before must not matter.
            let mut stream = vec![0xdead_beef; self.shape.words(8 * size_of::<C>())];
            pack(&mut stream);
            let mut y = vec![Quad([0; 4]); quads(SplineShape::memory(self.shape.outputs))];
            SplineLayer::<C>::new(self.shape, &self.grids, &stream).portable::<L>(
                &quads_of(&self.x),
                &quads_of(&self.base),
                &mut y,
            );
            flat(&y)[..self.shape.outputs].to_vec()
        }

        fn found8<L: Layout>(&self) -> Vec<i16> {
            let narrow = |list: &[i16]| list.iter().map(|&c| c as i8).collect::<Vec<_>>();
            let (coefficients, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            let n = self.shape.outputs;
            self.found::<L, i8>(|stream| {
                let (bias, multiplier) = (vec![5; n], vec![20000; n]);
                tables::pack_spline8::<L>(
                    &self.shape,
                    &coefficients,
                    &factors,
                    &bias,
                    &multiplier,
                    stream,
                );
            })
        }

        fn found16<L: Layout>(&self) -> Vec<i16> {
            let n = self.shape.outputs;
            self.found::<L, i16>(|stream| {
                let (bias, multiplier) = (vec![5; n], vec![20000; n]);
                tables::pack_spline16::<L>(
                    &self.shape,
                    &self.coefficients,
                    &self.factors,
                    &bias,
                    &multiplier,
                    stream,
                );
            })
        }
    }

    fn shapes() -> impl Strategy<Value = SplineShape> {
        // Helium spreads the weights of up to 13 intervals.
        let axes = (1_u8..17, any::<bool>()).prop_map(|(intervals, tails)| Axis {
            intervals,
            shift: 25,
            tails,
        });
        let base = (any::<bool>(), 0_u8..4);
        (1_usize..33, 1_usize..11, axes, base).prop_map(
            |(inputs, outputs, axis, (base, base_shift))| SplineShape {
                inputs,
                outputs,
                axis,
                base,
                base_shift,
                shift: 2,
            },
        )
    }

    proptest! {
        /// The kernel is the plain sum over edges in every layout, at any shape, with its own or one
        /// shared grid.
        #[test]
        fn a_layer_of_i8_is_the_sum_of_its_edges(
            shape in shapes(), shared: bool, seed: u32, x: [i16; 32], base: [i16; 32]
        ) {
            let case = Case::new(shape, 8, shared, seed, [x, base]);
            let expected = case.expected();
            prop_assert_eq!(case.found8::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found8::<Pairs>(), &expected[..]);
            prop_assert_eq!(case.found8::<LanesShort>(), &expected[..]);
            prop_assert_eq!(case.found8::<Vectors>(), &expected[..]);
        }

        #[test]
        fn a_layer_of_i16_is_the_sum_of_its_edges(
            shape in shapes(), shared: bool, seed: u32, x: [i16; 32], base: [i16; 32]
        ) {
            // As large as the sums of 32 inputs allow.
            let case = Case::new(shape, 10, shared, seed, [x, base]);
            let expected = case.expected();
            prop_assert_eq!(case.found16::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found16::<Pairs>(), &expected[..]);
            prop_assert_eq!(case.found16::<LanesShort>(), &expected[..]);
            prop_assert_eq!(case.found16::<Vectors>(), &expected[..]);
        }
    }

    #[test]
    fn tensors_fit_if_they_have_every_input_and_output() {
        let own = [Grid { input: 4, factor: 1000, offset: 0 }];
        let axis = Axis { intervals: 1, shift: 25, tails: true };
        let shape =
            SplineShape { inputs: 1, outputs: 1, axis, base: true, base_shift: 0, shift: 0 };
        let mut stream = vec![0; shape.words(16)];
        let spline = Spline16::new(shape, &own, &stream);
        assert!(spline.fits(&[2, 1], 2));
        assert!(!spline.fits(&[1, 1], 2) && !spline.fits(&[2, 0], 2) && !spline.fits(&[2, 1], 1));
        assert!(!spline.fits(&[2], 2), "the base function's values are missing");
        let plain = SplineShape { base: false, ..shape };
        stream.truncate(plain.words(16));
        let spline = Spline16::new(plain, &own, &stream);
        assert!(spline.fits(&[2], 2) && !spline.fits(&[1], 2));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn short_memory_is_refused() {
        let grids = [Grid { input: 0, factor: 1000, offset: 0 }];
        let axis = Axis { intervals: 1, shift: 25, tails: true };
        let shape =
            SplineShape { inputs: 1, outputs: 1, axis, base: false, base_shift: 0, shift: 0 };
        let stream: [u32; 4] = pack_spline16(&shape, &[1; 4], &[], &[9 << 20], &[30000]);
        let spline = Spline16::new(shape, &grids, &stream);
        let mut y = [Quad([3; 4])];
        spline.run(&[Quad([0; 4])], &[], &mut y);
    }
}
