//! Affine layers into each other, into dense layers and into sums.

use super::links::Links;
use crate::graph::{Dense, Graph, Layer, TensorId, Windows};

/// The scale and offset of an affine layer.
fn affine(layer: &Layer) -> Option<(&[f64], &[f64])> {
    match layer {
        Layer::Affine { scale, offset } => Some((scale, offset)),
        _ => None,
    }
}

fn finite(numbers: &[f64]) -> bool {
    numbers.iter().all(|v| v.is_finite())
}

/// A map whose expression is `a x + b` is an affine layer.
pub fn recognize(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in &mut graph.nodes {
        let Layer::Map(f) = &node.layer else { continue };
        let Some((a, b)) = f.as_affine().filter(|(a, b)| a.is_finite() && b.is_finite()) else {
            continue;
        };
        let len = graph.tensors[node.output].len();
        node.layer = Layer::Affine { scale: vec![a; len], offset: vec![b; len] };
        changed = true;
    }
    changed
}

/// A layer of edges none of which is live is a dense one.
pub fn silence(graph: &mut Graph) -> bool {
    let mut changed = false;
    for node in &mut graph.nodes {
        if let Layer::Kan(kan) = &node.layer
            && kan.live().next().is_none()
        {
            node.layer = kan.clone().into();
            changed = true;
        }
    }
    changed
}

/// `t (s x + o) + p = (t s) x + (t o + p)`.
pub fn merge(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let (first, second) = (&graph.nodes[before], &graph.nodes[index]);
        let (Some((s, o)), Some((t, p))) = (affine(&first.layer), affine(&second.layer)) else {
            continue;
        };
        let scale: Vec<f64> = s.iter().zip(t).map(|(s, t)| s * t).collect();
        let offset: Vec<f64> = o.iter().zip(t).zip(p).map(|((o, t), p)| o * t + p).collect();
        if !finite(&scale) || !finite(&offset) {
            continue;
        }
        let inputs = first.inputs.clone();
        let node = &mut graph.nodes[index];
        node.layer = Layer::Affine { scale, offset };
        node.inputs = inputs;
        changed = true;
    }
    changed
}

/// `W (s x + o) + b = (W s) x + (W o + b)`, if dense layers are all that read the affine one.
pub fn fold_forward(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let node = graph.nodes[index].clone();
        let Some((s, o)) = affine(&node.layer) else { continue };
        let readers = &links.readers[node.output];
        let folded: Option<Vec<Layer>> =
            readers.iter().map(|&r| fold_columns(&graph.nodes[r].layer, s, o)).collect();
        let Some(folded) = folded.filter(|f| !f.is_empty() && !graph.is_result(node.output)) else {
            continue;
        };
        for (&reader, layer) in readers.iter().zip(folded) {
            graph.nodes[reader].layer = layer;
            graph.nodes[reader].inputs.clone_from(&node.inputs);
        }
        changed = true;
    }
    changed
}

/// The layer that takes a scale and an offset of its inputs in, if it is one of dense layers.
fn fold_columns(layer: &Layer, scale: &[f64], offset: &[f64]) -> Option<Layer> {
    match layer {
        Layer::Dense(dense) => columns_folded(dense, scale, offset).map(Layer::Dense),
        Layer::Windows(windows) => {
            let width = windows.dense.inputs();
            let same = |list: &[f64]| windows.starts().all(|k| list[k..k + width] == list[..width]);
            let dense = (same(scale) && same(offset))
                .then(|| columns_folded(&windows.dense, &scale[..width], &offset[..width]));
            Some(Layer::Windows(Windows { dense: dense??, ..*windows }))
        }
        _ => None,
    }
}

fn columns_folded(dense: &Dense, scale: &[f64], offset: &[f64]) -> Option<Dense> {
    let dot = |row: &[f64]| row.iter().zip(offset).map(|(w, o)| w * o).sum::<f64>();
    let bias: Vec<f64> = dense.weights.iter().zip(&dense.bias).map(|(r, b)| b + dot(r)).collect();
    let times = |row: &Vec<f64>| row.iter().zip(scale).map(|(w, s)| w * s).collect();
    let weights: Vec<Vec<f64>> = dense.weights.iter().map(times).collect();
    let sound = finite(&bias) && weights.iter().all(|row| finite(row));
    sound.then_some(Dense { weights: weights.into(), bias, wiring: dense.wiring })
}

/// The layer that takes a scale and an offset of its outputs in, if it is one of dense layers.
fn fold_rows(layer: &Layer, scale: &[f64], offset: &[f64]) -> Option<Layer> {
    match layer {
        Layer::Dense(dense) => rows_folded(dense, scale, offset).map(Layer::Dense),
        Layer::Windows(windows) => {
            let outputs = windows.dense.bias.len();
            let same = |list: &[f64]| list.chunks(outputs).all(|chunk| chunk == &list[..outputs]);
            let dense = (same(scale) && same(offset))
                .then(|| rows_folded(&windows.dense, &scale[..outputs], &offset[..outputs]));
            Some(Layer::Windows(Windows { dense: dense??, ..*windows }))
        }
        _ => None,
    }
}

fn rows_folded(dense: &Dense, scale: &[f64], offset: &[f64]) -> Option<Dense> {
    let numbers = dense.bias.iter().zip(scale).zip(offset);
    let bias: Vec<f64> = numbers.map(|((b, s), o)| b * s + o).collect();
    let times = |(row, s): (&Vec<f64>, &f64)| row.iter().map(|w| w * s).collect();
    let weights: Vec<Vec<f64>> = dense.weights.iter().zip(scale).map(times).collect();
    let sound = finite(&bias) && weights.iter().all(|row| finite(row));
    sound.then_some(Dense { weights: weights.into(), bias, wiring: dense.wiring })
}

