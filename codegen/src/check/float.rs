//! The float network on a tape. Stands on tapes and graphs.

use std::collections::HashMap;

use super::field::Field;
use super::line::{Line, Var};
use super::map::Map;
use super::span::{EVERYTHING, Span};
use super::tape::{Rule, Tape};
use crate::graph::expr::Expr;
use crate::graph::kan::Kan;
use crate::graph::{Dense, Graph, Layer, Node, Reduction};

/// Where the float network's numbers are on a tape.
#[derive(Debug, Default)]
pub struct Float {
    /// The variables of each tensor, one a feature.
    pub tensors: Vec<Vec<Var>>,
    /// Which numbers an extreme is of, and whether it is the largest.
    pub extremes: HashMap<Var, (bool, Vec<Var>)>,
    /// Tensors by name.
    pub named: HashMap<String, Vec<usize>>,
}

impl Float {
    /// Puts a network on a tape: its inputs are the first numbers of the box, its states those behind them.
    pub fn of(graph: &Graph, tape: &mut Tape) -> Self {
        let mut float = Self { tensors: vec![vec![]; graph.tensors.len()], ..Self::default() };
        let mut given = 0;
        let sources = std::iter::once(graph.input).chain(graph.states.iter().map(|s| s.previous));
        for tensor in sources {
            let count = graph.tensors[tensor].len();
            float.tensors[tensor] =
                (given..given + count).map(|i| tape.push(Rule::Given(i))).collect();
            given += count;
        }
        for (id, tensor) in graph.tensors.iter().enumerate() {
            float.named.entry(tensor.name.clone()).or_default().push(id);
        }
        for node in &graph.nodes {
            float.node(node, tape);
        }
        float
    }

    fn node(&mut self, node: &Node, tape: &mut Tape) {
        let inputs: Vec<Vec<Var>> =
            node.inputs.iter().map(|&id| self.tensors[id].clone()).collect();
        self.tensors[node.output] = self.layer(&node.layer, &inputs, tape);
    }

