//! A layer's coefficients on their way to integers: rounding, bounds, and the curves they draw.

use std::ops::Range;

use nervecord::generated::{Axis, Grid};
use nervecord::host::quads;

use super::fit::Splines;
use crate::error::Result;
use crate::graph::Node;
use crate::graph::expr::Expr;
use crate::graph::kan::Kan;
use crate::program::{Curve, Width};
use crate::quantize::format::Format;
use crate::quantize::lowering::Lowering;
use crate::quantize::moments::Moments;
use crate::quantize::rows::{Fit, Frame, Row, Scales};

/// The largest weight of a basis function is below this.
pub const ONE: f64 = 32768.0;
/// Rows of data that decide the rounding of coefficients.
const ROWS: usize = 1000;
/// Coefficients of an output beyond which each is rounded by itself.
const MOST: usize = 1600;

/// A layer whose coefficients are to become integers.
pub struct Layer<'a> {
    pub splines: &'a Splines,
    /// `[output][input]`: the edges to store, all without it.
    pub live: Option<&'a [Vec<bool>]>,
    pub axis: Axis,
    pub grids: &'a [Grid],
    pub base: Option<&'a Format>,
    /// Bits by which a factor of it weighs more than a coefficient.
    pub base_shift: u8,
    /// Of which `base` is the values.
    pub function: &'a Expr,
}

