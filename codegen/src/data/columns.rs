//! Which columns of a table are a model's inputs: the one rule for calibration, inputs and vectors.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::graph::{Graph, Unrolled, numbered_input};

/// Where each input of a model stands in a table's rows.
pub struct Inputs {
    places: Vec<Place>,
    /// How the rows of the table become steps, where they hold whole windows.
    unrolled: Option<Unrolled>,
}

enum Place {
    Column(usize),
    /// An optional input that the table leaves out has this value.
    Value(f64),
}

impl Inputs {
    /// Finds the inputs of `graph` by their names, in any order and among other columns; in a file that
    /// names no columns, by their position.
    ///
    /// # Errors
    /// A column is missing, or there is one for an input the model does not have.
    pub(super) fn of(columns: &[String], named: bool, graph: &Graph) -> Result<Self> {
        let unrolled = graph.unrolled.clone().filter(|unrolled| {
            let len = unrolled.places.len();
            let last = unrolled.name(len.saturating_sub(1));
            if named { columns.contains(&last) } else { columns.len() == len }
        });
        let names = match &unrolled {
            Some(whole) => (0..whole.places.len()).map(|i| whole.name(i)).collect(),
            None => names_in(columns, graph),
        };
        let required = names.len().saturating_sub(graph.optional_inputs.len());
        if !named && !(required..=names.len()).contains(&columns.len()) {
            return Err(wrong(&names).found(format!("{} columns", columns.len())));
        }
        let by_name = positions(columns);
        let position = |(i, name): (usize, &String)| match named {
            true => by_name.get(name.as_str()).copied(),
            false => (i < columns.len()).then_some(i),
        };
        let found: Vec<Option<usize>> = names.iter().enumerate().map(position).collect();
        if found.iter().all(Option::is_none) {
            return Err(none_named(columns, &names));
        }
        let missing = names.iter().enumerate().filter(|(i, _)| found[*i].is_none());
        for (i, name) in missing {
            // An optional input may be left out, but not be taken for another column.
            let near = columns.iter().find(|c| named && c.eq_ignore_ascii_case(name));
            if i < required || near.is_some() {
                let (count, header) = (columns.len(), list(columns));
                let error =
                    wrong(&names).found(format!("no column {name} among {count}: {header}"));
                return Err(match near {
                    Some(near) => error.help(format!("rename the column {near} to {name}")),
                    None => error,
                });
            }
        }
        // A table with more numbered inputs belongs to another model.
        if let Some(stray) = strays(columns, &names).next().filter(|_| named) {
            return Err(
                wrong(&names).found(format!("an input {stray} that the model does not have"))
            );
        }
        let defaults = graph.optional_inputs.iter();
        let defaults = std::iter::repeat_n(&0.0, required).chain(defaults);
        let place =
            |(c, &default): (Option<usize>, &f64)| c.map_or(Place::Value(default), Place::Column);
        Ok(Self { places: found.into_iter().zip(defaults).map(place).collect(), unrolled })
    }

    /// The column of input `i`, if the table has it.
    pub fn column(&self, i: usize) -> Option<usize> {
        match self.places.get(i) {
            Some(Place::Column(c)) => Some(*c),
            _ => None,
        }
    }

    /// How many steps a row of the table is.
    pub fn steps_of_row(&self) -> usize {
        self.unrolled.as_ref().map_or(1, |unrolled| unrolled.rows)
    }

    /// The inputs in a row of the table, in their order.
    pub fn of_row(&self, row: &[f64]) -> Vec<f64> {
        self.places.iter().map(|place| place.of(row)).collect()
    }

    /// The model's inputs in the steps that a row of the table is: one, or as many as its windows have rows.
    pub fn steps(&self, row: &[f64]) -> Vec<Vec<f64>> {
        let values = self.of_row(row);
        match &self.unrolled {
            Some(unrolled) => unrolled.steps(&values),
            None => vec![values],
        }
    }
}

impl Place {
    fn of(&self, row: &[f64]) -> f64 {
        match self {
            Self::Column(c) => row[*c],
            Self::Value(value) => *value,
        }
    }
}

/// The names of the inputs of `graph` in a table: where only the file of the model names them, `x0`, `x1`, ... serve as
/// well.
fn names_in(columns: &[String], graph: &Graph) -> Vec<String> {
    let all = 0..graph.input_len();
    let own: Vec<String> = all.clone().map(|i| graph.input_name(i)).collect();
    let known: HashSet<&String> = columns.iter().collect();
    let numbered: Vec<String> = all.map(numbered_input).collect();
    let only_numbered = graph.input_names.is_empty()
        && !own.iter().any(|name| known.contains(name))
        && numbered.iter().any(|name| known.contains(name));
    if only_numbered { numbered } else { own }
}

/// Where each name stands.
pub(super) fn positions(names: &[String]) -> HashMap<&str, usize> {
    names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect()
}

/// The number behind an `x`.
fn numbered(name: &str) -> Option<usize> {
    name.strip_prefix('x')?.parse().ok()
}

/// Columns that are called as inputs of this kind of model are, but are none.
fn strays<'a>(columns: &'a [String], names: &[String]) -> impl Iterator<Item = &'a String> {
    let known: HashSet<String> = names.iter().cloned().collect();
    let of_kind = names.iter().any(|name| numbered(name).is_some());
    columns.iter().filter(move |c| of_kind && numbered(c).is_some() && !known.contains(*c))
}

fn wrong(names: &[String]) -> Error {
    let (first, last) = (names.first(), names.last());
    Error::new("the table does not fit the model's inputs")
        .at("header")
        .expected(format!(
            "{} input columns, {} to {}",
            names.len(),
            first.map_or("", String::as_str),
            last.map_or("", String::as_str)
        ))
        .help("use data recorded for this model, one column an input")
}

/// No column has an input's name: whether they are in the model's order only their owner knows.
fn none_named(columns: &[String], names: &[String]) -> Error {
    if let [one] = columns
        && names.len() > 1
        && one.contains(char::is_whitespace)
    {
        return wrong(names)
            .found(format!("one column: {one}"))
            .help("put commas between the cells");
    }
    let quoted: Vec<String> = match columns.len() == names.len() {
        true => columns.iter().map(|c| format!("{c:?}")).collect(),
        false => vec!["\"angle\"".into(), "\"rate\"".into()],
    };
    wrong(names).found(format!("none of them: {}", list(columns))).help(format!(
        "rename the columns to {}, or name the model's inputs, in the model's order, in nervecord.toml: \
         [calibration] columns = [{}]",
        list(names),
        list(&quoted)
    ))
}

/// Names with commas; many of them are cut.
fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST { shown + ", .." } else { shown }
}
