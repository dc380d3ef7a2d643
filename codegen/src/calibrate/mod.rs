//! What values every tensor takes: the float network run over representative inputs.
//!
//! A recurrent network is run over the rows in their order, from a reset before the first and, where
//! `[calibration] sequence` says how long they are, before each further sequence. Without it, each of several
//! sequences starts from where the one before ended, which a network that forgets leaves within a few steps,
//! and the reset itself lies within every range. Its states keep their bounds where the kind of network has
//! them, and all else has room for sequences not seen here.
//!
//! Of a long table a sample is kept: evenly spread rows, with those of the extremes, or sequences.
//!
//! Stands on the float reference, tables of numbers and settings; no later phase.

mod clamped;
mod sample;
mod span;
mod split;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use self::sample::{Sample, Sampled};
pub use self::span::{STILL, Span};
pub use self::split::Split;
use crate::data::{Table, sha256};
use crate::error::{Error, Result};
use crate::graph::{Graph, Tensor};
use crate::parallel;
use crate::reference::Reference;
use crate::settings::Settings;
use crate::text;

/// Values of all tensors on all rows that calibration holds at most.
const MOST_VALUES: usize = 1 << 22;
/// Magnitudes from here on have no place in 32-bit fixed point with a bit of room.
const LARGEST: f64 = (1_u64 << 30) as f64;

/// Inputs the model will see in use.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// One input a row.
    pub rows: Vec<Vec<f64>>,
    /// Hex digest of the file, or of the declared ranges.
    pub sha256: String,
    /// What the rows are and how ranges are taken; the same whatever their file is called.
    pub origin: String,
    /// Share of the values, in percent, that the range must cover; 100 is minimum and maximum.
    pub percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// Rows of each sequence of a recurrent network, which starts from a reset; one sequence if absent.
    pub sequence: Option<usize>,
    /// Steps of each row of the table, of which the last alone decides and judges.
    pub steps: usize,
    /// The file of the rows.
    pub(crate) file: Option<PathBuf>,
    /// The row of the file that each row was, counted from 0; all of them if empty.
    pub(crate) places: Vec<usize>,
}

/// The float network's values on the calibration rows.
#[derive(Debug, Clone)]
pub struct Ranges {
    /// `values[tensor][row]`: every tensor's features on every row.
    pub values: Vec<Vec<Vec<f64>>>,
    /// What each row is for.
    pub split: Split,
    percentile: f64,
    /// Factor by which ranges are widened.
    pub margin: f64,
    /// How far the input and what is made of it matters, where clamps say so.
    reach: clamped::Reach,
    /// What delay lines hold of each tensor after a reset.
    starts: clamped::Reach,
    /// A tensor's spans, whole and by feature, made when first asked for.
    spans: Vec<OnceLock<(Span, Vec<Span>)>>,
}

impl Calibration {
    /// Reads the inputs at `path`, or, without one, draws them from the ranges declared in
    /// `nervecord.toml` beside the model.
    ///
    /// # Errors
    /// Neither exists, or the data does not fit the model.
    pub fn load(path: Option<&Path>, settings: &Settings, graph: &Graph) -> Result<Self> {
        let (percentile, margin) = (settings.percentile, settings.margin);
        let method = match percentile {
            p if p >= 100.0 => "minimum and maximum".to_owned(),
            p => format!("percentile {p}"),
        };
        let Some(path) = path else {
            let ranges = settings.input_ranges(graph)?;
            let rows = draw(&ranges);
            let sha256 = sha256(format!("{ranges:?}").as_bytes());
            let origin = format!("declared ranges: {} rows, {method}, margin {margin}", rows.len());
            return Ok(Self { sha256, origin, percentile, margin, ..Self::of(rows) });
        };
        let mut table = Table::open(path)?;
        let inputs = table.inputs(graph)?;
        // A table of whole windows has one in each row.
        let sequence = match inputs.steps_of_row() {
            1 => settings.sequence,
            steps => Some(steps),
        };
        let mut sample = match graph.states.is_empty() {
            true => Sample::of_rows(most_rows(graph), graph.input_len(), percentile >= 100.0),
            false => Sample::of_sequences(most_rows(graph), sequence),
        };
        let mut row = Vec::new();
        for number in 1.. {
            if !table.next(&mut row)? {
                break;
            }
            let values = inputs.of_row(&row);
            if let Some(i) = values.iter().position(|v| v.abs() >= LARGEST) {
                let column = inputs.column(i).and_then(|c| table.names().get(c));
                return Err(Error::new("a value is too large for 32-bit fixed point")
                    .file(path)
                    .at(format!("row {number}, column {}", column.map_or("", String::as_str)))
                    .expected("magnitudes below 2^30")
                    .found(format!("{:e}", values[i]))
                    .help("express it in a larger unit, in the data and in front of the network"));
            }
            inputs.steps(&row).iter().for_each(|step| sample.push(step));
        }
        let Sampled { rows, mut places, about } = sample.finish();
        places.iter_mut().for_each(|place| *place /= inputs.steps_of_row());
        Ok(Self {
            sha256: table.sha256(),
            origin: format!("{about}, {method}, margin {margin}"),
            percentile,
            margin,
            sequence,
            steps: inputs.steps_of_row(),
            file: Some(path.to_owned()),
            places,
            ..Self::of(rows)
        })
    }

