//! The float network every importer produces, and all that later phases know of it.
//!
//! A [`Graph`] is a list of layers in the order they run. Every tensor has rows of features (a batch axis of 1 is
//! dropped on import) and is written by exactly one layer. The families of layers (`kan`, `ncap`, `membrane`,
//! `spiking`) and univariate functions (`expr`) have files of their own; nothing here knows any phase.
//!
//! Stands on errors and texts.

mod dense;
pub mod expr;
pub mod interval;
pub mod kan;
mod layer;
pub mod membrane;
pub mod ncap;
mod part;
mod shape;
pub mod spiking;
mod unrolled;
mod windows;

pub use dense::{Dense, Matrix};
pub use layer::{Layer, Reduction};
pub use part::{Part, numbered_input};
pub use shape::Shape;
pub use unrolled::Unrolled;
pub use windows::Windows;

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::text;
use part::name_in;

/// Most features of a tensor: kernels count them in 16 bits, and they take twice as many bytes of RAM.
pub const MOST_FEATURES: usize = 65_535;

/// Index of a tensor in [`Graph::tensors`].
pub type TensorId = usize;

/// Numbers that flow between layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The name it had in the trained file as a [`label`](text::label), or one made from its layer.
    pub name: String,
    /// Its rows and features.
    pub shape: Shape,
}

impl Tensor {
    /// Numbers in all its rows.
    pub fn len(&self) -> usize {
        self.shape.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shape.is_empty()
    }
}

/// A layer with its name and the tensors it reads and writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The name it had in the trained file as a [`label`](text::label).
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// Tensors read, in the layer's order.
    pub inputs: Vec<TensorId>,
    /// Tensor written.
    pub output: TensorId,
}

/// How a classifier names its classes: the extra output column `label`.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    /// One name a class, in the order of the output's features.
    pub names: Vec<String>,
}

/// Memory of a recurrent network: a tensor that a step reads as the step before left another.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The tensor read; no layer writes it.
    pub previous: TensorId,
    /// The tensor whose value the next step finds in `previous`.
    pub next: TensorId,
    /// Value of `previous` in the first step after a reset.
    pub initial: Vec<f64>,
    /// Whether it holds whole numbers, kept as they are.
    pub counts: bool,
    /// The largest magnitude it can ever have, if that is known.
    pub bound: Option<f64>,
}

/// A trained network as real numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    /// A name for the generated module: the file's stem in snake case.
    pub name: String,
    /// All tensors.
    pub tensors: Vec<Tensor>,
    /// All layers, each after those it reads from.
    pub nodes: Vec<Node>,
    /// The tensor the caller writes.
    pub input: TensorId,
    /// The file's inputs, one after the other, where it has several.
    pub inputs: Vec<Part>,
    /// The file's inputs, where the caller has windows of theirs a row at a time.
    pub unrolled: Option<Unrolled>,
    /// Column names of the input's features; those of [`inputs`](Self::inputs), or `x0`, `x1`, ... if empty.
    pub input_names: Vec<String>,
    /// Values of the last input features, which a table may leave out.
    pub optional_inputs: Vec<f64>,
    /// The range of each input, if the network itself says so; calibration needs no data then.
    pub input_ranges: Vec<(f64, f64)>,
    /// Memory between steps.
    pub states: Vec<State>,
    /// The tensor the caller reads.
    pub output: TensorId,
    /// The file's outputs, one after the other, where it has several.
    pub outputs: Vec<Part>,
    /// Names of the output's features; those of [`outputs`](Self::outputs), or `y0`, `y1`, ... if empty.
    pub output_names: Vec<String>,
    /// Class names, if the network is a classifier with a label output.
    pub classes: Option<Classes>,
    /// What the importer left out or folded, for the user to read.
    pub notes: Vec<String>,
}

impl Graph {
    /// A graph with only its input, of a shape or, for a vector, of so many features.
    pub fn new(name: impl Into<String>, input: impl AsRef<str>, shape: impl Into<Shape>) -> Self {
        Self {
            name: name.into(),
            tensors: vec![Tensor { name: text::label(input.as_ref()), shape: shape.into() }],
            ..Self::default()
        }
    }

