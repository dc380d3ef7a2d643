//! Outputs as a table of text, and verdicts as JSON. Stands on the class a row of scores names.

use std::fmt::Write;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::graph::Classes;
use crate::verify::class;

/// The first line of outputs as CSV: columns y0, y1, ..., those of the `states`, and `label` for a classifier that
/// names its classes.
pub fn csv_header(outputs: usize, states: &[String], classes: Option<&Classes>) -> String {
    let mut header: Vec<String> = (0..outputs).map(|i| format!("y{i}")).collect();
    header.extend_from_slice(states);
    header.extend(classes.map(|_| "label".to_owned()));
    header.join(",") + "\n"
}

/// Adds a line of outputs as [`csv_header`] names them.
pub fn push_csv_row(text: &mut String, outputs: &[f64], states: &[f64], classes: Option<&Classes>) {
    for (i, value) in outputs.iter().chain(states).enumerate() {
        let comma = if i == 0 { "" } else { "," };
        // Writing into a string cannot fail.
        let _ = write!(text, "{comma}{value}");
    }
    if let Some(classes) = classes {
        text.push(',');
        text.push_str(&classes.names.get(class(outputs)).map_or_else(String::new, |n| cell(n)));
    }
    text.push('\n');
}

/// A name as one cell of a table: in quotes where it holds what divides cells.
fn cell(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) || name.trim() != name {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    }
}

/// Pretty JSON of a serializable verdict.
///
/// # Errors
/// Never in practice: the types serialized here have string keys.
pub fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|e| {
        Error::new("the report cannot be written as JSON")
            .expected("numbers, and texts as keys")
            .found(e)
            .help("please report this as a bug")
    })
}
