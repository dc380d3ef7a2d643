//! `nervecord run`.

use std::mem;
use std::path::PathBuf;

use nervecord_codegen::data::{Inputs, Table};
use nervecord_codegen::graph::{Classes, Graph};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::output::{Output, commit, spare};
use nervecord_codegen::reference::Reference;
use nervecord_codegen::{Result, batch, report};

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
        let mut step = |row: &Vec<f64>| {
            let output = reference.step(row).swap_remove(graph.output);
            (output, reference.states())
        };
        let run = |windows: &[Window]| one_by_one(windows, &mut step);
        return rows.write(table, &inputs, &graph, graph.classes.as_ref(), run);
    }
    let compiled = model.build()?;
    let program = &compiled.program;
    let inputs = table.inputs(&compiled.graph)?;
    let mut interpreter = Interpreter::new(program);
    let values = |output: &[i32]| match rows.raw {
        true => output.iter().map(|&y| f64::from(y)).collect(),
        false => program.output.to_reals(output),
    };
    let run = |windows: &[Window]| {
        if program.start.is_empty() {
            let inputs: Vec<f64> =
                windows.iter().filter_map(|window| window.last()).flatten().copied().collect();
            let steps = batch::sequences(&interpreter, &inputs, 1, None);
            let outputs = steps.outputs.chunks(program.output.features());
            return outputs.map(|output| (values(output), vec![])).collect();
        }
        one_by_one(windows, |row| {
            let (output, _) = interpreter.step_raw(&program.input.to_raws(row));
            (values(&output), interpreter.states())
        })
    };
    rows.write(table, &inputs, &compiled.graph, compiled.source.graph.classes.as_ref(), run)
}

/// The steps that a row of a table is.
type Window = Vec<Vec<f64>>;

/// Outputs and states.
type Answer = (Vec<f64>, Vec<f64>);

/// Rows that are run together at most.
const TOGETHER: usize = 4096;

/// What `step` gives behind the last step of each row.
fn one_by_one(windows: &[Window], mut step: impl FnMut(&Vec<f64>) -> Answer) -> Vec<Answer> {
    windows.iter().filter_map(|window| window.iter().map(&mut step).last()).collect()
}

impl Rows {
    /// Writes the outputs and states that `run` gives for rows, as they come.
    fn write(
        &self,
        mut table: Table,
        inputs: &Inputs,
        graph: &Graph,
        classes: Option<&Classes>,
        mut run: impl FnMut(&[Window]) -> Vec<Answer>,
    ) -> Result<()> {
        let mut output = Output::create(&self.output)?;
        let columns = if self.states { graph.state_columns() } else { vec![] };
        let (mut row, mut windows, mut text) = (vec![], vec![], String::new());
        let (mut first, mut more) = (true, true);
        while more {
            windows.clear();
            while windows.len() < TOGETHER && more {
                more = table.next(&mut row)?;
                windows.extend(more.then(|| inputs.steps(&row)));
            }
            for (outputs, mut states) in run(&windows) {
                if !self.states {
                    states.clear();
                }
                if mem::take(&mut first) {
                    text += &report::csv_header(outputs.len(), &columns, classes);
                }
                report::push_csv_row(&mut text, &outputs, &states, classes);
            }
            output.write(text.as_bytes())?;
            text.clear();
        }
        commit(vec![output])
    }
}
