//! Rows of real weights as rows of integers, with the proof that no sum of theirs leaves `i32`.
//!
//! Shared by every layer kind that ends in sums of products: a row has a scale of its own, as fine as
//! the bound on its partial sums allows.

use std::ops::Range;

use super::cholesky::Factor;
use super::format::{Format, multiplier, rounding_half, scaled_multiplier};
use super::lattice::Lattice;
use super::scale::settle;
use crate::error::{Error, Result};
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
        row: &dyn Fn(usize, Frame) -> Row,
        bound: &dyn Fn(&[i32], f64) -> f64,
    ) -> Result<Self> {
        // The half is half an output unit in units of the row: as good as always below 2^17, but
        // more where a row is much finer than the one that decides the layer's shift.
        let frame = |s: &f64| Frame { room: f64::powi(2.0, 17), end: s * 32768.0, step: 0.0 };
        let mut frames: Vec<Frame> = scales.of.iter().map(frame).collect();
        let mut rows: Vec<Row> = frames.iter().enumerate().map(|(r, &f)| row(r, f)).collect();
        // At the last the room is half of `i32`, and no half is larger.
        for _ in 0..16 {
            let finish = Finish::of(&rows, scales.clone());
            let mut made = true;
            for (r, frame) in frames.iter_mut().enumerate() {
                let step = finish.step(r);
                if finish.multiplier[r] < FEWEST && frame.step != step {
                    frame.step = step;
                    rows[r] = row(r, *frame);
                    made = false;
                }
            }
            if !made {
                continue;
            }
            let ends = rows.iter().zip(&finish.bias);
            let reached: Vec<f64> =
                ends.map(|(row, &bias)| bound(&row.weights, f64::from(bias))).collect();
            let largest = reached.iter().copied().fold(0.0, f64::max);
            if largest <= LIMIT {
                return Ok(Self { rows, finish, bound: largest });
            }
            for (r, frame) in frames.iter_mut().enumerate().filter(|(r, _)| reached[*r] > LIMIT) {
                frame.room *= 2.0;
                rows[r] = row(r, *frame);
            }
        }
        Err(Error::new("the sums of a layer cannot be kept inside 32 bits")
            .expected("outputs of a size that 16 bits can tell apart")
            .found("a bias far larger than all the layer's weights can move")
            .help("scale the network's inputs and outputs to the size of 1"))
    }
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

/// Mean and covariance of a layer's inputs on the calibration data, in integers of the input.
///
/// Covariances are known only as well as there are rows: they are shrunk towards the variances alone by the
/// factor that minimises the expected squared error (Schaefer & Strimmer 2005, target D), a row counting for
/// as much as it is not the row before it. With the variances alone, each weight is rounded by itself.
pub struct Moments {
    mean: Vec<f64>,
    /// Neighbouring inputs, and how they move together; none where only the mean was asked for.
    blocks: Vec<Block>,
}

/// Inputs whose weights are rounded together.
struct Block {
    inputs: Range<usize>,
    /// Row-major; the diagonal is raised a little, for directions the data does not show.
    covariance: Vec<f64>,
    /// The inputs by their index in the block, least variance first.
    order: Vec<usize>,
    /// Columns of the Cholesky factor of the covariance in that order, each over its diagonal element,
    /// which is left out: column `k` has `n - 1 - k` elements.
    factor: Vec<Vec<f64>>,
}

/// Rows in which nothing moves together that are taken to have been seen before all others: of a handful
/// not even the shrinking can be told.
const PRIOR: f64 = 16.0;

/// Inputs that are rounded together at most: more take time with their square.
const WIDEST_BLOCK: usize = 512;

impl Moments {
    /// The moments of a tensor of this format over some of its real rows; for weights of `width` only what
    /// their rounding needs.
    pub fn of<'a>(
        rows: impl ExactSizeIterator<Item = &'a Vec<f64>>,
        format: &Format,
        width: Width,
    ) -> Self {
        /// More rows change the estimate little.
        const ROWS: usize = 1000;
        let step = rows.len().div_ceil(ROWS).max(1);
        let integer = |(i, x): (usize, &f64)| (x - format.offset(i)) / format.scale(i);
        let rows: Vec<Vec<f64>> =
            rows.step_by(step).map(|row| row.iter().enumerate().map(integer).collect()).collect();
        Self::of_integers(&rows, width)
    }

    /// As [`of`](Self::of), from rows that are integers already.
    pub fn of_integers(rows: &[Vec<f64>], width: Width) -> Self {
        let (n, count) = (rows.first().map_or(0, Vec::len), rows.len() as f64);
        let mut mean = vec![0.0; n];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / count);
        }
        let blocks = n.div_ceil(WIDEST_BLOCK).max(1);
        let block = |b: usize| Block::of(rows, &mean, b * n / blocks..(b + 1) * n / blocks);
        let blocks = if width.is_coarse() { (0..blocks).map(block).collect() } else { vec![] };
        Self { mean, blocks }
    }
}

