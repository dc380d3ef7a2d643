//! What was decided and what it costs: for the terminal, as JSON, as a page.

use std::path::Path;

use serde::Serialize;

use crate::compiler::Compiled;
use crate::data::write_atomic;
use crate::error::{Error, Result};
use crate::graph::Classes;
use crate::inspect::table;
use crate::program::{LayerReport, Port};
use crate::quantize::Weights;
use crate::verify::class;

/// Outputs as CSV: columns y0, y1, ..., the states h0, h1, ... if given, and `label` for a classifier that names its classes.
pub fn csv(outputs: &[Vec<f64>], states: &[Vec<f64>], classes: Option<&Classes>) -> String {
    let columns = outputs.first().map_or(0, Vec::len);
    let mut header: Vec<String> = (0..columns).map(|i| format!("y{i}")).collect();
    let state_columns = states.first().map_or(0, Vec::len);
    header.extend((0..state_columns).map(|i| format!("h{i}")));
    header.extend(classes.map(|_| "label".to_owned()));
    let mut text = header.join(",") + "\n";
    for (i, row) in outputs.iter().enumerate() {
        let states = states.get(i).into_iter().flatten();
        let mut cells: Vec<String> = row.iter().chain(states).map(f64::to_string).collect();
        cells.extend(classes.map(|c| c.names.get(class(row)).cloned().unwrap_or_default()));
        text += &(cells.join(",") + "\n");
    }
    text
}

/// Pretty JSON of a serializable verdict.
///
/// # Errors
/// Never in practice: the types serialized here have string keys.
pub fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|e| {
        Error::new("the report cannot be written as JSON")
            .found(e)
            .help("this is a fault of nervecord: report it with the command")
    })
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    model_sha256: &'a str,
    calibration: &'a str,
    calibration_sha256: &'a str,
    weights: Weights,
    tolerance: f64,
    input: PortReport,
    output: PortReport,
    macs: usize,
    flash_bytes: usize,
    ram_bytes: usize,
    constant_time: bool,
    layers: &'a [LayerReport],
    notes: &'a [String],
}

#[derive(Serialize)]
struct PortReport {
    features: usize,
    format: String,
}

impl From<&Port> for PortReport {
    fn from(port: &Port) -> Self {
        Self { features: port.features(), format: port.describe() }
    }
}

fn report(compiled: &Compiled) -> Report<'_> {
    let program = &compiled.program;
    Report {
        model: &program.name,
        model_sha256: &compiled.source.sha256,
        calibration: &compiled.calibration.origin,
        calibration_sha256: &compiled.calibration.sha256,
        weights: compiled.options.weights,
        tolerance: compiled.options.tolerance,
        input: (&program.input).into(),
        output: (&program.output).into(),
        macs: program.macs,
        flash_bytes: program.table_bytes(),
        ram_bytes: program.ram_bytes(),
        constant_time: program.constant_time(),
        layers: &program.layers,
        notes: &compiled.source.graph.notes,
    }
}

const COLUMNS: [&str; 6] = ["layer", "kernel", "shape", "bytes", "headroom", "worst error"];

fn cells(row: &LayerReport) -> [String; 6] {
    [
        row.name.clone(),
        row.kind.clone(),
        format!("{}->{}", row.inputs, row.outputs),
        row.table_bytes.to_string(),
        row.headroom_bits.map_or("-".into(), |b| format!("{b:.1} bit")),
        row.worst_error.map_or("-".into(), |e| format!("{e:.2e}")),
    ]
}

/// The table of layers, as text with aligned columns.
pub fn layer_table(layers: &[LayerReport]) -> String {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(layers.iter().map(cells));
    table(&rows, &[2, 3, 4, 5])
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
    for row in r.layers.iter().filter(|row| !row.choice.is_empty()) {
        text += &format!("  {}: {}\n", row.name, row.choice);
    }
    for note in r.notes {
        text += &format!("  note: {note}\n");
    }
    text
}

/// Writes `report.json` and `report.html` into `folder`.
///
/// # Errors
/// The folder cannot be made or written.
pub fn write(compiled: &Compiled, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, &e))?;
    write_atomic(&folder.join("report.json"), json(&report(compiled))?.as_bytes())?;
    write_atomic(&folder.join("report.html"), page(compiled).as_bytes())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn page(compiled: &Compiled) -> String {
    let r = report(compiled);
    let head = COLUMNS.map(|c| format!("<th>{c}</th>")).concat() + "<th>function, choice</th>";
    let row = |row: &LayerReport| {
        let cells = cells(row).map(|c| format!("<td>{}</td>", escape(&c))).concat();
        let parts = [row.note.as_str(), row.choice.as_str()];
        let why = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join("; ");
        format!("<tr>{cells}<td>{}</td></tr>\n", escape(&why))
    };
    let rows: String = r.layers.iter().map(row).collect();
    let fact =
        |(label, value): (&str, String)| format!("<dt>{label}</dt><dd>{}</dd>\n", escape(&value));
    let facts: String = [
        ("input", r.input.format.clone()),
        ("output", r.output.format.clone()),
        ("tables in flash", format!("{} B", r.flash_bytes)),
        ("RAM", format!("{} B", r.ram_bytes)),
        ("multiply-accumulates", r.macs.to_string()),
        ("calibration", r.calibration.to_owned()),
        ("model sha256", r.model_sha256.to_owned()),
        ("calibration sha256", r.calibration_sha256.to_owned()),
    ]
    .into_iter()
    .map(fact)
    .collect();
    let notes: String = r.notes.iter().map(|n| format!("<p>note: {}</p>\n", escape(n))).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{model}</title>\n\
         <style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}}\
         table{{border-collapse:collapse;width:100%}}th,td{{padding:.3rem .6rem;text-align:right;white-space:nowrap;border-bottom:1px solid #dde3ea}}td:last-child{{white-space:normal}}\
         th:first-child,td:first-child,th:nth-child(2),td:nth-child(2),td:last-child,th:last-child{{text-align:left}}\
         dl{{display:grid;grid-template-columns:12rem 1fr}}dd{{margin:0;overflow-wrap:anywhere}}</style>\n\
         <h1>{model}</h1>\n<dl>\n{facts}</dl>\n<table>\n<tr>{head}</tr>\n{rows}</table>\n{notes}</html>\n",
        model = escape(r.model),
    )
}
