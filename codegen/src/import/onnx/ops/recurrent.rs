//! GRU, LSTM and RNN: one step of a network that keeps its state, or a window of steps, unrolled.

use super::super::array::View;
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId};
use crate::import::recurrent::{Cell, Elman, Gate, Gru, Lstm, sigmoid, tanh};
use crate::text;

/// What a node of one of these operators says.
struct Node<'a> {
    call: &'a Call<'a>,
    /// Gates stacked in its weights.
    gates: usize,
    /// Whether each direction runs backwards.
    directions: Vec<bool>,
    units: usize,
    inputs: usize,
    /// Steps of its window.
    steps: usize,
    /// Whether the batch is the first axis.
    batch_first: bool,
}

/// A node of these operators.
pub fn cells(builder: &mut Builder, call: &Call) -> Result<Vec<Value>> {
    let node = Node::of(call)?;
    node.check()?;
    let x = call.flow(0)?.id;
    let directions = 0..node.directions.len();
    let runs = directions.map(|direction| node.run(builder, x, direction));
    let runs = runs.collect::<Result<Vec<_>>>()?;
    node.written(builder, &runs)
}

/// What a direction computes.
struct Run {
    /// The state after each step of the window.
    track: Vec<TensorId>,
    /// The states after the last that it runs.
    last: Vec<TensorId>,
}

impl<'a> Node<'a> {
    fn of(call: &'a Call<'a>) -> Result<Self> {
        let gates = match call.op() {
            "GRU" => 3,
            "LSTM" => 4,
            _ => 1,
        };
        let directions = match call.string("direction").as_deref() {
            None | Some("forward") => vec![false],
            Some("reverse") => vec![true],
            Some("bidirectional") => vec![false, true],
            Some(other) => {
                return Err(Error::new("the direction is not known")
                    .expected("forward, reverse or bidirectional")
                    .found(format!("\"{}\"", text::label(other)))
                    .help("the file is damaged: export it again"));
            }
        };
        let batch_first = call.int("layout", 0) == 1;
        let x = call.flow(0)?;
        let (steps, inputs) = match (x.dims.as_slice(), batch_first) {
            ([steps, 1, inputs], false) | ([1, steps, inputs], true) => (*steps, *inputs),
            (other, _) => {
                return Err(misshapen("the input", "a batch of 1, [steps, 1, features]", other));
            }
        };
        let recurrent = call.constant(2, "weights of the state")?;
        let units = match recurrent.dims.as_slice() {
            [_, _, units] => *units,
            other => return Err(misshapen("the weights of the state", "three axes", other)),
        };
        Ok(Self { call, gates, directions, units, inputs, steps, batch_first })
    }

    /// Refuses what would change the result and is not read.
    fn check(&self) -> Result<()> {
        let Self { call, units, steps, .. } = self;
        if let Some(hidden) = call.optional_int("hidden_size").filter(|h| *h != *units as i64) {
            return Err(misshapen(
                "the weights of the state",
                &format!("{hidden} units"),
                &[*units],
            ));
        }
        for name in ["activation_alpha", "activation_beta"] {
            if call.floats(name).is_some_and(|values| !values.is_empty()) {
                return Err(Error::new(
                    "an activation with parameters of its own is not supported",
                )
                .expected(format!("no attribute `{name}`"))
                .found(format!("`{name}`"))
                .help("export the cell with activations of default parameters"));
            }
        }
        if let Some(lens) = call.optional_constant(4, "the length of the sequence")?
            && lens.data.iter().any(|len| *len != *steps as f64)
        {
            return Err(Error::new("a sequence is shorter than its window")
                .expected(format!("a length of {steps}, the steps of the window"))
                .found(format!("{:?}", lens.data))
                .help("export without sequence_lens"));
        }
        if *steps == 1 && self.directions != [false] {
            return Err(Error::new("a recurrent layer of one step runs backwards")
                .expected("`direction` forward, or a window of several steps")
                .found("a step that would need the steps after it")
                .help("train with bidirectional=False, or export with a window of fixed length"));
        }
        Ok(())
    }

    /// All steps of a direction.
    fn run(&self, builder: &mut Builder, x: TensorId, direction: usize) -> Result<Run> {
        let cell = self.cell(direction)?;
        let starts = (0..cell.states()).map(|k| self.start(builder, k, direction));
        let (mut last, kept): (Vec<TensorId>, Vec<bool>) =
            starts.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let start = last.clone();
        let mut track = vec![x; self.steps];
        let backwards = self.directions.get(direction) == Some(&true);
        for step in 0..self.steps {
            let t = if backwards { self.steps - 1 - step } else { step };
            let name = match self.steps {
                1 => self.call.name().to_owned(),
                _ => format!("{}.{}{t}", self.call.name(), if backwards { "back" } else { "" }),
            };
            let from = (t * self.inputs..(t + 1) * self.inputs).collect();
            let view = View { dims: vec![self.inputs], from };
            let x = builder.select(&format!("{name}.x"), x, view)?;
            let mut push =
                |name: &str, layer: Layer, read: &[TensorId]| builder.push(name, layer, read);
            last = cell.step(&mut push, &name, x, &last)?;
            if let (Some(place), Some(h)) = (track.get_mut(t), last.first()) {
                *place = *h;
            }
        }
        for ((previous, next), kept) in start.into_iter().zip(&last).zip(kept) {
            if kept {
                builder.graph.close_state(previous, *next)?;
            }
        }
        Ok(Run { track, last })
    }

