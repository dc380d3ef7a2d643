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
    let fraction = |id: TensorId| intervals[id].0 >= 0.0 && intervals[id].1 <= 1.0;
    let stays = |node: &Node| {
        let (kept, gates): (TensorId, &[TensorId]) = match (&node.layer, node.inputs.as_slice()) {
            (Layer::GruUpdate, &[gate, _, kept]) => (kept, &[gate]),
            (Layer::LstmUpdate, &[forget, kept, input, _]) => (kept, &[forget, input]),
            _ => return true,
        };
        let own = |state: &State| state.previous == kept && state.next == node.output;
        graph.states.iter().any(own) && gates.iter().all(|&id| fraction(id))
    };
    let Some(index) = graph.nodes.iter().position(|node| !stays(node)) else { return false };
    let node = graph.nodes.remove(index);
    let add = |sign: f64| Layer::Add { factors: [1.0, sign] };
    let mut at = index;
    let mut push = |graph: &mut Graph, what: &str, layer: Layer, inputs: [TensorId; 2]| {
        let shape = graph.tensors[node.output].shape;
        graph.tensors.push(Tensor { name: format!("{}.{what}", node.name), shape });
        let output = graph.tensors.len() - 1;
        let name = graph.tensors[output].name.clone();
        graph.nodes.insert(at, Node { name, layer, inputs: inputs.to_vec(), output });
        at += 1;
        output
    };
    let (sum, operands) = match (&node.layer, node.inputs.as_slice()) {
        (Layer::GruUpdate, &[gate, candidate, kept]) => {
            let difference = push(graph, "difference", add(-1.0), [kept, candidate]);
            (add(1.0), [push(graph, "change", Layer::Mul, [difference, gate]), candidate])
        }
        (_, &[forget, kept, input, candidate]) => {
            let kept = push(graph, "kept", Layer::Mul, [forget, kept]);
            (add(1.0), [kept, push(graph, "added", Layer::Mul, [input, candidate])])
        }
        _ => (add(1.0), [node.output; 2]),
    };
    let Node { name, output, .. } = node;
    graph.nodes.insert(at, Node { name, layer: sum, inputs: operands.to_vec(), output });
    true
}
