//! The edges of Kolmogorov-Arnold layers. Stands on the facts, charts and the page.

use super::super::chart::{Axis, Curve, functions, number};
use super::super::facts::Facts;
use super::super::facts::edges::Edge;
use super::super::page::{Cell, Section, details, key, name, paragraph, table};
use super::super::words::{counted, percent};

/// Points of an edge that a table has.
const POINTS: usize = 9;

/// The edges that matter most.
pub fn section(facts: &Facts) -> Option<Section> {
    let edges = facts.edges.as_ref()?;
    let which = match edges.count > edges.shown.len() {
        true => format!(" Of {} these matter most.", counted(edges.count, "edge")),
        false => String::new(),
    };
    let mut html = paragraph(&format!(
        "Each edge from an input of a layer to an output is a trained function of one number. How much it matters is the \
         share of its output's standard deviation that it moves on the calibration rows.{which} Those of a layer share an axis."
    ));
    html += key();
    let mut of_layer: Vec<(&str, Vec<&Edge>)> = Vec::new();
    for edge in &edges.shown {
        match of_layer.iter_mut().find(|(layer, _)| *layer == edge.layer) {
            Some((_, group)) => group.push(edge),
            None => of_layer.push((&edge.layer, vec![edge])),
        }
    }
    for (layer, group) in of_layer {
        let values = group.iter().flat_map(|e| e.curve.float.iter().chain(&e.curve.integer));
        let y = Axis::around(values.copied(), 3);
        html += &format!("<h3>{}</h3>\n<div class=\"multiples small\">\n", name(layer));
        group.iter().for_each(|edge| html += &multiple(edge, &y));
        html += "</div>\n";
    }
    html += &details("Numbers", &edges.shown.iter().map(numbers).collect::<String>());
    Some(Section { id: "edges", title: "Functions on the edges", html })
}

fn title(Edge { layer, curve }: &Edge) -> String {
    format!("{layer}: from {} to {}", curve.input, curve.output)
}

fn multiple(edge: &Edge, y: &Axis) -> String {
    let curves = [
        Curve { class: "float", values: &edge.curve.float },
        Curve { class: "integers", values: &edge.curve.integer },
    ];
    let title = title(edge);
    format!(
        "<figure>{}<figcaption><b>{} to {}</b>, matters {}</figcaption>\n</figure>\n",
        functions(&title, edge.curve.range, y, &curves).svg(),
        edge.curve.input,
        edge.curve.output,
        percent(edge.curve.importance)
    )
}

fn numbers(edge: &Edge) -> String {
    let title = title(edge);
    let edge = &edge.curve;
    let last = edge.float.len().saturating_sub(1);
    let step = last.div_ceil(POINTS - 1).max(1);
    let row = |i: usize| {
        let (low, high) = edge.range;
        let x = low + (high - low) * i as f64 / last.max(1) as f64;
        let value = |values: &[f64]| Cell::Number(number(values.get(i).copied().unwrap_or(0.0)));
        vec![Cell::Number(number(x)), value(&edge.float), value(&edge.integer)]
    };
    let rows: Vec<Vec<Cell>> = (0..edge.float.len()).step_by(step).map(row).collect();
    table(&title, &["input", "float", "integers"], &rows)
}
