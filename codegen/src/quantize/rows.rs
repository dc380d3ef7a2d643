//! Rows of real weights as rows of integers, with the proof that no sum of theirs leaves `i32`.
//!
//! Shared by every layer kind that ends in sums of products: a row has a scale of its own, as fine as
//! the bound on its partial sums allows.

use super::format::{Format, multiplier, rounding_half, scaled_multiplier};
use super::lattice::Lattice;
use super::moments::Moments;
use super::scale::settle;
use crate::error::{Error, Result};
use crate::parallel;
use crate::program::Width;

/// Accumulators stay below this in magnitude: all of `i32` but its last value.
pub const LIMIT: f64 = i32::MAX as f64;

/// Multipliers below this are made exact: a factor with fewer bits would move what is far from zero.
const FEWEST: i16 = 1 << 12;

/// A row of i8 whose integers are given keeps them and a multiplier that is not exact, as long as it is off by at most
/// this share: less than rounding the integers anew would cost.
const INEXACT_GIVEN: f64 = 1e-3;

/// A unit of a row whose integers are given is at most this share of an output unit: as with i8 weights of one's
/// own choice, so that it does not decide the shift for all rows.
const COARSEST_GIVEN: f64 = 1.0 / 128.0;

/// What the outputs of a layer should be like.
#[derive(Debug, Clone)]
pub struct Scales {
    /// Real number a unit of each output.
    pub of: Vec<f64>,
    /// What each output's 0 stands for; empty for zeros.
    pub offset: Vec<f64>,
    /// What becomes of them where the sums of a row are too coarse.
    pub widening: Widening,
}

/// Which scales become wider where one row needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Widening {
    /// All: the outputs share a scale.
    Shared,
    /// That of the row.
    Own,
    /// That of the row, and what [`settle`] makes of it: they are the caller's formats.
    Port,
}

impl Scales {
    /// Widens those whose `rows` would need a multiplier of 1/2 or more.
    fn widened(mut self, rows: &[Row]) -> Self {
        let over = |(row, scale): (&Row, &f64)| row.scale / scale >= 0.4999;
        match self.widening {
            Widening::Shared => {
                while rows.iter().zip(&self.of).any(over) {
                    self.of.iter_mut().for_each(|s| *s *= 2.0);
                }
            }
            Widening::Own | Widening::Port => {
                for (row, scale) in rows.iter().zip(&mut self.of) {
                    while over((row, scale)) {
                        *scale *= 2.0; // a power of two stays one
                    }
                }
            }
        }
        if self.widening == Widening::Port && self.offset.is_empty() {
            settle(&mut self.of);
        }
        self
    }

    /// All that distinguishes them from others.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let kind = [f64::from(self.widening as u8), self.of.len() as f64];
        kind.into_iter().chain(self.of.iter().chain(&self.offset).copied())
    }

    pub fn offset(&self, output: usize) -> f64 {
        self.offset.get(output).copied().unwrap_or(0.0)
    }

    /// The format of the outputs, from `low` on.
    pub fn format(self, low: i32) -> Format {
        let Self { of: mut scale, offset, .. } = self;
        if scale.windows(2).all(|pair| pair[0] == pair[1]) {
            scale.truncate(1);
        }
        Format { scale, offset, low, high: 32767 }
    }
}

/// What a row has to fit.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    /// What the sums leave free beside the bias for the rounding half, in units of the row.
    pub room: f64,
    /// The largest magnitude an output can have: a bias may be cut to where every sum is beyond.
    pub end: f64,
    /// What the row's scale is a multiple of; 0 for any scale.
    pub step: f64,
}

impl Frame {
    /// The least scale of at least `scale` that is a multiple of the step.
    fn scale(&self, scale: f64) -> f64 {
        if self.step > 0.0 { (scale / self.step).ceil().max(1.0) * self.step } else { scale }
    }
}

/// A layer's rows and how they become outputs, with the proof that no sum leaves `i32`.
#[derive(Clone)]
pub struct Fit {
    pub rows: Vec<Row>,
    pub finish: Finish,
    /// The largest magnitude of any partial sum, in any order, the rounding half included.
    pub bound: f64,
}

