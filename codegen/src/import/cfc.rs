//! CfC, closed-form continuous-time networks (Hasani et al. 2022), from the `ncps` state_dict.
//!
//! Format `cfc_ncp` is wired (layers inter, command and motor, each with its mask), `cfc_dense` has a
//! backbone. Keys of `config.json`: `mode` (`default`, `no_gate` or `pure`), `timespan` (1.0),
//! `backbone_activation` (`lecun_tanh`). The timespan is fixed, so that both time layers are one:
//!
//! ```text
//! c = [input, h]   f1 = tanh(W1 c + b1)   f2 = tanh(W2 c + b2)
//! t = sigmoid((ts Wa + Wb) c + ts ba + bb)        h = f1 + t (f2 - f1)
//! ```
//!
//! With mixed memory (tensors `lstm.*`) an LSTM computes, from the input and `h`, the `h` that is read.

use std::path::Path;

use super::config::Config;
use super::file::read;
use super::recurrent::{Cell, Gate};
use super::tensors::Tensors;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Graph, Layer, TensorId};
use crate::text;

/// The tensor of mixed memory: an LSTM that the states pass before each step.
const MEMORY: &str = "lstm.input_map.weight";

/// What the heads become.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// `f1 (1 - t) + t f2`.
    Default,
    /// `f1 + t f2`.
    NoGate,
    /// `A - A exp(-ts (|w_tau| + |f|)) f`.
    Pure,
}

/// A file with what its configuration says.
struct Source<'a> {
    file: Tensors<'a>,
    mode: Mode,
    timespan: f64,
    activation: Expr,
}

/// Reads the network `model` that `config` describes, and the digest of its weights.
///
/// # Errors
/// A tensor is missing or of the wrong shape, or a setting is not known.
pub fn load(config: &Config, model: &Path, name: &str) -> Result<(Graph, String)> {
    let bytes = read(model)?;
    let (mode, timespan) = (mode(config)?, timespan(config)?);
    let activation = activation(config)?;
    let build = || {
        let source = Source { file: Tensors::open(&bytes)?, mode, timespan, activation };
        match config.text("format") {
            Some("cfc_dense") => source.dense(name),
            _ => source.wired(name),
        }
        .and_then(|graph| source.file.understood(&[]).map(|()| graph))
    };
    let graph = build().map_err(|e: Error| e.file(model))?;
    Ok((graph, sha256(&bytes)))
}

fn mode(config: &Config) -> Result<Mode> {
    match config.text("mode").unwrap_or("default") {
        "default" => Ok(Mode::Default),
        "no_gate" => Ok(Mode::NoGate),
        "pure" => Ok(Mode::Pure),
        other => Err(Error::new("the mode of the CfC is not known")
            .file(&config.path)
            .at("key `mode`")
            .expected("\"default\", \"no_gate\" or \"pure\"")
            .found(format!("\"{other}\""))
            .help("set `mode` to the mode the cell was trained in")),
    }
}

/// The time a step takes, in the unit of training.
pub(super) fn timespan(config: &Config) -> Result<f64> {
    let Some(value) = config.get("timespan") else { return Ok(1.0) };
    value.as_f64().filter(|ts| *ts > 0.0).ok_or_else(|| {
        Error::new("the timespan is not a positive number")
            .file(&config.path)
            .at("key `timespan`")
            .expected("a positive number, 1.0 by default")
            .found(value)
            .help(
                "set `timespan` to the time between two steps in training, or leave it out for 1.0",
            )
    })
}

fn activation(config: &Config) -> Result<Expr> {
    let scaled =
        |by: f64, f: Expr, inner: f64| Expr::Const(by).mul(f.of(&Expr::X.mul(Expr::Const(inner))));
    Ok(match config.text("backbone_activation").unwrap_or("lecun_tanh") {
        // LeCun et al. 1998, with the constants of ncps.
        "lecun_tanh" => scaled(1.7159, Expr::call(Function::Tanh), 0.666),
        "tanh" => Expr::call(Function::Tanh),
        "relu" => Expr::relu(),
        "silu" => Expr::X.mul(Expr::call(Function::Sigmoid)),
        "gelu" => {
            let erf = scaled(1.0, Expr::call(Function::Erf), std::f64::consts::FRAC_1_SQRT_2);
            Expr::X.mul(Expr::Const(0.5)).mul(erf.add(Expr::Const(1.0)))
        }
        other => {
            return Err(Error::new("the backbone's activation is not known")
                .file(&config.path)
                .at("key `backbone_activation`")
                .expected("lecun_tanh, tanh, relu, silu or gelu")
                .found(format!("\"{other}\""))
                .help(
                    "set `backbone_activation` to the activation the backbone was trained with",
                ));
        }
    })
}

