//! GRU, LSTM and RNN against the operators' equations, one step a call and over windows.

use super::*;

/// Features of the input, and units of the state.
const INPUTS: usize = 2;
const UNITS: usize = 3;

/// Numbers that look random, within 0.8.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|k| (((k * 37 + seed * 101) % 17) as f32 / 10.0) - 0.8).collect()
}

/// A node with its weights for so many directions.
struct Cell {
    op: &'static str,
    gates: usize,
    node: NodeProto,
    constants: Vec<TensorProto>,
}

impl Cell {
    fn new(op: &'static str, directions: usize) -> Self {
        let gates = match op {
            "GRU" => 3,
            "LSTM" => 4,
            _ => 1,
        };
        let (d, rows) = (directions as i64, (gates * UNITS) as i64);
        let tensor = |name: &str, dims: &[i64], seed: usize| {
            let count = dims.iter().product::<i64>() as usize;
            floats(name, dims, &numbers(count, seed))
        };
        let constants = vec![
            tensor("w", &[d, rows, INPUTS as i64], 1),
            tensor("r", &[d, rows, UNITS as i64], 2),
            tensor("b", &[d, 2 * rows], 3),
        ];
        let node = node(op, &["window", "w", "r", "b"], &["all", "h", "c"])
            .int("hidden_size", UNITS as i64);
        Self { op, gates, node, constants }
    }

    fn weight(&self, tensor: usize, index: usize) -> f64 {
        f64::from(self.constants[tensor].float_data[index])
    }

    /// `W x + b` and `R h + d` of a gate's unit.
    fn sums(&self, direction: usize, gate: usize, unit: usize, x: &[f64], h: &[f64]) -> [f64; 2] {
        let rows = self.gates * UNITS;
        let row = direction * rows + gate * UNITS + unit;
        let product = |tensor: usize, v: &[f64]| {
            (0..v.len()).map(|k| self.weight(tensor, row * v.len() + k) * v[k]).sum::<f64>()
        };
        let bias = |k: usize| self.weight(2, direction * 2 * rows + k * rows + gate * UNITS + unit);
        [product(0, x) + bias(0), product(1, h) + bias(1)]
    }

    /// One step of the operator's equations; the state is `h`, then `c`.
    fn step(&self, direction: usize, how: &How, x: &[f64], state: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x.clamp(-how.clip, how.clip)).exp());
        let tanh = |x: f64| x.clamp(-how.clip, how.clip).tanh();
        let h = &state[0];
        let sum = |gate, unit| self.sums(direction, gate, unit, x, h).iter().sum::<f64>();
        let units = 0..UNITS;
        match self.op {
            "RNN" => vec![units.map(|u| tanh(sum(0, u))).collect()],
            "GRU" => {
                let r: Vec<f64> = units.clone().map(|u| sigmoid(sum(1, u))).collect();
                let reset: Vec<f64> = r.iter().zip(h).map(|(r, h)| r * h).collect();
                let candidate = |u: usize| {
                    let [of_x, of_h] = self.sums(direction, 2, u, x, h);
                    match how.reset_after {
                        true => tanh(of_x + r[u] * of_h),
                        false => tanh(self.sums(direction, 2, u, x, &reset).iter().sum()),
                    }
                };
                let next = |u: usize| {
                    let z = sigmoid(sum(0, u));
                    (1.0 - z) * candidate(u) + z * h[u]
                };
                vec![units.map(next).collect()]
            }
            _ => {
                let (c, peephole) = (&state[1], |k: usize| how.peepholes[k]);
                let i: Vec<f64> =
                    units.clone().map(|u| sigmoid(sum(0, u) + peephole(u) * c[u])).collect();
                let cell = |u: usize| {
                    let f = match how.coupled {
                        true => 1.0 - i[u],
                        false => sigmoid(sum(2, u) + peephole(2 * UNITS + u) * c[u]),
                    };
                    f * c[u] + i[u] * tanh(sum(3, u))
                };
                let next: Vec<f64> = units.clone().map(cell).collect();
                let out = |u: usize| sigmoid(sum(1, u) + peephole(UNITS + u) * next[u]);
                vec![units.map(|u| out(u) * tanh(next[u])).collect(), next]
            }
        }
    }
}

