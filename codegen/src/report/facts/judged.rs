//! The rows that a report judges a model on, and what integers and float gave for them. Stands on verification.

use serde::Serialize;

use super::super::words::count;
use crate::certify::Certificate;
use crate::compiler::Compiled;
use crate::data::Vectors;
use crate::prove::{Answer, Asked};
use crate::verify::{Comparison, Verification, compare, held_out};

/// Where rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Calibration rows that decided nothing.
    HeldOut,
    /// Calibration rows that decided as well: there are too few to hold some out.
    Calibration,
    /// Rows made of declared ranges that decided nothing; no data.
    Declared,
    /// Rows given to be judged on.
    Vectors,
}

/// Integers against float on some rows.
pub struct Judged<'a> {
    /// Where the rows come from.
    pub origin: Origin,
    /// What was found.
    pub verification: Verification,
    /// What both gave.
    pub comparison: Comparison<'a>,
    /// The rows, with those in between that a recurrent network has to live through.
    pub vectors: Vectors,
    /// What is claimed of every input, if that was asked for.
    pub certificate: Option<Certificate>,
    /// What is asked of the outputs, with what was decided.
    pub properties: Vec<(Asked, Answer)>,
}

impl<'a> Judged<'a> {
    /// On calibration rows: those that decided nothing, where there are any.
    pub fn on_calibration(compiled: &'a Compiled) -> Self {
        let vectors = held_out(compiled);
        let origin = match compiled.calibration.split().is_held_out() {
            _ if compiled.calibration.is_declared() => Origin::Declared,
            true => Origin::HeldOut,
            false => Origin::Calibration,
        };
        Self::on(compiled, vectors, origin)
    }

    /// On given rows.
    pub fn on_vectors(compiled: &'a Compiled, vectors: Vectors) -> Self {
        Self::on(compiled, vectors, Origin::Vectors)
    }

    fn on(compiled: &'a Compiled, vectors: Vectors, origin: Origin) -> Self {
        let (verification, comparison) = compare(compiled, &vectors);
        Self { origin, verification, comparison, vectors, certificate: None, properties: vec![] }
    }

    /// With what is claimed of every input.
    #[must_use]
    pub fn certified(self, certificate: Option<Certificate>) -> Self {
        Self { certificate, ..self }
    }

    /// With what was decided of properties.
    #[must_use]
    pub fn decided(self, properties: Vec<(Asked, Answer)>) -> Self {
        Self { properties, ..self }
    }

    /// The rows in words.
    pub fn describe(&self) -> String {
        let n = self.verification.finite_rows;
        let (n, rows) = (count(n), if n == 1 { "row" } else { "rows" });
        match self.origin {
            Origin::HeldOut => format!("{n} calibration {rows} held out from every decision"),
            Origin::Calibration => format!("{n} calibration {rows}, which also decided"),
            Origin::Declared => format!("{n} {rows} drawn from the declared ranges"),
            Origin::Vectors => format!("the {n} given {rows}"),
        }
    }
}
