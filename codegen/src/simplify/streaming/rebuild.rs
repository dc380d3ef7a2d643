//! A graph anew, of what is computed at a step and what is kept of it. Stands on what each feature is.

use std::collections::{HashMap, HashSet};

use super::groups::restricted;
use super::moments::{Moment, Moments, Origin};
use super::needs::Needs;
use crate::graph::{Graph, Layer, TensorId};
use crate::reference;

/// Where the features of a tensor of the old graph are in the new one.
#[derive(Default)]
struct Stored {
    /// What is computed in this step, and the place of each feature there.
    now: Option<(TensorId, Vec<Option<usize>>)>,
    /// The delay line of those that are read later, if there are any.
    line: Option<Line>,
}

struct Line {
    tensor: TensorId,
    /// The place of each feature in a row.
    places: Vec<Option<usize>>,
    /// Features of a row, and rows.
    row: usize,
    rows: usize,
}

pub struct Rebuild<'a> {
    old: &'a Graph,
    moments: &'a Moments,
    needs: &'a Needs,
    /// What each tensor of the old graph is in front of the first step.
    steady: Vec<Vec<f64>>,
    new: Graph,
    stored: Vec<Stored>,
    /// Tensors that were put together of some features.
    gathered: HashMap<Vec<Moment>, TensorId>,
}

impl<'a> Rebuild<'a> {
    /// A graph with the inputs and states of `old`; none if a delay line is too long for a tensor.
    pub fn new(old: &'a Graph, moments: &'a Moments, needs: &'a Needs) -> Option<Self> {
        let input = old.tensors[old.input].clone();
        let mut new = Graph { nodes: vec![], tensors: vec![input], states: vec![], ..old.clone() };
        (new.input, new.output) = (0, 0);
        let stored = old.tensors.iter().map(|_| Stored::default()).collect();
        let steady = steady(old, moments);
        let gathered = HashMap::new();
        let mut rebuild = Self { old, moments, needs, steady, new, stored, gathered };
        let all = |len: usize| (0..len).collect::<Vec<usize>>();
        rebuild.store(old.input, 0, &all(old.input_len()))?;
        for state in old.states.iter().filter(|state| old.delay_line(state).is_none()) {
            let name = &old.tensors[state.previous].name;
            let id = rebuild.new.push_state(name, state.initial.clone());
            rebuild.new.tensors[id].shape = old.tensors[state.previous].shape;
            if let Some(own) = rebuild.new.states.last_mut() {
                (own.counts, own.bound) = (state.counts, state.bound);
            }
            rebuild.store(state.previous, id, &all(state.initial.len()))?;
        }
        Some(rebuild)
    }

    /// The graph with all layers.
    pub fn finish(mut self) -> Option<Graph> {
        let Self { old, moments, .. } = self;
        for index in 0..old.nodes.len() {
            self.node(index)?;
        }
        let output = self.result(&moments.of[old.output], &old.tensors[old.output].name)?;
        let kept = old.states.iter().filter(|state| old.delay_line(state).is_none());
        for state in kept {
            let next = self.result(&moments.of[state.next], &old.tensors[state.next].name)?;
            let previous = self.stored[state.previous].now.as_ref()?.0;
            let own = self.new.states.iter_mut().find(|own| own.previous == previous)?;
            own.next = next;
        }
        self.new.output = output;
        Some(self.new)
    }

    /// The layer of node `index`, of those of its groups that are computed.
    fn node(&mut self, index: usize) -> Option<()> {
        let (old, moments, needs) = (self.old, self.moments, self.needs);
        let (node, groups) = (&old.nodes[index], &moments.groups[index]);
        let chosen = &needs.groups[index];
        if chosen.is_empty() {
            return Some(());
        }
        let (layer, reads) = match chosen.len() == groups.len() {
            true => {
                let all = node.inputs.iter().map(|&id| (0..moments.of[id].len()).collect());
                (node.layer.clone(), all.collect::<Vec<Vec<usize>>>())
            }
            false => restricted(&node.layer, groups, chosen, node.inputs.len()),
        };
        let mut inputs = Vec::with_capacity(reads.len());
        for (&id, reads) in node.inputs.iter().zip(reads) {
            let list: Vec<Moment> = reads.iter().map(|&i| moments.of[id][i]).collect();
            inputs.push(self.gather(&node.name, &list)?);
        }
        let id = self.new.push(&node.name, layer, &inputs).ok()?;
        self.new.tensors[id].name.clone_from(&old.tensors[node.output].name);
        let written: Vec<usize> = chosen.iter().flat_map(|&k| groups[k].writes.clone()).collect();
        self.store(node.output, id, &written)
    }

