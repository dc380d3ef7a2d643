//! The graph while it grows node by node, and what is known of its tensors.

use std::collections::HashMap;
use std::rc::Rc;

use super::array::{self, Array, View};
use super::node::{Flow, Value};
use super::tensor::{Constant, TensorReader};
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Graph, Layer, Node, Tensor, TensorId};
use crate::text;

/// Most numbers all computed constants and rearrangements of one file may hold together.
const BUDGET: usize = 1 << 25;

/// What a tensor is of the tensor `x` it was computed from; how layer normalisation is recognised
/// however a file spells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// `mean(x)`.
    Mean,
    /// `x - mean(x)`.
    Centered,
    /// `(x - mean(x))^2`.
    Squared,
    /// `mean((x - mean(x))^2)`.
    Variance,
    /// `var(x) + epsilon`.
    Shifted(f64),
    /// `sqrt(var(x) + epsilon)`.
    Deviation(f64),
    /// `1 / sqrt(var(x) + epsilon)`.
    Inverse(f64),
    /// An inverse times a constant gain.
    Gained(f64),
    /// `x` times the tensor `gain`, which is an inverse with or without a constant gain.
    Scaled {
        /// Added to the variance.
        epsilon: f64,
        /// The other factor.
        gain: TensorId,
    },
    /// `mean(x)` times the tensor `gain`.
    Drift {
        /// The other factor.
        gain: TensorId,
    },
    /// A constant minus a drift.
    Offset {
        /// The drift's factor.
        gain: TensorId,
    },
    /// `x^2`.
    Square,
    /// `max(weight sum(x^2) + epsilon, least)`.
    Power {
        /// 1, or 1 over the number of features for a mean.
        weight: f64,
        /// Added to the sum.
        epsilon: f64,
        /// The smallest value.
        least: f64,
    },
    /// `max(sqrt(weight sum(x^2) + epsilon), least)`.
    Root {
        /// 1, or 1 over the number of features for a mean.
        weight: f64,
        /// Added to the sum.
        epsilon: f64,
        /// The smallest value.
        least: f64,
    },
    /// 1 over such a root.
    InverseRoot {
        /// 1, or 1 over the number of features for a mean.
        weight: f64,
        /// Added to the sum.
        epsilon: f64,
        /// The smallest value.
        least: f64,
    },
    /// `ln(sum(exp(x)))`.
    LogSumExp,
}

/// A graph under construction.
pub struct Builder {
    /// Layers so far, those of branches that lead nowhere included.
    pub graph: Graph,
    /// Whether a recurrent layer of one step without a state of the file's keeps one.
    pub keeps_states: bool,
    /// Reads constants that are attributes of nodes.
    pub tensors: TensorReader,
    /// Of which tensor, what, and of how many rows each by itself.
    statistics: HashMap<TensorId, (TensorId, Statistic, usize)>,
    /// How often each name was asked for.
    names: HashMap<String, usize>,
    spent: usize,
}

impl Builder {
    /// Starts with a graph that has only its input and states.
    pub fn new(graph: Graph, tensors: TensorReader, keeps_states: bool) -> Self {
        let names = graph.tensors.iter().map(|t| (t.name.clone(), 1)).collect();
        Self { graph, keeps_states, tensors, statistics: HashMap::new(), names, spent: 0 }
    }

    /// Appends a layer called `name`, or `name` with a number if that is taken.
    pub fn push(&mut self, name: &str, layer: Layer, inputs: &[TensorId]) -> Result<TensorId> {
        // A weight may be read by many nodes, so that a small file can ask for much.
        self.spend(layer.parameters())?;
        let name = text::label(name);
        let mut unique = name.clone();
        while let Some(taken) = self.names.get_mut(&unique) {
            *taken += 1;
            unique = format!("{name}_{taken}");
            // A name with a number may be another node's own.
            if !self.names.contains_key(&unique) {
                break;
            }
            unique.clone_from(&name);
        }
        self.names.insert(unique.clone(), 1);
        self.graph.push(unique, layer, inputs)
    }

    /// Appends a layer that writes a tensor of shape `dims`.
    pub fn flow(
        &mut self,
        name: &str,
        layer: Layer,
        inputs: &[TensorId],
        dims: &[usize],
    ) -> Result<Flow> {
        let id = self.push(name, layer, inputs)?;
        let len = self.len(id);
        if array::volume(dims)? != len {
            return Err(Error::new("the shapes do not fit")
                .expected(format!("{len} features"))
                .found(format!("shape {dims:?}"))
                .help("export with a batch of 1 or a dynamic batch axis"));
        }
        Ok(Flow { id, dims: dims.to_vec() })
    }

    /// The layer that writes a tensor; none for the input and for states.
    pub fn writer(&self, id: TensorId) -> Option<&Node> {
        // Every layer writes a tensor that is newer than those before.
        let nodes = &self.graph.nodes;
        let index = nodes.binary_search_by_key(&id, |node| node.output).ok()?;
        nodes.get(index)
    }

    /// Number of features of a tensor.
    pub fn len(&self, id: TensorId) -> usize {
        self.graph.tensors.get(id).map_or(0, Tensor::len)
    }

    /// `f` of every feature.
    pub fn map(&mut self, name: &str, f: Expr, x: TensorId) -> Result<TensorId> {
        if f == Expr::X { Ok(x) } else { self.push(name, Layer::Map(f), &[x]) }
    }

    /// The features `view` picks; the tensor itself if it picks all in their order.
    pub fn select(&mut self, name: &str, x: TensorId, view: View) -> Result<TensorId> {
        self.pick(name, x, view.from)
    }

