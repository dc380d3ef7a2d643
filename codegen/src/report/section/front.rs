//! What the integers were chosen among. Stands on the facts, charts and the page.

use super::super::chart::{Point, front};
use super::super::facts::Facts;
use super::super::page::{Cell, Section, paragraph, table};
use super::super::words::{bytes, count, percent};
use crate::program::Choice;

/// A picture of the choices, if there were any, and a table of them.
pub fn section(facts: &Facts) -> Option<Section> {
    let given = facts.front.filter(|given| given.choices.len() > 1)?;
    let mut html = paragraph(&format!(
        "Optimized for {}. What was taken is {}. None of those shown is worse than another in instructions, bytes and error \
         on the rows that choose all at once.",
        given.optimize.name(),
        given.why
    ));
    html += &paragraph(&format!(
        "Instructions of a step are an estimate from prices of kernels on {}, not cycles; bytes are exact. Errors are those \
         on the rows that judge, which were looked at when all was chosen, of integers fitted to half of the rows: the \
         module's, above, were fitted to those that choose as well.",
        match given.cpu.name() {
            "any" => "cortex-m4, as for any core",
            core => core,
        }
    ));
    if !given.left_out.is_empty() {
        html += &paragraph(&format!(
            "Instructions without those of {}, which have no price and cost the same whatever is chosen.",
            listed(&given.left_out)
        ));
    }
    let point = |choice: &Choice| Point {
        at: [choice.flash_bytes as f64, choice.error],
        label: count(choice.instructions as usize),
        marked: choice.taken,
    };
    let points: Vec<Point> = given.choices.iter().map(point).collect();
    let title = "Bytes of tables, error and instructions of the integers that were tried";
    html += &format!(
        "<figure class=\"wide\">\n{}<figcaption>Error against bytes of tables; beside each, its instructions. The dot \
         with a ring is what was taken, the dashed line the tolerance.</figcaption>\n</figure>\n",
        front(title, &points, facts.tolerance).svg()
    );
    let rows: Vec<Vec<Cell>> = given.choices.iter().map(row).collect();
    let head = ["weights and tables", "tables in flash", "instructions, about", "error", "choice"];
    let caption = format!("{} of {} that were tried", rows.len(), given.tried);
    html += &table(&caption, &head, &rows);
    Some(Section { id: "front", title: "What it was chosen among", html })
}

/// The first few of some names.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 3;
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        n => format!("{first} and {n} more"),
    }
}

fn row(choice: &Choice) -> Vec<Cell> {
    vec![
        Cell::Words(choice.what.clone()),
        Cell::Number(bytes(choice.flash_bytes)),
        Cell::Number(count(choice.instructions as usize)),
        Cell::Number(percent(choice.error)),
        Cell::Words(if choice.taken { "taken".into() } else { String::new() }),
    ]
}
