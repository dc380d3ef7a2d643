//! A circuit as an SVG drawing: sources on the left, neurons on a ring, outputs marked.

use std::collections::{BTreeMap, HashSet};
use std::f64::consts::TAU;
use std::fmt::Write;

use super::chart::Picture;
use crate::import::circuit::Circuit;
use crate::text;

/// The colours of a drawing by itself.
const STYLE: &str = "text{font:11px system-ui,sans-serif;text-anchor:middle}circle{fill:#fff;stroke:#2c3a47}\
    .source{fill:#e8eef5}.muscle{fill:#fdeec2}.excitatory,.inhibitory{fill:none;stroke-opacity:.7}\
    .excitatory{stroke:#1b7f5c}.head{fill:#1b7f5c}.inhibitory,.bar{stroke:#c2402f}.bar{stroke-width:2}\
    .gap{stroke:#8a6fb0;stroke-width:2;stroke-dasharray:5 3}\
    .key{text-anchor:start}.key .e{fill:#1b7f5c}.key .i{fill:#c2402f}.key .g{fill:#8a6fb0}";

/// The drawing as a file: excitatory synapses as green arrows, inhibitory ones as red bars, gap junctions dashed.
pub fn svg(circuit: &Circuit) -> String {
    let ([width, height], body) = draw(circuit);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\">\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}\
         <text class=\"key\" x=\"20\" y=\"20\"><tspan class=\"e\">excitatory</tspan>  \
         <tspan dx=\"8\" class=\"i\">inhibitory</tspan> <tspan dx=\"8\" class=\"g\">gap junction</tspan></text>\n</svg>\n"
    )
}

/// The drawing as a picture of a page, which gives it its colours.
pub fn picture(circuit: &Circuit) -> String {
    let ([width, height], body) = draw(circuit);
    let mut picture =
        Picture::new("The neurons and synapses of the circuit", width.round(), height.round());
    picture.raw(body);
    picture.svg()
}

/// The drawing's size and content.
fn draw(circuit: &Circuit) -> ([f64; 2], String) {
    let radius = (14.0 * circuit.neurons.len() as f64 / TAU).max(150.0);
    let (width, height) = (2.0 * radius + 360.0, 2.0 * radius + 140.0);
    let centre = (width / 2.0 + 70.0, height / 2.0 + 20.0);
    let mut places: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let sources: Vec<&str> = circuit
        .inputs
        .iter()
        .map(|i| i.name.as_str())
        .chain(circuit.oscillators.iter().map(|o| o.name.as_str()))
        .collect();
    for (i, name) in sources.iter().enumerate() {
        let y = height * (i as f64 + 1.0) / (sources.len() as f64 + 1.0);
        places.insert(name, (70.0, y));
    }
    for (i, neuron) in circuit.neurons.iter().enumerate() {
        let angle = TAU * i as f64 / circuit.neurons.len() as f64 - TAU / 4.0;
        let place = (centre.0 + radius * angle.cos(), centre.1 + radius * angle.sin());
        places.insert(&neuron.name, place);
    }
    let mut out = String::from(
        "<defs>\n\
         <marker id=\"e\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker>\n\
         <marker id=\"i\" viewBox=\"0 0 8 8\" refX=\"4\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\">\
         <path class=\"bar\" d=\"M4 0V8\"/></marker>\n</defs>\n",
    );
    for gap in &circuit.gap_junctions {
        if let [Some(a), Some(b)] = [0, 1].map(|k| places.get(gap.between[k].as_str())) {
            let _ = writeln!(
                out,
                "<path class=\"gap\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
                a.0, a.1, b.0, b.1
            );
        }
    }
    for synapse in &circuit.synapses {
        let ends = [&synapse.from, &synapse.to].map(|name| places.get(name.as_str()));
        let [Some(a), Some(b)] = ends else { continue };
        let (class, marker) = match synapse.inhibits(circuit) {
            true => ("inhibitory", "i"),
            false => ("excitatory", "e"),
        };
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"{}\" marker-end=\"url(#{marker})\"/>",
            curve(*a, *b)
        );
    }
    let muscles: HashSet<&str> = circuit
        .outputs
        .iter()
        .flat_map(|o| o.plus.iter().chain(&o.minus).map(String::as_str))
        .collect();
    for (i, name) in circuit.sources().enumerate() {
        let Some((x, y)) = places.get(name) else { continue };
        let class = match (i < sources.len(), muscles.contains(name)) {
            (true, _) => "source",
            (_, true) => "muscle",
            _ => "neuron",
        };
        let _ = writeln!(
            out,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"12\"/>\
             <text class=\"label\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            y - 16.0,
            text::escaped(&text::label(name))
        );
    }
    ([width, height], out)
}

/// A bent line between the edges of two circles, or a loop.
fn curve(a: (f64, f64), b: (f64, f64)) -> String {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy);
    if length < 1.0 {
        return format!("M{:.1} {:.1}c-26 -30 34 -30 16 0", a.0 - 8.0, a.1 - 9.0);
    }
    let (ux, uy) = (dx / length, dy / length);
    let bend = (0.12 * length).min(40.0);
    let middle = ((a.0 + b.0) / 2.0 - uy * bend, (a.1 + b.1) / 2.0 + ux * bend);
    format!(
        "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
        a.0 + 12.0 * ux,
        a.1 + 12.0 * uy,
        middle.0,
        middle.1,
        b.0 - 15.0 * ux,
        b.1 - 15.0 * uy
    )
}