    /// Notes that the new tensor `id` holds some features of an old one, and keeps those that are read later.
    fn store(&mut self, tensor: TensorId, id: TensorId, features: &[usize]) -> Option<()> {
        let len = self.old.tensors[tensor].len();
        let needs = &self.needs.of[tensor];
        let depth = |&i: &usize| needs[i].unwrap_or(0);
        let late: Vec<usize> = features.iter().copied().filter(|i| depth(i) > 0).collect();
        self.stored[tensor].now = Some((id, places(len, features)));
        if late.is_empty() {
            return Some(());
        }
        let name = format!("{}_line", self.old.tensors[tensor].name);
        let row = match late == features {
            true => id,
            false => {
                let at = places(len, features);
                let picked = late.iter().map(|&i| at[i]).collect::<Option<_>>()?;
                self.new.push(format!("{name}_row"), Layer::Select(picked), &[id]).ok()?
            }
        };
        let initial: Vec<f64> = late.iter().map(|&i| self.steady[tensor][i]).collect();
        let rows = 1 + late.iter().map(depth).max()?;
        let line = self.new.push_delay_line(name, &initial, rows, row).ok()?;
        let line = Line { tensor: line, places: places(len, &late), row: late.len(), rows };
        self.stored[tensor].line = Some(line);
        Some(())
    }

    /// A tensor of some features that a layer writes.
    fn result(&mut self, list: &[Moment], name: &str) -> Option<TensorId> {
        let mut id = self.gather(name, list)?;
        if self.new.is_source(id) {
            id = self.new.push(name, Layer::identity(list.len()), &[id]).ok()?;
        }
        name.clone_into(&mut self.new.tensors[id].name);
        Some(id)
    }

    /// A tensor of these features, in this order.
    fn gather(&mut self, name: &str, list: &[Moment]) -> Option<TensorId> {
        if let Some(&id) = self.gathered.get(list) {
            return Some(id);
        }
        let zero = Moment::constant(0.0);
        let before = list.iter().take_while(|moment| **moment == zero).count();
        let after = list.iter().rev().take_while(|moment| **moment == zero).count();
        let id = if before == list.len() || before + after == 0 {
            self.joined(name, list)?
        } else {
            let inside = self.gather(name, &list[before..list.len() - after])?;
            let pad = Layer::Pad { rows: 1, before, after };
            self.new.push(format!("{name}_padded"), pad, &[inside]).ok()?
        };
        self.gathered.insert(list.to_vec(), id);
        Some(id)
    }

    /// As [`gather`](Self::gather), of what has no zeros around it.
    fn joined(&mut self, name: &str, list: &[Moment]) -> Option<TensorId> {
        let fixed = self.fixed(name, list)?;
        let late = list.iter().filter(|moment| moment.delay > 0);
        let late: HashSet<TensorId> = late.filter_map(|moment| moment.tensor()).collect();
        let place = |moment: &Moment| self.place(moment, &late, fixed.as_ref());
        let places = list.iter().map(place).collect::<Option<Vec<_>>>()?;
        let runs: Vec<&[(TensorId, usize)]> = places.chunk_by(|a, b| a.0 == b.0).collect();
        let mut sources: Vec<TensorId> = places.iter().map(|(id, _)| *id).collect();
        sources.sort_unstable();
        sources.dedup();
        let name = format!("{name}_reads");
        if runs.len() == sources.len() {
            let mut parts = Vec::with_capacity(runs.len());
            for run in runs.iter().map(|run| run.to_vec()).collect::<Vec<_>>() {
                let picked = run.iter().map(|(_, i)| *i).collect();
                parts.push(self.selected(&name, run.first()?.0, picked)?);
            }
            return match parts.as_slice() {
                [one] => Some(*one),
                many => self.new.push(name, Layer::Concat, many).ok(),
            };
        }
        let lens: Vec<usize> = sources.iter().map(|&id| self.new.tensors[id].len()).collect();
        let start = |id: TensorId| -> usize {
            let before = sources.iter().zip(&lens).take_while(|(source, _)| **source != id);
            before.map(|(_, len)| len).sum()
        };
        let picked = places.iter().map(|&(id, i)| start(id) + i).collect();
        let all = self.new.push(format!("{name}_from"), Layer::Concat, &sources).ok()?;
        self.selected(&name, all, picked)
    }

