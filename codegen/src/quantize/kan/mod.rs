//! Layers of edge functions: integer B-splines, the base function apart or folded in.

mod fit;
mod kernel;

use nervecord::spline::{Axis, Grid, Shape};
use nervecord::tensor::quads;

use self::fit::Splines;
use self::kernel::SplineKernel;
use super::dense::{self, Tail};
use super::functions::{Bank, Wanted};
use super::rows::{Fit, LIMIT, Moments, Row};
use super::{Format, Lowering, Value};
use crate::draw_kan::Curve;
use crate::error::Result;
use crate::expr::Expr;
use crate::graph::Node;
use crate::kan::Kan;

/// Rows of data that decide the rounding of coefficients.
const ROWS: usize = 1000;
/// Coefficients of an output beyond which each is rounded by itself.
const MOST: usize = 1600;
/// The largest weight of a basis function is below this.
const ONE: f64 = 32768.0;

/// Lowers a layer of edges to the smaller of its trained splines and a refit.
pub(super) fn lower(lowering: &mut Lowering, index: usize, kan: &Kan) -> Result<()> {
    let graph = lowering.graph;
    let node = &graph.nodes[index];
    let bits = lowering.widths[index];
    let (splines, note) = choose(lowering, index, node, kan)?;
    let value = input(lowering, node, &splines);
    let base = match &splines.base {
        Some(_) => Some(push_base(lowering, node, kan, &splines, &value)?),
        None => None,
    };
    let (axis, grids) = grids(&splines, &value.format);
    let base_format = base.as_ref().map(|b| &b.format);
    let base_shift = base_format.map_or(0, |format| base_shift(&splines, format, bits));
    let layer = Layer {
        splines: &splines,
        axis,
        grids: &grids,
        base: base_format,
        base_shift,
        function: &kan.base,
    };
    let scales = dense::output_scales(lowering, &Tail::none(node.output), kan.bias.len());
    let Fit { rows, finish, bound } = layer
        .fit(lowering, node, &value.format, bits, &scales)
        .map_err(|e| e.at(format!("node `{}`", node.name)))?;

    let inputs = splines.inputs.len();
    let count = splines.intervals + 3;
    let of_input = |k: usize| rows.iter().flat_map(move |r| &r.weights[k * count..][..count]);
    let coefficients = (0..inputs).flat_map(of_input).copied().collect();
    let factor = |quad: usize, r: &Row| {
        let own = r.weights.iter().skip(inputs * count).copied();
        let mut four = [0; 4];
        four.iter_mut().zip(own.skip(quad * 4)).for_each(|(f, w)| *f = w);
        four
    };
    let factors = match base {
        Some(_) => {
            (0..quads(inputs)).flat_map(|q| rows.iter().flat_map(move |r| factor(q, r))).collect()
        }
        None => vec![],
    };
    let curves = layer.curves(lowering, node, kan, &value.format, &rows);
    let uniform = finish.scales.windows(2).all(|pair| pair[0] == pair[1]);
    let scale = if uniform { finish.scales[..1].to_vec() } else { finish.scales.clone() };
    let outputs = kan.bias.len();
    let kernel = SplineKernel {
        shape: Shape {
            inputs,
            outputs,
            axis,
            base: base.is_some(),
            base_shift,
            shift: finish.shift,
        },
        grids: shared(grids),
        bits,
        coefficients,
        factors,
        bias: finish.bias,
        multiplier: finish.multiplier,
    };
    let storage = lowering.new_storage(Shape::memory(outputs));
    let reads = std::iter::once(value.storage).chain(base.map(|b| b.storage)).collect();
    lowering.push(&node.name, Box::new(kernel), reads, storage);
    lowering.define(node.output, storage, Format { scale, ..Format::uniform(1.0) });
    let kind = format!("spline i{bits}, {} intervals", splines.intervals);
    let row = lowering.report(node, kind, note);
    row.curves = curves;
    row.accumulator_bound = Some(bound as u64);
    row.headroom_bits = Some(((LIMIT / bound.max(1.0)).log2() * 100.0).round() / 100.0);
    Ok(())
}