    /// Appends a layer and returns the tensor it writes, which also becomes the output.
    ///
    /// # Errors
    /// The layer's shape does not fit its inputs, a tensor has more than [`MOST_FEATURES`], or a parameter is
    /// not finite.
    pub fn push(
        &mut self,
        name: impl AsRef<str>,
        layer: Layer,
        inputs: &[TensorId],
    ) -> Result<TensorId> {
        let name = text::label(name.as_ref());
        let at = || format!("node `{name}` ({})", layer.kind());
        let mut shapes = Vec::with_capacity(inputs.len());
        for &id in inputs {
            let tensor = self.tensors.get(id).ok_or_else(|| {
                Error::new("a layer reads a tensor that does not exist")
                    .at(at())
                    .expected(format!("a tensor number below {}", self.tensors.len()))
                    .found(id)
                    .help("a layer reads the input, a state or a layer pushed before it")
            })?;
            shapes.push(tensor.shape);
        }
        let shape = layer.output_shape(&shapes).map_err(|expected| {
            Error::new("the shapes do not fit")
                .at(at())
                .expected(expected)
                .found(format!(
                    "inputs of lengths {:?}",
                    shapes.iter().map(Shape::to_string).collect::<Vec<_>>()
                ))
                .help("export the model again; every tensor must be one vector of features")
        })?;
        if shape.is_empty() {
            return Err(Error::new("a tensor has no elements")
                .at(at())
                .expected("at least one output feature")
                .found("0")
                .help("leave the empty part out of the model"));
        }
        if let Some(wide) =
            shapes.iter().chain([&shape]).map(|s| s.len()).find(|len| *len > MOST_FEATURES)
        {
            return Err(Error::new("a tensor has too many features")
                .at(at())
                .expected(format!("at most {MOST_FEATURES} features"))
                .found(wide)
                .help("a microcontroller's RAM does not hold them: make the layer narrower"));
        }
        if let Some(bad) = layer.numbers().find(|v| !v.is_finite()) {
            return Err(Error::new("a parameter is not a finite number")
                .at(at())
                .expected("finite weights, biases and constants")
                .found(bad)
                .help(
                    "the training diverged or the file is damaged: export a healthy checkpoint",
                ));
        }
        self.tensors.push(Tensor { name: name.clone(), shape });
        let output = self.tensors.len() - 1;
        self.nodes.push(Node { name, layer, inputs: inputs.to_vec(), output });
        self.output = output;
        Ok(output)
    }

    /// A node that writes a new tensor of `shape`, for a rewrite that puts it where its inputs are computed.
    pub(crate) fn unplaced(
        &mut self,
        name: String,
        layer: Layer,
        inputs: Vec<TensorId>,
        shape: impl Into<Shape>,
    ) -> Node {
        self.tensors.push(Tensor { name: name.clone(), shape: shape.into() });
        Node { name, layer, inputs, output: self.tensors.len() - 1 }
    }

    /// Adds a state of `initial.len()` features and returns the tensor that holds it in a step;
    /// [`close_state`](Self::close_state) says what it becomes.
    pub fn push_state(&mut self, name: impl AsRef<str>, initial: Vec<f64>) -> TensorId {
        self.tensors.push(Tensor { name: text::label(name.as_ref()), shape: initial.len().into() });
        let previous = self.tensors.len() - 1;
        self.states.push(State { previous, next: previous, initial, counts: false, bound: None });
        previous
    }

    /// Gives tensors of one name, which a layer that became several leaves, names of their own: `norm`, `norm_2`.
    pub fn name_apart(&mut self) {
        let mut taken: HashSet<String> = self.tensors.iter().map(|t| t.name.clone()).collect();
        let mut seen = HashSet::new();
        for tensor in &mut self.tensors {
            if !seen.insert(tensor.name.clone()) {
                tensor.name = text::first_free(&tensor.name, |name| !taken.contains(name));
                taken.insert(tensor.name.clone());
            }
        }
    }

    /// As [`push_state`](Self::push_state), for values whose magnitude never exceeds `bound`.
    pub fn push_bounded_state(
        &mut self,
        name: impl AsRef<str>,
        initial: Vec<f64>,
        bound: f64,
    ) -> TensorId {
        let previous = self.push_state(name, initial);
        let state = self.states.iter_mut().find(|s| s.previous == previous);
        state.into_iter().for_each(|s| s.bound = Some(bound));
        previous
    }

