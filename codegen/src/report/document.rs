//! The files of a report: all facts as JSON, and as a page. Stands on facts, sections and the page.

use super::facts::{Facts, Judged, Origin};
use super::outputs::json;
use super::page::{Head, page};
use super::section;
use super::words::{bytes, count, percent};
use crate::error::Result;
use crate::import::circuit::Circuit;

/// The files of a report.
pub const NAMES: [&str; 2] = ["report.json", "report.html"];

/// The files of a report, with their text.
///
/// # Errors
/// The model's circuit cannot be read any more; or as for [`json`].
pub fn files(judged: &Judged) -> Result<[(&'static str, String); 2]> {
    let source = &judged.comparison.compiled.source;
    let circuit = source.circuit()?.or_else(|| Circuit::of(&source.graph));
    let facts = Facts::of(judged, circuit);
    let [data, html] = NAMES;
    Ok([(data, json(&facts)? + "\n"), (html, render(&facts))])
}

fn render(facts: &Facts) -> String {
    let v = &facts.verification;
    let head = Head {
        title: facts.model,
        kept: facts.kept,
        verdict: &facts.verdict,
        figures: vec![
            ("typical difference to float*", percent(v.relative_error)),
            ("largest difference to float*", percent(v.max_relative_error)),
            ("tables in flash", bytes(facts.flash_bytes)),
            ("RAM", bytes(facts.ram_bytes)),
            ("multiplications a step", count(facts.macs)),
            ("inputs, outputs", format!("{}, {}", facts.inputs.len(), facts.outputs.len())),
        ],
        note: "* Root mean square and largest, in percent of the output's standard deviation, which is how far it usually moves.",
    };
    let judged = match facts.judged_on {
        Origin::Vectors => "on rows that were given",
        _ => "on calibration rows",
    };
    let foot = format!(
        "Written by nervecord {}, judged {judged}. The page needs no network, and report.json beside it has all of its data.",
        facts.version
    );
    page(&head, &section::all(facts), &foot)
}
