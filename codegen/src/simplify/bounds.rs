//! What a state can never exceed, by the functions that write it: then all bits of its format are used, and it never
//! saturates.

use crate::graph::interval::{EVERYWHERE, Interval, hull, product};
use crate::graph::{Graph, Layer, Node, TensorId};

/// Gives states without a bound the one that follows from the layers that write them.
pub fn of_states(graph: &mut Graph) {
    let intervals = intervals(graph);
    let bound = |id: TensorId| intervals[id].0.abs().max(intervals[id].1.abs());
    let bounds: Vec<Option<f64>> = graph
        .states
        .iter()
        .map(|state| {
            let start = state.initial.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let writer = graph.nodes.iter().find(|node| node.output == state.next)?;
            let reached = match (&writer.layer, writer.inputs.as_slice()) {
                // A mean of the candidate and of what the state was.
                (Layer::GruUpdate, [_, candidate, kept]) if *kept == state.previous => {
                    bound(*candidate)
                }
                _ => bound(state.next),
            };
            Some(start.max(reached)).filter(|bound| bound.is_finite())
        })
        .collect();
    for (state, bound) in graph.states.iter_mut().zip(bounds) {
        if !state.counts {
            state.bound = state.bound.or(bound);
        }
    }
}

/// What each tensor's values lie in, whatever the input.
pub fn intervals(graph: &Graph) -> Vec<Interval> {
    let mut intervals = vec![EVERYWHERE; graph.tensors.len()];
    for state in &graph.states {
        if let Some(bound) = state.bound {
            intervals[state.previous] = (-bound, bound);
        }
    }
    for node in &graph.nodes {
        intervals[node.output] = interval(node, &intervals);
    }
    intervals
}

fn interval(node: &Node, of: &[Interval]) -> Interval {
    let input = |k: usize| node.inputs.get(k).map_or(EVERYWHERE, |&id| of[id]);
    match &node.layer {
        Layer::Map(f) => f.image(input(0)),
        Layer::Functions { functions, .. } => {
            hull(functions.iter().map(|f| f.image(input(0))).flat_map(<[f64; 2]>::from))
        }
        Layer::Mul => product(input(0), input(1)),
        Layer::Concat => hull(node.inputs.iter().map(|&id| of[id]).flat_map(<[f64; 2]>::from)),
        Layer::Select(_) => input(0),
        Layer::Softmax => (0.0, 1.0),
        _ => EVERYWHERE,
    }
}
