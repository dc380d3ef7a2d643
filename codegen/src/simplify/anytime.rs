//! Layers of which narrow widths read the first features only: cut there, so that the rest is left out with the widths
//! that need it, and every weight is stored once.

use super::links::Links;
use crate::graph::{Dense, Graph, Layer, Node, TensorId};

/// Cuts dense layers, and functions behind them, where a width ends.
pub fn cut(graph: &mut Graph) {
    if graph.widths().is_empty() {
        return;
    }
    for tensor in 0..graph.tensors.len() {
        let links = Links::of(graph);
        let ends = ends(graph, &links, tensor);
        let mut cut = Cut { ends: &ends, nodes: Vec::new(), gone: Vec::new() };
        let Some(parts) = cut.parts(graph, &links, tensor) else { continue };
        let place = cut.gone.iter().copied().max().unwrap_or(0);
        let Cut { mut nodes, gone, .. } = cut;
        for &reader in &links.readers[tensor] {
            let node = &mut graph.nodes[reader];
            if let Layer::Select(picked) = &node.layer
                && let Some(last) = ends.iter().position(|end| *end == picked.len())
            {
                node.layer = Layer::Concat;
                node.inputs = parts[..=last].to_vec();
            }
        }
        let name = graph.tensors[tensor].name.clone();
        nodes.push(Node { name, layer: Layer::Concat, inputs: parts, output: tensor });
        graph.nodes.splice(place..=place, nodes);
        let others = gone.iter().filter(|index| **index != place);
        let mut others: Vec<usize> = others.copied().collect();
        others.sort_unstable_by_key(|index| std::cmp::Reverse(*index));
        others.into_iter().for_each(|index| drop(graph.nodes.remove(index)));
    }
    graph.remove_unread();
}

/// Where the first features end that some of its readers pick, and the tensor; none if nobody picks.
fn ends(graph: &Graph, links: &Links, tensor: TensorId) -> Vec<usize> {
    let len = graph.tensors[tensor].len();
    let end = |&reader: &usize| match &graph.nodes[reader].layer {
        Layer::Select(picked) if picked.len() < len => {
            picked.iter().copied().eq(0..picked.len()).then_some(picked.len())
        }
        _ => None,
    };
    let mut ends: Vec<usize> = links.readers[tensor].iter().filter_map(end).collect();
    ends.extend((!ends.is_empty()).then_some(len));
    ends.sort_unstable();
    ends.dedup();
    ends
}

struct Cut<'a> {
    ends: &'a [usize],
    /// What takes the place of the nodes that are gone.
    nodes: Vec<Node>,
    gone: Vec<usize>,
}

impl Cut<'_> {
    /// The tensor up to each end, from the one before, if its writer has parts.
    fn parts(
        &mut self,
        graph: &mut Graph,
        links: &Links,
        tensor: TensorId,
    ) -> Option<Vec<TensorId>> {
        if self.ends.is_empty() {
            return None;
        }
        let index = links.writer[tensor]?;
        let node = graph.nodes[index].clone();
        let inputs: Vec<TensorId> = match &node.layer {
            Layer::Dense(_) => vec![*node.inputs.first()?; self.ends.len()],
            Layer::Map(_) => {
                let before = *node.inputs.first()?;
                links.only(graph, before, index).then_some(())?;
                self.parts(graph, links, before)?
            }
            _ => return None,
        };
        self.gone.push(index);
        let mut start = 0;
        let mut parts = Vec::with_capacity(inputs.len());
        for (&end, input) in self.ends.iter().zip(inputs) {
            let layer = match &node.layer {
                Layer::Dense(dense) => Layer::Dense(Dense::new(
                    dense.weights.get(start..end)?.to_vec(),
                    dense.bias.get(start..end)?.to_vec(),
                )),
                layer => layer.clone(),
            };
            let name = format!("{}.{start}", node.name);
            let part = graph.unplaced(name, layer, vec![input], end - start);
            parts.push(part.output);
            self.nodes.push(part);
            start = end;
        }
        Some(parts)
    }
}