/// `s (W x + b) + o = (s W) x + (s b + o)`, if the affine layer is all that reads the dense one.
pub fn fold_backward(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let (first, second) = (&graph.nodes[before], &graph.nodes[index]);
        let Some((s, o)) = affine(&second.layer) else { continue };
        if !links.only(graph, first.output, index) {
            continue;
        }
        let Some(folded) = fold_rows(&first.layer, s, o) else { continue };
        let len = s.len();
        graph.nodes[before].layer = folded;
        graph.nodes[index].layer = Layer::identity(len);
        changed = true;
    }
    changed
}

/// `a (s x) + b y = (a s) x + b y`, if all features have the scale `s`.
pub fn fold_into_sum(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        for k in 0..2 {
            let node = &graph.nodes[index];
            let Layer::Add { mut factors } = node.layer else { break };
            let Some(before) = links.writer[node.inputs[k]] else { continue };
            let source = &graph.nodes[before];
            let Some((scale, _)) = affine(&source.layer)
                .filter(|(s, o)| s.iter().all(|v| *v == s[0]) && o.iter().all(|v| *v == 0.0))
            else {
                continue;
            };
            factors[k] *= scale[0];
            if !factors[k].is_finite() {
                continue;
            }
            let x = source.inputs[0];
            graph.nodes[index].layer = Layer::Add { factors };
            graph.nodes[index].inputs[k] = x;
            changed = true;
        }
    }
    changed
}

/// `V (W x + b) + c = (V W) x + (V b + c)`, where that takes fewer products.
pub fn merge_dense(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let (first, second) = (&graph.nodes[before], &graph.nodes[index]);
        let (Layer::Dense(w), Layer::Dense(v)) = (&first.layer, &second.layer) else { continue };
        let (inputs, middle, outputs) = (w.weights[0].len(), w.bias.len(), v.bias.len());
        let lower = inputs * outputs < middle * (inputs + outputs);
        if !lower || !links.only(graph, first.output, index) {
            continue;
        }
        let merged = product(v, w);
        if !finite(&merged.bias) || !merged.weights.iter().all(|row| finite(row)) {
            continue;
        }
        let from = first.inputs.clone();
        graph.nodes[index].layer = Layer::Dense(merged);
        graph.nodes[index].inputs = from;
        changed = true;
    }
    changed
}

fn product(v: &Dense, w: &Dense) -> Dense {
    let combine = |row: &Vec<f64>| {
        let mut sum = vec![0.0; w.weights[0].len()];
        for (factor, inner) in row.iter().zip(&w.weights) {
            sum.iter_mut().zip(inner).for_each(|(s, x)| *s += factor * x);
        }
        sum
    };
    let dot = |row: &[f64]| row.iter().zip(&w.bias).map(|(a, b)| a * b).sum::<f64>();
    Dense {
        weights: v.weights.iter().map(combine).collect(),
        bias: v.weights.iter().zip(&v.bias).map(|(row, c)| c + dot(row)).collect(),
        wiring: v.wiring || w.wiring,
    }
}

/// `a (V x + b) + c (W y + d) = [a V, c W] [x, y] + (a b + c d)`: one sum of 32 bits, rounded once, where there were two of
/// 16 bits and a third.
pub fn merge_sum(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    for index in 0..graph.nodes.len() {
        let Layer::Add { factors } = graph.nodes[index].layer else { continue };
        let &[left, right] = graph.nodes[index].inputs.as_slice() else { continue };
        let own = |tensor: TensorId| {
            let writer = links.writer[tensor].filter(|_| links.only(graph, tensor, index))?;
            match &graph.nodes[writer].layer {
                Layer::Dense(dense) if !dense.wiring => {
                    Some((dense.clone(), graph.nodes[writer].inputs[0]))
                }
                _ => None,
            }
        };
        let (Some((v, x)), Some((w, y))) = (own(left), own(right)) else { continue };
        // A state has a format of its own, which does not go with another tensor.
        if [x, y].into_iter().any(|id| id != graph.input && graph.is_source(id)) {
            continue;
        }
        let merged = summed(&v, &w, factors, x == y);
        if !finite(&merged.bias) || !merged.weights.iter().all(|row| finite(row)) {
            continue;
        }
        graph.nodes[index].layer = Layer::Dense(merged);
        if x == y {
            graph.nodes[index].inputs = vec![x];
            return true;
        }
        let len = graph.tensors[x].len() + graph.tensors[y].len();
        let name = format!("{}_inputs", graph.nodes[index].name);
        let joined = graph.unplaced(name, Layer::Concat, vec![x, y], len);
        graph.nodes[index].inputs = vec![joined.output];
        graph.nodes.insert(index, joined);
        return true;
    }
    false
}

/// The layer that computes `a v + c w`, of one tensor or of both inputs one after the other.
fn summed(v: &Dense, w: &Dense, [a, c]: [f64; 2], shared: bool) -> Dense {
    let rows = v.weights.iter().zip(&w.weights);
    let weights = rows.map(|(v, w)| match shared {
        true => v.iter().zip(w).map(|(v, w)| a * v + c * w).collect(),
        false => v.iter().map(|v| a * v).chain(w.iter().map(|w| c * w)).collect(),
    });
    let bias = v.bias.iter().zip(&w.bias).map(|(v, w)| a * v + c * w).collect();
    Dense::new(weights.collect(), bias)
}
