//! A file's nodes, evaluated one after the other on what is known of their inputs.
//!
//! Stands on the graph, and on what the operators share.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use sha2::Digest;

use super::array::{self, DAMAGED};
use super::builder::Builder;
use super::door::Door;
use super::history::Window;
use super::interface::{Doors, Interface};
use super::node::{self, Call, Flow, Value};
use super::pairs::Pair;
use super::proto::{self, GraphProto, ModelProto, NodeProto};
use super::tensor::TensorReader;
use super::{ops, outputs};
use crate::data::hex;
use crate::error::{Error, Kind, Result};
use crate::graph::{Graph, Layer, Part, TensorId, Unrolled};
use crate::settings::{Settings, StateSettings};
use crate::text;

/// Oldest operator set whose operators mean what the importer takes them to mean.
const OLDEST_OPSET: i64 = 7;

/// A file with what is said of it.
pub struct File<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    pub model: &'a ModelProto,
    pub proto: &'a GraphProto,
    pub doors: Doors<'a>,
    settings: &'a Settings,
}

impl<'a> File<'a> {
    /// The file `path`, which was read as `model`.
    ///
    /// # Errors
    /// There is no graph in it, or its states and `settings` contradict each other.
    pub fn of(
        path: &'a Path,
        bytes: &'a [u8],
        model: &'a ModelProto,
        settings: &'a Settings,
    ) -> Result<Self> {
        let none = || Error::new("the model has no graph").help(DAMAGED);
        let proto = model.graph.as_ref().ok_or_else(none)?;
        let doors = Doors::of(proto, &settings.state)?;
        Ok(Self { path, bytes, model, proto, doors, settings })
    }

    /// The outputs that can be imported, and what there is to say of the others.
    pub fn supported(&self) -> Result<(Vec<&'a str>, Vec<String>)> {
        let all = self.doors.outputs();
        if all.len() < 2 {
            return Ok((all, Vec::new()));
        }
        let interface = self.doors.interface(&all)?;
        let mut importer = Importer::new(self, "survey", &interface)?;
        let mut failed: HashMap<&str, Error> = HashMap::new();
        for node in interface.nodes.iter().filter_map(|&index| self.proto.node.get(index)) {
            let behind = node.input.iter().find_map(|name| failed.get(name.as_str()).cloned());
            if let Some(error) = behind.or_else(|| importer.node(node).err()) {
                failed.extend(node.output.iter().map(|name| (name.as_str(), error.clone())));
            }
        }
        let mut outcome = |name| match failed.remove(name) {
            Some(error) => Err(error),
            None => outputs::usable(name, &importer.value(name)?),
        };
        let outcomes: Vec<(&str, Result<()>)> =
            all.iter().map(|&name| (name, outcome(name))).collect();
        let (mut good, mut notes) = (Vec::new(), Vec::new());
        for (name, outcome) in &outcomes {
            match outcome {
                Ok(()) => good.push(*name),
                Err(error) => {
                    notes.push(format!("the output `{name}` is left out: {}", error.brief()));
                }
            }
        }
        match outcomes.into_iter().next() {
            Some((_, Err(error))) if good.is_empty() => Err(error),
            _ => Ok((good, notes)),
        }
    }
}

/// A graph on its way from a file, node by node.
pub struct Importer<'a> {
    opsets: HashMap<&'a str, i64>,
    values: HashMap<&'a str, Value>,
    initializers: HashMap<&'a str, &'a proto::TensorProto>,
    /// Activations of whole numbers, whose arithmetic is another: a quotient of them is cut off.
    integers: HashSet<&'a str>,
    /// The tensor of each state, with the file's names for it.
    states: Vec<(TensorId, Pair<'a>)>,
    /// Whether the outputs are the same thing in several widths.
    widths: bool,
    pub builder: Builder,
}

/// Operators whose results on whole numbers are those on real ones, and whole.
#[rustfmt::skip]
const WHOLE_AS_REAL: &[&str] = &[
    "Abs", "Add", "Concat", "DepthToSpace", "Dropout", "Expand", "Flatten", "Gather", "GatherElements", "GatherND",
    "Gemm", "Identity", "MatMul", "Max", "Min", "Mul", "Neg", "Pad", "ReduceMax", "ReduceMin", "ReduceSum", "Reshape", "ScatterElements",
    "ScatterND", "Sign", "Slice", "SpaceToDepth", "Split", "Squeeze", "Sub", "Sum", "Tile", "Transpose", "Unsqueeze",
    "Where",
];

/// Those whose results are no whole numbers, or none that are computed with.
#[rustfmt::skip]
const WHOLE_TAKEN: &[&str] = &[
    "ArgMax", "ArgMin", "Cast", "CastLike", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Shape", "Size",
];

