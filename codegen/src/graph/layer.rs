//! What a layer computes, its shapes and its numbers: the one list of layer kinds. Stands on the families and
//! expressions; every match over kinds here is complete, so that a new kind answers each question.

use super::dense::Dense;
use super::expr::Expr;
use super::kan::Kan;
use super::membrane::Membrane;
use super::ncap::Ncap;
use super::shape::Shape;
use super::spiking::Spiking;
use super::windows::Windows;

/// What a layer computes, on real numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// `y = W x + b`.
    Dense(Dense),
    /// A dense layer at many places of the input's memory.
    Windows(Windows),
    /// A layer on each of several rows of equal length, which follow one another in the input's memory; the
    /// outputs follow one another as well.
    Rows {
        /// How many rows.
        count: usize,
        /// What is done with each: a layer of one input.
        layer: Box<Layer>,
    },
    /// Zeros around each of several rows of equal length.
    Pad {
        /// How many rows.
        rows: usize,
        /// Zeros in front of each.
        before: usize,
        /// Zeros behind each.
        after: usize,
    },
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
    /// `y = x0 / x1`, elementwise; an `x1` of one feature divides all.
    Div,
    /// The larger (or smaller) of two inputs, elementwise.
    Extreme {
        /// The larger; else the smaller.
        largest: bool,
    },
    /// One feature a group of neighbouring ones, all groups of one size.
    Reduce {
        /// What a group becomes.
        by: Reduction,
        /// Number of groups.
        groups: usize,
    },
    /// All inputs one after the other.
    Concat,
    /// `y_i = x[indices_i]`: slices, splits and reorderings.
    Select(Vec<usize>),
    /// The network's output as several widths of it give it (Kusupati et al. 2022), of which the caller chooses one a
    /// step and nothing else is computed; `y` is the last.
    Anytime {
        /// What the caller calls each.
        names: Vec<String>,
    },
    /// A tapped delay line: the features of `x0` and behind them those of `x1`, without as many at the front. What a
    /// state becomes of which nothing else reads: the last rows `x1` of as many steps, the oldest first.
    DelayLine,
    /// `y_j = x0[x1_j]` at computed indices, rounded; one outside `x0` counts as its nearest.
    Pick,
    /// `y = (x - mean(x)) / sqrt(var(x) + epsilon)`: layer normalisation without its gain and bias
    /// (Ba, Kiros, Hinton 2016).
    Normalize {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `y = x / sqrt(max(mean(x^2) + epsilon, least^2))`: division by the root mean square (Zhang, Sennrich 2019) or, up
    /// to a factor, by the length.
    RootMeanSquare {
        /// Added to the mean of the squares.
        epsilon: f64,
        /// The smallest divisor.
        least: f64,
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
    /// What a GRU keeps (Cho et al. 2014): `y = (1 - z) n + z h` of a gate `z`, a candidate `n` and the state `h`.
    /// Lowered where `z` lies in [0, 1] and `y` is what `h` becomes; products and sums elsewhere.
    GruUpdate,
    /// What an LSTM keeps (Hochreiter, Schmidhuber 1997): `y = f c + i g` of gates `f` and `i`, the state `c` and a
    /// candidate `g`, read in the order `f`, `c`, `i`, `g`. Lowered as `GruUpdate` is.
    LstmUpdate,
}

/// What a group of features becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// The largest of them.
    Max,
    /// The smallest of them.
    Min,
    /// `sqrt(sum x^2)`, the Euclidean length.
    Length,
}

impl Layer {
    /// The layer that leaves `len` features as they are.
    pub fn identity(len: usize) -> Self {
        Self::Affine { scale: vec![1.0; len], offset: vec![0.0; len] }
    }

