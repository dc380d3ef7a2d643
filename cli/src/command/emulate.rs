//! `nervecord emulate`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::emulate::{self, Board, Job, Measured};
use nervecord_codegen::data::Data;
use nervecord_codegen::{Result, report};
use serde::Serialize;

use super::model::Model;
use super::{print, progress};

/// Calibration rows that are run where no input is given.
const ROWS: usize = 200;

/// A wide network on many rows takes a while on an emulated core.
const TIMEOUT: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub struct Machine {
    #[arg(long, help = board_help())]
    board: String,
    /// Inputs, one a row: columns x0, x1, ...; the first 200 calibration rows by default.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What a step took on the core, and whether the core agrees with the host.
#[derive(Serialize)]
struct Outcome {
    model: String,
    board: String,
    core: String,
    rows: usize,
    equal_rows: usize,
    bit_exact: bool,
    instructions_min: u64,
    instructions_max: u64,
    instructions_mean: f64,
    cycles_modelled: Option<u64>,
    code_bytes: u64,
    table_bytes: u64,
    ram_bytes: u64,
    stack_bytes: u64,
    stack_bound_bytes: Option<u64>,
    /// Instructions that each function executed in a step on average.
    functions: BTreeMap<String, f64>,
}

fn board_help() -> String {
    let names = Board::all().map(|all| all.into_iter().map(|b| b.name).collect::<Vec<_>>());
    match names {
        Ok(names) => format!("The emulated machine: {}", names.join(", ")),
        Err(_) => "The emulated machine: a folder of boards/".to_owned(),
    }
}

/// Runs the model on the board; whether all outputs are the host's.
pub fn emulate(model: &Model, machine: &Machine) -> Result<bool> {
    let board = Board::find(&machine.board)?;
    let name = model.compiler().load()?.graph.name;
    let compiled = progress::during("choosing weights and tables", || {
        // The name that firmware includes.
        model.compiler().name("model").build()
    })?;
    let rows = match &machine.input {
        Some(path) => Data::read(path)?.inputs(&compiled.graph, path)?,
        None => compiled.calibration.rows.iter().take(ROWS).cloned().collect(),
    };
    let raw = rows.iter().map(|row| compiled.program.input.to_raws(row)).collect();
    let job = Job { timeout: TIMEOUT, ..Job::of(&name, &compiled, raw)? };
    let measured =
        progress::during(format!("{name} on {}", board.name), || emulate::emulate(&board, &job))?;
    let outcome = outcome(name, &board, &job, &measured);
    print::results(&match machine.json {
        true => report::json(&outcome)? + "\n",
        false => outcome.render(),
    })?;
    Ok(outcome.bit_exact)
}

fn outcome(model: String, board: &Board, job: &Job, measured: &Measured) -> Outcome {
    let equal_rows = job.expected.as_ref().map_or(0, |rows| measured.equal_rows(rows));
    let steps = job.rows.len().max(1) as f64;
    let mut functions = BTreeMap::new();
    for (function, count) in &measured.functions {
        // Instances of a generic function go by one name.
        *functions.entry(function.name()).or_insert(0.0) += *count as f64 / steps;
    }
    Outcome {
        model,
        board: board.name.clone(),
        core: board.core.clone(),
        rows: job.rows.len(),
        equal_rows,
        bit_exact: equal_rows == job.rows.len(),
        instructions_min: measured.min(),
        instructions_max: measured.max(),
        instructions_mean: measured.mean(),
        cycles_modelled: measured.cycles,
        code_bytes: measured.code_bytes,
        table_bytes: measured.table_bytes,
        ram_bytes: measured.ram_bytes,
        stack_bytes: measured.stack_bytes,
        stack_bound_bytes: measured.stack_bound,
        functions,
    }
}

impl Outcome {
    fn render(&self) -> String {
        let bytes = |n: u64| format!("{n} B");
        let rows = [
            (
                "instructions a step",
                format!(
                    "{} to {}, mean {:.1}",
                    self.instructions_min, self.instructions_max, self.instructions_mean
                ),
            ),
            (
                "cycles by the manual",
                self.cycles_modelled.map_or("no timings published".into(), |n| n.to_string()),
            ),
            ("code", bytes(self.code_bytes)),
            ("tables", bytes(self.table_bytes)),
            ("RAM", bytes(self.ram_bytes)),
            ("stack", bytes(self.stack_bytes)),
            (
                "stack, at most",
                self.stack_bound_bytes.map_or("not known: a call by a register".into(), bytes),
            ),
            ("rows equal to the host's", format!("{} of {}", self.equal_rows, self.rows)),
        ];
        let mut text = format!("{} on {} ({})\n", self.model, self.board, self.core);
        for (label, value) in rows {
            text += &format!("  {label:<25} {value}\n");
        }
        text +=
            "  executed instructions under emulation; cycles are the core's published timings\n";
        text +=
            "  applied to them, without wait states, at most; neither was measured on hardware\n";
        text +=
            "  stack is what steps were seen to take, and what the compiler and the calls allow\n";
        text + match self.bit_exact {
            true => "  every output is the host's, bit for bit\n",
            false => "  OUTPUTS DIFFER from the host's: please report this as a bug\n",
        }
    }
}
