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

/// Indices of the nodes behind the graph's outputs, in an order that can be evaluated.
///
/// `known` are the names that need no node: inputs and initializers.
pub fn needed(graph: &GraphProto, known: &HashSet<&str>) -> Result<Vec<usize>> {
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
    let mut search = Search {
        graph,
        known,
        writer,
        state: vec![Visit::New; graph.node.len()],
        order: Vec::new(),
    };
    for name in graph.output.iter().filter_map(|o| o.name.as_deref()) {
        search.reach(name, "the outputs of the graph")?;
    }
    Ok(search.order)
}

/// A depth-first search with its own stack, so that no file can exhaust the program's.
struct Search<'a> {
    graph: &'a GraphProto,
    known: &'a HashSet<&'a str>,
    writer: HashMap<&'a str, usize>,
    state: Vec<Visit>,
    order: Vec<usize>,
}

impl<'a> Search<'a> {
    fn reach(&mut self, output: &'a str, reader: &str) -> Result<()> {
        let mut stack: Vec<(usize, usize)> = Vec::new();
        stack.extend(self.open(output, reader)?.map(|node| (node, 0)));
        while let Some((node, next)) = stack.pop() {
            let inputs = self.graph.node.get(node).map_or(&[][..], |n| &n.input);
            match inputs.get(next) {
                Some(name) => {
                    stack.push((node, next + 1));
                    let reader = self.title(node);
                    stack.extend(self.open(name, &reader)?.map(|node| (node, 0)));
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
    fn open(&mut self, name: &str, reader: &str) -> Result<Option<usize>> {
        if name.is_empty() || self.known.contains(name) {
            return Ok(None);
        }
        let Some(&node) = self.writer.get(name) else {
            return Err(Error::new("a tensor is read that nothing writes")
                .at(reader)
                .expected("an input, an initializer or a node's output of this name")
                .found(format!("`{name}`, which none of them has"))
                .help("the file is damaged or was cut out of a larger graph: export it again"));
        };
        let title = self.title(node);
        match self.state.get_mut(node) {
            Some(state @ Visit::New) => {
                *state = Visit::Open;
                Ok(Some(node))
            }
            Some(Visit::Open) => Err(Error::new("the graph has a cycle")
                .at(title)
                .expected("every node after those it reads from")
                .found(format!("`{name}`, which depends on itself"))
                .help("the file is damaged or was edited: export it again")),
            _ => Ok(None),
        }
    }

    fn title(&self, node: usize) -> String {
        self.graph.node.get(node).map_or_else(String::new, super::node::title)
    }
}
