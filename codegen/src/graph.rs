//! The float network every importer produces, and all that later phases know of it.
//!
//! A [`Graph`] is a list of layers in the order they run. Every tensor is a vector of features
//! (a batch axis of 1 is dropped on import) and is written by exactly one layer.

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::kan::Kan;
use crate::membrane::Membrane;
use crate::ncap::Ncap;
use crate::spiking::Spiking;
use crate::text;

/// Most features of a tensor: kernels count them in 16 bits, and they take twice as many bytes of RAM.
pub const MOST_FEATURES: usize = 65_535;

/// Index of a tensor in [`Graph::tensors`].
pub type TensorId = usize;

/// A vector of `len` features that flows between layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The name it had in the trained file as a [`label`](text::label), or one made from its layer.
    pub name: String,
    /// Number of features.
    pub len: usize,
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

/// What a layer computes, on real numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// `y = W x + b`.
    Dense(Dense),
    /// `y_i = scale_i x_i + offset_i`.
    Affine {
        /// One factor a feature.
        scale: Vec<f64>,
        /// One addend a feature.
        offset: Vec<f64>,
    },
    /// `y_i = f(x_i)`, the same function for every feature.
    Map(Expr),
    /// `y_j = f_k(x_i)` with `(i, k) = picks_j`: functions that features share.
    Functions {
        /// The functions.
        functions: Vec<Expr>,
        /// The input and the function of each output.
        picks: Vec<(usize, usize)>,
    },
    /// `y_o = bias_o + sum_i f_oi(x_i)`.
    Kan(Kan),
    /// `y = a x0 + b x1`, elementwise.
    Add {
        /// Factors of the two inputs.
        factors: [f64; 2],
    },
    /// `y = x0 x1`, elementwise.
    Mul,
    /// All inputs one after the other.
    Concat,
    /// `y_i = x[indices_i]`: slices, splits and reorderings.
    Select(Vec<usize>),
    /// `y = (x - mean(x)) / sqrt(var(x) + epsilon)`: layer normalisation without its gain and bias
    /// (Ba, Kiros, Hinton 2016).
    Normalize {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `y = exp(x) / sum(exp(x))`.
    Softmax,
    /// `y = x - ln(sum(exp(x)))`.
    LogSoftmax,
    /// One feature: the index of the largest input, the first of equals.
    ArgMax,
    /// The swimming circuit: reads the inputs and the phase of its oscillator.
    Ncap(Ncap),
    /// Conductance-based neurons: reads inputs and potentials, writes the new potentials.
    Membrane(Membrane),
    /// Threshold-and-reset neurons: reads sources and sums, writes the new sums.
    Spiking(Spiking),
    /// Counters, one a feature: `y_i = (x_i + 1) mod periods_i`.
    Clock {
        /// Steps of each period.
        periods: Vec<u16>,
    },
}

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// One row of weights an output, one weight an input.
    pub weights: Vec<Vec<f64>>,
    /// One addend an output.
    pub bias: Vec<f64>,
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
    /// Column names of the input's features; `x0`, `x1`, ... if empty.
    pub input_names: Vec<String>,
    /// Values of the last input features, which a table may leave out.
    pub optional_inputs: Vec<f64>,
    /// The range of each input, if the network itself says so; calibration needs no data then.
    pub input_ranges: Vec<(f64, f64)>,
    /// Memory between steps.
    pub states: Vec<State>,
    /// The tensor the caller reads.
    pub output: TensorId,
    /// Class names, if the network is a classifier with a label output.
    pub classes: Option<Classes>,
    /// Whether dense layers are the wiring of a circuit, of which only the synapses are stored.
    pub wiring: bool,
    /// What the importer left out or folded, for the user to read.
    pub notes: Vec<String>,
}

