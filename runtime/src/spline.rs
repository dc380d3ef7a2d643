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

use crate::arch::{self, Coefficient, Live, Tile, Window};
use crate::number::requantize;
use crate::tensor::{Quad, quads};

/// One input's way from activation to grid coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The input's index among the activations.
    pub input: u16,
    /// Grid coordinate an activation, with [`Axis::shift`] fraction bits.
    pub factor: i16,
    /// Grid coordinate of activation 0; below 2^30 in magnitude.
    pub offset: i32,
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
        let mut window = Window::default();
        match self.tails {
            true => self.find::<true>(q, self.ends::<true>(), &mut window),
            false => self.find::<false>(q, self.ends::<false>(), &mut window),
        }
    }

    /// The ends at which coordinates stop, in 15 fraction bits.
    #[inline(always)]
    pub(crate) fn ends<const TAILS: bool>(&self) -> (i32, i32) {
        let beyond = if TAILS { 3 } else { 0 };
        (-(beyond << 15), ((self.intervals as i32 + beyond) << 15) - 1)
    }

    #[inline(always)]
    pub(crate) fn find<const TAILS: bool>(
        &self,
        q: i32,
        (low, high): (i32, i32),
        window: &mut Window,
    ) -> (usize, [i16; 4]) {
        // |q| < 2^31 before the shift by at least 1, and |low|, |high| < 2^22: differences fit.
        let q = arch::clamp(q >> (self.shift - 15), low, high);
        let s = q >> 15; // -3 <= s <= intervals + 2
        let w = weights(q & 0x7fff); // 0 <= u < 2^15
        if !TAILS {
            return (s as usize, w); // 0 <= s < intervals: q was clamped so
        }
        let start = arch::clamp(s, 0, self.intervals as i32 - 1);
        // SAFETY: -3 <= s <= intervals + 2 and 0 <= start < intervals, so -3 <= s - start <= 3.
        #[allow(unsafe_code)]
        let w = unsafe { window.moved(w, s - start) };
        (start as usize, w)
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

/// The coefficients and rounding of a layer; `C` is i8 or i16.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a, C> {
    /// `[input][output][interval + 3]`.
    pub coefficients: &'a [C],
    /// `[input / 4][output][input % 4]`, the factors of the base function, zeros past the last input;
    /// or none.
    pub base: &'a [C],
    /// Bits by which a factor weighs more than a coefficient; below 16.
    pub base_shift: u8,
    /// One addend an output, with the rounding half.
    pub bias: &'a [i32],
    /// One an output; see [`requantize`].
    pub multiplier: &'a [i16],
    /// See [`requantize`].
    pub shift: u8,
}

/// A layer of cubic B-splines.
///
/// Accumulators stay inside `i32` for any input: codegen has proved it from the coefficients.
#[derive(Clone, Copy, Debug)]
pub struct Spline<'a, C> {
    axis: Axis,
    grids: &'a [Grid],
    inputs: usize,
    tables: Tables<'a, C>,
}

/// A spline layer with i8 coefficients.
pub type Spline8<'a> = Spline<'a, i8>;
/// A spline layer with i16 coefficients.
pub type Spline16<'a> = Spline<'a, i16>;

/// Features of memory a layer of `outputs` writes: its outputs, then accumulators.
pub const fn memory(outputs: usize) -> usize {
    quads(outputs) * 4 + outputs * 2
}

