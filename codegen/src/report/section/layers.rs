//! Layers: their work, their bytes, how far their sums can reach. Stands on the facts and the page.

use super::super::chart::number;
use super::super::facts::Facts;
use super::super::facts::layers::Layer;
use super::super::page::{Cell, Section, paragraph, share, table};
use super::super::words::count;

/// Layers that a table shows.
const SHOWN: usize = 120;

/// A table of layers.
pub fn section(facts: &Facts) -> Option<Section> {
    let rows: Vec<Vec<Cell>> = facts.layers.iter().take(SHOWN).map(row).collect();
    let head = [
        "layer",
        "computed as",
        "numbers in, out",
        "multiplications",
        "bytes",
        "largest sum",
        "table error",
        "why so",
    ];
    let caption = match facts.layers.len() {
        0..=SHOWN => "All layers in their order".to_owned(),
        n => format!("The first {SHOWN} of {n} layers; report.json has all"),
    };
    let mut html = paragraph(
        "The largest sum is the share of a 32-bit number that the layer's sums can take for any input and any order of \
         adding, a proved bound: everything up to 100% is safe, and a high share means that the bits are well used. The \
         table error is the largest difference of a function from its table, in the layer's own numbers.",
    );
    html += &table(&caption, &head, &rows);
    html += &facts.notes.iter().map(|note| paragraph(&format!("Note: {note}"))).collect::<String>();
    Some(Section { id: "layers", title: "Layers", html })
}

fn row(Layer { report: layer, macs, sum_share }: &Layer) -> Vec<Cell> {
    let dash = || "\u{2013}".to_owned();
    let why = [layer.note.as_str(), layer.choice.as_str()];
    let why = why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    vec![
        Cell::Name(layer.name.clone()),
        Cell::Words(layer.kind.clone()),
        Cell::Number(format!("{}, {}", count(layer.inputs), count(layer.outputs))),
        Cell::Number(count(*macs)),
        Cell::Number(count(layer.table_bytes)),
        Cell::Html(match sum_share.zip(layer.sum_said()) {
            Some((part, said)) => share(part, &said),
            None => dash(),
        }),
        Cell::Number(layer.worst_error.map_or_else(dash, number)),
        Cell::Words(why),
    ]
}
