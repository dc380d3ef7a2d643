//! A node with the values of its inputs, and typed access to its attributes.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::array::Array;
use super::proto::{AttributeProto, NodeProto, TensorProto};
use crate::error::{Error, Result};
use crate::graph::TensorId;
use crate::text;

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
    /// Tensors, one after the other.
    Sequence(Rc<Vec<Value>>),
}

impl Value {
    /// The word messages use for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Constant(_) => "a constant",
            Self::Text(_) => "constant strings",
            Self::Flow(_) => "a tensor of activations",
            Self::Label(_) => "a class label",
            Self::Sequence(_) => "a sequence of tensors",
        }
    }

    /// Its shape.
    pub fn dims(&self) -> Vec<usize> {
        match self {
            Self::Constant(a) => a.dims.clone(),
            Self::Flow(f) => f.dims.clone(),
            Self::Text(t) => vec![t.len()],
            Self::Label(_) => vec![1],
            Self::Sequence(s) => vec![s.len()],
        }
    }
}

/// `` node `name` (Op) ``; a node without a name goes by its first output.
pub fn title(node: &NodeProto) -> String {
    format!(
        "node `{}` ({})",
        text::label(name(node)),
        node.op_type.as_deref().unwrap_or("no operator")
    )
}

/// The node's name, or that of its first output, or its operator.
pub fn name(node: &NodeProto) -> &str {
    [node.name.as_deref(), node.output.first().map(String::as_str), node.op_type.as_deref()]
        .into_iter()
        .flatten()
        .find(|n| !n.is_empty())
        .unwrap_or("node")
}

/// Operators that put numbers in another order or shape, and change none.
pub const REARRANGING: [&str; 12] = [
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

/// A node about to be imported.
pub struct Call<'a> {
    /// The node.
    pub proto: &'a NodeProto,
    /// One value an input; none where an optional one is left out.
    pub inputs: Vec<Option<Value>>,
    /// Version of the node's operator set.
    pub opset: i64,
    /// What the operator's rule has looked at so far.
    looked: RefCell<Looked>,
}

/// Indices of a node's inputs and attributes.
#[derive(Default)]
struct Looked {
    inputs: HashSet<usize>,
    attributes: HashSet<usize>,
}

/// `AttributeProto.AttributeType`.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Floats = 6,
    Ints = 7,
    Strings = 8,
}

/// What may stand in a file without a rule that looks at it, as it changes nothing at inference in the
/// precision of a float32: operator and attribute (a prefix where it ends in `_`).
const IDLE_ATTRIBUTES: &[(&str, &str)] = &[
    ("BatchNormalization", "momentum"),
    ("Cast", "round_mode"),
    ("Cast", "saturate"),
    ("CastLike", "round_mode"),
    ("CastLike", "saturate"),
    ("Dropout", "ratio"),
    ("Dropout", "seed"),
    // A class without an entry is refused, so that the default never counts.
    ("LabelEncoder", "default_"),
    ("GroupNormalization", "stash_type"),
    ("LayerNormalization", "stash_type"),
    ("RMSNormalization", "stash_type"),
    ("ZipMap", "classlabels_"),
];

/// The same for inputs.
const IDLE_INPUTS: &[(&str, usize)] = &[("Dropout", 1), ("Reshape", 1)];

impl<'a> Call<'a> {
    /// A node whose inputs have these values.
    pub fn new(proto: &'a NodeProto, inputs: Vec<Option<Value>>, opset: i64) -> Self {
        Self { proto, inputs, opset, looked: RefCell::default() }
    }

    /// Refuses a node of which an input or an attribute says something that its rule did not look at.
    pub fn understood(&self) -> Result<()> {
        let looked = self.looked.borrow();
        let idle = |name: &str| {
            let same = |idle: &str| match idle.ends_with('_') {
                true => name.starts_with(idle),
                false => name == idle,
            };
            IDLE_ATTRIBUTES.iter().any(|(op, idle)| *op == self.op() && same(idle))
        };
        for (k, attribute) in self.proto.attribute.iter().enumerate() {
            let name = attribute.name.as_deref().unwrap_or_default();
            if !looked.attributes.contains(&k) && !idle(name) {
                return Err(Error::new("an attribute of a node is not understood")
                    .expected(format!("attributes of `{}` that this program knows, each of its type", self.op()))
                    .found(format!("`{name}`"))
                    .help("it may change the result, so it is not left out: export without it, or with another operator set"));
            }
        }
        for (k, value) in self.inputs.iter().enumerate() {
            if value.is_some()
                && !looked.inputs.contains(&k)
                && !IDLE_INPUTS.contains(&(self.op(), k))
            {
                return Err(Error::new("an input of a node is not understood")
                    .expected(format!("inputs of `{}` that this program knows", self.op()))
                    .found(format!("`{}` as input {k}", self.proto.input.get(k).map_or("", String::as_str)))
                    .help("it may change the result, so it is not left out: export with another operator set, or without fusing operators"));
            }
        }
        Ok(())
    }

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
        self.looked.borrow_mut().inputs.insert(k);
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

