#![doc = include_str!("ncap/swimmer.md")]

mod weights;

use std::path::Path;

use serde_json::Value as Json;

use super::config::Config;
use super::file::read;
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::ncap::{CONTROLS, Joint, Ncap, Side};
use crate::graph::{Graph, Layer};
use weights::{Role, Weights};

/// More joints than any plant has; a guard against damaged files.
const MOST_JOINTS: usize = 4096;

/// Reads the circuit `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A parameter is missing, given twice, not finite or not one of the circuit's; a period or count is out
/// of range.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let graph = build(config, model, &bytes, name).map_err(|e| e.file(model))?;
    Ok((graph, sha256(&bytes)))
}

fn build(config: &Config, model: &Path, bytes: &[u8], name: &str) -> Result<Graph> {
    // In a circuit of one file the parameters themselves.
    let choice = config.get("params").and_then(Json::as_str);
    if model.extension().is_some_and(|e| e == "safetensors") {
        let (weights, note) = Weights::of_tensors(&Tensors::open(bytes)?, choice)?;
        let mut graph = circuit(&Keys { config, model: None }, &weights, name)?;
        graph.notes.extend(note);
        return Ok(graph);
    }
    let json: Json = serde_json::from_slice(bytes).map_err(|e| {
        Error::new("the circuit is not JSON")
            .expected("an object with `params`")
            .found(e)
            .help("save the parameters with a JSON library, as numbers under their names")
    })?;
    let set = choice.unwrap_or("params");
    let weights = Weights::of_json(&json, set)?;
    let own = Config::of(model.to_owned(), json);
    // A circuit of one file is its own configuration, and is checked as that.
    let own = (model != config.path).then_some(&own);
    own.unwrap_or(config).get(set);
    let mut graph = circuit(&Keys { config, model: own }, &weights, name)?;
    if let Some(own) = own {
        graph.notes.extend(own.understood()?);
    }
    Ok(graph)
}

/// Settings of the configuration, and where it says nothing, of the model's own file.
struct Keys<'a> {
    config: &'a Config,
    model: Option<&'a Config>,
}

impl Keys<'_> {
    /// The value under the first of `names` that is there.
    fn get(&self, names: &[&str]) -> Option<&Json> {
        let all = std::iter::once(self.config).chain(self.model);
        // Each is asked for every name, so that what was looked for is known.
        let found = all.flat_map(|config| names.iter().map(|name| config.get(name)));
        found.collect::<Vec<_>>().into_iter().flatten().next()
    }

    /// A whole number under one of `names`; the default is as little to be trusted.
    fn count(&self, names: &[&str], default: usize, most: usize) -> Result<usize> {
        let value = self.get(names).cloned().unwrap_or_else(|| default.into());
        let count = value.as_u64().and_then(|n| usize::try_from(n).ok());
        count.filter(|n| (1..=most).contains(n)).ok_or_else(|| {
            Error::new("a setting is out of range")
                .at(format!("key `{}`", names[0]))
                .expected(format!("a whole number from 1 to {most}"))
                .found(value)
                .help("give the number the circuit was trained with")
        })
    }

    /// A truth value under `name`, or under the published one, if there is one.
    fn flag(&self, name: &str, published: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(&[name, published]) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| {
            Error::new("a setting is not a truth value")
                .at(format!("key `{name}`"))
                .expected("true or false")
                .found(value)
                .help("write it without quotes")
        })
    }
}

fn circuit(keys: &Keys, weights: &Weights, name: &str) -> Result<Graph> {
    let joints = keys.count(&["n_joints", "joints"], weights.joints(), MOST_JOINTS)?;
    let turning = keys.count(&["n_turn_joints"], weights.turning(), MOST_JOINTS)?;
    let period = keys.count(&["oscillator_period", "period"], 60, 32767)? as u16;
    let flag = |name: &str, published: &str| keys.flag(name, published);
    let signed = flag("weight_constraints", "use_weight_constraints")?.unwrap_or(true);
    let feels = flag("proprioception", "include_proprioception")?.unwrap_or(true);
    let swings = flag("head_oscillators", "include_head_oscillators")?.unwrap_or(true);
    let slows = flag("speed_control", "include_speed_control")?.unwrap_or(weights.has(Role::Speed));
    let turns = flag("turn_control", "include_turn_control")?.unwrap_or(weights.has(Role::Turn));
    weights.check(joints, turning)?;
    if flag("weight_sharing", "use_weight_sharing")? == Some(true)
        && let Some(name) = weights.unshared()
    {
        return Err(Error::new("a weight is not shared")
            .at(format!("parameter `{name}`"))
            .expected("one number for all joints, since `weight_sharing` is true")
            .found("a parameter of one joint, or a list")
            .help("set `weight_sharing` to false if every joint has weights of its own"));
    }

    let weight = |acts: bool, role: Role, side: usize, joint: usize| match acts {
        true => {
            let w = weights.get(role, side, joint)?;
            Ok(if signed { role.constrain(w) } else { w })
        }
        false => Ok(0.0),
    };
    let side = |side: usize, joint: usize| {
        Ok(Side {
            drive: match joint {
                0 => weight(swings, Role::Oscillator, side, joint)?,
                _ => weight(feels, Role::Proprioception, side, joint)?,
            },
            speed: weight(slows, Role::Speed, side, joint)?,
            turn: weight(turns && joint < turning, Role::Turn, side, joint)?,
            ipsi: weight(true, Role::Ipsi, side, joint)?,
            contra: weight(true, Role::Contra, side, joint)?,
        })
    };
    let joint = |i: usize| Ok(Joint { dorsal: side(0, i)?, ventral: side(1, i)? });
    graph(
        Ncap {
            joints: (0..joints).map(joint).collect::<Result<_>>()?,
            controls: slows || turns,
            dorsal: period / 2,
            parameters: weights.count(),
        },
        period,
        name,
    )
}

fn graph(circuit: Ncap, period: u16, name: &str) -> Result<Graph> {
    let joints = circuit.joints.len();
    let mut graph = Graph::new(name, "x", circuit.inputs());
    graph.input_names = (0..joints).map(|i| format!("x{i}")).collect();
    graph.input_ranges = vec![(-1.0, 1.0); joints];
    if circuit.controls {
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
