//! Edges on uniform grids: as they are, or any function refitted over the range its input takes.

use crate::calibrate::{Ranges, Span};
use crate::error::Result;
use crate::graph::expr::Expr;
use crate::graph::kan::{DEGREE, Edge, Kan, Spline};
use crate::graph::{Graph, Node, TensorId};
use crate::quantize::cholesky::Factor;
use crate::quantize::functions::has_pole;
use crate::quantize::port;

/// Numbers of intervals a refit may have.
const INTERVALS: [usize; 12] = [2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48];
/// What an edge's worst error counts beside the RMS error: where data is rare the one says nothing of the other.
const WORST: f64 = 0.05;
/// Knots of a uniform grid differ from equal steps by at most this share of one.
const UNIFORM: f64 = 1e-3;

/// A layer's edges as coefficients on uniform grids.
#[derive(Debug, Clone)]
pub struct Splines {
    /// The inputs that have an edge.
    pub inputs: Vec<usize>,
    /// Intervals of every grid.
    pub intervals: usize,
    /// Whether splines are zero beyond their grid; if not, inputs stop at its ends.
    pub tails: bool,
    /// First knot and step of each grid.
    pub grids: Vec<(f64, f64)>,
    /// `[output][input][intervals + 3]`.
    pub coefficients: Vec<Vec<Vec<f64>>>,
    /// `[output][input]`, factors of the base function where it is kept apart.
    pub base: Option<Vec<Vec<f64>>>,
    /// One addend an output.
    pub bias: Vec<f64>,
    /// `[output][input]`: what of an edge is in the bias.
    pub lifts: Vec<Vec<f64>>,
    /// Largest over the outputs of the RMS error, or of a share of an edge's worst, in standard deviations
    /// of the output.
    pub error: f64,
}

impl Splines {
    /// Coefficients and base factors of all edges.
    pub fn weights(&self) -> usize {
        let count = self.intervals + 3 + usize::from(self.base.is_some());
        self.inputs.len() * self.coefficients.len() * count
    }

    /// First and last real number of each grid.
    pub fn ends(&self) -> Vec<(f64, f64)> {
        let end = |(low, step): &(f64, f64)| (*low, low + step * self.intervals as f64);
        self.grids.iter().map(end).collect()
    }
}

/// First knot and step of the inner part of a grid for splines of this degree and its number of intervals, if its steps
/// are equal.
fn uniform(knots: &[f64], degree: usize) -> Option<(f64, f64, usize)> {
    let intervals = knots.len().checked_sub(2 * degree + 1).filter(|n| *n > 0)?;
    let step = (knots[knots.len() - 1] - knots[0]) / (knots.len() - 1) as f64;
    let even = |(j, t): (usize, &f64)| (t - (knots[0] + j as f64 * step)).abs() <= UNIFORM * step;
    knots.iter().enumerate().all(even).then_some((knots[0] + degree as f64 * step, step, intervals))
}

/// The uniform grid all live splines of input `i` have, if they have one.
fn native(kan: &Kan, i: usize) -> Option<(f64, f64, usize)> {
    let mut splines = kan.edges.iter().filter_map(|row| row[i].spline.as_ref());
    let first = splines.next()?;
    let degree = first.degree();
    let same = |s: &Spline| s.knots == first.knots && s.degree() == degree;
    splines.all(same).then(|| uniform(&first.knots, degree))?
}

fn live_inputs(kan: &Kan) -> Vec<usize> {
    (0..kan.inputs()).filter(|&i| kan.edges.iter().any(|row| !row[i].is_zero())).collect()
}