    fn layer(&mut self, layer: &Layer, inputs: &[Vec<Var>], tape: &mut Tape) -> Vec<Var> {
        let none = Vec::new();
        let input = |k: usize| inputs.get(k).unwrap_or(&none);
        let x = input(0);
        let pairs = || x.iter().copied().zip(input(1).iter().copied());
        match layer {
            Layer::Dense(of) => dense(of, x, tape),
            Layer::Windows(windows) => {
                let from = |start: usize| x.get(start..).unwrap_or_default();
                windows
                    .starts()
                    .flat_map(|start| dense(&windows.dense, from(start), tape))
                    .collect()
            }
            Layer::Rows { count, layer } => {
                let rows = x.chunks_exact((x.len() / count).max(1));
                rows.flat_map(|row| self.layer(layer, &[row.to_vec()], tape)).collect()
            }
            Layer::Pad { rows, before, after } => {
                let zero = tape.push(Rule::Line(Line::constant(Span::at(0.0))));
                let padded =
                    |row: &[Var]| [&vec![zero; *before], row, &vec![zero; *after]].concat();
                x.chunks_exact((x.len() / rows).max(1)).flat_map(padded).collect()
            }
            Layer::Affine { scale, offset } => {
                let line = |((&x, &s), &o): ((&Var, &f64), &f64)| {
                    tape.push(Rule::Line(Line::times(x, Span::at(s)).plus(Span::at(o))))
                };
                x.iter().zip(scale).zip(offset).map(line).collect()
            }
            Layer::Map(f) => {
                let map = tape.map(Map::Expr(f.clone()));
                x.iter().map(|&x| tape.push(Rule::Curve(x, map))).collect()
            }
            Layer::Functions { functions, picks } => {
                let maps: Vec<usize> =
                    functions.iter().map(|f| tape.map(Map::Expr(f.clone()))).collect();
                picks.iter().map(|&(i, k)| tape.push(Rule::Curve(x[i], maps[k]))).collect()
            }
            Layer::Kan(of) => kan(of, x, tape),
            Layer::Add { factors: [a, b] } => {
                let sum =
                    |x, y| Line::sum([Line::times(x, Span::at(*a)), Line::times(y, Span::at(*b))]);
                let one = |(x, y): (Var, Var)| {
                    let mixed = match (*a, *b) {
                        (1.0, 1.0) => mix(x, y, tape).or_else(|| mix(y, x, tape)),
                        _ => None,
                    };
                    match mixed {
                        Some(mix) => tape.twin(Rule::Line(sum(x, y)), mix),
                        None => tape.push(Rule::Line(sum(x, y))),
                    }
                };
                pairs().map(one).collect()
            }
            Layer::Mul => pairs().map(|(x, y)| product(x, y, tape)).collect(),
            Layer::Div => {
                let pairs = x.iter().zip(input(1).iter().cycle());
                let one = |(&x, &y): (&Var, &Var)| {
                    tape.push(Rule::Field { field: Field::Quotient, i: 0, of: vec![x, y] })
                };
                pairs.map(one).collect()
            }
            Layer::Extreme { largest } => {
                pairs().map(|(x, y)| self.extreme(*largest, vec![x, y], tape)).collect()
            }
            Layer::Reduce { by, groups } => {
                let groups = x.chunks_exact((x.len() / groups).max(1));
                let one = |group: &[Var]| match by {
                    Reduction::Max => self.extreme(true, group.to_vec(), tape),
                    Reduction::Min => self.extreme(false, group.to_vec(), tape),
                    Reduction::Length => {
                        tape.push(Rule::Field { field: Field::Length, i: 0, of: group.to_vec() })
                    }
                };
                groups.map(one).collect()
            }
            Layer::Anytime { .. } => inputs.last().cloned().unwrap_or_default(),
            Layer::DelayLine => {
                [x.get(input(1).len()..).unwrap_or_default(), input(1).as_slice()].concat()
            }
            Layer::Concat => inputs.concat(),
            Layer::Select(indices) => indices.iter().map(|&i| x[i]).collect(),
            Layer::Pick => input(1).iter().map(|_| tape.push(Rule::Among(x.clone()))).collect(),
            Layer::ArgMax => vec![tape.push(Rule::Anything(Span::new(0.0, x.len() as f64 - 1.0)))],
            Layer::Clock { periods } => {
                let range = |n: &u16| Span::new(0.0, f64::from(*n) - 1.0);
                periods.iter().map(|n| tape.push(Rule::Anything(range(n)))).collect()
            }
            Layer::GruUpdate => {
                let update = |((&z, &n), &h): ((&Var, &Var), &Var)| {
                    tape.push(Rule::Mix { share: z, from: n, to: h })
                };
                x.iter().zip(input(1)).zip(input(2)).map(update).collect()
            }
            Layer::LstmUpdate => {
                let gates = x.iter().zip(input(1)).zip(input(2).iter().zip(input(3)));
                let sum = |((&f, &c), (&i, &g)): ((&Var, &Var), (&Var, &Var))| {
                    let (kept, more) =
                        (tape.push(Rule::Product(f, c)), tape.push(Rule::Product(i, g)));
                    tape.push(Rule::Line(Line::sum([Line::of(kept), Line::of(more)])))
                };
                gates.map(sum).collect()
            }
            Layer::Normalize { epsilon } => fields(Field::Normalize { epsilon: *epsilon }, x, tape),
            Layer::RootMeanSquare { epsilon, least } => {
                let least = least * least;
                fields(Field::RootMeanSquare { epsilon: *epsilon, least }, x, tape)
            }
            Layer::Softmax => fields(Field::Softmax, x, tape),
            Layer::LogSoftmax => fields(Field::LogSoftmax, x, tape),
            Layer::Ncap(circuit) => anything(circuit.joints.len(), tape),
            Layer::Membrane(circuit) => anything(circuit.neurons.len(), tape),
            Layer::Spiking(circuit) => anything(circuit.thresholds.len(), tape),
        }
    }