impl<'a, C: Coefficient> Spline<'a, C> {
    /// A layer of `inputs` inputs; one grid serves the first `inputs` activations, or each has its own.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(axis: Axis, grids: &'a [Grid], inputs: usize, tables: Tables<'a, C>) -> Self {
        let outputs = tables.bias.len();
        assert!(axis.is_sound() && tables.shift < 16 && tables.base_shift < 16 && outputs > 0);
        assert!(grids.len() == inputs || grids.len() == 1);
        assert!(tables.multiplier.len() == outputs);
        let count = axis.intervals as usize + 3;
        assert!(tables.coefficients.len() == inputs * outputs * count);
        assert!(tables.base.is_empty() || tables.base.len() == quads(inputs) * 4 * outputs);
        Self { axis, grids, inputs, tables }
    }

    /// Computes the layer; `base` holds the base function of every input of the layer, in its order.
    ///
    /// `y` holds [`memory`] features; one too short, or too short an `x`, leaves outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Tables { mut coefficients, base: factors, base_shift, bias, multiplier, shift } =
            self.tables;
        let outputs = bias.len();
        let Some((y, memory)) = y.split_at_mut_checked(quads(outputs)) else { return };
        let Some(acc) = arch::words_mut(memory).get_mut(..outputs) else { return };
        let x = arch::flat(x);
        let mut tile = Tile::new();
        acc.fill(0);
        if !factors.is_empty() {
            add_base(acc, base, factors, self.inputs, &mut tile);
        }
        acc.iter_mut().zip(bias).for_each(|(acc, bias)| *acc = (*acc << base_shift) + *bias);
        let mut first = 0;
        while first < self.inputs {
            match (self.axis.tails, self.grids) {
                (true, [grid]) => self.locate_shared::<true>(first, grid, x, &mut tile),
                (false, [grid]) => self.locate_shared::<false>(first, grid, x, &mut tile),
                (true, _) => self.locate_each::<true>(first, x, &mut tile),
                (false, _) => self.locate_each::<false>(first, x, &mut tile),
            }
            let done = tile.live().len();
            if done == 0 {
                return;
            }
            arch::accumulate(acc, tile.live(), coefficients, self.count());
            first += done;
            coefficients = coefficients.get(done * outputs * self.count()..).unwrap_or_default();
        }
        let finish = acc.iter().zip(multiplier);
        for (y, (&acc, &multiplier)) in arch::flat_mut(y).iter_mut().zip(finish) {
            *y = requantize(acc, multiplier, shift as u32);
        }
    }

    /// Coefficients of an edge.
    #[inline(always)]
    const fn count(&self) -> usize {
        self.axis.intervals as usize + 3
    }

    /// Locates the activations from `first` on in the one grid.
    #[inline(never)]
    fn locate_shared<const TAILS: bool>(
        &self,
        first: usize,
        grid: &Grid,
        x: &[i16],
        tile: &mut Tile,
    ) {
        let x = x.get(first..).unwrap_or_default().iter().take(self.inputs - first);
        let mut locate = self.locator::<TAILS>();
        let Grid { factor, offset, .. } = *grid;
        tile.fill(x.map(|&x| locate(factor, offset, x)));
    }

    /// Locates the inputs from `first` on in their grids, none past one that is not there.
    #[inline(never)]
    fn locate_each<const TAILS: bool>(&self, first: usize, x: &[i16], tile: &mut Tile) {
        let grids = self.grids.get(first..).unwrap_or_default().iter();
        let mut locate = self.locator::<TAILS>();
        let one =
            |grid: &Grid| Some(locate(grid.factor, grid.offset, *x.get(grid.input as usize)?));
        tile.fill(grids.map_while(one));
    }

    /// What turns one activation after the other into its weights and their place.
    #[inline(always)]
    fn locator<const TAILS: bool>(&self) -> impl FnMut(i16, i32, i16) -> Live {
        let mut window = Window::default();
        let step = self.tables.bias.len() * self.count();
        let axis = self.axis;
        let ends = axis.ends::<TAILS>();
        let mut at = 0;
        move |factor, offset, x| {
            // |x * factor| <= 2^30 and |offset| < 2^30
            let q = x as i32 * factor as i32 + offset;
            let (start, weights) = axis.find::<TAILS>(q, ends, &mut window);
            let live = Live::new::<C>(weights, at + start);
            at += step;
            live
        }
    }
}