impl Layer {
    /// The word reports use for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Affine { .. } => "affine",
            Self::Map(_) => "map",
            Self::Functions { .. } => "functions",
            Self::Kan(_) => "kan",
            Self::Add { .. } => "add",
            Self::Mul => "mul",
            Self::Concat => "concat",
            Self::Select(_) => "select",
            Self::Normalize { .. } => "normalize",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "logsoftmax",
            Self::ArgMax => "argmax",
            Self::Ncap(_) => "ncap",
            Self::Membrane(_) => "membrane",
            Self::Spiking(_) => "spiking",
            Self::Clock { .. } => "clock",
        }
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Dense(d) => d.bias.len() + d.weights.iter().map(Vec::len).sum::<usize>(),
            Self::Affine { scale, offset } => scale.len() + offset.len(),
            Self::Functions { functions, .. } => {
                functions.iter().map(|f| f.constants().len()).sum()
            }
            Self::Kan(kan) => kan.parameters(),
            Self::Ncap(circuit) => circuit.parameters,
            Self::Spiking(circuit) => circuit.links.len(),
            Self::Membrane(circuit) => circuit.parameters(),
            _ => 0,
        }
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> usize {
        match self {
            Self::Dense(d) => d.weights.iter().map(Vec::len).sum(),
            Self::Affine { scale, .. } => scale.len(),
            Self::Kan(kan) => {
                let taps = |e: &crate::kan::Edge| {
                    4 * usize::from(e.spline.is_some() || e.function.is_some())
                        + usize::from(e.base != 0.0)
                };
                kan.live().map(taps).sum()
            }
            Self::Ncap(circuit) => circuit.macs(),
            Self::Spiking(circuit) => circuit.links.len() * usize::from(circuit.updates),
            Self::Membrane(circuit) => circuit.macs(),
            _ => 0,
        }
    }

    /// Number of output features for inputs of the lengths `lens`, or what is wrong with them.
    pub fn output_len(&self, lens: &[usize]) -> std::result::Result<usize, String> {
        let one = || match lens {
            [n] => Ok(*n),
            _ => Err(format!("one input tensor, found {}", lens.len())),
        };
        let same = |what: &str, want: usize, n: usize| {
            if want == n { Ok(n) } else { Err(format!("{want} {what}, found {n} features")) }
        };
        match self {
            Self::Dense(d) => {
                let n = one()?;
                if d.weights.is_empty() || n == 0 {
                    return Err("at least one weight".into());
                }
                if d.bias.len() != d.weights.len() {
                    return Err(format!("{} biases, found {}", d.weights.len(), d.bias.len()));
                }
                d.weights
                    .iter()
                    .try_for_each(|row| same("weights a row", row.len(), n).map(drop))?;
                Ok(d.weights.len())
            }
            Self::Affine { scale, offset } => {
                same("offsets", scale.len(), offset.len())?;
                same("factors", scale.len(), one()?)
            }
            Self::Map(_) | Self::Normalize { .. } | Self::Softmax | Self::LogSoftmax => one(),
            Self::Functions { functions, picks } => {
                let n = one()?;
                match picks.iter().find(|(i, k)| *i >= n || *k >= functions.len()) {
                    Some(pick) => Err(format!(
                        "inputs below {n} and functions below {}, found {pick:?}",
                        functions.len()
                    )),
                    None => Ok(picks.len()),
                }
            }
            Self::Kan(kan) => {
                let n = one()?;
                same("biases", kan.edges.len(), kan.bias.len())?;
                kan.edges.iter().try_for_each(|row| same("edges a row", row.len(), n).map(drop))?;
                let fits = |s: &crate::kan::Spline| {
                    s.knots.len() == s.coefficients.len() + 4
                        && s.knots.windows(2).all(|pair| pair[0] < pair[1])
                };
                if !kan.live().filter_map(|e| e.spline.as_ref()).all(fits) {
                    return Err("increasing knots, four more than coefficients".into());
                }
                Ok(kan.edges.len())
            }
            Self::ArgMax => one().map(|_| 1),
            Self::Add { .. } | Self::Mul => match lens {
                [a, b] if a == b => Ok(*a),
                _ => Err(format!("two tensors of one length, found {lens:?}")),
            },
            Self::Ncap(circuit) => match lens {
                [n, 1] if *n == circuit.inputs() => Ok(circuit.joints.len()),
                _ => Err(format!("{} inputs and a phase", circuit.inputs())),
            },
            Self::Membrane(circuit) => match lens {
                [x, v] if *x == circuit.inputs && *v == circuit.neurons.len() => Ok(*v),
                _ => Err(format!(
                    "{} inputs and {} potentials",
                    circuit.inputs,
                    circuit.neurons.len()
                )),
            },
            Self::Spiking(circuit) => match lens {
                [x, v] if *x == circuit.fires.len() && *v == circuit.thresholds.len() => Ok(*v),
                _ => Err(format!(
                    "{} sources and {} sums",
                    circuit.fires.len(),
                    circuit.thresholds.len()
                )),
            },
            Self::Clock { periods } => same("periods", periods.len(), one()?),
            Self::Concat => Ok(lens.iter().sum()),
            Self::Select(indices) => {
                let n = one()?;
                match indices.iter().find(|&&i| i >= n) {
                    Some(i) => Err(format!("indices below {n}, found {i}")),
                    None => Ok(indices.len()),
                }
            }
        }
    }

    fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::Dense(d) => Box::new(d.weights.iter().flatten().chain(&d.bias).copied()),
            Self::Affine { scale, offset } => Box::new(scale.iter().chain(offset).copied()),
            Self::Add { factors } => Box::new(factors.iter().copied()),
            Self::Normalize { epsilon } => Box::new(std::iter::once(*epsilon)),
            Self::Map(f) => Box::new(f.constants().into_iter()),
            Self::Functions { functions, .. } => {
                Box::new(functions.iter().flat_map(Expr::constants))
            }
            Self::Kan(kan) => Box::new(kan.numbers().into_iter()),
            Self::Ncap(circuit) => Box::new(circuit.weights()),
            Self::Membrane(circuit) => Box::new(circuit.numbers()),
            _ => Box::new(std::iter::empty()),
        }
    }
}

