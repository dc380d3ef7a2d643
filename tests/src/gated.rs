//! GRU, LSTM and Elman networks of random weights under PyTorch's names, with their equations written down once more.

use nervecord_cli::plants::RandomState;

use crate::liquid::{Net, apply, linear, sigmoid};
use crate::state_dict::StateDict;

/// A network of `layers` of `units` each, and a head of two outputs; weights within `size`.
pub fn net(
    kind: &'static str,
    seed: u32,
    inputs: usize,
    [units, layers]: [usize; 2],
    size: f64,
) -> Net {
    let gates = match kind {
        "gru" => 3,
        "lstm" => 4,
        _ => 1,
    };
    let mut random = RandomState::new(seed);
    let mut file = StateDict::default();
    for layer in 0..layers {
        let columns = if layer == 0 { inputs } else { units };
        for (part, columns) in [("ih", columns), ("hh", units)] {
            let mut put = |name: &str, shape: &[usize]| {
                let n = shape.iter().product();
                let values = (0..n).map(|_| random.uniform(-size, size) as f32);
                file.put(&format!("net.{name}_{part}_l{layer}"), shape, values.collect::<Vec<_>>());
            };
            put("weight", &[gates * units, columns]);
            put("bias", &[gates * units]);
        }
    }
    linear(&mut random, &mut file, "head", 2, units, 0.5);
    let states = layers * units;
    let step = move |file: &StateDict, x: &[f64], state: &mut Vec<f64>| {
        let mut x = x.to_vec();
        for layer in 0..layers {
            let own = layer * units..(layer + 1) * units;
            let h = state[own.clone()].to_vec();
            let of_x = sums(file, "ih", layer, gates * units, &x);
            let of_h = sums(file, "hh", layer, gates * units, &h);
            let sum = |gate: usize, u: usize| of_x[gate * units + u] + of_h[gate * units + u];
            let next = |u: usize, state: &mut Vec<f64>| match kind {
                "gru" => {
                    let (r, z) = (sigmoid(sum(0, u)), sigmoid(sum(1, u)));
                    let n = (of_x[2 * units + u] + r * of_h[2 * units + u]).tanh();
                    (1.0 - z) * n + z * h[u]
                }
                "lstm" => {
                    let c = &mut state[states + own.start + u];
                    *c = sigmoid(sum(1, u)) * *c + sigmoid(sum(0, u)) * sum(2, u).tanh();
                    sigmoid(sum(3, u)) * c.tanh()
                }
                _ => sum(0, u).tanh(),
            };
            x = (0..units).map(|u| next(u, state)).collect();
            state[own].copy_from_slice(&x);
        }
        apply(file, "head", None, &x)
    };
    let units = if kind == "lstm" { 2 * states } else { states };
    Net::new(file, format!(r#"{{"format": "{kind}"}}"#), inputs, units, Box::new(step))
}

/// `W v + b` of all gates of a layer.
fn sums(file: &StateDict, part: &str, layer: usize, rows: usize, v: &[f64]) -> Vec<f64> {
    let (weight, bias) =
        (format!("net.weight_{part}_l{layer}"), format!("net.bias_{part}_l{layer}"));
    let row =
        |r: usize| (0..v.len()).map(|k| file.at(&weight, r * v.len() + k) * v[k]).sum::<f64>();
    (0..rows).map(|r| row(r) + file.at(&bias, r)).collect()
}
