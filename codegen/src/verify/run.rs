//! Integers and float run over the same rows.

use super::classes::Head;
use crate::compiler::Compiled;
use crate::data::filtered;
use crate::graph::Graph;
use crate::interpret::Interpreter;
use crate::program::Program;
use crate::reference::Reference;
use nervecord::Status;

/// Calibration rows run for units and noise: evenly spread, or of a recurrent network the first in time.
const SAMPLE: usize = 1024;
const RECURRENT_SAMPLE: usize = 4096;

/// What a network gave for each row.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The numbers that are compared: the outputs, or the scores that an argmax chose from.
    pub values: Vec<Vec<f64>>,
    /// The states after each row.
    pub states: Vec<Vec<f64>>,
    /// Of float: the numbers before each index of the largest among several outputs, one after the other.
    pub scores: Vec<Vec<f64>>,
}

impl Trace {
    /// The rows for which `keep` says so.
    pub fn filtered(&self, keep: &[bool]) -> Self {
        Self {
            values: filtered(&self.values, keep),
            states: filtered(&self.states, keep),
            scores: filtered(&self.scores, keep),
        }
    }
}

/// The float network over rows in time order, reset before each of `starts`.
pub(super) fn float(
    mut reference: Reference<&Graph>,
    graph: &Graph,
    head: Head,
    inputs: &[Vec<f64>],
    starts: &[usize],
) -> Trace {
    let tensor = head.tensor(graph);
    let indices = graph.indices();
    let mut trace = Trace::default();
    for (i, row) in inputs.iter().enumerate() {
        if starts.binary_search(&i).is_ok() {
            reference.reset();
        }
        let mut tensors = reference.step(row);
        let scores = indices.iter().flat_map(|&(_, scores)| tensors[scores].iter().copied());
        trace.scores.push(scores.collect());
        trace.values.push(tensors.swap_remove(tensor));
        trace.states.push(reference.states());
    }
    trace
}

/// The integers over the same rows, as real numbers; and which inputs saturated.
pub(super) fn fixed(
    program: &Program,
    head: Head,
    inputs: &[Vec<f64>],
    starts: &[usize],
) -> (Trace, Vec<Status>) {
    let mut interpreter = Interpreter::new(program);
    let mut trace = Trace::default();
    let mut statuses = Vec::with_capacity(inputs.len());
    for (i, row) in inputs.iter().enumerate() {
        if starts.binary_search(&i).is_ok() {
            interpreter.reset();
        }
        let (output, status) = interpreter.step(row);
        let scores = if head == Head::Index { interpreter.scores() } else { None };
        trace.values.push(scores.unwrap_or(output));
        trace.states.push(interpreter.states());
        statuses.push(status);
    }
    (trace, statuses)
}

/// Calibration rows that stand for all.
pub(super) fn sample(compiled: &Compiled) -> Vec<Vec<f64>> {
    let rows = &compiled.calibration.rows;
    match compiled.graph.states.is_empty() {
        true => rows.iter().step_by(rows.len().div_ceil(SAMPLE).max(1)).cloned().collect(),
        false => rows.iter().take(RECURRENT_SAMPLE).cloned().collect(),
    }
}