/// What attributes change of the equations.
struct How {
    reset_after: bool,
    coupled: bool,
    clip: f64,
    peepholes: Vec<f64>,
}

impl Default for How {
    fn default() -> Self {
        let peepholes = vec![0.0; 3 * UNITS];
        Self { reset_after: false, coupled: false, clip: 1e9, peepholes }
    }
}

/// A model of the node on a window of `steps`, with one output.
fn windowed(cell: &Cell, node: NodeProto, steps: usize, output: &str) -> Graph {
    let dims = match node.attribute.iter().any(|a| a.name.as_deref() == Some("layout")) {
        true => [1, steps as i64, INPUTS as i64],
        false => [steps as i64, 1, INPUTS as i64],
    };
    let shape = node_shape(&dims);
    let reshape = super::node("Reshape", &["x", "shape"], &["window"]);
    let flat = super::node("Flatten", &[output], &["y"]).int("axis", 0);
    let constants = [cell.constants.clone(), vec![shape]].concat();
    import(&model((steps * INPUTS) as i64, vec![reshape, node, flat], constants))
}

fn node_shape(dims: &[i64]) -> TensorProto {
    ints("shape", dims)
}

/// Outputs of a model over steps from a reset.
fn run(graph: &Graph, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let y = reference::run(graph, rows);
    for (simple, y) in reference::run(&simplify(graph.clone()), rows).iter().zip(&y) {
        assert_close(simple, y);
    }
    y
}

fn rows(count: usize, features: usize) -> Vec<Vec<f64>> {
    let values = numbers(count * features, 9);
    values.chunks(features).map(|row| row.iter().map(|&v| f64::from(v)).collect()).collect()
}

fn zeros() -> Vec<Vec<f64>> {
    vec![vec![0.0; UNITS]; 2]
}

/// Each step of a network that keeps its state is the next of the equations.
#[track_caller]
fn check(cell: &Cell, node: NodeProto, how: &How) {
    for (k, output) in ["h", "c"].into_iter().enumerate().take(1 + usize::from(cell.op == "LSTM")) {
        let graph = windowed(cell, node.clone(), 1, output);
        let rows = rows(6, INPUTS);
        let mut state = zeros();
        for (row, y) in rows.iter().zip(run(&graph, &rows)) {
            state = cell.step(0, how, row, &state);
            assert_close(&y, &state[k]);
        }
    }
}

#[test]
fn one_step_a_call_keeps_the_state() {
    for op in ["RNN", "GRU", "LSTM"] {
        let cell = Cell::new(op, 1);
        check(&cell, cell.node.clone(), &How::default());
        let how = How { clip: 0.5, ..How::default() };
        check(&cell, cell.node.clone().float("clip", 0.5), &how);
    }
    let gru = Cell::new("GRU", 1);
    let how = How { reset_after: true, ..How::default() };
    check(&gru, gru.node.clone().int("linear_before_reset", 1), &how);
    let lstm = Cell::new("LSTM", 1);
    let how = How { coupled: true, ..How::default() };
    check(&lstm, lstm.node.clone().int("input_forget", 1), &how);
}

#[test]
fn peepholes_look_at_the_cell() {
    let mut lstm = Cell::new("LSTM", 1);
    let peepholes = numbers(3 * UNITS, 4);
    lstm.constants.push(floats("p", &[1, 3 * UNITS as i64], &peepholes));
    let mut node = lstm.node.clone();
    node.input.extend(["", "", "", "p"].map(String::from));
    let peepholes = peepholes.into_iter().map(f64::from).collect();
    check(&lstm, node, &How { peepholes, ..How::default() });
}

