//! Rearrangements behind what treats every feature alike, so that they meet others and dense layers, which take
//! them in.

use super::links::Links;
use crate::graph::{Dense, Graph, Layer, Shape, TensorId};

/// The indices of a selection that picks at least as many features as it reads, if `tensor` is written by one
/// and read by node `reader` only.
fn selected<'a>(
    graph: &'a Graph,
    links: &Links,
    tensor: TensorId,
    reader: usize,
) -> Option<(usize, &'a [usize])> {
    let writer = links.writer[tensor]?;
    let Layer::Select(indices) = &graph.nodes[writer].layer else { return None };
    let all = graph.tensors[graph.nodes[writer].inputs[0]].len() <= indices.len();
    (all && links.only(graph, tensor, reader)).then_some((writer, indices))
}

/// `f(x[p]) = f(x)[p]` for functions and for factors and addends a feature.
pub fn behind_functions(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(&tensor) = graph.nodes[index].inputs.first() else { continue };
        let Some((before, indices)) = selected(graph, &links, tensor, index) else { continue };
        let shape = graph.tensors[graph.nodes[before].inputs[0]].shape;
        let moved = match &graph.nodes[index].layer {
            Layer::Map(f) => Some(Layer::Map(f.clone())),
            Layer::Affine { scale, offset } => unpicked(scale, offset, indices, shape),
            _ => None,
        };
        let Some(moved) = moved else { continue };
        let select = std::mem::replace(&mut graph.nodes[before].layer, moved);
        graph.nodes[index].layer = select;
        let name = graph.nodes[before].name.clone();
        graph.nodes[before].name = std::mem::replace(&mut graph.nodes[index].name, name);
        graph.tensors[tensor].shape = shape;
        changed = true;
        // What was found of the graph no longer holds.
        break;
    }
    changed
}

/// The factors and addends of features of which `indices` were picked; none if one has two.
fn unpicked(scale: &[f64], offset: &[f64], indices: &[usize], shape: Shape) -> Option<Layer> {
    let mut lines = vec![None; shape.len()];
    for (k, &i) in indices.iter().enumerate() {
        let line = (scale[k], offset[k]);
        if lines[i].is_some_and(|known| known != line) {
            return None;
        }
        lines[i] = Some(line);
    }
    let (scale, offset) = lines.into_iter().map(|line| line.unwrap_or((1.0, 0.0))).unzip();
    Some(Layer::Affine { scale, offset })
}

/// `x[p] + y[p] = (x + y)[p]`, and the same of products.
pub fn behind_pairs(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let (Layer::Add { .. } | Layer::Mul, &[x, y]) = (&node.layer, node.inputs.as_slice())
        else {
            continue;
        };
        let (Some((first, indices)), Some((second, others))) =
            (selected(graph, &links, x, index), selected(graph, &links, y, index))
        else {
            continue;
        };
        let inputs = [first, second].map(|k| graph.nodes[k].inputs[0]);
        let lens = inputs.map(|id| graph.tensors[id].len());
        if indices != others || lens[0] != lens[1] {
            continue;
        }
        // The later of the two selections has all that the pair needs in front of it.
        let later = first.max(second);
        let tensor = graph.nodes[later].output;
        let pair = graph.nodes[index].layer.clone();
        let select = std::mem::replace(&mut graph.nodes[later].layer, pair);
        graph.nodes[later].inputs = inputs.to_vec();
        graph.tensors[tensor].shape = graph.tensors[inputs[0]].shape;
        let name = graph.nodes[later].name.clone();
        graph.nodes[later].name = std::mem::replace(&mut graph.nodes[index].name, name);
        graph.nodes[index].layer = select;
        graph.nodes[index].inputs = vec![tensor];
        return true;
    }
    false
}

/// `W x[p] = (W P) x`.
pub fn into_columns(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Layer::Dense(dense) = &node.layer else { continue };
        let Some((before, indices)) = selected(graph, &links, node.inputs[0], index) else {
            continue;
        };
        let source = graph.nodes[before].inputs[0];
        let len = graph.tensors[source].len();
        let spread = |row: &Vec<f64>| {
            let mut sums = vec![0.0; len];
            row.iter().zip(indices).for_each(|(w, &i)| sums[i] += w);
            sums
        };
        let weights: Vec<Vec<f64>> = dense.weights.iter().map(spread).collect();
        if !weights.iter().flatten().all(|w| w.is_finite()) {
            continue;
        }
        let moved = Dense { weights: weights.into(), ..dense.clone() };
        graph.nodes[index].layer = Layer::Dense(moved);
        graph.nodes[index].inputs = vec![source];
        changed = true;
    }
    changed
}
