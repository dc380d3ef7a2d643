//! A graph on its way to integers: where each tensor is, in which format, and what was made so far. Every layer
//! kind's lowering stands on it.

use super::format::Format;
use super::gates::Gates;
use super::memo::Known;
use super::refit::Made;
use super::settle::Integers;
use super::{rescale, scale, table};
use crate::calibrate::Ranges;
use crate::graph::{Graph, Layer, Node, TensorId};
use crate::options::{Cpu, Optimize, Sparsity};
use crate::program::{Kernel, LayerReport, Op, Place, TensorFormat, Width};

/// Factor by which the ranges inside a recurrent network are widened beyond the margin: it is steered
/// to where no calibration sequence was, and what saturates there is carried on.
pub const RECURRENT_ROOM: f64 = 1.5;

/// A tensor's place and format.
#[derive(Debug, Clone)]
pub struct Value {
    pub storage: usize,
    pub features: usize,
    pub format: Format,
}

/// The state of lowering a graph, node by node.
pub struct Lowering<'a> {
    pub graph: &'a Graph,
    pub ranges: &'a Ranges,
    pub known: &'a Known,
    /// What its gates are.
    pub gates: Gates,
    /// Relative RMS error a single function table may add.
    pub table_tolerance: f64,
    pub sparsity: Sparsity,
    pub cpu: Cpu,
    pub optimize: Optimize,
    /// Width of each node's weights.
    pub widths: &'a [Width],
    pub values: Vec<Option<Value>>,
    /// How many nodes (and the caller) still read each tensor.
    pub readers: Vec<usize>,
    pub storages: Vec<usize>,
    pub ops: Vec<Op>,
    pub places: Vec<Place>,
    pub layers: Vec<LayerReport>,
    /// Nodes already computed by the layer before them.
    pub fused: Vec<bool>,
    /// The widths that need what is being made, as bits.
    pub needed: u32,
    /// What the argmax at the end reads, if there is one.
    pub scores: Option<TensorFormat>,
    /// What the layers so far make of some rows, where weights are so coarse that those behind are fitted to it.
    pub made: Option<Made<'a>>,
    /// Integers of layers that were moved together, in place of those that each would get.
    pub settled: &'a [Integers],
}