impl<'a> Importer<'a> {
    /// A graph called `name` with the inputs and states of `interface`.
    pub fn new(file: &File<'a>, name: &str, interface: &Interface<'a>) -> Result<Self> {
        let File { model, doors, settings, .. } = file;
        let opsets: HashMap<&str, i64> = model
            .opset_import
            .iter()
            .map(|o| (o.domain.as_deref().unwrap_or(""), o.version.unwrap_or(1)))
            .collect();
        let opset = opsets.get("").or(opsets.get("ai.onnx")).copied();
        if let Some(version) = opset.filter(|v| *v < OLDEST_OPSET) {
            return Err(Error::new("the operator set is too old")
                .at("opset_import")
                .expected(format!("version {OLDEST_OPSET} or later"))
                .found(version)
                .help("convert it with onnx.version_converter, or export it again"));
        }
        let Interface { features, states, .. } = interface;
        let open = |input| Opened::of(input, doors);
        let opened = features.iter().map(open).collect::<Result<Vec<_>>>()?;
        let names: Vec<&str> = features.iter().map(|input| input.name).collect();
        let mut graph =
            Graph::new(name, names.join(", "), opened.iter().map(|o| o.features).sum::<usize>());
        if features.iter().any(Door::is_batched) {
            graph.notes.push("the dynamic batch axis is taken as 1".into());
        }
        let all = features.iter().chain(states.iter().map(|(input, _)| input));
        let integers = all.filter(|input| input.is_integer()).map(|input| input.name).collect();
        let mut importer = Self {
            opsets,
            values: HashMap::new(),
            initializers: doors.initializers.clone(),
            integers,
            states: Vec::new(),
            widths: settings.outputs.is_empty() && !settings.widths.is_empty(),
            builder: Builder::new(
                graph,
                TensorReader::new(file.path, file.bytes),
                settings.state.keep,
            ),
        };
        for (input, pair) in states {
            importer.open_state(input, *pair, &settings.state)?;
        }
        importer.open_features(&opened, interface.outputs.len() > 1, &settings.state)?;
        Ok(importer)
    }

    /// Gives each of the file's inputs its part of the caller's.
    fn open_features(
        &mut self,
        opened: &[Opened<'a, '_>],
        several_outputs: bool,
        settings: &StateSettings,
    ) -> Result<()> {
        let graph = &mut self.builder.graph;
        let input = graph.input;
        if opened.len() > 1 || several_outputs {
            graph.inputs = opened.iter().map(|o| Part::of(o.name, o.features)).collect();
        }
        graph.unrolled = unrolled(opened, settings)?;
        let mut start = 0;
        for Opened { name, dims, features, window } in opened {
            let row = match opened.len() {
                1 => input,
                _ => {
                    let picked = Layer::Select((start..start + features).collect());
                    self.builder.flow(name, picked, &[input], &[*features])?.id
                }
            };
            let id = match window {
                Some(window) => self.open_window(window, row, settings)?,
                None => row,
            };
            self.values.insert(name, Value::Flow(Flow { id, dims: dims.clone() }));
            start += features;
        }
        Ok(())
    }

    /// The window that an input is, of the rows that the caller gave step by step.
    fn open_window(
        &mut self,
        window: &Window,
        row: TensorId,
        settings: &StateSettings,
    ) -> Result<TensorId> {
        let &Window { name, rows, features, ref places } = window;
        let initial = past(name, features, settings)?;
        let graph = &mut self.builder.graph;
        let line = graph.push_delay_line(format!("{name}_rows"), &initial, rows, row)?;
        graph.notes.push(Unrolled::note(&text::label(name), rows, features, &initial));
        if places.is_sorted() {
            return Ok(line);
        }
        let layout = Layer::Select(places.clone());
        self.builder.push(&format!("{name}_window"), layout, &[line])
    }

    /// Makes an input of the file a state.
    fn open_state(
        &mut self,
        input: &Door<'a>,
        pair: Pair<'a>,
        settings: &StateSettings,
    ) -> Result<()> {
        let (dims, len) = sized(input, input.state())?;
        let initial = settings.initial(input.name, len).map_err(|e| e.of_kind(Kind::Settings))?;
        let id = self.builder.graph.push_state(input.name, initial);
        self.builder.graph.notes.push(format!(
            "the output `{}` is kept as the state `{}` of the next step",
            pair.output, pair.input
        ));
        self.states.push((id, pair));
        self.values.insert(input.name, Value::Flow(Flow { id, dims }));
        Ok(())
    }

