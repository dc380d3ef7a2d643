//! ONNX files, operator set 11 to the newest.
//!
//! Nodes are evaluated once on values: what is known becomes a constant, what depends on the
//! input becomes a layer. The batch axis is 1, so every tensor of activations is a vector with a shape.
//!
//! Stands on the graph; `builder` and `node` have what the operators share.

mod array;
mod builder;
mod node;
mod ops;
mod order;
mod outputs;
pub mod proto;
mod tensor;
#[cfg(test)]
mod tests;

pub use self::ops::SUPPORTED;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use prost::Message;
use sha2::Digest;

use self::array::DAMAGED;
use self::builder::Builder;
use self::node::{Call, Flow, Value};
use self::proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use self::tensor::TensorReader;
use super::file::read;
use crate::data::hex;
use crate::error::{Error, Result};
use crate::graph::{Graph, Layer};
use crate::text;

/// Oldest operator set whose operators mean what the importer takes them to mean.
const OLDEST_OPSET: i64 = 11;

/// Reads the network in the file `path`, to be called `name`, and the digest of its files.
///
/// # Errors
/// The file is not an ONNX model, is damaged, or computes something without a layer.
pub fn load(path: &Path, name: &str) -> Result<(Graph, String)> {
    let import = || {
        let bytes = read(path)?;
        let model = parse(&bytes)?;
        let mut importer = Importer::new(&model, name, TensorReader::new(path, &bytes))?;
        let nodes = &importer.proto.node;
        for index in order::needed(importer.proto, &importer.known())? {
            if let Some(node) = nodes.get(index) {
                importer.node(node)?;
            }
        }
        importer.finish()
    };
    import().map_err(|e| e.file(path))
}

/// The files that hold the data of an ONNX model's tensors; none if the model cannot be read.
pub fn data_files(path: &Path) -> Vec<PathBuf> {
    let Ok(model) = read(path).and_then(|bytes| parse(&bytes)) else { return Vec::new() };
    let tensors = model.graph.iter().flat_map(|graph| &graph.initializer);
    let entries = tensors.flat_map(|tensor| &tensor.external_data);
    let locations = entries.filter(|entry| entry.key.as_deref() == Some("location"));
    let names: BTreeSet<&str> = locations.filter_map(|entry| entry.value.as_deref()).collect();
    names.into_iter().map(|name| path.with_file_name(name)).collect()
}

/// What became of one node of a file.
pub struct Surveyed {
    /// Its name.
    pub name: String,
    /// Its operator.
    pub op: String,
    /// Shapes of its outputs, or why it could not be imported.
    pub outcome: std::result::Result<String, String>,
}

/// Every node of the file `path` with what became of it, for files that cannot be imported as a whole.
///
/// # Errors
/// The file is not an ONNX model, or has no usable input.
pub fn survey(path: &Path) -> Result<Vec<Surveyed>> {
    let survey = || {
        let bytes = read(path)?;
        let model = parse(&bytes)?;
        let mut importer = Importer::new(&model, "survey", TensorReader::new(path, &bytes))?;
        let surveyed = importer.proto.node.iter().map(|node| {
            let outcome = importer.node(node).map(|()| importer.shapes(node));
            Surveyed {
                name: node::name(node).to_owned(),
                op: node.op_type.clone().unwrap_or_default(),
                outcome: outcome.map_err(|e| e.reason()),
            }
        });
        Ok(surveyed.collect())
    };
    survey().map_err(|e: Error| e.file(path))
}

fn parse(bytes: &[u8]) -> Result<ModelProto> {
    let damaged = |found: String| {
        Error::new("this is not an ONNX model, or it is damaged")
            .expected("a protocol buffer with a graph in it")
            .found(found)
            .help("export the model again, and copy the file in binary mode")
    };
    if bytes.is_empty() {
        return Err(damaged("an empty file".into()));
    }
    let model = ModelProto::decode(bytes).map_err(|e| damaged(e.to_string()))?;
    match &model.graph {
        Some(graph) if !graph.node.is_empty() => Ok(model),
        Some(_) => Err(damaged("a graph without nodes".into())),
        None => Err(damaged("no graph".into())),
    }
}

struct Importer<'a> {
    proto: &'a GraphProto,
    opsets: HashMap<&'a str, i64>,
    values: HashMap<&'a str, Value>,
    initializers: HashMap<&'a str, &'a proto::TensorProto>,
    /// Activations of whole numbers, whose arithmetic is another: a quotient of them is cut off.
    integers: HashSet<&'a str>,
    builder: Builder,
}

