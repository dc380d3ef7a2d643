//! What a state can never exceed, by the functions that write it: then all bits of its format are used, and it never
//! saturates.

use crate::graph::{Graph, Layer, Node, TensorId};

/// Smallest and largest value of a tensor's features.
type Interval = (f64, f64);

const UNKNOWN: Interval = (f64::NEG_INFINITY, f64::INFINITY);

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
    let mut intervals = vec![UNKNOWN; graph.tensors.len()];
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
    let input = |k: usize| node.inputs.get(k).map_or(UNKNOWN, |&id| of[id]);
    match &node.layer {
        Layer::Map(f) => f.image(input(0)),
        Layer::Functions { functions, .. } => {
            let images = functions.iter().map(|f| f.image(input(0)));
            images.reduce(hull).unwrap_or(UNKNOWN)
        }
        Layer::Mul => product(input(0), input(1)),
        Layer::Concat => node.inputs.iter().map(|&id| of[id]).reduce(hull).unwrap_or(UNKNOWN),
        Layer::Select(_) => input(0),
        Layer::Softmax => (0.0, 1.0),
        _ => UNKNOWN,
    }
}

fn hull(a: Interval, b: Interval) -> Interval {
    (a.0.min(b.0), a.1.max(b.1))
}

fn product(a: Interval, b: Interval) -> Interval {
    let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
    match corners.iter().all(|corner| corner.is_finite()) {
        true => corners.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |hull, &corner| {
            (hull.0.min(corner), hull.1.max(corner))
        }),
        false => UNKNOWN,
    }
}