/// The splines as they were trained, the base function apart; none if one is not cubic, a grid is not uniform, grids
/// differ in size, or an edge has another function.
pub fn as_trained(kan: &Kan) -> Option<Splines> {
    let cubic = |e: &Edge| e.spline.as_ref().is_none_or(|s| s.degree() == DEGREE);
    if kan.live().any(|e| e.function.is_some() || !cubic(e)) {
        return None;
    }
    let inputs = live_inputs(kan);
    let found: Vec<_> = inputs.iter().map(|&i| native(kan, i)).collect();
    // An input with base edges only takes any grid.
    let first = found.iter().flatten().next().copied()?;
    let intervals = first.2;
    let grids: Vec<_> = found.into_iter().map(|g| g.unwrap_or(first)).collect();
    if intervals > 64 || grids.iter().any(|g| g.2 != intervals) {
        return None;
    }
    let coefficients = |edge: &Edge| match &edge.spline {
        Some(spline) => spline.coefficients.clone(),
        None => vec![0.0; intervals + 3],
    };
    let of = |row: &Vec<Edge>| inputs.iter().map(|&i| coefficients(&row[i])).collect();
    let factors = |row: &Vec<Edge>| inputs.iter().map(|&i| row[i].base).collect();
    let has_base = kan.live().any(|e| e.base != 0.0) && kan.base != Expr::Const(0.0);
    Some(Splines {
        intervals,
        tails: true,
        grids: grids.into_iter().map(|(low, step, _)| (low, step)).collect(),
        coefficients: kan.edges.iter().map(of).collect(),
        base: has_base.then(|| kan.edges.iter().map(factors).collect()),
        bias: kan.bias.clone(),
        lifts: vec![vec![0.0; inputs.len()]; kan.edges.len()],
        error: 0.0,
        inputs,
    })
}

/// The whole of every edge refitted over the range its input takes: the fewest intervals whose error
/// is at most `tolerance` standard deviations of the outputs.
pub fn refit(
    kan: &Kan,
    graph: &Graph,
    node: &Node,
    ranges: &Ranges,
    tolerance: f64,
) -> Result<Splines> {
    let inputs = live_inputs(kan);
    let whole = inputs_span(graph, ranges, node.inputs[0]);
    let axis = |&i: &usize| Axis::of(kan, node, ranges, whole.as_ref(), i);
    let axes: Vec<Axis> = inputs.iter().map(axis).collect::<Result<_>>()?;
    let deviations: Vec<f64> =
        (0..kan.edges.len()).map(|o| ranges.feature(node.output, o).deviation).collect();
    let mut best: Option<Splines> = None;
    for intervals in INTERVALS {
        let splines = fit(kan, &inputs, &axes, intervals, &deviations);
        let good = splines.error <= tolerance;
        if best.as_ref().is_none_or(|b| splines.error < b.error) {
            best = Some(splines);
        }
        if good {
            break;
        }
    }
    best.map_or_else(|| Ok(fit(kan, &inputs, &axes, 1, &deviations)), Ok)
}

/// The range of the network's inputs, if they share a unit: one that hardly moves on the data at hand, like
/// a pixel at the border, may take any of their values.
pub fn inputs_span(graph: &Graph, ranges: &Ranges, tensor: TensorId) -> Option<Span> {
    (tensor == graph.input && port::narrow(graph, ranges).is_some()).then(|| ranges.tensor(tensor))
}

/// How far other data may lie beyond the least and the largest of a feature's values: twice the length of
/// its last percent, which is nothing where values have an end, and much where they thin out.
fn tails(rows: &[Vec<f64>], i: usize) -> (f64, f64) {
    let mut values: Vec<f64> = rows.iter().map(|row| row[i]).collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let percent = last / 100;
    let gap = |a: usize, b: usize| values.get(b).zip(values.get(a)).map_or(0.0, |(b, a)| b - a);
    (2.0 * gap(0, percent), 2.0 * gap(last - percent, last))
}

/// The range one input takes.
pub struct Axis {
    low: f64,
    high: f64,
    /// The trained grid, if the range lies inside it.
    trained: Option<(f64, f64, usize)>,
    /// Positions in the range with their weights: how often data comes near.
    pub samples: Vec<(f64, f64)>,
    /// Each output's edge at the samples, none if it is zero.
    pub values: Vec<Option<Vec<f64>>>,
}