    /// `max(a, b) = b + max(a - b, 0)`, one number after the other.
    fn extreme(&mut self, largest: bool, of: Vec<Var>, tape: &mut Tape) -> Var {
        let over = match largest {
            true => Expr::relu(),
            false => Expr::X.min(Expr::Const(0.0)),
        };
        let map = tape.map(Map::Expr(over));
        let both = |a: Var, b: Var| {
            let apart = tape.push(Rule::Line(Line::of(a).minus(Line::of(b))));
            let more = tape.push(Rule::Curve(apart, map));
            tape.push(Rule::Line(Line::sum([Line::of(b), Line::of(more)])))
        };
        let extreme = of.iter().copied().reduce(both).unwrap_or(0);
        self.extremes.insert(extreme, (largest, of));
        extreme
    }
}

/// Numbers of which nothing is known.
fn anything(count: usize, tape: &mut Tape) -> Vec<Var> {
    (0..count).map(|_| tape.push(Rule::Anything(EVERYTHING))).collect()
}

fn dense(dense: &Dense, x: &[Var], tape: &mut Tape) -> Vec<Var> {
    let line = |(row, bias): (&Vec<f64>, &f64)| {
        let live = row.iter().zip(x).filter(|(w, _)| **w != 0.0);
        let terms = live.map(|(&w, &x)| Line::times(x, Span::at(w)));
        Line::sum(terms).plus(Span::at(*bias))
    };
    let rows = dense.weights.iter().zip(&dense.bias);
    rows.map(|row| tape.push(Rule::Line(line(row)))).collect()
}

/// A variable an edge, and their sums.
fn kan(kan: &Kan, x: &[Var], tape: &mut Tape) -> Vec<Var> {
    let sum = |(row, bias): (&Vec<_>, &f64)| {
        let live = row.iter().zip(x).filter(|(edge, _)| !crate::graph::kan::Edge::is_zero(edge));
        let edges: Vec<Line> = live
            .map(|(edge, &x)| {
                let map = tape.map(Map::of_edge(edge, &kan.base));
                Line::of(tape.push(Rule::Curve(x, map)))
            })
            .collect();
        tape.push(Rule::Line(Line::sum(edges).plus(Span::at(*bias))))
    };
    kan.edges.iter().zip(&kan.bias).map(sum).collect()
}

/// `x + s (b - x)`, if `y` is that product: between `x` and `b` where `s` is a share.
fn mix(x: Var, y: Var, tape: &mut Tape) -> Option<Var> {
    let Some(Rule::Product(p, q)) = tape.rules.get(y as usize) else { return None };
    [(*p, *q), (*q, *p)].into_iter().find_map(|(share, apart)| {
        let Some(Rule::Line(line)) = tape.rules.get(apart as usize) else { return None };
        let [a, b] = line.terms.as_slice() else { return None };
        let (from, to) = if a.var == x { (a, b) } else { (b, a) };
        let is =
            from.var == x && (from.by, to.by) == (-1.0, 1.0) && (from.off, to.off) == (0.0, 0.0);
        let to = to.var;
        (is && line.at == Span::at(0.0)).then(|| tape.push(Rule::Mix { share, from: x, to }))
    })
}

/// A product; a square is a function.
fn product(x: Var, y: Var, tape: &mut Tape) -> Var {
    if x != y {
        return tape.push(Rule::Product(x, y));
    }
    let square = tape.map(Map::Expr(Expr::X.mul(Expr::X)));
    tape.push(Rule::Curve(x, square))
}

/// A function of several numbers, as many values as numbers.
fn fields(field: Field, x: &[Var], tape: &mut Tape) -> Vec<Var> {
    (0..x.len()).map(|i| tape.push(Rule::Field { field, i, of: x.to_vec() })).collect()
}