impl Layer<'_> {
    /// What a factor of the base function weighs in coefficients.
    pub fn base_weight(&self) -> f64 {
        f64::from(1_u32 << self.base_shift)
    }

    /// The indices of output `o`'s weights among those of all inputs: coefficients, then base factors.
    fn own(&self, o: usize) -> Vec<usize> {
        let (inputs, count) = (self.splines.inputs.len(), self.splines.intervals + 3);
        let live: Vec<usize> =
            (0..inputs).filter(|&k| self.live.is_none_or(|live| live[o][k])).collect();
        let factors = live.iter().filter(|_| self.base.is_some()).map(|k| inputs * count + k);
        live.iter().flat_map(|k| k * count..(k + 1) * count).chain(factors).collect()
    }

    /// The coefficients and base factors of all rows, as the kernel has them.
    pub fn tables(&self, rows: &[Row]) -> (Vec<i32>, Vec<i32>) {
        let (inputs, count) = (self.splines.inputs.len(), self.splines.intervals + 3);
        let factors = |r: &Row, ks: Range<usize>| -> Vec<i32> {
            ks.map(|k| r.weights.get(inputs * count + k).copied().unwrap_or(0)).collect()
        };
        let ends = |k: usize| {
            let live = move |(o, _): &(usize, &Row)| self.live.is_none_or(|live| live[*o][k]);
            rows.iter().enumerate().filter(live).map(|(_, row)| row)
        };
        let edge = |k: usize| ends(k).flat_map(move |r| &r.weights[k * count..][..count]);
        let coefficients = (0..inputs).flat_map(edge).copied().collect();
        let factors = match (self.base, self.live) {
            (None, _) => vec![],
            (Some(_), Some(_)) => {
                (0..inputs).flat_map(|k| ends(k).flat_map(move |r| factors(r, k..k + 1))).collect()
            }
            (Some(_), None) => (0..quads(inputs))
                .flat_map(|q| rows.iter().flat_map(move |r| factors(r, q * 4..q * 4 + 4)))
                .collect(),
        };
        (coefficients, factors)
    }

    /// Integers of every output: the coefficients of all inputs, then the base factors.
    pub fn fit(
        &self,
        lowering: &Lowering,
        node: &Node,
        input: &Format,
        width: Width,
        scales: &Scales,
    ) -> Result<Fit> {
        let splines = self.splines;
        let weights = splines.weights() / splines.bias.len().max(1);
        let near = width.is_coarse() && weights <= MOST;
        let data = lowering.ranges.fitted(node.inputs[0]);
        let step = data.len().div_ceil(ROWS).max(1);
        let expand = |row: &Vec<f64>| {
            let mut out = vec![0.0; weights];
            let count = splines.intervals + 3;
            for (k, (&i, grid)) in splines.inputs.iter().zip(self.grids).enumerate() {
                let x = ((row[i] - input.offset(i)) / input.scale(i)).round();
                let x = x.clamp(-32768.0, 32767.0) as i32;
                let (start, live) = self.axis.locate(x * i32::from(grid.factor) + grid.offset);
                for (out, w) in out[k * count + start..].iter_mut().zip(live) {
                    *out = f64::from(w);
                }
                if let Some(format) = self.base {
                    out[splines.inputs.len() * count + k] =
                        self.base_weight() * self.function.eval(row[i]) / format.scale(0);
                }
            }
            out
        };
        let rows: Vec<Vec<f64>> =
            if near { data.step_by(step).map(expand).collect() } else { vec![] };
        let moments = |own: &[usize]| {
            let pick = |row: &Vec<f64>| own.iter().map(|&j| row[j]).collect();
            Moments::of_integers(&rows.iter().map(pick).collect::<Vec<_>>(), width)
        };
        // All outputs have the same weights, or each its own.
        let shared = (near && self.live.is_none()).then(|| Moments::of_integers(&rows, width));
        let bound = |weights: &[i32], bias: f64| self.bound(weights, bias);
        let row = |o: usize, frame: Frame| {
            let bias = splines.bias[o] - scales.offset(o);
            let coefficients = splines.coefficients[o].iter().flatten().map(|c| c / ONE);
            let mut reals: Vec<f64> = coefficients.collect();
            if let (Some(base), Some(format)) = (&splines.base, self.base) {
                let unit = format.scale(0) / self.base_weight();
                reals.extend(base[o].iter().map(|b| b * unit));
            }
            if self.live.is_none() {
                return Row::of(&reals, bias, width, shared.as_ref(), frame, &bound);
            }
            let own = self.own(o);
            let scatter = |weights: &[i32]| {
                let mut all = vec![0; reals.len()];
                own.iter().zip(weights).for_each(|(&j, &w)| all[j] = w);
                all
            };
            let own_bound = |weights: &[i32], bias: f64| self.bound(&scatter(weights), bias);
            let own_reals: Vec<f64> = own.iter().map(|&j| reals[j]).collect();
            let moments = (near && !own.is_empty()).then(|| moments(&own));
            let mut row = Row::of(&own_reals, bias, width, moments.as_ref(), frame, &own_bound);
            row.weights = scatter(&row.weights);
            row
        };
        Fit::of(scales, &row, &bound)
    }

    /// Every edge over the range of its input, as trained and as the integers have it.
    pub fn curves(
        &self,
        lowering: &Lowering,
        node: &Node,
        kan: &Kan,
        input: &Format,
        rows: &[Row],
    ) -> Vec<Curve> {
        const POINTS: usize = 33;
        const DATA: usize = 64;
        let tensor = node.inputs[0];
        let count = self.splines.intervals + 3;
        let data = &lowering.ranges.values[tensor];
        let step = data.len().div_ceil(DATA).max(1);
        let deviations: Vec<f64> = (0..rows.len())
            .map(|o| lowering.ranges.feature(node.output, o).deviation.max(1e-12))
            .collect();
        let mut curves = Vec::new();
        for (k, (&i, grid)) in self.splines.inputs.iter().zip(self.grids).enumerate() {
            let span = lowering.ranges.feature(tensor, i);
            let at = |p: usize| span.low + (span.high - span.low) * p as f64 / (POINTS - 1) as f64;
            let xs: Vec<f64> = (0..POINTS).map(at).collect();
            for (o, row) in rows.iter().enumerate().filter(|(o, _)| !kan.edges[*o][i].is_zero()) {
                let edge = &kan.edges[o][i];
                let own = &row.weights[k * count..][..count];
                let integer = |x: &f64| {
                    let raw = ((x - input.offset(i)) / input.scale(i)).round() as i32;
                    let (start, w) = self.axis.locate(raw * i32::from(grid.factor) + grid.offset);
                    let taps =
                        own[start..].iter().zip(w).map(|(c, w)| f64::from(*c) * f64::from(w));
                    let base = self.base.map_or(0.0, |format| {
                        let factor = row.weights[self.splines.inputs.len() * count + k];
                        f64::from(factor) * self.base_weight() * kan.base.eval(*x) / format.scale(0)
                    });
                    (taps.sum::<f64>() + base) * row.scale
                };
                let float: Vec<f64> = xs.iter().map(|x| edge.eval(&kan.base, *x)).collect();
                let mut integer: Vec<f64> = xs.iter().map(integer).collect();
                let lift =
                    float.iter().zip(&integer).map(|(f, q)| f - q).sum::<f64>() / POINTS as f64;
                integer.iter_mut().for_each(|q| *q += lift);
                let seen = data.iter().step_by(step).map(|row| edge.eval(&kan.base, row[i]));
                let seen: Vec<f64> = seen.collect();
                let mean = seen.iter().sum::<f64>() / seen.len() as f64;
                let squares = seen.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
                curves.push(Curve {
                    input: i,
                    output: o,
                    range: (span.low, span.high),
                    float,
                    integer,
                    importance: (squares / seen.len() as f64).sqrt() / deviations[o],
                });
            }
        }
        curves
    }

    /// The largest magnitude of any partial sum, in any order, for any input.
    ///
    /// An input's four weights are at least 0 and sum to at most 2^15, so its terms sum to at most
    /// 2^15 times its largest coefficient.
    fn bound(&self, weights: &[i32], bias: f64) -> f64 {
        let count = self.splines.intervals + 3;
        let inputs = self.splines.inputs.len();
        let (mut high, mut low) = (bias.max(0.0), bias.min(0.0));
        for own in weights.chunks(count).take(inputs) {
            let most = own.iter().copied().max().unwrap_or(0).max(0);
            let least = own.iter().copied().min().unwrap_or(0).min(0);
            high += f64::from(most) * ONE;
            low += f64::from(least) * ONE;
        }
        if let Some(format) = self.base {
            for &w in weights.iter().skip(inputs * count) {
                let w = f64::from(w) * self.base_weight();
                let ends = [format.low, format.high].map(|x| w * f64::from(x));
                high += ends[0].max(ends[1]).max(0.0);
                low += ends[0].min(ends[1]).min(0.0);
            }
        }
        high.max(-low)
    }
}