    /// As [`push_state`](Self::push_state), for whole numbers in the range of an i16, which are kept
    /// exactly.
    pub fn push_counters(&mut self, name: impl AsRef<str>, initial: Vec<f64>) -> TensorId {
        let previous = self.push_state(name, initial);
        self.states.iter_mut().filter(|s| s.previous == previous).for_each(|s| s.counts = true);
        previous
    }

    /// Adds a tapped delay line: the tensor of the last `rows` values of `row`, the oldest first, of which each was
    /// `initial` before the first step after a reset.
    ///
    /// # Errors
    /// As of [`push`](Self::push), or `initial` is not as long as `row`.
    pub fn push_delay_line(
        &mut self,
        name: impl AsRef<str>,
        initial: &[f64],
        rows: usize,
        row: TensorId,
    ) -> Result<TensorId> {
        let name = name.as_ref();
        let previous = self.push_state(format!("{name}_past"), initial.repeat(rows));
        let line = self.push(name, Layer::DelayLine, &[previous, row])?;
        self.close_state(previous, line)?;
        Ok(line)
    }

    /// Has the next step find `next` in the state that [`push_state`](Self::push_state) returned.
    ///
    /// # Errors
    /// The two have different lengths, or there is no such state.
    pub fn close_state(&mut self, previous: TensorId, next: TensorId) -> Result<()> {
        let (want, found) = (self.tensors[previous].shape, self.tensors[next].shape);
        match self.states.iter_mut().find(|s| s.previous == previous) {
            Some(state) if want == found => state.next = next,
            _ => {
                return Err(Error::new("a state changes its shape from step to step")
                    .at(format!("state `{}`", self.tensors[previous].name))
                    .expected(format!("{want} features"))
                    .found(found)
                    .help("the layer that writes the state must be as wide as the state"));
            }
        }
        Ok(())
    }

    /// The delay line that `state` keeps for the next step, if that is what it is.
    pub fn delay_line(&self, state: &State) -> Option<&Node> {
        let keeps = |node: &&Node| {
            matches!(node.layer, Layer::DelayLine)
                && node.output == state.next
                && node.inputs.first() == Some(&state.previous)
        };
        self.nodes.iter().find(keeps)
    }

    /// Whether `state` holds real numbers of the network's own: neither counters nor what delay lines hold.
    pub fn is_real(&self, state: &State) -> bool {
        !state.counts && self.delay_line(state).is_none()
    }

    /// The states that [are real](Self::is_real).
    pub fn real_states(&self) -> impl Iterator<Item = &State> {
        self.states.iter().filter(|state| self.is_real(state))
    }

    /// Whether an error of one step can live on in all that follow: delay lines forget it.
    pub fn feeds_back(&self) -> bool {
        self.states.iter().any(|state| self.delay_line(state).is_none())
    }

    /// Removes layers that the output does not depend on and numbers the tensors anew.
    pub fn remove_unread(&mut self) {
        let mut read = vec![false; self.tensors.len()];
        read[self.output] = true;
        // What a state becomes is read where the state is, and may read another state, whatever their order.
        loop {
            for node in self.nodes.iter().rev() {
                if read[node.output] {
                    node.inputs.iter().for_each(|&id| read[id] = true);
                }
            }
            let found = self.states.iter().find(|state| read[state.previous] && !read[state.next]);
            match found {
                Some(state) => read[state.next] = true,
                None => break,
            }
        }
        self.states.retain(|state| read[state.previous]);
        self.nodes.retain(|node| read[node.output]);
        let sources = std::iter::once(self.input).chain(self.states.iter().map(|s| s.previous));
        let kept: Vec<TensorId> = sources.chain(self.nodes.iter().map(|n| n.output)).collect();
        let mut number = vec![0; self.tensors.len()];
        for (new, &old) in kept.iter().enumerate() {
            number[old] = new;
        }
        self.tensors = kept.iter().map(|&old| self.tensors[old].clone()).collect();
        for node in &mut self.nodes {
            node.inputs.iter_mut().for_each(|id| *id = number[*id]);
            node.output = number[node.output];
        }
        for state in &mut self.states {
            (state.previous, state.next) = (number[state.previous], number[state.next]);
        }
        self.input = number[self.input];
        self.output = number[self.output];
    }

    /// The tensors that the caller reads, one after the other: those that the output only joins, or itself.
    pub fn outputs_apart(&self) -> &[TensorId] {
        match self.nodes.iter().rfind(|node| node.output == self.output) {
            Some(Node { layer: Layer::Concat, inputs, .. }) => inputs,
            _ => std::slice::from_ref(&self.output),
        }
    }

