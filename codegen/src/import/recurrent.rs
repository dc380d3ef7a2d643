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

use crate::error::Result;
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId};

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
    /// One layer of the input followed by the state, with both biases.
    fn joined(&self) -> Layer {
        let rows = self.input.weights.iter().zip(&self.recurrent.weights);
        let weights = rows.map(|(w, u)| w.iter().chain(u).copied().collect()).collect();
        let biases = self.input.bias.iter().zip(&self.recurrent.bias);
        Layer::Dense(Dense::new(weights, biases.map(|(b, d)| b + d).collect()))
    }
}

/// The tensors around a cell.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What its layers' names begin with.
    pub name: &'a str,
    /// Its input.
    pub x: TensorId,
    /// Its state: `h` of a GRU, an LSTM or an Elman network.
    pub h: TensorId,
    /// Whether what it writes is what the next step finds as its state.
    pub kept: bool,
}

impl Step<'_> {
    fn push(
        &self,
        push: &mut Push,
        what: &str,
        layer: Layer,
        inputs: &[TensorId],
    ) -> Result<TensorId> {
        push(&format!("{}.{what}", self.name), layer, inputs)
    }

    /// `f` of every feature.
    fn map(&self, push: &mut Push, what: &str, f: &Expr, x: TensorId) -> Result<TensorId> {
        match f {
            Expr::X => Ok(x),
            _ => self.push(push, what, Layer::Map(f.clone()), &[x]),
        }
    }

    /// `a + b` or `a - b`.
    fn sum(
        &self,
        push: &mut Push,
        what: &str,
        a: TensorId,
        sign: f64,
        b: TensorId,
    ) -> Result<TensorId> {
        self.push(push, what, Layer::Add { factors: [1.0, sign] }, &[a, b])
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
    /// Of the gates, with values from 0 to 1 where the state is kept; the logistic function.
    pub gate: Expr,
    /// Of the candidate; the hyperbolic tangent.
    pub squash: Expr,
}

impl Gru {
    /// Appends one step, and returns the new state.
    ///
    /// # Errors
    /// The weights do not fit one another.
    pub fn step(&self, push: &mut Push, step: Step) -> Result<TensorId> {
        let Step { x, h, .. } = step;
        let both = step.push(push, "input", Layer::Concat, &[x, h])?;
        let r = step.push(push, "reset", self.reset.joined(), &[both])?;
        let r = step.map(push, "reset.gate", &self.gate, r)?;
        let z = step.push(push, "update", self.update.joined(), &[both])?;
        let z = step.map(push, "update.gate", &self.gate, z)?;
        let n = match self.reset_after {
            true => {
                let Gate { input, recurrent } = self.candidate.clone();
                let of_h = step.push(push, "candidate.state", Layer::Dense(recurrent), &[h])?;
                let of_h = step.push(push, "candidate.reset", Layer::Mul, &[of_h, r])?;
                let of_x = step.push(push, "candidate.input", Layer::Dense(input), &[x])?;
                step.sum(push, "candidate", of_h, 1.0, of_x)?
            }
            false => {
                let reset = step.push(push, "candidate.reset", Layer::Mul, &[r, h])?;
                let both = step.push(push, "candidate.input", Layer::Concat, &[x, reset])?;
                step.push(push, "candidate", self.candidate.joined(), &[both])?
            }
        };
        let n = step.map(push, "candidate.squash", &self.squash, n)?;
        if step.kept && is_fraction(&self.gate) {
            return step.push(push, "state", Layer::GruUpdate, &[z, n, h]);
        }
        let difference = step.sum(push, "difference", h, -1.0, n)?;
        let change = step.push(push, "change", Layer::Mul, &[difference, z])?;
        step.sum(push, "state", change, 1.0, n)
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
    /// Of the gates, with values from 0 to 1 where the cell is kept; the logistic function.
    pub gate: Expr,
    /// Of the candidate; the hyperbolic tangent.
    pub squash: Expr,
    /// Of the cell on its way out; the hyperbolic tangent.
    pub out: Expr,
}

impl Lstm {
    /// Appends one step from the cell `c`, and returns the new state and the new cell.
    ///
    /// # Errors
    /// The weights do not fit one another.
    pub fn step(&self, push: &mut Push, step: Step, c: TensorId) -> Result<(TensorId, TensorId)> {
        let both = step.push(push, "input", Layer::Concat, &[step.x, step.h])?;
        let sum = |push: &mut Push, what: &str, gate: &Gate, peephole: Option<usize>, c| {
            let sum = step.push(push, what, gate.joined(), &[both])?;
            let weights = peephole.and_then(|k| self.peepholes.as_ref()?.get(k));
            let Some(weights) = weights else { return Ok(sum) };
            let offset = vec![0.0; weights.len()];
            let look = Layer::Affine { scale: weights.clone(), offset };
            let look = step.push(push, &format!("{what}.peephole"), look, &[c])?;
            step.sum(push, &format!("{what}.sum"), sum, 1.0, look)
        };
        let i = sum(push, "in", &self.input, Some(0), c)?;
        let f = match &self.forget {
            Some(forget) => {
                let f = sum(push, "forget", forget, Some(1), c)?;
                step.map(push, "forget.gate", &self.gate, f)?
            }
            None => {
                let rest = Expr::Const(1.0).sub(self.gate.clone());
                step.map(push, "forget.gate", &rest, i)?
            }
        };
        let i = step.map(push, "in.gate", &self.gate, i)?;
        let g = sum(push, "candidate", &self.cell, None, c)?;
        let g = step.map(push, "candidate.squash", &self.squash, g)?;
        let next = match step.kept && is_fraction(&self.gate) {
            true => step.push(push, "cell", Layer::LstmUpdate, &[f, c, i, g])?,
            false => {
                let kept = step.push(push, "kept", Layer::Mul, &[f, c])?;
                let added = step.push(push, "added", Layer::Mul, &[i, g])?;
                step.sum(push, "cell", kept, 1.0, added)?
            }
        };
        let o = sum(push, "out", &self.output, Some(2), next)?;
        let o = step.map(push, "out.gate", &self.gate, o)?;
        let squashed = step.map(push, "cell.squash", &self.out, next)?;
        Ok((step.push(push, "state", Layer::Mul, &[squashed, o])?, next))
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
    /// Appends one step, and returns the new state.
    ///
    /// # Errors
    /// The weights do not fit one another.
    pub fn step(&self, push: &mut Push, step: Step) -> Result<TensorId> {
        let both = step.push(push, "input", Layer::Concat, &[step.x, step.h])?;
        let sum = step.push(push, "sum", self.gate.joined(), &[both])?;
        match &self.squash {
            // A state is a tensor of its own.
            Expr::X => Ok(sum),
            squash => step.map(push, "state", squash, sum),
        }
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

/// Whether a function has values from 0 to 1 only, as the gates of kept states have.
fn is_fraction(f: &Expr) -> bool {
    let (low, high) = f.image((f64::NEG_INFINITY, f64::INFINITY));
    low >= 0.0 && high <= 1.0
}
