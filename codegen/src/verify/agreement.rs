//! The imported float network against values that another program computed of it.
//!
//! Two programs in single precision never agree to the bit: they sum in different orders. How far they may
//! differ is measured: the network is run in single and in double precision, over the vectors and the
//! calibration rows, and four times the largest difference of an output is allowed. At least five digits of the
//! output's largest magnitude are, as tables of numbers are often rounded so; and at most three digits, because no
//! one should trust a network of which single precision keeps less.

use super::classes::{Head, class, flips};
use super::errors::{Rows, column, columns, difference, magnitude, ratio};
use super::run::{self, Trace};
use crate::graph::Graph;
use crate::reference::Reference;

/// Differences of single to double precision allowed between two programs.
const NOISE_FACTOR: f64 = 4.0;
/// Bounds of what is allowed, relative to the output's largest magnitude.
const FINEST: f64 = 1e-5;
pub(super) const COARSEST: f64 = 1e-3;

/// How far the float network is from given values, in one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Agreement {
    /// Index of the column.
    pub column: usize,
    /// The row of the largest difference.
    pub row: usize,
    /// That difference.
    pub error: f64,
    /// The largest one allowed.
    pub allowed: f64,
    /// The column's largest magnitude.
    pub scale: f64,
}

impl Agreement {
    /// The difference in parts of what is allowed.
    pub fn severity(&self) -> f64 {
        ratio(self.error, self.allowed)
    }

    /// The difference in parts of the column's size.
    pub fn relative(&self) -> f64 {
        ratio(self.error, self.scale)
    }

    /// What is allowed, in parts of the column's size.
    pub fn tolerance(&self) -> f64 {
        ratio(self.allowed, self.scale)
    }
}

/// Compares column by column; `noise` is what [`noise`] found.
pub(super) fn agreement(float: &Rows, given: &Rows, noise: &[Noise]) -> Vec<Agreement> {
    let compare = |(j, noise): (usize, &Noise)| {
        let errors = column(float, j).zip(column(given, j)).map(|(a, b)| difference(a, b));
        let worst = errors.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let (row, error) = worst.unwrap_or_default();
        let scale = magnitude(given, j).max(magnitude(float, j)).max(noise.scale);
        let allowed = (NOISE_FACTOR * noise.error).clamp(FINEST * scale, COARSEST * scale);
        Agreement { column: j, row, error, allowed, scale }
    };
    noise.iter().enumerate().map(compare).collect()
}

/// Rows where the vectors' class index is another than float's, though float is decided.
pub(super) fn other_indices(scores: &Rows, given: &Rows, units: &[f64]) -> Vec<usize> {
    // Three times the coarsest rounding allowed above, in units of the scores.
    let decided = |row: usize, index: usize| {
        let mut turned = vec![0.0; units.len()];
        turned.get_mut(index).into_iter().for_each(|score| *score = 1.0);
        index >= units.len() || flips(&[turned], &scores[row..=row], units, COARSEST)[0].decided
    };
    let other = |(row, (scores, given)): (usize, (&Vec<f64>, &Vec<f64>))| {
        let index = class(given);
        (index != class(scores) && decided(row, index)).then_some(row)
    };
    scores.iter().zip(given).enumerate().filter_map(other).collect()
}

/// What single precision does to a column.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Noise {
    /// Largest difference to double precision.
    pub error: f64,
    /// Largest magnitude.
    pub scale: f64,
}

/// Rows in time order, and what they gave in double precision.
pub(super) struct Sequences<'a> {
    pub inputs: &'a Rows,
    /// Rows before which a recurrent network is reset.
    pub starts: &'a [usize],
    pub double: &'a Trace,
}

/// The noise of the compared values and of the states over both sets of rows; values that leave the finite numbers are
/// left out.
pub(super) fn noise(graph: &Graph, head: Head, sets: [Sequences; 2]) -> (Vec<Noise>, Vec<Noise>) {
    let (mut values, mut states) = (Vec::new(), Vec::new());
    for Sequences { inputs, starts, double } in sets {
        let reference = Reference::in_single_precision(graph);
        let single = run::float(reference, graph, head, inputs, starts);
        add(&mut values, &single.values, &double.values);
        add(&mut states, &single.states, &double.states);
    }
    (values, states)
}

fn add(noise: &mut Vec<Noise>, single: &Rows, double: &Rows) {
    noise.resize(columns(double).max(noise.len()), Noise::default());
    for (single, double) in single.iter().zip(double) {
        for ((noise, single), double) in noise.iter_mut().zip(single).zip(double) {
            if single.is_finite() && double.is_finite() {
                noise.error = noise.error.max(difference(*single, *double));
                noise.scale = noise.scale.max(double.abs());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_outputs_need_as_many_digits_as_large_ones() {
        let float = [vec![1e-3, 100.0], vec![-2e-3, -50.0]];
        let mut given = float.clone();
        given[1][0] += 1e-6;
        let quiet = [Noise::default(); 2];
        let found = agreement(&float, &given, &quiet);
        assert!(found[0].severity() > 1.0 && found[0].row == 1, "{found:?}");
        assert_eq!(found[1].severity(), 0.0);
        // Five digits are enough.
        given[1] = vec![-2e-3 + 1e-8, -50.0004];
        assert!(agreement(&float, &given, &quiet).iter().all(|a| a.severity() <= 1.0));
    }

    #[test]
    fn what_single_precision_explains_is_allowed_within_limits() {
        let (float, given) = ([vec![1.0]], [vec![1.0 + 1e-4]]);
        let with = |error: f64| agreement(&float, &given, &[Noise { error, scale: 1.0 }])[0];
        assert!(with(2e-5).severity() > 1.0 && with(3e-5).severity() < 1.0);
        assert!((with(0.5).tolerance() - COARSEST).abs() < 1e-12);
    }

    #[test]
    fn an_index_may_differ_where_float_is_undecided() {
        let scores = [vec![1.0, 1.0 - 1e-4], vec![0.0, 1.0], vec![0.0, 1.0]];
        let given = [vec![1.0], vec![0.0], vec![7.0]];
        assert_eq!(other_indices(&scores, &given, &[0.5, 0.5]), [1, 2]);
    }
}
