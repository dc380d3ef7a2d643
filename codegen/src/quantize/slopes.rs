//! How the network's outputs move with what one of its nodes writes: the chain rule, backwards through the float network
//! (Linnainmaa 1970); of layers that have no rule here, by differences. Stands on the float reference.

use std::ops::Range;

use crate::graph::{Graph, Layer, Node};
use crate::lanes;
use crate::reference;

/// A difference, in magnitudes of its tensor.
const DIFFERENCE: f64 = 1e-6;

/// The products that a row takes.
pub fn products(graph: &Graph) -> usize {
    let of = |node: &Node| {
        let inputs: usize = node.inputs.iter().map(|&id| graph.tensors[id].len()).sum();
        let outputs = graph.tensors[node.output].len() * graph.output_len();
        match &node.layer {
            Layer::Dense(_) => node.layer.macs() * graph.output_len(),
            _ if by_feature(graph, node) => outputs,
            _ => inputs * (node.layer.macs() + outputs),
        }
    };
    graph.nodes.iter().map(of).sum()
}

/// The slopes of the network's outputs, each in its unit of `units`, by the features that node `index` writes where the
/// tensors have these `values`: outputs x features, row-major.
pub fn slopes(graph: &Graph, values: &[Vec<f64>], units: &[f64], index: usize) -> Vec<f64> {
    let outputs = graph.output_len();
    let mut slopes = vec![vec![]; graph.tensors.len()];
    let mut own = vec![0.0; outputs * outputs];
    own.iter_mut().step_by(outputs + 1).zip(units).for_each(|(slope, unit)| *slope = 1.0 / unit);
    slopes[graph.output] = own;
    // What the node moves.
    let mut moved = vec![false; graph.tensors.len()];
    moved[graph.nodes[index].output] = true;
    for node in graph.nodes.iter().skip(index + 1) {
        moved[node.output] = node.inputs.iter().any(|&id| moved[id]);
    }
    for node in graph.nodes.iter().skip(index + 1).rev() {
        let own = std::mem::take(&mut slopes[node.output]);
        for (k, &id) in node.inputs.iter().enumerate().filter(|(_, id)| moved[**id]) {
            slopes[id].resize(outputs * values[id].len(), 0.0);
            add(graph, values, (node, k), &own, &mut slopes[id]);
        }
    }
    let node = &graph.nodes[index];
    let mut own = std::mem::take(&mut slopes[node.output]);
    own.resize(outputs * values[node.output].len(), 0.0);
    own
}

/// Whether each output feature is made of the same feature of every input.
fn by_feature(graph: &Graph, node: &Node) -> bool {
    let kind = matches!(
        node.layer,
        Layer::Map(_)
            | Layer::Affine { .. }
            | Layer::Add { .. }
            | Layer::Mul
            | Layer::Extreme { .. }
    );
    let length = |id: &usize| graph.tensors[*id].len();
    kind && node.inputs.iter().all(|id| length(id) == length(&node.output))
}

/// Adds to the slopes by input `k` of `node` what those by its output, `own`, make of them.
fn add(
    graph: &Graph,
    values: &[Vec<f64>],
    (node, k): (&Node, usize),
    own: &[f64],
    slopes: &mut [f64],
) {
    if own.is_empty() {
        return;
    }
    let (before, behind) = (values[node.inputs[k]].len(), values[node.output].len());
    let each = own.chunks_exact(behind).zip(slopes.chunks_exact_mut(before));
    if let Layer::Dense(dense) = &node.layer {
        for (own, slopes) in each {
            let rows = dense.weights.iter().zip(own);
            rows.for_each(|(weights, slope)| lanes::add_row(slopes, weights, *slope));
        }
        return;
    }
    let mut inputs: Vec<Vec<f64>> = node.inputs.iter().map(|&id| values[id].clone()).collect();
    let magnitude = inputs[k].iter().fold(1e-9_f64, |m, x| m.max(x.abs()));
    let step = DIFFERENCE * magnitude;
    let mut factors = |features: Range<usize>| -> Vec<f64> {
        let own: Vec<f64> = inputs[k][features.clone()].to_vec();
        inputs[k][features.clone()].iter_mut().for_each(|x| *x += step);
        let all: Vec<&[f64]> = inputs.iter().map(|input| &input[..]).collect();
        let moved = reference::value(&node.layer, &all);
        inputs[k][features].copy_from_slice(&own);
        let factor = moved.iter().zip(&values[node.output]).map(|(to, from)| (to - from) / step);
        factor.map(|factor| if factor.is_finite() { factor } else { 0.0 }).collect()
    };
    if by_feature(graph, node) {
        let factors = factors(0..before);
        for (own, slopes) in each {
            let terms = own.iter().zip(&factors).map(|(own, factor)| own * factor);
            slopes.iter_mut().zip(terms).for_each(|(slope, term)| *slope += term);
        }
        return;
    }
    let factors: Vec<Vec<f64>> = (0..before).map(|i| factors(i..i + 1)).collect();
    for (own, slopes) in each {
        for (slope, factors) in slopes.iter_mut().zip(&factors) {
            *slope += own.iter().zip(factors).map(|(own, factor)| own * factor).sum::<f64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Dense;
    use crate::graph::expr::{Expr, Function};

    /// Every kind of rule on one way: two branches of a layer, one through a function, and a softmax over their sum.
    #[test]
    fn slopes_are_what_differences_say() {
        let mut graph = Graph::new("net", "x", 2);
        let dense =
            |k: f64| Layer::Dense(Dense::new(vec![vec![k, 1.0], vec![-0.5, k]], vec![0.1; 2]));
        let first = graph.push("first", dense(0.5), &[0]).unwrap();
        let map = graph.push("map", Layer::Map(Expr::call(Function::Tanh)), &[first]).unwrap();
        let both = graph.push("both", Layer::Mul, &[first, map]).unwrap();
        let second = graph.push("second", dense(2.0), &[both]).unwrap();
        graph.push("softmax", Layer::Softmax, &[second]).unwrap();
        let values = reference::evaluate(&graph, &[0.3, -0.7]);
        let units = [2.0, f64::INFINITY];
        let found = slopes(&graph, &values, &units, 0);
        assert_eq!(found[2..], [0.0, 0.0], "an output without a unit does not count");
        for feature in 0..2 {
            let at = |by: f64| {
                let mut values = values.clone();
                values[first][feature] += by;
                for node in graph.nodes.iter().skip(1) {
                    let inputs: Vec<&[f64]> =
                        node.inputs.iter().map(|&id| &values[id][..]).collect();
                    values[node.output] = reference::value(&node.layer, &inputs);
                }
                values[graph.output][0] / units[0]
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((found[feature] - difference).abs() < 1e-5, "{} {difference}", found[feature]);
        }
    }
}
