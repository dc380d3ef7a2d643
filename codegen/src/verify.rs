//! How far the integers are from the float network, and whether that is near enough.

use std::path::Path;

use serde::Serialize;

use crate::compiler::Compiled;
use crate::data::{self, Data};
use crate::error::{Error, Result};
use crate::graph::Classes;
use crate::program::Interpreter;
use crate::reference;

/// Largest difference between the imported float network and the given vectors, relative to the
/// output's size: what rounding in single precision explains.
const FLOAT_AGREEMENT: f64 = 1e-5;

/// The verdict on a model, over the rows of a vectors file.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// Module name.
    pub model: String,
    /// Number of vectors.
    pub rows: usize,
    /// Largest difference of integer to float.
    pub max_error: f64,
    /// Root mean square difference of integer to float.
    pub rms_error: f64,
    /// Largest difference of a recurrent network's integer states to float.
    pub state_max_error: Option<f64>,
    /// The same in standard deviations of each output: `sqrt(1 - r2)`.
    pub relative_error: f64,
    /// Mean over the outputs of `1 - squared error / variance`, integer against float.
    pub r2: f64,
    /// The same for each output.
    pub r2_outputs: Vec<f64>,
    /// Largest difference of the float network to the vectors' outputs.
    pub float_max_error: f64,
    /// The same, relative to each output's largest magnitude where that is above 1.
    pub float_relative_error: f64,
    /// Share of rows whose class the integers get right, with labels.
    pub accuracy: Option<f64>,
    /// Share of rows whose class the float network gets right, with labels.
    pub float_accuracy: Option<f64>,
    /// Rows on which integer and float name the same class, with labels.
    pub same_class: Option<usize>,
    /// Allowed relative error.
    pub tolerance: f64,
    /// Flash for tables.
    pub flash_bytes: usize,
    /// Size of the generated struct.
    pub ram_bytes: usize,
    /// Multiply-accumulates of one step.
    pub macs: usize,
    /// Rows with a saturated input.
    pub saturated_rows: usize,
    /// Whether integer and float are within the tolerance, and float and vectors agree.
    pub passed: bool,
    /// What did not pass.
    pub faults: Vec<String>,
}

/// Runs integers and float over `vectors` and compares.
///
/// # Errors
/// A file cannot be used with this model.
pub fn verify(compiled: &Compiled, vectors: &Path, labels: Option<&Path>) -> Result<Verification> {
    let data = Data::read(vectors)?;
    let inputs = data.inputs(&compiled.graph, vectors)?;
    let given = data.outputs(compiled.graph.output_len(), vectors)?;
    let (float, float_states) = reference::run_with_states(&compiled.source.graph, &inputs);
    let mut interpreter = Interpreter::new(&compiled.program);
    let mut saturated_rows = 0;
    let mut fixed = Vec::with_capacity(inputs.len());
    let mut fixed_states = Vec::with_capacity(inputs.len());
    for row in &inputs {
        let (output, status) = interpreter.step(row);
        saturated_rows += usize::from(status.any());
        fixed.push(output);
        fixed_states.push(interpreter.states());
    }
    let has_states = float_states.first().is_some_and(|row| !row.is_empty());
    let state_max_error = has_states.then(|| differences(&fixed_states, &float_states).0);
    let given_states = data.states(float_states.first().map_or(0, Vec::len));
    let labels = match labels {
        Some(path) => Some(read_labels(path, compiled.graph.classes.as_ref(), inputs.len())?),
        None => None,
    };
    let r2_outputs = r2(&fixed, &float);
    let r2 = r2_outputs.iter().sum::<f64>() / r2_outputs.len() as f64;
    let (float_max_error, mut float_relative_error) = float_agreement(&float, &given);
    if let Some(given) = given_states {
        float_relative_error = float_relative_error.max(float_agreement(&float_states, &given).1);
    }
    let (max_error, rms_error) = differences(&fixed, &float);
    let share = |outputs: &[Vec<f64>], labels: &[usize]| {
        let right = outputs.iter().zip(labels).filter(|(y, label)| class(y) == **label).count();
        right as f64 / labels.len() as f64
    };
    let program = &compiled.program;
    let mut verification = Verification {
        model: program.name.clone(),
        rows: inputs.len(),
        max_error,
        rms_error,
        state_max_error,
        relative_error: (1.0 - r2).max(0.0).sqrt(),
        r2,
        r2_outputs,
        float_max_error,
        float_relative_error,
        accuracy: labels.as_ref().map(|l| share(&fixed, l)),
        float_accuracy: labels.as_ref().map(|l| share(&float, l)),
        same_class: labels
            .as_ref()
            .map(|_| fixed.iter().zip(&float).filter(|(a, b)| class(a) == class(b)).count()),
        tolerance: compiled.options.tolerance,
        flash_bytes: program.table_bytes(),
        ram_bytes: program.ram_bytes(),
        macs: program.macs,
        saturated_rows,
        passed: true,
        faults: vec![],
    };
    verification.judge();
    Ok(verification)
}

