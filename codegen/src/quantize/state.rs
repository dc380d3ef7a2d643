//! Memory between steps: storages that keep their place, written at the end of each step.

use nervecord::generated::Quad;
use nervecord::host::{flat_mut, quads};

use super::format::Format;
use super::lowering::Lowering;
use super::rescale;
use crate::program::TensorFormat;

/// Gives every state a storage and a format that holds both what it starts as and what it becomes.
pub fn open(lowering: &mut Lowering) -> Vec<usize> {
    let graph = lowering.graph;
    let mut storages = Vec::new();
    for state in &graph.states {
        let scale = match state.counts {
            true => 1.0,
            false => {
                let span = |tensor| lowering.ranges.tensor(tensor).magnitude();
                let calibrated =
                    span(state.previous).max(span(state.next)) * lowering.ranges.margin;
                state.bound.unwrap_or(calibrated).max(1e-12) / 32767.0
            }
        };
        let storage = lowering.new_storage(state.initial.len());
        lowering.define(state.previous, storage, Format::uniform(scale));
        storages.push(storage);
    }
    storages
}

/// Copies what each state becomes to where the next step finds it; returns the start values.
pub fn close(lowering: &mut Lowering, storages: &[usize]) -> Vec<Quad> {
    let graph = lowering.graph;
    let mut start = Vec::new();
    for (state, &storage) in graph.states.iter().zip(storages) {
        let (value, from) = lowering.take_uniform(state.next);
        let to = lowering.value(state.previous).format.scale(0);
        let place = rescale::rescaling_copy(0, value.features, from / to);
        // A kernel that works in place has left it there.
        let in_place = value.storage == storage;
        let name = format!("{}_next", graph.tensors[state.previous].name);
        if !in_place {
            lowering.push(&name, Box::new(place), vec![value.storage], storage);
        }
        let mut initial = vec![Quad::default(); quads(state.initial.len())];
        for (integer, x) in flat_mut(&mut initial).iter_mut().zip(&state.initial) {
            *integer = (x / to).round() as i16;
        }
        start.extend(initial);
    }
    start
}

/// Where the states that are real numbers are, and in which unit.
pub fn formats(lowering: &Lowering, storages: &[usize]) -> Vec<TensorFormat> {
    let states = lowering.graph.states.iter().zip(storages).filter(|(state, _)| !state.counts);
    states
        .map(|(state, &storage)| TensorFormat {
            storage,
            shape: lowering.graph.tensors[state.previous].shape,
            scale: lowering.value(state.previous).format.scale(0),
        })
        .collect()
}
