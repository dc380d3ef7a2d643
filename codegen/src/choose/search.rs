//! How fine the integers have to be: the smallest tables that meet the tolerance.

use super::trial::Trial;
use crate::error::Result;
use crate::graph::Layer;
use crate::options::Weights;
use crate::program::Width;
use crate::quantize::Precision;

/// Share of the tolerance that the error may use on the rows that choose; other rows do a little worse.
const SAFETY: f64 = 0.85;
/// Share of the tolerance of who asks for wide weights: for the finer result, not for their bytes.
const FINE: f64 = 0.5;
/// What is as good as the finest integers, where even they do not meet the tolerance.
const AS_GOOD: f64 = 1.02;
/// What halving the error of function tables has to leave of a network's error at most, to be worth their size.
const WORTH: f64 = 0.9;
/// The finest function tables, as a multiple of their share of the tolerance.
const FINEST: f64 = 1.0 / 64.0;

/// Why a layer is as fine as it is, by its name.
type Reason = (String, String);

/// The precision that the options ask for.
pub fn choose(trial: &Trial) -> Result<(Precision, Vec<Reason>)> {
    let asked = if trial.options.weights == Weights::I16 { FINE } else { 1.0 };
    let target = trial.options.tolerance * SAFETY * asked;
    // What a state loses in one step it lacks in all that follow, so recurrent networks start wide.
    let widen = trial.options.weights == Weights::Auto && !trial.graph.feeds_back();
    let width = match trial.options.weights {
        Weights::I4 => Width::I4,
        Weights::Auto if widen => Width::I8,
        Weights::I8 => Width::I8,
        Weights::Auto | Weights::I16 => Width::I16,
    };
    let mut precision = Precision::of(&trial.graph, width);
    let error = error_of(trial, &precision)?;
    if error <= target {
        return Ok((precision, vec![]));
    }
    // What the finest weights leave is for the function tables to mend.
    let (mut finest, mut least) = (precision.clone(), error);
    if widen {
        finest = Precision::of(&trial.graph, Width::I16);
        least = error_of(trial, &finest)?;
    }
    while least > target && finest.tables > FINEST {
        let finer = Precision { tables: finest.tables / 2.0, ..finest.clone() };
        let error = error_of(trial, &finer)?;
        if error > least * WORTH {
            break;
        }
        (finest, least) = (finer, error);
    }
    precision.tables = finest.tables;
    match widen {
        true => widen_layers(trial, precision, target.max(least * AS_GOOD)),
        false => Ok((precision, vec![])),
    }
}

/// Widens as few layers as it takes for an error of at most `allowed`, which all of them together meet.
fn widen_layers(
    trial: &Trial,
    mut precision: Precision,
    allowed: f64,
) -> Result<(Precision, Vec<Reason>)> {
    let error = error_of(trial, &precision)?;
    if error <= allowed {
        return Ok((precision, vec![]));
    }
    let order = by_gain(trial, &precision, error)?;
    // The layers of most gain, as many as it takes: more lower the error, if not quite evenly.
    let (mut fewest, mut most) = (0, order.len());
    while most - fewest > 1 {
        let middle = (fewest + most) / 2;
        match error_of(trial, &widened(&precision, &order[..middle]))? <= allowed {
            true => most = middle,
            false => fewest = middle,
        }
    }
    precision = widened(&precision, &order[..most]);
    // One of them may not be needed once the others are wide.
    let mut reasons = vec![];
    for &node in order[..most].iter().rev() {
        precision.widths[node] = Width::I8;
        let error = error_of(trial, &precision)?;
        if error > allowed {
            precision.widths[node] = Width::I16;
            let why =
                format!("widened: i8 left an error of {error:.4} where {allowed:.4} is allowed");
            reasons.push((trial.graph.nodes[node].name.clone(), why));
        }
    }
    Ok((precision, reasons))
}

fn error_of(trial: &Trial, precision: &Precision) -> Result<f64> {
    Ok(trial.error(&trial.lower(precision)?))
}

fn widened(precision: &Precision, nodes: &[usize]) -> Precision {
    let mut precision = precision.clone();
    nodes.iter().for_each(|&node| precision.widths[node] = Width::I16);
    precision
}