impl Source<'_> {
    fn wired(&self, name: &str) -> Result<Graph> {
        let layers: Vec<String> = (0..)
            .map(|i| format!("rnn_cell.layer_{i}."))
            .take_while(|prefix| self.file.has(&format!("{prefix}ff1.weight")))
            .collect();
        let mut width = match layers.first() {
            Some(first) => {
                let (outputs, inputs) = self.file.shape(&format!("{first}ff1.weight"))?;
                inputs.checked_sub(outputs).filter(|n| *n > 0).ok_or_else(|| {
                    Error::new("a layer reads no inputs")
                        .at(format!("tensor `{first}ff1.weight`"))
                        .expected("more columns than rows: the layer's inputs, then its state")
                        .found(format!("shape [{outputs}, {inputs}]"))
                        .help("save the whole state_dict of the network, under the names of ncps")
                })?
            }
            None => return Err(self.missing("rnn_cell.layer_0.ff1.weight")),
        };
        let mut graph = Graph::new(name, "x", width);
        let mut states = Vec::with_capacity(layers.len());
        for prefix in &layers {
            let (units, _) = self.file.shape(&format!("{prefix}ff1.weight"))?;
            let title = prefix.trim_start_matches("rnn_cell.").trim_end_matches('.');
            let bound = self.bound(prefix, units)?;
            states.push(graph.push_bounded_state(format!("{title}.h"), vec![0.0; units], bound));
        }
        let remembered = self.memory(&mut graph, &states)?;
        let mut x = graph.input;
        for ((prefix, &h), &remembered) in layers.iter().zip(&states).zip(&remembered) {
            let units = graph.tensors[h].len();
            let mask = self.file.matrix(&format!("{prefix}sparsity_mask"), units, width + units)?;
            let title = prefix.trim_start_matches("rnn_cell.").trim_end_matches('.');
            let c = graph.push(format!("{title}.concat"), Layer::Concat, &[x, remembered])?;
            let next = self.cell(&mut graph, prefix, title, c, units, Some(&mask))?;
            graph.close_state(h, next)?;
            (x, width) = (next, units);
        }
        self.no_others(&layers)?;
        graph.output = x;
        Ok(graph)
    }

    fn dense(&self, name: &str) -> Result<Graph> {
        let prefix = "rnn_cell.";
        let head = format!("{prefix}ff1.weight");
        if !self.file.has(&head) {
            return Err(self.missing(&head));
        }
        let (units, features) = self.file.shape(&head)?;
        // Sequential numbers its Linear layers with gaps, for activations and dropout.
        let mut backbone: Vec<usize> = self
            .file
            .names()
            .iter()
            .filter_map(|n| {
                n.strip_prefix("rnn_cell.backbone.")?.strip_suffix(".weight")?.parse().ok()
            })
            .collect();
        backbone.sort_unstable();
        let columns = match backbone.first() {
            Some(first) => self.file.shape(&format!("{prefix}backbone.{first}.weight"))?.1,
            None => features,
        };
        let inputs = columns.checked_sub(units).filter(|n| *n > 0).ok_or_else(|| {
            Error::new("the cell reads no inputs")
                .at(format!("tensor `{head}`"))
                .expected(format!("more than {units} columns in front: inputs, then the state"))
                .found(columns)
                .help("save the whole state_dict of the network, under the names of ncps")
        })?;
        let mut graph = Graph::new(name, "x", inputs);
        let h = graph.push_bounded_state("h", vec![0.0; units], self.bound(prefix, units)?);
        let remembered = self.memory(&mut graph, &[h])?;
        let read = [&[graph.input], remembered.as_slice()].concat();
        let mut c = graph.push("concat", Layer::Concat, &read)?;
        for i in backbone {
            let title = format!("backbone.{i}");
            c = self.linear(&mut graph, prefix, &title, &title, c)?;
            let map = Layer::Map(self.activation.clone());
            c = graph.push(format!("{title}.activation"), map, &[c])?;
        }
        let next = self.cell(&mut graph, prefix, "", c, units, None)?;
        graph.close_state(h, next)?;
        graph.output = next;
        if self.file.has("fc.weight") {
            self.linear(&mut graph, "", "fc", "fc", next)?;
        }
        self.no_others(&["rnn_cell.".into(), "fc.".into()])?;
        Ok(graph)
    }

    /// The states as the cells find them: those that `states` hold, or with mixed memory what an LSTM makes of them
    /// and of the input (Lechner, Hasani 2020).
    fn memory(&self, graph: &mut Graph, states: &[TensorId]) -> Result<Vec<TensorId>> {
        if !self.file.has(MEMORY) {
            return Ok(states.to_vec());
        }
        let lens: Vec<usize> = states.iter().map(|&h| graph.tensors[h].len()).collect();
        let (units, inputs): (usize, _) = (lens.iter().sum(), graph.input_len());
        let of_input = Dense::new(
            self.file.matrix(MEMORY, 4 * units, inputs)?,
            self.file.vector("lstm.input_map.bias", 4 * units)?,
        );
        let recurrent = self.file.matrix("lstm.recurrent_map.weight", 4 * units, units)?;
        let of_state = Dense::new(recurrent, vec![0.0; 4 * units]);
        let [cell, input, mut forget, output] = Gate::stacked(&of_input, &of_state);
        // A unit more opens the gate.
        forget.input.bias.iter_mut().for_each(|bias| *bias += 1.0);
        let lstm = Cell::lstm([input, forget, cell, output]);
        let h = match states {
            [one] => *one,
            _ => graph.push("lstm.h", Layer::Concat, states)?,
        };
        let (input, c) = (graph.input, graph.push_state("lstm.c", vec![0.0; units]));
        let mut push = |name: &str, layer: Layer, read: &[TensorId]| graph.push(name, layer, read);
        let next = lstm.step(&mut push, "lstm", input, &[h, c])?;
        let [remembered, cell] = next.as_slice() else { return Ok(next) };
        graph.close_state(c, *cell)?;
        if states.len() == 1 {
            return Ok(vec![*remembered]);
        }
        let mut start = 0;
        let part = |(k, len): (usize, &usize)| {
            let indices = (start..start + len).collect();
            start += len;
            graph.push(format!("lstm.part{k}"), Layer::Select(indices), &[*remembered])
        };
        lens.iter().enumerate().map(part).collect()
    }

    /// The largest magnitude that the state of the cell under `prefix` can have.
    fn bound(&self, prefix: &str, units: usize) -> Result<f64> {
        match self.mode {
            // Between two hyperbolic tangents.
            Mode::Default => Ok(1.0),
            Mode::NoGate => Ok(2.0),
            // |f| exp(-ts |f|) is at most 1 / (e ts).
            Mode::Pure => {
                let a = self.file.vector(&format!("{prefix}A"), units)?;
                let tau = self.file.vector(&format!("{prefix}w_tau"), units)?;
                let most = 1.0 / (std::f64::consts::E * self.timespan);
                let bound = |(a, w): (&f64, &f64)| {
                    a.abs() * (1.0 + most * (-self.timespan * w.abs()).exp())
                };
                Ok(a.iter().zip(&tau).map(bound).fold(0.0, f64::max))
            }
        }
    }

    /// The heads of one cell on `c`, and the new state.
    fn cell(
        &self,
        graph: &mut Graph,
        prefix: &str,
        title: &str,
        c: TensorId,
        units: usize,
        mask: Option<&[Vec<f64>]>,
    ) -> Result<TensorId> {
        let title = |name: &str| format!("{title}.{name}").trim_start_matches('.').to_owned();
        let columns = graph.tensors[c].len();
        let head = |graph: &mut Graph, name: &str| {
            let (mut weights, bias) = self.weights(&format!("{prefix}{name}"), units, columns)?;
            for (w, m) in weights.iter_mut().flatten().zip(mask.into_iter().flatten().flatten()) {
                *w *= m;
            }
            graph.push(title(name), Layer::Dense(Dense::new(weights, bias)), &[c])
        };
        let f1 = head(graph, "ff1")?;
        if self.mode == Mode::Pure {
            return self.pure(graph, prefix, &title, f1, units);
        }
        let tanh = || Layer::Map(Expr::call(Function::Tanh));
        let f1 = graph.push(title("ff1.tanh"), tanh(), &[f1])?;
        let f2 = head(graph, "ff2")?;
        let f2 = graph.push(title("ff2.tanh"), tanh(), &[f2])?;
        // Not masked, as in the framework.
        let (mut weights, mut bias) = self.weights(&format!("{prefix}time_a"), units, columns)?;
        let (weights_b, bias_b) = self.weights(&format!("{prefix}time_b"), units, columns)?;
        let fold = |(a, b): (&mut f64, &f64)| *a = *a * self.timespan + b;
        weights.iter_mut().flatten().zip(weights_b.iter().flatten()).for_each(fold);
        bias.iter_mut().zip(&bias_b).for_each(fold);
        let t = graph.push(title("time"), Layer::Dense(Dense::new(weights, bias)), &[c])?;
        let sigmoid = Layer::Map(Expr::call(Function::Sigmoid));
        let t = graph.push(title("time.sigmoid"), sigmoid, &[t])?;
        let add = |a: f64| Layer::Add { factors: [1.0, a] };
        let change = match self.mode {
            Mode::NoGate => f2,
            _ => graph.push(title("difference"), add(-1.0), &[f2, f1])?,
        };
        let change = graph.push(title("change"), Layer::Mul, &[change, t])?;
        graph.push(title("next"), add(1.0), &[change, f1])
    }

    fn pure(
        &self,
        graph: &mut Graph,
        prefix: &str,
        title: &dyn Fn(&str) -> String,
        f: TensorId,
        units: usize,
    ) -> Result<TensorId> {
        // f exp(-ts |f|), the part that no constant of a neuron is in.
        let decay = Expr::call(Function::Abs).mul(Expr::Const(-self.timespan));
        let f_decay = Expr::X.mul(Expr::call(Function::Exp).of(&decay));
        let g = graph.push(title("decay"), Layer::Map(f_decay), &[f])?;
        let a = self.file.vector(&format!("{prefix}A"), units)?;
        let tau = self.file.vector(&format!("{prefix}w_tau"), units)?;
        let factor = |(a, w): (&f64, &f64)| -a * (-self.timespan * w.abs()).exp();
        let scale = a.iter().zip(&tau).map(factor).collect();
        graph.push(title("next"), Layer::Affine { scale, offset: a }, &[g])
    }

    fn linear(
        &self,
        graph: &mut Graph,
        prefix: &str,
        name: &str,
        title: &str,
        x: TensorId,
    ) -> Result<TensorId> {
        let key = format!("{prefix}{name}");
        let (outputs, _) = self.file.shape(&format!("{key}.weight"))?;
        let (weights, bias) = self.weights(&key, outputs, graph.tensors[x].len())?;
        graph.push(title, Layer::Dense(Dense::new(weights, bias)), &[x])
    }

    /// Weights and bias of a Linear layer.
    fn weights(&self, key: &str, rows: usize, columns: usize) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
        let weights = self.file.matrix(&format!("{key}.weight"), rows, columns)?;
        Ok((weights, self.file.vector(&format!("{key}.bias"), rows)?))
    }

    fn missing(&self, name: &str) -> Error {
        Error::new("a tensor is missing")
            .at(format!("tensor `{name}`"))
            .expected("the state_dict of a CfC of ncps, as `format` says: cfc_ncp or cfc_dense")
            .found(text::shortened(&self.file.names().join(", "), 200))
            .help("save the whole state_dict of the network, under the names of ncps")
    }

    /// Refuses tensors outside of `prefixes`: a part of the network that would be left out.
    fn no_others(&self, prefixes: &[String]) -> Result<()> {
        let known = |name: &String| {
            let memory = self.file.has(MEMORY) && name.starts_with("lstm.");
            memory || prefixes.iter().any(|prefix| name.starts_with(prefix))
        };
        match self.file.names().into_iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(name) => Err(Error::new("a tensor has no place in a CfC")
                .at(format!("tensor `{name}`"))
                .expected(format!("names that start with {}", prefixes.join(" or ")))
                .found(format!("`{name}`"))
                .help("save the state_dict of the CfC alone, under the names of ncps")),
        }
    }
}