/// Operators that leave whole numbers as they are.
const REARRANGING: [&str; 12] = [
    "Concat",
    "Dropout",
    "Expand",
    "Flatten",
    "Gather",
    "Identity",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

impl<'a> Importer<'a> {
    fn new(model: &'a ModelProto, name: &str, tensors: TensorReader) -> Result<Self> {
        let proto = model
            .graph
            .as_ref()
            .ok_or_else(|| Error::new("the model has no graph").help(DAMAGED))?;
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
        let initializers: HashMap<&str, &proto::TensorProto> =
            proto.initializer.iter().map(|t| (t.name.as_deref().unwrap_or(""), t)).collect();
        let input = input_of(proto, &initializers)?;
        let input_name = input.name.as_deref().unwrap_or("");
        let dims = shape_of(input).map_err(|e| e.at(format!("input `{input_name}`")))?;
        let len = array::volume(&dims).map_err(|e| e.at(format!("input `{input_name}`")))?;
        let mut graph = Graph::new(name, input_name, len);
        if len == 0 {
            return Err(Error::new("the input has no elements")
                .at(format!("input `{input_name}`"))
                .expected("at least one feature")
                .found(format!("shape {dims:?}"))
                .help("export with a fixed number of features"));
        }
        graph.notes.extend(batch_note(input));
        let flow = Value::Flow(Flow { id: graph.input, dims });
        let values = HashMap::from([(input_name, flow)]);
        let integers = is_integer(input).then_some(input_name).into_iter().collect();
        let builder = Builder::new(graph, tensors);
        Ok(Self { proto, opsets, values, initializers, integers, builder })
    }

    /// Names that need no node.
    fn known(&self) -> HashSet<&'a str> {
        self.values.keys().chain(self.initializers.keys()).copied().collect()
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

    fn node(&mut self, node: &'a NodeProto) -> Result<()> {
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
        for (name, value) in node.output.iter().zip(written) {
            if let Value::Flow(flow) = &value {
                self.rename(flow.id, name);
            }
            self.values.insert(name, value);
        }
        Ok(())
    }

    /// Refuses arithmetic on whole numbers that come from the input.
    fn check_integers(&mut self, node: &'a NodeProto) -> Result<()> {
        let Some(name) = node.input.iter().find(|name| self.integers.contains(name.as_str()))
        else {
            return Ok(());
        };
        let op = node.op_type.as_deref().unwrap_or_default();
        if REARRANGING.contains(&op) {
            self.integers.extend(node.output.iter().map(String::as_str));
            return Ok(());
        }
        // The operators of scikit-learn take whole numbers as real ones.
        if matches!(op, "Cast" | "CastLike" | "Shape" | "Size")
            || node.domain.as_deref() == Some("ai.onnx.ml")
        {
            return Ok(());
        }
        Err(Error::new("whole numbers are computed with")
            .expected("a cast of the input to float32 before anything else")
            .found(format!("`{name}`, which holds whole numbers"))
            .help("export with a float32 input, or cast it first: a quotient of whole numbers is another"))
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

    fn shapes(&self, node: &NodeProto) -> String {
        let shape = |name: &String| match self.values.get(name.as_str()) {
            Some(Value::Flow(f)) => format!("{:?}", f.dims),
            Some(Value::Constant(a)) => format!("constant {:?}", a.dims),
            Some(Value::Text(t)) => format!("{} strings", t.len()),
            Some(Value::Label(l)) => format!("label of {} classes", l.names.len()),
            None => "unused".into(),
        };
        node.output.iter().map(shape).collect::<Vec<_>>().join(", ")
    }

    fn finish(mut self) -> Result<(Graph, String)> {
        let mut outputs = Vec::new();
        for output in self.proto.output.iter().filter_map(|o| o.name.as_deref()) {
            outputs.push((output.to_owned(), self.value(output)?));
        }
        outputs::choose(&mut self.builder, &outputs)?;
        let mut graph = self.builder.graph;
        let itself = outputs.iter().any(|(name, _)| *name == graph.tensors[graph.input].name);
        if graph.output == graph.input && !itself {
            let len = graph.input_len();
            graph.notes.push("the network gives its input back as it is".into());
            let identity = Layer::Affine { scale: vec![1.0; len], offset: vec![0.0; len] };
            graph.push("identity", identity, &[graph.input])?;
        } else if graph.output == graph.input {
            return Err(Error::new("the network computes nothing")
                .at("the outputs of the graph")
                .expected("layers between input and output")
                .found("the input itself")
                .help("export the network with its layers, not only its shape operators"));
        }
        graph.remove_unread();
        Ok((graph, hex(&self.builder.tensors.hash.finalize())))
    }
}

/// The one input that is not a constant.
fn input_of<'a>(
    proto: &'a GraphProto,
    initializers: &HashMap<&str, &proto::TensorProto>,
) -> Result<&'a ValueInfoProto> {
    let name = |i: &'a ValueInfoProto| i.name.as_deref().unwrap_or("");
    let declared: Vec<&ValueInfoProto> =
        proto.input.iter().filter(|i| !initializers.contains_key(name(i))).collect();
    let read: HashSet<&str> =
        proto.node.iter().flat_map(|n| n.input.iter().map(String::as_str)).collect();
    let used: Vec<&ValueInfoProto> =
        declared.iter().filter(|i| read.contains(name(i))).copied().collect();
    match (used.as_slice(), declared.as_slice()) {
        ([one], _) => Ok(one),
        ([], []) => Err(Error::new("the model has no input")
            .at("the inputs of the graph")
            .expected("one input")
            .found("none")
            .help("export the model with its input, not with the data of one example")),
        ([], [first, ..]) => Err(Error::new("the input is not read by any node")
            .at(format!("input `{}`", name(first)))
            .expected("layers that read it")
            .found("none")
            .help("export the model in inference mode, traced with an input of its own")),
        (many, _) => {
            let names: Vec<&str> = many.iter().map(|i| name(i)).collect();
            // A state that goes in and comes out is a second input, which joining does not help.
            let recurrent = proto.output.len() > 1;
            Err(Error::new("the model has several inputs")
                .at("the inputs of the graph")
                .expected("one input, a vector of features")
                .found(format!("{} inputs: {}", names.len(), names.join(", ")))
                .help(match recurrent {
                    true => "a recurrent step, with its state as input and output, is not supported; inputs without a state can be joined before export: one input, split inside the model",
                    false => "join them before export: one input, split inside the model",
                }))
        }
    }
}