    /// The layer on each of so many rows: the same function for every row.
    pub fn on_rows(self, count: usize) -> Self {
        match (self, count) {
            (layer, 1) => layer,
            (Self::Dense(dense), count) => Self::Windows(Windows::of_rows(dense, count)),
            (layer, count) => Self::Rows { count, layer: Box::new(layer) },
        }
    }

    /// What it does to one row: itself, unless it does the same to each of several.
    pub fn row(&self) -> &Self {
        match self {
            Self::Rows { layer, .. } => layer,
            layer => layer,
        }
    }

    /// The word reports use for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Dense(_) => "dense",
            Self::Windows(_) => "windows",
            Self::Rows { layer, .. } => layer.kind(),
            Self::Pad { .. } => "pad",
            Self::Affine { .. } => "affine",
            Self::Map(_) => "map",
            Self::Functions { .. } => "functions",
            Self::Kan(_) => "kan",
            Self::Add { .. } => "add",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Extreme { largest: true } => "larger",
            Self::Extreme { largest: false } => "smaller",
            Self::Reduce { by: Reduction::Max, .. } => "max",
            Self::Reduce { by: Reduction::Min, .. } => "min",
            Self::Reduce { by: Reduction::Length, .. } => "length",
            Self::Anytime { .. } => "anytime",
            Self::Concat => "concat",
            Self::Select(_) => "select",
            Self::DelayLine => "delay line",
            Self::Pick => "pick",
            Self::Normalize { .. } => "normalize",
            Self::RootMeanSquare { .. } => "rms",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "logsoftmax",
            Self::ArgMax => "argmax",
            Self::Ncap(_) => "ncap",
            Self::Membrane(_) => "membrane",
            Self::Spiking(_) => "spiking",
            Self::Clock { .. } => "clock",
            Self::GruUpdate => "gru update",
            Self::LstmUpdate => "lstm update",
        }
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> usize {
        match self {
            Self::Dense(d) | Self::Windows(Windows { dense: d, .. }) => {
                d.bias.len() + d.weights.iter().map(Vec::len).sum::<usize>()
            }
            Self::Rows { layer, .. } => layer.parameters(),
            Self::Affine { scale, offset } => scale.len() + offset.len(),
            Self::Functions { functions, .. } => {
                functions.iter().map(|f| f.constants().len()).sum()
            }
            Self::Kan(kan) => kan.parameters(),
            Self::Ncap(circuit) => circuit.parameters,
            Self::Spiking(circuit) => circuit.links.len(),
            Self::Membrane(circuit) => circuit.parameters(),
            Self::Add { .. }
            | Self::Anytime { .. }
            | Self::ArgMax
            | Self::Clock { .. }
            | Self::Concat
            | Self::DelayLine
            | Self::Div
            | Self::Extreme { .. }
            | Self::GruUpdate
            | Self::LogSoftmax
            | Self::LstmUpdate
            | Self::Map(_)
            | Self::Mul
            | Self::Normalize { .. }
            | Self::Pad { .. }
            | Self::Pick
            | Self::Reduce { .. }
            | Self::RootMeanSquare { .. }
            | Self::Select(_)
            | Self::Softmax => 0,
        }
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> usize {
        match self {
            Self::Dense(d) => d.weights.iter().map(Vec::len).sum(),
            Self::Windows(w) => w.windows() * w.dense.weights.iter().map(Vec::len).sum::<usize>(),
            Self::Rows { count, layer } => count * layer.macs(),
            Self::Affine { scale, .. } => scale.len(),
            Self::Kan(kan) => {
                let taps = |e: &super::kan::Edge| {
                    4 * usize::from(e.spline.is_some() || e.function.is_some())
                        + usize::from(e.base != 0.0)
                };
                kan.live().map(taps).sum()
            }
            Self::Ncap(circuit) => circuit.macs(),
            Self::Spiking(circuit) => circuit.links.len() * usize::from(circuit.updates),
            Self::Membrane(circuit) => circuit.macs(),
            Self::Add { .. }
            | Self::Anytime { .. }
            | Self::ArgMax
            | Self::Clock { .. }
            | Self::Concat
            | Self::DelayLine
            | Self::Functions { .. }
            | Self::Div
            | Self::Extreme { .. }
            | Self::GruUpdate
            | Self::LogSoftmax
            | Self::LstmUpdate
            | Self::Map(_)
            | Self::Mul
            | Self::Normalize { .. }
            | Self::Pad { .. }
            | Self::Pick
            | Self::Reduce { .. }
            | Self::RootMeanSquare { .. }
            | Self::Select(_)
            | Self::Softmax => 0,
        }
    }

    /// Shape of the output for inputs of the given `shapes`, or what is wrong with them.
    pub fn output_shape(&self, shapes: &[Shape]) -> std::result::Result<Shape, String> {
        let any = || match shapes {
            [shape] => Ok(*shape),
            _ => Err(format!("one input tensor, found {}", shapes.len())),
        };
        match self {
            Self::Map(_) | Self::Affine { .. } => {
                let lens = shapes.iter().map(|s| s.len()).collect::<Vec<_>>();
                self.output_len(&lens).and_then(|_| any())
            }
            Self::Add { .. } | Self::Mul | Self::Extreme { .. } => match shapes {
                [a, b] if a.len() == b.len() => Ok(*a),
                [a, b] => Err(format!("two tensors of one length, found {a} and {b}")),
                _ => Err(format!("two tensors, found {}", shapes.len())),
            },
            Self::Windows(windows) => {
                let [rows, features] = windows.shape(any()?.len())?;
                windows.dense.check(windows.dense.inputs())?;
                Ok(Shape { rows, features })
            }
            Self::Rows { layer, .. }
                if !matches!(
                    **layer,
                    Self::Normalize { .. }
                        | Self::RootMeanSquare { .. }
                        | Self::Softmax
                        | Self::LogSoftmax
                ) =>
            {
                Err(format!("a layer that has a form on rows, found {}", layer.kind()))
            }
            Self::Rows { count, layer } => {
                let len = row_len(any()?.len(), *count)?;
                let row = layer.output_shape(&[Shape::vector(len)])?;
                Ok(Shape { rows: *count, features: row.len() })
            }
            Self::Pad { rows, before, after } => {
                let features = row_len(any()?.len(), *rows)?.saturating_add(*before);
                Ok(Shape { rows: *rows, features: features.saturating_add(*after) })
            }
            // What lies in memory one after the other is a vector to all others.
            _ => {
                let lens = shapes.iter().map(|s| s.len()).collect::<Vec<_>>();
                self.output_len(&lens).map(Shape::vector)
            }
        }
    }

    /// Features of the output for vectors of the lengths `lens`, or what is wrong with them.
    fn output_len(&self, lens: &[usize]) -> std::result::Result<usize, String> {
        let one = || match lens {
            [n] => Ok(*n),
            _ => Err(format!("one input tensor, found {}", lens.len())),
        };
        let alike = |count: usize| match lens {
            [first, others @ ..] if lens.len() == count && others.iter().all(|n| n == first) => {
                Ok(*first)
            }
            _ => Err(format!("{count} tensors of one length, found {lens:?}")),
        };
        let same = |what: &str, want: usize, n: usize| {
            if want == n { Ok(n) } else { Err(format!("{want} {what}, found {n} features")) }
        };
        match self {
            Self::Dense(d) => {
                let n = one()?;
                d.check(n)?;
                Ok(d.weights.len())
            }
            Self::Windows(_) | Self::Rows { .. } | Self::Pad { .. } => self
                .output_shape(&lens.iter().map(|&n| n.into()).collect::<Vec<_>>())
                .map(Shape::len),
            Self::Affine { scale, offset } => {
                same("offsets", scale.len(), offset.len())?;
                same("factors", scale.len(), one()?)
            }
            Self::Map(_)
            | Self::Normalize { .. }
            | Self::RootMeanSquare { .. }
            | Self::Softmax
            | Self::LogSoftmax => one(),
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
                if !kan.live().filter_map(|e| e.spline.as_ref()).all(super::kan::Spline::fits) {
                    return Err("increasing knots, two to six more than coefficients".into());
                }
                Ok(kan.edges.len())
            }
            Self::ArgMax => one().map(|_| 1),
            Self::Add { .. } | Self::Mul | Self::Extreme { .. } => alike(2),
            Self::Div => match lens {
                [a, b] if a == b || *b == 1 => Ok(*a),
                _ => Err(format!("a tensor and as many divisors, or one, found {lens:?}")),
            },
            Self::Reduce { groups, .. } => match one()? {
                n if *groups > 0 && n > 0 && n % groups == 0 => Ok(*groups),
                n => Err(format!("{groups} groups of equal size, found {n} features")),
            },
            Self::DelayLine => match lens {
                [line, row] if *row > 0 && row <= line => Ok(*line),
                _ => Err(format!("a line and a row that is no longer, found {lens:?}")),
            },
            Self::Pick => match lens {
                [n, picks] if *n > 0 => Ok(*picks),
                _ => Err(format!("a tensor and an index, found {lens:?}")),
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
            Self::GruUpdate => alike(3),
            Self::LstmUpdate => alike(4),
            Self::Anytime { names } => alike(names.len()),
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

    /// Every real number in it.
    pub(super) fn numbers(&self) -> Box<dyn Iterator<Item = f64> + '_> {
        match self {
            Self::Dense(d) | Self::Windows(Windows { dense: d, .. }) => {
                Box::new(d.weights.iter().flatten().chain(&d.bias).copied())
            }
            Self::Rows { layer, .. } => layer.numbers(),
            Self::Affine { scale, offset } => Box::new(scale.iter().chain(offset).copied()),
            Self::Add { factors } => Box::new(factors.iter().copied()),
            Self::Normalize { epsilon } => Box::new(std::iter::once(*epsilon)),
            Self::RootMeanSquare { epsilon, least } => Box::new([*epsilon, *least].into_iter()),
            Self::Map(f) => Box::new(f.constants().into_iter()),
            Self::Functions { functions, .. } => {
                Box::new(functions.iter().flat_map(Expr::constants))
            }
            Self::Kan(kan) => Box::new(kan.numbers().into_iter()),
            Self::Ncap(circuit) => Box::new(circuit.weights()),
            Self::Membrane(circuit) => Box::new(circuit.numbers()),
            Self::Spiking(circuit) => Box::new(circuit.numbers()),
            // Counts and places.
            Self::Anytime { .. }
            | Self::ArgMax
            | Self::Clock { .. }
            | Self::Concat
            | Self::DelayLine
            | Self::Div
            | Self::Extreme { .. }
            | Self::GruUpdate
            | Self::LogSoftmax
            | Self::LstmUpdate
            | Self::Mul
            | Self::Pad { .. }
            | Self::Pick
            | Self::Reduce { .. }
            | Self::Select(_)
            | Self::Softmax => Box::new(std::iter::empty()),
        }
    }
}

/// Features of each of `rows` equal rows of `len`.
fn row_len(len: usize, rows: usize) -> std::result::Result<usize, String> {
    match len.checked_div(rows).filter(|row| row * rows == len) {
        Some(row) => Ok(row),
        None => Err(format!("{rows} rows of equal length, found {len} features")),
    }
}

impl From<Kan> for Layer {
    /// The layer of a graph that computes this: dense if no edge is live.
    fn from(kan: Kan) -> Self {
        if kan.live().next().is_some() {
            return Self::Kan(kan);
        }
        let weights = vec![vec![0.0; kan.inputs()]; kan.edges.len()];
        Self::Dense(Dense::new(weights, kan.bias))
    }
}