    /// The shape of input `k`.
    pub fn dims(&self, k: usize) -> Result<Vec<usize>> {
        Ok(self.input(k)?.dims())
    }

    /// Input `k` as a constant, called `what` in messages.
    pub fn constant(&self, k: usize, what: &str) -> Result<Rc<Array>> {
        match self.input(k)? {
            Value::Constant(array) => Ok(array.clone()),
            other => Err(self.mismatch(k, &format!("constant {what}"), other)),
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
            .found(format!("`{name}`, {}", found.kind())).help("weights, shapes and bounds must be stored in the file, and what the node works on must be computed from the input")
    }

    /// The attribute called `name`, if it is of this kind. A file may leave the kind out, and a value that is 0.
    fn attribute(&self, name: &str, kind: Kind) -> Option<&AttributeProto> {
        let named = |a: &&AttributeProto| a.name.as_deref() == Some(name);
        let (k, attribute) = self.proto.attribute.iter().enumerate().find(|(_, a)| named(a))?;
        let list = matches!(kind, Kind::Floats | Kind::Ints | Kind::Strings);
        let fits = match kind_of(attribute) {
            Some(found) => found == kind as i32,
            None => list,
        };
        if !fits {
            return None;
        }
        self.looked.borrow_mut().attributes.insert(k);
        Some(attribute)
    }

    /// A float attribute.
    pub fn float(&self, name: &str, default: f64) -> f64 {
        self.optional_float(name).unwrap_or(default)
    }

    /// A float attribute without a default.
    pub fn optional_float(&self, name: &str) -> Option<f64> {
        Some(f64::from(self.attribute(name, Kind::Float)?.f.unwrap_or_default()))
    }

    /// An integer attribute.
    pub fn int(&self, name: &str, default: i64) -> i64 {
        self.optional_int(name).unwrap_or(default)
    }

    /// An integer attribute without a default.
    pub fn optional_int(&self, name: &str) -> Option<i64> {
        Some(self.attribute(name, Kind::Int)?.i.unwrap_or_default())
    }

    /// An attribute with integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attribute(name, Kind::Ints).map(|a| a.ints.as_slice())
    }

    /// An attribute with floats.
    pub fn floats(&self, name: &str) -> Option<Vec<f64>> {
        let attribute = self.attribute(name, Kind::Floats)?;
        Some(attribute.floats.iter().map(|&v| f64::from(v)).collect())
    }

    /// A string attribute.
    pub fn string(&self, name: &str) -> Option<String> {
        let bytes = self.attribute(name, Kind::String)?.s.as_deref().unwrap_or_default();
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// An attribute with strings.
    pub fn strings(&self, name: &str) -> Option<Vec<String>> {
        let text = |s: &Vec<u8>| String::from_utf8_lossy(s).into_owned();
        let attribute = self.attribute(name, Kind::Strings)?;
        (!attribute.strings.is_empty()).then(|| attribute.strings.iter().map(text).collect())
    }

    /// A tensor attribute.
    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        self.attribute(name, Kind::Tensor)?.t.as_ref()
    }
}

/// The kind an attribute says it has, or that of the field that is set; none for an empty list.
fn kind_of(attribute: &AttributeProto) -> Option<i32> {
    let AttributeProto { f, i, s, t, floats, ints, strings, .. } = attribute;
    let set = [
        (f.is_some(), Kind::Float),
        (i.is_some(), Kind::Int),
        (s.is_some(), Kind::String),
        (t.is_some(), Kind::Tensor),
        (!floats.is_empty(), Kind::Floats),
        (!ints.is_empty(), Kind::Ints),
        (!strings.is_empty(), Kind::Strings),
    ];
    let kind = attribute.r#type.filter(|kind| *kind != 0);
    kind.or_else(|| set.into_iter().find(|(set, _)| *set).map(|(_, kind)| kind as i32))
}