    /// Some features of a new tensor, or itself.
    fn selected(&mut self, name: &str, id: TensorId, picked: Vec<usize>) -> Option<TensorId> {
        if picked.iter().copied().eq(0..self.new.tensors[id].len()) {
            return Some(id);
        }
        self.new.push(name, Layer::Select(picked), &[id]).ok()
    }

    /// Where a feature is: in the delay line where one of its tensor's is `late`, so that they are read together.
    fn place(
        &self,
        moment: &Moment,
        late: &HashSet<TensorId>,
        fixed: Option<&(TensorId, Vec<u64>)>,
    ) -> Option<(TensorId, usize)> {
        let (tensor, feature) = match moment.of {
            Origin::Feature(tensor, feature) => (tensor, feature),
            Origin::Constant(bits) => {
                let (id, values) = fixed?;
                return Some((*id, values.iter().position(|value| *value == bits)?));
            }
        };
        let Stored { now, line } = &self.stored[tensor];
        if late.contains(&tensor)
            && let Some(Line { tensor, places, row, rows }) = line
            && let Some(place) = places[feature]
        {
            return Some((*tensor, (rows - 1).checked_sub(moment.delay)? * row + place));
        }
        let (id, places) = now.as_ref()?;
        Some((*id, places[feature].filter(|_| moment.delay == 0)?))
    }

    /// A tensor of the constants in a list, and their bits, if there are any; the outer none if it cannot be made.
    fn fixed(&mut self, name: &str, list: &[Moment]) -> Option<Option<(TensorId, Vec<u64>)>> {
        let bits = |moment: &Moment| match moment.of {
            Origin::Constant(bits) => Some(bits),
            Origin::Feature(..) => None,
        };
        let mut values: Vec<u64> = list.iter().filter_map(bits).collect();
        values.sort_unstable();
        values.dedup();
        if values.is_empty() {
            return Some(None);
        }
        let name = format!("{name}_fixed");
        let some = Layer::Select(vec![0; values.len()]);
        let input = self.new.input;
        let some = self.new.push(format!("{name}_from"), some, &[input]).ok()?;
        let offset = values.iter().map(|&bits| f64::from_bits(bits)).collect();
        let layer = Layer::Affine { scale: vec![0.0; values.len()], offset };
        Some(Some((self.new.push(name, layer, &[some]).ok()?, values)))
    }
}

/// The place of each of `len` features in a list of some.
fn places(len: usize, features: &[usize]) -> Vec<Option<usize>> {
    let mut places = vec![None; len];
    for (place, &feature) in features.iter().enumerate() {
        places[feature] = Some(place);
    }
    places
}

/// The value of every tensor where the inputs have always been what delay lines start with.
fn steady(graph: &Graph, moments: &Moments) -> Vec<Vec<f64>> {
    let mut input = vec![0.0; graph.input_len()];
    for state in graph.states.iter().filter(|state| graph.delay_line(state).is_some()) {
        for (moment, value) in moments.of[state.next].iter().zip(&state.initial) {
            if let Origin::Feature(_, feature) = moment.of {
                input[feature] = *value;
            }
        }
    }
    reference::evaluate(graph, &input)
}
