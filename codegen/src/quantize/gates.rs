//! The gates of recurrent networks, the states that they update, the format of gates, and the functions that share a
//! table. Stands on the graph, formats and tables.

use super::format::Format;
use super::table;
use crate::graph::expr::Expr;
use crate::graph::interval::EVERYWHERE;
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
fn is_gated(graph: &Graph) -> bool {
    graph.nodes.iter().any(|node| kept(&node.layer).is_some())
}

/// What a function moves in, where it shares a table: beyond, tanh and sigmoid are within 2^-18 of their ends.
const MOVING: f64 = 16.0;

/// What gates are of a network's tensors, and which of these share a function's table; found once.
#[derive(Debug)]
pub struct Gates {
    /// Whether the network keeps states by gates.
    any: bool,
    /// Whether each tensor is a function with values from 0 to 1, all of whose readers take it as a gate.
    gate: Vec<bool>,
    /// The first of the tensors that have the format of each: those that the same function alone reads, and those that
    /// it writes, so that one table serves them all.
    first: Vec<TensorId>,
}

impl Gates {
    /// Those of `graph`; layers with the same function are given one table where that is no longer for it, or wherever
    /// they are to `share` it.
    pub fn of(graph: &Graph, share: bool) -> Self {
        let any = is_gated(graph);
        let mut readers: Vec<Vec<&Node>> = vec![Vec::new(); graph.tensors.len()];
        for node in &graph.nodes {
            node.inputs.iter().for_each(|&id| readers[id].push(node));
        }
        let first = (0..readers.len()).collect();
        let mut gates = Self { any, gate: vec![false; readers.len()], first };
        let mut served: Vec<(&Layer, bool, [TensorId; 2])> = Vec::new();
        for node in &graph.nodes {
            let (Layer::Map(f), &[x]) = (&node.layer, node.inputs.as_slice()) else { continue };
            let read = &readers[node.output];
            let taken = !read.is_empty() && read.iter().all(|reader| takes(reader, node.output));
            let result = graph.is_result(node.output);
            let gate = any && taken && !result && is_fraction(f);
            gates.gate[node.output] = gate;
            if result || graph.is_result(x) || graph.is_source(x) || readers[x].len() != 1 {
                continue;
            }
            // A clamp is no table where a layer does it.
            if !any && (f.as_clamp().is_some() || !share && !ends_flat(f)) {
                continue;
            }
            let same = |(layer, as_gate, _): &&(&Layer, bool, _)| {
                **layer == node.layer && *as_gate == gate
            };
            match served.iter().find(same) {
                Some((_, _, [read, written])) => {
                    (gates.first[x], gates.first[node.output]) = (*read, *written);
                }
                None => served.push((&node.layer, gate, [x, node.output])),
            }
        }
        gates
    }

    /// Whether the network keeps states by gates.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Whether `tensor` has the format of gates.
    pub fn has(&self, tensor: TensorId) -> bool {
        self.gate.get(tensor) == Some(&true)
    }

    /// The tensors that have the format of `tensor`, itself among them.
    pub fn alike(&self, tensor: TensorId) -> impl Iterator<Item = TensorId> + '_ {
        let first = self.first[tensor];
        self.first.iter().enumerate().filter(move |(_, own)| **own == first).map(|(id, _)| id)
    }
}

/// Whether a function moves in the middle only, however far its inputs go: a table that serves several ranges of inputs is
/// then no longer than that of the widest.
fn ends_flat(f: &Expr) -> bool {
    table::reach(f, 4.0 * MOVING, f64::powi(2.0, -18)) <= MOVING
}

/// Whether a function has values from 0 to 1 only.
fn is_fraction(f: &Expr) -> bool {
    let (low, high) = f.image(EVERYWHERE);
    low >= 0.0 && high <= 1.0
}

/// Whether a node takes `tensor` as a gate, wherever it reads it.
fn takes(node: &Node, tensor: TensorId) -> bool {
    node.inputs.iter().enumerate().filter(|(_, id)| **id == tensor).all(|(k, _)| {
        matches!(
            (&node.layer, k),
            (Layer::GruUpdate, 0) | (Layer::LstmUpdate, 0 | 2) | (Layer::Mul, _)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Dense;
    use crate::graph::expr::Function;

    /// Five layers with a function behind each but the last: what these read and write, and what is alike among it.
    fn alike(functions: [Expr; 4], share: bool) -> Vec<bool> {
        let mut graph = Graph::new("net", "x", 2);
        let mut written = vec![];
        for (i, function) in functions.into_iter().enumerate() {
            let dense = Dense::new(vec![vec![0.5; 2]; 2], vec![0.0; 2]);
            let y = graph.push(format!("dense{i}"), Layer::Dense(dense), &[graph.output]).unwrap();
            written.push(graph.push(format!("f{i}"), Layer::Map(function), &[y]).unwrap());
        }
        let dense = Dense::new(vec![vec![0.5; 2]], vec![0.0]);
        graph.push("last", Layer::Dense(dense), &[graph.output]).unwrap();
        let gates = Gates::of(&graph, share);
        assert!(!gates.any() && written.iter().all(|&tensor| !gates.has(tensor)));
        let with_first = |tensor: &TensorId| gates.alike(*tensor).any(|id| id == written[0]);
        written.iter().map(with_first).collect()
    }

    #[test]
    fn functions_that_end_flat_share_a_table_and_others_do_not() {
        let call = |function| Expr::call(function);
        let [tanh, sigmoid] = [call(Function::Tanh), call(Function::Sigmoid)];
        let mixed = [tanh.clone(), sigmoid, tanh.clone(), tanh.clone()];
        assert_eq!(alike(mixed, false), [true, false, true, true]);
        let others =
            |f: &Expr, share| alike([f.clone(), tanh.clone(), f.clone(), f.clone()], share);
        for far in [Expr::silu(), call(Function::Sin)] {
            assert_eq!(others(&far, false), [true, false, false, false]);
            assert_eq!(others(&far, true), [true, false, true, true]);
        }
        for clamp in [Expr::relu(), Expr::clamp(-1.0, 1.0)] {
            assert_eq!(others(&clamp, true), [true, false, false, false]);
        }
    }
}
