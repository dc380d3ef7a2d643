//! The gates of recurrent networks, the states that they update, the format of gates, and the functions that share a
//! table. Stands on the graph, formats and tables.

use super::format::Format;
use super::table;
use crate::graph::expr::{Expr, Function};
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

/// Whether a network keeps states by gates: in layers that update them, or mixed by products.
fn is_gated(graph: &Graph, readers: &[Vec<&Node>]) -> bool {
    let mixes = |node: &Node| matches!(&node.layer, Layer::Map(f) if is_fraction(f) && are_gates(graph, readers, node));
    graph.nodes.iter().any(|node| kept(&node.layer).is_some() || graph.feeds_back() && mixes(node))
}

/// Whether all that read what `node` writes take it as a gate.
fn are_gates(graph: &Graph, readers: &[Vec<&Node>], node: &Node) -> bool {
    let read = &readers[node.output];
    let taken = !read.is_empty() && read.iter().all(|reader| takes(reader, node.output));
    taken && !graph.is_result(node.output)
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
    /// How many times the scale of a tensor is that of those it is alike with: twice, where a gate's sigmoid reads it and a
    /// table of tanh serves both.
    times: Vec<f64>,
}

/// A function behind a layer, whose input and output may have the formats that a shared table wants.
struct Served<'a> {
    function: &'a Expr,
    gate: bool,
    read: TensorId,
    written: TensorId,
}

impl Gates {
    /// Those of `graph`, whose tensors reach what `magnitude` says; layers with the same function are given one table where
    /// that is no longer for it, or wherever they are to `share` it.
    pub fn of(graph: &Graph, magnitude: impl Fn(TensorId) -> f64, share: bool) -> Self {
        let mut readers: Vec<Vec<&Node>> = vec![Vec::new(); graph.tensors.len()];
        for node in &graph.nodes {
            node.inputs.iter().for_each(|&id| readers[id].push(node));
        }
        let any = is_gated(graph, &readers);
        let mut gate = vec![false; readers.len()];
        let mut served: Vec<Served> = Vec::new();
        for node in &graph.nodes {
            let (Layer::Map(f), &[x]) = (&node.layer, node.inputs.as_slice()) else { continue };
            let is_gate = any && is_fraction(f) && are_gates(graph, &readers, node);
            gate[node.output] = is_gate;
            let apart = graph.is_result(node.output) || graph.is_result(x);
            if apart || graph.is_source(x) || readers[x].len() != 1 {
                continue;
            }
            // A clamp is no table where a layer does it.
            if any || (f.as_clamp().is_none() && (share || ends_flat(f))) {
                served.push(Served { function: f, gate: is_gate, read: x, written: node.output });
            }
        }
        let (tanh, sigmoid) = (Expr::call(Function::Tanh), Expr::call(Function::Sigmoid));
        // sigmoid(x) = (1 + tanh(x / 2)) / 2, and a gate's integer q, (1 + q / 32767) / 2, is that of tanh.
        // One whose values stay small has a finer scale of its own.
        let spans = |own: &Served| *own.function == tanh && magnitude(own.written) >= 0.5;
        let has_tanh = served.iter().any(spans);
        let mut first: Vec<TensorId> = (0..readers.len()).collect();
        let mut times = vec![1.0; readers.len()];
        let mut families: Vec<(&Expr, bool, [TensorId; 2])> = Vec::new();
        for Served { function, gate, read, written } in served {
            let as_tanh = has_tanh && gate && *function == sigmoid;
            let (function, gate) = if as_tanh { (&tanh, false) } else { (function, gate) };
            times[read] = if as_tanh { 2.0 } else { 1.0 };
            let same = |(f, as_gate, _): &&(&Expr, bool, _)| **f == *function && *as_gate == gate;
            match families.iter().find(same) {
                Some((_, _, tensors)) => [first[read], first[written]] = *tensors,
                None => families.push((function, gate, [read, written])),
            }
        }
        Self { any, gate, first, times }
    }

    /// Whether the network keeps states by gates.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Whether `tensor` has the format of gates.
    pub fn has(&self, tensor: TensorId) -> bool {
        self.gate.get(tensor) == Some(&true)
    }

    /// How many times the scale of `tensor` is that of those it is alike with: 2 where the table of tanh serves a gate's
    /// sigmoid, which reads it.
    pub fn times(&self, tensor: TensorId) -> f64 {
        self.times[tensor]
    }

    /// The tensors that have the format of `tensor`, but for how many [times](Self::times) its scale is, itself among them.
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
        let gates = Gates::of(&graph, |_| 1.0, share);
        assert!(!gates.any() && written.iter().all(|&tensor| !gates.has(tensor)));
        let with_first = |tensor: &TensorId| gates.alike(*tensor).any(|id| id == written[0]);
        written.iter().map(with_first).collect()
    }

    /// A state that is mixed by a gate of its own: tanh and sigmoid of layers read one table.
    #[test]
    fn a_gate_shares_the_table_of_tanh() {
        let mut graph = Graph::new("net", "x", 2);
        let x = graph.output;
        let h = graph.push_state("h", vec![0.0; 2]);
        let mut function = |name: &str, function: Function| {
            let dense = Dense::new(vec![vec![0.5; 2]; 2], vec![0.0; 2]);
            let y = graph.push(format!("{name}_dense"), Layer::Dense(dense), &[x]).unwrap();
            (y, graph.push(name, Layer::Map(Expr::call(function)), &[y]).unwrap())
        };
        let (gate_read, gate) = function("gate", Function::Sigmoid);
        let (read, candidate) = function("candidate", Function::Tanh);
        let mixed = graph.push("mixed", Layer::Mul, &[candidate, gate]).unwrap();
        let next = graph.push("next", Layer::Add { factors: [1.0, 0.5] }, &[mixed, h]).unwrap();
        graph.close_state(h, next).unwrap();
        let gates = Gates::of(&graph, |_| 0.9, false);
        assert!(gates.any() && gates.has(gate) && !gates.has(candidate));
        assert!(gates.alike(read).any(|id| id == gate_read));
        assert!(gates.alike(candidate).any(|id| id == gate));
        assert_eq!([read, gate_read, gate].map(|id| gates.times(id)), [1.0, 2.0, 1.0]);
        let apart = Gates::of(&graph, |_| 0.1, false);
        assert!(!apart.alike(read).any(|id| id == gate_read) && apart.times(gate_read) == 1.0);
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
