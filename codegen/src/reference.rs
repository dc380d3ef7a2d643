//! The float network in double precision: what every integer program is compared with; and in single
//! precision, to see how far two float programs of one network may differ. Stands on the graph.

use std::ops::Deref;

use crate::graph::{Dense, Graph, Layer, Node, Reduction, State, TensorId};

/// The float network with its memory; `G` is what holds its graph, such as a reference.
#[derive(Debug, Clone)]
pub struct Reference<G> {
    graph: G,
    /// The value of each state, in the graph's order.
    states: Vec<Vec<f64>>,
    /// Which of them are the network's own real numbers.
    real: Vec<bool>,
    /// Whether tensors are rounded to single precision.
    single: bool,
}

impl<G: Deref<Target = Graph>> Reference<G> {
    /// The network in its start state.
    pub fn new(graph: G) -> Self {
        let states = graph.states.iter().map(|s| s.initial.clone()).collect();
        let of = |state: &State| !state.counts && graph.delay_line(state).is_none();
        let real = graph.states.iter().map(of).collect();
        Self { graph, states, real, single: false }
    }

    /// The network as most frameworks run it: every tensor is rounded to single precision, and dense layers
    /// sum in it, one term after the other.
    pub fn in_single_precision(graph: G) -> Self {
        Self { single: true, ..Self::new(graph) }
    }

    /// The tensor that is the network's output.
    pub fn output(&self) -> TensorId {
        self.graph.output
    }

    /// Back to the start state.
    pub fn reset(&mut self) {
        for (value, state) in self.states.iter_mut().zip(&self.graph.states) {
            value.clone_from(&state.initial);
        }
    }

    /// The values of [`Graph::real_states`], after the last step.
    pub fn states(&self) -> Vec<f64> {
        let states = self.states.iter().zip(&self.real).filter(|(_, real)| **real);
        states.flat_map(|(value, _)| value.iter().copied()).collect()
    }

    /// One step: the value of every tensor. `input` holds [`Graph::input_len`] features.
    pub fn step(&mut self, input: &[f64]) -> Vec<Vec<f64>> {
        let graph: &Graph = &self.graph;
        let mut values = vec![Vec::new(); graph.tensors.len()];
        values[graph.input] = match self.single {
            true => input.iter().copied().map(single).collect(),
            false => input.to_vec(),
        };
        for (state, value) in graph.states.iter().zip(&self.states) {
            values[state.previous].clone_from(value);
        }
        for node in &graph.nodes {
            values[node.output] = match self.single {
                true => step_in_single_precision(node, &values),
                false => step(node, &values),
            };
        }
        for (state, value) in graph.states.iter().zip(&mut self.states) {
            value.clone_from(&values[state.next]);
        }
        values
    }
}

/// The outputs for each row of inputs, in time order from a reset, and the states after it.
pub fn run_with_states(graph: &Graph, rows: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let mut reference = Reference::new(graph);
    let step = |row: &Vec<f64>| {
        let output = reference.step(row).swap_remove(graph.output);
        (output, reference.states())
    };
    rows.iter().map(step).unzip()
}

/// The value of every tensor in the first step after a reset.
pub fn evaluate(graph: &Graph, input: &[f64]) -> Vec<Vec<f64>> {
    Reference::new(graph).step(input)
}

/// The output for each row of inputs, in time order from a reset.
pub fn run(graph: &Graph, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut reference = Reference::new(graph);
    rows.iter().map(|row| reference.step(row).swap_remove(graph.output)).collect()
}

/// The nearest number of single precision.
fn single(x: f64) -> f64 {
    f64::from(x as f32)
}

fn step_in_single_precision(node: &Node, values: &[Vec<f64>]) -> Vec<f64> {
    match &node.layer {
        Layer::Dense(dense) => dense_in_single_precision(dense, &values[node.inputs[0]]),
        Layer::Windows(windows) => {
            let from = |start: usize| values[node.inputs[0]].get(start..).unwrap_or_default();
            let outputs = |start| dense_in_single_precision(&windows.dense, from(start));
            windows.starts().flat_map(outputs).collect()
        }
        _ => step(node, values).into_iter().map(single).collect(),
    }
}

fn dense_in_single_precision(dense: &Dense, x: &[f64]) -> Vec<f64> {
    let term = |(w, x): (&f64, &f64)| *w as f32 * *x as f32;
    let sum = |row: &Vec<f64>| row.iter().zip(x).map(term).sum::<f32>();
    let rows = dense.weights.iter().zip(&dense.bias);
    rows.map(|(row, bias)| f64::from(*bias as f32 + sum(row))).collect()
}

