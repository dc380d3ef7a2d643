//! The same function with fewer layers: what a table or a dense layer can take over costs nothing.
//!
//! Every rewrite is exact in real arithmetic.

mod affine;
mod elementwise;
mod rearrange;

use crate::graph::{Graph, Layer, TensorId};

/// A rewrite of the whole graph; true if it changed anything.
type Pass = fn(&mut Graph) -> bool;

/// Run to a standstill before [`elementwise::fuse`], so that a scale goes into a dense layer where it can.
const LINEAR: &[Pass] = &[
    affine::recognize,
    affine::silence,
    affine::merge,
    affine::fold_forward,
    affine::fold_backward,
    affine::fold_into_sum,
    affine::merge_dense,
    rearrange::compose,
    rearrange::pick_rows,
    rearrange::bypass,
];

/// Rewrites `graph` until nothing can be taken out.
///
/// Chains of elementwise layers on one tensor become one function; affine layers disappear into dense ones;
/// layers that change nothing, or that nothing reads, are removed.
pub fn simplify(mut graph: Graph) -> Graph {
    remove_unread(&mut graph);
    // Every rewrite brings a layer nearer to the input or removes one, so this ends; the bound is for safety.
    for _ in 0..16 + graph.nodes.len() {
        let mut changed = LINEAR.iter().fold(false, |changed, pass| pass(&mut graph) | changed);
        remove_unread(&mut graph);
        if !changed {
            changed = elementwise::fuse(&mut graph);
            remove_unread(&mut graph);
        }
        if !changed {
            break;
        }
    }
    graph
}

/// Removes layers that the output does not depend on and numbers the tensors anew.
pub fn remove_unread(graph: &mut Graph) {
    let mut read = vec![false; graph.tensors.len()];
    read[graph.output] = true;
    // A state that is kept may feed another, whatever their order; keeping all is simple and safe.
    graph.states.iter().for_each(|state| read[state.next] = true);
    for node in graph.nodes.iter().rev() {
        if read[node.output] {
            node.inputs.iter().for_each(|&id| read[id] = true);
        }
    }
    graph.nodes.retain(|node| read[node.output]);
    let sources = std::iter::once(graph.input).chain(graph.states.iter().map(|s| s.previous));
    let kept: Vec<TensorId> = sources.chain(graph.nodes.iter().map(|n| n.output)).collect();
    let mut number = vec![0; graph.tensors.len()];
    for (new, &old) in kept.iter().enumerate() {
        number[old] = new;
    }
    graph.tensors = kept.iter().map(|&old| graph.tensors[old].clone()).collect();
    for node in &mut graph.nodes {
        node.inputs.iter_mut().for_each(|id| *id = number[*id]);
        node.output = number[node.output];
    }
    for state in &mut graph.states {
        (state.previous, state.next) = (number[state.previous], number[state.next]);
    }
    graph.input = number[graph.input];
    graph.output = number[graph.output];
}

/// Who writes and who reads each tensor.
struct Links {
    /// The node that writes a tensor; none for the input and for states.
    writer: Vec<Option<usize>>,
    /// The nodes that read a tensor, one entry an input.
    readers: Vec<Vec<usize>>,
}

impl Links {
    fn of(graph: &Graph) -> Self {
        let mut links = Self {
            writer: vec![None; graph.tensors.len()],
            readers: vec![Vec::new(); graph.tensors.len()],
        };
        for (index, node) in graph.nodes.iter().enumerate() {
            links.writer[node.output] = Some(index);
            node.inputs.iter().for_each(|&id| links.readers[id].push(index));
        }
        links
    }

    /// The layer that writes the first input of node `index`.
    fn before(&self, graph: &Graph, index: usize) -> Option<usize> {
        self.writer[*graph.nodes[index].inputs.first()?]
    }

    /// True if node `reader` is all that `tensor` is computed for.
    fn only(&self, graph: &Graph, tensor: TensorId, reader: usize) -> bool {
        !graph.is_result(tensor) && self.readers[tensor] == [reader]
    }
}

/// The layer that leaves `len` features as they are, for [`rearrange::bypass`] to remove.
fn identity(len: usize) -> Layer {
    Layer::Affine { scale: vec![1.0; len], offset: vec![0.0; len] }
}

#[cfg(test)]
mod tests;