    /// The widths among which the caller chooses, each with what it gives as the output; none if there is one alone.
    pub fn widths(&self) -> Vec<(&str, TensorId)> {
        match self.nodes.iter().rfind(|node| node.output == self.output) {
            Some(Node { layer: Layer::Anytime { names }, inputs, .. }) => {
                names.iter().map(String::as_str).zip(inputs.iter().copied()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The widths that need each node, as bits; what a state becomes is needed by all.
    pub fn needed_by(&self) -> Vec<u32> {
        let mut of = vec![0; self.tensors.len()];
        of[self.output] = u32::MAX;
        self.states.iter().for_each(|state| of[state.next] = u32::MAX);
        let mut needed = vec![0; self.nodes.len()];
        for (node, needed) in self.nodes.iter().zip(&mut needed).rev() {
            *needed = of[node.output];
            for (k, &input) in node.inputs.iter().enumerate() {
                of[input] |= match node.layer {
                    Layer::Anytime { .. } => *needed & 1 << k,
                    _ => *needed,
                };
            }
        }
        needed
    }

    /// Features of the output that are the index of the largest of several numbers, with the tensor of these.
    pub fn indices(&self) -> Vec<(usize, TensorId)> {
        let mut start = 0;
        let index = |&id: &TensorId| {
            let place = start;
            start += self.tensors[id].len();
            let writer = self.nodes.iter().rfind(|node| node.output == id)?;
            matches!(writer.layer, Layer::ArgMax).then(|| (place, writer.inputs[0]))
        };
        self.outputs_apart().iter().filter_map(index).collect()
    }

    /// Whether anything beyond the layers needs `tensor`: the caller, or the next step.
    pub fn is_result(&self, tensor: TensorId) -> bool {
        tensor == self.output || self.states.iter().any(|s| s.next == tensor)
    }

    /// Whether `tensor` is written by no layer: the input, or a state.
    pub fn is_source(&self, tensor: TensorId) -> bool {
        tensor == self.input || self.states.iter().any(|s| s.previous == tensor)
    }

    /// Column name of input feature `i`.
    pub fn input_name(&self, i: usize) -> String {
        let named = self.input_names.get(i).cloned();
        named.or_else(|| name_in(&self.inputs, i)).unwrap_or_else(|| numbered_input(i))
    }

    /// Name of output feature `i`.
    pub fn output_name(&self, i: usize) -> String {
        let named = self.output_names.get(i).cloned();
        named.or_else(|| name_in(&self.outputs, i)).unwrap_or_else(|| format!("y{i}"))
    }

    /// Column names of the states that are real numbers, in their order: `c0`, `c1`, ... for what the file calls a
    /// cell, `h0`, `h1`, ... for all else.
    pub fn state_columns(&self) -> Vec<String> {
        let mut counts = [0; 2];
        let mut columns = Vec::new();
        for state in self.real_states() {
            let cell = is_cell(&self.tensors[state.previous].name);
            let count = &mut counts[usize::from(cell)];
            let prefix = if cell { 'c' } else { 'h' };
            columns.extend((*count..*count + state.initial.len()).map(|i| format!("{prefix}{i}")));
            *count += state.initial.len();
        }
        columns
    }

    /// Number of input features.
    pub fn input_len(&self) -> usize {
        self.tensors[self.input].len()
    }

    /// Number of output features.
    pub fn output_len(&self) -> usize {
        self.tensors[self.output].len()
    }

    /// Trained parameters of all layers.
    pub fn parameters(&self) -> usize {
        self.nodes.iter().map(|n| n.layer.parameters()).sum()
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> usize {
        self.nodes.iter().map(|n| n.layer.macs()).sum()
    }
}

/// Whether a state is called as the cell of an LSTM is, by the last word in its name that says which it is.
fn is_cell(name: &str) -> bool {
    const HIDDEN: [&str; 7] = ["h", "hidden", "hx", "hn", "ht", "activity", "potentials"];
    const CELL: [&str; 6] = ["c", "cell", "cells", "cx", "cn", "ct"];
    let name = name.to_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphabetic());
    let last = words.rfind(|word| HIDDEN.contains(word) || CELL.contains(word));
    last.is_some_and(|word| CELL.contains(&word))
}
