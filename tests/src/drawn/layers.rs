//! Feed-forward and recurrent layers with random numbers.

use std::sync::Arc;

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::kan::{DEGREE, Edge, Kan, Spline};
use nervecord_codegen::graph::{Dense, Graph, Layer, Reduction, TensorId};

use super::network::{Oddities, Sizes, Span};
use crate::random::Random;

/// A weight that no other of its layer comes near.
const OUTLIER: f64 = 1e4;

/// Every function of one variable, kept where it is finite.
pub(super) fn functions() -> Vec<Expr> {
    use Function::*;
    let (x, c) = (|| Expr::X, Expr::Const);
    let within = |f: Function, low: f64, high: f64| Expr::call(f).of(&Expr::clamp(low, high));
    let mut all: Vec<Expr> =
        [Abs, Atan, Cos, Erf, Sigmoid, Sin, Softplus, Tanh].map(Expr::call).to_vec();
    all.extend([
        Expr::relu(),
        Expr::clamp(-0.7, 0.9),
        Expr::clamp(0.0, 6.0),
        Expr::silu(),
        within(Exp, -6.0, 2.0),
        within(Log, 0.1, 20.0),
        within(Sqrt, 0.0, 50.0),
        within(Acos, -0.95, 0.95),
        within(Asin, -0.95, 0.95),
        within(Atanh, -0.9, 0.9),
        within(Tan, -1.2, 1.2),
        Expr::call(LeakyRelu { alpha: 0.01 }),
        Expr::call(LeakyRelu { alpha: -0.5 }),
        Expr::call(Elu { alpha: 1.0, gamma: 1.05 }),
        x().pow(2.0),
        x().pow(3.0).of(&Expr::clamp(-3.0, 3.0)),
        c(1.0).div(x().pow(2.0).add(c(1.0))),
        x().div(Expr::call(Abs).add(c(1.0))),
        Expr::polynomial(&[0.3, -1.0, 0.5], &Expr::clamp(-2.0, 2.0)),
        x().mul(c(-0.5)).add(c(0.25)),
        c(0.7),
        Expr::call(Tanh).min(x()),
    ]);
    all
}

/// A dense layer whose outputs are about as large as `sizes` say for inputs that lie in `spans`.
pub(super) fn dense(random: &mut Random, spans: &[Span], outputs: usize, sizes: &Sizes) -> Dense {
    let gain = sizes.gain * (2.0 / spans.len() as f64).sqrt();
    let mut row =
        || -> Vec<f64> { spans.iter().map(|s| random.unit() * gain * s.unit()).collect() };
    let mut weights: Vec<Vec<f64>> = (0..outputs).map(|_| row()).collect();
    let offset = |row: &Vec<f64>| row.iter().zip(spans).map(|(w, s)| w * s.centre).sum::<f64>();
    // What the centres of the inputs add is taken off again, as training would.
    let mut bias: Vec<f64> =
        weights.iter().map(|row| random.unit() * sizes.bias - offset(row)).collect();
    if sizes.oddities.dead {
        for _ in 0..1 + outputs / 4 {
            let o = random.below(outputs);
            // Some of them positive: an output that is constant.
            bias[o] = *random.pick(&[-1.0, 0.0, 0.5]);
            weights[o].iter_mut().for_each(|w| *w = 0.0);
        }
    }
    if sizes.oddities.outlier {
        let (o, i) = (random.below(outputs), random.below(spans.len()));
        weights[o][i] *= OUTLIER;
    }
    Dense::new(weights, bias)
}

/// Activations between layers are taken to be about as large as 1.
pub(super) fn unit_spans(n: usize) -> Vec<Span> {
    vec![Span { centre: 0.0, half: 1.0 }; n]
}