/// The layers that can be wide, by what widening each alone gains a byte, `error` being that of none.
fn by_gain(trial: &Trial, precision: &Precision, error: f64) -> Result<Vec<usize>> {
    let mut gains = vec![];
    for (i, node) in trial.graph.nodes.iter().enumerate() {
        if matches!(node.layer, Layer::Dense(_) | Layer::Windows(_) | Layer::Kan(_)) {
            let own = error_of(trial, &widened(precision, &[i]))?;
            gains.push((i, (error * error - own * own) / node.layer.macs().max(1) as f64));
        }
    }
    gains.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(gains.into_iter().map(|(i, _)| i).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;
    use crate::choose::quantize;
    use crate::graph::expr::{Expr, Function};
    use crate::graph::{Dense, Graph};
    use crate::options::Options;

    /// A number in -1..1 for each index (Weyl's sequence).
    fn noise(i: usize) -> f64 {
        (i as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0
    }

    /// `layers` dense layers of `width`, a tanh behind each, and data for it.
    fn chain(layers: usize, width: usize, rows: usize) -> (Graph, Calibration) {
        let mut graph = Graph::new("chain", "x", width);
        for l in 0..layers {
            let weight = |o: usize, i: usize| noise((l * width + o) * width + i) * 1.5;
            let weights = (0..width).map(|o| (0..width).map(|i| weight(o, i)).collect()).collect();
            let dense = Layer::Dense(Dense::new(weights, vec![0.1; width]));
            let y = graph.push(format!("fc{l}"), dense, &[graph.output]).unwrap();
            let tanh = Layer::Map(Expr::call(Function::Tanh));
            graph.push(format!("tanh{l}"), tanh, &[y]).unwrap();
        }
        let row = |r: usize| (0..width).map(|i| noise(r * width + i + 31)).collect();
        (graph, Calibration::of((0..rows).map(row).collect()))
    }

    fn widened_layers(graph: &Graph, calibration: &Calibration, tolerance: f64) -> (usize, bool) {
        let options = Options { tolerance, ..Options::default() };
        let program = quantize(graph, calibration, &options).unwrap();
        let wide = program.layers.iter().filter(|row| row.kind.starts_with("dense i16"));
        (wide.count(), program.promise.unwrap().is_kept())
    }

    #[test]
    fn as_many_layers_are_widened_as_the_tolerance_takes() {
        let (graph, calibration) = chain(3, 8, 400);
        assert_eq!(widened_layers(&graph, &calibration, 0.1), (0, true));
        let (some, kept) = widened_layers(&graph, &calibration, 0.004);
        assert!((1..=3).contains(&some) && kept, "{some}");
    }

    /// What wide weights cannot give is said, and not paid for where it gains nothing.
    #[test]
    fn a_tolerance_out_of_reach_is_told() {
        let (graph, calibration) = chain(3, 8, 400);
        assert!(!widened_layers(&graph, &calibration, 1e-7).1);
    }

    #[test]
    fn a_handful_of_rows_judges_itself_and_is_told_to_be_thin() {
        let (graph, calibration) = chain(2, 4, 5);
        let promise = quantize(&graph, &calibration, &Options::default()).unwrap().promise.unwrap();
        assert!(!promise.held_out && promise.rows == 5);
        assert!(promise.thin.unwrap().contains("5 calibration rows"));
    }

    /// Rows that go further than all others are seen for what they are.
    #[test]
    fn data_that_still_grows_is_told_to_be_thin() {
        let (graph, mut calibration) = chain(1, 4, 400);
        let thin = |calibration: &Calibration| {
            quantize(&graph, calibration, &Options::default()).unwrap().promise.unwrap().thin
        };
        assert_eq!(thin(&calibration), None);
        // The last of 16 stretches is one that judges.
        calibration.rows.iter_mut().skip(390).flatten().for_each(|x| *x *= 3.0);
        let thin = thin(&calibration).unwrap();
        assert!(thin.contains("`x`") && thin.contains("times as far"), "{thin}");
    }
}
