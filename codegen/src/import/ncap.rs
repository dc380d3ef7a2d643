//! NCAP swimmers: JSON, or safetensors with a `config.json`.
//!
//! ```json
//! {"format": "ncap-swimmer/1", "n_joints": 5, "oscillator_period": 60,
//!  "params": {"bneuron_prop": 1.0, "bneuron_osc": 1.0, "muscle_ipsi": 1.0, "muscle_contra": -1.0}}
//! ```
//!
//! A parameter is one number for all joints or a list with one a joint. `bneuron_speed` and
//! `bneuron_turn` are optional; with either, the inputs `speed`, `left` and `right` exist. Other keys:
//! `n_turn_joints` (1: how many joints from the head turn), and the ablations `weight_constraints`,
//! `proprioception` and `head_oscillators` (true). A `config.json` beside the weights says the same,
//! and may name another set than `params` under the key `params`.

use std::path::Path;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::tensors::Tensors;
use super::{Config, hex, read};
use crate::error::{Error, Result};
use crate::graph::{Graph, Layer};
use crate::ncap::{CONTROLS, Joint, Ncap};

/// More joints than any plant has; a guard against damaged files.
const MOST_JOINTS: u64 = 4096;

/// The parameters' names, and whether the sign that the circuit gives them is positive.
const PARAMETERS: [(&str, bool); 6] = [
    ("bneuron_prop", true),
    ("bneuron_osc", true),
    ("muscle_ipsi", true),
    ("muscle_contra", false),
    ("bneuron_speed", false),
    ("bneuron_turn", true),
];
/// How many of them every file must have.
const REQUIRED: usize = 4;

/// Reads the circuit `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A parameter is missing, not finite, or of the wrong length; a period or count is out of range.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let graph = build(config, model, &bytes, name).map_err(|e| e.file(model))?;
    Ok((graph, hex(&Sha256::digest(&bytes))))
}

fn build(config: &Config, model: &Path, bytes: &[u8], name: &str) -> Result<Graph> {
    let is_tensors = model.extension().is_some_and(|e| e == "safetensors");
    if is_tensors {
        let file = Tensors::open(bytes)?;
        let keys = Keys { config: &config.json, model: &Json::Null };
        return circuit(&keys, name, |parameter| match file.has(parameter) {
            true => file.list(parameter).map(Some),
            false => Ok(None),
        });
    }
    let json: Json = serde_json::from_slice(bytes).map_err(|e| {
        Error::new("the circuit is not JSON").expected("an object with `params`").found(e)
    })?;
    let keys = Keys { config: &config.json, model: &json };
    let set = keys.config.get("params").and_then(Json::as_str).unwrap_or("params");
    let params = json.get(set).and_then(Json::as_object).ok_or_else(|| {
        Error::new("the circuit has no parameters")
            .at(format!("key `{set}`"))
            .expected("an object with bneuron_prop, bneuron_osc, muscle_ipsi, muscle_contra")
            .found(json.get(set).map_or("nothing".into(), Json::to_string))
    })?;
    if let Some(other) = params.keys().find(|k| PARAMETERS.iter().all(|(name, _)| name != k)) {
        return Err(Error::new("the circuit does not know a parameter")
            .at(format!("key `{set}`"))
            .expected(PARAMETERS.map(|(name, _)| name).join(", "))
            .found(other)
            .help("weights of a joint of its own are a list under the shared name"));
    }
    circuit(&keys, name, |parameter| params.get(parameter).map(|v| list(parameter, v)).transpose())
}

/// The numbers of one parameter.
fn list(name: &str, value: &Json) -> Result<Vec<f64>> {
    let numbers = match value {
        Json::Array(items) => items.iter().map(Json::as_f64).collect(),
        other => other.as_f64().map(|v| vec![v]),
    };
    numbers.ok_or_else(|| {
        Error::new("a parameter is not a number")
            .at(format!("parameter `{name}`"))
            .expected("a finite number, or a list with one a joint")
            .found(value)
    })
}

/// Settings of the configuration, and where it says nothing, of the model's own file.
struct Keys<'a> {
    config: &'a Json,
    model: &'a Json,
}

impl Keys<'_> {
    /// The value under the first of `names` that is there.
    fn get(&self, names: &[&str]) -> Option<&Json> {
        let mut all = [self.config, self.model].into_iter();
        all.find_map(|json| names.iter().find_map(|name| json.get(name)))
    }

    fn count(&self, names: &[&str], default: u64, most: u64) -> Result<u64> {
        let Some(value) = self.get(names) else { return Ok(default) };
        value.as_u64().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            Error::new("a setting is out of range")
                .at(format!("key `{}`", names[0]))
                .expected(format!("a whole number from 1 to {most}"))
                .found(value)
        })
    }

    fn flag(&self, names: &[&str]) -> Result<bool> {
        let Some(value) = self.get(names) else { return Ok(true) };
        value.as_bool().ok_or_else(|| {
            Error::new("a setting is not a truth value")
                .at(format!("key `{}`", names[0]))
                .expected("true or false")
                .found(value)
        })
    }
}

