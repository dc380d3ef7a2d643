//! The inputs of a file whose windows the caller is fed a row at a time, for tables that have whole windows. Stands on
//! parts.

use super::part::{Part, name_in, numbered_input};

/// Where each feature of the file's inputs is among the caller's, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Unrolled {
    /// Rows of the longest window.
    pub rows: usize,
    /// The file's inputs, where it has several.
    pub inputs: Vec<Part>,
    /// Of each feature its row, none if it is the same in all rows, and which of the caller's it is.
    pub places: Vec<(Option<usize>, usize)>,
    /// What the caller's features are in the rows in front of a shorter window.
    pub past: Vec<f64>,
}

impl Unrolled {
    /// The caller's inputs of as many steps as the longest window has rows: behind the last, the network has read
    /// `window`, a value for each of [`places`](Self::places).
    pub fn steps(&self, window: &[f64]) -> Vec<Vec<f64>> {
        let mut steps = vec![self.past.clone(); self.rows];
        for (&(row, feature), value) in self.places.iter().zip(window) {
            let rows = match row {
                Some(row) => row..row + 1,
                None => 0..self.rows,
            };
            let own = steps.get_mut(rows).into_iter().flatten();
            own.filter_map(|step| step.get_mut(feature)).for_each(|x| *x = *value);
        }
        steps
    }

    /// What the user reads of an input `name` of so many rows, which were `past` before the first step.
    pub fn note(name: &str, rows: usize, features: usize, past: &[f64]) -> String {
        let past = match past.iter().all(|x| *x == 0.0) {
            true => "zeros",
            false => "their initial values",
        };
        let before = rows.saturating_sub(1);
        format!(
            "streams `{name}`: one row of {features} features a step; the {before} rows before it are kept, {past} \
             after a reset"
        )
    }

    /// The column of feature `i` of the file's inputs.
    pub fn name(&self, i: usize) -> String {
        name_in(&self.inputs, i).unwrap_or_else(|| numbered_input(i))
    }
}