fn step(node: &Node, values: &[Vec<f64>]) -> Vec<f64> {
    let inputs: Vec<&[f64]> = node.inputs.iter().map(|&id| values[id].as_slice()).collect();
    value(&node.layer, &inputs)
}

/// What a layer makes of the values of its inputs.
pub fn value(layer: &Layer, inputs: &[&[f64]]) -> Vec<f64> {
    let input = |k: usize| inputs[k];
    match layer {
        Layer::Dense(dense) => dense.eval(input(0)),
        Layer::Windows(windows) => windows.eval(input(0)),
        Layer::Rows { count, layer } => {
            let rows = input(0).chunks_exact((input(0).len() / count).max(1));
            rows.flat_map(|row| value(layer, &[row])).collect()
        }
        Layer::Pad { rows, before, after } => {
            let padded = |row: &[f64]| [&vec![0.0; *before], row, &vec![0.0; *after]].concat();
            input(0).chunks_exact((input(0).len() / rows).max(1)).flat_map(padded).collect()
        }
        Layer::Affine { scale, offset } => {
            input(0).iter().zip(scale).zip(offset).map(|((x, s), o)| s * x + o).collect()
        }
        Layer::Map(f) => input(0).iter().map(|&x| f.eval(x)).collect(),
        Layer::Functions { functions, picks } => {
            picks.iter().map(|&(i, k)| functions[k].eval(input(0)[i])).collect()
        }
        Layer::Kan(kan) => kan.eval(input(0)),
        Layer::Add { factors: [a, b] } => {
            input(0).iter().zip(input(1)).map(|(x, y)| a * x + b * y).collect()
        }
        Layer::Mul => input(0).iter().zip(input(1)).map(|(x, y)| x * y).collect(),
        Layer::Div => input(0).iter().zip(input(1).iter().cycle()).map(|(x, y)| x / y).collect(),
        Layer::Extreme { largest } => {
            let either = if *largest { f64::max } else { f64::min };
            input(0).iter().zip(input(1)).map(|(x, y)| either(*x, *y)).collect()
        }
        Layer::Reduce { by, groups } => {
            input(0).chunks(input(0).len() / groups).map(|group| reduce(*by, group)).collect()
        }
        Layer::Anytime { .. } => inputs.last().map(|x| x.to_vec()).unwrap_or_default(),
        Layer::DelayLine => {
            let (line, row) = (input(0), input(1));
            [line.get(row.len()..).unwrap_or_default(), row].concat()
        }
        Layer::Concat => inputs.concat(),
        Layer::Select(indices) => indices.iter().map(|&i| input(0)[i]).collect(),
        Layer::Pick => {
            let last = (input(0).len() - 1) as f64;
            input(1).iter().map(|i| input(0)[i.round().clamp(0.0, last) as usize]).collect()
        }
        Layer::RootMeanSquare { epsilon, least } => {
            let divisor = (mean_square(input(0)) + epsilon).sqrt().max(*least);
            input(0).iter().map(|x| x / divisor).collect()
        }
        Layer::Normalize { epsilon } => normalize(input(0), *epsilon),
        Layer::Softmax => softmax(input(0)),
        Layer::LogSoftmax => log_softmax(input(0)),
        Layer::ArgMax => vec![first_largest(input(0)) as f64],
        Layer::Ncap(circuit) => circuit.step(input(0), input(1)[0]),
        Layer::Membrane(circuit) => circuit.step(input(0), input(1)),
        Layer::Spiking(circuit) => circuit.step(input(0), input(1)),
        Layer::Clock { periods } => {
            input(0).iter().zip(periods).map(|(x, &n)| (x + 1.0) % f64::from(n)).collect()
        }
        Layer::GruUpdate => {
            let gates = input(0).iter().zip(input(1)).zip(input(2));
            gates.map(|((z, n), h)| (1.0 - z) * n + z * h).collect()
        }
        Layer::LstmUpdate => {
            let kept = input(0).iter().zip(input(1)).map(|(f, c)| f * c);
            let added = input(2).iter().zip(input(3)).map(|(i, g)| i * g);
            kept.zip(added).map(|(kept, added)| kept + added).collect()
        }
    }
}

fn reduce(by: Reduction, group: &[f64]) -> f64 {
    match by {
        Reduction::Max => group.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduction::Min => group.iter().copied().fold(f64::INFINITY, f64::min),
        Reduction::Length => (mean_square(group) * group.len() as f64).sqrt(),
    }
}

fn mean_square(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>() / x.len() as f64
}

fn normalize(x: &[f64], epsilon: f64) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    let deviation = (variance + epsilon).sqrt();
    x.iter().map(|v| (v - mean) / deviation).collect()
}

