//! Edges that are constant or linear over the range their input takes leave the splines.

use super::fit::{Axis, inputs_span};
use crate::calibrate::Ranges;
use crate::error::Result;
use crate::graph::kan::{Edge, Kan};
use crate::graph::{Dense, Graph, Node};

/// A layer of edges in two parts.
pub struct Folded {
    /// The layer without its constant edges; they are in its bias.
    pub plain: Kan,
    /// The same without its linear edges.
    pub rest: Kan,
    /// The linear edges, without bias.
    pub linear: Dense,
    /// How many edges are constant.
    pub constant: usize,
    /// How many edges are linear.
    pub lines: usize,
}

/// The parts of `kan`, where no edge changes by more than its share of `tolerance` standard deviations of
/// the output.
pub fn fold(
    kan: &Kan,
    graph: &Graph,
    node: &Node,
    ranges: &Ranges,
    tolerance: f64,
) -> Result<Folded> {
    let (inputs, outputs) = (kan.inputs(), kan.edges.len());
    let mut folded = Folded {
        plain: kan.clone(),
        rest: kan.clone(),
        linear: Dense::new(vec![vec![0.0; inputs]; outputs], vec![0.0; outputs]),
        constant: 0,
        lines: 0,
    };
    let share = tolerance / (inputs as f64).sqrt();
    let allowed: Vec<f64> =
        (0..outputs).map(|o| share * ranges.feature(node.output, o).deviation).collect();
    let whole = inputs_span(graph, ranges, node.inputs[0]);
    for i in 0..inputs {
        if kan.edges.iter().all(|row| row[i].is_zero()) {
            continue;
        }
        let axis = Axis::of(kan, node, ranges, whole.as_ref(), i)?;
        for (o, values) in axis.values.iter().enumerate() {
            let Some(values) = values else { continue };
            let line = Line::through(&axis.samples, values);
            if line.error > allowed[o].max(1e-9 * line.size) {
                continue;
            }
            folded.rest.edges[o][i] = Edge::default();
            if line.slope.abs() * line.spread <= allowed[o] {
                folded.plain.edges[o][i] = Edge::default();
                folded.plain.bias[o] += line.mean;
                folded.rest.bias[o] += line.mean;
                folded.constant += 1;
            } else {
                folded.linear.weights[o][i] = line.slope;
                folded.rest.bias[o] += line.mean - line.slope * line.middle;
                folded.lines += 1;
            }
        }
    }
    Ok(folded)
}

/// The straight line nearest to weighted samples of a function.
struct Line {
    slope: f64,
    /// Weighted mean of the function and of its variable.
    mean: f64,
    middle: f64,
    /// Standard deviation of the variable.
    spread: f64,
    /// The larger of the RMS error and a tenth of the worst.
    error: f64,
    /// Largest magnitude of the function.
    size: f64,
}

impl Line {
    fn through(samples: &[(f64, f64)], values: &[f64]) -> Self {
        let points = || samples.iter().zip(values).map(|(&(x, w), &y)| (x, y, w));
        let total: f64 = points().map(|(.., w)| w).sum();
        let middle = points().map(|(x, _, w)| w * x).sum::<f64>() / total;
        let mean = points().map(|(_, y, w)| w * y).sum::<f64>() / total;
        let variance = points().map(|(x, _, w)| w * (x - middle).powi(2)).sum::<f64>() / total;
        let product = points().map(|(x, y, w)| w * (x - middle) * (y - mean)).sum::<f64>() / total;
        let slope = if variance > 0.0 { product / variance } else { 0.0 };
        let off = |x: f64, y: f64| y - mean - slope * (x - middle);
        let square = points().map(|(x, y, w)| w * off(x, y).powi(2)).sum::<f64>() / total;
        let worst = points().fold(0.0_f64, |m, (x, y, _)| m.max(off(x, y).abs()));
        let size = values.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
        Self {
            slope,
            mean,
            middle,
            spread: variance.sqrt(),
            error: square.sqrt().max(worst / 10.0),
            size,
        }
    }
}