    /// State `k` before the first step, and whether the node keeps it from step to step by itself.
    fn start(&self, builder: &mut Builder, k: usize, direction: usize) -> Result<(TensorId, bool)> {
        let (units, name) = (self.units, format!("{}.{}", self.call.name(), ["h", "c"][k.min(1)]));
        let initial = match self.call.optional(5 + k) {
            Some(Value::Flow(flow)) => {
                self.expect("a state", &[self.directions.len(), 1, units], &flow.dims)?;
                let from = (direction * units..(direction + 1) * units).collect();
                let view = View { dims: vec![units], from };
                return Ok((builder.select(&format!("{name}.start"), flow.id, view)?, false));
            }
            Some(_) => {
                let array = self.call.constant(5 + k, "state")?;
                self.expect("a state", &[self.directions.len(), 1, units], &array.dims)?;
                array.data.iter().skip(direction * units).take(units).copied().collect()
            }
            None => vec![0.0; units],
        };
        if self.steps > 1 || !builder.keeps_states {
            return Ok((builder.fixed(&format!("{name}.start"), &initial)?, false));
        }
        builder.graph.notes.push(format!(
            "`{}` keeps its state from step to step; `[state] keep = false` in nervecord.toml starts each step anew",
            self.call.name()
        ));
        Ok((builder.graph.push_state(name, initial), true))
    }

    /// Refuses a tensor of another shape. A batch in front moves the directions behind it.
    fn expect(&self, what: &str, dims: &[usize], found: &[usize]) -> Result<()> {
        let mut dims = dims.to_vec();
        if self.batch_first {
            dims.swap(0, 1);
        }
        match dims == found {
            true => Ok(()),
            false => Err(misshapen(what, &format!("{dims:?}"), found)),
        }
    }

    /// The cell of a direction.
    fn cell(&self, direction: usize) -> Result<Cell> {
        let (input, state) = self.weights(direction)?;
        let clip = self.call.optional_float("clip").filter(|clip| *clip > 0.0);
        let functions = self.functions(direction)?.into_iter().map(|f| match clip {
            Some(clip) => f.of(&Expr::clamp(-clip, clip)),
            None => f,
        });
        let functions: Vec<Expr> = functions.collect();
        let cell = match (self.call.op(), functions.as_slice()) {
            ("GRU", [gate, squash]) => {
                let [update, reset, candidate] = Gate::stacked(&input, &state);
                let reset_after = self.call.int("linear_before_reset", 0) != 0;
                let (gate, squash) = (gate.clone(), squash.clone());
                let gru = Gru { reset, update, candidate, reset_after, gate, squash };
                Some(Cell::Gru(Box::new(gru)))
            }
            ("LSTM", [gate, squash, out]) => {
                let [input, output, forget, cell] = Gate::stacked(&input, &state);
                let coupled = self.call.int("input_forget", 0) != 0;
                let peepholes = self.peepholes(direction)?;
                let (gate, squash, out) = (gate.clone(), squash.clone(), out.clone());
                let forget = (!coupled).then_some(forget);
                let lstm = Lstm { input, forget, cell, output, peepholes, gate, squash, out };
                Some(Cell::Lstm(Box::new(lstm)))
            }
            ("RNN", [squash]) => {
                let gate = Gate { input, recurrent: state };
                Some(Cell::Elman(Elman { gate, squash: squash.clone() }))
            }
            _ => None,
        };
        cell.ok_or_else(|| misshapen("the activations", "those of each direction", &[]))
    }

    /// What the gates of a direction, stacked in the operator's order, do with the input and with the state.
    fn weights(&self, direction: usize) -> Result<(Dense, Dense)> {
        let Self { call, gates, units, inputs, .. } = self;
        let (count, rows) = (self.directions.len(), gates * units);
        let matrix = |k: usize, what: &str, columns: usize| -> Result<Vec<Vec<f64>>> {
            let array = call.constant(k, what)?;
            if array.dims != [count, rows, columns] {
                let expected = format!("{:?}", [count, rows, columns]);
                return Err(misshapen(what, &expected, &array.dims));
            }
            let rows = array.data.chunks(columns.max(1)).skip(direction * rows).take(rows);
            Ok(rows.map(<[f64]>::to_vec).collect())
        };
        let (w, r) = (
            matrix(1, "weights of the input", *inputs)?,
            matrix(2, "weights of the state", *units)?,
        );
        let bias = match call.optional_constant(3, "biases")? {
            Some(array) if array.dims == [count, 2 * rows] => {
                array.data.iter().skip(2 * direction * rows).take(2 * rows).copied().collect()
            }
            Some(array) => {
                return Err(misshapen(
                    "the biases",
                    &format!("{:?}", [count, 2 * rows]),
                    &array.dims,
                ));
            }
            None => vec![0.0; 2 * rows],
        };
        let (of_input, of_state) = bias.split_at(rows);
        Ok((Dense::new(w, of_input.to_vec()), Dense::new(r, of_state.to_vec())))
    }