/// How far each number is below the largest: no exponential of them overflows, and one is 1.
fn below_largest(x: &[f64]) -> Vec<f64> {
    let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    x.iter().map(|v| v - largest).collect()
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let e: Vec<f64> = below_largest(x).into_iter().map(f64::exp).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|v| v / sum).collect()
}

fn log_softmax(x: &[f64]) -> Vec<f64> {
    let below = below_largest(x);
    let sum: f64 = below.iter().map(|v| v.exp()).sum();
    below.iter().map(|v| v - sum.ln()).collect()
}

/// The index of the largest number, the first of equals.
pub fn first_largest(x: &[f64]) -> usize {
    x.iter()
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (i, &v)| if v > best.1 { (i, v) } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(layer: Layer, inputs: &[Vec<f64>]) -> Vec<f64> {
        let node = Node {
            name: "node".into(),
            layer,
            inputs: (0..inputs.len()).collect(),
            output: inputs.len(),
        };
        step(&node, inputs)
    }

    #[test]
    fn layers_compute_what_they_say() {
        let x = vec![1.0, 2.0, 4.0];
        assert_eq!(layer(Layer::Select(vec![2, 0]), &[vec![1.0, 2.0, 4.0]]), [4.0, 1.0]);
        assert_eq!(layer(Layer::Mul, &[x.clone(), x.clone()]), [1.0, 4.0, 16.0]);
        assert_eq!(layer(Layer::ArgMax, &[vec![1.0, 3.0, 3.0]]), [1.0]);
        let p = layer(Layer::Softmax, &[vec![1000.0, 1000.0]]);
        assert_eq!(p, [0.5, 0.5]);
        let l = layer(Layer::LogSoftmax, &[vec![0.0, 0.0, 0.0, 800.0]]);
        assert_eq!(l, [-800.0, -800.0, -800.0, 0.0]);
        let n = layer(Layer::Normalize { epsilon: 0.0 }, &[vec![-1.0, 1.0]]);
        assert_eq!(n, [-1.0, 1.0]);
        let quotients = layer(Layer::Div, &[x.clone(), vec![-2.0]]);
        assert_eq!(quotients, [-0.5, -1.0, -2.0]);
        assert_eq!(layer(Layer::Div, &[x.clone(), x.clone()]), [1.0; 3]);
        let smaller = layer(Layer::Extreme { largest: false }, &[x.clone(), vec![0.0, 3.0, 3.0]]);
        assert_eq!(smaller, [0.0, 2.0, 3.0]);
        let of = |by| layer(Layer::Reduce { by, groups: 2 }, &[vec![3.0, -4.0, 0.0, 2.0]]);
        assert_eq!(of(Reduction::Max), [3.0, 2.0]);
        assert_eq!(of(Reduction::Min), [-4.0, 0.0]);
        assert_eq!(of(Reduction::Length), [5.0, 2.0]);
        assert_eq!(
            layer(Layer::Pick, &[x.clone(), vec![2.0, 0.0, -7.0, 9.0]]),
            [4.0, 1.0, 1.0, 4.0]
        );
        let rms = |least| Layer::RootMeanSquare { epsilon: 0.0, least };
        assert_eq!(layer(rms(0.0), &[vec![7.0, 1.0]]), [1.4, 0.2]);
        assert_eq!(layer(rms(10.0), &[vec![7.0, 1.0]]), [0.7, 0.1]);
        let add = Layer::Add { factors: [2.0, -1.0] };
        assert_eq!(layer(add, &[x.clone(), x]), [1.0, 2.0, 4.0]);
    }

    #[test]
    fn single_precision_loses_what_lies_below_it() {
        let mut graph = Graph::new("net", "x", 2);
        let state = graph.push_state("sum", vec![0.0]);
        let dense = Dense::new(vec![vec![1.0, 1.0, 1.0]], vec![0.0]);
        let all = graph.push("all", Layer::Concat, &[0, state]).unwrap();
        let sum = graph.push("add", Layer::Dense(dense), &[all]).unwrap();
        graph.close_state(state, sum).unwrap();
        let row = [1e8, 1.0];
        assert_eq!(Reference::new(&graph).step(&row)[sum], [1e8 + 1.0]);
        let mut reference = Reference::in_single_precision(&graph);
        assert_eq!(reference.step(&row)[sum], [1e8]);
        assert_eq!(reference.step(&row)[sum], [2e8]);
        reference.reset();
        assert_eq!(reference.step(&[0.1, 0.0])[sum], [f64::from(0.1_f32)]);
    }
}