/// Whether the input holds whole numbers.
fn is_integer(input: &ValueInfoProto) -> bool {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let element = tensor.and_then(|t| t.elem_type).unwrap_or(1);
    tensor::scalar_of(element).is_some_and(|scalar| scalar.is_integer())
}

/// The shape of the input with a batch of 1.
fn shape_of(input: &ValueInfoProto) -> Result<Vec<usize>> {
    let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let element = tensor.and_then(|t| t.elem_type).unwrap_or(1);
    if tensor::scalar_of(element).is_none() {
        return Err(Error::new("the input is not numeric")
            .expected("floating-point features")
            .found(format!("ONNX data type {element}"))
            .help("export with a float32 input"));
    }
    let help = "export with a fixed number of features and a batch of 1 or a dynamic batch axis";
    let shape = tensor.and_then(|t| t.shape.as_ref()).ok_or_else(|| {
        Error::new("the input has no shape").expected("a shape").found("none").help(help)
    })?;
    let known = |k: usize| {
        let dim = shape.dim.get(k)?.dim_value?;
        usize::try_from(dim).ok().filter(|&d| d > 0 || k > 0)
    };
    let rank = shape.dim.len();
    let mut dims = Vec::with_capacity(rank);
    for k in 0..rank {
        dims.push(match known(k) {
            Some(d) => d,
            None if k == 0 && rank > 1 => 1,
            None => {
                return Err(Error::new("the input has a feature axis of unknown length")
                    .expected("a fixed number of features")
                    .found(format!("no length on axis {k} of {rank}"))
                    .help(help));
            }
        });
    }
    match dims.as_slice() {
        [batch, _, ..] if *batch != 1 => Err(Error::new("the input has a fixed batch")
            .expected("a batch of 1, or a dynamic batch axis")
            .found(format!("shape {dims:?}"))
            .help(help)),
        _ => Ok(dims),
    }
}

fn batch_note(input: &ValueInfoProto) -> Option<String> {
    let shape = input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref()?;
    let first = shape.dim.first().filter(|_| shape.dim.len() > 1)?;
    let dynamic = first.dim_value.is_none_or(|d| d <= 0);
    dynamic.then(|| "the dynamic batch axis is taken as 1".to_owned())
}
