//! Inputs and outputs: units, ranges, formats, and what the status says. Stands on the facts and the page.

use nervecord::Status;

use super::super::chart::number;
use super::super::facts::Facts;
use super::super::facts::ports::{InputFact, OutputFact, SHOWN};
use super::super::page::{Cell, Section, details, facts as list, paragraph, table, words};
use super::super::words::count;

/// Rows of a table that are seen at once.
const OPEN: usize = 16;

/// Two tables and what the bits of a status mean.
pub fn section(facts: &Facts) -> Option<Section> {
    let mut html = paragraph(
        "Each number is a fixed-point integer: I4F12 has 4 bits before the point, the sign among them, and 12 behind. \
         Firmware gives real numbers or raw integers; both are clamped to the accepted range.",
    );
    let head = ["input", "unit", "calibration saw", "", "accepted", "format", "smallest step"];
    html += &folded("inputs", &head, facts.inputs.len(), facts.inputs.iter().map(input));
    let head = ["output", "unit", "can be", "format", "smallest step"];
    html += &folded("outputs", &head, facts.outputs.len(), facts.outputs.iter().map(output));
    html += "<h3>What the status of a step says</h3>\n";
    html += &status(facts);
    Some(Section { id: "ports", title: "Inputs and outputs", html })
}

/// A table of which the first rows are seen at once, and the others when asked for.
fn folded(what: &str, head: &[&str], all: usize, rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let rows: Vec<Vec<Cell>> = rows.take(SHOWN).collect();
    let (first, others) = rows.split_at(rows.len().min(OPEN));
    let caption = match first.len() == all {
        true => format!("All {what}"),
        false => format!("The first {OPEN} of {} {what}", count(all)),
    };
    let mut html = table(&caption, head, first);
    if !others.is_empty() {
        let caption = match rows.len() == all {
            true => format!("The other {} {what}", others.len()),
            false => {
                format!("Up to the first {SHOWN} of {} {what}; report.json has all", count(all))
            }
        };
        html += &details(&caption, &table(&caption, head, others));
    }
    html
}

fn between([low, high]: [f64; 2]) -> String {
    format!("{} to {}", number(low), number(high))
}

fn input(input: &InputFact) -> Vec<Cell> {
    vec![
        Cell::Name(input.name.clone()),
        Cell::Html(words(input.unit.as_deref().unwrap_or("\u{2013}"))),
        Cell::Number(between(input.seen)),
        Cell::Html(input.histogram.as_ref().map_or_else(String::new, |h| h.spark())),
        Cell::Number(between(input.accepted)),
        Cell::Html(words(&input.format)),
        Cell::Number(number(input.resolution)),
    ]
}

fn output(output: &OutputFact) -> Vec<Cell> {
    vec![
        Cell::Name(output.name.clone()),
        Cell::Html(words(output.unit.as_deref().unwrap_or("\u{2013}"))),
        Cell::Number(between(output.possible)),
        Cell::Html(words(&output.format)),
        Cell::Number(number(output.resolution)),
    ]
}

fn status(facts: &Facts) -> String {
    let last = Status::LAST;
    let shared = match facts.inputs.len() > last {
        true => format!(" From the input number {last} on, counted from 0, they share one bit."),
        false => String::new(),
    };
    let mut meanings = vec![
        (
            "saturated(i)",
            words(&format!(
                "Input i lay outside its accepted range, and its nearest end was taken. The output is that of another \
                 input than the real one.{shared}"
            )),
        ),
        (
            "invalid(i)",
            words(
                "Input i was NaN or was not given. The middle of its range stood in; do not trust the output.",
            ),
        ),
    ];
    if facts.state_saturates {
        meanings.push((
            "state",
            words(
                "The network's memory reached the end of its calibrated range and was held there: it is where no \
                 calibration sequence was.",
            ),
        ));
    }
    list(meanings)
}
