//! A recurrent network's memory, of float and of integers. Stands on judged rows.

use serde::Serialize;

use super::errors::window;
use super::judged::Judged;

/// States that a page shows: those that differ most.
const SHOWN: usize = 6;

/// The memory over rows.
#[derive(Debug, Clone, Serialize)]
pub struct States {
    /// The numbers of the rows.
    pub numbers: Vec<usize>,
    /// How many states there are.
    pub count: usize,
    /// Those that differ most, in their order.
    pub shown: Vec<State>,
}

/// One number of the memory.
#[derive(Debug, Clone, Serialize)]
pub struct State {
    /// Its place among all of them.
    pub place: usize,
    /// Its column.
    pub name: String,
    /// Largest difference on all judged rows.
    pub largest: f64,
    /// Root mean square difference on all judged rows.
    pub rms: f64,
    /// The float network's values on the shown rows.
    pub float: Vec<f64>,
    /// The integers'.
    pub integers: Vec<f64>,
}

impl States {
    /// The states on the judged rows; none of a network without memory.
    pub fn of(judged: &Judged) -> Option<Self> {
        let c = &judged.comparison;
        let (float, fixed) = (&c.float.states, &c.fixed.states);
        let names = c.compiled.graph.state_columns();
        // Rewrites keep the states; should one not, there is nothing to compare.
        let count = float.first()?.len();
        if count == 0 || fixed.first()?.len() != count {
            return None;
        }
        let difference = |row: usize, j: usize| (fixed[row][j] - float[row][j]).abs();
        let largest = |j: usize| (0..float.len()).map(|row| difference(row, j)).fold(0.0, f64::max);
        let mut order: Vec<(f64, usize)> = (0..count).map(|j| (largest(j), j)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        let worst = order.first().map_or(0, |(_, j)| *j);
        let row =
            (0..float.len()).max_by(|&a, &b| difference(a, worst).total_cmp(&difference(b, worst)));
        let rows = window(float.len(), row.unwrap_or(0));
        order.truncate(SHOWN);
        order.sort_by_key(|(_, j)| *j);
        let state = |&(largest, j): &(f64, usize)| {
            let squares = (0..float.len()).map(|row| difference(row, j).powi(2)).sum::<f64>();
            State {
                place: j,
                name: names.get(j).cloned().unwrap_or_else(|| format!("h{j}")),
                largest,
                rms: (squares / float.len() as f64).sqrt(),
                float: rows.clone().map(|row| float[row][j]).collect(),
                integers: rows.clone().map(|row| fixed[row][j]).collect(),
            }
        };
        Some(Self {
            numbers: rows.clone().map(|row| c.places[row]).collect(),
            count,
            shown: order.iter().map(state).collect(),
        })
    }
}