    /// The features `from` of a tensor; the tensor itself if they are all in their order.
    pub fn pick(&mut self, name: &str, x: TensorId, from: Vec<usize>) -> Result<TensorId> {
        if from.iter().copied().eq(0..self.len(x)) {
            return Ok(x);
        }
        self.spend(from.len())?;
        let id = self.push(name, Layer::Select(from), &[x])?;
        // One number repeated is what it was.
        if let Some((of, what)) = self.statistic(x).filter(|_| self.len(x) == 1) {
            self.learn(id, of, what);
        }
        Ok(id)
    }

    /// A tensor or a constant rearranged.
    pub fn view(&mut self, name: &str, value: &Value, view: View) -> Result<Value> {
        match value {
            Value::Constant(a) => self.constant(a.pick(&view)),
            Value::Flow(flow) => {
                let dims = view.dims.clone();
                Ok(Value::Flow(Flow { id: self.select(name, flow.id, view)?, dims }))
            }
            other => Ok(other.clone()),
        }
    }

    /// Tensors and constants laid end to end; constants among activations become fixed features.
    pub fn joined(&mut self, name: &str, values: &[&Value]) -> Result<Value> {
        let constants: Option<Vec<&Array>> = values
            .iter()
            .map(|v| if let Value::Constant(a) = v { Some(&**a) } else { None })
            .collect();
        if let Some(arrays) = constants {
            let data: Vec<f64> = arrays.iter().flat_map(|a| a.data.iter().copied()).collect();
            let integer = arrays.iter().all(|a| a.integer);
            return self.constant(Array { dims: vec![data.len()], data, integer });
        }
        let mut ids = Vec::with_capacity(values.len());
        for value in values {
            match value {
                Value::Constant(a) if a.data.is_empty() => {}
                other => ids.push(self.tensor(name, other)?),
            }
        }
        let id = match ids.as_slice() {
            [one] => *one,
            many => self.push(name, Layer::Concat, many)?,
        };
        Ok(Value::Flow(Flow { id, dims: vec![self.len(id)] }))
    }

    /// A tensor of activations, which a constant becomes as fixed features.
    pub fn tensor(&mut self, name: &str, value: &Value) -> Result<TensorId> {
        match value {
            Value::Flow(flow) => Ok(flow.id),
            Value::Constant(a) => self.fixed(name, &a.data),
            other => Err(Error::new("an operand is not numeric")
                .expected("numbers")
                .found(other.kind())
                .help("export the scores themselves, without the names of classes")),
        }
    }

    /// Whether the features of a tensor are whole numbers.
    pub fn is_whole(&self, id: TensorId) -> bool {
        let Some(node) = self.writer(id) else { return false };
        let inputs = || node.inputs.iter().all(|&id| self.is_whole(id));
        match &node.layer {
            Layer::ArgMax => true,
            Layer::Map(f) => f.is_whole(inputs()),
            Layer::Select(_) | Layer::Concat | Layer::Mul | Layer::Extreme { .. } => inputs(),
            Layer::Pick => node.inputs.first().is_some_and(|&id| self.is_whole(id)),
            _ => false,
        }
    }

    /// Features with fixed values, made from any tensor by weights of zero.
    pub fn fixed(&mut self, name: &str, values: &[f64]) -> Result<TensorId> {
        let input = self.graph.input;
        let one = self.push(name, Layer::Select(vec![0; values.len()]), &[input])?;
        let layer = Layer::Affine { scale: vec![0.0; values.len()], offset: values.to_vec() };
        self.push(name, layer, &[one])
    }

    /// Takes a computed constant in, within the budget.
    pub fn constant(&mut self, array: Array) -> Result<Value> {
        self.spend(array.data.len())?;
        Ok(Value::Constant(Rc::new(array)))
    }

    /// A constant of the file.
    pub fn decoded(&mut self, tensor: &super::proto::TensorProto) -> Result<Value> {
        match self.tensors.decode(tensor)? {
            // Many tensors may lie in one place of a file of external data.
            Constant::Numbers(array) => self.constant(array),
            Constant::Text(text) => Ok(Value::Text(Rc::new(text))),
        }
    }

    fn spend(&mut self, numbers: usize) -> Result<()> {
        self.afford(numbers)?;
        self.spent += numbers;
        Ok(())
    }

    /// Refuses so many numbers more than what was made already, if that is too much.
    pub fn afford(&self, numbers: usize) -> Result<()> {
        let spent = self.spent.saturating_add(numbers);
        if spent <= BUDGET {
            return Ok(());
        }
        Err(Error::new("the constants of the model are too large")
            .expected(format!("at most {BUDGET} numbers in all layers and constants"))
            .found(format!("{spent} and more"))
            .help("nervecord is for networks that fit a microcontroller"))
    }

    /// What `id` is known to be, and of which tensor.
    pub fn statistic(&self, id: TensorId) -> Option<(TensorId, Statistic)> {
        self.statistics.get(&id).map(|&(of, what, _)| (of, what))
    }

    /// Of how many rows, each by itself, `id` is what it is known to be.
    pub fn statistic_rows(&self, id: TensorId) -> usize {
        self.statistics.get(&id).map_or(1, |(_, _, rows)| *rows)
    }

    /// Notes that `id` is `what` of `of`, a vector.
    pub fn learn(&mut self, id: TensorId, of: TensorId, what: Statistic) {
        self.learn_on_rows(id, of, what, 1);
    }

    /// Notes that `id` is `what` of each of so many rows of `of`.
    pub fn learn_on_rows(&mut self, id: TensorId, of: TensorId, what: Statistic, rows: usize) {
        self.statistics.insert(id, (of, what, rows));
    }
}
