//! What was decided of a model and what it costs: for the terminal, as JSON, as a page. Stands on a compiled model.

use serde::Serialize;

use super::outputs::json;
use crate::compiler::Compiled;
use crate::error::Result;
use crate::options::Weights;
use crate::program::{COLUMNS, LayerReport, Port, Promise, StepWidth, layer_table};
use crate::text;

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    model_sha256: &'a str,
    calibration: String,
    calibration_sha256: &'a str,
    weights: Weights,
    tolerance: f64,
    input: PortReport<'a>,
    output: PortReport<'a>,
    macs: usize,
    flash_bytes: usize,
    ram_bytes: usize,
    constant_time: bool,
    promise: Option<&'a Promise>,
    widths: &'a [StepWidth],
    layers: &'a [LayerReport],
    notes: &'a [String],
}

#[derive(Serialize)]
struct PortReport<'a> {
    features: usize,
    names: &'a [String],
    format: String,
}

impl<'a> PortReport<'a> {
    fn of(port: &Port, names: &'a [String]) -> Self {
        Self { features: port.features(), names, format: port.describe() }
    }
}

fn report(compiled: &Compiled) -> Report<'_> {
    let program = &compiled.program;
    Report {
        model: &program.name,
        model_sha256: &compiled.source.sha256,
        calibration: compiled.calibration.describe(),
        calibration_sha256: &compiled.calibration.sha256,
        weights: compiled.options.weights,
        tolerance: compiled.options.tolerance,
        input: PortReport::of(&program.input, &program.input_names),
        output: PortReport::of(&program.output, &program.output_names),
        macs: program.macs,
        flash_bytes: program.table_bytes(),
        ram_bytes: program.ram_bytes(),
        constant_time: program.constant_time(),
        promise: program.promise.as_ref(),
        widths: &program.widths,
        layers: &program.layers,
        notes: &compiled.source.graph.notes,
    }
}

/// The report for the terminal.
pub fn render(compiled: &Compiled) -> String {
    let r = report(compiled);
    let mut text = format!("{}: {} -> {}\n", r.model, r.input.format, r.output.format);
    for line in layer_table(r.layers).lines() {
        text += &format!("  {line}\n");
    }
    text += &format!(
        "  {} multiply-accumulates, {} B of tables, {} B of RAM\n  calibrated on {}\n",
        r.macs, r.flash_bytes, r.ram_bytes, r.calibration
    );
    if let Some(promise) = r.promise {
        text += &format!("  {}\n", promise.describe());
        text +=
            &promise.thin.iter().map(|thin| format!("  thin data: {thin}\n")).collect::<String>();
    }
    for width in r.widths {
        text += &format!("  width {}\n", width.describe());
    }
    for row in r.layers.iter().filter(|row| !row.choice.is_empty()) {
        text += &format!("  {}: {}\n", row.name, row.choice);
    }
    for note in r.notes.iter().map(|note| text::plain(note)) {
        text += &format!("  note: {note}\n");
    }
    text
}

/// The files of a report.
pub const NAMES: [&str; 2] = ["report.json", "report.html"];

/// The files of a report, with their text.
///
/// # Errors
/// As for [`json`].
pub fn files(compiled: &Compiled) -> Result<[(&'static str, String); 2]> {
    let [data, page_name] = NAMES;
    Ok([(data, json(&report(compiled))?), (page_name, page(compiled))])
}

fn page(compiled: &Compiled) -> String {
    let r = report(compiled);
    let head = COLUMNS.map(|c| format!("<th>{c}</th>")).concat() + "<th>function, choice</th>";
    let row = |row: &LayerReport| {
        let cells = row.cells().map(|c| format!("<td>{}</td>", text::escaped(&c))).concat();
        let parts = [row.note.as_str(), row.choice.as_str()];
        let why = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("; ");
        format!("<tr>{cells}<td>{}</td></tr>\n", text::escaped(&why))
    };
    let rows: String = r.layers.iter().map(row).collect();
    let fact = |(label, value): (&str, String)| {
        format!("<dt>{label}</dt><dd>{}</dd>\n", text::escaped(&value))
    };
    let facts: String = [
        ("input", r.input.format.clone()),
        ("output", r.output.format.clone()),
        ("tables in flash", format!("{} B", r.flash_bytes)),
        ("RAM", format!("{} B", r.ram_bytes)),
        ("multiply-accumulates", r.macs.to_string()),
        ("calibration", r.calibration.clone()),
        ("promise", r.promise.map_or_else(String::new, Promise::describe)),
        ("thin data", r.promise.and_then(|p| p.thin.clone()).unwrap_or_else(|| "no".into())),
        ("model sha256", r.model_sha256.to_owned()),
        ("calibration sha256", r.calibration_sha256.to_owned()),
    ]
    .into_iter()
    .chain(r.widths.iter().map(|width| ("a width", width.describe())))
    .map(fact)
    .collect();
    let notes: String =
        r.notes.iter().map(|n| format!("<p>note: {}</p>\n", text::escaped(n))).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{model}</title>\n\
         <style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}}\
         table{{border-collapse:collapse;width:100%}}th,td{{padding:.3rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #dde3ea}}td:last-child{{white-space:normal}}\
         th:first-child,td:first-child,th:nth-child(2),td:nth-child(2),td:last-child,th:last-child{{text-align:left}}\
         dl{{display:grid;grid-template-columns:12rem 1fr}}dd{{margin:0;overflow-wrap:anywhere}}</style>\n\
         <h1>{model}</h1>\n<dl>\n{facts}</dl>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n{notes}</html>\n",
        model = text::escaped(r.model),
    )
}