impl Axis {
    /// The range of input `i`, or `whole`, the one it shares with all others.
    pub fn of(
        kan: &Kan,
        node: &Node,
        ranges: &Ranges,
        whole: Option<&Span>,
        i: usize,
    ) -> Result<Self> {
        const SAMPLES: usize = 385;
        let tensor = node.inputs[0];
        let own = ranges.feature(tensor, i);
        let span = whole.copied().unwrap_or(own);
        let trained = native(kan, i).filter(|(low, step, n)| {
            span.low >= low - 1e-9 && span.high <= low + step * *n as f64 + 1e-9
        });
        let Span { mut low, mut high, .. } = span;
        if let Some((start, step, n)) = trained {
            (low, high) = (start, start + step * n as f64);
        } else {
            let more = (ranges.margin - 1.0).max(0.02) * ((high - low) / 2.0).max(1e-6);
            let (below, above) = tails(&ranges.values[tensor], i);
            let rest = ranges.tensor(tensor);
            low = (low - more).min((low - below).max(rest.low));
            high = (high + more).max((high + above).min(rest.high));
        }
        for f in kan.edges.iter().filter_map(|row| row[i].function.as_ref()) {
            if let Some(pole) = f.pole(own.low, own.high) {
                let at = format!("node `{}`, an edge of input {i}", node.name);
                return Err(has_pole(&at, f, pole, own.low, own.high));
            }
            // Past the data a pole may come: the range ends where the data does.
            if f.pole(low, high).is_some() {
                (low, high) = (own.low, own.high);
            }
        }
        let mut counts = vec![0.0; SAMPLES];
        let position = |x: f64| (x - low) / (high - low) * (SAMPLES - 1) as f64;
        for row in ranges.fitted(tensor) {
            let at = position(row[i]).clamp(0.0, (SAMPLES - 1) as f64);
            counts[at.round() as usize] += 1.0;
        }
        let total = ranges.fitted(tensor).len() as f64;
        // Data to come falls between the data at hand, and a little everywhere.
        let smooth = |k: usize| {
            let near = counts.iter().take(k + 9).skip(k.saturating_sub(8));
            near.sum::<f64>() / 17.0 / total.max(1.0) + 0.02 / SAMPLES as f64
        };
        let x = |k: usize| low + (high - low) * k as f64 / (SAMPLES - 1) as f64;
        let samples: Vec<(f64, f64)> = (0..SAMPLES).map(|k| (x(k), smooth(k))).collect();
        let values = |row: &Vec<Edge>| {
            (!row[i].is_zero()).then(|| {
                let mut y: Vec<f64> =
                    samples.iter().map(|(x, _)| row[i].eval(&kan.base, *x)).collect();
                crate::quantize::table::fill_gaps(&mut y);
                y
            })
        };
        let values = kan.edges.iter().map(values).collect();
        Ok(Self { low, high, trained, samples, values })
    }

    fn grid(&self, intervals: usize) -> (f64, f64) {
        match self.trained {
            Some((low, step, n)) if n == intervals => (low, step),
            _ => (self.low, (self.high - self.low) / intervals as f64),
        }
    }
}

/// The four weights of a uniform cubic B-spline at fraction `u`.
fn weights(u: f64) -> [f64; 4] {
    let v = 1.0 - u;
    let (u2, u3) = (u * u, u * u * u);
    [
        v * v * v / 6.0,
        (3.0 * u3 - 6.0 * u2 + 4.0) / 6.0,
        (-3.0 * u3 + 3.0 * u2 + 3.0 * u + 1.0) / 6.0,
        u3 / 6.0,
    ]
}

