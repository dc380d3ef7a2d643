//! Kolmogorov-Arnold layers: every edge a cubic B-spline over its input's uniform grid.
//!
//! Equation: with `p = (x - lo) / h`, `s = floor(p)` and `u = p - s`, the four live basis functions of an
//! input weigh its coefficients `c[s..s+4]` with
//! `(1-u)^3/6, (3u^3-6u^2+4)/6, (-3u^3+3u^2+3u+1)/6, u^3/6` (de Boor 1978, chapter X). They depend
//! on the input only, so they are computed once and serve the edges to all outputs.
//!
//! ```text
//! x: i16 --factor, offset--> q: i32, T fraction bits --> s, u (Q15) --> w0..w3 (Q15, sum 2^15)
//!   acc[o] += w0 c[s] + w1 c[s+1] + w2 c[s+2] + w3 c[s+3]  (+ base(x) b[o] << k)   o = every output
//! y[o] = requantize(acc[o])
//! ```
//!
//! # Exact tails
//! With tails, a coefficient index outside the table counts as zero: the weights are moved along
//! by a window instead, so tables need no padding and time does not depend on the data. Past three
//! intervals beyond the grid only the base function remains. Without tails `q` stops at the grid's ends.

use crate::arch::{self, Coefficient, SplineLayer, SplineNative as Native, SplineSections};
use crate::tensor::{Quad, quads};

/// One input's way from activation to grid coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Grid {
    /// The input's index among the activations.
    pub input: u16,
    /// Grid coordinate an activation, with [`Axis::shift`] fraction bits.
    pub factor: i16,
    /// Grid coordinate of activation 0; below 2^30 in magnitude.
    pub offset: i32,
}

impl Grid {
    /// The grid coordinate of an activation.
    #[inline(always)]
    pub fn coordinate(&self, x: i16) -> i32 {
        x as i32 * self.factor as i32 + self.offset // |x * factor| <= 2^30 and |offset| < 2^30
    }
}

/// What the grids of a layer share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Intervals of the grid; an edge has three coefficients more.
    pub intervals: u8,
    /// Fraction bits of a grid coordinate, at least 16; `(intervals + 3) << shift` is below 2^31.
    pub shift: u8,
    /// Whether splines fall to zero beyond the grid, or coordinates stop at its ends.
    pub tails: bool,
}

impl Axis {
    /// Checks what the fields' documentation says.
    pub(crate) const fn is_sound(&self) -> bool {
        self.intervals > 0
            && self.shift >= 16
            && self.shift < 31
            && ((self.intervals as i64 + 3) << self.shift) < 1 << 31
    }

    /// First live coefficient and the weights of four from there, for a grid coordinate.
    ///
    /// The index is at most `intervals - 1`; the weights are at least 0 and sum to at most 2^15.
    pub fn locate(&self, q: i32) -> (usize, [i16; 4]) {
        let intervals = self.intervals as i32;
        let beyond = if self.tails { 3 } else { 0 };
        let (low, high) = (-(beyond << 15), ((intervals + beyond) << 15) - 1);
        // |q| < 2^31 before the shift by at least 1, and |low|, |high| < 2^22: differences fit.
        let q = arch::clamp(q >> (self.shift - 15), low, high);
        let s = q >> 15; // -3 <= s <= intervals + 2
        let w = weights(q & 0x7fff); // 0 <= u < 2^15
        if !self.tails {
            return (s as usize, w); // 0 <= s < intervals: q was clamped so
        }
        let start = arch::clamp(s, 0, intervals - 1);
        // The window of weights over the edge's coefficients: those outside count as zero.
        let first = (4 + start - s) as usize; // -3 <= s - start <= 3
        let mut window = [0; 12];
        window[4..8].copy_from_slice(&w);
        let moved = |k: usize| window.get(first + k).copied().unwrap_or(0);
        (start as usize, [moved(0), moved(1), moved(2), moved(3)])
    }
}

/// The four weights of a cubic B-spline at fraction `u` (Q15), within 1.7 units of exact.
#[inline(always)]
pub fn weights(u: i32) -> [i16; 4] {
    let u2 = (u * u) >> 15; // 0 <= u2 < 2^15
    let u3 = (u2 * u) >> 15; // 0 <= u3 < 2^15
    let v = 32768 - u; // 0 < v <= 2^15
    let v2 = (v * v) >> 15; // 0 <= v2 <= 2^15
    let v3 = (v2 * v) >> 15; // 0 <= v3 <= 2^15
    // 10923 / 2^16 is a sixth; 2^15 * 10923 + 2^15 < 2^29.
    let w0 = (v3 * 10923 + 32768) >> 16; // 0 <= w0 <= 5462
    let w3 = (u3 * 10923 + 32768) >> 16; // 0 <= w3 <= 5461
    let w1 = 21845 - u2 + (u3 >> 1); // 5461 <= w1 <= 21845
    let w2 = 32768 - w0 - w1 - w3; // 5461 <= w2 <= 21848, so that the four sum to 2^15
    [w0 as i16, w1 as i16, w2 as i16, w3 as i16]
}