    /// The weights of the gates `i`, `f` and `o` on the cell.
    fn peepholes(&self, direction: usize) -> Result<Option<[Vec<f64>; 3]>> {
        let Some(array) = self.call.optional_constant(7, "peepholes")? else { return Ok(None) };
        let (count, units) = (self.directions.len(), self.units);
        if array.dims != [count, 3 * units] {
            return Err(misshapen(
                "the peepholes",
                &format!("{:?}", [count, 3 * units]),
                &array.dims,
            ));
        }
        let part = |k: usize| {
            array.data.iter().skip((3 * direction + k) * units).take(units).copied().collect()
        };
        // The operator's order is i, o, f.
        Ok(Some([part(0), part(2), part(1)]))
    }

    /// The activations of a direction.
    fn functions(&self, direction: usize) -> Result<Vec<Expr>> {
        let usual: &[&str] = match self.call.op() {
            "GRU" => &["Sigmoid", "Tanh"],
            "LSTM" => &["Sigmoid", "Tanh", "Tanh"],
            _ => &["Tanh"],
        };
        let names = self.call.strings("activations").unwrap_or_else(|| {
            usual.repeat(self.directions.len()).iter().map(|name| (*name).to_owned()).collect()
        });
        names.iter().skip(direction * usual.len()).take(usual.len()).map(|n| function(n)).collect()
    }

    /// The outputs: all states of the window, and the last.
    fn written(&self, builder: &mut Builder, runs: &[Run]) -> Result<Vec<Value>> {
        let (count, units) = (self.directions.len(), self.units);
        let dims = |dims: [usize; 4]| match self.batch_first {
            // [steps, directions, 1, units]
            true => vec![dims[2], dims[0], dims[1], dims[3]],
            false => dims.to_vec(),
        };
        let steps = (0..self.steps).flat_map(|t| runs.iter().filter_map(move |r| r.track.get(t)));
        let all: Vec<TensorId> = steps.copied().collect();
        let mut join = |what: &str, parts: &[TensorId]| match parts {
            [one] => Ok(*one),
            parts => builder.push(&format!("{}.{what}", self.call.name()), Layer::Concat, parts),
        };
        let whole = Flow { id: join("window", &all)?, dims: dims([self.steps, count, 1, units]) };
        let mut values = vec![Value::Flow(whole)];
        for k in 0..runs.first().map_or(0, |run| run.last.len()) {
            let parts: Vec<TensorId> = runs.iter().filter_map(|r| r.last.get(k)).copied().collect();
            let dims = match self.batch_first {
                true => vec![1, count, units],
                false => vec![count, 1, units],
            };
            values.push(Value::Flow(Flow { id: join("last", &parts)?, dims }));
        }
        Ok(values)
    }
}

/// An activation of these operators, with its default parameters.
fn function(name: &str) -> Result<Expr> {
    let call = Expr::call;
    Ok(match name.to_ascii_lowercase().as_str() {
        "sigmoid" => sigmoid(),
        "tanh" => tanh(),
        "relu" => Expr::relu(),
        "leakyrelu" => call(Function::LeakyRelu { alpha: 0.01 }),
        "elu" => call(Function::Elu { alpha: 1.0, gamma: 1.0 }),
        "softplus" => call(Function::Softplus),
        "softsign" => Expr::X.div(call(Function::Abs).add(Expr::Const(1.0))),
        "hardsigmoid" => {
            Expr::clamp(0.0, 1.0).of(&Expr::X.mul(Expr::Const(0.2)).add(Expr::Const(0.5)))
        }
        _ => {
            return Err(Error::new("an activation of the recurrent layer is not supported")
                .expected("Sigmoid, Tanh, Relu, LeakyRelu, Elu, Softplus, Softsign or HardSigmoid")
                .found(format!("\"{}\"", text::label(name)))
                .help("train with the usual activations, the logistic function and the hyperbolic tangent"));
        }
    })
}

fn misshapen(what: &str, expected: &str, found: &[usize]) -> Error {
    Error::new(format!("{what} of a recurrent layer do not fit it"))
        .expected(expected)
        .found(format!("shape {found:?}"))
        .help("export with a batch of 1 and a window of fixed length")
}
