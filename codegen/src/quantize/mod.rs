//! From ranges and real weights to integers with proved bounds.
//!
//! Each layer kind has one file here with its lowering and its [`Kernel`], the tables as
//! the host runs them and as they are emitted. `Lowering` holds what they share: which storage
//! and number format each tensor has.

mod dense;
mod elementwise;
mod forms;
mod functions;
mod heads;
mod kan;
mod map;
mod membrane;
mod ncap;
mod plan;
mod port;
mod rows;
mod search;
mod sparse;
mod spiking;
mod state;
mod trial;

use self::trial::{Known, Precision, Trial};
use crate::calibrate::{Calibration, Ranges};
use crate::error::Result;
use crate::graph::{Graph, Layer, Node, TensorId};
use crate::options::{Cpu, Options, Sparsity};
use crate::program::{Kernel, LayerReport, Op, Program, Promise, TensorFormat};

/// Share of the tolerance that one function table may use.
const TABLE_SHARE: f64 = 0.05;
/// The same where an error is carried from step to step.
const RECURRENT_TABLE_SHARE: f64 = 0.005;

/// Factor by which the ranges inside a recurrent network are widened beyond the margin: it is steered
/// to where no calibration sequence was, and what saturates there is carried on.
const RECURRENT_ROOM: f64 = 1.5;

/// Quantizes a simplified graph.
///
/// # Errors
/// A tensor leaves the finite numbers on the calibration data, or a layer cannot be represented.
pub fn quantize(graph: &Graph, calibration: &Calibration, options: &Options) -> Result<Program> {
    let trial = Trial::of(graph.clone(), calibration, options)?;
    let forms::Formed { mut trial, mut reasons } = forms::choose(trial)?;
    let (precision, refined) = search::choose(&trial)?;
    reasons.extend(refined);
    trial.fit_to_all_but_the_judges();
    let mut program = trial.lower(&precision)?;
    program.promise = Some(promise(&trial, &program));
    for (name, reason) in reasons {
        program.layers.iter_mut().filter(|l| l.name == name).for_each(|l| l.add_choice(&reason));
    }
    // Only of the program that was chosen: it takes longer than trying one.
    let Program { ops, layers, .. } = &mut program;
    for op in ops.iter() {
        let Some(worst) = op.kernel.worst_error() else { continue };
        layers.iter_mut().filter(|l| l.name == op.name).for_each(|l| l.worst_error = Some(worst));
    }
    Ok(program)
}

/// Rows below which an error is an accident.
const FEW: usize = 100;

/// What is left of the error on the rows that have decided nothing.
fn promise(trial: &Trial, program: &Program) -> Promise {
    let (split, ranges) = (&trial.ranges.split, &trial.ranges);
    let all = trial.calibration.rows.len();
    let few = || {
        (all < FEW).then(|| format!("{all} calibration rows decide little: record a few hundred"))
    };
    // A range that a quarter of the rows widens by more than the margin will be left by others too.
    let beyond = || {
        let names = trial.graph.tensors.iter().enumerate();
        let left = names.map(|(id, tensor)| (&tensor.name, ranges.growth(id)));
        let (name, growth) = left.max_by(|a, b| a.1.total_cmp(&b.1))?;
        (split.is_held_out() && growth > ranges.margin).then(|| {
            format!(
                "a quarter of the calibration rows takes `{name}` {growth:.1} times as far as the others: \
                 record more of what the model will see"
            )
        })
    };
    Promise {
        error: trial.judged(program),
        tolerance: trial.options.tolerance,
        rows: split.judge.len(),
        held_out: split.is_held_out(),
        thin: few().or_else(beyond),
    }
}

/// How a tensor's integers map to real numbers: `value = integer * scale + offset`.
#[derive(Debug, Clone, PartialEq)]
struct Format {
    /// One factor for all features, or one a feature.
    scale: Vec<f64>,
    /// One addend a feature; empty for zeros.
    offset: Vec<f64>,
    /// Smallest integer that can occur.
    low: i32,
    /// Largest integer that can occur.
    high: i32,
}

