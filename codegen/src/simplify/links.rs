//! What rewrites ask of a graph: who writes and who reads each tensor. Stands on the graph.

use crate::graph::{Graph, TensorId};

/// Who writes and who reads each tensor.
pub struct Links {
    /// The node that writes a tensor; none for the input and for states.
    pub writer: Vec<Option<usize>>,
    /// The nodes that read a tensor, one entry an input.
    pub readers: Vec<Vec<usize>>,
}

impl Links {
    pub fn of(graph: &Graph) -> Self {
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
    pub fn before(&self, graph: &Graph, index: usize) -> Option<usize> {
        self.writer[*graph.nodes[index].inputs.first()?]
    }

    /// True if node `reader` is all that `tensor` is computed for.
    pub fn only(&self, graph: &Graph, tensor: TensorId, reader: usize) -> bool {
        !graph.is_result(tensor) && self.readers[tensor] == [reader]
    }
}
