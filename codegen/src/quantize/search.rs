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