impl Graph {
    /// A graph with only its input, of `len` features.
    pub fn new(name: impl Into<String>, input: impl AsRef<str>, len: usize) -> Self {
        Self {
            name: name.into(),
            tensors: vec![Tensor { name: text::label(input.as_ref()), len }],
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
        let mut lens = Vec::with_capacity(inputs.len());
        for &id in inputs {
            let tensor = self.tensors.get(id).ok_or_else(|| {
                Error::new("a layer reads a tensor that does not exist")
                    .at(at())
                    .expected(format!("a tensor number below {}", self.tensors.len()))
                    .found(id)
                    .help("a layer reads the input, a state or a layer pushed before it")
            })?;
            lens.push(tensor.len);
        }
        let len = layer.output_len(&lens).map_err(|expected| {
            Error::new("the shapes do not fit")
                .at(at())
                .expected(expected)
                .found(format!("inputs of lengths {lens:?}"))
                .help("export the model again; every tensor must be one vector of features")
        })?;
        if len == 0 {
            return Err(Error::new("a tensor has no elements")
                .at(at())
                .expected("at least one output feature")
                .found("0")
                .help("leave the empty part out of the model"));
        }
        if let Some(wide) = lens.iter().chain([&len]).find(|len| **len > MOST_FEATURES) {
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
        self.tensors.push(Tensor { name: name.clone(), len });
        let output = self.tensors.len() - 1;
        self.nodes.push(Node { name, layer, inputs: inputs.to_vec(), output });
        self.output = output;
        Ok(output)
    }

    /// Adds a state of `initial.len()` features and returns the tensor that holds it in a step;
    /// [`close_state`](Self::close_state) says what it becomes.
    pub fn push_state(&mut self, name: impl AsRef<str>, initial: Vec<f64>) -> TensorId {
        self.tensors.push(Tensor { name: text::label(name.as_ref()), len: initial.len() });
        let previous = self.tensors.len() - 1;
        self.states.push(State { previous, next: previous, initial, counts: false, bound: None });
        previous
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

    /// Has the next step find `next` in the state that [`push_state`](Self::push_state) returned.
    ///
    /// # Errors
    /// The two have different lengths, or there is no such state.
    pub fn close_state(&mut self, previous: TensorId, next: TensorId) -> Result<()> {
        let (want, found) = (self.tensors[previous].len, self.tensors[next].len);
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
        self.input_names.get(i).cloned().unwrap_or_else(|| format!("x{i}"))
    }

    /// Number of input features.
    pub fn input_len(&self) -> usize {
        self.tensors[self.input].len
    }

    /// Number of output features.
    pub fn output_len(&self) -> usize {
        self.tensors[self.output].len
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
