//! Steps the model on the rows of a CSV file, and prints its outputs with what was wrong with the inputs.
//!
//! A first line of names puts the columns in order, and others may be among them; without, there is a column an input.

mod model;

use std::error::Error;
use std::io;

use csv::StringRecord;
use nervecord::{Controller, Status};

use model::{INPUTS, Model, OUTPUTS, Reading, input, output};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: {{name}} INPUTS.csv > OUTPUTS.csv")?;
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let mut out = csv::Writer::from_writer(io::stdout().lock());
    out.write_record(output::NAMES.iter().chain(&["status"]))?;
    let (mut model, mut columns) = (Model::new(), None);
    for row in rows.records() {
        let row = row?;
        let columns = match &columns {
            Some(columns) => columns,
            None if row.iter().all(|cell| cell.trim().parse::<f32>().is_ok()) => {
                columns.insert((0..INPUTS).collect())
            }
            None => {
                columns = Some(named(&row)?);
                continue;
            }
        };
        let output = model.step_reading(&reading(&row, columns)?);
        let mut cells: Vec<String> = model::reals(&output).iter().map(f32::to_string).collect();
        debug_assert_eq!(cells.len(), OUTPUTS);
        cells.push(describe(model.status()));
        out.write_record(cells)?;
    }
    Ok(out.flush()?)
}

/// Where the column of each input is.
fn named(head: &StringRecord) -> Result<Vec<usize>, String> {
    let find = |name: &&str| head.iter().position(|cell| cell.trim() == *name);
    let missing = |name: &&str| format!("there is no column `{name}`");
    input::NAMES.iter().map(|name| find(name).ok_or_else(|| missing(name))).collect()
}

/// A row as the model's inputs; an empty cell is an input that is not given.
fn reading(row: &StringRecord, columns: &[usize]) -> Result<Reading, String> {
    let mut reading = Reading::new();
    for (input, &column) in columns.iter().enumerate() {
        let cell = row.get(column).unwrap_or_default().trim();
        if !cell.is_empty() {
            let value: f32 = cell.parse().map_err(|_| format!("`{cell}` is no number"))?;
            reading.set(input, value);
        }
    }
    Ok(reading)
}

/// What was wrong in a step.
fn describe(status: Status) -> String {
    let mut words = Vec::new();
    for (input, name) in input::NAMES.iter().enumerate() {
        if status.invalid(input) {
            words.push(format!("{name} missing"));
        } else if status.saturated(input) {
            words.push(format!("{name} out of range"));
        }
    }
    if status.state_saturated() {
        words.push("state at its end".to_owned());
    }
    if words.is_empty() { "ok".to_owned() } else { words.join("; ") }
}
