//! States that recurrent nodes tell of: an input that a node reads as its first state, and an output that is its last.
//! Stands on the file's own types.

use std::collections::{BTreeSet, HashMap};

use super::node::REARRANGING;
use super::proto::{GraphProto, NodeProto};

/// States of recurrent nodes: the index of the node, and which of its states.
type Cells = BTreeSet<(usize, usize)>;

/// Which inputs and outputs of a graph are states of its recurrent nodes, whatever they are called.
pub struct States<'a> {
    /// By the name of an input, the states that it is the first value of.
    first: HashMap<&'a str, Cells>,
    /// By the name of a tensor, the states that it is the last value of.
    last: HashMap<&'a str, Cells>,
}

impl<'a> States<'a> {
    /// Follows inputs to recurrent nodes, and their states on, through what only rearranges them.
    pub fn of(graph: &'a GraphProto) -> Self {
        let mut source: HashMap<&str, &str> = HashMap::new();
        source.extend(graph.input.iter().filter_map(|i| i.name.as_deref()).map(|n| (n, n)));
        let mut states = Self { first: HashMap::new(), last: HashMap::new() };
        for (index, node) in graph.node.iter().enumerate() {
            match node.op_type.as_deref().unwrap_or_default() {
                "GRU" | "LSTM" | "RNN" => states.recurrent(index, node, &source),
                op if REARRANGING.contains(&op) => states.rearranged(node, &mut source),
                _ => {}
            }
        }
        states
    }

    /// Whether the next step finds `output` in `input`.
    pub fn are_one(&self, input: &str, output: &str) -> bool {
        self.first.get(input).is_some_and(|cells| self.last.get(output) == Some(cells))
    }

    fn recurrent(&mut self, index: usize, node: &'a NodeProto, source: &HashMap<&str, &'a str>) {
        for state in 0..2 {
            let first = node.input.get(5 + state).and_then(|name| source.get(name.as_str()));
            if let Some(input) = first {
                self.first.entry(input).or_default().insert((index, state));
            }
            if let Some(last) = node.output.get(1 + state) {
                self.last.insert(last, Cells::from([(index, state)]));
            }
        }
    }

    fn rearranged(&mut self, node: &'a NodeProto, source: &mut HashMap<&'a str, &'a str>) {
        let Some(first) = node.input.first() else { return };
        if let Some(input) = source.get(first.as_str()).copied() {
            source.extend(node.output.iter().map(|name| (name.as_str(), input)));
        }
        let joined = node.op_type.as_deref() == Some("Concat");
        let parts = node.input.iter().take(if joined { node.input.len() } else { 1 });
        let of = |name: &String| self.last.get(name.as_str()).cloned();
        if let Some(parts) = parts.map(of).collect::<Option<Vec<Cells>>>() {
            let cells: Cells = parts.into_iter().flatten().collect();
            self.last.extend(node.output.iter().map(|name| (name.as_str(), cells.clone())));
        }
    }
}
