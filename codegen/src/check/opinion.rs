//! All that this engine can show of a model, in the order of a certificate's claims. Stands on the engine, boxes, steps and
//! sums.

use super::boxes::{is_whole, part};
use super::engine::{Engine, States};
use super::span::Span;
use super::steps::{Steps, follow};
use super::sums;
use crate::certify::machine::Machine;
use crate::graph::Graph;
use crate::parallel;

/// What is shown of every input.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Of each tensor: all that it can be, and how far its integers can be from it.
    pub tensors: Vec<(Span, Option<f64>)>,
    /// All integers that each step writes.
    pub integers: Vec<[i32; 2]>,
    /// How far each output can be from float; infinite where nothing is known.
    pub outputs: Vec<f64>,
    /// Of a network with memory.
    pub steps: Option<Steps>,
}

/// The box of inputs that the status does not tell of.
pub fn inputs(machine: &Machine) -> Vec<Span> {
    let port = &machine.input.0;
    let real = |(i, [low, high]): (usize, &[i32; 2])| {
        Span::new(port.to_real(i, *low), port.to_real(i, *high))
    };
    port.ranges.iter().enumerate().map(real).collect()
}

/// Both networks from a reset on, over all of their inputs and over parts of these.
#[derive(Debug)]
pub struct Parts {
    engine: Engine,
    inputs: Vec<Span>,
    start: States,
    /// What every number is in the whole, and how far each output can be from float there.
    within: Vec<Span>,
    whole: Vec<f64>,
    tensors: Vec<(Span, Option<f64>)>,
    integers: Vec<[i32; 2]>,
}

impl Parts {
    /// The whole; none if the two networks have not the same inputs and outputs.
    pub fn of(graph: &Graph, machine: &Machine) -> Option<Self> {
        let engine = Engine::of(graph, machine)?;
        let (inputs, start) = (inputs(machine), engine.start());
        (inputs.len() == graph.input_len()).then_some(())?;
        let mut root = engine.run(&inputs, &start, None);
        let ranges = engine.tensors(&mut root);
        let apart = (0..graph.tensors.len()).map(|id| engine.apart(id, &mut root));
        let tensors = ranges.into_iter().zip(apart).collect();
        let integers = engine
            .integers(&mut root)
            .into_iter()
            .map(|x| [x.low.ceil() as i32, x.high.floor() as i32]);
        let (integers, whole) = (integers.collect(), engine.errors(&mut root));
        let within = root.ranges;
        Some(Self { inputs, start, within, whole, tensors, integers, engine })
    }

    /// How far each output can be from float in the part that `cuts` leave; none if there is no such input.
    pub fn errors(&self, cuts: &[u32]) -> Option<Vec<f64>> {
        let own = part(&self.inputs, cuts)?;
        let mut sweep = self.engine.run(&own, &self.start, Some(&self.within));
        let errors = self.engine.errors(&mut sweep).into_iter().zip(&self.whole);
        Some(errors.map(|(own, whole)| own.min(*whole)).collect())
    }

    /// All that is shown, where the outputs' errors of all parts are no larger than `outputs`.
    pub fn opinion(self, outputs: Vec<f64>, followed: usize) -> Opinion {
        let Self { engine, inputs, start, tensors, integers, .. } = self;
        let remembers = !start.float.is_empty();
        let steps = remembers.then(|| follow(&engine, &inputs, followed));
        Opinion { tensors, integers, outputs, steps }
    }
}

/// What is shown with the inputs cut into `boxes`, and `followed` steps followed of a network with memory; none if the boxes are
/// not the whole, or the two networks have not the same inputs and outputs.
pub fn opinion(
    graph: &Graph,
    machine: &Machine,
    boxes: &[Vec<u32>],
    followed: usize,
) -> Option<Opinion> {
    is_whole(boxes).then_some(())?;
    let parts = Parts::of(graph, machine)?;
    let found = parallel::map(boxes, |cuts| parts.errors(cuts));
    let found: Vec<Vec<f64>> = found.into_iter().collect::<Option<_>>()?;
    let most = |i: usize| found.iter().map(|errors| errors[i]).fold(0.0, f64::max);
    let outputs = (0..parts.whole.len()).map(most).collect();
    Some(parts.opinion(outputs, followed))
}

/// Whether a step of a module has the name of a layer or an operation, as identifiers are made of it.
pub fn is_of(step: &str, name: &str, whole: bool) -> bool {
    let plain = |name: &str| {
        let all = name.chars().filter(char::is_ascii_alphanumeric);
        all.map(|c| c.to_ascii_lowercase()).collect::<String>()
    };
    let (step, name) = (plain(step), plain(name));
    if whole { step == name } else { step.starts_with(&name) || step.ends_with(&name) }
}

/// The largest partial sum of a layer: that of the steps of its name, in a machine read from a module.
pub fn accumulator(machine: &Machine, layer: &str) -> Option<u64> {
    let sums = sums::largest(machine);
    let named = |whole: bool| {
        let own =
            machine.steps.iter().zip(&sums).filter(|(step, _)| is_of(&step.name, layer, whole));
        own.map(|(_, sum)| *sum).filter(|sum| *sum > 0).max()
    };
    named(true).or_else(|| named(false)).and_then(|sum| sum.try_into().ok())
}