    /// Rows from no file, whose minimum and maximum count, with the default margin.
    pub fn of(rows: Vec<Vec<f64>>) -> Self {
        let Settings { percentile, margin, sequence, .. } = Settings::default();
        let (sha256, origin) = (String::new(), String::new());
        let (steps, file, places) = (1, None, vec![]);
        Self { rows, sha256, origin, percentile, margin, sequence, steps, file, places }
    }

    /// Whether the rows are made of declared ranges, not of data.
    pub fn is_declared(&self) -> bool {
        self.file.is_none() && !self.origin.is_empty()
    }

    /// The name of the rows' file, if they come from one, and their origin.
    pub fn describe(&self) -> String {
        let name = self.file_name().map(|name| name + ": ").unwrap_or_default();
        name + &self.origin
    }

    /// The name of the rows' file, without folders, if they come from one.
    pub fn file_name(&self) -> Option<String> {
        self.file.as_ref()?.file_name().map(text::path)
    }

    /// The rows before which a recurrent network is reset.
    pub fn starts(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&i| self.starts_sequence(i)).collect()
    }

    /// What each row is for.
    pub fn split(&self) -> Split {
        Split::of(self.rows.len(), &self.starts()).of_every(self.steps)
    }

    /// The number of row `i` in its file, counted from 1.
    pub fn number(&self, i: usize) -> usize {
        self.places.get(i).unwrap_or(&i) + 1
    }

    /// Whether a recurrent network is reset before row `i`.
    pub fn starts_sequence(&self, i: usize) -> bool {
        i.checked_rem(self.sequence.unwrap_or(usize::MAX)) == Some(0)
    }

    /// Runs the float network over the rows.
    ///
    /// # Errors
    /// A value is not finite: the network leaves the numbers on its own data.
    pub fn ranges(&self, graph: &Graph) -> Result<Ranges> {
        let mut values = vec![Vec::with_capacity(self.rows.len()); graph.tensors.len()];
        for stretch in parallel::map(&self.stretches(graph), |rows| self.run(graph, rows.clone())) {
            for (all, own) in values.iter_mut().zip(stretch?) {
                all.extend(own);
            }
        }
        let split = self.split();
        let spans = vec![OnceLock::new(); values.len()];
        let reach = clamped::reach(graph);
        let (percentile, margin) = (self.percentile, self.margin);
        Ok(Ranges { values, split, percentile, margin, reach, starts: at_reset(graph), spans })
    }
}

impl Calibration {
    /// Rows that can be run apart from one another: sequences of a network with memory, else shares of all.
    fn stretches(&self, graph: &Graph) -> Vec<Range<usize>> {
        let rows = self.rows.len();
        let share = rows.div_ceil(parallel::processors()).max(1);
        let starts: Vec<usize> = match graph.states.is_empty() {
            true => (0..rows).step_by(share).collect(),
            false => std::iter::once(0).chain(self.starts().into_iter().skip(1)).collect(),
        };
        let ends = starts.iter().skip(1).copied().chain([rows]);
        starts.iter().zip(ends).map(|(&start, end)| start..end).collect()
    }

    /// What every tensor is on each of some rows that follow a reset.
    fn run(&self, graph: &Graph, rows: Range<usize>) -> Result<Vec<Vec<Vec<f64>>>> {
        let mut values = vec![Vec::with_capacity(rows.len()); graph.tensors.len()];
        let mut reference = Reference::new(graph);
        for i in rows {
            for (id, tensor) in reference.step(&self.rows[i]).into_iter().enumerate() {
                if let Some(bad) = tensor.iter().find(|v| !v.is_finite()) {
                    return Err(self.not_finite(&graph.tensors[id].name, i, *bad));
                }
                values[id].push(tensor);
            }
        }
        Ok(values)
    }

    fn not_finite(&self, tensor: &str, row: usize, found: f64) -> Error {
        let error = Error::new("the network is not finite on its calibration data")
            .at(format!("tensor `{tensor}`, calibration row {}", self.number(row)))
            .expected("finite values")
            .found(found)
            .help("check that the data is scaled as in training");
        match &self.file {
            Some(file) => error.file(file),
            None => error,
        }
    }
}

/// How many rows are worth their time and memory; fewer for a network of more tensors.
fn most_rows(graph: &Graph) -> usize {
    let features: usize = graph.tensors.iter().map(Tensor::len).sum();
    (MOST_VALUES / features.max(1)).clamp(1 << 10, 1 << 14)
}

