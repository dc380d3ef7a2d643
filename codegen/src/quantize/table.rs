//! Functions of one variable as tables of the fewest pieces that meet the tolerance. Stands on expressions.

use nervecord::generated::Table;

use crate::graph::expr::Expr;
use crate::program::table::{Record, Value};

/// The function whose pieces are a kernel's table `pieces`, as the value of a field.
pub fn function(pieces: &str) -> Value {
    Record::new("Table", [("pieces", Value::table(pieces))]).into()
}

/// The pieces of a function, and how well they follow it.
pub struct Fit {
    /// See [`Table`].
    pub pieces: Vec<u32>,
    /// Largest difference to the function, in units of the output integer.
    pub worst: f64,
    /// Smallest and largest output.
    pub reach: (i16, i16),
    /// Weighted RMS difference.
    pub error: f64,
}

/// The least error that is asked for: half an integer of rounding is no fault of the table's size.
pub const FINEST: f64 = 0.6;

/// Tables of functions of one tensor, all with one output scale.
pub struct Tables {
    pub fits: Vec<Fit>,
    /// The pieces of a table in front of the one fit, which spreads its inputs.
    pub first: Option<Vec<u32>>,
    /// Real number a unit of the outputs.
    pub scale: f64,
    /// Real number that their 0 stands for.
    pub offset: f64,
}

/// Fits the smallest table whose error, at the 65,536 inputs weighted by `weight`, is within `rms`
/// (in units of the output integer). `exact[u]` is the value at input `u - 32768`.
pub fn fit(exact: &[f64], weight: &[f64], rms: f64) -> Fit {
    /// Half the most pieces a table may have.
    const MOST: usize = 2048;
    let rms = rms.max(FINEST);
    let (mut below, mut half) = (0, 1);
    let mut best = Fit::of(exact, weight, half);
    while best.error > rms && half < MOST {
        (below, half) = (half, 2 * half);
        best = Fit::of(exact, weight, half);
    }
    // The error falls with the number of pieces, if not quite evenly: what is found meets it.
    while half - below > (half / 16).max(1) {
        let middle = (below + half) / 2;
        let fit = Fit::of(exact, weight, middle);
        if fit.error <= rms {
            (half, best) = (middle, fit);
        } else {
            below = middle;
        }
    }
    best
}

impl Fit {
    /// The `2 half` pieces with the least weighted squared error, each by itself.
    pub fn of(exact: &[f64], weight: &[f64], half: usize) -> Self {
        // No value beyond the function's own: no probability below zero.
        let clamped = || exact.iter().map(|y| y.clamp(-32768.0, 32767.0).round() as i64);
        let range = (clamped().min().unwrap_or(0), clamped().max().unwrap_or(0));
        let start = |i: usize| (i * 32768).div_ceil(half);
        let pieces: Vec<u32> = (0..2 * half)
            .map(|i| {
                let inputs = start(i)..start(i + 1);
                // The distance of input u from the nearest even boundary; see `Table`.
                let first = (i as i64 - half as i64 + 1).div_euclid(2) * 2 * 32768;
                let distance = |u: usize| (u as i64 - 32768) * half as i64 - first;
                let points =
                    inputs.map(|u| (distance(u), exact[u].clamp(-32768.0, 32767.0), weight[u]));
                piece(&points.collect::<Vec<_>>(), range)
            })
            .collect();
        let places: Vec<usize> = (0..65536).collect();
        let fit = Self { pieces, worst: 0.0, reach: (0, 0), error: 0.0 };
        fit.read_at(&places, exact, weight)
    }

    /// The same pieces for inputs that are read at `places`.
    pub fn read_at(self, places: &[usize], exact: &[f64], weight: &[f64]) -> Self {
        let table = Table::new(&self.pieces);
        let (mut worst, mut sum, mut total) = (0.0_f64, 0.0, 0.0);
        let mut reach = (i16::MAX, i16::MIN);
        for ((&place, &y), &w) in places.iter().zip(exact).zip(weight) {
            let got = table.at(place as u16);
            reach = (reach.0.min(got), reach.1.max(got));
            let error = f64::from(got) - y.clamp(-32768.0, 32767.0);
            worst = worst.max(error.abs());
            sum += w * error * error;
            total += w;
        }
        let error = (sum / f64::max(total, f64::MIN_POSITIVE)).sqrt();
        Self { worst, reach, error, ..self }
    }
}

