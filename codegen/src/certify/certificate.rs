//! What is claimed of a model for every input, as a file.
//!
//! Stands on all of this room, on compiled models, and on the opinion of the engine that checks certificates: only what both
//! show is claimed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::bound::{Found, Given, bound, corners};
use super::interval::Interval;
use super::machine::{Machine, Spot};
use super::module;
use super::net::Net;
use super::recurrent;
use super::seek::seek;
use super::split::{Until, split};
use crate::check::opinion::{Opinion, Parts, accumulator};
use crate::check::steps::STEPS;
use crate::compiler::Compiled;
use crate::data::sha256;
use crate::error::{Error, Kind, Result};
use crate::graph::Tensor;
use crate::program::formula::Step;

/// Version of the file's format.
pub const FORMAT: u32 = 1;

/// What an accumulator has room for.
const ACCUMULATOR: f64 = i32::MAX as f64;

/// Claims of a model, each for every input of a box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORMAT`].
    pub certificate: u32,
    /// The module's name.
    pub model: String,
    /// Of the trained file.
    pub model_sha256: String,
    /// Of the calibration data.
    pub calibration_sha256: String,
    /// Of the generated module.
    pub module_sha256: String,
    /// The module's tables and constants, so that one that was changed can be named.
    pub items: Vec<Item>,
    /// The box: every input that the status does not tell of.
    pub inputs: Vec<InputClaim>,
    /// Sums that fit their accumulators, for any integers and in any order.
    pub accumulators: Vec<Accumulator>,
    /// All that the float network's tensors can be.
    pub tensors: Vec<TensorClaim>,
    /// All integers that each operation writes.
    pub integers: Vec<IntegerClaim>,
    /// How far the outputs can be from float: of a network with memory, in the first step after a reset.
    pub outputs: Vec<OutputClaim>,
    /// Of outputs that are compared: the lead of float's largest from which on the integers' is the same.
    pub margin: Option<f64>,
    /// Of a network with memory.
    pub steps: Option<StepsClaim>,
    /// Why the outputs are not bounded, if they are not.
    pub unbounded: Option<String>,
    /// From what the claims follow.
    pub proof: Proof,
    /// Of each of the fields above, so that one that was changed, or claims less, can be named.
    pub digests: BTreeMap<String, String>,
}

/// An item of the generated module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Digest of its text.
    pub sha256: String,
}

/// The range of an input, in its unit and as the caller's integers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputClaim {
    /// Its name.
    pub name: String,
    /// The smallest.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Both as integers.
    pub integers: [i32; 2],
}

/// A sum that cannot overflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accumulator {
    /// The layer.
    pub layer: String,
    /// The largest magnitude of any partial sum.
    pub bound: u64,
    /// The share of 32 bits that this is.
    pub share: f64,
}

/// All that a tensor of the float network can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorClaim {
    /// Its name.
    pub name: String,
    /// The smallest number in it.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// How far its integers can be from it; none where they are never in memory.
    pub error: Option<f64>,
}

/// All integers that an operation writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegerClaim {
    /// The operation.
    pub op: String,
    /// The smallest.
    pub low: i32,
    /// The largest.
    pub high: i32,
}

/// How far an output can be from float.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputClaim {
    /// Its name.
    pub name: String,
    /// No input has a larger difference.
    pub error: Option<f64>,
    /// The largest difference that a search found: no claim, but how loose the bound may be.
    pub seen: f64,
    /// Inputs that show it.
    pub seen_at: Vec<f64>,
}

/// A network with memory, step after step from a reset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepsClaim {
    /// How far each output can be off after 1, 10, 100 and 1000 steps.
    pub after: Vec<AfterClaim>,
    /// The same after any number of steps, where the networks draw together in a weighted maximum norm.
    pub always: Option<Vec<f64>>,
}

/// How far outputs can be off after some steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterClaim {
    /// Steps from a reset.
    pub steps: usize,
    /// One an output; none where nothing bounds them.
    pub errors: Option<Vec<f64>>,
}

/// From what the claims follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Which lanes of memory stand for which tensors: hints, by which no claim gets false.
    pub spots: Vec<Spot>,
    /// The boxes that the inputs were cut into, each as its cuts from the whole box on: the input, times two, and one more
    /// for the upper half.
    pub boxes: Vec<Vec<u32>>,
    /// Steps that were followed of a network with memory.
    pub followed: usize,
}

/// How much is done for tight bounds.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Terms of sums that are gone back over, about.
    pub work: f64,
    /// Boxes at most.
    pub boxes: usize,
    /// Inputs that the search tries.
    pub tries: usize,
}