impl Fit {
    /// Makes each row by `row(index, frame)` until `bound(weights, bias)` holds for the final integers.
    ///
    /// All rows share one shift, which the coarsest decides. A row so much finer that few bits are left of
    /// its multiplier is made again with a scale whose multiplier is exact: that costs its weights less
    /// than half an output unit at the end of an input's range.
    pub fn of(
        scales: &Scales,
        row: &(dyn Fn(usize, Frame) -> Row + Sync),
        bound: &(dyn Fn(&[i32], f64) -> f64 + Sync),
    ) -> Result<Self> {
        // The half is half an output unit in units of the row: as good as always below 2^17, but
        // more where a row is much finer than the one that decides the layer's shift.
        let frame = |s: &f64| Frame { room: f64::powi(2.0, 17), end: s * 32768.0, step: 0.0 };
        let mut frames: Vec<Frame> = scales.of.iter().map(frame).collect();
        let all: Vec<usize> = (0..frames.len()).collect();
        let mut rows = parallel::map(&all, |&r| row(r, frames[r]));
        // At the last the room is half of `i32`, and no half is larger.
        for _ in 0..16 {
            let finish = Finish::of(&rows, scales.clone());
            let uneven =
                |r: &usize| finish.multiplier[*r] < FEWEST && frames[*r].step != finish.step(*r);
            let uneven: Vec<usize> = all.iter().copied().filter(uneven).collect();
            if !uneven.is_empty() {
                uneven.iter().for_each(|&r| frames[r].step = finish.step(r));
                remake(&mut rows, &uneven, |r| row(r, frames[r]));
                continue;
            }
            let ends = rows.iter().zip(&finish.bias);
            let reached: Vec<f64> =
                ends.map(|(row, &bias)| bound(&row.weights, f64::from(bias))).collect();
            let largest = reached.iter().copied().fold(0.0, f64::max);
            if largest <= LIMIT {
                return Ok(Self { rows, finish, bound: largest });
            }
            let beyond: Vec<usize> = all.iter().copied().filter(|&r| reached[r] > LIMIT).collect();
            beyond.iter().for_each(|&r| frames[r].room *= 2.0);
            remake(&mut rows, &beyond, |r| row(r, frames[r]));
        }
        Err(Error::new("the sums of a layer cannot be kept inside 32 bits")
            .expected("outputs of a size that 16 bits can tell apart")
            .found("a bias far larger than all the layer's weights can move")
            .help("scale the network's inputs and outputs to the size of 1"))
    }
}

/// Makes some of `rows` again.
fn remake(rows: &mut [Row], which: &[usize], row: impl Fn(usize) -> Row + Sync) {
    let made = parallel::map(which, |&r| row(r));
    which.iter().zip(made).for_each(|(&r, made)| rows[r] = made);
}

/// How rows of sums become outputs.
#[derive(Clone)]
pub struct Finish {
    /// The scales of the outputs, wider than asked for where a multiplier would reach 1/2.
    pub scales: Scales,
    /// With the rounding half.
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    pub shift: u8,
}

impl Finish {
    fn of(rows: &[Row], scales: Scales) -> Self {
        let scales = scales.widened(rows);
        let ratios = rows.iter().zip(&scales.of).map(|(row, s)| row.scale / s);
        let shift = multiplier(ratios.fold(f64::MIN_POSITIVE, f64::max)).1;
        let (mut bias, mut multiplier) = (vec![], vec![]);
        for (row, scale) in rows.iter().zip(&scales.of) {
            let m = scaled_multiplier(row.scale / scale, shift);
            let half = rounding_half(m, shift);
            bias.push((row.bias / row.scale + half).round() as i32);
            multiplier.push(m);
        }
        Self { scales, bias, multiplier, shift }
    }

    /// The real number a unit of row `r`'s sums stands for with a multiplier of 1.
    fn step(&self, r: usize) -> f64 {
        self.scales.of[r] / f64::powi(2.0, 16 + i32::from(self.shift))
    }
}

