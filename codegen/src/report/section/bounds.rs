//! What holds for every input of the box: a bound of each output beside the worst that was found. Stands on the facts and
//! the page.

use super::super::chart::number;
use super::super::facts::Facts;
use super::super::page::{Cell, Section, paragraph, table};
use super::super::words::with_unit;
use crate::certify::certificate::{AfterClaim, OutputClaim, StepsClaim};

/// Outputs that a table shows; the others are in the data.
const LISTED: usize = 32;

/// The claims of a certificate, where one was asked for.
pub fn section(facts: &Facts) -> Option<Section> {
    let certificate = facts.certificate.as_ref()?;
    let unit = |i: usize| facts.outputs.get(i).and_then(|output| output.unit.as_deref());
    let row = |(i, output): (usize, &OutputClaim)| {
        let ratio = output.error.filter(|_| output.seen > 0.0).map(|error| error / output.seen);
        vec![
            Cell::Name(output.name.clone()),
            Cell::Number(
                output.error.map_or("none found".into(), |error| with_unit(error, unit(i))),
            ),
            Cell::Number(with_unit(output.seen, unit(i))),
            Cell::Number(ratio.map_or("-".into(), number)),
        ]
    };
    let rows: Vec<Vec<Cell>> =
        certificate.outputs.iter().enumerate().take(LISTED).map(row).collect();
    let more = match certificate.outputs.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!(" The other {n} outputs are in report.json."),
    };
    let mut html = paragraph(&format!(
        "For every input in the ranges below, not only for recorded rows, no output is further from float than its bound. \
         The truth lies between the bound, which is proved, and the largest difference that a search found.{more}"
    ));
    if !rows.is_empty() {
        let head = ["output", "bound, proved", "largest found", "bound over found"];
        html += &table("How far integers can be from float", &head, &rows);
    }
    if let Some(margin) = certificate.margin.filter(|_| certificate.outputs.len() > 1) {
        html += &paragraph(&format!(
            "Where float's largest output leads by more than {}, the integers' largest is the same.",
            number(margin)
        ));
    }
    if let Some(steps) = &certificate.steps {
        html += &over_time(steps);
    }
    if let Some(reason) = &certificate.unbounded {
        html += &paragraph(&format!("Not bounded: {reason}."));
    }
    Some(Section { id: "bounds", title: "For every input", html })
}

/// Bounds of a network with memory, step after step.
fn over_time(steps: &StepsClaim) -> String {
    let largest = |errors: &[f64]| number(errors.iter().copied().fold(0.0, f64::max));
    let row = |after: &AfterClaim| {
        let bound = after.errors.as_deref().map_or("none found".into(), largest);
        vec![Cell::Name(after.steps.to_string()), Cell::Number(bound)]
    };
    let mut rows: Vec<Vec<Cell>> = steps.after.iter().map(row).collect();
    let always = steps.always.as_deref().map_or("none found".into(), largest);
    rows.push(vec![Cell::Name("any number".into()), Cell::Number(always)]);
    table("The largest bound of all outputs, after steps from a reset", &["steps", "bound"], &rows)
}
