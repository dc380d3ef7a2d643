//! How far integers are from float: each output's errors, their distribution, both over rows, and the worst rows.
//! Stands on judged rows and histograms.

use serde::Serialize;

use super::super::chart::Histogram;
use super::judged::Judged;

/// Outputs that a page shows; of more, those with the largest errors.
pub const SHOWN: usize = 8;
/// Rows that a curve shows.
const ROWS: usize = 240;
/// Bins of a distribution; odd, so that no difference is a bin of its own.
const BINS: usize = 41;
/// Rows that are listed.
const WORST: usize = 8;
/// Points of a scatter.
const POINTS: usize = 1500;

/// Integers against float.
#[derive(Debug, Clone, Serialize)]
pub struct Errors {
    /// The numbers of the rows that curves show: those around the worst.
    pub numbers: Vec<usize>,
    /// The largest difference that is drawn, in percent of a standard deviation.
    pub largest: f64,
    /// The outputs with the largest errors, in the model's order.
    pub outputs: Vec<OutputError>,
    /// How many outputs are not among them.
    pub others: usize,
    /// The rows with the largest errors.
    pub worst: Vec<WorstRow>,
    /// Pairs of float and integers, of all outputs, evenly taken.
    pub pairs: Vec<[f64; 2]>,
}

/// One output.
#[derive(Debug, Clone, Serialize)]
pub struct OutputError {
    /// Its column.
    pub name: String,
    /// What it is in, if that was said.
    pub unit: Option<String>,
    /// Its standard deviation, in its unit.
    pub deviation: f64,
    /// Root mean square difference, in its unit.
    pub rms: f64,
    /// Largest difference, in its unit.
    pub largest: f64,
    /// The float network's values on the shown rows.
    pub float: Vec<f64>,
    /// The integers'.
    pub integers: Vec<f64>,
    /// Their differences in percent of a standard deviation.
    pub differences: Vec<f64>,
    /// Those of all rows.
    pub histogram: Histogram,
}

/// A row on which integers are far from float.
#[derive(Debug, Clone, Serialize)]
pub struct WorstRow {
    /// Its number in its file.
    pub number: usize,
    /// The output that is furthest off.
    pub output: String,
    /// What that is in, if that was said.
    pub unit: Option<String>,
    /// The inputs.
    pub inputs: Vec<f64>,
    /// Float's output.
    pub float: f64,
    /// The integers'.
    pub integers: f64,
    /// The difference in percent of a standard deviation.
    pub relative: f64,
}

/// Where the largest relative difference of each row is: size and column.
type Largest = Vec<(f64, usize)>;

impl Errors {
    /// The errors on the judged rows.
    pub fn of(judged: &Judged) -> Self {
        let c = &judged.comparison;
        let signed = |row: usize, j: usize| {
            let difference = c.fixed.values[row][j] - c.float.values[row][j];
            let relative = 100.0 * difference / c.units[j];
            if relative.is_finite() { relative } else { 0.0 }
        };
        let rows = c.float.values.len();
        let of_row = |row: usize| {
            let all = (0..c.units.len()).map(|j| (signed(row, j).abs(), j));
            all.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
        };
        let largest: Largest = (0..rows).map(of_row).collect();
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|&a, &b| largest[b].0.total_cmp(&largest[a].0));
        let shown = window(rows, order.first().copied().unwrap_or(0));
        let most = order.first().map_or(0.0, |&row| largest[row].0);
        let limit = if most > 0.0 { most } else { 1.0 };
        let found = &judged.verification.outputs;
        let mut columns: Vec<usize> = (0..found.len()).collect();
        columns.sort_by(|&a, &b| found[b].relative_error.total_cmp(&found[a].relative_error));
        columns.truncate(SHOWN);
        columns.sort_unstable();
        let unit = |j: usize| unit(judged, j);
        let output = |&j: &usize| OutputError {
            name: found[j].name.clone(),
            unit: unit(j),
            deviation: found[j].unit,
            rms: found[j].rms_error,
            largest: found[j].max_error,
            float: shown.clone().map(|row| c.float.values[row][j]).collect(),
            integers: shown.clone().map(|row| c.fixed.values[row][j]).collect(),
            differences: shown.clone().map(|row| signed(row, j)).collect(),
            histogram: Histogram::of((0..rows).map(|row| signed(row, j)), -limit, limit, BINS),
        };
        let worst = |&row: &usize| {
            let (relative, j) = largest[row];
            WorstRow {
                number: c.places[row],
                output: found[j].name.clone(),
                unit: unit(j),
                inputs: c.vectors.inputs[row].clone(),
                float: c.float.values[row][j],
                integers: c.fixed.values[row][j],
                relative,
            }
        };
        Self {
            numbers: shown.clone().map(|row| c.places[row]).collect(),
            largest: limit,
            outputs: columns.iter().map(output).collect(),
            others: found.len() - columns.len(),
            worst: order.iter().take(WORST).map(worst).collect(),
            pairs: pairs(judged),
        }
    }
}

/// The unit of column `j`; scores before an argmax have none.
fn unit(judged: &Judged, j: usize) -> Option<String> {
    let outputs = judged.verification.compared == "outputs";
    let units = &judged.comparison.compiled.units.outputs;
    outputs.then(|| units.get(j).cloned().flatten()).flatten()
}

/// As many of `rows` rows as are shown, the row `around` in the middle if it can be.
pub fn window(rows: usize, around: usize) -> std::ops::Range<usize> {
    let count = rows.min(ROWS);
    let start = around.saturating_sub(ROWS / 2).min(rows - count);
    start..start + count
}

fn pairs(judged: &Judged) -> Vec<[f64; 2]> {
    let c = &judged.comparison;
    let all = c.float.values.iter().flatten().zip(c.fixed.values.iter().flatten());
    let count = c.float.values.len() * c.units.len();
    all.step_by(count.div_ceil(POINTS).max(1)).map(|(a, b)| [*a, *b]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_the_worst_row_and_no_more_rows_than_there_are() {
        for (rows, around) in [(0, 0), (5, 4), (240, 239), (1000, 0), (1000, 500), (1000, 999)] {
            let shown = window(rows, around);
            assert_eq!(shown.len(), rows.min(ROWS));
            assert!(shown.end <= rows && (rows == 0 || shown.contains(&around)), "{rows} {around}");
        }
    }
}
