//! What a verification tells, and what it is made from. Stands on the runs and the classes.

use serde::Serialize;

use super::classes::Head;
use super::run::Trace;
use crate::compiler::Compiled;
use crate::data::Vectors;

/// The verdict on a model, over the rows of its vectors. All numbers are finite.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// Module name.
    pub model: String,
    /// Number of vectors.
    pub rows: usize,
    /// Of these, rows on which float network and vectors are finite: those that are compared.
    pub finite_rows: usize,
    /// What is compared: the `outputs`, or the `scores` that an argmax chooses from.
    pub compared: &'static str,
    /// Whether the classes are judged, not the errors.
    pub classifier: bool,
    /// Largest difference of integer to float.
    pub max_error: f64,
    /// The difference that 99.9% of all do not exceed.
    pub p999_error: f64,
    /// Root mean square difference of integer to float.
    pub rms_error: f64,
    /// Largest difference of integer to float, in standard deviations of its output.
    pub max_relative_error: f64,
    /// The difference that 99.9% of all do not exceed, in the same unit.
    pub p999_relative_error: f64,
    /// Root mean square difference in the same unit.
    pub relative_error: f64,
    /// The largest `relative_error` allowed: the tolerance, and more where few rows tell it badly.
    pub allowed_relative_error: f64,
    /// `1 - squared error / variance` over the vectors, integer against float: the mean over the outputs that vary.
    pub r2: Option<f64>,
    /// The errors of each output, or score.
    pub outputs: Vec<OutputErrors>,
    /// Largest difference of a recurrent network's integer states to float.
    pub state_max_error: Option<f64>,
    /// Largest difference of the float network to the vectors' outputs, if they have any.
    pub float_max_error: Option<f64>,
    /// The same, relative to the largest magnitude of the output (or state) that differs most from what is allowed.
    pub float_relative_error: Option<f64>,
    /// What is allowed of that output, in the same unit.
    pub float_tolerance: Option<f64>,
    /// Share of rows whose class the integers get right, with labels.
    pub accuracy: Option<f64>,
    /// Share of rows whose class the float network gets right, with labels.
    pub float_accuracy: Option<f64>,
    /// Of a classifier: rows on which integer and float name the same class.
    pub same_class: Option<usize>,
    /// Of a classifier: rows on which they do not, although the float network is decided.
    pub decided_flips: Option<usize>,
    /// Allowed RMS error on the calibration rows, in standard deviations of the output.
    pub tolerance: f64,
    /// The error there, where the vectors' is too large.
    pub calibration_relative_error: Option<f64>,
    /// Flash for tables.
    pub flash_bytes: usize,
    /// Size of the generated struct.
    pub ram_bytes: usize,
    /// Multiply-accumulates of one step.
    pub macs: usize,
    /// Rows with a saturated input.
    pub saturated_rows: usize,
    /// The inputs that saturated, those in most rows first.
    pub saturated_inputs: Vec<SaturatedInput>,
    /// Whether there is no fault.
    pub passed: bool,
    /// What did not pass.
    pub faults: Vec<String>,
    /// The verdict in words: what was compared, how well it went, and what to do next.
    pub verdict: String,
}

/// The errors of one output.
#[derive(Debug, Clone, Serialize)]
pub struct OutputErrors {
    /// The output's column, or the score's.
    pub name: String,
    /// What relative errors are parts of: its standard deviation over the calibration rows or over the vectors,
    /// whichever is larger; of a constant its size. The scores of a classifier share one, as they are compared with each
    /// other: the root mean square of theirs.
    pub unit: f64,
    /// Largest difference of integer to float.
    pub max_error: f64,
    /// The difference that 99.9% do not exceed.
    pub p999_error: f64,
    /// Root mean square difference.
    pub rms_error: f64,
    /// The root mean square difference in units.
    pub relative_error: f64,
    /// `1 - squared error / variance` over the vectors, if it varies there.
    pub r2: Option<f64>,
    /// Largest difference of the float network to the vectors' output, if they have it.
    pub float_max_error: Option<f64>,
    /// The largest one allowed.
    pub float_allowed_error: Option<f64>,
}

/// An input beyond what the integers can take.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SaturatedInput {
    /// Its column.
    pub name: String,
    /// Rows in which it saturated.
    pub rows: usize,
    /// Its smallest and largest value there.
    pub range: [f64; 2],
    /// The same over the calibration rows.
    pub calibrated: [f64; 2],
}

/// Integers, float and vectors on the rows that can be compared.
pub struct Comparison<'a> {
    /// The model.
    pub compiled: &'a Compiled,
    /// How its outputs are judged.
    pub(super) head: Head,
    /// What an error of each column is measured in.
    pub units: Vec<f64>,
    /// What the integers gave, a row each.
    pub fixed: Trace,
    /// What the float network gave.
    pub float: Trace,
    /// The rows themselves.
    pub vectors: Vectors,
    /// The number of each row in the vectors, counted from 1.
    pub places: Vec<usize>,
}
