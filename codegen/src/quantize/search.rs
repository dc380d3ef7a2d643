//! Which layers need wide weights: the smallest tables that meet the tolerance.

use super::Weights;
use super::trial::Trial;
use crate::error::Result;
use crate::graph::Layer;

/// Share of the tolerance that the error may use on the rows that choose; other rows do a little worse.
const SAFETY: f64 = 0.85;
/// What is as good as all wide weights, where even they do not meet the tolerance.
const AS_GOOD: f64 = 1.02;

/// The bits of each node's weights that the options ask for, and by the names of layers why.
pub(super) fn choose_widths(trial: &Trial) -> Result<(Vec<u32>, Vec<(String, String)>)> {
    let nodes = &trial.graph.nodes;
    // What a state loses in one step it lacks in all that follow, so recurrent networks start wide.
    let wide = match trial.options.weights {
        Weights::Auto => !trial.graph.states.is_empty(),
        width => width == Weights::I16,
    };
    let mut widths = vec![if wide { 16 } else { 8 }; nodes.len()];
    if wide || trial.options.weights != Weights::Auto {
        return Ok((widths, vec![]));
    }
    let target = trial.options.tolerance * SAFETY;
    let error = error_of(trial, &widths)?;
    if error <= target {
        return Ok((widths, vec![]));
    }
    let allowed = target.max(error_of(trial, &vec![16; nodes.len()])? * AS_GOOD);
    if error <= allowed {
        return Ok((widths, vec![]));
    }

    let order = by_gain(trial, error)?;
    // The layers of most gain, as many as it takes: more lower the error, if not quite evenly.
    let (mut fewest, mut most) = (0, order.len());
    while most - fewest > 1 {
        let middle = (fewest + most) / 2;
        match error_of(trial, &widened(&widths, &order[..middle]))? <= allowed {
            true => most = middle,
            false => fewest = middle,
        }
    }
    widths = widened(&widths, &order[..most]);
    // One of them may not be needed once the others are wide.
    let mut reasons = vec![];
    for &node in order[..most].iter().rev() {
        widths[node] = 8;
        let error = error_of(trial, &widths)?;
        if error > allowed {
            widths[node] = 16;
            let why =
                format!("widened: i8 left an error of {error:.4} where {allowed:.4} is allowed");
            reasons.push((nodes[node].name.clone(), why));
        }
    }
    Ok((widths, reasons))
}

fn error_of(trial: &Trial, widths: &[u32]) -> Result<f64> {
    Ok(trial.error(&trial.lower(widths)?))
}

fn widened(widths: &[u32], nodes: &[usize]) -> Vec<u32> {
    let mut widths = widths.to_vec();
    nodes.iter().for_each(|&node| widths[node] = 16);
    widths
}

/// The layers that can be wide, by what widening each alone gains a byte, `error` being that of none.
fn by_gain(trial: &Trial, error: f64) -> Result<Vec<usize>> {
    let nodes = &trial.graph.nodes;
    let mut gains = vec![];
    for (i, node) in nodes.iter().enumerate() {
        if matches!(node.layer, Layer::Dense(_) | Layer::Kan(_)) {
            let own = error_of(trial, &widened(&vec![8; nodes.len()], &[i]))?;
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
    use crate::expr::{Expr, Function};
    use crate::graph::{Dense, Graph};
    use crate::quantize::{Options, quantize};

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
            let dense = Layer::Dense(Dense { weights, bias: vec![0.1; width] });
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