/// Dense layers with all else between them.
pub(super) fn chain(
    random: &mut Random,
    graph: &mut Graph,
    sizes: &Sizes,
    spans: &[Span],
    oddities: &mut Oddities,
) -> Result<()> {
    let (mut x, mut spans) = (graph.input, spans.to_vec());
    let count = 1 + random.below(4);
    for i in 0..count {
        let widest = if random.once_in(5) { 40 } else { 12 };
        let width = 1 + random.below(widest);
        let layer = Layer::Dense(dense(random, &spans, width, sizes));
        x = graph.push(format!("dense{i}"), layer, &[x])?;
        x = follow(random, graph, x, i, oddities)?;
        spans = unit_spans(graph.tensors[x].len());
    }
    if random.once_in(6) {
        oddities.jumps = true;
        graph.push("argmax", Layer::ArgMax, &[x])?;
    }
    Ok(())
}

/// What comes after a dense layer: nothing, or any other layer.
fn follow(
    random: &mut Random,
    graph: &mut Graph,
    x: TensorId,
    i: usize,
    oddities: &mut Oddities,
) -> Result<TensorId> {
    let n = graph.tensors[x].len();
    let layer = match random.below(16) {
        0 => return Ok(x),
        1..=4 => Layer::Map(random.pick(&functions()).clone()),
        5 => {
            let scale = (0..n).map(|_| random.within(-1.5, 1.5)).collect();
            Layer::Affine { scale, offset: random.row(n, 0.5) }
        }
        6 => Layer::Normalize { epsilon: 1e-5 },
        7 => Layer::Softmax,
        8 => {
            let all = functions();
            let functions: Vec<Expr> =
                (0..1 + random.below(4)).map(|_| random.pick(&all).clone()).collect();
            let picks = (0..1 + random.below(2 * n))
                .map(|_| (random.below(n), random.below(functions.len())))
                .collect();
            Layer::Functions { functions, picks }
        }
        9 => Layer::Select((0..1 + random.below(n + 2)).map(|_| random.below(n)).collect()),
        10 => {
            oddities.jumps = true;
            Layer::Map(Expr::call(Function::Sign))
        }
        11 => Layer::RootMeanSquare { epsilon: 1e-5, least: 1e-3 },
        12 => {
            let by = *random.pick(&[Reduction::Max, Reduction::Min, Reduction::Length]);
            let groups: Vec<usize> = (1..=n).filter(|groups| n.is_multiple_of(*groups)).collect();
            Layer::Reduce { by, groups: *random.pick(&groups) }
        }
        join => {
            let gate = Layer::Map(
                random.pick(&[Function::Sigmoid, Function::Tanh].map(Expr::call)).clone(),
            );
            let gate = graph.push(format!("gate{i}"), gate, &[x])?;
            let layer = match join {
                13 if random.once_in(2) => Layer::Concat,
                13 => Layer::Mul,
                14 => Layer::Extreme { largest: random.once_in(2) },
                _ => Layer::Add { factors: [random.within(-1.5, 1.5), random.within(-1.5, 1.5)] },
            };
            return graph.push(format!("join{i}"), layer, &[x, gate]);
        }
    };
    graph.push(format!("after{i}"), layer, &[x])
}

/// The inputs brought to a range of about 1.
pub(super) fn scaled(graph: &mut Graph, spans: &[Span]) -> Result<TensorId> {
    let scale = spans.iter().map(Span::unit).collect();
    let offset = spans.iter().map(|s| -s.centre * s.unit()).collect();
    graph.push("scaler", Layer::Affine { scale, offset }, &[graph.input])
}

/// Layers of edge functions, pruned ones among them.
pub(super) fn kans(
    random: &mut Random,
    graph: &mut Graph,
    sizes: &Sizes,
    spans: &[Span],
) -> Result<()> {
    // Grids lie where the data does, so the inputs are brought there first.
    let mut x = scaled(graph, spans)?;
    for i in 0..1 + random.below(2) {
        let (n, width) = (graph.tensors[x].len(), 1 + random.below(8));
        x = graph.push(format!("kan{i}"), Layer::Kan(kan(random, n, width, sizes)), &[x])?;
    }
    Ok(())
}