/// A window starts anew each time, whichever way it runs and wherever its batch is.
#[test]
fn windows_are_unrolled_from_their_start() {
    const STEPS: usize = 4;
    for (op, layout) in [("RNN", 0), ("GRU", 1), ("LSTM", 0), ("LSTM", 1)] {
        for (direction, backwards) in [
            ("forward", vec![false]),
            ("reverse", vec![true]),
            ("bidirectional", vec![false, true]),
        ] {
            let cell = Cell::new(op, backwards.len());
            let set = |a: &mut AttributeProto| a.s = Some(direction.as_bytes().to_vec());
            let node = cell.node.clone().with("direction", set);
            let node = if layout == 1 { node.int("layout", 1) } else { node };
            let rows = rows(2, STEPS * INPUTS);
            let track = |row: &Vec<f64>, d: usize| {
                let mut state = zeros();
                let mut track = vec![Vec::new(); STEPS];
                for k in 0..STEPS {
                    let t = if backwards[d] { STEPS - 1 - k } else { k };
                    let x = &row[t * INPUTS..(t + 1) * INPUTS];
                    state = cell.step(d, &How::default(), x, &state);
                    track[t].clone_from(&state[0]);
                }
                (track, state[0].clone())
            };
            let all = run(&windowed(&cell, node.clone(), STEPS, "all"), &rows);
            let last = run(&windowed(&cell, node, STEPS, "h"), &rows);
            for (row, (all, last)) in rows.iter().zip(all.iter().zip(&last)) {
                let tracks: Vec<_> = (0..backwards.len()).map(|d| track(row, d)).collect();
                let steps = (0..STEPS).flat_map(|t| tracks.iter().map(move |(track, _)| &track[t]));
                assert_close(all, &steps.flatten().copied().collect::<Vec<_>>());
                let ends: Vec<f64> = tracks.iter().flat_map(|(_, end)| end).copied().collect();
                assert_close(last, &ends);
            }
        }
    }
}

#[test]
fn a_constant_start_is_what_a_reset_returns_to() {
    let mut cell = Cell::new("GRU", 1);
    cell.constants.push(floats("h0", &[1, 1, UNITS as i64], &[0.5, -0.25, 1.0]));
    let mut node = cell.node.clone();
    node.input.extend(["", "h0"].map(String::from));
    let graph = windowed(&cell, node, 1, "h");
    let rows = rows(3, INPUTS);
    let mut state = vec![vec![0.5, -0.25, 1.0]];
    for (row, y) in rows.iter().zip(run(&graph, &rows)) {
        state = cell.step(0, &How::default(), row, &state);
        assert_close(&y, &state[0]);
    }
    assert!(graph.notes.iter().any(|note| note.contains("keeps its state")), "{:?}", graph.notes);
}

#[test]
fn what_is_not_read_is_refused() {
    let cell = Cell::new("GRU", 1);
    let refused = |node: NodeProto, steps: usize, parts: &[&str]| {
        let shape = node_shape(&[steps as i64, 1, INPUTS as i64]);
        let reshape = super::node("Reshape", &["x", "shape"], &["window"]);
        let flat = super::node("Flatten", &["h"], &["y"]).int("axis", 0);
        let constants = [cell.constants.clone(), vec![shape]].concat();
        let model = model((steps * INPUTS) as i64, vec![reshape, node, flat], constants);
        assert_refused(&model.encode_to_vec(), parts);
    };
    let floats = |values: &[f32]| {
        let values = values.to_vec();
        move |a: &mut AttributeProto| a.floats.clone_from(&values)
    };
    let alpha = cell.node.clone().with("activation_alpha", floats(&[0.5]));
    refused(alpha, 1, &["activation_alpha", "default parameters"]);
    let names = |a: &mut AttributeProto| a.strings = vec![b"Affine".to_vec(), b"Tanh".to_vec()];
    refused(cell.node.clone().with("activations", names), 1, &["\"Affine\"", "Sigmoid"]);
    let reverse = |a: &mut AttributeProto| a.s = Some(b"reverse".to_vec());
    refused(cell.node.clone().with("direction", reverse), 1, &["backwards", "bidirectional=False"]);
    let mut node = cell.node.clone();
    node.attribute[0].i = Some(4);
    refused(node, 1, &["4 units"]);
}
