//! Rearrangements into each other and into dense layers, and layers that change nothing.

use super::links::Links;
use crate::graph::expr::Expr;
use crate::graph::{Dense, Graph, Layer, Node, TensorId};

/// A selection of a selection, or of one part of a concatenation, is one selection.
pub fn compose(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let Layer::Select(picked) = &graph.nodes[index].layer else { continue };
        let source = &graph.nodes[before];
        let (layer, input) = match &source.layer {
            Layer::Select(inner) => (picked.iter().map(|&i| inner[i]).collect(), source.inputs[0]),
            Layer::Concat => {
                let mut start = 0;
                let mut part = None;
                for &id in &source.inputs {
                    let end = start + graph.tensors[id].len();
                    if picked.iter().all(|i| (start..end).contains(i)) {
                        part = Some((picked.iter().map(|i| i - start).collect(), id));
                    }
                    start = end;
                }
                let Some(part) = part else { continue };
                part
            }
            _ => continue,
        };
        graph.nodes[index].layer = Layer::Select(layer);
        graph.nodes[index].inputs = vec![input];
        changed = true;
    }
    changed
}

/// A concatenation of selections of one tensor, or of itself, is one selection.
pub fn regroup(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        if node.layer != Layer::Concat {
            continue;
        }
        let part = |&id: &TensorId| match links.writer[id].map(|writer| &graph.nodes[writer]) {
            Some(Node { layer: Layer::Select(picked), inputs, .. }) => (inputs[0], picked.clone()),
            _ => (id, (0..graph.tensors[id].len()).collect()),
        };
        let (sources, picked): (Vec<TensorId>, Vec<Vec<usize>>) =
            node.inputs.iter().map(part).unzip();
        if sources.windows(2).any(|pair| pair[0] != pair[1]) {
            continue;
        }
        graph.nodes[index].layer = Layer::Select(picked.concat());
        graph.nodes[index].inputs.truncate(1);
        graph.nodes[index].inputs[0] = sources[0];
        changed = true;
    }
    changed
}

/// Rows of a dense layer that its only reader does not select are not computed.
pub fn pick_rows(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let (first, second) = (&graph.nodes[before], &graph.nodes[index]);
        let (Layer::Dense(dense), Layer::Select(rows)) = (&first.layer, &second.layer) else {
            continue;
        };
        if rows.len() > dense.bias.len() || !links.only(graph, first.output, index) {
            continue;
        }
        let picked = Dense {
            weights: rows.iter().map(|&r| dense.weights[r].clone()).collect(),
            bias: rows.iter().map(|&r| dense.bias[r]).collect(),
            wiring: dense.wiring,
        };
        let (len, from) = (rows.len(), first.output);
        graph.nodes[before].layer = Layer::Dense(picked);
        graph.nodes[index].layer = Layer::identity(len);
        graph.tensors[from].shape = len.into();
        changed = true;
    }
    changed
}

/// Readers of a layer that changes nothing read what it reads.
pub fn bypass(graph: &mut Graph) -> bool {
    let mut stands_for: Vec<TensorId> = (0..graph.tensors.len()).collect();
    let mut stays = Vec::with_capacity(graph.nodes.len());
    for index in 0..graph.nodes.len() {
        let node = &mut graph.nodes[index];
        node.inputs.iter_mut().for_each(|id| *id = stands_for[*id]);
        let to = node.output;
        let from = node.inputs.first().copied().unwrap_or(to);
        // A network must have a layer to write its output and its states.
        let needed = graph.is_result(to) && graph.is_source(from);
        stays.push(needed || !changes_nothing(graph, index));
        if stays[index] {
            continue;
        }
        stands_for[to] = from;
        graph.states.iter_mut().filter(|s| s.next == to).for_each(|s| s.next = from);
        if graph.output == to {
            graph.output = from;
            let name = graph.tensors[to].name.clone();
            graph.tensors[from].name = name;
        }
    }
    let changed = stays.contains(&false);
    let mut stays = stays.into_iter();
    graph.nodes.retain(|_| stays.next() != Some(false));
    changed
}

fn changes_nothing(graph: &Graph, index: usize) -> bool {
    let node = &graph.nodes[index];
    match &node.layer {
        Layer::Affine { scale, offset } => {
            scale.iter().all(|s| *s == 1.0) && offset.iter().all(|o| *o == 0.0)
        }
        Layer::Map(f) => *f == Expr::X,
        Layer::Concat => node.inputs.len() == 1,
        Layer::Select(indices) => {
            indices.iter().copied().eq(0..graph.tensors[node.inputs[0]].len())
        }
        _ => false,
    }
}