/// What a layer of splines is, beside its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Inputs.
    pub inputs: usize,
    /// Outputs.
    pub outputs: usize,
    /// What the grids of all inputs share.
    pub axis: Axis,
    /// Whether a base function takes part.
    pub base: bool,
    /// Bits by which a factor of the base function weighs more than a coefficient; below 16.
    pub base_shift: u8,
    /// See [`requantize`](crate::number::requantize).
    pub shift: u8,
}

impl Shape {
    /// Coefficients of an edge.
    #[inline(always)]
    pub const fn count(&self) -> usize {
        self.axis.intervals as usize + 3
    }

    /// Words of the stream of a layer with coefficients of `bits`, 8 or 16.
    pub const fn words(&self, bits: usize) -> usize {
        SplineSections::new(self, bits / 8).words
    }

    /// Features of memory a layer writes: its outputs, then accumulators.
    pub const fn memory(outputs: usize) -> usize {
        quads(outputs) * 4 + outputs * 2
    }
}

/// The stream of a layer of i8 coefficients `[input][output][interval + 3]` for the core this is built
/// for; factors of the base function, if it has one, are `[input / 4][output][input % 4]`.
pub const fn pack_spline8<const N: usize>(
    shape: &Shape,
    coefficients: &[i8],
    factors: &[i8],
    bias: &[i32],
    multiplier: &[i16],
) -> [u32; N] {
    let mut stream = [0; N];
    arch::pack_spline8::<Native>(shape, coefficients, factors, bias, multiplier, &mut stream);
    stream
}