/// Where a row's i8 range is tried to end, in largest weights: some scales round a row with luck.
const ENDS: [f64; 8] = [1.0, 1.01, 1.02, 1.03, 1.045, 1.06, 1.08, 1.1];
/// Inputs up to which they are tried; wider rows take long and gain little.
const WIDEST_SEARCH: usize = 256;

/// Where the range of a row of so many weights is tried to end. One of 4 bits is worth giving up for finer steps, and
/// the fewer weights it has, the more of them a lucky scale suits at once.
fn ends(width: Width, inputs: usize) -> Vec<f64> {
    match width {
        Width::I4 => {
            let count = (2048 / inputs.max(1)).clamp(8, 48);
            (0..count).map(|k| 1.2 * f64::powf(0.5, k as f64 / count as f64)).collect()
        }
        Width::I8 if inputs <= WIDEST_SEARCH => ENDS.to_vec(),
        _ => vec![1.0],
    }
}

/// One output's weights in units of the input's integers.
#[derive(Clone)]
pub struct Row {
    pub weights: Vec<i32>,
    /// With what rounding the weights does to the mean output taken back.
    pub bias: f64,
    /// Real output an accumulator unit.
    pub scale: f64,
    /// Variance that rounding the weights adds to the output on the calibration data.
    error: f64,
}

impl Row {
    /// Integers for the real weights `reals`, as large as `bound(weights, bias)` on partial sums
    /// allows within `frame`.
    pub fn of(
        reals: &[f64],
        real_bias: f64,
        width: Width,
        moments: Option<&Moments>,
        frame: Frame,
        bound: &dyn Fn(&[i32], f64) -> f64,
    ) -> Self {
        let most = f64::from(width.largest());
        let largest = reals.iter().fold(0.0_f64, |m, w| m.max(w.abs()));
        // All terms together, of 16-bit inputs, are less than a unit of a sum whose end is the output's.
        if largest * reals.len() as f64 * f64::powi(2.0, 46) <= frame.end {
            return Self::constant(reals.len(), real_bias, frame);
        }
        if let Some(row) = Self::given(reals, real_bias, width, frame, bound) {
            return row;
        }
        let ends = ends(width, reals.len());
        let candidate =
            |end: &f64| round(reals, real_bias, frame.scale(largest / most * end), width, moments);
        let mut row = candidate(&ends[0]);
        for other in ends.iter().skip(1).map(candidate) {
            if other.error < row.error {
                row = other;
            }
        }
        // A few steps always suffice.
        for _ in 0..64 {
            row.cut_bias(frame.end, bound);
            let reached = row.reached(frame, bound);
            if reached <= LIMIT {
                break;
            }
            let scale = frame.scale(row.scale * (reached / LIMIT).max(1.0005));
            row = round(reals, real_bias, scale, width, moments);
        }
        row
    }

    /// Weights that are integers times one number already: in i8 those integers, or a multiple of them where they are
    /// so few that the sums would be coarse. None in i16, whose rounding changes nothing, and where `bound` or the
    /// scale of the outputs leaves no room for them.
    fn given(
        reals: &[f64],
        bias: f64,
        width: Width,
        frame: Frame,
        bound: &dyn Fn(&[i32], f64) -> f64,
    ) -> Option<Self> {
        let lattice = Lattice::of(reals).filter(|_| width.is_coarse())?;
        let unit = frame.end / 32768.0;
        let most = f64::from(width.largest() / lattice.largest());
        let multiple = (lattice.step / (unit * COARSEST_GIVEN)).ceil().min(most) as i32;
        let scale = lattice.step / f64::from(multiple.max(1));
        let multiplier = scale / frame.step;
        let off = (multiplier - multiplier.round()).abs() / multiplier;
        if multiple == 0 || scale >= unit / 4.0 || (frame.step > 0.0 && off > INEXACT_GIVEN) {
            return None;
        }
        let weights = lattice.integers.iter().map(|q| q * multiple).collect();
        let mut row = Self { weights, bias, scale, error: 0.0 };
        row.cut_bias(frame.end, bound);
        (row.reached(frame, bound) <= LIMIT).then_some(row)
    }