/// The word of the line through `points`, `(f, y, weight)`, with values in `range` only.
fn piece(points: &[(i64, f64, f64)], (low, high): (i64, i64)) -> u32 {
    let total: f64 = points.iter().map(|(_, _, w)| w).sum();
    let mean = |of: &dyn Fn(i64, f64) -> f64| {
        points.iter().map(|&(f, y, w)| w * of(f, y)).sum::<f64>() / total
    };
    let (mean_f, mean_y) = (mean(&|f, _| f as f64), mean(&|_, y| y));
    let variance = mean(&|f, _| (f as f64 - mean_f).powi(2));
    let covariance = mean(&|f, y| (f as f64 - mean_f) * (y - mean_y));
    let (first, last) = (points[0].0, points[points.len() - 1].0);
    let line = |f: i64| mean_y + covariance / variance.max(1.0) * (f as f64 - mean_f);
    let end = |f: i64| line(f).clamp(low as f64, high as f64);
    let rise = (end(last) - end(first)) / (last - first).max(1) as f64;
    let slope = (rise * 65536.0).round().clamp(-32767.0, 32767.0) as i64;
    // What the slope adds to the value, its own place in the word's lower half included.
    let risen = |slope: i64, f: i64| ((slope & 0xffff) + slope * f) >> 16;
    let ends =
        (risen(slope, first).min(risen(slope, last)), risen(slope, first).max(risen(slope, last)));
    let value = (mean_y - mean(&|f, _| risen(slope, f) as f64)).round() as i64;
    if ends.1 - ends.0 > high - low {
        // Not even the line's rounding fits: the function hardly moves.
        return ((mean_y.round() as i64).clamp(low, high) << 16) as u32;
    }
    let value = value.clamp(low - ends.0, high - ends.1);
    (value << 16) as u32 | (slope & 0xffff) as u32
}

/// How often each of the 65,536 inputs occurs among `inputs`, those of the calibration data in units of the integer, spread
/// over the neighbours that other data will hit, plus a little everywhere.
pub fn histogram(inputs: impl Iterator<Item = f64>) -> Vec<f64> {
    const SPREAD: usize = 128;
    let mut blocks = vec![0.0; 65536 / SPREAD];
    let mut total = 0.0;
    for x in inputs {
        let u = (x.round() + 32768.0).clamp(0.0, 65535.0) as usize;
        blocks[u / SPREAD] += 1.0;
        total += 1.0;
    }
    (0..65536).map(|u| blocks[u / SPREAD] + 0.02 * total / blocks.len() as f64).collect()
}

/// The magnitude beyond which `function` stays within `off` of its values at `most` and `-most`.
pub fn reach(function: &Expr, most: f64, off: f64) -> f64 {
    /// Places looked at in every octave, of which there are [`OCTAVES`].
    const PLACES: i32 = 64;
    const OCTAVES: i32 = 24;
    let side = |end: f64| {
        let last = function.eval(end);
        let ends = |x: f64| (function.eval(x) - last).abs() <= off;
        let place = |k: i32| end * f64::powf(2.0, -f64::from(k) / f64::from(PLACES));
        let moves = (1..=PLACES * OCTAVES).find(|&k| !ends(place(k)));
        let Some(moves) = moves else { return place(PLACES * OCTAVES) };
        let (mut inside, mut outside) = (place(moves), place(moves - 1));
        for _ in 0..40 {
            let middle = (inside + outside) / 2.0;
            if ends(middle) { outside = middle } else { inside = middle }
        }
        outside
    };
    side(most).max(-side(-most))
}

/// The standard deviation of all features that move. One that stays where it is, far from the others, is no
/// measure of how fine a table has to be.
pub fn movement(values: &[Vec<f64>]) -> f64 {
    /// What moves less than this share of the most moving feature stays where it is.
    const LEAST: f64 = 0.01;
    let features = values.first().map_or(0, Vec::len);
    let deviation = |of: &dyn Fn(usize) -> bool| {
        let picked: Vec<usize> = (0..features).filter(|&i| of(i)).collect();
        let all = || values.iter().flat_map(|row| picked.iter().map(|&i| row[i]));
        let n = all().count().max(1) as f64;
        let mean = all().sum::<f64>() / n;
        (all().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    let own: Vec<f64> = (0..features).map(|feature| deviation(&|i| i == feature)).collect();
    let most = own.iter().copied().fold(0.0, f64::max);
    deviation(&|i| own[i] >= LEAST * most)
}

/// What to do about a function without values.
pub const NO_VALUE: &str = "check that the calibration data is scaled as in training, so that the function is defined on it";

/// Replaces values that are not finite by the nearest finite ones; `None` if there are none.
pub fn fill_gaps(values: &mut [f64]) -> Option<()> {
    let first = values.iter().copied().find(|v| v.is_finite())?;
    let mut last = first;
    for v in values.iter_mut() {
        if v.is_finite() { last = *v } else { *v = last }
    }
    Some(())
}
