//! What `nervecord.toml` asks of the outputs, and whether it holds for every input. Stands on the facts and the page.

use super::super::facts::Facts;
use super::super::facts::properties::{Against, PropertyFact, Word};
use super::super::page::{Cell, Section, paragraph, table};
use super::errors::exact;
use crate::text;

/// Numbers of a violation that are shown, each of inputs and outputs.
const LISTED: usize = 16;

/// A table of properties, and a table of each that is violated.
pub fn section(facts: &Facts) -> Option<Section> {
    if facts.properties.is_empty() {
        return None;
    }
    let rows: Vec<Vec<Cell>> = facts.properties.iter().map(row).collect();
    let mut html = paragraph(
        "Decided on the integers that firmware computes, for every input of a property's box. What is not decided may hold or \
         not: nervecord prove takes as long as it is given, and writes a proof that can be checked again.",
    );
    html +=
        &table("What was asked of the outputs", &["property", "verdict", "what it says"], &rows);
    for property in facts.properties.iter().filter(|property| !property.against.is_empty()) {
        html += &against(facts, property);
    }
    Some(Section { id: "properties", title: "Properties", html })
}

fn row(property: &PropertyFact) -> Vec<Cell> {
    let verdict = match property.verdict {
        Word::Holds => "holds",
        Word::Violated => "violated",
        Word::NotDecided => "not decided",
    };
    let words = [verdict, &property.says].map(|words| Cell::Words(words.into()));
    [Cell::Name(property.name.clone())].into_iter().chain(words).collect()
}

/// The inputs that violate a property beside what the model answers.
fn against(facts: &Facts, property: &PropertyFact) -> String {
    let inputs = facts.inputs.iter().map(|input| &input.name);
    let outputs = facts.outputs.iter().map(|output| &output.name);
    let of = |numbers: fn(&Against) -> &[f64], i: usize| {
        let numbers = property.against.iter().map(move |own| numbers(own).get(i).copied());
        numbers.map(|x| Cell::Number(x.map_or("-".into(), exact))).collect::<Vec<_>>()
    };
    let row =
        |name: &String, numbers: Vec<Cell>| [vec![Cell::Name(name.clone())], numbers].concat();
    let given =
        inputs.enumerate().take(LISTED).map(|(i, name)| row(name, of(|own| &own.inputs, i)));
    let told =
        outputs.enumerate().take(LISTED).map(|(i, name)| row(name, of(|own| &own.outputs, i)));
    let rows: Vec<Vec<Cell>> = given.chain(told).collect();
    let head = ["input or output", "value", "beside"];
    let caption = format!("What violates {}", text::label(&property.name));
    let head = head.get(..=property.against.len()).unwrap_or(&head);
    table(&caption, head, &rows)
}
