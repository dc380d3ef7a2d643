//! The edges of Kolmogorov-Arnold layers as small plots: float and integer curve, faded by importance.

use std::fmt::Write;

use crate::program::{Curve, LayerReport};
use crate::text;

/// Size of a plot and the space around it.
const PLOT: (f64, f64) = (64.0, 44.0);
const GAP: f64 = 8.0;
const MARGIN: f64 = 48.0;

/// All layers that have edges, one below the other; none if there are none.
pub fn render(layers: &[LayerReport]) -> Option<String> {
    let drawn: Vec<&LayerReport> = layers.iter().filter(|l| !l.curves.is_empty()).collect();
    if drawn.is_empty() {
        return None;
    }
    let (mut body, mut top, mut width) = (String::new(), 24.0, 360.0_f64);
    for layer in drawn {
        let _ = writeln!(
            body,
            "<text x=\"{MARGIN}\" y=\"{top}\" class=\"title\">{}: {}</text>",
            text::escaped(&layer.name),
            text::escaped(&layer.kind)
        );
        top += 20.0;
        labels(&mut body, layer, top);
        for curve in &layer.curves {
            let x = MARGIN + curve.input as f64 * (PLOT.0 + GAP);
            let y = top + curve.output as f64 * (PLOT.1 + GAP);
            plot(&mut body, curve, x, y);
        }
        width = width.max(MARGIN + layer.inputs as f64 * (PLOT.0 + GAP) + GAP);
        top += layer.outputs as f64 * (PLOT.1 + GAP) + 32.0;
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{top:.0}\" font-family=\"sans-serif\">\n\
         <style>text{{font-size:10px;fill:#444}}.title{{font-size:13px;fill:#000}}\
         .frame{{fill:#fafafa;stroke:#ccc}}.float{{fill:none;stroke:#1f77b4;stroke-width:2.4}}\
         .integer{{fill:none;stroke:#d62728;stroke-width:1}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         {body}<text x=\"{MARGIN}\" y=\"{:.0}\">blue: trained, red: integers; an edge is fainter the less it moves \
         its output</text>\n</svg>\n",
        top - 12.0
    ))
}

fn labels(body: &mut String, layer: &LayerReport, top: f64) {
    for i in 0..layer.inputs {
        let x = MARGIN + i as f64 * (PLOT.0 + GAP);
        let _ = writeln!(body, "<text x=\"{x}\" y=\"{}\">x{i}</text>", top - 3.0);
    }
    for o in 0..layer.outputs {
        let y = top + o as f64 * (PLOT.1 + GAP) + PLOT.1 / 2.0;
        let _ = writeln!(body, "<text x=\"16\" y=\"{y}\">y{o}</text>");
    }
}

fn plot(body: &mut String, curve: &Curve, x: f64, y: f64) {
    let values = || curve.float.iter().chain(&curve.integer).copied();
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-9);
    let line = |points: &[f64]| {
        let last = points.len().saturating_sub(1).max(1) as f64;
        let at = |(k, v): (usize, &f64)| {
            let px = x + PLOT.0 * k as f64 / last;
            let py = y + PLOT.1 - 2.0 - (PLOT.1 - 4.0) * (v - low) / span;
            format!("{px:.1},{py:.1}")
        };
        points.iter().enumerate().map(at).collect::<Vec<_>>().join(" ")
    };
    let opacity = 0.12 + 0.88 * curve.importance.clamp(0.0, 1.0).sqrt();
    let _ = writeln!(
        body,
        "<g opacity=\"{opacity:.2}\"><title>x{} to y{}: x from {:.3} to {:.3}, y from {low:.4} to {high:.4}, \
         importance {:.3}</title><rect class=\"frame\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\"/>\
         <polyline class=\"float\" points=\"{}\"/><polyline class=\"integer\" points=\"{}\"/></g>",
        curve.input,
        curve.output,
        curve.range.0,
        curve.range.1,
        curve.importance,
        PLOT.0,
        PLOT.1,
        line(&curve.float),
        line(&curve.integer),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_a_grid_of_plots() {
        let curve = |importance| Curve {
            input: 1,
            output: 0,
            range: (-1.0, 1.0),
            float: vec![0.0, 1.0, 0.5],
            integer: vec![0.0, 0.9, 0.5],
            importance,
        };
        let layer = LayerReport {
            name: "a<b".into(),
            kind: "spline i8".into(),
            inputs: 2,
            outputs: 1,
            table_bytes: 0,
            accumulator_bound: None,
            worst_error: None,
            note: String::new(),
            choice: String::new(),
            curves: vec![curve(1.0), curve(0.0)],
        };
        let svg = render(std::slice::from_ref(&layer)).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<polyline").count(), 4);
        for part in ["a&lt;b", "opacity=\"1.00\"", "opacity=\"0.12\"", "x1 to y0"] {
            assert!(svg.contains(part), "{part}");
        }
        assert_eq!(render(&[LayerReport { curves: vec![], ..layer }]), None);
    }
}