    /// The largest magnitude of a partial sum, the room for the rounding half included.
    fn reached(&self, frame: Frame, bound: &dyn Fn(&[i32], f64) -> f64) -> f64 {
        let bias = (self.bias / self.scale).abs() + frame.room;
        bound(&self.weights, bias).max(bound(&self.weights, -bias))
    }

    /// A row of `count` zeros, or what is as good: its scale is fine, so that it does not decide those of others.
    fn constant(count: usize, bias: f64, frame: Frame) -> Self {
        let bias = bias.clamp(-frame.end, frame.end);
        let scale = frame.scale((frame.end / f64::powi(2.0, 30)).max(f64::MIN_POSITIVE));
        Self { weights: vec![0; count], bias, scale, error: 0.0 }
    }

    /// Brings a bias that keeps the output beyond `end` whatever the input back to where it still does: the
    /// sums need no room for more.
    fn cut_bias(&mut self, end: f64, bound: &dyn Fn(&[i32], f64) -> f64) {
        let most = bound(&self.weights, 0.0) * self.scale + end;
        self.bias = self.bias.clamp(-most, most);
    }
}

/// Rounds a row's weights to integers times `scale` such that the output's error on the calibration
/// data is small, by the quadratic form of the inputs' covariance (the nearest i16 weights are near enough).
fn round(reals: &[f64], bias: f64, scale: f64, width: Width, moments: Option<&Moments>) -> Row {
    let most = f64::from(width.largest());
    let mut weights: Vec<f64> =
        reals.iter().map(|w| (w / scale).round().clamp(-most, most)).collect();
    let mut error = 0.0;
    for block in moments.map_or(&[][..], |m| &m.blocks) {
        let (rounded, left) = block.round(&reals[block.inputs.clone()], scale, most);
        weights[block.inputs.clone()].copy_from_slice(&rounded);
        error += left * scale * scale;
    }
    let mean = moments.map_or(&[][..], |m| &m.mean);
    let lost = |((w, q), m): ((&f64, &f64), &f64)| (w / scale - q) * m;
    let shift: f64 = reals.iter().zip(&weights).zip(mean).map(lost).sum();
    Row {
        weights: weights.iter().map(|&w| w as i32).collect(),
        bias: bias + shift * scale,
        scale,
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two inputs that move together and one that hardly moves: what rounding does to one is made up for by
    /// the other, as the best of all pairs of integers near them is.
    #[test]
    fn rounding_makes_up_for_itself_where_inputs_move_together() {
        let rows: Vec<Vec<f64>> = (0..20_000)
            .map(|k| {
                let t = f64::from(k * 37 % 100) * 20.0 - 1000.0;
                vec![t, t + f64::from(k % 7), f64::from(k % 3)]
            })
            .collect();
        let moments = Moments::of_integers(&rows, Width::I8);
        let reals = [10.4, 20.4, 0.3];
        let row = round(&reals, 0.0, 1.0, Width::I8, Some(&moments));
        assert_eq!(row.weights[0] + row.weights[1], 31, "{:?}", row.weights);
        // e^T C e by the rows themselves.
        let n = rows.len() as f64;
        let mean = |j: usize| rows.iter().map(|r| r[j]).sum::<f64>() / n;
        let off = |r: &Vec<f64>| -> f64 {
            (0..3).map(|j| (reals[j] - f64::from(row.weights[j])) * (r[j] - mean(j))).sum()
        };
        let exact = rows.iter().map(|r| off(r).powi(2)).sum::<f64>() / n;
        assert!(exact <= row.error && row.error < exact * 2.0 + 4e3, "{exact} {}", row.error);
        // The mean of what is lost is in the bias.
        let lost: f64 = (0..3).map(|j| (reals[j] - f64::from(row.weights[j])) * mean(j)).sum();
        assert!((row.bias - lost).abs() < 1e-9);
    }

    /// Inputs that move together only by chance, as they do on few rows, are rounded each by itself; where there
    /// are rows enough to tell that they do, together.
    #[test]
    fn few_rows_do_not_say_what_moves_together() {
        // Bits of a product mixed once (Marsaglia 2003).
        let noise = |k: usize| {
            let mut bits = (k as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            (bits >> 11) as f64 / f64::powi(2.0, 53) * 2000.0 - 1000.0
        };
        let row = |r: usize| -> Vec<f64> { (0..12).map(|j| noise(r * 12 + j)).collect() };
        let reals: Vec<f64> = (0..12).map(|j| noise(j + 70_000) / 50.0).collect();
        let rounded = |rows: Vec<Vec<f64>>| {
            round(&reals, 0.0, 1.0, Width::I8, Some(&Moments::of_integers(&rows, Width::I8)))
                .weights
        };
        // Of inputs that have nothing to do with one another the squares count.
        let lost = |weights: &[i32]| -> f64 {
            reals.iter().zip(weights).map(|(w, &q)| (w - f64::from(q)).powi(2)).sum()
        };
        let nearest: Vec<i32> = reals.iter().map(|w| w.round() as i32).collect();
        let few: f64 = (0..40).map(|k| lost(&rounded((3 * k..3 * k + 3).map(row).collect()))).sum();
        assert!(few / 40.0 < 1.5 * lost(&nearest), "{few} {}", lost(&nearest));
        let common = (0..400).map(|r| vec![noise(r); 12]).collect::<Vec<_>>();
        let row = round(
            &[10.4; 12],
            0.0,
            1.0,
            Width::I8,
            Some(&Moments::of_integers(&common, Width::I8)),
        );
        assert_eq!(row.weights.iter().sum::<i32>(), 125, "{:?}", row.weights);
    }

    /// Those of a file that was quantized, whatever their largest is.
    #[test]
    fn weights_that_are_integers_already_stay_what_they_are() {
        let bound = |weights: &[i32], bias: f64| {
            bias.abs() + weights.iter().map(|w| f64::from(w.abs()) * 32768.0).sum::<f64>()
        };
        let frame = Frame { room: 131_072.0, end: 1.0, step: 0.0 };
        let integers = [50, -3, 0, 17, 49];
        let reals = integers.map(|q| f64::from(q) * 1e-7 / 3.0);
        let row = Row::of(&reals, 0.25, Width::I8, None, frame, &bound);
        assert_eq!(row.weights, integers);
        assert_eq!((row.bias, row.error), (0.25, 0.0));
        assert!((row.scale * 3e7 - 1.0).abs() < 1e-12, "{}", row.scale);
        // A multiplier that is nearly exact does not change them; one that is far off does.
        let fine = |bits: f64| Frame { step: row.scale / bits, ..frame };
        assert_eq!(Row::of(&reals, 0.25, Width::I8, None, fine(1000.5), &bound).weights, integers);
        assert_ne!(Row::of(&reals, 0.25, Width::I8, None, fine(10.5), &bound).weights, integers);
        // Few integers in coarse steps become multiples, so that the sums are no coarser than the output.
        let few = [1.0, -2.0, 1.0].map(|q| q * 1e-5);
        let row = Row::of(&few, 0.0, Width::I8, None, frame, &bound);
        assert_eq!(row.weights, [42, -84, 42]);
    }

    /// Found by fuzzing: the inverse of a scale of 1e-308 is no number.
    #[test]
    fn weights_too_small_to_move_the_output_are_none() {
        let frame = Frame { room: 131_072.0, end: 1.0, step: 0.0 };
        let bound = |weights: &[i32], bias: f64| {
            bias.abs() + weights.iter().map(|w| f64::from(w.abs()) * 32768.0).sum::<f64>()
        };
        for tiny in [1e-308, 5e-324, 1e-100, 1e-20] {
            let row = Row::of(&[tiny, -tiny], 0.5, Width::I8, None, frame, &bound);
            assert_eq!(row.weights, [0, 0]);
            assert!((row.bias - 0.5).abs() < 1e-9 && row.scale.is_normal(), "{}", row.scale);
        }
        assert_ne!(Row::of(&[1e-6, -1e-6], 0.5, Width::I8, None, frame, &bound).weights, [0, 0]);
    }
}
