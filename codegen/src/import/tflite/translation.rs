//! A network on its way from TensorFlow Lite's operators to those of ONNX, which say the same in other words: what
//! each computes is then known in one place. Stands on the schema and on ONNX's messages.

use std::collections::HashSet;

use super::buffer::Table;
use super::constant;
use super::schema::{Model, Operator, Tensor};
use crate::error::{Error, Result};
use crate::import::onnx::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The operator set whose operators are written.
const OPSET: i64 = 18;

/// ONNX's element types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const DOUBLE: i32 = 11;

/// Most bytes of all constants together.
const MOST_BYTES: usize = 1 << 25;

/// The graph while it grows node by node.
pub struct Translation<'a> {
    model: &'a Model<'a>,
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    /// The constants written so far.
    written: HashSet<usize>,
    names: HashSet<String>,
    /// Bytes of the constants read so far.
    spent: usize,
}

/// An attribute's value.
pub enum Attribute {
    /// One number.
    Float(f32),
    /// One whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// A word.
    Text(&'static str),
}

impl<'a> Translation<'a> {
    /// Starts with no node.
    pub fn new(model: &'a Model<'a>) -> Self {
        let names = model.tensors.iter().map(|t| t.name.clone()).collect();
        Self { model, nodes: vec![], constants: vec![], written: HashSet::new(), names, spent: 0 }
    }

    /// A tensor of the file.
    pub fn tensor(&self, index: usize) -> Result<&'a Tensor<'a>> {
        self.model.tensors.get(index).ok_or_else(|| missing("a tensor does not exist"))
    }

    /// Input `k` of an operator.
    pub fn input(&self, operator: &Operator, k: usize) -> Result<&'a Tensor<'a>> {
        let index = operator.inputs.get(k).copied().flatten();
        self.tensor(index.ok_or_else(|| missing("an operator lacks an input"))?)
    }

    /// Output `k` of an operator.
    pub fn output(&self, operator: &Operator, k: usize) -> Result<&'a Tensor<'a>> {
        let index = operator.outputs.get(k).copied();
        self.tensor(index.ok_or_else(|| missing("an operator lacks an output"))?)
    }

    /// The name of input `k` of an operator, whose numbers are written if it is a constant; none if it is left out.
    pub fn optional(&mut self, operator: &Operator, k: usize) -> Result<Option<String>> {
        let Some(index) = operator.inputs.get(k).copied().flatten() else { return Ok(None) };
        let tensor = self.tensor(index)?;
        if !tensor.data.is_empty() && self.written.insert(index) {
            let data = self.numbers(tensor)?;
            let dims = tensor.shape.iter().map(|&d| i64::from(d)).collect();
            self.store(tensor.name.clone(), dims, data, tensor.is_integer());
        }
        Ok(Some(tensor.name.clone()))
    }

    /// The name of input `k` of an operator.
    pub fn read(&mut self, operator: &Operator, k: usize) -> Result<String> {
        self.optional(operator, k)?.ok_or_else(|| missing("an operator lacks an input"))
    }

    /// The names of all inputs of an operator.
    pub fn read_all(&mut self, operator: &Operator) -> Result<Vec<String>> {
        (0..operator.inputs.len()).map(|k| self.read(operator, k)).collect()
    }

    /// The whole numbers of input `k`, which must be constant: `what` they are.
    pub fn ints(&mut self, operator: &Operator, k: usize, what: &str) -> Result<Vec<i64>> {
        let tensor = self.input(operator, k)?;
        if tensor.data.is_empty() {
            return Err(Error::new(format!("the {what} of an operator is computed"))
                .expected(format!("{what} stored in the file, as input {k}"))
                .found(format!("`{}`, a tensor of activations", tensor.name))
                .help("convert the model with fixed shapes and bounds"));
        }
        Ok(self.numbers(tensor)?.into_iter().map(|v| v as i64).collect())
    }

    fn numbers(&mut self, tensor: &Tensor) -> Result<Vec<f64>> {
        self.spent = self.spent.saturating_add(tensor.data.len());
        if self.spent > MOST_BYTES {
            return Err(Error::new("the constants of the model are too large")
                .expected(format!("at most {MOST_BYTES} bytes of all constants"))
                .found(format!("{} and more", self.spent))
                .help("nervecord is for networks that fit a microcontroller"));
        }
        constant::decode(tensor)
    }

    /// A vector of whole numbers as a constant.
    pub fn fixed_ints(&mut self, base: &str, data: &[i64]) -> String {
        let name = self.fresh(base);
        let numbers = data.iter().map(|&v| v as f64).collect();
        self.store(name.clone(), vec![data.len() as i64], numbers, true);
        name
    }