impl Verification {
    fn judge(&mut self) {
        if self.float_relative_error > FLOAT_AGREEMENT {
            self.faults.push(format!(
                "the imported float network differs from the vectors by {:.2e} (at most {FLOAT_AGREEMENT:.0e}): \
                 do they belong to this model?",
                self.float_relative_error
            ));
        }
        match (self.accuracy, self.float_accuracy) {
            // Classifiers are judged by their classes: one row may change.
            (Some(fixed), Some(float)) => {
                let lost = fixed < float - 1.5 / self.rows as f64;
                let fault = || format!("accuracy fell from {float:.4} to {fixed:.4}");
                self.faults.extend(lost.then(fault));
            }
            _ if self.relative_error > self.tolerance => self.faults.push(format!(
                "the RMS error is {:.4} standard deviations of the output (tolerance {}): \
                 try --weights 16 or more calibration data",
                self.relative_error, self.tolerance
            )),
            _ => {}
        }
        self.passed = self.faults.is_empty();
    }

    /// A table for the terminal.
    pub fn render(&self) -> String {
        let mut rows = vec![
            ("vectors", self.rows.to_string()),
            ("R2, integer against float", format!("{:.6}", self.r2)),
            ("largest error", format!("{:.3e}", self.max_error)),
            ("RMS error", format!("{:.3e}", self.rms_error)),
        ];
        if let Some(error) = self.state_max_error {
            rows.push(("largest error of the state", format!("{error:.3e}")));
        }
        rows.extend([
            (
                "RMS error / deviation",
                format!("{:.5} (tolerance {})", self.relative_error, self.tolerance),
            ),
            ("float against vectors", format!("{:.2e}", self.float_max_error)),
        ]);
        if let (Some(fixed), Some(float), Some(same)) =
            (self.accuracy, self.float_accuracy, self.same_class)
        {
            rows.push(("accuracy", format!("{:.2}% (float {:.2}%)", fixed * 100.0, float * 100.0)));
            rows.push(("same class as float", format!("{same} of {}", self.rows)));
        }
        rows.push(("tables in flash", format!("{} B", self.flash_bytes)));
        rows.push(("RAM", format!("{} B", self.ram_bytes)));
        rows.push(("multiply-accumulates", self.macs.to_string()));
        rows.push(("rows with saturated inputs", self.saturated_rows.to_string()));
        let mut text = format!("{}\n", self.model);
        for (label, value) in rows {
            text += &format!("  {label:<27} {value}\n");
        }
        for fault in &self.faults {
            text += &format!("  not within tolerance: {fault}\n");
        }
        text += if self.passed { "  passed\n" } else { "  FAILED\n" };
        text
    }
}

/// The class a row of outputs names: the largest of several, or the rounded one (a probability or
/// an index).
pub fn class(outputs: &[f64]) -> usize {
    match outputs {
        [one] => one.round().max(0.0) as usize,
        _ => nervecord::head::argmax(outputs),
    }
}

fn r2(fixed: &[Vec<f64>], float: &[Vec<f64>]) -> Vec<f64> {
    let n = float.len() as f64;
    let output = |j: usize| {
        let mean = float.iter().map(|row| row[j]).sum::<f64>() / n;
        let variance = float.iter().map(|row| (row[j] - mean).powi(2)).sum::<f64>();
        let error = fixed.iter().zip(float).map(|(a, b)| (a[j] - b[j]).powi(2)).sum::<f64>();
        // A constant output has no variance to explain: right is right.
        if variance > 0.0 { 1.0 - error / variance } else { f64::from(u8::from(error < 1e-9 * n)) }
    };
    (0..float.first().map_or(0, Vec::len)).map(output).collect()
}

fn differences(a: &[Vec<f64>], b: &[Vec<f64>]) -> (f64, f64) {
    let all: Vec<f64> =
        a.iter().zip(b).flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).abs())).collect();
    let squares = all.iter().map(|d| d * d).sum::<f64>();
    (all.iter().copied().fold(0.0, f64::max), (squares / all.len().max(1) as f64).sqrt())
}

fn float_agreement(float: &[Vec<f64>], given: &[Vec<f64>]) -> (f64, f64) {
    let outputs = float.first().map_or(0, Vec::len);
    let mut worst = (0.0_f64, 0.0_f64);
    for j in 0..outputs {
        let size = given.iter().map(|row| row[j].abs()).fold(1.0, f64::max);
        let error = float.iter().zip(given).map(|(a, b)| (a[j] - b[j]).abs()).fold(0.0, f64::max);
        worst = (worst.0.max(error), worst.1.max(error / size));
    }
    worst
}

/// The class index of each row: column `label`, holding indices or class names.
fn read_labels(path: &Path, classes: Option<&Classes>, rows: usize) -> Result<Vec<usize>> {
    let wrong = |what: &str| {
        Error::new("the labels cannot be used")
            .file(path)
            .expected(what)
            .help("write the true class of each vector in a column `label`")
    };
    let cells = data::texts(path, "label")?;
    if cells.len() != rows {
        return Err(wrong(&format!("{rows} rows, one a vector")).found(cells.len()));
    }
    let named = |cell: &String| classes.and_then(|c| c.names.iter().position(|n| n == cell));
    let by_name: Option<Vec<usize>> = cells.iter().map(named).collect();
    if let Some(labels) = by_name {
        return Ok(labels);
    }
    let index = |cell: &String| match cell.parse::<f64>() {
        Ok(v) if v >= 0.0 && v.fract() == 0.0 => Ok(v as usize),
        _ => Err(wrong("class indices or class names").found(format!("`{cell}`"))),
    };
    cells.iter().map(index).collect()
}
