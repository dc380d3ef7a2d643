//! Which features are what others were some steps ago. Stands on the groups of layers.

use std::collections::HashMap;

use super::groups::{self, Group};
use crate::graph::{Graph, Layer, Node, TensorId};

/// Where numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// They are one number, of these bits, at all times.
    Constant(u64),
    /// A feature of a tensor: of the input, of a state, or written by a layer that computes.
    Feature(TensorId, usize),
}

/// What came from somewhere so many steps ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Moment {
    pub of: Origin,
    /// Steps; 0 of constants.
    pub delay: usize,
}

impl Moment {
    fn now(tensor: TensorId, feature: usize) -> Self {
        Self { of: Origin::Feature(tensor, feature), delay: 0 }
    }

    pub fn constant(value: f64) -> Self {
        Self { of: Origin::Constant(value.to_bits()), delay: 0 }
    }

    /// The tensor it is of; none of constants.
    pub fn tensor(self) -> Option<TensorId> {
        match self.of {
            Origin::Feature(tensor, _) => Some(tensor),
            Origin::Constant(_) => None,
        }
    }

    fn is_constant(self) -> bool {
        matches!(self.of, Origin::Constant(_))
    }

    /// The same so many steps before.
    fn before(self, delay: usize) -> Self {
        match self.is_constant() {
            true => self,
            false => Self { delay: self.delay + delay, ..self },
        }
    }
}

/// What a group computes, whenever it does: what tells it from others, and what it reads in steps before the newest.
type Computed = (Vec<u64>, Vec<Moment>);

/// What each feature of a graph is.
pub struct Moments {
    /// Of each feature of each tensor.
    pub of: Vec<Vec<Moment>>,
    /// The groups of each node that computes; none of those that only rearrange.
    pub groups: Vec<Vec<Group>>,
}

impl Moments {
    /// Those of `graph`, if all its delay lines hold past inputs, of one value in front of the first step.
    pub fn of(graph: &Graph) -> Option<Self> {
        let sources = std::iter::once(graph.input).chain(graph.states.iter().map(|s| s.previous));
        let mut of = vec![Vec::new(); graph.tensors.len()];
        for id in sources {
            of[id] = (0..graph.tensors[id].len()).map(|i| Moment::now(id, i)).collect();
        }
        let mut groups = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let mut own = Vec::new();
            of[node.output] = match rearranged(graph, node, &of)? {
                Some(moments) => moments,
                None => {
                    let lens: Vec<usize> = node.inputs.iter().map(|&id| of[id].len()).collect();
                    own = groups::of(&node.layer, &lens, graph.tensors[node.output].len());
                    computed(node, &own, &of)
                }
            };
            groups.push(own);
        }
        Some(Self { of, groups })
    }
}

/// What a layer that computes nothing writes; the outer none for a delay line that holds no past inputs.
fn rearranged(graph: &Graph, node: &Node, of: &[Vec<Moment>]) -> Option<Option<Vec<Moment>>> {
    let inputs: Vec<&[Moment]> = node.inputs.iter().map(|&id| of[id].as_slice()).collect();
    let moments = match (&node.layer, inputs.as_slice()) {
        (Layer::Select(picked), [x]) => picked.iter().map(|&i| x[i]).collect(),
        (Layer::Concat, parts) => parts.concat(),
        (&Layer::Pad { rows, before, after }, [x]) => {
            let zeros = |n: usize| vec![Moment::constant(0.0); n];
            let rows = x.chunks_exact((x.len() / rows).max(1));
            rows.flat_map(|row| [&zeros(before), row, &zeros(after)].concat()).collect()
        }
        (Layer::DelayLine, [line, row]) => {
            let state = graph.states.iter().find(|state| state.next == node.output)?;
            let (len, width) = (line.len(), row.len());
            let past_input = |m: &Moment| {
                m.delay == 0 && matches!(m.of, Origin::Feature(id, _) if id == graph.input)
            };
            let steady = state.initial.iter().zip(state.initial.iter().skip(width));
            if !row.iter().all(past_input)
                || !len.is_multiple_of(width)
                || steady.into_iter().any(|(a, b)| a != b)
            {
                return None;
            }
            (0..len).map(|i| row[i % width].before((len - 1 - i) / width)).collect()
        }
        (Layer::Affine { scale, offset }, [_]) if scale.iter().all(|s| *s == 0.0) => {
            offset.iter().map(|&value| Moment::constant(value)).collect()
        }
        _ => return Some(None),
    };
    Some(Some(moments))
}

/// What a layer that computes writes: each group that another was before is that, of its newest.
fn computed(node: &Node, groups: &[Group], of: &[Vec<Moment>]) -> Vec<Moment> {
    let mut newest: HashMap<Computed, (usize, usize)> = HashMap::new();
    let mut kinds = Vec::with_capacity(groups.len());
    for (k, group) in groups.iter().enumerate() {
        let reads: Vec<Moment> =
            group.reads.iter().map(|&(input, i)| of[node.inputs[input]][i]).collect();
        let delays = reads.iter().filter(|moment| !moment.is_constant());
        let delay = delays.map(|moment| moment.delay).min().unwrap_or(0);
        let now = |moment: Moment| match moment.is_constant() {
            true => moment,
            false => Moment { delay: moment.delay - delay, ..moment },
        };
        let computed = (group.own.clone(), reads.into_iter().map(now).collect());
        let first = newest.entry(computed.clone()).or_insert((k, delay));
        if delay < first.1 {
            *first = (k, delay);
        }
        kinds.push((computed, delay));
    }
    let moments = kinds.iter().zip(groups).flat_map(|((computed, delay), group)| {
        let (head, least) = newest[computed];
        let start = groups[head].writes.start;
        let delay = delay - least;
        (0..group.writes.len()).map(move |i| Moment::now(node.output, start + i).before(delay))
    });
    moments.collect()
}
