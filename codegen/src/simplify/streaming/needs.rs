//! What of a graph has to be computed, and how long it is read. Stands on what each feature is.

use super::moments::{Moment, Moments, Origin};
use crate::graph::Graph;

/// What has to be computed, and how long it is needed.
pub struct Needs {
    /// Of each feature of each tensor the most steps after which it is read, if it is read.
    pub of: Vec<Vec<Option<usize>>>,
    /// Of each node the groups that are computed.
    pub groups: Vec<Vec<usize>>,
}

impl Needs {
    /// What the outputs and what the states become need.
    pub fn of(graph: &Graph, moments: &Moments) -> Self {
        let mut needs = Self {
            of: graph.tensors.iter().map(|tensor| vec![None; tensor.len()]).collect(),
            groups: vec![Vec::new(); graph.nodes.len()],
        };
        let kept = graph.states.iter().filter(|state| graph.delay_line(state).is_none());
        for id in std::iter::once(graph.output).chain(kept.map(|state| state.next)) {
            moments.of[id].iter().for_each(|moment| needs.read(*moment));
        }
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            for (k, group) in moments.groups[index].iter().enumerate() {
                if needs.of[node.output][group.writes.clone()].iter().all(Option::is_none) {
                    continue;
                }
                needs.groups[index].push(k);
                for &(input, i) in &group.reads {
                    needs.read(moments.of[node.inputs[input]][i]);
                }
            }
        }
        needs
    }

    fn read(&mut self, moment: Moment) {
        if let Origin::Feature(tensor, feature) = moment.of {
            let needed = &mut self.of[tensor][feature];
            *needed = Some(needed.map_or(moment.delay, |most| most.max(moment.delay)));
        }
    }
}
