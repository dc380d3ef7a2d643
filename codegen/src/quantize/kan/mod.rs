//! Layers of edge functions: integer B-splines, the base function apart or folded in.

mod check;
mod fit;
mod fold;
mod kernel;
mod layer;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use nervecord::generated::{Axis, Grid, SplineShape};

use self::check::Check;
pub use self::fit::Splines;
pub use self::fold::fold;
use self::kernel::{EdgeList, SplineKernel};
use self::layer::{Layer, ONE};
use super::dense::{self, Tail};
use super::format::Format;
use super::functions::{Bank, Wanted};
use super::lowering::{Lowering, Value};
use super::rows::Fit;
use super::table;
use crate::error::Result;
use crate::graph::Node;
use crate::graph::kan::{Edge, Kan};
use crate::program::Width;

/// Lowers a layer of edges to the smaller of its trained splines and a refit.
pub fn lower(lowering: &mut Lowering, index: usize, kan: &Kan) -> Result<()> {
    let graph = lowering.graph;
    let node = &graph.nodes[index];
    let width = lowering.widths[index];
    let (splines, choice) = choose(lowering, index, node, kan)?;
    let value = input(lowering, node, &splines);
    let (base, table) = match &splines.base {
        Some(_) => {
            let (base, table) = push_base(lowering, node, kan, &splines, &value)?;
            (Some(base), Some(table))
        }
        None => (None, None),
    };
    let (axis, grids) = grids(&splines, &value.format);
    let base_format = base.as_ref().map(|b| &b.format);
    let base_shift = base_format.map_or(0, |format| base_shift(&splines, format, width));
    let live = sparse(&splines, kan, width);
    let layer = Layer {
        splines: &splines,
        live: live.as_deref(),
        axis,
        grids: &grids,
        base: base_format,
        base_shift,
        function: &kan.base,
    };
    let scales = dense::output_scales(lowering, &Tail::none(node.output), kan.bias.len());
    let numbers =
        [f64::from(width.bits()), splines.intervals as f64, f64::from(u8::from(splines.tails))];
    let formats = value.format.numbers().chain(base_format.into_iter().flat_map(Format::numbers));
    let numbers = numbers.into_iter().chain(scales.numbers()).chain(formats);
    let fit = lowering.known.get(&node.name, numbers, || {
        let fit = layer.fit(lowering, node, &value.format, width, &scales);
        fit.map_err(|e| e.at(format!("node `{}`", node.name)))
    })?;
    let Fit { rows, finish, bound } = (*fit).clone();

    let (coefficients, factors) = layer.tables(&rows);
    let curves = layer.curves(lowering, node, kan, &value.format, &rows);
    let check = Check::of(&layer, kan, &value.format, table, rows);
    let outputs = kan.bias.len();
    let kernel = SplineKernel {
        shape: SplineShape {
            inputs: splines.inputs.len(),
            outputs,
            axis,
            base: base.is_some(),
            base_shift,
            shift: finish.shift,
        },
        grids: shared(grids),
        coefficients: width.narrow(coefficients),
        factors: width.narrow(factors),
        edges: live.as_deref().map(edge_list),
        bias: finish.bias,
        multiplier: finish.multiplier,
        check,
        packed: OnceLock::new(),
    };
    let storage = lowering.new_storage(SplineShape::memory(outputs));
    let reads = std::iter::once(value.storage).chain(base.map(|b| b.storage)).collect();
    lowering.push(&node.name, Box::new(kernel), reads, storage);
    lowering.define(node.output, storage, finish.scales.format(-32768));
    let form = if live.is_some() { "sparse spline" } else { "spline" };
    let kind = format!("{form} {}, {} intervals", width.name(), splines.intervals);
    let row = lowering.report(node, kind, String::new());
    row.choice = choice;
    row.curves = curves;
    row.accumulator_bound = Some(bound as u64);
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
    let share = if lowering.widths[index].is_coarse() { 3.0 } else { 0.5 };
    let tolerance = lowering.table_tolerance * share;
    let trained = fit::as_trained(kan);
    let refitted = lowering.known.get(&node.name, [tolerance], || {
        fit::refit(kan, lowering.graph, node, lowering.ranges, tolerance)
    })?;
    let refitted = (*refitted).clone();
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

/// The base function of every live input, as a tensor of its own, and the pieces of its table.
fn push_base(
    lowering: &mut Lowering,
    node: &Node,
    kan: &Kan,
    splines: &Splines,
    value: &Value,
) -> Result<(Value, Vec<u32>)> {
    let tensor = node.inputs[0];
    let picks: Vec<(usize, usize)> = splines.inputs.iter().map(|&i| (i, 0)).collect();
    let of = |row: &Vec<f64>| splines.inputs.iter().map(|&i| kan.base.eval(row[i])).collect();
    let values: Vec<Vec<f64>> = lowering.ranges.values[tensor].iter().map(of).collect();
    let magnitude = values.iter().flatten().fold(1e-12_f64, |m, y| m.max(y.abs()));
    let deviation = table::movement(&values);
    let at = format!("node `{}`, its base function", node.name);
    let wanted = Wanted { magnitude, deviation };
    let functions = std::slice::from_ref(&kan.base);
    // Any tensor but the network's output: its scale need not be a power of two.
    let out = (tensor, wanted);
    let bank = Bank::of(lowering, &at, (tensor, &value.format), functions, &picks, out)?;
    let storage = lowering.new_storage(picks.len());
    let table = bank.kernel.tables[0].clone();
    let name = format!("{}.base", node.name);
    lowering.push(&name, Box::new(bank.kernel), vec![value.storage], storage);
    Ok((Value { storage, features: picks.len(), format: bank.format }, table))
}

/// The edges that are not zero, `[output][input]`, if a list of them is smaller than tables of all edges.
fn sparse(splines: &Splines, kan: &Kan, width: Width) -> Option<Vec<Vec<bool>>> {
    // The core's instructions serve neighbouring outputs: an edge of a list takes longer than one among all.
    const MOST: f64 = 2.0 / 3.0;
    let of = |row: &Vec<Edge>| splines.inputs.iter().map(|&i| !row[i].is_zero()).collect();
    let live: Vec<Vec<bool>> = kan.edges.iter().map(of).collect();
    let count = live.iter().flatten().filter(|live| **live).count();
    let all = splines.inputs.len() * kan.edges.len();
    let bytes = width.bytes(splines.weights() / all.max(1));
    let lists = count + splines.inputs.len();
    let smaller = lists + count * bytes < all * bytes && count as f64 <= all as f64 * MOST;
    (smaller && count > 0 && kan.edges.len() <= 255).then_some(live)
}

fn edge_list(live: &[Vec<bool>]) -> EdgeList {
    let inputs = live.first().map_or(0, Vec::len);
    let ends = |k: usize| (0..live.len()).filter(move |&o| live[o][k]).map(|o| o as u8);
    EdgeList {
        fans: (0..inputs).map(|k| ends(k).count() as u8).collect(),
        outputs: (0..inputs).flat_map(ends).collect(),
    }
}

/// Bits by which the factors of the base function are coarser than the coefficients, so that both fill
/// their i8: a base that outgrows the splines leaves them few bits otherwise.
fn base_shift(splines: &Splines, format: &Format, width: Width) -> u8 {
    let largest = |list: &mut dyn Iterator<Item = &f64>| list.fold(0.0_f64, |m, v| m.max(v.abs()));
    let factors = splines.base.iter().flatten();
    let ratio = |(base, own): (&Vec<f64>, &Vec<Vec<f64>>)| {
        let coefficient = largest(&mut own.iter().flatten()) / ONE;
        largest(&mut base.iter()) * format.scale(0) / coefficient.max(f64::MIN_POSITIVE)
    };
    let ratios = factors.zip(&splines.coefficients).map(ratio);
    let least = ratios.filter(|r| *r > 0.0).fold(f64::INFINITY, f64::min);
    // i16 has bits to spare, and its sums have not.
    if width.is_coarse() && least.is_finite() {
        least.log2().round().clamp(0.0, 7.0) as u8
    } else {
        0
    }
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
