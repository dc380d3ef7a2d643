//! Cells of recurrent networks, as layers: what every file with a GRU, an LSTM or an Elman network shares.
//!
//! ```text
//! GRU    r = s(W_r x + U_r h + b_r)   z = s(W_z x + U_z h + b_z)
//!        n = g(W_n x + b_n + r (U_n h + d_n))      reset after the product (PyTorch), or
//!        n = g(W_n x + b_n + U_n (r h) + d_n)      before it
//!        h' = (1 - z) n + z h
//! LSTM   i, f, o = s(W x + U h + b [+ P c])   g = tanh(W x + U h + b)   c' = f c + i g   h' = o tanh(c')
//! Elman  h' = f(W x + U h + b)
//! ```
//!
//! Cho et al. 2014; Hochreiter and Schmidhuber 1997, peepholes by Gers and Schmidhuber 2000; Elman 1990.
//!
//! Stands on the graph.

use std::array;

use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Graph, Layer, TensorId};

/// Appends a layer of a name to the graph that an importer builds.
pub type Push<'a> = dyn FnMut(&str, Layer, &[TensorId]) -> Result<TensorId> + 'a;

/// What one gate sums: `W x + b` and `U h + d`, rows of weights a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Of the input.
    pub input: Dense,
    /// Of the state.
    pub recurrent: Dense,
}

impl Gate {
    /// The gates whose rows are stacked in a layer of the input and in one of the state, in their order; each has as
    /// many units as the others.
    pub fn stacked<const N: usize>(input: &Dense, recurrent: &Dense) -> [Self; N] {
        let units = input.bias.len() / N.max(1);
        let part = |dense: &Dense, gate: usize| {
            let weights = dense.weights.iter().skip(gate * units).take(units).cloned();
            let bias = dense.bias.iter().skip(gate * units).take(units).copied();
            Dense::new(weights.collect(), bias.collect())
        };
        array::from_fn(|gate| Self { input: part(input, gate), recurrent: part(recurrent, gate) })
    }

    /// One layer of the state, whose features most often fill whole quads, followed by the input, with both biases.
    fn joined(&self) -> Dense {
        let rows = self.input.weights.iter().zip(&self.recurrent.weights);
        let weights = rows.map(|(w, u)| u.iter().chain(w).copied().collect()).collect();
        let biases = self.input.bias.iter().zip(&self.recurrent.bias);
        Dense::new(weights, biases.map(|(b, d)| b + d).collect())
    }
}

/// What one step of a network of one layer becomes: its kinds, and how each is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A gated recurrent unit.
    Gru(Box<Gru>),
    /// A long short-term memory.
    Lstm(Box<Lstm>),
    /// An Elman network.
    Elman(Elman),
}

impl Cell {
    /// A GRU as PyTorch has it, which resets after the product.
    pub fn gru([reset, update, candidate]: [Gate; 3]) -> Self {
        let (gate, squash) = (sigmoid(), tanh());
        Self::Gru(Box::new(Gru { reset, update, candidate, reset_after: true, gate, squash }))
    }

    /// An LSTM as PyTorch has it, of the gates `i`, `f`, `g` and `o`.
    pub fn lstm([input, forget, cell, output]: [Gate; 4]) -> Self {
        Self::Lstm(Box::new(Lstm {
            input,
            forget: Some(forget),
            cell,
            output,
            peepholes: None,
            gate: sigmoid(),
            squash: tanh(),
            out: tanh(),
        }))
    }

    /// Appends one step as [`step`](Self::step) does, has each state become what it wrote, and returns the new `h`.
    ///
    /// # Errors
    /// The weights do not fit one another or the tensors.
    pub fn keep(
        &self,
        graph: &mut Graph,
        name: &str,
        x: TensorId,
        states: &[TensorId],
    ) -> Result<TensorId> {
        let mut push = |name: &str, layer: Layer, read: &[TensorId]| graph.push(name, layer, read);
        let next = self.step(&mut push, name, x, states)?;
        for (&state, &next) in states.iter().zip(&next) {
            graph.close_state(state, next)?;
        }
        Ok(next.first().copied().unwrap_or(x))
    }

    /// Appends one step on `x` from the states (`h`, and `c` of an LSTM), in layers called `name` and a word, and
    /// returns the new states.
    ///
    /// # Errors
    /// The weights do not fit one another or the tensors.
    pub fn step(
        &self,
        push: &mut Push,
        name: &str,
        x: TensorId,
        states: &[TensorId],
    ) -> Result<Vec<TensorId>> {
        let mut step = Step { push, name };
        match (self, states) {
            (Self::Gru(gru), &[h]) => Ok(vec![gru.step(&mut step, x, h)?]),
            (Self::Lstm(lstm), &[h, c]) => lstm.step(&mut step, x, h, c).map(Vec::from),
            (Self::Elman(elman), &[h]) => Ok(vec![elman.step(&mut step, x, h)?]),
            _ => Err(Error::new("a recurrent layer has not the states of its kind")
                .expected("two of an LSTM, one of others")
                .found(states.len())
                .help("the file is damaged: export it again")),
        }
    }

    /// States from step to step.
    pub fn states(&self) -> usize {
        match self {
            Self::Lstm(_) => 2,
            Self::Gru(_) | Self::Elman(_) => 1,
        }
    }
}

/// The layers of one step.
struct Step<'a, 'b> {
    push: &'a mut Push<'b>,
    name: &'a str,
}

impl Step<'_, '_> {
    fn push(&mut self, what: &str, layer: Layer, inputs: &[TensorId]) -> Result<TensorId> {
        (self.push)(&format!("{}.{what}", self.name), layer, inputs)
    }

