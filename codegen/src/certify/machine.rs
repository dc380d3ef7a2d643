//! A program as what a proof needs of it: formulas over memory, ports, and which lanes stand for which tensors. Made of a
//! program, or of a generated module's text.
//!
//! Stands on the program and its formulas.

use serde::{Deserialize, Serialize};

use super::interval::Interval;
use crate::error::Result;
use crate::program::formula::Step;
use crate::program::{Port, Program};

/// What fits in 16 bits.
pub const ACTIVATION: Interval = Interval { low: -32768.0, high: 32767.0 };

/// Lanes that hold a tensor of the float network, from a step on: a hint, by which nothing gets false.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// How many steps have run.
    pub after: usize,
    /// The first lane.
    pub lane: usize,
    /// The tensor's name.
    pub tensor: String,
    /// Features.
    pub features: usize,
    /// Real number a unit: one for all features, or one a feature.
    pub scale: Vec<f64>,
    /// What 0 stands for: one for all features, or one a feature.
    pub offset: Vec<f64>,
}

/// The integers of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// What a step of the whole network computes, in its order.
    pub steps: Vec<Step>,
    /// Memory after a reset, a lane each.
    pub start: Vec<i16>,
    /// What the caller writes, and its first lane.
    pub input: (Port, usize),
    /// What the caller reads, and its first lane.
    pub output: (Port, usize),
    /// Which lanes stand for which tensors.
    pub spots: Vec<Spot>,
    /// Of each state that is kept wider than an activation: the first lane of its upper halves, and of its lower ones.
    pub wide: Vec<(usize, usize)>,
}

impl Machine {
    /// That of a program.
    ///
    /// # Errors
    /// An op has no formulas.
    pub fn of(program: &Program) -> Result<Self> {
        let whole = program.widths.len().saturating_sub(1);
        let all = program.steps()?;
        let mut start: Vec<i16> = program.start.iter().flat_map(|quad| quad.0).collect();
        start.resize(4 * program.memory_quads(), 0);
        // Steps of narrower widths alone are not run; places count those that are.
        let runs: Vec<bool> = all.iter().map(|step| step.widths >> whole & 1 == 1).collect();
        let before = |after: usize| runs.iter().take(after).filter(|runs| **runs).count();
        let spot = |place: &crate::program::Place| Spot {
            after: before(place.after),
            lane: program.first_lane(place.storage),
            tensor: place.tensor.clone(),
            features: place.scale.len(),
            scale: shortest(&place.scale),
            offset: shortest(&place.offset),
        };
        let wide = program.states.iter().filter(|state| state.fine.is_some()).map(|state| {
            let first = program.first_lane(state.tensor.storage);
            (first, first + 4 * nervecord::host::quads(state.tensor.shape.len()))
        });
        Ok(Self {
            spots: program.places.iter().map(spot).collect(),
            steps: all
                .into_iter()
                .zip(&runs)
                .filter(|(_, runs)| **runs)
                .map(|(step, _)| step)
                .collect(),
            start,
            input: (program.input.clone(), program.first_lane(program.input.storage)),
            output: (program.output.clone(), program.first_lane(program.output.storage)),
            wide: wide.collect(),
        })
    }

    /// Whether every number is in memory, and every grid is one that a kernel may have: what was read may say anything.
    pub fn is_sound(&self) -> bool {
        let lanes = self.start.len();
        let inside =
            |first: usize, count: usize| first.checked_add(count).is_some_and(|end| end <= lanes);
        let port = |(port, first): &(Port, usize)| inside(*first, port.features());
        port(&self.input)
            && port(&self.output)
            && self.steps.iter().all(|step| step.is_sound(lanes))
    }

    /// The outputs, in their units, that a step after a reset gives for the caller's integers.
    pub fn run(&self, input: &[i32]) -> Vec<f64> {
        let mut memory = self.start.clone();
        let (port, first) = &self.input;
        for (i, x) in input.iter().enumerate() {
            if let Some(lane) = memory.get_mut(first + i) {
                *lane = port.activation(i, *x);
            }
        }
        self.steps.iter().for_each(|step| step.run(&mut memory));
        let (port, first) = &self.output;
        let output = |i: usize| {
            let (scale, offset) = port.line(i);
            memory.get(first + i).map_or(0.0, |y| f64::from(*y) * scale + offset)
        };
        (0..port.features()).map(output).collect()
    }

    /// The lower half of a wide state whose upper one is in a lane.
    pub fn lower(&self, lane: usize) -> Option<usize> {
        let own = |(high, low): &&(usize, usize)| (*high..*low).contains(&lane);
        self.wide.iter().find(own).map(|(high, low)| low + lane - high)
    }
}

/// One number, if all are the same.
fn shortest(numbers: &[f64]) -> Vec<f64> {
    match numbers {
        [first, others @ ..] if others.iter().all(|other| other == first) => vec![*first],
        all => all.to_vec(),
    }
}
