//! Properties of the settings, and what was decided of them. Stands on answers.

use serde::Serialize;

use crate::prove::{Answer, Asked, Point, Verdict};

/// A property, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PropertyFact {
    /// What it is called.
    pub name: String,
    /// What it asks, in words.
    pub says: String,
    /// What was found.
    pub verdict: Word,
    /// Boxes that show that it holds.
    pub boxes: Option<usize>,
    /// Inputs that violate it: one, or the two whose outputs are compared.
    pub against: Vec<Against>,
}

/// A verdict in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// For every input of its box.
    Holds,
    /// By one at least.
    Violated,
    /// Not in the time that was given, or it cannot be asked of the model.
    NotDecided,
}

/// An input that violates a property, and what the model answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// In the model's units.
    pub inputs: Vec<f64>,
    /// The caller's integers.
    pub integers: Vec<i32>,
    /// In the model's units.
    pub outputs: Vec<f64>,
}

/// All that was asked and answered.
pub fn of(answers: &[(Asked, Answer)]) -> Vec<PropertyFact> {
    answers.iter().map(|(asked, answer)| fact(asked, answer)).collect()
}

fn fact(asked: &Asked, answer: &Answer) -> PropertyFact {
    let against = |Point { integers, inputs, outputs }: &Point| Against {
        inputs: inputs.clone(),
        integers: integers.clone(),
        outputs: outputs.clone(),
    };
    let (verdict, boxes, against) = match answer.worst() {
        Some(Verdict::Holds { .. }) => (Word::Holds, Some(answer.boxes().0), vec![]),
        Some(Verdict::Violated(points)) => {
            (Word::Violated, None, points.iter().map(against).collect())
        }
        Some(Verdict::Open { .. }) | None => (Word::NotDecided, None, vec![]),
    };
    PropertyFact { name: asked.name.clone(), says: asked.says.clone(), verdict, boxes, against }
}