/// Least squares on grids of `intervals` steps.
fn fit(
    kan: &Kan,
    inputs: &[usize],
    axes: &[Axis],
    intervals: usize,
    deviations: &[f64],
) -> Splines {
    let outputs = kan.edges.len();
    let mut coefficients = vec![Vec::with_capacity(inputs.len()); outputs];
    let mut bias = kan.bias.clone();
    let mut lifts = vec![Vec::with_capacity(inputs.len()); outputs];
    let (mut errors, mut worst) = (vec![0.0; outputs], vec![0.0_f64; outputs]);
    for axis in axes {
        let (low, step) = axis.grid(intervals);
        let rows: Vec<(usize, [f64; 4], f64)> = axis
            .samples
            .iter()
            .map(|&(x, weight)| {
                let p = ((x - low) / step).clamp(0.0, intervals as f64);
                let s = (p.floor() as usize).min(intervals - 1);
                (s, weights(p - s as f64), weight)
            })
            .collect();
        let factor = LeastSquares::of(&rows, intervals + 3);
        for (o, values) in axis.values.iter().enumerate() {
            let Some(values) = values else {
                coefficients[o].push(vec![0.0; intervals + 3]);
                lifts[o].push(0.0);
                continue;
            };
            let mut c = factor.solve(&rows, values);
            let at = |(s, w, _): &(usize, [f64; 4], f64), c: &[f64]| {
                c[*s..*s + 4].iter().zip(w).map(|(c, w)| c * w).sum::<f64>()
            };
            let total: f64 = rows.iter().map(|r| r.2).sum();
            let squares = rows.iter().zip(values).map(|(r, y)| r.2 * (at(r, &c) - y).powi(2));
            errors[o] += squares.sum::<f64>() / total;
            let off = rows.iter().zip(values).map(|(r, y)| (at(r, &c) - y).abs());
            worst[o] = off.fold(worst[o], f64::max);
            // The basis functions sum to 1: the middle goes to the bias and leaves more bits to the rest.
            let (least, most) =
                c.iter().fold((f64::MAX, f64::MIN), |(a, b), &v| (a.min(v), b.max(v)));
            let middle = (least + most) / 2.0;
            c.iter_mut().for_each(|v| *v -= middle);
            bias[o] += middle;
            lifts[o].push(middle);
            coefficients[o].push(c);
        }
    }
    let relative = |((e, w), d): ((&f64, &f64), &f64)| {
        if *d > 0.0 { e.sqrt().max(w * WORST) / d } else { 0.0 }
    };
    Splines {
        inputs: inputs.to_vec(),
        intervals,
        tails: false,
        grids: axes.iter().map(|a| a.grid(intervals)).collect(),
        coefficients,
        base: None,
        bias,
        lifts,
        error: errors.iter().zip(&worst).zip(deviations).map(relative).fold(0.0, f64::max),
    }
}

/// The normal equations of a least squares fit, factored once for all edges of an input.
struct LeastSquares(Factor);

impl LeastSquares {
    /// For rows of four neighbouring basis functions, the first of which is given, with their weights.
    fn of(rows: &[(usize, [f64; 4], f64)], n: usize) -> Self {
        let mut a = vec![0.0; n * n];
        for (s, w, weight) in rows {
            for (j, wj) in w.iter().enumerate() {
                for (k, wk) in w.iter().enumerate() {
                    a[(s + j) * n + s + k] += weight * wj * wk;
                }
            }
        }
        let trace: f64 = (0..n).map(|j| a[j * n + j]).sum();
        (0..n).for_each(|j| a[j * n + j] += 1e-10 * trace / n as f64);
        Self(Factor::of(&a, &(0..n).collect::<Vec<_>>()))
    }

    /// The coefficients that come nearest to a value a row.
    fn solve(&self, rows: &[(usize, [f64; 4], f64)], values: &[f64]) -> Vec<f64> {
        let mut b = vec![0.0; self.0.pivots.len()];
        for ((s, w, weight), y) in rows.iter().zip(values) {
            w.iter().enumerate().for_each(|(j, w)| b[s + j] += weight * w * y);
        }
        self.0.solve(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_knots_are_recognised() {
        let knots: Vec<f64> = (0..12).map(|j| -2.2 + 0.4 * f64::from(j)).collect();
        let (low, step, n) = uniform(&knots, 3).unwrap();
        assert!((low + 1.0).abs() < 1e-9 && (step - 0.4).abs() < 1e-9 && n == 5);
        let mut bent = knots;
        bent[5] += 0.01;
        assert_eq!(uniform(&bent, 3), None);
    }

    #[test]
    fn a_cubic_is_fitted_exactly() {
        let cubic = |x: f64| 2.0 * x * x * x - x + 0.5;
        let rows: Vec<_> = (0..100)
            .map(|k| {
                let p = f64::from(k) / 99.0 * 3.0;
                let s = (p.floor() as usize).min(2);
                (s, weights(p - s as f64), 1.0)
            })
            .collect();
        let values: Vec<f64> = (0..100).map(|k| cubic(f64::from(k) / 99.0)).collect();
        let c = LeastSquares::of(&rows, 6).solve(&rows, &values);
        for ((s, w, _), y) in rows.iter().zip(&values) {
            let got: f64 = c[*s..].iter().zip(w).map(|(c, w)| c * w).sum();
            assert!((got - y).abs() < 1e-4, "{got} {y}");
        }
    }
}
