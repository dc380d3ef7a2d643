//! CfC and LTC networks of random wirings and weights, with their equations written down once more.

use nervecord_cli::plants::RandomState;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, Compiler};

use crate::network::table;
use crate::state_dict::StateDict;

/// Steps of a sequence.
pub const STEPS: usize = 200;

/// The equations: the outputs for inputs and a state, which they change.
pub type Step = Box<dyn Fn(&StateDict, &[f64], &mut Vec<f64>) -> Vec<f64>>;

/// A network.
pub struct Net {
    /// Its tensors.
    pub file: StateDict,
    /// Its `config.json`.
    pub config: String,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of neurons.
    pub units: usize,
    step: Step,
}

/// Smooth inputs with noise, within +-1.
pub fn sequence(random: &mut RandomState, inputs: usize, steps: usize) -> Vec<Vec<f64>> {
    let waves: Vec<[f64; 3]> = (0..inputs)
        .map(|_| [random.uniform(0.02, 0.3), random.uniform(0.0, 6.3), random.uniform(0.3, 0.9)])
        .collect();
    let mut value = |t: usize, [rate, phase, size]: [f64; 3]| {
        (size * (rate * t as f64 + phase).sin() + random.uniform(-0.1, 0.1)).clamp(-1.0, 1.0)
    };
    (0..steps).map(|t| waves.iter().map(|&wave| value(t, wave)).collect()).collect()
}

impl Net {
    /// A network of `units` numbers of state with its equations.
    pub fn new(file: StateDict, config: String, inputs: usize, units: usize, step: Step) -> Self {
        Self { file, config, inputs, units, step }
    }

    /// One step by the equations.
    pub fn step(&self, x: &[f64], state: &mut Vec<f64>) -> Vec<f64> {
        (self.step)(&self.file, x, state)
    }

    /// The network compiled to weights of a width, with four sequences of calibration data.
    ///
    /// # Panics
    /// It does not compile.
    pub fn compile(&self, random: &mut RandomState, weights: Weights) -> Compiled {
        let folder = self.file.folder(&self.config);
        let rows: Vec<Vec<f64>> =
            (0..4).flat_map(|_| sequence(random, self.inputs, STEPS)).collect();
        let calibration = folder.path().join("calibration.csv");
        if let Err(error) = std::fs::write(&calibration, table(&[], &rows)) {
            panic!("no calibration data: {error}");
        }
        let compiler = Compiler::new(folder.path()).calibration(calibration).name("model");
        compiler.weights(weights).build().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Whether the network forgets how it starts, so that no small error can grow.
    pub fn forgets(&self, rows: &[Vec<f64>]) -> bool {
        let (mut a, mut b) = (vec![0.0; self.units], vec![0.25; self.units]);
        for row in rows {
            self.step(row, &mut a);
            self.step(row, &mut b);
        }
        a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6)
    }
}

/// The logistic function.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A Linear layer with weights and bias within `size`.
pub(crate) fn linear(
    random: &mut RandomState,
    file: &mut StateDict,
    key: &str,
    rows: usize,
    columns: usize,
    size: f64,
) {
    let mut draw = |n| (0..n).map(|_| random.uniform(-size, size) as f32).collect::<Vec<_>>();
    file.put(&format!("{key}.weight"), &[rows, columns], draw(rows * columns));
    file.put(&format!("{key}.bias"), &[rows], draw(rows));
}

/// What a Linear layer makes of `c`, with its weights under a mask.
pub(crate) fn apply(file: &StateDict, key: &str, mask: Option<&str>, c: &[f64]) -> Vec<f64> {
    let rows = file.0[&format!("{key}.bias")].1.len();
    let weight = |i: usize| {
        let mask = mask.map_or(1.0, |mask| file.at(mask, i));
        file.at(&format!("{key}.weight"), i) * mask
    };
    (0..rows)
        .map(|r| {
            let sum: f64 = (0..c.len()).map(|j| weight(r * c.len() + j) * c[j]).sum();
            sum + file.at(&format!("{key}.bias"), r)
        })
        .collect()
}

/// The heads of a CfC cell, under `prefix`.
fn heads(
    random: &mut RandomState,
    file: &mut StateDict,
    prefix: &str,
    mode: &str,
    [units, columns]: [usize; 2],
    size: f64,
) {
    let names: &[&str] =
        if mode == "pure" { &["ff1"] } else { &["ff1", "ff2", "time_a", "time_b"] };
    for name in names {
        linear(random, file, &format!("{prefix}{name}"), units, columns, size);
    }
    if mode == "pure" {
        let mut draw =
            |size: f64| (0..units).map(|_| random.uniform(-size, size) as f32).collect::<Vec<_>>();
        file.put(&format!("{prefix}w_tau"), &[1, units], draw(1.0));
        file.put(&format!("{prefix}A"), &[1, units], draw(1.0));
    }
}