impl Default for Effort {
    /// Half a minute on two cores.
    fn default() -> Self {
        Self { work: 4e10, boxes: 16_384, tries: 200_000 }
    }
}

/// A ratio of bound and search that is tight enough.
const ENOUGH: f64 = 4.9;

/// The box of inputs that the status does not tell of.
pub fn limits(machine: &Machine) -> Vec<Interval> {
    let port = &machine.input.0;
    let real = |(i, [low, high]): (usize, &[i32; 2])| {
        Interval::new(port.to_real(i, *low), port.to_real(i, *high))
    };
    port.ranges.iter().enumerate().map(real).collect()
}

impl Certificate {
    /// Claims of a compiled model and its module.
    ///
    /// # Errors
    /// Never in practice: a network that nothing bounds gets a certificate that says so.
    pub fn issue(compiled: &Compiled, module: &str, effort: &Effort) -> Result<Self> {
        let Compiled { source, graph, calibration, program, .. } = compiled;
        let input = |(i, ends): (usize, &[i32; 2])| InputClaim {
            name: program.input_names.get(i).cloned().unwrap_or_default(),
            low: program.input.to_real(i, ends[0]),
            high: program.input.to_real(i, ends[1]),
            integers: *ends,
        };
        let mut certificate = Self {
            certificate: FORMAT,
            model: program.name.clone(),
            model_sha256: source.sha256.clone(),
            calibration_sha256: calibration.sha256.clone(),
            module_sha256: sha256(module.as_bytes()),
            items: items(module),
            inputs: program.input.ranges.iter().enumerate().map(input).collect(),
            accumulators: vec![],
            tensors: vec![],
            integers: vec![],
            outputs: vec![],
            margin: None,
            steps: None,
            unbounded: None,
            proof: Proof { spots: vec![], boxes: vec![], followed: 0 },
            digests: BTreeMap::new(),
        };
        // What is certified is the module: it is read as the check reads it.
        let both = Machine::of(program).and_then(|machine| {
            let read = module::read(module, Path::new(&program.name), &machine.spots)?;
            Ok((machine, read))
        });
        let (machine, read) = match both {
            Ok(both) => both,
            Err(error) => {
                certificate.unbounded = Some(error.brief());
                return Ok(certificate.with_digests());
            }
        };
        let sums = program.layers.iter().filter_map(|layer| {
            let bound = layer.accumulator_bound?.max(accumulator(&read, &layer.name)?);
            let fits = bound as f64 <= ACCUMULATOR;
            fits.then(|| Accumulator { layer: layer.name.clone(), bound, share: share(bound) })
        });
        certificate.accumulators = sums.collect();
        certificate.proof.spots.clone_from(&machine.spots);
        let parts = Parts::of(graph, &read);
        certificate.claim(&Net::of(graph, &machine), parts.as_ref(), compiled, effort);
        if !certificate.proof.boxes.is_empty() {
            // Box by box, both were asked.
            let errors = certificate.outputs.iter().map(|own| own.error.unwrap_or(f64::INFINITY));
            let (errors, followed) = (errors.collect(), certificate.proof.followed);
            certificate.agree(parts.map(|parts| parts.opinion(errors, followed)).as_ref());
        }
        Ok(certificate.with_digests())
    }

    /// The digest of each field.
    fn own_digests(&self) -> BTreeMap<String, String> {
        let fields = match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let claims = fields.into_iter().filter(|(name, _)| name != "digests");
        claims.map(|(name, value)| (name, sha256(value.to_string().as_bytes()))).collect()
    }

    /// With the digests of its fields as they are.
    #[must_use]
    pub fn with_digests(mut self) -> Self {
        self.digests = self.own_digests();
        self
    }

    /// A field that is not as it was written, if there is one: claims that were taken out are false of nothing.
    pub fn changed(&self) -> Option<String> {
        let own = self.own_digests();
        let names = own.keys().chain(self.digests.keys());
        names.into_iter().find(|name| own.get(*name) != self.digests.get(*name)).cloned()
    }