    fn dense(&mut self, what: &str, dense: &Dense, x: TensorId) -> Result<TensorId> {
        self.push(what, Layer::Dense(dense.clone()), &[x])
    }

    /// `f` of every feature.
    fn map(&mut self, what: &str, f: &Expr, x: TensorId) -> Result<TensorId> {
        match f {
            Expr::X => Ok(x),
            _ => self.push(what, Layer::Map(f.clone()), &[x]),
        }
    }

    fn sum(&mut self, what: &str, a: TensorId, b: TensorId) -> Result<TensorId> {
        self.push(what, Layer::Add { factors: [1.0, 1.0] }, &[a, b])
    }
}

/// A gated recurrent unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    /// `r`.
    pub reset: Gate,
    /// `z`.
    pub update: Gate,
    /// `n`.
    pub candidate: Gate,
    /// Whether the reset gate weighs the product of the state, not the state.
    pub reset_after: bool,
    /// Of the gates: the logistic function.
    pub gate: Expr,
    /// Of the candidate: the hyperbolic tangent.
    pub squash: Expr,
}

impl Gru {
    fn step(&self, step: &mut Step, x: TensorId, h: TensorId) -> Result<TensorId> {
        let both = step.push("input", Layer::Concat, &[h, x])?;
        let r = step.dense("reset", &self.reset.joined(), both)?;
        let r = step.map("reset.gate", &self.gate, r)?;
        let z = step.dense("update", &self.update.joined(), both)?;
        let z = step.map("update.gate", &self.gate, z)?;
        let n = match self.reset_after {
            true => {
                let of_h = step.dense("candidate.state", &self.candidate.recurrent, h)?;
                let of_h = step.push("candidate.reset", Layer::Mul, &[of_h, r])?;
                let of_x = step.dense("candidate.input", &self.candidate.input, x)?;
                step.sum("candidate", of_h, of_x)?
            }
            false => {
                let reset = step.push("candidate.reset", Layer::Mul, &[r, h])?;
                let both = step.push("candidate.input", Layer::Concat, &[reset, x])?;
                step.dense("candidate", &self.candidate.joined(), both)?
            }
        };
        let n = step.map("candidate.squash", &self.squash, n)?;
        step.push("state", Layer::GruUpdate, &[z, n, h])
    }
}

/// A long short-term memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Lstm {
    /// `i`.
    pub input: Gate,
    /// `f`; none where it is `1 - i`.
    pub forget: Option<Gate>,
    /// `g`.
    pub cell: Gate,
    /// `o`.
    pub output: Gate,
    /// A weight a unit with which the gates `i` and `f` look at the cell, and `o` at what it becomes.
    pub peepholes: Option<[Vec<f64>; 3]>,
    /// Of the gates: the logistic function.
    pub gate: Expr,
    /// Of the candidate: the hyperbolic tangent.
    pub squash: Expr,
    /// Of the cell on its way out: the hyperbolic tangent.
    pub out: Expr,
}

impl Lstm {
    fn step(
        &self,
        step: &mut Step,
        x: TensorId,
        h: TensorId,
        c: TensorId,
    ) -> Result<[TensorId; 2]> {
        let both = step.push("input", Layer::Concat, &[h, x])?;
        let [look_i, look_f, look_o] = match &self.peepholes {
            Some([i, f, o]) => [Some(i), Some(f), Some(o)],
            None => [None; 3],
        };
        let i = self.sum(step, "in", &self.input, both, look_i, c)?;
        let f = match &self.forget {
            Some(forget) => {
                let f = self.sum(step, "forget", forget, both, look_f, c)?;
                step.map("forget.gate", &self.gate, f)?
            }
            None => step.map("forget.gate", &Expr::Const(1.0).sub(self.gate.clone()), i)?,
        };
        let i = step.map("in.gate", &self.gate, i)?;
        let g = self.sum(step, "candidate", &self.cell, both, None, c)?;
        let g = step.map("candidate.squash", &self.squash, g)?;
        let next = step.push("cell", Layer::LstmUpdate, &[f, c, i, g])?;
        let o = self.sum(step, "out", &self.output, both, look_o, next)?;
        let o = step.map("out.gate", &self.gate, o)?;
        let squashed = step.map("cell.squash", &self.out, next)?;
        Ok([step.push("state", Layer::Mul, &[squashed, o])?, next])
    }

    /// The sum of a gate, which may look at the cell `c`.
    fn sum(
        &self,
        step: &mut Step,
        what: &str,
        gate: &Gate,
        both: TensorId,
        peephole: Option<&Vec<f64>>,
        c: TensorId,
    ) -> Result<TensorId> {
        let sum = step.dense(what, &gate.joined(), both)?;
        let Some(weights) = peephole else { return Ok(sum) };
        let layer = Layer::Affine { scale: weights.clone(), offset: vec![0.0; weights.len()] };
        let look = step.push(&format!("{what}.peephole"), layer, &[c])?;
        step.sum(&format!("{what}.sum"), sum, look)
    }
}

/// An Elman network.
#[derive(Debug, Clone, PartialEq)]
pub struct Elman {
    /// Its sum.
    pub gate: Gate,
    /// Its activation.
    pub squash: Expr,
}

impl Elman {
    fn step(&self, step: &mut Step, x: TensorId, h: TensorId) -> Result<TensorId> {
        let both = step.push("input", Layer::Concat, &[h, x])?;
        let sum = step.dense("sum", &self.gate.joined(), both)?;
        step.map("state", &self.squash, sum)
    }
}

/// The logistic function.
pub fn sigmoid() -> Expr {
    Expr::call(Function::Sigmoid)
}

/// The hyperbolic tangent.
pub fn tanh() -> Expr {
    Expr::call(Function::Tanh)
}