/// A layer of edge functions over -1..1.
pub(super) fn kan(random: &mut Random, inputs: usize, outputs: usize, sizes: &Sizes) -> Kan {
    let unit = sizes.gain / (inputs as f64).sqrt();
    let base = random.pick(&[Expr::silu(), Expr::Const(0.0), Expr::X]).clone();
    let (functions, intervals) = (functions(), 1 + random.below(8));
    let own = random.once_in(3);
    let shared = knots(random, intervals);
    let mut edges: Vec<Vec<Edge>> = (0..outputs)
        .map(|_| {
            (0..inputs)
                .map(|_| {
                    let mut edge = Edge::default();
                    let knots = if own { knots(random, intervals) } else { Arc::clone(&shared) };
                    let shape = random.below(6);
                    if shape < 4 {
                        let coefficients = random.row(intervals + DEGREE, unit);
                        edge.spline = Some(Spline { knots, coefficients });
                    }
                    if shape == 4 {
                        let f = random.pick(&functions).clone();
                        edge.function = Some(f.mul(Expr::Const(unit * random.unit())));
                    }
                    // An edge of shape 5 without a base weight is pruned.
                    if shape.is_multiple_of(2) || random.once_in(2) {
                        edge.base = unit * random.unit();
                    }
                    edge.pruned()
                })
                .collect()
        })
        .collect();
    if sizes.oddities.dead {
        edges[random.below(outputs)].fill(Edge::default());
    }
    if sizes.oddities.outlier {
        let edge = &mut edges[random.below(outputs)][random.below(inputs)];
        *edge = edge.clone().scaled(OUTLIER);
    }
    let bias = random.row(outputs, sizes.bias);
    Kan { base, edges, bias }
}

/// Knots over -1..1, even or not.
fn knots(random: &mut Random, intervals: usize) -> Arc<[f64]> {
    let step = 2.0 / intervals as f64;
    let uneven = if random.once_in(3) { 0.4 } else { 0.0 };
    let count = intervals + 2 * DEGREE + 1;
    let place = |j: usize| (j as f64 - DEGREE as f64 + uneven * random.unit()) * step - 1.0;
    (0..count).map(place).collect()
}

/// `h' = tanh(W [x, h] + b)`, `y = V h'`, as an Elman cell, or with a gate.
pub(super) fn recurrent(
    random: &mut Random,
    graph: &mut Graph,
    sizes: &Sizes,
    spans: &[Span],
) -> Result<()> {
    let units = 1 + random.below(8);
    // A cell that forgets: its state's weights sum to less than 1.
    let cell = |random: &mut Random| {
        let mut cell = dense(random, spans, units, sizes);
        for row in &mut cell.weights {
            row.extend(random.row(units, 0.9 / units as f64));
        }
        Layer::Dense(cell)
    };
    let h = graph.push_bounded_state("h", vec![0.0; units], 1.0);
    let all = graph.push("all", Layer::Concat, &[graph.input, h])?;
    let sum = graph.push("cell", cell(random), &[all])?;
    let mut next = graph.push("tanh", Layer::Map(Expr::call(Function::Tanh)), &[sum])?;
    if random.once_in(2) {
        let gate = graph.push("gate_sum", cell(random), &[all])?;
        let gate = graph.push("gate", Layer::Map(Expr::call(Function::Sigmoid)), &[gate])?;
        next = match random.below(3) {
            0 => graph.push("gated", Layer::Mul, &[next, gate])?,
            1 => graph.push("update", Layer::GruUpdate, &[gate, next, h])?,
            _ => {
                let c = graph.push_state("c", vec![0.0; units]);
                let input = graph.push("input_sum", cell(random), &[all])?;
                let sigmoid = Layer::Map(Expr::call(Function::Sigmoid));
                let input = graph.push("input", sigmoid, &[input])?;
                let update = graph.push("update", Layer::LstmUpdate, &[gate, c, input, next])?;
                graph.close_state(c, update)?;
                graph.push("out", Layer::Map(Expr::call(Function::Tanh)), &[update])?
            }
        };
    }
    graph.close_state(h, next)?;
    let outputs = 1 + random.below(3);
    let layer = dense(random, &unit_spans(units), outputs, sizes);
    graph.push("output", Layer::Dense(layer), &[next])?;
    Ok(())
}
