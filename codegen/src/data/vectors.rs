//! Inputs with the right answers beside them. Stands on tables.

use std::ops::Range;
use std::path::Path;

use super::table::{Data, texts};
use crate::error::{Error, Result};
use crate::graph::{Classes, Graph};

/// What is known of the states of a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct States {
    /// Which of the network's states they are, by their places among all that are real numbers.
    pub places: Vec<usize>,
    /// Their values after each row.
    pub rows: Vec<Vec<f64>>,
}

/// Inputs, and what is known of the right answers. All parts have a row an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    /// One input a row.
    pub inputs: Vec<Vec<f64>>,
    /// What the float network gives elsewhere: of several outputs all, or the first of them.
    pub outputs: Option<Vec<Vec<f64>>>,
    /// Its states after each row.
    pub states: Option<States>,
    /// The true class of each row.
    pub labels: Option<Vec<usize>>,
    /// Rows before which a recurrent network is reset, in rising order; the first is 0.
    pub starts: Vec<usize>,
    /// Of how many of the inputs each row of outputs, states and labels stands behind the last.
    pub steps: usize,
    /// The inputs that are judged, where those are not the last of every `steps`, with the number of each in its file.
    pub judged: Option<Vec<Judged>>,
}

/// An input that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Its index among the inputs.
    pub input: usize,
    /// Its number in the file it comes from, counted from 1.
    pub number: usize,
}

impl Vectors {
    /// One sequence of inputs, with no answers.
    pub fn of(inputs: Vec<Vec<f64>>) -> Self {
        let (outputs, states, labels, judged) = (None, None, None, None);
        Self { inputs, outputs, states, labels, starts: vec![0], steps: 1, judged }
    }

    /// Reads a table with the inputs of `graph` and, as far as there are such columns, the outputs `y0`.. (or those of
    /// the first of several) and the states `h0`.. and `c0`..; and a table of `labels`.
    ///
    /// # Errors
    /// A file cannot be used with this model.
    pub fn read(graph: &Graph, path: &Path, labels: Option<&Path>) -> Result<Self> {
        let data = Data::read(path)?;
        if labels.is_some() && graph.outputs.len() > 1 {
            let names: Vec<&str> = graph.outputs.iter().map(|part| part.name.as_str()).collect();
            return Err(Error::new("labels are given for a model of several outputs")
                .file(path)
                .at("--labels")
                .expected("one output, which names a class")
                .found(names.join(", "))
                .help("choose it with --output NAME"));
        }
        let (inputs, steps) = data.steps(graph, path)?;
        let vectors = Self { steps, ..Self::of(inputs) };
        Ok(Self {
            outputs: outputs(&data, graph, path)?,
            states: states(&data, graph, path)?,
            labels: labels.map(|path| read_labels(path, graph, vectors.rows())).transpose()?,
            ..vectors
        })
    }

    /// The rows for which `keep` says so, no longer in sequences, and the last inputs of each.
    pub fn filtered(&self, keep: &[bool]) -> Self {
        Self {
            inputs: filtered(&filtered(&self.inputs, &self.ends()), keep),
            outputs: self.outputs.as_deref().map(|rows| filtered(rows, keep)),
            states: self.states.as_ref().map(|states| states.filtered(keep)),
            labels: self.labels.as_deref().map(|rows| filtered(rows, keep)),
            starts: vec![],
            steps: 1,
            judged: None,
        }
    }

    /// How many rows of outputs, states or labels there can be.
    pub fn rows(&self) -> usize {
        match &self.judged {
            Some(judged) => judged.len(),
            None => self.inputs.len() / self.steps.max(1),
        }
    }

    /// Behind which inputs such a row stands.
    pub fn ends(&self) -> Vec<bool> {
        let mut ends = vec![false; self.inputs.len()];
        self.spans().for_each(|span| ends[span.end - 1] = true);
        ends
    }

    /// The inputs of each such row.
    pub fn spans(&self) -> impl Iterator<Item = Range<usize>> {
        let steps = self.steps.max(1);
        let end = move |row: usize| match &self.judged {
            Some(judged) => judged[row].input + 1,
            None => (row + 1) * steps,
        };
        (0..self.rows()).map(move |row| end(row).saturating_sub(steps)..end(row))
    }

    /// The number of each such row in its file, counted from 1.
    pub fn numbers(&self) -> Vec<usize> {
        match &self.judged {
            Some(judged) => judged.iter().map(|row| row.number).collect(),
            None => (1..=self.rows()).collect(),
        }
    }
}

impl States {
    /// The rows for which `keep` says so.
    fn filtered(&self, keep: &[bool]) -> Self {
        Self { places: self.places.clone(), rows: filtered(&self.rows, keep) }
    }
}

/// The columns of all outputs, or of the first of several.
fn outputs(data: &Data, graph: &Graph, path: &Path) -> Result<Option<Vec<Vec<f64>>>> {
    let mut first = 0;
    for part in &graph.outputs {
        first += part.features;
        if data.numbered("y") == first {
            return data.beside("y", first, "output", path);
        }
    }
    data.beside("y", graph.output_len(), "output", path)
}

/// The columns of all states of a kind, `h0`.. or `c0`.., for each kind that the table has.
fn states(data: &Data, graph: &Graph, path: &Path) -> Result<Option<States>> {
    let columns = graph.state_columns();
    let mut states = States::default();
    for prefix in ["h", "c"] {
        let own = columns.iter().enumerate().filter(|(_, column)| column.starts_with(prefix));
        let places: Vec<usize> = own.map(|(place, _)| place).collect();
        // Other tables may have columns of such names.
        if prefix == "c" && places.is_empty() {
            continue;
        }
        if let Some(rows) = data.beside(prefix, places.len(), "state", path)? {
            states.places.extend(places);
            states.rows.resize(rows.len(), Vec::new());
            states.rows.iter_mut().zip(rows).for_each(|(all, row)| all.extend(row));
        }
    }
    Ok((!states.places.is_empty()).then_some(states))
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
