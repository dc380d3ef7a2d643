//! All that a report says of a model, as data: `report.json` is this, and `report.html` is drawn from it. Stands on a
//! compiled model and judged rows.

pub mod activations;
pub mod claims;
pub mod classes;
pub mod edges;
pub mod errors;
mod judged;
pub mod layers;
pub mod ports;
pub mod properties;
pub mod states;

use serde::Serialize;

use self::activations::Activations;
use self::claims::Claims;
use self::classes::Classes;
use self::edges::Edges;
use self::errors::Errors;
pub use self::judged::{Judged, Origin};
use self::layers::Layer;
use self::ports::{InputFact, OutputFact};
use self::properties::PropertyFact;
use self::states::States;
use crate::certify::Certificate;
use crate::compiler::Compiled;
use crate::data::sha256;
use crate::import::circuit::Circuit;
use crate::options::{Optimize, Weights};
use crate::program::{Front, Promise, StepWidth};
use crate::text;
use crate::verify::Verification;

/// All that is said of a model.
#[derive(Debug, Serialize)]
pub struct Facts<'a> {
    /// The module's name.
    pub model: &'a str,
    /// The verdict in a sentence.
    pub verdict: String,
    /// Whether all is as wanted.
    pub kept: bool,
    /// What is proved, measured and unknown.
    #[serde(flatten)]
    pub claims: Claims,
    /// Where the rows come from that it is judged on.
    pub judged_on: Origin,
    /// The same in words.
    pub rows: String,
    /// What was measured on them.
    pub verification: &'a Verification,
    /// What the compiler measured on held-out rows.
    pub promise: Option<&'a Promise>,
    /// Width of the weights, as asked for.
    pub weights: Weights,
    /// Largest RMS difference asked for, in standard deviations of the output.
    pub tolerance: f64,
    /// What was to be small.
    pub optimize: Optimize,
    /// Every input.
    pub inputs: Vec<InputFact>,
    /// Every output.
    pub outputs: Vec<OutputFact>,
    /// Whether one of the states can leave its range, which the status then says.
    pub state_saturates: bool,
    /// What is claimed of every input, if that was asked for.
    pub certificate: Option<&'a Certificate>,
    /// What is asked of the outputs, where it was decided.
    pub properties: Vec<PropertyFact>,
    /// Integers against float.
    pub errors: Errors,
    /// A classifier's classes.
    pub classes: Option<Classes>,
    /// A recurrent network's memory.
    pub states: Option<States>,
    /// Its layers.
    pub layers: Vec<Layer<'a>>,
    /// Integers of its layers.
    pub activations: Vec<Activations>,
    /// The edges of its layers of functions.
    pub edges: Option<Edges>,
    /// The circuit behind it.
    pub circuit: Option<Circuit>,
    /// The widths of which the caller chooses one a step.
    pub widths: &'a [StepWidth],
    /// Multiply-accumulates of a step.
    pub macs: usize,
    /// What the integers were chosen among.
    pub front: Option<&'a Front>,
    /// Flash for tables.
    pub flash_bytes: usize,
    /// Size of the generated struct.
    pub ram_bytes: usize,
    /// Whether a step does the same work for every input.
    pub constant_time: bool,
    /// File name of the model.
    pub model_file: String,
    /// Hash of the model.
    pub model_sha256: &'a str,
    /// What the calibration data was.
    pub calibration: String,
    /// File name of the calibration data.
    pub calibration_file: Option<String>,
    /// Hash of the calibration data.
    pub calibration_sha256: &'a str,
    /// Hash of the module that comes of both.
    pub module_sha256: String,
    /// The options, as on the command line.
    pub options: String,
    /// The program that wrote it.
    pub version: &'static str,
    /// What the importer left out or folded.
    pub notes: &'a [String],
}

impl<'a> Facts<'a> {
    /// The facts of a judged model; `circuit` is the one behind it.
    pub fn of(judged: &'a Judged<'a>, circuit: Option<Circuit>) -> Self {
        let compiled: &Compiled = judged.comparison.compiled;
        let program = &compiled.program;
        let outputs = ports::outputs(compiled);
        let (flash_bytes, ram_bytes) = (program.table_bytes(), program.ram_bytes());
        Self {
            model: &program.name,
            verdict: claims::verdict(judged, flash_bytes, ram_bytes),
            kept: claims::is_kept(judged),
            claims: Claims {
                proved: claims::proved(judged, &outputs),
                measured: claims::measured(judged),
                unknown: claims::unknown(judged),
            },
            judged_on: judged.origin,
            rows: judged.describe(),
            verification: &judged.verification,
            promise: program.promise.as_ref(),
            weights: compiled.options.weights,
            tolerance: compiled.options.tolerance,
            optimize: compiled.options.optimize,
            inputs: ports::inputs(compiled),
            outputs,
            state_saturates: program.states.iter().any(|state| state.saturates),
            certificate: judged.certificate.as_ref(),
            properties: properties::of(&judged.properties),
            errors: Errors::of(judged),
            classes: Classes::of(judged),
            states: States::of(judged),
            layers: layers::of(compiled),
            activations: activations::of(judged),
            edges: Edges::of(&program.layers),
            circuit,
            widths: &program.widths,
            macs: program.macs,
            front: program.front.as_ref(),
            flash_bytes,
            ram_bytes,
            constant_time: program.constant_time(),
            model_file: compiled.source.path.file_name().map(text::path).unwrap_or_default(),
            model_sha256: &compiled.source.sha256,
            calibration: compiled.calibration.origin.clone(),
            calibration_file: compiled.calibration.file_name(),
            calibration_sha256: &compiled.calibration.sha256,
            module_sha256: sha256(compiled.module().as_bytes()),
            options: compiled.arguments(),
            version: env!("CARGO_PKG_VERSION"),
            notes: &compiled.source.graph.notes,
        }
    }
}
