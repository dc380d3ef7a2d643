//! The rows where integers are furthest from float. Stands on the facts and the page.

use super::super::chart::number;
use super::super::facts::Facts;
use super::super::facts::errors::WorstRow;
use super::super::page::{Cell, Section, paragraph, table};
use super::errors::exact;

/// Inputs that a table shows.
const INPUTS: usize = 6;

/// A table of the worst rows.
pub fn section(facts: &Facts) -> Option<Section> {
    let worst = &facts.errors.worst;
    if worst.iter().all(|row| row.relative == 0.0) {
        return None;
    }
    let inputs: Vec<String> = facts.inputs.iter().take(INPUTS).map(heading).collect();
    let head = ["row", "output", "float", "integers", "difference", "of its deviation"];
    let head: Vec<&str> = head.into_iter().chain(inputs.iter().map(String::as_str)).collect();
    let row = |row: &WorstRow| {
        let output = match &row.unit {
            Some(unit) => format!("{}, {unit}", row.output),
            None => row.output.clone(),
        };
        let cells = [
            Cell::Number(row.number.to_string()),
            Cell::Name(output),
            Cell::Number(exact(row.float)),
            Cell::Number(exact(row.integers)),
            Cell::Number(number(row.integers - row.float)),
            Cell::Number(format!("{}%", number(row.relative))),
        ];
        let inputs = row.inputs.iter().take(INPUTS).map(|&x| Cell::Number(number(x)));
        cells.into_iter().chain(inputs).collect()
    };
    let rows: Vec<Vec<Cell>> = worst.iter().map(row).collect();
    let more = match facts.inputs.len().saturating_sub(INPUTS) {
        0 => String::new(),
        n => format!(" The first {INPUTS} inputs are shown; the other {n} are in report.json."),
    };
    let html = paragraph(&format!(
        "Where to look first if the integers behave differently. Row numbers are those of the file, counted from 1.{more}"
    )) + &table("The rows with the largest differences", &head, &rows);
    Some(Section { id: "worst", title: "The worst rows", html })
}

fn heading(input: &super::super::facts::ports::InputFact) -> String {
    match &input.unit {
        Some(unit) => format!("{}, {unit}", input.name),
        None => input.name.clone(),
    }
}