/// The base function's share: four inputs at a time are the weights of their four factors.
#[inline(never)]
fn add_base<C: Coefficient>(
    acc: &mut [i32],
    base: &[Quad],
    mut factors: &[C],
    inputs: usize,
    tile: &mut Tile,
) {
    let mut base = base.get(..quads(inputs)).unwrap_or_default();
    let step = acc.len() * 4;
    while !base.is_empty() {
        let values = base.iter().enumerate();
        tile.fill(values.map(|(k, quad)| Live::new::<C>(quad.0, k * step)));
        let done = tile.live().len();
        arch::accumulate(acc, tile.live(), factors, 4);
        factors = factors.get(done * step..).unwrap_or_default();
        base = base.get(done..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    proptest! {
        /// The kernel is the plain sum over edges, at any shape, with its own or one shared grid.
        #[test]
        fn a_layer_is_the_sum_of_its_edges(
            (inputs, outputs) in (1_usize..33, 1_usize..11), intervals in 1_u8..9, tails: bool, shared: bool,
            with_base: bool, base_shift in 0_u8..5, seed: u32, x: [i16; 32], base: [i16; 32]
        ) {
            let count = intervals as usize + 3;
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8 as i8
            };
            let coefficients: Vec<i8> = (0..inputs * outputs * count).map(|_| next()).collect();
            let padded = |k: usize| k / 4 * 4 * outputs + k % 4;
            let mut factors = vec![0_i8; if with_base { quads(inputs) * 4 * outputs } else { 0 }];
            for k in (0..inputs).filter(|_| with_base) {
                (0..outputs).for_each(|o| factors[padded(k) + o * 4] = next());
            }
            let shared = shared || inputs == 1;
            let grids: Vec<Grid> = (0..if shared { 1 } else { inputs })
                .map(|i| Grid { input: if shared { 0 } else { (inputs - 1 - i) as u16 }, factor: 1000 + i as i16, offset: 3 << 25 })
                .collect();
            let (bias, multiplier) = (vec![5; outputs], vec![20000; outputs]);
            let axis = Axis { intervals, shift: 25, tails };
            let tables = Tables { coefficients: &coefficients, base: &factors, base_shift, bias: &bias, multiplier: &multiplier, shift: 2 };
            let mut y = vec![Quad([0; 4]); quads(memory(outputs))];
            Spline::new(axis, &grids, inputs, tables).run(&quads_of(&x), &quads_of(&base), &mut y);
            for o in 0..outputs {
                let mut sum = 5;
                for k in 0..inputs {
                    let grid = grids[if grids.len() == 1 { 0 } else { k }];
                    let x = x[if grids.len() > 1 { grid.input as usize } else { k }];
                    let (start, w) = axis.locate(i32::from(x) * i32::from(grid.factor) + grid.offset);
                    for (j, w) in w.iter().enumerate() {
                        sum += i32::from(*w) * i32::from(coefficients[(k * outputs + o) * count + start + j]);
                    }
                    if with_base {
                        sum += (i32::from(factors[padded(k) + o * 4]) * i32::from(base[k])) << base_shift;
                    }
                }
                prop_assert_eq!(arch::flat(&y)[o], requantize(sum, 20000, 2));
            }
        }
    }

    #[test]
    fn short_memory_changes_nothing() {
        let grids = [Grid { input: 0, factor: 1000, offset: 0 }];
        let tables = Tables {
            coefficients: &[1_i16; 4],
            base: &[],
            base_shift: 0,
            bias: &[9 << 20],
            multiplier: &[30000],
            shift: 0,
        };
        let spline = Spline::new(Axis { intervals: 1, shift: 25, tails: true }, &grids, 1, tables);
        let mut y = [Quad([3; 4])];
        spline.run(&[Quad([0; 4])], &[], &mut y);
        assert_eq!(y, [Quad([3; 4])]);
    }
}