/// The smaller of the two lowerings, and why.
fn choose(lowering: &Lowering, index: usize, node: &Node, kan: &Kan) -> Result<(Splines, String)> {
    let live = kan.live().count();
    let all = kan.inputs() * kan.edges.len();
    let pruned = match all - live {
        0 => String::new(),
        n => format!("; {n} of {all} edges are zero"),
    };
    // i8 coefficients round more coarsely than a fit has to be.
    let share = if lowering.widths[index] == 8 { 3.0 } else { 0.5 };
    let tolerance = lowering.table_tolerance * share;
    let trained = fit::as_trained(kan);
    let refitted = fit::refit(kan, node, lowering.ranges, tolerance)?;
    let meets = refitted.error <= tolerance;
    let whole =
        if kan.live().any(|e| e.base != 0.0) { ", the base function folded in" } else { "" };
    let fitted = |s: &Splines| format!("refitted{whole}: error {:.1e} of the output", s.error);
    Ok(match trained {
        Some(trained) if !meets || cost(&trained) < cost(&refitted) => {
            let why = if meets {
                format!("{} weights where a refit takes {}", trained.weights(), refitted.weights())
            } else {
                format!("a refit leaves {:.1e} of the output", refitted.error)
            };
            (trained, format!("splines as trained, exact tails: {why}{pruned}"))
        }
        Some(trained) => {
            let why = format!("{} weights for {}", refitted.weights(), trained.weights());
            let note = format!("{}, {why}{pruned}", fitted(&refitted));
            (refitted, note)
        }
        None => {
            let note = format!("{}{pruned}", fitted(&refitted));
            (refitted, note)
        }
    })
}

/// Weights to store, and a tenth more for a base function that has to be computed.
fn cost(splines: &Splines) -> usize {
    let weights = splines.weights();
    if splines.base.is_some() { weights + weights / 10 } else { weights }
}

/// The input, with one scale for all features if a table has to read it.
fn input(lowering: &mut Lowering, node: &Node, splines: &Splines) -> Value {
    if splines.base.is_some() {
        return lowering.take_uniform(node.inputs[0]).0;
    }
    let value = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    value
}

/// The base function of every live input, as a tensor of its own.
fn push_base(
    lowering: &mut Lowering,
    node: &Node,
    kan: &Kan,
    splines: &Splines,
    value: &Value,
) -> Result<Value> {
    let tensor = node.inputs[0];
    let picks: Vec<(usize, usize)> = splines.inputs.iter().map(|&i| (i, 0)).collect();
    let values: Vec<f64> = lowering.ranges.values[tensor]
        .iter()
        .flat_map(|row| splines.inputs.iter().map(|&i| kan.base.eval(row[i])))
        .collect();
    let magnitude = values.iter().fold(1e-12_f64, |m, y| m.max(y.abs()));
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let squares = values.iter().map(|y| (y - mean).powi(2)).sum::<f64>();
    let deviation = (squares / values.len().max(1) as f64).sqrt();
    let at = format!("node `{}`, its base function", node.name);
    let wanted = Wanted { magnitude, deviation };
    let functions = std::slice::from_ref(&kan.base);
    // Any tensor but the network's output: its scale need not be a power of two.
    let out = (tensor, wanted);
    let bank = Bank::of(lowering, &at, (tensor, &value.format), functions, &picks, out)?;
    let storage = lowering.new_storage(picks.len());
    let name = format!("{}.base", node.name);
    lowering.push(&name, Box::new(bank.kernel), vec![value.storage], storage);
    Ok(Value { storage, features: picks.len(), format: bank.format })
}

/// Bits by which the factors of the base function are coarser than the coefficients, so that both fill
/// their i8: a base that outgrows the splines leaves them few bits otherwise.
fn base_shift(splines: &Splines, format: &Format, bits: u32) -> u8 {
    let largest = |list: &mut dyn Iterator<Item = &f64>| list.fold(0.0_f64, |m, v| m.max(v.abs()));
    let factors = splines.base.iter().flatten();
    let ratio = |(base, own): (&Vec<f64>, &Vec<Vec<f64>>)| {
        let coefficient = largest(&mut own.iter().flatten()) / ONE;
        largest(&mut base.iter()) * format.scale(0) / coefficient.max(f64::MIN_POSITIVE)
    };
    let ratios = factors.zip(&splines.coefficients).map(ratio);
    let least = ratios.filter(|r| *r > 0.0).fold(f64::INFINITY, f64::min);
    // i16 has bits to spare, and its sums have not.
    if bits == 8 && least.is_finite() { least.log2().round().clamp(0.0, 7.0) as u8 } else { 0 }
}