fn circuit(
    keys: &Keys,
    name: &str,
    parameter: impl Fn(&str) -> Result<Option<Vec<f64>>>,
) -> Result<Graph> {
    let joints = keys.count(&["n_joints", "joints"], 5, MOST_JOINTS)? as usize;
    let period = keys.count(&["oscillator_period", "period"], 60, 32767)? as u16;
    let turning = keys.count(&["n_turn_joints"], 1, MOST_JOINTS)? as usize;
    let signed = keys.flag(&["weight_constraints", "use_weight_constraints"])?;
    let feels = keys.flag(&["proprioception", "include_proprioception"])?;
    let swings = keys.flag(&["head_oscillators", "include_head_oscillators"])?;
    if let Some(shared) =
        keys.get(&["weight_sharing", "use_weight_sharing"]).and_then(Json::as_bool)
        && shared
        && let Some((name, _)) = PARAMETERS
            .iter()
            .find(|(name, _)| parameter(name).ok().flatten().is_some_and(|v| v.len() > 1))
    {
        return Err(Error::new("a shared parameter has more than one value")
            .at(format!("parameter `{name}`"))
            .expected("one number, since `weight_sharing` is true")
            .found("a list"));
    }

    let mut weights = Vec::with_capacity(PARAMETERS.len());
    let mut parameters = 0;
    for (i, (name, positive)) in PARAMETERS.iter().enumerate() {
        let values = match parameter(name)? {
            Some(values) => values,
            None if i >= REQUIRED => vec![0.0],
            None => {
                return Err(Error::new("a parameter is missing")
                    .at(format!("parameter `{name}`"))
                    .expected(
                        PARAMETERS[..REQUIRED].iter().map(|p| p.0).collect::<Vec<_>>().join(", "),
                    )
                    .found("no such name"));
            }
        };
        if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
            return Err(Error::new("a parameter is not a finite number")
                .at(format!("parameter `{name}`"))
                .expected("a finite number")
                .found(bad));
        }
        if values.len() != 1 && values.len() != joints {
            return Err(Error::new("a parameter does not fit the joints")
                .at(format!("parameter `{name}`"))
                .expected(format!("one number, or {joints}: one a joint"))
                .found(values.len()));
        }
        parameters += if parameter(name)?.is_some() { values.len() } else { 0 };
        let acts = |w: f64| match (signed, positive) {
            (false, _) => w,
            (true, true) => w.max(0.0),
            (true, false) => w.min(0.0),
        };
        let at = move |joint: usize| acts(values[if values.len() == 1 { 0 } else { joint }]);
        weights.push((0..joints).map(at).collect::<Vec<f64>>());
    }
    let joint = |i: usize| Joint {
        drive: match i {
            0 if swings => weights[1][0],
            0 => 0.0,
            _ if feels => weights[0][i],
            _ => 0.0,
        },
        speed: weights[4][i],
        turn: if i < turning { weights[5][i] } else { 0.0 },
        ipsi: weights[2][i],
        contra: weights[3][i],
    };
    let controls = PARAMETERS[REQUIRED..]
        .iter()
        .try_fold(false, |any, (name, _)| Ok(any | parameter(name)?.is_some()))?;
    let circuit =
        Ncap { joints: (0..joints).map(joint).collect(), controls, dorsal: period / 2, parameters };

    let mut graph = Graph::new(name, "x", circuit.inputs());
    graph.input_names = (0..joints).map(|i| format!("x{i}")).collect();
    graph.input_ranges = vec![(-1.0, 1.0); joints];
    if controls {
        graph.input_names.extend(CONTROLS.map(str::to_owned));
        graph.input_ranges.extend([(0.0, 1.0); 3]);
        // Full speed, straight on: what the circuit does without them.
        graph.optional_inputs = vec![1.0, 0.0, 0.0];
    }
    let phase = graph.push_counters("phase", vec![0.0]);
    let torque = graph.push("ncap", Layer::Ncap(circuit), &[graph.input, phase])?;
    let next = graph.push("clock", Layer::Clock { periods: vec![period] }, &[phase])?;
    graph.close_state(phase, next)?;
    graph.output = torque;
    graph
        .notes
        .push(format!("the oscillator's period is {period} steps, dorsal for {}", period / 2));
    Ok(graph)
}