/// The interval of each feature that delay lines hold of a tensor after a reset.
fn at_reset(graph: &Graph) -> clamped::Reach {
    let mut starts = clamped::Reach::new();
    for state in &graph.states {
        let Some(&[_, row]) = graph.delay_line(state).map(|line| line.inputs.as_slice()) else {
            continue;
        };
        let features = graph.tensors[row].len();
        let none = || vec![(f64::INFINITY, f64::NEG_INFINITY); features];
        let hull = starts.entry(row).or_insert_with(none);
        for (i, x) in state.initial.iter().rev().enumerate() {
            let ends = &mut hull[features - 1 - i % features];
            *ends = (ends.0.min(*x), ends.1.max(*x));
        }
    }
    starts
}

/// Corners and a low-discrepancy fill of a box (additive recurrence, Roberts 2018).
fn draw(ranges: &[(f64, f64)]) -> Vec<Vec<f64>> {
    const ROWS: usize = 1024;
    let at = |t: f64| move |(low, high): &(f64, f64)| low + (high - low) * t;
    let dimension = ranges.len() as f64;
    // The unique positive root of g^(d+1) = g + 1.
    let root = (0..64).fold(2.0_f64, |g, _| (1.0 + g).powf(1.0 / (dimension + 1.0)));
    let mut rows =
        vec![ranges.iter().map(at(0.0)).collect::<Vec<_>>(), ranges.iter().map(at(1.0)).collect()];
    rows.extend((0..ROWS).map(|i| {
        let fraction = |j: usize| (0.5 + (i + 1) as f64 / root.powi(j as i32 + 1)).fract();
        ranges.iter().enumerate().map(|(j, range)| at(fraction(j))(range)).collect()
    }));
    rows
}

impl Ranges {
    /// A tensor's features on the rows that integers and tables are fitted to.
    pub fn fitted(&self, id: usize) -> impl ExactSizeIterator<Item = &Vec<f64>> {
        self.split.fit.iter().map(move |&row| &self.values[id][row])
    }

    /// The span of a whole tensor, by the calibration's method.
    pub fn tensor(&self, id: usize) -> Span {
        self.spans(id).0
    }

    /// The span of one feature of a tensor.
    pub fn feature(&self, id: usize, feature: usize) -> Span {
        self.spans(id).1[feature]
    }

    /// How much larger a tensor's magnitude is on the rows that judge than on all others; 1 for one that is 0 there.
    pub fn growth(&self, id: usize) -> f64 {
        let magnitude = |rows: &[usize]| {
            let values = rows.iter().flat_map(|&row| &self.values[id][row]);
            values.fold(0.0_f64, |m, x| m.max(x.abs()))
        };
        let others = magnitude(&self.split.fit).max(magnitude(&self.split.choose));
        if others > 0.0 { magnitude(&self.split.judge) / others } else { 1.0 }
    }

    fn spans(&self, id: usize) -> &(Span, Vec<Span>) {
        let rows = &self.values[id];
        let feature = |i: usize| self.span(rows.iter().map(|row| row[i]).collect());
        self.spans[id].get_or_init(|| {
            let mut whole = self.span(rows.iter().flatten().copied().collect());
            let mut features: Vec<Span> =
                (0..rows.first().map_or(0, Vec::len)).map(feature).collect();
            let mut cover = |span: &Span| {
                (whole.low, whole.high) = (whole.low.min(span.low), whole.high.max(span.high));
            };
            for (span, ends) in features.iter_mut().zip(self.reach.get(&id).into_iter().flatten()) {
                *span = clamped::widened(*span, *ends);
                cover(span);
            }
            for (span, ends) in features.iter_mut().zip(self.starts.get(&id).into_iter().flatten())
            {
                (span.low, span.high) = (span.low.min(ends.0), span.high.max(ends.1));
                cover(span);
            }
            (whole, features)
        })
    }

    fn span(&self, mut values: Vec<f64>) -> Span {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        let last = values.len() - 1;
        let cut = ((100.0 - self.percentile) / 100.0 * last as f64).floor() as usize;
        let mut ranked = |rank: usize| *values.select_nth_unstable_by(rank, f64::total_cmp).1;
        Span { low: ranked(cut.min(last)), high: ranked(last - cut.min(last)), deviation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Layer;

    #[test]
    fn every_sequence_starts_from_a_reset() {
        let mut graph = Graph::new("sum", "x", 1);
        let before = graph.push_state("before", vec![0.0]);
        let after = graph.push("after", Layer::Add { factors: [1.0, 1.0] }, &[0, before]).unwrap();
        graph.close_state(before, after).unwrap();
        let rows = vec![vec![1.0]; 12];
        let largest = |sequence| {
            let calibration = Calibration { sequence, ..Calibration::of(rows.clone()) };
            calibration.ranges(&graph).unwrap().tensor(after).high
        };
        assert_eq!(largest(None), 12.0);
        assert_eq!(largest(Some(4)), 4.0);
        assert_eq!(largest(Some(5)), 5.0);
        assert_eq!(largest(Some(100)), 12.0);
    }
}
