//! A node with the values of its inputs, and typed access to its attributes.

use std::rc::Rc;

use super::array::Array;
use super::proto::{AttributeProto, NodeProto, TensorProto};
use crate::error::{Error, Result};
use crate::graph::TensorId;

/// A tensor of activations: its place in the graph, and the shape the file gives it (batch 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Tensor of the graph.
    pub id: TensorId,
    /// Shape; the product is the tensor's length.
    pub dims: Vec<usize>,
}

/// A classifier's label: the name of the largest of its scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// One feature a class.
    pub scores: TensorId,
    /// The index of the largest score.
    pub argmax: TensorId,
    /// One name a class.
    pub names: Rc<Vec<String>>,
}

/// What a name of the file stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Known numbers.
    Constant(Rc<Array>),
    /// Known strings.
    Text(Rc<Vec<String>>),
    /// Activations.
    Flow(Flow),
    /// A class label.
    Label(Label),
}

impl Value {
    /// The word messages use for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Constant(_) => "a constant",
            Self::Text(_) => "constant strings",
            Self::Flow(_) => "a tensor of activations",
            Self::Label(_) => "a class label",
        }
    }
}

/// `` node `name` (Op) ``; a node without a name goes by its first output.
pub fn title(node: &NodeProto) -> String {
    format!("node `{}` ({})", name(node), node.op_type.as_deref().unwrap_or("no operator"))
}

/// The node's name, or that of its first output, or its operator.
pub fn name(node: &NodeProto) -> &str {
    [node.name.as_deref(), node.output.first().map(String::as_str), node.op_type.as_deref()]
        .into_iter()
        .flatten()
        .find(|n| !n.is_empty())
        .unwrap_or("node")
}

/// A node about to be imported.
pub struct Call<'a> {
    /// The node.
    pub proto: &'a NodeProto,
    /// One value an input; none where an optional one is left out.
    pub inputs: Vec<Option<Value>>,
    /// Version of the node's operator set.
    pub opset: i64,
}

impl Call<'_> {
    /// Name of layers made from it.
    pub fn name(&self) -> &str {
        name(self.proto)
    }

    /// The operator.
    pub fn op(&self) -> &str {
        self.proto.op_type.as_deref().unwrap_or_default()
    }

    /// Input `k`, if there.
    pub fn optional(&self, k: usize) -> Option<&Value> {
        self.inputs.get(k)?.as_ref()
    }

    /// Input `k`.
    pub fn input(&self, k: usize) -> Result<&Value> {
        self.optional(k).ok_or_else(|| {
            Error::new("a node lacks an input")
                .expected(format!("at least {} inputs", k + 1))
                .found(format!("{} inputs", self.proto.input.len()))
                .help("the file is damaged: export it again")
        })
    }

    /// Input `k` as activations.
    pub fn flow(&self, k: usize) -> Result<&Flow> {
        match self.input(k)? {
            Value::Flow(flow) => Ok(flow),
            other => Err(self.mismatch(k, "a tensor of activations", other)),
        }
    }

    /// Input `k` as a constant, called `what` in messages.
    pub fn constant(&self, k: usize, what: &str) -> Result<Rc<Array>> {
        match self.input(k)? {
            Value::Constant(array) => Ok(array.clone()),
            other => Err(self
                .mismatch(k, &format!("constant {what}"), other)
                .help("a product of two computed tensors (attention) is not supported; weights must be stored in the file")),
        }
    }

    /// Input `k` as a constant, if there.
    pub fn optional_constant(&self, k: usize, what: &str) -> Result<Option<Rc<Array>>> {
        self.optional(k).map(|_| self.constant(k, what)).transpose()
    }

    /// Whole numbers from input `k`, or from the attribute that held them in earlier operator sets.
    pub fn ints_or_input(&self, attribute: &str, k: usize) -> Result<Option<Vec<i64>>> {
        match self.ints(attribute) {
            Some(ints) => Ok(Some(ints.to_vec())),
            None => Ok(self.optional_constant(k, attribute)?.map(|a| a.as_ints())),
        }
    }

    fn mismatch(&self, k: usize, expected: &str, found: &Value) -> Error {
        let name = self.proto.input.get(k).map_or("", String::as_str);
        Error::new("an input of a node is of the wrong kind")
            .expected(format!("{expected} as input {k}"))
            .found(format!("`{name}`, {}", found.kind()))
    }

    fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.proto.attribute.iter().find(|a| a.name.as_deref() == Some(name))
    }

    /// A float attribute.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).and_then(|a| a.f).map_or(default, f64::from)
    }

    /// A float attribute without a default.
    pub fn optional_float(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.f.map(f64::from)
    }

    /// An integer attribute.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).and_then(|a| a.i).unwrap_or(default)
    }

    /// An integer attribute without a default.
    pub fn optional_int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    /// An attribute with integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    /// An attribute with floats.
    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        self.attribute(name).map(|a| a.floats.iter().map(|&v| f64::from(v)).collect())
    }

    /// A string attribute.
    pub fn string(&self, name: &str) -> Option<String> {
        let bytes = self.attribute(name)?.s.as_ref()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// An attribute with strings.
    pub fn strings(&self, name: &str) -> Option<Vec<String>> {
        let text = |s: &Vec<u8>| String::from_utf8_lossy(s).into_owned();
        self.attribute(name)
            .filter(|a| !a.strings.is_empty())
            .map(|a| a.strings.iter().map(text).collect())
    }

    /// A tensor attribute.
    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.attribute(name)?.t.as_ref()
    }
}
