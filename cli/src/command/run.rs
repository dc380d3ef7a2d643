//! `nervecord run`.

use std::path::PathBuf;

use nervecord_codegen::data::{Inputs, Table};
use nervecord_codegen::graph::{Classes, Graph};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::output::{Output, commit, spare};
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Result, report};

use super::model::Model;

#[derive(clap::Args)]
pub struct Rows {
    /// Inputs, one a row: columns x0, x1, ... or the names of the model's inputs
    #[arg(long)]
    input: PathBuf,
    /// Outputs, one a row: columns y0, y1, ...
    #[arg(short, long = "out", value_name = "FILE")]
    output: PathBuf,
    /// Run the float network instead, in double precision.
    #[arg(long, conflicts_with = "raw")]
    float: bool,
    /// Write the integers behind the fixed-point outputs.
    #[arg(long)]
    raw: bool,
    /// Add a recurrent network's state after each row: columns h0, h1, ..., and c0, c1, ... of an LSTM's cells
    #[arg(long)]
    states: bool,
}

/// Writes the outputs for the rows of a file.
pub fn run(model: &Model, rows: &Rows) -> Result<()> {
    spare(&rows.output, &[model.files()?, vec![rows.input.clone()]].concat())?;
    let table = Table::open(&rows.input)?;
    if rows.float {
        let graph = model.compiler().load()?.graph;
        let inputs = table.inputs(&graph)?;
        let mut reference = Reference::new(&graph);
        let step = |row: &[f64]| {
            let output = reference.step(row).swap_remove(graph.output);
            (output, reference.states())
        };
        return rows.write(table, &inputs, &graph, graph.classes.as_ref(), step);
    }
    let compiled = model.build()?;
    let program = &compiled.program;
    let inputs = table.inputs(&compiled.graph)?;
    let mut interpreter = Interpreter::new(program);
    let step = |row: &[f64]| {
        let (output, _) = interpreter.step_raw(&program.input.to_raws(row));
        let output = match rows.raw {
            true => output.into_iter().map(f64::from).collect(),
            false => program.output.to_reals(&output),
        };
        (output, interpreter.states())
    };
    rows.write(table, &inputs, &compiled.graph, compiled.source.graph.classes.as_ref(), step)
}

impl Rows {
    /// Writes the outputs and states that `step` gives for each row, as they come.
    fn write(
        &self,
        mut table: Table,
        inputs: &Inputs,
        graph: &Graph,
        classes: Option<&Classes>,
        mut step: impl FnMut(&[f64]) -> (Vec<f64>, Vec<f64>),
    ) -> Result<()> {
        let mut output = Output::create(&self.output)?;
        let columns = if self.states { graph.state_columns() } else { vec![] };
        let (mut row, mut text) = (Vec::new(), String::new());
        for number in 0.. {
            if !table.next(&mut row)? {
                break;
            }
            // Of a whole window, what the network gives behind its last row.
            let steps = inputs.steps(&row);
            let Some((outputs, mut states)) = steps.iter().map(|row| step(row)).last() else {
                continue;
            };
            if !self.states {
                states.clear();
            }
            if number == 0 {
                text += &report::csv_header(outputs.len(), &columns, classes);
            }
            report::push_csv_row(&mut text, &outputs, &states, classes);
            output.write(text.as_bytes())?;
            text.clear();
        }
        commit(vec![output])
    }
}
