//! `nervecord run`.

use std::path::PathBuf;

use crate::data::{Data, write_atomic};
use crate::program::Interpreter;
use crate::{Result, import, reference, report};

use super::Model;

#[derive(clap::Args)]
pub struct Rows {
    /// Inputs, one a row: columns x0, x1, ...
    #[arg(long)]
    input: PathBuf,
    /// Outputs, one a row: columns y0, y1, ...
    #[arg(short, long)]
    output: PathBuf,
    /// Run the float network instead, in double precision.
    #[arg(long, conflicts_with = "raw")]
    float: bool,
    /// Write the integers behind the fixed-point outputs.
    #[arg(long)]
    raw: bool,
    /// Add a recurrent network's state after each row: columns h0, h1, ...
    #[arg(long)]
    states: bool,
}

/// Writes the outputs for the rows of a file.
pub fn run(model: &Model, rows: &Rows) -> Result<()> {
    let data = Data::read(&rows.input)?;
    let (graph, outputs, states) = if rows.float {
        let graph = import::load(&model.model)?.graph;
        let inputs = data.inputs(&graph, &rows.input)?;
        let (outputs, states) = reference::run_with_states(&graph, &inputs);
        (graph, outputs, states)
    } else {
        let compiled = model.build()?;
        let inputs = data.inputs(&compiled.graph, &rows.input)?;
        let program = &compiled.program;
        let mut interpreter = Interpreter::new(program);
        let step = |row: &Vec<f64>| {
            let (output, _) = interpreter.step_raw(&program.input.to_raws(row));
            let output = match rows.raw {
                true => output.into_iter().map(f64::from).collect(),
                false => program.output.to_reals(&output),
            };
            (output, interpreter.states())
        };
        let (outputs, states) = inputs.iter().map(step).unzip();
        (compiled.source.graph, outputs, states)
    };
    let states = if rows.states { states } else { vec![] };
    write_atomic(&rows.output, report::csv(&outputs, &states, graph.classes.as_ref()).as_bytes())
}
