//! LTC, liquid time-constant networks (Hasani et al. 2021), from the `ncps` state_dict.
//!
//! Keys of `config.json`: `implicit_param_constraints` (required: whether weights pass a softplus, which
//! the tensors themselves do not show), `ode_unfolds` (6), `epsilon` (1e-8), `timespan` (1.0).

use std::path::Path;

use serde_json::Value as Json;

use super::cfc::timespan;
use super::config::Config;
use super::file::read;
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::expr::Function;
use crate::graph::membrane::{Membrane, Neuron, Synapse};
use crate::graph::{Graph, Layer};

/// All tensors of a cell, without their prefix.
const NAMES: [&str; 17] = [
    "cm",
    "erev",
    "gleak",
    "input_b",
    "input_w",
    "mu",
    "output_b",
    "output_w",
    "sensory_erev",
    "sensory_mu",
    "sensory_sigma",
    "sensory_sparsity_mask",
    "sensory_w",
    "sigma",
    "sparsity_mask",
    "vleak",
    "w",
];

/// What the configuration says.
struct Settings {
    constrained: bool,
    timespan: f64,
    unfolds: u8,
    epsilon: f64,
}

/// Reads the network `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// The flag `implicit_param_constraints` or a tensor is missing, or a shape does not fit.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let settings = Settings::of(config)?;
    let bytes = read(model)?;
    let build = || cell(&Tensors::open(&bytes)?, &settings, name);
    let graph = build().map_err(|e: Error| e.file(model))?;
    Ok((graph, sha256(&bytes)))
}

impl Settings {
    fn of(config: &Config) -> Result<Self> {
        let wrong = |key: &str, expected: &str| {
            let found = config.get(key).map_or("no such key".into(), Json::to_string);
            Error::new("a setting of the LTC is missing or cannot be used")
                .file(&config.path)
                .at(format!("key `{key}`"))
                .expected(expected)
                .found(found)
                .help(format!("set `{key}` to what the cell was trained with"))
        };
        let constrained = config.get("implicit_param_constraints").and_then(Json::as_bool);
        let constrained = constrained.ok_or_else(|| {
            wrong("implicit_param_constraints", "true or false, as the cell was trained").help(
                "LTC (the layer) defaults to true, LTCCell to false; the same tensors mean different networks",
            )
        })?;
        let unfolds = match config.get("ode_unfolds") {
            None => Some(6),
            Some(value) => value.as_u64().filter(|n| (1..=255).contains(n)),
        };
        let epsilon = match config.get("epsilon") {
            None => Some(1e-8),
            Some(value) => value.as_f64().filter(|e| *e >= 0.0),
        };
        Ok(Self {
            constrained,
            timespan: timespan(config)?,
            unfolds: unfolds.ok_or_else(|| wrong("ode_unfolds", "a whole number from 1 to 255"))?
                as u8,
            epsilon: epsilon.ok_or_else(|| wrong("epsilon", "a number that is not negative"))?,
        })
    }

    /// A parameter that must be positive, as the cell uses it.
    fn positive(&self, name: &str, value: f64) -> Result<f64> {
        match self.constrained {
            true => Ok(Function::Softplus.eval(value)),
            false if value >= 0.0 => Ok(value),
            false => Err(Error::new("a conductance is negative")
                .at(format!("tensor `{name}`"))
                .expected("values of at least 0, since implicit_param_constraints is false")
                .found(value)
                .help("train with weight constraints, or set implicit_param_constraints as in training")),
        }
    }
}