    /// Leaves of each claim what another engine shows as well: the larger of both bounds, a little raised, so that one computed
    /// elsewhere is not above it.
    fn agree(&mut self, second: Option<&Opinion>) {
        let finite = |own: &&Opinion| own.tensors.iter().all(|(range, _)| range.is_finite());
        let Some(second) = second.filter(finite) else {
            (self.tensors, self.integers, self.margin, self.steps) = (vec![], vec![], None, None);
            self.outputs.iter_mut().for_each(|output| output.error = None);
            self.unbounded = Some("a layer has no bound in the engine that checks".into());
            return;
        };
        let larger = |a: Option<f64>, b: Option<f64>| {
            Some(raised(a?.max(b?))).filter(|error| error.is_finite())
        };
        for (claim, (own, apart)) in self.tensors.iter_mut().zip(&second.tensors) {
            claim.low = -raised(-claim.low.min(own.low));
            claim.high = raised(claim.high.max(own.high));
            claim.error = larger(claim.error, *apart);
        }
        for (claim, [low, high]) in self.integers.iter_mut().zip(&second.integers) {
            (claim.low, claim.high) = (claim.low.min(*low), claim.high.max(*high));
        }
        for (claim, own) in self.outputs.iter_mut().zip(&second.outputs) {
            claim.error = larger(claim.error, Some(*own));
        }
        if self.outputs.iter().any(|output| output.error.is_none()) {
            self.unbounded = Some("an output is an index, or jumps".into());
        }
        self.margin = margin(&self.outputs);
        let all = |a: &Option<Vec<f64>>, b: Option<&Vec<f64>>| -> Option<Vec<f64>> {
            let both = a.as_ref()?.iter().zip(b?);
            both.map(|(a, b)| larger(Some(*a), Some(*b))).collect()
        };
        let first: Option<Vec<f64>> = self.outputs.iter().map(|output| output.error).collect();
        let (Some(steps), Some(own)) = (&mut self.steps, &second.steps) else { return };
        for (claim, own) in steps.after.iter_mut().zip(&own.after) {
            claim.errors = all(&claim.errors, own.as_ref());
        }
        steps.always = all(&steps.always, own.always.as_ref());
        // The first step is bounded box by box.
        if let (Some(claim), Some(first)) = (steps.after.first_mut(), first) {
            claim.errors = Some(first);
        }
    }

    /// Adds what follows from both networks.
    fn claim(&mut self, net: &Net, second: Option<&Parts>, compiled: &Compiled, effort: &Effort) {
        let Compiled { graph, program, .. } = compiled;
        let inputs = limits(net.machine);
        let given = Given { inputs: inputs.clone(), states: recurrent::start(net) };
        let name = |i: usize| program.output_names.get(i).cloned().unwrap_or_default();
        let Some(found) = bound(net, &given) else {
            let none = |i| OutputClaim { name: name(i), error: None, seen: 0.0, seen_at: vec![] };
            self.outputs = (0..graph.output_len()).map(none).collect();
            self.unbounded = Some("a function is not finite on all of its input's range".into());
            return;
        };
        self.tensors = tensors(net, &found);
        self.integers = integers(net, &found);
        let tries =
            effort.tries.min((effort.work / 4.0 / (1.0 + graph.macs() as f64)) as usize).max(1000);
        let seen = seek(graph, program, &inputs, &corners(net, &given), tries);
        let until = Until { boxes: effort.boxes, work: (effort.work / 2.0) as u64, ratio: ENOUGH };
        let second = |cuts: &[u32]| second.and_then(|parts| parts.errors(cuts));
        let cells = split(net, &given, &seen.worst, &until, &second).unwrap_or_default();
        let errors = |i: usize| cells.iter().map(|cell| cell.errors[i]).fold(0.0, f64::max);
        let indices: Vec<usize> = graph.indices().into_iter().map(|(feature, _)| feature).collect();
        self.outputs = (0..graph.output_len())
            .map(|i| OutputClaim {
                name: name(i),
                error: Some(errors(i))
                    .filter(|e| e.is_finite() && !indices.contains(&i) && !cells.is_empty()),
                seen: seen.worst[i],
                seen_at: seen.inputs[i].clone(),
            })
            .collect();
        self.proof.boxes = match cells.is_empty() {
            true => vec![vec![]],
            false => cells.into_iter().map(|cell| cell.cuts).collect(),
        };
        if !graph.states.is_empty() {
            let cost = found.work.max(1) as f64;
            self.proof.followed = ((effort.work / cost) as usize).clamp(10, STEPS[3]);
            let steps = recurrent::steps(net, &inputs, self.proof.followed);
            let after = STEPS.into_iter().zip(steps.after);
            self.steps = Some(StepsClaim {
                after: after.map(|(steps, errors)| AfterClaim { steps, errors }).collect(),
                always: steps.always,
            });
        }
    }