    /// A real number as a constant.
    pub fn fixed(&mut self, base: &str, value: f64) -> String {
        let name = self.fresh(base);
        self.store(name.clone(), vec![], vec![value], false);
        name
    }

    fn store(&mut self, name: String, dims: Vec<i64>, data: Vec<f64>, integer: bool) {
        let mut tensor = TensorProto { name: Some(name), dims, ..TensorProto::default() };
        if integer {
            tensor.data_type = Some(INT64);
            tensor.int64_data = data.into_iter().map(|v| v as i64).collect();
        } else {
            tensor.data_type = Some(DOUBLE);
            tensor.double_data = data;
        }
        self.constants.push(tensor);
    }

    /// `base`, or `base` with a number, as no tensor is called yet.
    pub fn fresh(&mut self, base: &str) -> String {
        let numbered = (1..).map(|k| format!("{base}.{k}"));
        let mut free = numbered.filter(|name| !self.names.contains(name));
        let name = free.next().unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    /// Appends a node.
    pub fn emit(
        &mut self,
        op: &str,
        inputs: Vec<String>,
        outputs: Vec<String>,
        attributes: Vec<(&str, Attribute)>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs,
            output: outputs,
            op_type: Some(op.to_owned()),
            attribute: attributes.into_iter().map(attribute).collect(),
            ..NodeProto::default()
        });
    }

    /// Appends a node that writes a new tensor, and returns its name.
    pub fn step(
        &mut self,
        base: &str,
        op: &str,
        inputs: Vec<String>,
        attributes: Vec<(&str, Attribute)>,
    ) -> String {
        let name = self.fresh(base);
        self.emit(op, inputs, vec![name.clone()], attributes);
        name
    }

    /// `x` in another shape, as a new tensor.
    pub fn reshaped(&mut self, x: String, shape: &[i64]) -> String {
        let target = self.fixed_ints(&x, shape);
        self.step(&x.clone(), "Reshape", vec![x, target], vec![])
    }

    /// Has `x` be the tensor `to`, in its shape.
    pub fn give(&mut self, x: String, to: &Tensor) {
        let shape: Vec<i64> = to.shape.iter().map(|&d| i64::from(d)).collect();
        let target = self.fixed_ints(&to.name, &shape);
        self.emit("Reshape", vec![x, target], vec![to.name.clone()], vec![]);
    }

    /// The whole graph.
    pub fn finish(self) -> Result<ModelProto> {
        let port = |&k: &usize| self.tensor(k).map(port);
        let input = self.model.inputs.iter().map(port).collect::<Result<_>>()?;
        let output = self.model.outputs.iter().map(port).collect::<Result<_>>()?;
        let graph = GraphProto {
            node: self.nodes,
            initializer: self.constants,
            input,
            output,
            ..GraphProto::default()
        };
        let opset = OperatorSetIdProto { domain: None, version: Some(OPSET) };
        Ok(ModelProto { graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() })
    }
}

/// A field of an operator's options, its default where there are no options.
pub fn option<T: Default>(operator: &Operator, read: impl Fn(&Table) -> Result<T>) -> Result<T> {
    operator.options.as_ref().map_or_else(|| Ok(T::default()), read)
}

fn attribute((name, value): (&str, Attribute)) -> AttributeProto {
    let mut proto = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    match value {
        Attribute::Float(v) => proto.f = Some(v),
        Attribute::Int(v) => proto.i = Some(v),
        Attribute::Ints(v) => proto.ints = v,
        Attribute::Text(v) => proto.s = Some(v.as_bytes().to_vec()),
    }
    proto
}

/// An input or output: quantized ones are real numbers like any other.
fn port(tensor: &Tensor) -> ValueInfoProto {
    let dim = |&d: &i32| DimensionProto { dim_value: Some(d.into()), dim_param: None };
    let shape = TensorShapeProto { dim: tensor.shape.iter().map(dim).collect() };
    let elem_type = Some(if tensor.is_integer() { INT64 } else { FLOAT });
    let tensor_type = TensorTypeProto { elem_type, shape: Some(shape) };
    ValueInfoProto {
        name: Some(tensor.name.clone()),
        r#type: Some(TypeProto { tensor_type: Some(tensor_type) }),
    }
}

fn missing(what: &str) -> Error {
    Error::new(what)
        .expected("as many inputs and outputs as the operator has")
        .found("fewer")
        .help("the file is damaged: convert the model again")
}
