//! States of several layers in one tensor as a state each, and updates of states where they are none.

use super::bounds;
use super::links::Links;
use crate::graph::{Graph, Layer, Node, State, Tensor, TensorId};

/// A state that is joined from parts, of which each reader takes one, becomes a state a part.
pub fn split(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let Some((index, ends)) =
        (0..graph.states.len()).find_map(|k| Some((k, parts(graph, &links, k)?)))
    else {
        return false;
    };
    let state = graph.states[index].clone();
    let joined = links.writer[state.next].map(|writer| graph.nodes[writer].inputs.clone());
    let mut split = Vec::with_capacity(ends.len());
    let mut start = 0;
    for (k, (end, next)) in ends.iter().copied().zip(joined.into_iter().flatten()).enumerate() {
        let name = format!("{}.{k}", graph.tensors[state.previous].name);
        graph.tensors.push(Tensor { name, shape: (end - start).into() });
        let previous = graph.tensors.len() - 1;
        let initial = state.initial[start..end].to_vec();
        split.push(State { previous, next, initial, ..state.clone() });
        for &reader in &links.readers[state.previous] {
            let node = &mut graph.nodes[reader];
            let Layer::Select(picked) = &mut node.layer else { continue };
            if node.inputs == [state.previous] && picked.iter().all(|i| (start..end).contains(i)) {
                picked.iter_mut().for_each(|i| *i -= start);
                node.inputs = vec![previous];
            }
        }
        start = end;
    }
    graph.states.splice(index..=index, split);
    true
}

/// Where the parts of state `index` end, if it can be split.
fn parts(graph: &Graph, links: &Links, index: usize) -> Option<Vec<usize>> {
    let state = graph.states.get(index)?;
    let writer = &graph.nodes[links.writer[state.next]?];
    if writer.layer != Layer::Concat || writer.inputs.len() < 2 || state.previous == graph.output {
        return None;
    }
    let mut ends = Vec::with_capacity(writer.inputs.len());
    for &id in &writer.inputs {
        ends.push(ends.last().unwrap_or(&0) + graph.tensors[id].len());
    }
    let part = |i: usize| ends.partition_point(|&end| end <= i);
    let one_part = |&reader: &usize| match &graph.nodes[reader].layer {
        Layer::Select(picked) => picked.windows(2).all(|pair| part(pair[0]) == part(pair[1])),
        _ => false,
    };
    // No state takes over what another is.
    let kept = graph.states.iter().any(|other| other.next == state.previous);
    (!kept && links.readers[state.previous].iter().all(one_part)).then_some(ends)
}

/// Updates of what is no state, or by what is no fraction, become the products and sums that they are.
pub fn expand(graph: &mut Graph) -> bool {
    let intervals = bounds::intervals(graph);
    let fraction = |id: &TensorId| intervals[*id].0 >= 0.0 && intervals[*id].1 <= 1.0;
    let mut changed = false;
    for node in std::mem::take(&mut graph.nodes) {
        let (kept, gates): (TensorId, &[TensorId]) = match (&node.layer, node.inputs.as_slice()) {
            (Layer::GruUpdate, &[gate, _, kept]) => (kept, &[gate]),
            (Layer::LstmUpdate, &[forget, kept, input, _]) => (kept, &[forget, input]),
            _ => {
                graph.nodes.push(node);
                continue;
            }
        };
        let own = |state: &State| state.previous == kept && state.next == node.output;
        if graph.states.iter().any(own) && gates.iter().all(fraction) {
            graph.nodes.push(node);
        } else {
            expand_update(graph, node);
            changed = true;
        }
    }
    changed
}

/// Appends the products and sums of an update, the last of which writes what it wrote.
fn expand_update(graph: &mut Graph, node: Node) {
    let shape = graph.tensors[node.output].shape;
    let mut push = |what: &str, layer: Layer, inputs: [TensorId; 2]| {
        let name = format!("{}.{what}", node.name);
        let part = graph.unplaced(name, layer, inputs.to_vec(), shape);
        let output = part.output;
        graph.nodes.push(part);
        output
    };
    let inputs = match *node.inputs.as_slice() {
        [gate, candidate, kept] => {
            let difference = Layer::Add { factors: [1.0, -1.0] };
            let difference = push("difference", difference, [kept, candidate]);
            vec![push("change", Layer::Mul, [difference, gate]), candidate]
        }
        [forget, kept, input, candidate] => {
            let kept = push("kept", Layer::Mul, [forget, kept]);
            vec![kept, push("added", Layer::Mul, [input, candidate])]
        }
        _ => node.inputs,
    };
    let layer = Layer::Add { factors: [1.0, 1.0] };
    graph.nodes.push(Node { name: node.name, layer, inputs, output: node.output });
}
