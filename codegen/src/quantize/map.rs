//! Functions of one variable: interpolated tables of the smallest size that meets the tolerance.

use nervecord::table::Table;
use nervecord::tensor::Quad;

use super::{Format, Lowering};
use crate::emit::Items;
use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::graph::Node;
use crate::program::Kernel;

/// A function table over the whole i16 range.
#[derive(Debug)]
pub(super) struct TableKernel {
    features: usize,
    points: Vec<i16>,
}

impl Kernel for TableKernel {
    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Table::new(&self.points).run(self.features, y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("table::Table");
        let points = items.shared_array(&format!("{name}_POINTS"), &self.points);
        items.constant(&format!("const {name}: Table"), &format!("Table::new(&{points})"));
        format!("{name}.run({}, y);", self.features)
    }

    fn table_bytes(&self) -> usize {
        self.points.len() * 2
    }
}

/// Interpolation points of a function, and its worst error over all inputs.
pub(super) struct Fit {
    /// Values at equally spaced inputs.
    pub points: Vec<i16>,
    /// Largest difference to the function, in units of the output integer.
    pub worst: f64,
}

/// Fits the smallest table whose error, at the 65,536 inputs weighted by `weight`, is within `rms`
/// (in units of the output integer). `exact[u]` is the value at input `u - 32768`.
pub(super) fn fit(exact: &[f64], weight: &[f64], rms: f64) -> Fit {
    let mut best = None;
    for log in 1..=12 {
        let points = points(exact, weight, log);
        let (worst, error) = errors(&points, exact, weight);
        let fit = Fit { points, worst };
        // Half an integer of rounding is no fault of the table's size.
        if error <= rms.max(0.6) {
            return fit;
        }
        best = Some(fit);
    }
    best.expect("sizes were tried")
}

/// The values at `2^log + 1` equally spaced inputs whose linear interpolation has the least weighted
/// squared error; the last lies one past the range.
///
/// The hat functions of the points overlap only with their neighbours', so the normal equations are
/// tridiagonal.
fn points(exact: &[f64], weight: &[f64], log: u32) -> Vec<i16> {
    let step = exact.len() >> log;
    let n = (1 << log) + 1;
    let (mut diagonal, mut beside, mut right) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    for (u, (&y, &w)) in exact.iter().zip(weight).enumerate() {
        let (i, f) = (u / step, (u % step) as f64 / step as f64);
        diagonal[i] += w * (1.0 - f) * (1.0 - f);
        diagonal[i + 1] += w * f * f;
        beside[i] += w * f * (1.0 - f);
        right[i] += w * (1.0 - f) * y;
        right[i + 1] += w * f * y;
    }
    // Thomas's algorithm; the matrix is positive definite, every weight being so.
    for i in 1..n {
        let factor = beside[i - 1] / diagonal[i - 1];
        diagonal[i] -= factor * beside[i - 1];
        right[i] -= factor * right[i - 1];
    }
    let mut values = vec![0.0; n];
    for i in (0..n).rev() {
        let next = if i + 1 < n { beside[i] * values[i + 1] } else { 0.0 };
        values[i] = (right[i] - next) / diagonal[i];
    }
    // Overshoot at a kink must not leave the function's range: no probability below zero.
    let low = exact.iter().copied().fold(f64::INFINITY, f64::min).max(-32768.0);
    let high = exact.iter().copied().fold(f64::NEG_INFINITY, f64::max).min(32767.0);
    values.iter().map(|y| y.clamp(low, high).round() as i16).collect()
}

/// Worst error over all inputs, and the weighted RMS error.
fn errors(points: &[i16], exact: &[f64], weight: &[f64]) -> (f64, f64) {
    let table = Table::new(points);
    let (mut worst, mut sum, mut total) = (0.0_f64, 0.0, 0.0);
    for (u, (&y, &w)) in exact.iter().zip(weight).enumerate() {
        let error = f64::from(table.at(u as u16)) - y.clamp(-32768.0, 32767.0);
        worst = worst.max(error.abs());
        sum += w * error * error;
        total += w;
    }
    (worst, (sum / f64::max(total, f64::MIN_POSITIVE)).sqrt())
}

/// How often each of the 65,536 inputs occurs on the calibration data, spread over the neighbours
/// that other data will hit, plus a little everywhere.
pub(super) fn histogram(values: &[Vec<f64>], scale: f64) -> Vec<f64> {
    const SPREAD: usize = 128;
    let mut blocks = vec![0.0; 65536 / SPREAD];
    let mut total = 0.0;
    for &x in values.iter().flatten() {
        let u = ((x / scale).round() + 32768.0).clamp(0.0, 65535.0) as usize;
        blocks[u / SPREAD] += 1.0;
        total += 1.0;
    }
    (0..65536).map(|u| blocks[u / SPREAD] + 0.02 * total / blocks.len() as f64).collect()
}

/// Lowers an elementwise function to a table, in place.
pub(super) fn lower(lowering: &mut Lowering, node: &Node, function: &Expr) -> Result<()> {
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    let real = |u: usize| (u as f64 - 32768.0) * scale;
    let (first, last) = ((value.format.low + 32768) as usize, (value.format.high + 32768) as usize);
    let calibrated = lowering.magnitude(node.output);
    // Inputs outside what can occur, or where the function has no value, repeat the nearest that can.
    let mut reals: Vec<f64> =
        (0..65536).map(|u: usize| function.eval(real(u.clamp(first, last)))).collect();
    fill_gaps(&mut reals).ok_or_else(|| {
        Error::new("a function has no finite value on its input's range")
            .at(format!("node `{}`: {function}", node.name))
            .expected("finite values for inputs the calibration data reaches")
            .found(format!("none within +-{:.3}", 32768.0 * scale))
    })?;
    let reached = reals.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    let out_scale = lowering.scale_for(node.output, reached.min(calibrated.max(1e-12)));
    let exact: Vec<f64> = reals.iter().map(|y| y / out_scale).collect();
    let weight = histogram(&lowering.ranges.values[node.inputs[0]], scale);
    let span = lowering.ranges.tensor(node.output);
    let fit = fit(&exact, &weight, lowering.table_tolerance * span.deviation / out_scale);

    let segments = fit.points.len() - 1;
    let (low, high) = (fit.points.iter().min(), fit.points.iter().max());
    let format = Format {
        low: low.copied().map_or(-32768, i32::from),
        high: high.copied().map_or(32767, i32::from),
        ..Format::uniform(out_scale)
    };
    let kernel = TableKernel { features: value.features, points: fit.points };
    lowering.push(&node.name, Box::new(kernel), vec![], value.storage);
    lowering.define(node.output, value.storage, format);
    let kind = format!("table {segments}");
    let row = lowering.report(node, kind, function.to_string());
    row.worst_error = Some(fit.worst * out_scale);
    Ok(())
}

/// Replaces values that are not finite by the nearest finite ones; `None` if there are none.
pub(super) fn fill_gaps(values: &mut [f64]) -> Option<()> {
    let first = values.iter().copied().find(|v| v.is_finite())?;
    let mut last = first;
    for v in values.iter_mut() {
        if v.is_finite() { last = *v } else { *v = last }
    }
    Some(())
}