impl Format {
    fn uniform(scale: f64) -> Self {
        Self { scale: vec![scale], offset: vec![], low: -32768, high: 32767 }
    }

    /// Unit fractions: 1.0 is the integer `2^bits - 1`.
    fn unit(bits: u32) -> Self {
        let one = (1 << bits) - 1;
        Self { low: -one, high: one, ..Self::uniform(1.0 / f64::from(one)) }
    }

    fn scale(&self, feature: usize) -> f64 {
        self.scale[if self.scale.len() == 1 { 0 } else { feature }]
    }

    fn offset(&self, feature: usize) -> f64 {
        self.offset.get(feature).copied().unwrap_or(0.0)
    }

    /// All that distinguishes it from other formats.
    fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let ends = [f64::from(self.low), f64::from(self.high), self.scale.len() as f64];
        ends.into_iter().chain(self.scale.iter().chain(&self.offset).copied())
    }

    /// The one scale, if all features share it and none has an offset.
    fn as_uniform(&self) -> Option<f64> {
        (self.scale.len() == 1 && self.offset.is_empty()).then(|| self.scale[0])
    }
}

/// A tensor's place and format.
#[derive(Debug, Clone)]
struct Value {
    storage: usize,
    features: usize,
    format: Format,
}

/// The state of lowering a graph, node by node.
struct Lowering<'a> {
    graph: &'a Graph,
    ranges: &'a Ranges,
    known: &'a Known,
    /// Relative RMS error a single function table may add.
    table_tolerance: f64,
    sparsity: Sparsity,
    cpu: Cpu,
    /// Bits of each node's weights.
    widths: &'a [u32],
    values: Vec<Option<Value>>,
    /// How many nodes (and the caller) still read each tensor.
    readers: Vec<usize>,
    storages: Vec<usize>,
    ops: Vec<Op>,
    layers: Vec<LayerReport>,
    /// Nodes already computed by the layer before them.
    fused: Vec<bool>,
    /// What the argmax at the end reads, if there is one.
    scores: Option<TensorFormat>,
}

/// Lowers `graph` to integers of the given precision.
fn lower(
    graph: &Graph,
    ranges: &Ranges,
    known: &Known,
    options: &Options,
    precision: &Precision,
) -> Result<Program> {
    let mut readers = vec![0; graph.tensors.len()];
    for id in graph.nodes.iter().flat_map(|n| &n.inputs).chain([&graph.output]) {
        readers[*id] += 1;
    }
    // A state is never overwritten before the step ends, nor is what it becomes.
    for state in &graph.states {
        readers[state.previous] += 1;
        readers[state.next] += 1;
    }
    let mut lowering = Lowering {
        graph,
        ranges,
        known,
        table_tolerance: options.tolerance
            * precision.tables
            * if graph.states.is_empty() { TABLE_SHARE } else { RECURRENT_TABLE_SHARE },
        sparsity: options.sparsity,
        cpu: options.cpu,
        widths: &precision.bits,
        values: vec![None; graph.tensors.len()],
        readers,
        storages: vec![],
        ops: vec![],
        layers: vec![],
        fused: vec![false; graph.nodes.len()],
        scores: None,
    };
    let input = port::input(&mut lowering)?;
    let states = state::open(&mut lowering);
    for (index, node) in graph.nodes.iter().enumerate() {
        if lowering.fused[index] {
            continue;
        }
        match &node.layer {
            Layer::Dense(layer) => dense::lower(&mut lowering, index, layer),
            Layer::Affine { scale, offset } => {
                elementwise::lower_affine(&mut lowering, node, scale, offset)
            }
            Layer::Map(function) => map::lower(&mut lowering, node, function),
            Layer::Add { factors } => elementwise::lower_add(&mut lowering, node, *factors),
            Layer::Mul => elementwise::lower_mul(&mut lowering, node),
            Layer::Concat => elementwise::lower_concat(&mut lowering, node),
            Layer::Select(indices) => elementwise::lower_select(&mut lowering, node, indices),
            Layer::Normalize { epsilon } => heads::lower_normalize(&mut lowering, node, *epsilon),
            Layer::Softmax => heads::lower_softmax(&mut lowering, node),
            Layer::LogSoftmax => heads::lower_log_softmax(&mut lowering, node),
            Layer::ArgMax => heads::lower_argmax(&mut lowering, node),
            Layer::Functions { functions, picks } => {
                functions::lower(&mut lowering, node, functions, picks)
            }
            Layer::Kan(layer) => kan::lower(&mut lowering, index, layer),
            Layer::Ncap(circuit) => ncap::lower(&mut lowering, index, circuit),
            Layer::Membrane(circuit) => membrane::lower(&mut lowering, node, circuit),
            Layer::Spiking(circuit) => spiking::lower(&mut lowering, node, circuit),
            Layer::Clock { periods } => ncap::lower_clock(&mut lowering, node, periods),
        }?;
    }
    let output = port::output(&mut lowering)?;
    let start = state::close(&mut lowering, &states);
    let state_formats = state::formats(&lowering, &states);
    let sizes = std::mem::take(&mut lowering.storages);
    let (storages, scratch_quads) =
        plan::plan(&sizes, &lowering.ops, &states, input.storage, output.storage);
    Ok(Program {
        name: graph.name.clone(),
        input,
        output,
        storages,
        scratch_quads,
        start,
        states: state_formats,
        scores: lowering.scores,
        ops: lowering.ops,
        input_names: (0..graph.input_len()).map(|i| graph.input_name(i)).collect(),
        classes: graph.classes.clone(),
        layers: lowering.layers,
        macs: graph.macs(),
        promise: None,
    })
}

