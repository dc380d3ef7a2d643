//! How each layer uses its integers. Stands on the facts, charts and the page.

use super::super::chart::{Axis, Histogram, number};
use super::super::facts::Facts;
use super::super::facts::activations::Activations;
use super::super::page::{Cell, Section, details, name, paragraph, table};

/// Small multiples of histograms over one grid.
pub fn section(facts: &Facts) -> Option<Section> {
    if facts.activations.is_empty() {
        return None;
    }
    let some = match facts.layers.len() > facts.activations.len() {
        true => " Not every layer is shown.",
        false => "",
    };
    let mut html = paragraph(&format!(
        "Every number between layers is one of 65,536 integers. The bars show which of them occurred, on {}. A layer that \
         uses a small part has coarse numbers; room at the ends is for inputs that calibration has not seen.{some}",
        facts.rows
    ));
    html += "<div class=\"multiples small\">\n";
    facts.activations.iter().for_each(|found| html += &multiple(found));
    html += "</div>\n";
    html += &details("Numbers", &facts.activations.iter().map(numbers).collect::<String>());
    Some(Section { id: "activations", title: "How the integers are used", html })
}

fn multiple(found: &Activations) -> String {
    let Activations { layer, seen: [low, high], used, histogram } = found;
    let x = Axis::fixed(histogram.low, histogram.high, [histogram.low, 0.0, histogram.high]);
    let write = |tick: f64| match tick {
        0.0 => "0".to_owned(),
        tick if tick < 0.0 => "\u{2212}32,768".into(),
        _ => "32,767".into(),
    };
    let title = format!("How often integers of layer {layer} occur");
    format!(
        "<figure><figcaption class=\"name\">{}</figcaption>\n{}<figcaption>{} to {}: <b>{}%</b> of the grid.</figcaption>\n</figure>\n",
        name(layer),
        histogram.chart(&title, &x, write).svg(),
        number_of(*low),
        number_of(*high),
        number(*used),
    )
}

fn number_of(integer: i16) -> String {
    integer.to_string().replace('-', "\u{2212}")
}

fn numbers(found: &Activations) -> String {
    let Histogram { counts, .. } = &found.histogram;
    let bin = |(i, &count): (usize, &u64)| {
        let [low, high] = found.histogram.bin(i);
        vec![
            Cell::Number(number_of(low as i16)),
            Cell::Number(number_of((high - 1.0) as i16)),
            Cell::Number(count.to_string()),
        ]
    };
    let bins = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    let rows: Vec<Vec<Cell>> = bins.map(bin).collect();
    table(&format!("Integers of layer {}", found.layer), &["from", "to", "how often"], &rows)
}