/// The new state of a CfC cell.
fn cell(
    file: &StateDict,
    prefix: &str,
    mode: &str,
    ts: f64,
    mask: Option<&str>,
    c: &[f64],
) -> Vec<f64> {
    let head = |name: &str, mask| apply(file, &format!("{prefix}{name}"), mask, c);
    let f1 = head("ff1", mask);
    let units = 0..f1.len();
    if mode == "pure" {
        let at = |name: &str, i| file.at(&format!("{prefix}{name}"), i);
        let next = |i: usize| {
            let (a, w) = (at("A", i), at("w_tau", i));
            a - a * (-ts * (w.abs() + f1[i].abs())).exp() * f1[i]
        };
        return units.map(next).collect();
    }
    let (f2, a, b) = (head("ff2", mask), head("time_a", None), head("time_b", None));
    let next = |i: usize| {
        let (f1, f2, t) = (f1[i].tanh(), f2[i].tanh(), sigmoid(a[i] * ts + b[i]));
        match mode {
            "no_gate" => f1 + t * f2,
            _ => f1 * (1.0 - t) + t * f2,
        }
    };
    units.map(next).collect()
}

/// A wired CfC of three layers; a neuron is connected to a part of what is before it, and to one at least.
pub fn wired(
    seed: u32,
    layers: [usize; 3],
    inputs: usize,
    mode: &'static str,
    ts: f64,
    size: f64,
) -> Net {
    let mut random = RandomState::new(seed);
    let mut file = StateDict::default();
    let mut before = inputs;
    for (i, units) in layers.into_iter().enumerate() {
        let prefix = format!("rnn_cell.layer_{i}.");
        let columns = before + units;
        heads(&mut random, &mut file, &prefix, mode, [units, columns], size);
        let mut mask: Vec<f32> =
            (0..units * columns).map(|_| f32::from(random.unit() < 0.4)).collect();
        for row in mask.chunks_mut(columns) {
            row[(random.unit() * columns as f64) as usize] = 1.0;
        }
        file.put(&format!("{prefix}sparsity_mask"), &[units, columns], mask);
        before = units;
    }
    let step = move |file: &StateDict, x: &[f64], h: &mut Vec<f64>| {
        let (mut x, mut at) = (x.to_vec(), 0);
        for (i, units) in layers.into_iter().enumerate() {
            let prefix = format!("rnn_cell.layer_{i}.");
            x.extend(&h[at..at + units]);
            let mask = format!("{prefix}sparsity_mask");
            x = cell(file, &prefix, mode, ts, Some(&mask), &x);
            h[at..at + units].copy_from_slice(&x);
            at += units;
        }
        x
    };
    let config = format!(r#"{{"format": "cfc_ncp", "mode": "{mode}", "timespan": {ts}}}"#);
    Net { file, config, inputs, step: Box::new(step), units: layers.iter().sum() }
}

/// A dense CfC with a backbone of one layer, or none.
pub fn dense(
    seed: u32,
    [units, backbone]: [usize; 2],
    inputs: usize,
    mode: &'static str,
    ts: f64,
    size: f64,
) -> Net {
    let mut random = RandomState::new(seed);
    let mut file = StateDict::default();
    let mut columns = inputs + units;
    if backbone > 0 {
        linear(&mut random, &mut file, "rnn_cell.backbone.0", backbone, columns, size);
        columns = backbone;
    }
    heads(&mut random, &mut file, "rnn_cell.", mode, [units, columns], size);
    linear(&mut random, &mut file, "fc", 2, units, 0.5);
    let step = move |file: &StateDict, x: &[f64], h: &mut Vec<f64>| {
        let mut c = [x, h].concat();
        if backbone > 0 {
            c = apply(file, "rnn_cell.backbone.0", None, &c);
            c.iter_mut().for_each(|z| *z = 1.7159 * (0.666 * *z).tanh());
        }
        *h = cell(file, "rnn_cell.", mode, ts, None, &c);
        apply(file, "fc", None, h)
    };
    let config = format!(r#"{{"format": "cfc_dense", "mode": "{mode}", "timespan": {ts}}}"#);
    Net { file, config, inputs, step: Box::new(step), units }
}

/// A CfC with mixed memory: an LSTM, with weights within `size`, computes the state that it reads.
pub fn mixed(net: Net, seed: u32, size: f64) -> Net {
    let Net { mut file, config, inputs, units, step: inner } = net;
    let mut random = RandomState::new(seed);
    linear(&mut random, &mut file, "lstm.input_map", 4 * units, inputs, size);
    let recurrent = (0..4 * units * units).map(|_| random.uniform(-size, size) as f32);
    let recurrent: Vec<f32> = recurrent.collect();
    file.put("lstm.recurrent_map.weight", &[4 * units, units], recurrent);
    let step = move |file: &StateDict, x: &[f64], state: &mut Vec<f64>| {
        let (h, c) = state.split_at_mut(units);
        let of_x = apply(file, "lstm.input_map", None, x);
        let of_h = |row: usize| {
            let term = |k: usize| file.at("lstm.recurrent_map.weight", row * units + k) * h[k];
            (0..units).map(term).sum::<f64>()
        };
        let sum = |gate: usize, u: usize| of_x[gate * units + u] + of_h(gate * units + u);
        let remember = |u: usize, c: &mut f64| {
            *c = *c * sigmoid(sum(2, u) + 1.0) + sum(0, u).tanh() * sigmoid(sum(1, u));
            c.tanh() * sigmoid(sum(3, u))
        };
        let mut h: Vec<f64> = c.iter_mut().enumerate().map(|(u, c)| remember(u, c)).collect();
        let y = inner(file, x, &mut h);
        state[..units].copy_from_slice(&h);
        y
    };
    Net { file, config, inputs, units: 2 * units, step: Box::new(step) }
}

/// A wired LTC whose synapses have conductances of up to about `size`.
pub fn ltc(seed: u32, [units, motors]: [usize; 2], inputs: usize, ts: f64, size: f64) -> Net {
    let mut random = RandomState::new(seed);
    let mut file = StateDict::default();
    let mut put = |name: &str, shape: &[usize], low: f64, high: f64| {
        let n = shape.iter().product();
        let values = (0..n).map(|_| random.uniform(low, high) as f32).collect::<Vec<_>>();
        file.put(&format!("rnn_cell.{name}"), shape, values);
    };
    for (stem, rows) in [("", units), ("sensory_", inputs)] {
        let shape = [rows, units];
        put(&format!("{stem}w"), &shape, -1.0, size);
        put(&format!("{stem}sigma"), &shape, 3.0, 8.0);
        put(&format!("{stem}mu"), &shape, 0.3, 0.8);
        put(&format!("{stem}erev"), &shape, -1.5, 1.5);
        put(&format!("{stem}sparsity_mask"), &shape, 0.0, 1.0);
    }
    put("cm", &[units], -1.0, 1.0);
    put("gleak", &[units], -1.0, 1.0);
    put("vleak", &[units], -0.3, 0.3);
    put("input_w", &[inputs], 0.7, 1.4);
    put("input_b", &[inputs], -0.2, 0.2);
    put("output_w", &[motors], 0.5, 1.5);
    put("output_b", &[motors], -0.2, 0.2);
    for mask in ["rnn_cell.sparsity_mask", "rnn_cell.sensory_sparsity_mask"] {
        let values = &mut file.0.get_mut(mask).unwrap().1;
        values.iter_mut().for_each(|m| *m = f32::from(*m < 0.3));
    }
    let step = move |file: &StateDict, x: &[f64], v: &mut Vec<f64>| {
        let at = |name: &str, i: usize| file.at(&format!("rnn_cell.{name}"), i);
        let positive = |name: &str, i: usize| at(name, i).exp().ln_1p();
        // Numerator and denominator of the synapses of a table into neuron j.
        let sums = |stem: &str, before: &[f64], j: usize| {
            let mut sums = (0.0, 0.0);
            for (i, v) in before.iter().enumerate() {
                let k = i * units + j;
                let name = |name: &str| format!("{stem}{name}");
                let open = sigmoid(at(&name("sigma"), k) * (v - at(&name("mu"), k)));
                let a = positive(&name("w"), k) * at(&name("sparsity_mask"), k) * open;
                sums = (sums.0 + a * at(&name("erev"), k), sums.1 + a);
            }
            sums
        };
        let u: Vec<f64> = (0..inputs).map(|i| x[i] * at("input_w", i) + at("input_b", i)).collect();
        let sensory: Vec<(f64, f64)> = (0..units).map(|j| sums("sensory_", &u, j)).collect();
        for _ in 0..6 {
            let next = |j: usize| {
                let (c, g) = (positive("cm", j) * 6.0 / ts, positive("gleak", j));
                let (n, d) = sums("", v, j);
                (c * v[j] + g * at("vleak", j) + n + sensory[j].0)
                    / (c + g + d + sensory[j].1 + 1e-8)
            };
            *v = (0..units).map(next).collect();
        }
        (0..motors).map(|i| v[i] * at("output_w", i) + at("output_b", i)).collect()
    };
    let config =
        format!(r#"{{"format": "ltc", "implicit_param_constraints": true, "timespan": {ts}}}"#);
    Net { file, config, inputs, step: Box::new(step), units }
}