    /// The file's text.
    ///
    /// # Errors
    /// A number is not finite.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| {
            Error::new("the certificate cannot be written").expected("finite numbers").found(e)
        })?;
        Ok(lines(&text, 2))
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// It is no certificate of this version.
    pub fn read(text: &str, path: &Path) -> Result<Self> {
        let wrong = |found: String| {
            Error::new("the certificate cannot be read")
                .of_kind(Kind::Data)
                .file(path)
                .expected(format!(
                    "what `nervecord compile --certificate` writes, of format {FORMAT}"
                ))
                .found(found)
                .help("compile the model again with --certificate")
        };
        let certificate: Self = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        match certificate.certificate {
            FORMAT => Ok(certificate),
            other => Err(wrong(format!("format {other}"))),
        }
    }
}

/// All that each tensor can be, and how far its integers can be from it.
pub fn tensors(net: &Net, found: &Found) -> Vec<TensorClaim> {
    let of = |((tensor, ranges), apart): ((&Tensor, &Vec<Interval>), &Option<Vec<f64>>)| {
        let all = ranges.iter().copied().reduce(|a, b| a.hull(&b)).unwrap_or(Interval::at(0.0));
        TensorClaim {
            name: tensor.name.clone(),
            low: all.low,
            high: all.high,
            error: apart.as_ref().map(|apart| apart.iter().copied().fold(0.0, f64::max)),
        }
    };
    net.graph.tensors.iter().zip(&found.tensors).zip(&found.apart).map(of).collect()
}

/// All integers that each operation writes.
pub fn integers(net: &Net, found: &Found) -> Vec<IntegerClaim> {
    let of = |(step, x): (&Step, &Interval)| IntegerClaim {
        op: step.name.clone(),
        low: x.low.floor() as i32,
        high: x.high.ceil() as i32,
    };
    net.machine.steps.iter().zip(&found.integers).map(of).collect()
}

/// The share of 32 bits that a sum takes, rounded up to a hundredth of a percent.
pub fn share(bound: u64) -> f64 {
    (bound as f64 / ACCUMULATOR * 1e4).ceil() / 1e4
}

/// A bound, raised by a billionth: what a library's functions differ by elsewhere is far less.
fn raised(bound: f64) -> f64 {
    (bound + 1e-9 * bound.abs()).next_up()
}

/// The lead from which on the largest output is float's: both may be off by their own bounds.
pub fn margin(outputs: &[OutputClaim]) -> Option<f64> {
    let mut errors: Vec<f64> = outputs.iter().map(|output| output.error).collect::<Option<_>>()?;
    errors.sort_by(f64::total_cmp);
    match errors.as_slice() {
        [.., second, first] => Some((first + second).next_up()),
        _ => None,
    }
}

/// The items of a generated module, each with the digest of its text; the last is all that is no item.
pub fn items(module: &str) -> Vec<Item> {
    let (mut items, mut code) = (Vec::<(String, String)>::new(), String::new());
    let mut open = false;
    for line in module.lines() {
        let text = line.trim_start();
        let word = ["static ", "const ", "pub const "]
            .into_iter()
            .find_map(|head| text.strip_prefix(head));
        let name = word.filter(|_| !open && line.len() - text.len() == 4).map(|rest| {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
        });
        // Checks and functions have no name of their own.
        let starts = name.filter(|name| !["_", "fn"].contains(&name.as_str()));
        let own = match (starts, open) {
            (Some(name), _) => {
                items.push((name, String::new()));
                items.last_mut().map(|(_, text)| text)
            }
            (None, true) => items.last_mut().map(|(_, text)| text),
            (None, false) => None,
        };
        open = own.is_some() && !text.ends_with(';');
        let into = own.unwrap_or(&mut code);
        *into += line;
        into.push('\n');
    }
    items.push(("code".into(), code));
    items.into_iter().map(|(name, text)| Item { name, sha256: sha256(text.as_bytes()) }).collect()
}

/// JSON with a line for each item of its outer levels.
pub fn lines(json: &str, levels: usize) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0_usize, false, false);
    for c in json.chars() {
        if quoted {
            out.push(c);
            (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        let indent = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match c {
            '"' => {
                quoted = true;
                out.push(c);
            }
            '{' | '[' => {
                depth += 1;
                out.push(c);
                if depth <= levels {
                    out += &indent(depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                if depth < levels {
                    out += &indent(depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                out += &if depth <= levels { indent(depth) } else { " ".into() };
            }
            ':' => out += ": ",
            _ => out.push(c),
        }
    }
    out + "\n"
}