    /// The value of a name, decoding an initializer when it is first read.
    fn value(&mut self, name: &'a str) -> Result<Value> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let tensor = self.initializers.get(name).ok_or_else(|| {
            Error::new("a tensor is not known")
                .expected(format!("a value for `{name}`"))
                .found("the node that writes it could not be imported, or does not write it at inference")
                .help("look at the first node that cannot be imported; only the first output of a normalisation or dropout is there")
        })?;
        let value = self.builder.decoded(tensor)?;
        self.values.insert(name, value.clone());
        Ok(value)
    }

    /// Adds what `node` computes.
    pub fn node(&mut self, node: &'a NodeProto) -> Result<()> {
        self.node_unplaced(node).map_err(|e| e.at(node::title(node)))
    }

    fn node_unplaced(&mut self, node: &'a NodeProto) -> Result<()> {
        self.check_integers(node)?;
        let inputs = node
            .input
            .iter()
            .map(|name| if name.is_empty() { Ok(None) } else { self.value(name).map(Some) })
            .collect::<Result<Vec<_>>>()?;
        let call = Call::new(node, inputs, self.opset(node.domain.as_deref().unwrap_or_default())?);
        let written = ops::import(&mut self.builder, &call)?;
        call.understood()?;
        if ops::writes_whole(&call) {
            self.integers.extend(node.output.iter().map(String::as_str));
        }
        for (name, value) in node.output.iter().zip(written) {
            match &value {
                Value::Flow(flow) => self.rename(flow.id, name),
                // What is known has been computed with its own arithmetic already.
                Value::Constant(_) => drop(self.integers.remove(name.as_str())),
                _ => {}
            }
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// Refuses arithmetic on whole numbers that is another than that on real ones.
    fn check_integers(&mut self, node: &'a NodeProto) -> Result<()> {
        let Some(name) = node.input.iter().find(|name| self.integers.contains(name.as_str()))
        else {
            return Ok(());
        };
        let op = node.op_type.as_deref().unwrap_or_default();
        if WHOLE_AS_REAL.contains(&op) {
            // An index says nothing of what is picked.
            let picked = node.input.first().filter(|_| op.starts_with("Gather"));
            if picked.is_none_or(|data| self.integers.contains(data.as_str())) {
                self.integers.extend(node.output.iter().map(String::as_str));
            }
            return Ok(());
        }
        // The operators of scikit-learn take whole numbers as real ones.
        if WHOLE_TAKEN.contains(&op) || node.domain.as_deref() == Some("ai.onnx.ml") {
            return Ok(());
        }
        Err(Error::new("whole numbers are computed with")
            .expected("a cast of the input to float32 before anything else")
            .found(format!("`{name}`, which holds whole numbers"))
            .help("cast them to float32 first, or export with a float32 input: a quotient of whole numbers is another"))
    }

    /// The version of an operator set, which the operators of one are read by.
    fn opset(&self, domain: &str) -> Result<i64> {
        if !matches!(domain, "" | "ai.onnx") {
            // No operator of another domain changed its meaning.
            return Ok(self.opsets.get(domain).copied().unwrap_or(1));
        }
        let declared = self.opsets.get("").or(self.opsets.get("ai.onnx")).copied();
        declared.ok_or_else(|| {
            Error::new("the version of the operator set is not known")
                .expected("an opset_import of the standard operators")
                .found("none")
                .help("operators change from version to version: export the model again")
        })
    }

    /// Gives a tensor the name the file has for it, unless it has one already.
    fn rename(&mut self, id: usize, name: &str) {
        let graph = &mut self.builder.graph;
        let own = graph.nodes.last().is_some_and(|n| n.output == id);
        if let Some(tensor) = graph.tensors.get_mut(id).filter(|_| own) {
            tensor.name = text::label(name);
        }
    }

    /// Shapes of what `node` has written, in words.
    pub fn shapes(&self, node: &NodeProto) -> String {
        let shape = |name: &String| match self.values.get(name.as_str()) {
            Some(Value::Flow(f)) => format!("{:?}", f.dims),
            Some(Value::Constant(a)) => format!("constant {:?}", a.dims),
            Some(Value::Text(t)) => format!("{} strings", t.len()),
            Some(Value::Sequence(s)) => format!("sequence of {} tensors", s.len()),
            Some(Value::Label(l)) => format!("label of {} classes", l.names.len()),
            None => "unused".into(),
        };
        node.output.iter().map(shape).collect::<Vec<_>>().join(", ")
    }

    /// The graph of the outputs of `interface`, and the digest of what was read.
    pub fn finish(mut self, interface: &Interface<'a>) -> Result<(Graph, String)> {
        let mut outputs = Vec::new();
        for output in &interface.outputs {
            outputs.push(((*output).to_owned(), self.value(output)?));
        }
        match self.widths {
            true => outputs::widths(&mut self.builder, &outputs)?,
            false => {
                outputs::choose(&mut self.builder, &outputs, interface.features.len() > 1)?;
            }
        }
        self.close_states()?;
        let mut graph = self.builder.graph;
        let name = &graph.tensors[graph.output].name;
        let itself = outputs.iter().any(|(output, _)| output == name);
        if graph.output == graph.input && !itself {
            graph.notes.push("the network gives its input back as it is".into());
        } else if graph.output == graph.input {
            return Err(Error::new("the network computes nothing")
                .at("the outputs of the graph")
                .expected("layers between input and output")
                .found("the input itself")
                .help("export the network with its layers, not only its shape operators"));
        }
        if graph.is_source(graph.output) {
            let source = graph.output;
            graph.push("identity", Layer::identity(graph.output_len()), &[source])?;
        }
        graph.remove_unread();
        Ok((graph, hex(&self.builder.tensors.hash.finalize())))
    }

    /// Has each state become what the file gives as its output.
    fn close_states(&mut self) -> Result<()> {
        let output = self.builder.graph.output;
        for (id, Pair { input, output }) in std::mem::take(&mut self.states) {
            let at = |e: Error| e.at(format!("state `{input}`, output `{output}`"));
            let next = match self.value(output)? {
                Value::Flow(flow) => flow.id,
                Value::Constant(constant) => self.builder.fixed(output, &constant.data)?,
                other => {
                    return Err(at(Error::new("a state becomes no numbers")
                        .expected("a tensor of activations")
                        .found(other.kind())
                        .help("export the network with its state as numbers")));
                }
            };
            let next = match self.builder.graph.is_source(next) {
                // A state needs a layer that writes it.
                true => {
                    let copy = Layer::identity(self.builder.len(next));
                    self.builder.push(output, copy, &[next])?
                }
                false => next,
            };
            self.builder.graph.close_state(id, next).map_err(at)?;
        }
        self.builder.graph.output = output;
        Ok(())
    }
}

/// An input of the file on its way to be a part of the caller's.
struct Opened<'a, 'd> {
    name: &'a str,
    /// Its shape.
    dims: Vec<usize>,
    /// Features of it that the caller writes in a step.
    features: usize,
    window: Option<&'d Window<'a>>,
}

impl<'a, 'd> Opened<'a, 'd> {
    fn of(input: &Door<'a>, doors: &'d Doors<'a>) -> Result<Self> {
        let (dims, len) = sized(input, input.features())?;
        let window = doors.window(input.name);
        let features = window.map_or(len, |window| window.features);
        Ok(Self { name: input.name, dims, features, window })
    }
}

/// Where the file's features are in the steps of its windows, if any input is one.
fn unrolled(opened: &[Opened], settings: &StateSettings) -> Result<Option<Unrolled>> {
    let windows = || opened.iter().filter_map(|opened| opened.window);
    let Some(rows) = windows().map(|window| window.rows).max() else { return Ok(None) };
    let (mut places, mut before, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    for Opened { name, features, window, .. } in opened {
        let start = before.len();
        match window {
            Some(window) => {
                let first = rows - window.rows;
                let place =
                    |place: &usize| (Some(first + place / features), start + place % features);
                places.extend(window.places.iter().map(place));
                before.extend(past(name, *features, settings)?);
                inputs.push(Part::of(name, window.places.len()));
            }
            None => {
                places.extend((start..start + features).map(|feature| (None, feature)));
                before.resize(start + features, 0.0);
                inputs.push(Part::of(name, *features));
            }
        }
    }
    if inputs.len() == 1 {
        inputs.clear();
    }
    Ok(Some(Unrolled { rows, inputs, places, past: before }))
}

/// What each feature of a window was before the first step.
fn past(name: &str, features: usize, settings: &StateSettings) -> Result<Vec<f64>> {
    settings.initial(name, features).map_err(|e| e.of_kind(Kind::Settings))
}

/// A shape, which is not empty, and how many features it holds.
fn sized(input: &Door, dims: Result<Vec<usize>>) -> Result<(Vec<usize>, usize)> {
    let at = |e: Error| e.at(format!("input `{}`", input.name));
    let dims = dims.map_err(at)?;
    let len = array::volume(&dims).map_err(at)?;
    if len == 0 {
        return Err(at(Error::new("the input has no elements")
            .expected("at least one feature")
            .found(format!("shape {dims:?}"))
            .help("export with a fixed number of features")));
    }
    Ok((dims, len))
}
