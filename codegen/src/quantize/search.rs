//! Which layers need wide weights: the smallest tables that meet the tolerance.

use super::{Options, Weights, lower};
use crate::calibrate::{Calibration, Ranges};
use crate::error::Result;
use crate::graph::{Graph, Layer};
use crate::program::{Interpreter, Program};

/// Share of the tolerance the calibration error may use; other data does a little worse.
const SAFETY: f64 = 0.85;
/// Rows that decide; more change little and take longer.
const ROWS: usize = 512;

/// Quantizes with the widths the options ask for.
pub(super) fn choose_widths(
    graph: &Graph,
    ranges: &Ranges,
    calibration: &Calibration,
    options: &Options,
) -> Result<Program> {
    // What a state loses in one step it lacks in all that follow, so recurrent networks start wide.
    let wide = match options.weights {
        Weights::Auto => !graph.states.is_empty(),
        width => width == Weights::I16,
    };
    let mut widths = vec![if wide { 16 } else { 8 }; graph.nodes.len()];
    let mut program = lower(graph, ranges, options, &widths)?;
    if wide || options.weights != Weights::Auto {
        return Ok(program);
    }
    let target = options.tolerance * SAFETY;
    let mut error = relative_error(&program, graph, calibration, ranges);
    let mut trail = Vec::new();
    while error > target {
        let Some((node, trial, trial_error)) =
            best_widening(graph, ranges, calibration, options, &widths, error)?
        else {
            break;
        };
        trail.push((node, error));
        widths[node] = 16;
        (program, error) = (trial, trial_error);
    }
    // A layer widened early may not be needed any more once a later one was.
    for &(node, _) in &trail {
        widths[node] = 8;
        let trial = lower(graph, ranges, options, &widths)?;
        let trial_error = relative_error(&trial, graph, calibration, ranges);
        if trial_error <= target {
            program = trial;
        } else {
            widths[node] = 16;
        }
    }
    for (node, error) in trail.into_iter().filter(|&(node, _)| widths[node] == 16) {
        let name = &graph.nodes[node].name;
        if let Some(row) = program.layers.iter_mut().find(|row| row.name == *name) {
            row.add_choice(&format!(
                "widened: i8 left an error of {error:.4} where {target:.4} is allowed"
            ));
        }
    }
    Ok(program)
}

/// The layer whose widening gains most error a byte, with the program and error it gives.
fn best_widening(
    graph: &Graph,
    ranges: &Ranges,
    calibration: &Calibration,
    options: &Options,
    widths: &[u32],
    error: f64,
) -> Result<Option<(usize, Program, f64)>> {
    let mut best: Option<(f64, usize, Program, f64)> = None;
    for (i, node) in graph.nodes.iter().enumerate() {
        if widths[i] != 8 || !matches!(node.layer, Layer::Dense(_) | Layer::Kan(_)) {
            continue;
        }
        let mut trial_widths = widths.to_vec();
        trial_widths[i] = 16;
        let trial = lower(graph, ranges, options, &trial_widths)?;
        let trial_error = relative_error(&trial, graph, calibration, ranges);
        let gain = (error * error - trial_error * trial_error) / node.layer.macs().max(1) as f64;
        if best.as_ref().is_none_or(|(most, ..)| gain > *most) {
            best = Some((gain, i, trial, trial_error));
        }
    }
    Ok(best.map(|(_, i, program, error)| (i, program, error)))
}

/// RMS difference to float over the calibration rows, in standard deviations of each output, as the
/// root mean square over the outputs: its square is 1 - R2.
pub(super) fn relative_error(
    program: &Program,
    graph: &Graph,
    calibration: &Calibration,
    ranges: &Ranges,
) -> f64 {
    let exact = &ranges.values[graph.output];
    // A recurrent network has to live through every row.
    let most = if graph.states.is_empty() { ROWS } else { usize::MAX };
    let step = calibration.rows.len().div_ceil(most).max(1);
    let mut squares = vec![0.0; graph.output_len()];
    let mut interpreter = Interpreter::new(program);
    let mut count = 0.0;
    for (i, (row, exact)) in calibration.rows.iter().zip(exact).enumerate().step_by(step) {
        if calibration.starts_sequence(i) {
            interpreter = Interpreter::new(program);
        }
        let (output, _) = interpreter.step(row);
        for ((sum, y), exact) in squares.iter_mut().zip(output).zip(exact) {
            *sum += (y - exact).powi(2);
        }
        count += 1.0;
    }
    let relative = |(i, sum): (usize, &f64)| {
        let deviation = ranges.feature(graph.output, i).deviation;
        if deviation > 0.0 { sum / count / deviation.powi(2) } else { 0.0 }
    };
    (squares.iter().enumerate().map(relative).sum::<f64>() / squares.len() as f64).sqrt()
}