/// The stream of a layer of i16 coefficients for the core this is built for, from tables in the order of
/// [`pack_spline8`].
pub const fn pack_spline16<const N: usize>(
    shape: &Shape,
    coefficients: &[i16],
    factors: &[i16],
    bias: &[i32],
    multiplier: &[i16],
) -> [u32; N] {
    let mut stream = [0; N];
    arch::pack_spline16::<Native>(shape, coefficients, factors, bias, multiplier, &mut stream);
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
    pub const fn new(shape: Shape, grids: &'a [Grid], stream: &'a [u32]) -> Self {
        assert!(shape.axis.is_sound() && shape.shift < 16 && shape.base_shift < 16);
        assert!(shape.inputs > 0 && shape.outputs > 0);
        assert!(grids.len() == shape.inputs || grids.len() == 1 && grids[0].input == 0);
        Self(SplineLayer::new(shape, grids, stream))
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`Shape::memory`] features; one too short, or too short an `x` or `base`, leaves
    /// outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        self.0.run(x, base, y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Interleaved, LanesShort, Layout, RowMajor};
    use crate::number::requantize;
    use proptest::prelude::*;
    extern crate std;
    use std::vec;
    use std::vec::Vec;

    fn exact(u: f64) -> [f64; 4] {
        let v = 1.0 - u;
        let (u2, u3) = (u * u, u * u * u);
        [
            v * v * v / 6.0,
            (3.0 * u3 - 6.0 * u2 + 4.0) / 6.0,
            (-3.0 * u3 + 3.0 * u2 + 3.0 * u + 1.0) / 6.0,
            u3 / 6.0,
        ]
    }

    /// Basis function `i` on the uniform knots `-3, -2, ...` at `p`, by the recursion of Cox and de Boor.
    fn recursion(i: i32, k: i32, p: f64) -> f64 {
        let t = |j: i32| f64::from(j - 3);
        if k == 0 {
            return f64::from(u8::from(t(i) <= p && p < t(i + 1)));
        }
        (p - t(i)) / f64::from(k) * recursion(i, k - 1, p)
            + (t(i + k + 1) - p) / f64::from(k) * recursion(i + 1, k - 1, p)
    }

    #[test]
    fn weights_are_within_their_bounds_at_every_fraction() {
        let mut worst = 0.0_f64;
        for u in 0..32768 {
            let w = weights(u);
            assert_eq!(w.iter().map(|&w| i32::from(w)).sum::<i32>(), 32768);
            for (w, exact) in w.iter().zip(exact(f64::from(u) / 32768.0)) {
                assert!(*w >= 0);
                worst = worst.max((f64::from(*w) - exact * 32768.0).abs());
            }
        }
        assert!(worst <= 1.7, "{worst}");
    }

    /// Every i16 activation against the recursion in double precision, tails and all.
    #[test]
    fn every_activation_gives_the_recursion_of_cox_and_de_boor() {
        for (intervals, factor, offset) in
            [(5_u8, 8192_i16, 5 << 24), (3, 3000, 1 << 24), (8, 9000, 0)]
        {
            let axis = Axis { intervals, shift: 25, tails: true };
            for x in i16::MIN..=i16::MAX {
                let q = i32::from(x) * i32::from(factor) + offset;
                let (start, w) = axis.locate(q);
                assert!(start < intervals as usize);
                let p = f64::from(q) / f64::from(1 << 25);
                for i in 0..i32::from(intervals) + 3 {
                    let tap = usize::try_from(i).unwrap().wrapping_sub(start);
                    let got = w.get(tap).map_or(0.0, |&w| f64::from(w) / 32768.0);
                    let want = recursion(i, 3, p);
                    assert!((got - want).abs() < 8e-5, "{x}: basis {i} {got} {want}");
                }
            }
        }
    }

    fn quads_of(x: &[i16]) -> Vec<Quad> {
        let mut padded: Vec<Quad> = vec![Quad([-7; 4]); quads(x.len())];
        arch::flat_mut(&mut padded)[..x.len()].copy_from_slice(x);
        padded
    }

    /// A layer's tables in their plain order, and an input.
    struct Case {
        shape: Shape,
        grids: Vec<Grid>,
        coefficients: Vec<i16>,
        factors: Vec<i16>,
        x: [i16; 32],
        base: [i16; 32],
    }

    impl Case {
        /// Coefficients of `bits` from a sequence that starts at `seed`.
        fn new(mut shape: Shape, bits: u32, shared: bool, seed: u32, ends: [[i16; 32]; 2]) -> Self {
            shape.shift = 2;
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state as i32 >> (32 - bits)) as i16
            };
            let Shape { inputs, outputs, .. } = shape;
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
            let Shape { inputs, outputs, axis, base, base_shift, shift } = self.shape;
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
            let mut y = vec![Quad([0; 4]); quads(Shape::memory(self.shape.outputs))];
            SplineLayer::<C>::new(self.shape, &self.grids, &stream).portable::<L>(
                &quads_of(&self.x),
                &quads_of(&self.base),
                &mut y,
            );
            arch::flat(&y)[..self.shape.outputs].to_vec()
        }

        fn found8<L: Layout>(&self) -> Vec<i16> {
            let narrow = |list: &[i16]| list.iter().map(|&c| c as i8).collect::<Vec<_>>();
            let (coefficients, factors) = (narrow(&self.coefficients), narrow(&self.factors));
            let n = self.shape.outputs;
            self.found::<L, i8>(|stream| {
                let (bias, multiplier) = (vec![5; n], vec![20000; n]);
                arch::pack_spline8::<L>(
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
                arch::pack_spline16::<L>(
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

    fn shapes() -> impl Strategy<Value = Shape> {
        let axes = (1_u8..9, any::<bool>()).prop_map(|(intervals, tails)| Axis {
            intervals,
            shift: 25,
            tails,
        });
        let base = (any::<bool>(), 0_u8..4);
        (1_usize..33, 1_usize..11, axes, base).prop_map(
            |(inputs, outputs, axis, (base, base_shift))| Shape {
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
            prop_assert_eq!(case.found8::<Interleaved>(), &expected[..]);
            prop_assert_eq!(case.found8::<LanesShort>(), &expected[..]);
        }

        #[test]
        fn a_layer_of_i16_is_the_sum_of_its_edges(
            shape in shapes(), shared: bool, seed: u32, x: [i16; 32], base: [i16; 32]
        ) {
            // As large as the sums of 32 inputs allow.
            let case = Case::new(shape, 10, shared, seed, [x, base]);
            let expected = case.expected();
            prop_assert_eq!(case.found16::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found16::<Interleaved>(), &expected[..]);
            prop_assert_eq!(case.found16::<LanesShort>(), &expected[..]);
        }
    }

    #[test]
    fn short_memory_changes_nothing() {
        let grids = [Grid { input: 0, factor: 1000, offset: 0 }];
        let axis = Axis { intervals: 1, shift: 25, tails: true };
        let shape = Shape { inputs: 1, outputs: 1, axis, base: false, base_shift: 0, shift: 0 };
        let stream: [u32; 4] = pack_spline16(&shape, &[1; 4], &[], &[9 << 20], &[30000]);
        let spline = Spline16::new(shape, &grids, &stream);
        let mut y = [Quad([3; 4])];
        spline.run(&[Quad([0; 4])], &[], &mut y);
        assert_eq!(y, [Quad([3; 4])]);
    }
}
