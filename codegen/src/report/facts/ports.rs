//! Inputs and outputs: names, units, ranges, formats. Stands on a compiled model and histograms.

use nervecord::generated::Quad;
use serde::Serialize;

use super::super::chart::Histogram;
use crate::compiler::Compiled;
use crate::program::{Port, PortWidth};

/// Bins of an input's values.
const BINS: usize = 24;
/// Inputs whose values are counted; a page shows no more.
pub const SHOWN: usize = 48;

/// An input.
#[derive(Debug, Clone, Serialize)]
pub struct InputFact {
    /// Its column.
    pub name: String,
    /// What it is in, if that was said.
    pub unit: Option<String>,
    /// The smallest and the largest calibration value.
    pub seen: [f64; 2],
    /// The range that is computed with; what lies beyond is taken as its end.
    pub accepted: [f64; 2],
    /// The caller's fixed-point type.
    pub format: String,
    /// The difference of two neighbouring numbers.
    pub resolution: f64,
    /// Calibration values over the accepted range.
    pub histogram: Option<Histogram>,
}

/// An output.
#[derive(Debug, Clone, Serialize)]
pub struct OutputFact {
    /// Its column.
    pub name: String,
    /// What it is in, if that was said.
    pub unit: Option<String>,
    /// The smallest and the largest number that it can be, whatever the input.
    pub possible: [f64; 2],
    /// The caller's fixed-point type.
    pub format: String,
    /// The difference of two neighbouring numbers.
    pub resolution: f64,
}

/// Every input.
pub fn inputs(compiled: &Compiled) -> Vec<InputFact> {
    let (port, rows) = (&compiled.program.input, &compiled.calibration.rows);
    let fact = |i: usize| {
        let values = || rows.iter().map(move |row| row[i]);
        let ends = |[low, high]: [f64; 2], v: f64| [low.min(v), high.max(v)];
        let seen = values().fold([f64::INFINITY, f64::NEG_INFINITY], ends);
        let accepted = match port.ranges.get(i) {
            Some(ends) => ends.map(|raw| port.to_real(i, raw)),
            None => seen,
        };
        let [low, high] = accepted;
        InputFact {
            name: compiled.graph.input_name(i),
            unit: compiled.units.inputs.get(i).cloned().flatten(),
            seen,
            accepted,
            format: port.number(i),
            resolution: port.step(i),
            histogram: (i < SHOWN).then(|| Histogram::of(values(), low, high, BINS)),
        }
    };
    (0..port.features()).map(fact).collect()
}

/// Every output.
pub fn outputs(compiled: &Compiled) -> Vec<OutputFact> {
    let port = &compiled.program.output;
    let [low, high] = [i16::MIN, i16::MAX].map(|end| ends(port, end));
    let fact = |i: usize| OutputFact {
        name: compiled.graph.output_name(i),
        unit: compiled.units.outputs.get(i).cloned().flatten(),
        possible: [low[i], high[i]],
        format: port.number(i),
        resolution: port.step(i),
    };
    (0..port.features()).map(fact).collect()
}

/// The outputs where every activation is `end`.
fn ends(port: &Port, end: i16) -> Vec<f64> {
    let raws = match &port.width {
        PortWidth::WideOut(channels) => {
            let activations = vec![Quad([end; 4]); channels.len().div_ceil(4)];
            let mut raws = vec![0; channels.len()];
            nervecord::generated::write32(&activations, channels, &mut raws);
            raws
        }
        // A full scale is symmetric: 1.0 is the largest integer.
        _ if port.full_scale => vec![i32::from(end.max(-i16::MAX)); port.features()],
        _ => vec![i32::from(end); port.features()],
    };
    port.to_reals(&raws)
}
