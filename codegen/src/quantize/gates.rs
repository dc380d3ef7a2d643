//! The gates of recurrent networks, the states that they update, and the format of gates. Stands on the graph and
//! formats.

use super::format::Format;
use crate::graph::{Graph, Layer, Node, State, TensorId};

/// A gate's integer `q` stands for `(q + 32767) / 65534`, from 0 to 1.
pub const GATE_SCALE: f64 = 1.0 / 65534.0;
pub const GATE_OFFSET: f64 = 0.5;

/// The format of a gate.
pub fn gate_format(features: usize) -> Format {
    Format {
        scale: vec![GATE_SCALE],
        offset: vec![GATE_OFFSET; features],
        low: -32767,
        high: 32767,
    }
}

/// The place of the state among the inputs of a layer that updates one.
fn kept(layer: &Layer) -> Option<usize> {
    match layer {
        Layer::GruUpdate => Some(2),
        Layer::LstmUpdate => Some(1),
        _ => None,
    }
}

/// The layer that makes a wide state what it becomes: one that updates it.
pub fn update_of<'a>(graph: &'a Graph, state: &State) -> Option<&'a Node> {
    let writes = |node: &&Node| {
        let kept = kept(&node.layer).and_then(|k| node.inputs.get(k));
        node.output == state.next && kept == Some(&state.previous)
    };
    graph.nodes.iter().find(writes)
}

/// The candidate that a layer of these mixes into its state.
pub fn candidate(node: &Node) -> Option<TensorId> {
    match node.layer {
        Layer::GruUpdate => node.inputs.get(1).copied(),
        Layer::LstmUpdate => node.inputs.get(3).copied(),
        _ => None,
    }
}

/// Whether a network keeps states by gates.
pub fn is_gated(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| kept(&node.layer).is_some())
}

/// Whether `tensor` is a function with values from 0 to 1, and all that reads it takes it as a gate.
pub fn is_gate(graph: &Graph, tensor: TensorId) -> bool {
    let fraction = |node: &Node| match &node.layer {
        Layer::Map(f) => {
            let (low, high) = f.image((f64::NEG_INFINITY, f64::INFINITY));
            low >= 0.0 && high <= 1.0
        }
        _ => false,
    };
    let written = graph.nodes.iter().any(|node| node.output == tensor && fraction(node));
    let mut readers = graph.nodes.iter().filter(|n| n.inputs.contains(&tensor)).peekable();
    let gates = |node: &Node| {
        node.inputs.iter().enumerate().filter(|(_, id)| **id == tensor).all(|(k, _)| {
            matches!(
                (&node.layer, k),
                (Layer::GruUpdate | Layer::Mul, 0) | (Layer::LstmUpdate, 0 | 2) | (Layer::Mul, 1)
            )
        })
    };
    let read = readers.peek().is_some() && readers.all(gates);
    written && read && is_gated(graph) && !graph.is_result(tensor)
}