/// The grids in activations of the format `input`, with as many fraction bits as all allow.
fn grids(splines: &Splines, input: &Format) -> (Axis, Vec<Grid>) {
    let reals: Vec<(f64, f64)> = splines
        .inputs
        .iter()
        .zip(&splines.grids)
        .map(|(&i, (low, step))| (input.scale(i) / step, (input.offset(i) - low) / step))
        .collect();
    let fits = |shift: u8| {
        let unit = f64::powi(2.0, i32::from(shift));
        let grid = |(f, o): &(f64, f64)| f * unit <= 32767.0 && o.abs() * unit < f64::powi(2.0, 30);
        reals.iter().all(grid) && (splines.intervals as f64 + 3.0) * unit < f64::powi(2.0, 31)
    };
    let shift = (16..=30).rev().find(|&shift| fits(shift)).unwrap_or(16);
    let unit = f64::powi(2.0, i32::from(shift));
    let end = f64::powi(2.0, 30) - 1.0;
    let grid = |(&i, (factor, offset)): (&usize, &(f64, f64))| Grid {
        input: i as u16,
        factor: (factor * unit).round().clamp(1.0, 32767.0) as i16,
        offset: (offset * unit).round().clamp(-end, end) as i32,
    };
    let grids = splines.inputs.iter().zip(&reals).map(grid).collect();
    (Axis { intervals: splines.intervals as u8, shift, tails: splines.tails }, grids)
}

/// One grid, if all inputs have the same and none is left out.
fn shared(grids: Vec<Grid>) -> Vec<Grid> {
    let same = |(k, g): (usize, &Grid)| {
        let first = grids[0];
        (usize::from(g.input), g.factor, g.offset) == (k, first.factor, first.offset)
    };
    if grids.iter().enumerate().all(same) { grids.into_iter().take(1).collect() } else { grids }
}

/// A layer whose coefficients are to become integers.
struct Layer<'a> {
    splines: &'a Splines,
    axis: Axis,
    grids: &'a [Grid],
    base: Option<&'a Format>,
    /// Bits by which a factor of it weighs more than a coefficient.
    base_shift: u8,
    /// Of which `base` is the values.
    function: &'a Expr,
}

impl Layer<'_> {
    /// What a factor of the base function weighs in coefficients.
    fn base_weight(&self) -> f64 {
        f64::from(1_u32 << self.base_shift)
    }

    /// Integers of every output: the coefficients of all inputs, then the base factors.
    fn fit(
        &self,
        lowering: &Lowering,
        node: &Node,
        input: &Format,
        bits: u32,
        scales: &[f64],
    ) -> Result<Fit> {
        let splines = self.splines;
        let weights = splines.weights() / splines.bias.len().max(1);
        let near = bits == 8 && weights <= MOST;
        let data = &lowering.ranges.values[node.inputs[0]];
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
        let moments = near.then(|| {
            let rows: Vec<Vec<f64>> = data.iter().step_by(step).map(expand).collect();
            Moments::of_integers(&rows)
        });
        let bound = |weights: &[i32], bias: f64| self.bound(weights, bias);
        let row = |o: usize, room: f64| {
            let own = splines.coefficients[o].iter().flatten().map(|c| c / ONE);
            let mut reals: Vec<f64> = own.collect();
            if let (Some(base), Some(format)) = (&splines.base, self.base) {
                reals.extend(base[o].iter().map(|b| b * format.scale(0) / self.base_weight()));
            }
            let bits = if near || bits == 16 { bits } else { 8 };
            Row::of(&reals, splines.bias[o], bits, moments.as_ref(), room, &bound)
        };
        Fit::of(splines.bias.len(), scales, &row, &bound)
    }

    /// Every edge over the range of its input, as trained and as the integers have it.
    fn curves(
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