fn cell(file: &Tensors, settings: &Settings, name: &str) -> Result<Graph> {
    let prefix = if file.has("rnn_cell.w") { "rnn_cell." } else { "" };
    let key = |name: &str| format!("{prefix}{name}");
    let known = |n: &String| n.strip_prefix(prefix).is_some_and(|n| NAMES.contains(&n));
    if let Some(other) = file.names().iter().find(|n| !known(n)) {
        return Err(Error::new("a tensor has no place in an LTC")
            .at(format!("tensor `{other}`"))
            .expected(NAMES.join(", "))
            .found(format!("`{other}`"))
            .help("mixed memory (an LSTM beside the cell) is not supported: train with mixed_memory=False"));
    }
    let (n, _) = file.shape(&key("w"))?;
    let (inputs, _) = file.shape(&key("sensory_w"))?;
    let optional = |name: &str, len: usize, default: f64| match file.has(&key(name)) {
        true => file.vector(&key(name), len),
        false => Ok(vec![default; len]),
    };
    let (input_w, input_b) = (optional("input_w", inputs, 1.0)?, optional("input_b", inputs, 0.0)?);
    let mut circuit = Membrane {
        neurons: neurons(file, settings, prefix, n)?,
        inputs,
        unfolds: settings.unfolds,
        ..Membrane::default()
    };
    circuit.synapses = synapses(file, settings, prefix, n, n)?;
    circuit.sensory = synapses(file, settings, &format!("{prefix}sensory_"), inputs, n)?;
    for synapse in &mut circuit.sensory {
        // u = input_w x + input_b goes into the sigmoid's argument.
        synapse.offset += synapse.gain * input_b[synapse.pre];
        synapse.gain *= input_w[synapse.pre];
    }

    let motors = match file.has(&key("output_w")) {
        true => file.list(&key("output_w"))?.len(),
        false => n,
    };
    if motors == 0 || motors > n {
        return Err(Error::new("the outputs do not fit the neurons")
            .at(format!("tensor `{}`", key("output_w")))
            .expected(format!("1 to {n} elements"))
            .found(motors)
            .help("save the whole state_dict of the network, under the names of ncps"));
    }
    let (scale, offset) = (optional("output_w", motors, 1.0)?, optional("output_b", motors, 0.0)?);
    let mut graph = Graph::new(name, "x", inputs);
    let v = graph.push_bounded_state("v", vec![0.0; n], circuit.bound(0.0));
    let next = graph.push("cell", Layer::Membrane(circuit), &[graph.input, v])?;
    graph.close_state(v, next)?;
    let motor = graph.push("motor", Layer::Select((0..motors).collect()), &[next])?;
    graph.push("output", Layer::Affine { scale, offset }, &[motor])?;
    Ok(graph)
}

fn neurons(file: &Tensors, settings: &Settings, prefix: &str, n: usize) -> Result<Vec<Neuron>> {
    let (cm, gleak) = (format!("{prefix}cm"), format!("{prefix}gleak"));
    let capacities = file.vector(&cm, n)?;
    let leaks = file.vector(&gleak, n)?;
    let rests = file.vector(&format!("{prefix}vleak"), n)?;
    let rate = f64::from(settings.unfolds) / settings.timespan;
    let neuron = |((&capacity, &leak), &rest): ((&f64, &f64), &f64)| {
        Ok(Neuron {
            capacity: settings.positive(&cm, capacity)? * rate,
            leak: settings.positive(&gleak, leak)?,
            rest,
            epsilon: settings.epsilon,
        })
    };
    capacities.iter().zip(&leaks).zip(&rests).map(neuron).collect()
}

/// The live synapses of the tables whose names start with `stem`.
fn synapses(
    file: &Tensors,
    settings: &Settings,
    stem: &str,
    rows: usize,
    n: usize,
) -> Result<Vec<Synapse>> {
    let table = |name: &str| file.matrix(&format!("{stem}{name}"), rows, n);
    let (weights, masks) = (table("w")?, table("sparsity_mask")?);
    let (sigmas, mus, reversals) = (table("sigma")?, table("mu")?, table("erev")?);
    let mut synapses = Vec::new();
    for pre in 0..rows {
        for post in 0..n {
            let mask = masks[pre][post];
            if mask < 0.0 {
                return Err(Error::new("a mask is negative")
                    .at(format!("tensor `{stem}sparsity_mask`"))
                    .expected("0 or 1; the synapse's sign is in `erev`")
                    .found(mask)
                    .help("store the wiring's absolute values as the mask, as ncps does"));
            }
            let weight = settings.positive(&format!("{stem}w"), weights[pre][post])? * mask;
            let (gain, reversal) = (sigmas[pre][post], reversals[pre][post]);
            let offset = -gain * mus[pre][post];
            if weight != 0.0 {
                synapses.push(Synapse { pre, post, weight, gain, offset, reversal });
            }
        }
    }
    Ok(synapses)
}