impl Lowering<'_> {
    /// The largest power-of-two or real scale step for values up to `magnitude`.
    ///
    /// The network's output has a power-of-two scale, so that the caller can name its type.
    fn scale_for(&self, tensor: TensorId, magnitude: f64) -> f64 {
        let magnitude = magnitude.max(1e-12);
        if tensor == self.graph.output {
            port::power_of_two(magnitude)
        } else {
            magnitude / 32767.0
        }
    }

    /// The magnitude to represent for `tensor`: its bound where it has one, else its calibrated range,
    /// widened by the margin.
    fn magnitude(&self, tensor: TensorId) -> f64 {
        let becomes = self.graph.states.iter().find(|state| state.next == tensor);
        if let Some(bound) = becomes.and_then(|state| state.bound) {
            return bound;
        }
        let room = match self.graph.states.is_empty() || tensor == self.graph.output {
            true => 1.0,
            false => RECURRENT_ROOM,
        };
        let calibrated = self.ranges.tensor(tensor).magnitude() * self.ranges.margin * room;
        self.moving(tensor, calibrated).unwrap_or(calibrated)
    }

    /// The magnitude, at most `most`, up to which the functions that alone read `tensor` move; beyond,
    /// they are within an eighth of a unit of their own outputs of where they end.
    fn moving(&self, tensor: TensorId, most: f64) -> Option<f64> {
        if self.graph.is_result(tensor) {
            return None;
        }
        let readers = self.graph.nodes.iter().filter(|n| n.inputs.contains(&tensor));
        let reach = |node: &Node| {
            let Layer::Map(function) = &node.layer else { return None };
            let unit = self.ranges.tensor(node.output).magnitude() / 32767.0;
            Some(map::reach(function, most, unit / 8.0))
        };
        let reached = readers.map(reach).try_fold(0.0_f64, |m, reach| Some(m.max(reach?)));
        reached.filter(|m| *m > 0.0)
    }

    /// Bits of the network's unit fractions, if that is what its inputs and outputs are.
    fn unit_bits(&self) -> Option<u32> {
        let at = self.graph.nodes.iter().position(|n| matches!(n.layer, Layer::Ncap(_)))?;
        Some(if self.widths[at] == 8 { 7 } else { 15 })
    }

    /// Whether all readers of `tensor` take features of any scale.
    fn only_dense_reads(&self, tensor: TensorId) -> bool {
        let mut readers = self.graph.nodes.iter().filter(|n| n.inputs.contains(&tensor));
        !self.graph.is_result(tensor) && readers.all(|n| matches!(n.layer, Layer::Dense(_)))
    }

    fn new_storage(&mut self, features: usize) -> usize {
        self.storages.push(features);
        self.storages.len() - 1
    }

    fn value(&self, tensor: TensorId) -> &Value {
        self.values[tensor].as_ref().expect("nodes are in order: Graph::push checked")
    }

    /// Reads `tensor`, counting one reader off, with one scale for all features.
    fn take_uniform(&mut self, tensor: TensorId) -> (Value, f64) {
        let value = self.value(tensor).clone();
        if let Some(scale) = value.format.as_uniform() {
            self.readers[tensor] -= 1;
            return (value, scale);
        }
        let value = self.take_in_place(tensor);
        let scale = self.magnitude(tensor) / 32767.0;
        let name = self.graph.tensors[tensor].name.clone();
        let ones = vec![1.0; value.features];
        let zeros = vec![0.0; value.features];
        elementwise::push_affine(self, &name, &value, &ones, &zeros, scale);
        (Value { format: Format::uniform(scale), ..value }, scale)
    }

    /// Reads `tensor`, counting one reader off, into a storage that may be overwritten.
    fn take_in_place(&mut self, tensor: TensorId) -> Value {
        let value = self.value(tensor).clone();
        self.readers[tensor] -= 1;
        if self.readers[tensor] == 0 {
            return value;
        }
        let storage = self.new_storage(value.features);
        let name = format!("{}_copy", self.graph.tensors[tensor].name);
        let copy = elementwise::copy(value.features);
        self.push(&name, Box::new(copy), vec![value.storage], storage);
        Value { storage, ..value }
    }

    /// As [`take_in_place`](Self::take_in_place), with one scale for all features.
    fn take_uniform_in_place(&mut self, tensor: TensorId) -> (Value, f64) {
        if self.value(tensor).format.as_uniform().is_none() {
            return self.take_uniform(tensor);
        }
        let value = self.take_in_place(tensor);
        let scale = value.format.scale(0);
        (value, scale)
    }

    fn push(&mut self, name: &str, kernel: Box<dyn Kernel>, reads: Vec<usize>, write: usize) {
        self.ops.push(Op { name: name.to_owned(), kernel, reads, write });
    }

    fn define(&mut self, tensor: TensorId, storage: usize, format: Format) {
        let features = self.graph.tensors[tensor].len;
        self.values[tensor] = Some(Value { storage, features, format });
    }

    /// Appends a report row for `node`, with the tables of the last op.
    fn report(&mut self, node: &Node, kind: String, note: String) -> &mut LayerReport {
        let inputs = node.inputs.iter().map(|&id| self.graph.tensors[id].len).sum();
        self.layers.push(LayerReport {
            name: node.name.clone(),
            kind,
            inputs,
            outputs: self.graph.tensors[node.output].len,
            table_bytes: self.ops.last().map_or(0, |op| op.kernel.table_bytes()),
            accumulator_bound: None,
            headroom_bits: None,
            worst_error: None,
            note,
            choice: String::new(),
            curves: vec![],
        });
        self.layers.last_mut().expect("just pushed")
    }
}

/// `(m, s)` with `factor = m / 2^(16+s)` as near as 15 bits allow, for the largest of a layer's factors.
///
/// Needs `0 < factor < 1/2`; a smaller one than `2^-17` keeps fewer bits.
fn multiplier(factor: f64) -> (i16, u8) {
    let shift = ((32767.49 / (factor * 65536.0)).log2().floor()).clamp(0.0, 15.0) as u8;
    (scaled_multiplier(factor, shift), shift)
}

/// `factor 2^(16+shift)`, rounded.
fn scaled_multiplier(factor: f64, shift: u8) -> i16 {
    (factor * f64::powi(2.0, 16 + i32::from(shift))).round().clamp(0.0, 32767.0) as i16
}
