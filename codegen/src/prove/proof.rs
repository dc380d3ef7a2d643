//! What was decided of properties, as a file that can be checked again: boxes that show that one holds, or the integers that
//! violate it.
//!
//! Stands on answers, and on certificates for what names a module's items.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::answer::Answer;
use super::asked::Asked;
use super::decide::Verdict;
use super::property::{Cell, Constraint, Property};
use crate::certify::certificate::{Item, items, lines};
use crate::compiler::Compiled;
use crate::data::sha256;
use crate::error::{Error, Kind, Result};
use crate::program::Port;

/// Version of the file's format.
pub const FORMAT: u32 = 1;

/// Levels of brackets that have lines of their own.
const LEVELS: usize = 4;

/// Properties that were decided, of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Version of the format: 1.
    pub properties: u32,
    /// Of the trained file.
    pub model_sha256: String,
    /// Of the calibration data.
    pub calibration_sha256: String,
    /// Of the generated module.
    pub module_sha256: String,
    /// The module's tables and constants, so that one that was changed can be named.
    pub items: Vec<Item>,
    /// What was decided, a box each.
    pub claims: Vec<Claim>,
}

/// A box of integers, outputs that are not wanted, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The property's name.
    pub name: String,
    /// The smallest and the largest of the caller's integers of each input.
    pub inputs: Cell,
    /// Of a property of two inputs that differ in one alone: which that is. Outputs are then those at its larger value less
    /// those at its smaller one.
    pub moved: Option<usize>,
    /// Outputs that are not wanted, in real numbers: those that meet all constraints of one of these.
    pub never: Vec<Vec<Constraint>>,
    /// What was found.
    pub found: Found,
}

/// What was found of a box; of two inputs, the other value of the one that moves is a coordinate more, the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// No input of it leads to such outputs: how it is cut until each part shows it, in the order of a search that takes
    /// lower halves first; a number for each box, 0 where it is not cut, else the coordinate that is cut in two and 1.
    Holds(Vec<u32>),
    /// This one does.
    Violated(Vec<i32>),
}

impl Claim {
    /// All that inputs can be.
    pub fn cell(&self) -> Cell {
        let other = self.moved.and_then(|i| self.inputs.get(i)).copied();
        self.inputs.iter().copied().chain(other).collect()
    }

    fn of(property: &Property, name: String, port: &Port, found: Found) -> Self {
        let mut inputs = property.cell(port);
        inputs.truncate(property.inputs.len());
        Self { name, inputs, moved: property.moved, never: property.unsafe_sets.clone(), found }
    }
}

impl Proof {
    /// What answers show of a compiled model and its module; what is not decided is not in it.
    pub fn of(compiled: &Compiled, module: &str, answers: &[(Asked, Answer)]) -> Self {
        let port = &compiled.program.input;
        let mut claims = Vec::new();
        for (asked, answer) in answers {
            let many = asked.properties.len();
            for (k, (property, verdict)) in
                asked.properties.iter().zip(&answer.verdicts).enumerate()
            {
                let found = match verdict {
                    Verdict::Holds { leaves, .. } => Found::Holds(tree(leaves)),
                    Verdict::Violated(points) => {
                        Found::Violated(coordinates(points, property.moved))
                    }
                    Verdict::Open { .. } => continue,
                };
                let name = match many {
                    1 => asked.name.clone(),
                    _ => format!("{}, box {} of {many}", asked.name, k + 1),
                };
                claims.push(Claim::of(property, name, port, found));
            }
        }
        Self {
            properties: FORMAT,
            model_sha256: compiled.source.sha256.clone(),
            calibration_sha256: compiled.calibration.sha256.clone(),
            module_sha256: sha256(module.as_bytes()),
            items: items(module),
            claims,
        }
    }

    /// Whether a text is a proof rather than a certificate.
    pub fn is_one(text: &str) -> bool {
        #[derive(Deserialize)]
        struct Head {
            #[serde(rename = "properties")]
            _properties: u32,
        }
        serde_json::from_str::<Head>(text).is_ok()
    }

    /// The file's text.
    ///
    /// # Errors
    /// A number is not finite.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string(self).map_err(|e| {
            Error::new("the proof cannot be written").expected("finite numbers").found(e)
        })?;
        Ok(lines(&text, LEVELS))
    }

    /// Reads a proof.
    ///
    /// # Errors
    /// It is no proof of this version.
    pub fn read(text: &str, path: &Path) -> Result<Self> {
        let wrong = |found: String| {
            Error::new("the proof cannot be read")
                .of_kind(Kind::Data)
                .file(path)
                .expected(format!("what `nervecord prove --proof` writes, of format {FORMAT}"))
                .found(found)
                .help("decide the properties again with --proof")
        };
        let proof: Self = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        match proof.properties {
            FORMAT => Ok(proof),
            other => Err(wrong(format!("format {other}"))),
        }
    }
}

/// The coordinates of inputs that violate a property.
fn coordinates(points: &[super::subject::Point], moved: Option<usize>) -> Vec<i32> {
    let mut integers = points.iter().map(|point| &point.integers);
    let mut all = integers.next().cloned().unwrap_or_default();
    let other = moved.and_then(|i| integers.next()?.get(i).copied());
    all.extend(other);
    all
}

/// How boxes, sorted by the cuts from the whole on, come of it.
fn tree(leaves: &[Vec<u32>]) -> Vec<u32> {
    let mut tree = Vec::new();
    let mut open = vec![(leaves, 0)];
    while let Some((leaves, depth)) = open.pop() {
        let Some(cut) = leaves.first().and_then(|cuts| cuts.get(depth)).copied() else {
            tree.push(0);
            continue;
        };
        tree.push(cut / 2 + 1);
        let lower = leaves.partition_point(|cuts| cuts.get(depth).is_some_and(|own| own % 2 == 0));
        let (lower, upper) = leaves.split_at(lower);
        open.extend([(upper, depth + 1), (lower, depth + 1)]);
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_the_lower_half_first() {
        let of = |leaves: &[&[u32]]| {
            let mut leaves: Vec<Vec<u32>> = leaves.iter().map(|cuts| cuts.to_vec()).collect();
            leaves.sort_unstable();
            tree(&leaves)
        };
        assert_eq!(of(&[&[]]), [0]);
        assert_eq!(of(&[&[3], &[2]]), [2, 0, 0]);
        assert_eq!(of(&[&[3], &[2, 0, 4], &[2, 1], &[2, 0, 5]]), [2, 1, 3, 0, 0, 0, 0]);
    }
}