impl Block {
    fn of(rows: &[Vec<f64>], mean: &[f64], inputs: Range<usize>) -> Self {
        let (n, count) = (inputs.len(), rows.len() as f64);
        let mean = &mean[inputs.clone()];
        let mut covariance = vec![0.0; n * n];
        // What the shrinking needs: sums over the rows of |c|^4 - sum c_i^4, of |c|^2, and of c . c'
        // with the row before.
        let (mut fourth, mut square, mut follows) = (0.0, 0.0, 0.0);
        let mut before = vec![0.0; n];
        for row in rows {
            let centred: Vec<f64> =
                row[inputs.clone()].iter().zip(mean).map(|(x, m)| x - m).collect();
            for (j, a) in centred.iter().enumerate() {
                for (sum, b) in covariance[j * n..=j * n + j].iter_mut().zip(&centred) {
                    *sum += a * b / count;
                }
            }
            let own: f64 = centred.iter().map(|c| c * c).sum();
            square += own;
            fourth += own * own - centred.iter().map(|c| c.powi(4)).sum::<f64>();
            follows += centred.iter().zip(&before).map(|(a, b)| a * b).sum::<f64>();
            before = centred;
        }
        let own = |covariance: &[f64], j: usize| covariance[j * n + j];
        let trace: f64 = (0..n).map(|j| own(&covariance, j)).sum();
        let mixed: f64 =
            (0..n).flat_map(|j| &covariance[j * n..j * n + j]).map(|c| 2.0 * c * c).sum();
        let likeness = (follows / square.max(f64::MIN_POSITIVE)).clamp(0.0, 0.99);
        let independent = count * (1.0 - likeness);
        let unsure = (fourth / count - mixed) / (independent - 1.0).max(f64::MIN_POSITIVE);
        let known = 1.0 - (unsure / mixed.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let keep = known * independent / (independent + PRIOR);
        for j in 0..n {
            covariance[j * n + j] += 0.01 * trace / n as f64 + 1.0;
            for k in 0..j {
                covariance[j * n + k] *= keep;
                covariance[k * n + j] = covariance[j * n + k];
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| own(&covariance, a).total_cmp(&own(&covariance, b)));
        let factor = Factor::of(&covariance, &order).columns;
        Self { inputs, covariance, order, factor }
    }
}

/// Where a row's i8 range is tried to end, in largest weights: some scales round a row with luck.
const ENDS: [f64; 8] = [1.0, 1.01, 1.02, 1.03, 1.045, 1.06, 1.08, 1.1];
/// Inputs up to which they are tried; wider rows take long and gain little.
const WIDEST_SEARCH: usize = 256;

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
        let ends: &[f64] =
            if width.is_coarse() && reals.len() <= WIDEST_SEARCH { &ENDS } else { &[1.0] };
        let candidate =
            |end: &f64| round(reals, real_bias, frame.scale(largest / most * end), width, moments);
        let mut row = candidate(&1.0);
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
/// data is small: from the nearest integers or the nearest planes (Babai 1986), whichever ends lower, by
/// coordinate descent on the quadratic form of the inputs' covariance (i16 weights are near enough as
/// they are).
fn round(reals: &[f64], bias: f64, scale: f64, width: Width, moments: Option<&Moments>) -> Row {
    let most = f64::from(width.largest());
    let mut weights: Vec<f64> =
        reals.iter().map(|w| (w / scale).round().clamp(-most, most)).collect();
    let mut error = 0.0;
    for block in moments.map_or(&[][..], |m| &m.blocks) {
        let own = &reals[block.inputs.clone()];
        let nearest = block.descend(own, scale, most, weights[block.inputs.clone()].to_vec());
        let planes = block.nearest_planes(own, scale, most);
        let planes = block.descend(own, scale, most, planes);
        let (rounded, left) = if planes.1 < nearest.1 { planes } else { nearest };
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

impl Block {
    /// Integers one by one, the input of the largest variance first, each making up for the errors before it
    /// as far as their inputs move together.
    fn nearest_planes(&self, reals: &[f64], scale: f64, most: f64) -> Vec<f64> {
        let n = reals.len();
        let mut weights = vec![0.0; n];
        // Of the weights done, in reverse order.
        let mut errors = vec![0.0; n];
        for k in (0..n).rev() {
            let j = self.order[k];
            let column = &self.factor[k];
            let carried: f64 = column.iter().zip(&errors[k + 1..]).map(|(c, e)| c * e).sum();
            let exact = reals[j] / scale;
            weights[j] = (exact + carried).round().clamp(-most, most);
            errors[k] = exact - weights[j];
        }
        weights
    }

    /// Coordinate descent from `weights`: integers, and the variance they add in units of the row.
    fn descend(
        &self,
        reals: &[f64],
        scale: f64,
        most: f64,
        mut weights: Vec<f64>,
    ) -> (Vec<f64>, f64) {
        const SWEEPS: usize = 4;
        let n = reals.len();
        let mut errors: Vec<f64> = weights.iter().zip(reals).map(|(q, w)| w / scale - q).collect();
        // gradient[k] = sum_j covariance[k][j] errors[j]
        let mut gradient: Vec<f64> = self
            .covariance
            .chunks(n.max(1))
            .map(|row| row.iter().zip(&errors).map(|(c, e)| c * e).sum())
            .collect();
        for _ in 0..SWEEPS {
            let mut moved = false;
            for j in 0..n {
                if reals[j] == 0.0 {
                    continue; // a pruned weight stays pruned
                }
                let column = &self.covariance[j * n..][..n];
                let step = (gradient[j] / column[j]).round();
                let step = (weights[j] + step).clamp(-most, most) - weights[j];
                if step != 0.0 {
                    moved = true;
                    weights[j] += step;
                    errors[j] -= step;
                    gradient.iter_mut().zip(column).for_each(|(g, c)| *g -= c * step);
                }
            }
            if !moved {
                break;
            }
        }
        let error = gradient.iter().zip(&errors).map(|(g, e)| g * e).sum();
        (weights, error)
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

    /// Blocks of a wide layer are rounded each by itself: the error is the sum of theirs.
    #[test]
    fn wide_rows_are_rounded_in_blocks() {
        let n = 2 * WIDEST_BLOCK + 2;
        let value = |r: usize, j: usize| ((r * (j % 7 + 1) * 37 + j) % 101) as f64 - 50.0;
        let rows: Vec<Vec<f64>> = (0..64).map(|r| (0..n).map(|j| value(r, j)).collect()).collect();
        let moments = Moments::of_integers(&rows, Width::I8);
        let lengths: Vec<usize> = moments.blocks.iter().map(|b| b.inputs.len()).collect();
        assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (3, n));
        let reals: Vec<f64> = (0..n).map(|j| value(3, j) / 7.0).collect();
        let row = round(&reals, 0.0, 1.0, Width::I8, Some(&moments));
        let exact = |b: &Block| -> f64 {
            let error =
                |j: usize| reals[b.inputs.start + j] - f64::from(row.weights[b.inputs.start + j]);
            let m = b.inputs.len();
            let of = |j: usize| (0..m).map(|k| b.covariance[j * m + k] * error(k)).sum::<f64>();
            (0..m).map(|j| error(j) * of(j)).sum()
        };
        let sum: f64 = moments.blocks.iter().map(exact).sum();
        assert!((sum - row.error).abs() < 1e-6 * sum, "{sum} {}", row.error);
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

    #[test]
    fn the_factor_gives_the_matrix_back() {
        let rows: Vec<Vec<f64>> = (0..40)
            .map(|k| (0..5).map(|j| f64::from((k * (j + 3) + j * j) % 11) * 9.0).collect())
            .collect();
        let Block { covariance, order, factor, .. } =
            Moments::of_integers(&rows, Width::I8).blocks.remove(0);
        // With unit columns u_k and pivots d_k: C = sum_k d_k u_k u_k^T.
        let at = |k: usize, j: usize| match j.cmp(&k) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => factor[k][j - k - 1],
        };
        let mut pivots = vec![];
        for k in 0..5 {
            let diagonal = covariance[order[k] * 5 + order[k]];
            let done: f64 = pivots.iter().enumerate().map(|(m, d)| d * at(m, k) * at(m, k)).sum();
            pivots.push(diagonal - done);
        }
        for (j, k) in (0..5).flat_map(|j| (0..5).map(move |k| (j, k))) {
            let sum: f64 = pivots.iter().enumerate().map(|(m, d)| d * at(m, j) * at(m, k)).sum();
            let want = covariance[order[j] * 5 + order[k]];
            assert!((sum - want).abs() < 1e-6 * (1.0 + want.abs()), "{sum} {want}");
        }
    }
}