impl Lowering<'_> {
    /// Computes what node `index`, which is lowered, makes of the rows that others are fitted to.
    pub fn follow(&mut self, index: usize) {
        if let Some(made) = &mut self.made {
            made.follow(index, &self.graph.nodes[index]);
        }
    }

    /// Whether the caller reads `tensor`: the output, or what the output only joins to others.
    pub fn is_port(&self, tensor: TensorId) -> bool {
        let apart = || self.graph.outputs_apart().contains(&tensor);
        tensor == self.graph.output || (self.readers[tensor] == 1 && apart())
    }

    /// The largest power-of-two or real scale step for values up to `magnitude`.
    ///
    /// The network's output has a power-of-two scale, so that the caller can name its type.
    pub fn scale_for(&self, tensor: TensorId, magnitude: f64) -> f64 {
        let magnitude = magnitude.max(1e-12);
        if self.is_port(tensor) { scale::power_of_two(magnitude) } else { magnitude / 32767.0 }
    }

    /// The magnitude to represent for `tensor`: its bound where it has one, else its calibrated range,
    /// widened by the margin.
    pub fn magnitude(&self, tensor: TensorId) -> f64 {
        let alike = self.gates.alike(tensor);
        let own = alike.map(|tensor| self.own_magnitude(tensor) / self.gates.times(tensor));
        own.fold(0.0, f64::max) * self.gates.times(tensor)
    }

    /// The magnitude of `tensor` by itself.
    fn own_magnitude(&self, tensor: TensorId) -> f64 {
        let becomes = self.graph.states.iter().find(|state| state.next == tensor);
        if let Some(bound) = becomes.and_then(|state| state.bound) {
            return bound;
        }
        let room = match self.graph.feeds_back() && !self.is_port(tensor) {
            true => RECURRENT_ROOM,
            false => 1.0,
        };
        let calibrated = self.ranges.tensor(tensor).magnitude() * self.ranges.margin * room;
        self.moving(tensor, calibrated).unwrap_or(calibrated)
    }

    /// The magnitude, at most `most`, up to which the functions that alone read `tensor` move; beyond,
    /// they are within an eighth of a unit of their own outputs of where they end.
    pub fn moving(&self, tensor: TensorId, most: f64) -> Option<f64> {
        if self.graph.is_result(tensor) {
            return None;
        }
        let readers = self.graph.nodes.iter().filter(|n| n.inputs.contains(&tensor));
        let reach = |node: &Node| {
            let Layer::Map(function) = &node.layer else { return None };
            let unit = self.ranges.tensor(node.output).magnitude() / 32767.0;
            Some(table::reach(function, most, unit / 8.0))
        };
        let reached = readers.map(reach).try_fold(0.0_f64, |m, reach| Some(m.max(reach?)));
        reached.filter(|m| *m > 0.0)
    }

    /// Bits of the unit fractions that the layers which read `tensor` take, if they do.
    pub fn unit_bits(&self, tensor: TensorId) -> Option<u32> {
        let mut nodes = self.graph.nodes.iter().zip(self.widths);
        let reads = |(node, _): &(&Node, &Width)| {
            matches!(node.layer, Layer::Ncap(_)) && node.inputs.first() == Some(&tensor)
        };
        nodes.find(reads).map(|(_, width)| width.bits() - 1)
    }

    /// Whether all readers of `tensor` take features of any scale: dense layers, and quotients above the line.
    pub fn any_scale_reads(&self, tensor: TensorId) -> bool {
        let mut readers = self.graph.nodes.iter().filter(|n| n.inputs.contains(&tensor));
        let takes = |node: &Node| match &node.layer {
            Layer::Dense(_) => true,
            Layer::Div => node.inputs.get(1) != Some(&tensor),
            _ => false,
        };
        !self.graph.is_result(tensor) && readers.all(takes)
    }

    /// Whether quotients read `tensor` above the line: small features count there as much as large ones.
    pub fn is_divided(&self, tensor: TensorId) -> bool {
        let divides = |n: &Node| n.layer == Layer::Div && n.inputs.first() == Some(&tensor);
        self.graph.nodes.iter().any(divides)
    }

    /// A scale a feature, each for twice the values of its own, where the data shows any.
    pub fn own_scales(&self, tensor: TensorId) -> Vec<f64> {
        let most = self.ranges.tensor(tensor).magnitude().max(1e-12);
        let size = |i: usize| match self.ranges.feature(tensor, i).magnitude() {
            0.0 => most,
            magnitude => most.min(2.0 * magnitude),
        };
        let features = 0..self.graph.tensors[tensor].len();
        features.map(|i| size(i) * self.ranges.margin / 32767.0).collect()
    }

    pub fn new_storage(&mut self, features: usize) -> usize {
        self.storages.push(features);
        self.storages.len() - 1
    }

    pub fn value(&self, tensor: TensorId) -> &Value {
        self.values[tensor].as_ref().expect("nodes are in order: Graph::push checked")
    }

    /// Reads `tensor`, counting one reader off, with one scale for all features.
    pub fn take_uniform(&mut self, tensor: TensorId) -> (Value, f64) {
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
        self.push_affine(&name, &value, &ones, &zeros, scale);
        let format = Format::uniform(scale);
        self.place(tensor, value.storage, &format);
        (Value { format, ..value }, scale)
    }

    /// Reads `tensor`, counting one reader off, into a storage that may be overwritten.
    pub fn take_in_place(&mut self, tensor: TensorId) -> Value {
        let value = self.value(tensor).clone();
        self.readers[tensor] -= 1;
        if self.readers[tensor] == 0 {
            return value;
        }
        let storage = self.new_storage(value.features);
        let name = format!("{}_copy", self.graph.tensors[tensor].name);
        let copy = rescale::copy(value.features);
        self.push(&name, Box::new(copy), vec![value.storage], storage);
        self.place(tensor, storage, &value.format);
        Value { storage, ..value }
    }

    /// As [`take_in_place`](Self::take_in_place), with one scale for all features.
    pub fn take_uniform_in_place(&mut self, tensor: TensorId) -> (Value, f64) {
        if self.value(tensor).format.as_uniform().is_none() {
            return self.take_uniform(tensor);
        }
        let value = self.take_in_place(tensor);
        let scale = value.format.scale(0);
        (value, scale)
    }

    /// `y_i = scale_i x_i + offset_i` in place, from `value`'s format to one scale for all.
    pub fn push_affine(
        &mut self,
        name: &str,
        value: &Value,
        scale: &[f64],
        offset: &[f64],
        out_scale: f64,
    ) {
        let kernel = rescale::affine(&value.format, scale, offset, out_scale);
        self.push(name, Box::new(kernel), vec![], value.storage);
    }

    pub fn push(&mut self, name: &str, kernel: Box<dyn Kernel>, reads: Vec<usize>, write: usize) {
        debug_assert!(!reads.contains(&write), "{name} would overwrite what it reads");
        let (name, widths) = (name.to_owned(), self.needed);
        self.ops.push(Op { name, kernel, reads, write, widths });
    }

    /// Notes that `storage` holds `tensor` from here on.
    pub fn place(&mut self, tensor: TensorId, storage: usize, format: &Format) {
        let tensor = &self.graph.tensors[tensor];
        let each = |of: &dyn Fn(usize) -> f64| (0..tensor.len()).map(of).collect();
        self.places.push(Place {
            after: self.ops.len(),
            storage,
            tensor: tensor.name.clone(),
            scale: each(&|i| format.scale(i)),
            offset: each(&|i| format.offset(i)),
        });
    }

    pub fn define(&mut self, tensor: TensorId, storage: usize, format: Format) {
        self.place(tensor, storage, &format);
        let features = self.graph.tensors[tensor].len();
        self.values[tensor] = Some(Value { storage, features, format });
    }

    /// Appends a report row for `node`, with the tables of the last op.
    pub fn report(&mut self, node: &Node, kind: String, note: String) -> &mut LayerReport {
        let inputs = node.inputs.iter().map(|&id| self.graph.tensors[id].len()).sum();
        self.layers.push(LayerReport {
            name: node.name.clone(),
            kind,
            inputs,
            outputs: self.graph.tensors[node.output].len(),
            table_bytes: self.ops.last().map_or(0, |op| op.kernel.data().bytes()),
            accumulator_bound: None,
            worst_error: None,
            note,
            choice: String::new(),
            curves: vec![],
        });
        self.layers.last_mut().expect("just pushed")
    }
}
