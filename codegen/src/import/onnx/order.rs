//! The nodes an output needs, each after those it reads from.

use std::collections::{HashMap, HashSet};

use super::proto::GraphProto;
use crate::error::{Error, Result};

#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    Open,
    Done,
}

/// The nodes behind some outputs of a graph, in an order that can be evaluated: a depth-first search with its own
/// stack, so that no file can exhaust the program's.
pub struct Order<'a> {
    graph: &'a GraphProto,
    /// Names that need no node: inputs and initializers.
    known: HashSet<&'a str>,
    /// Those of them that are read so far.
    read: HashSet<&'a str>,
    writer: HashMap<&'a str, usize>,
    state: Vec<Visit>,
    order: Vec<usize>,
}

impl<'a> Order<'a> {
    /// Starts with no output; `known` are the names that need no node.
    ///
    /// # Errors
    /// Two nodes write one tensor.
    pub fn of(graph: &'a GraphProto, known: HashSet<&'a str>) -> Result<Self> {
        let mut writer = HashMap::new();
        for (index, node) in graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|n| !n.is_empty()) {
                if writer.insert(name.as_str(), index).is_some() {
                    return Err(Error::new("two nodes write one tensor")
                        .at(format!("tensor `{name}`"))
                        .expected("every tensor to be written once")
                        .found("two nodes that write it")
                        .help("the file is damaged: export it again"));
                }
            }
        }
        let state = vec![Visit::New; graph.node.len()];
        Ok(Self { graph, known, read: HashSet::new(), writer, state, order: Vec::new() })
    }

    /// Indices of the nodes behind all outputs so far, each after those it reads from.
    pub fn nodes(self) -> Vec<usize> {
        self.order
    }

    /// Whether an input or initializer is read on the way to an output.
    pub fn reads(&self, name: &str) -> bool {
        self.read.contains(name)
    }

    /// Adds the nodes behind one more output.
    ///
    /// # Errors
    /// The graph has a cycle, or a tensor is read that nothing writes.
    pub fn reach(&mut self, output: &'a str) -> Result<()> {
        let mut stack: Vec<(usize, usize)> = Vec::new();
        let reader = || "the outputs of the graph".to_owned();
        stack.extend(self.open(output, reader)?.map(|node| (node, 0)));
        while let Some((node, next)) = stack.pop() {
            let inputs = self.graph.node.get(node).map_or(&[][..], |n| &n.input);
            match inputs.get(next) {
                Some(name) => {
                    stack.push((node, next + 1));
                    let graph = self.graph;
                    let opened = self.open(name, || title(graph, node))?;
                    stack.extend(opened.map(|node| (node, 0)));
                }
                None => {
                    if let Some(state) = self.state.get_mut(node) {
                        *state = Visit::Done;
                    }
                    self.order.push(node);
                }
            }
        }
        Ok(())
    }

    /// The node that writes `name`, if it is still to be visited.
    fn open(&mut self, name: &'a str, reader: impl Fn() -> String) -> Result<Option<usize>> {
        if name.is_empty() {
            return Ok(None);
        }
        if self.known.contains(name) {
            self.read.insert(name);
            return Ok(None);
        }
        let Some(&node) = self.writer.get(name) else {
            return Err(Error::new("a tensor is read that nothing writes")
                .at(reader())
                .expected("an input, an initializer or a node's output of this name")
                .found(format!("`{name}`, which none of them has"))
                .help("the file is damaged or was cut out of a larger graph: export it again"));
        };
        match self.state.get_mut(node) {
            Some(state @ Visit::New) => {
                *state = Visit::Open;
                Ok(Some(node))
            }
            Some(Visit::Open) => Err(Error::new("the graph has a cycle")
                .at(title(self.graph, node))
                .expected("every node after those it reads from")
                .found(format!("`{name}`, which depends on itself"))
                .help("the file is damaged or was edited: export it again")),
            _ => Ok(None),
        }
    }
}

fn title(graph: &GraphProto, node: usize) -> String {
    graph.node.get(node).map_or_else(String::new, super::node::title)
}
