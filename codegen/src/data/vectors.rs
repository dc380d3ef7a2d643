//! Inputs with the right answers beside them. Stands on tables.

use std::path::Path;

use super::table::{Data, texts};
use crate::error::{Error, Result};
use crate::graph::{Classes, Graph};

/// Inputs, and what is known of the right answers. All parts have a row an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vectors {
    /// One input a row.
    pub inputs: Vec<Vec<f64>>,
    /// What the float network gives elsewhere.
    pub outputs: Option<Vec<Vec<f64>>>,
    /// Its states after each row.
    pub states: Option<Vec<Vec<f64>>>,
    /// The true class of each row.
    pub labels: Option<Vec<usize>>,
    /// Rows before which a recurrent network is reset, in rising order; the first is 0.
    pub starts: Vec<usize>,
}

impl Vectors {
    /// One sequence of inputs, with no answers.
    pub fn of(inputs: Vec<Vec<f64>>) -> Self {
        Self { inputs, starts: vec![0], ..Self::default() }
    }

    /// Reads a table with the inputs of `graph` and, as far as there are such columns, the outputs `y0`.. and
    /// the states `h0`..; and a table of `labels`.
    ///
    /// # Errors
    /// A file cannot be used with this model.
    pub fn read(graph: &Graph, path: &Path, labels: Option<&Path>) -> Result<Self> {
        let data = Data::read(path)?;
        let states = graph.states.iter().filter(|state| !state.counts);
        let states = states.map(|state| state.initial.len()).sum();
        let vectors = Self::of(data.inputs(graph, path)?);
        Ok(Self {
            outputs: data.beside("y", graph.output_len(), "output", path)?,
            states: data.beside("h", states, "state", path)?,
            labels: labels
                .map(|path| read_labels(path, graph, vectors.inputs.len()))
                .transpose()?,
            ..vectors
        })
    }

    /// The rows for which `keep` says so, no longer in sequences.
    pub fn filtered(&self, keep: &[bool]) -> Self {
        Self {
            inputs: filtered(&self.inputs, keep),
            outputs: self.outputs.as_deref().map(|rows| filtered(rows, keep)),
            states: self.states.as_deref().map(|rows| filtered(rows, keep)),
            labels: self.labels.as_deref().map(|rows| filtered(rows, keep)),
            starts: vec![],
        }
    }
}

/// The rows for which `keep` says so.
pub fn filtered<T: Clone>(rows: &[T], keep: &[bool]) -> Vec<T> {
    rows.iter().zip(keep).filter(|(_, keep)| **keep).map(|(row, _)| row.clone()).collect()
}

/// The class index of each row: column `label`, holding indices or class names.
fn read_labels(path: &Path, graph: &Graph, rows: usize) -> Result<Vec<usize>> {
    let wrong = |what: &str| {
        Error::new("the labels cannot be used")
            .file(path)
            .expected(what)
            .help("write the true class of each vector in a column `label`")
    };
    let cells = texts(path, "label")?;
    if cells.len() != rows {
        return Err(wrong(&format!("{rows} rows, one a vector")).found(cells.len()));
    }
    if let Some(labels) = by_name(&cells, graph.classes.as_ref()) {
        return Ok(labels);
    }
    // One output is a probability or an index, which says nothing of how many classes there are.
    let classes = if graph.output_len() > 1 { graph.output_len() } else { usize::MAX };
    let index = |(row, cell): (usize, &String)| match cell.parse::<f64>() {
        Ok(v) if v >= 0.0 && v.fract() == 0.0 && (v as usize) < classes => Ok(v as usize),
        _ => {
            let what = match classes {
                usize::MAX => "class indices or class names".to_owned(),
                n => format!("class indices 0 to {} or class names", n - 1),
            };
            Err(wrong(&what).at(format!("row {}", row + 1)).found(format!("`{cell}`")))
        }
    };
    cells.iter().enumerate().map(index).collect()
}

fn by_name(cells: &[String], classes: Option<&Classes>) -> Option<Vec<usize>> {
    let names = &classes?.names;
    cells.iter().map(|cell| names.iter().position(|name| name == cell)).collect()
}
