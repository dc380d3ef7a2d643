//! Memory between steps: storages that keep their place, written at the end of each step.

use nervecord::generated::{DelayLine, Quad};
use nervecord::host::{flat_mut, quads};

use super::format::Format;
use super::lowering::{Lowering, RECURRENT_ROOM, Value};
use super::{gates, recurrent, rescale};
use crate::error::{Error, Result};
use crate::graph::{Graph, Node, State};
use crate::lanes::{Lanes, Unit};
use crate::program::kernel::Data;
use crate::program::table::Record;
use crate::program::{FINE, Kernel, StateFormat, TensorFormat};

impl Kernel for DelayLine {
    fn data(&self) -> Data<'_> {
        let fields = [("kept", self.kept.into()), ("row", self.row.into())];
        Data::new(Record::of("DelayLine", fields), vec![], 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        self.of(reads[0], y);
    }
}

/// Gives every state a storage and a format that holds both what it starts as and what it becomes.
pub fn open(lowering: &mut Lowering) -> Vec<usize> {
    let graph = lowering.graph;
    let mut storages = Vec::new();
    for state in &graph.states {
        let scale = match state.counts || graph.delay_line(state).is_some() {
            // A delay line has the format of what it keeps, which its layer knows.
            true => 1.0,
            false => state.bound.unwrap_or_else(|| reached(lowering, state)).max(1e-12) / 32767.0,
        };
        let features = state.initial.len();
        let storage = lowering.new_storage(match is_wide(graph, state) {
            true => recurrent::state_features(features),
            false => features,
        });
        lowering.define(state.previous, storage, Format::uniform(scale));
        storages.push(storage);
    }
    storages
}

/// Whether a state is kept wider than an activation.
fn is_wide(graph: &Graph, state: &State) -> bool {
    gates::update_of(graph, state).is_some()
}

/// The largest magnitude to represent of a state without a bound.
fn reached(lowering: &Lowering, state: &State) -> f64 {
    let span = |tensor| lowering.ranges.tensor(tensor).magnitude();
    let calibrated = span(state.previous).max(span(state.next)) * lowering.ranges.margin;
    match gates::update_of(lowering.graph, state) {
        // It has bits to spare, and no unit of what is mixed into it is larger than its own.
        Some(node) => {
            let candidate = gates::candidate(node).map_or(0.0, |id| lowering.magnitude(id));
            (calibrated * RECURRENT_ROOM).max(candidate)
        }
        None => calibrated,
    }
}

/// Moves a delay line on in place, in the format of the row that it takes in.
pub fn lower_delay_line(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (previous, tensor) = (node.inputs[0], node.inputs[1]);
    let alone = lowering.graph.states.iter().any(|state| {
        let own = state.previous == previous && state.next == node.output;
        // One reader is the next step.
        own && lowering.readers[previous] == 2
    });
    if !alone {
        return Err(Error::new("a delay line has no state of its own")
            .at(format!("node `{}`", node.name))
            .expected("a state that becomes the line and that nothing else reads")
            .found(format!("`{}`", lowering.graph.tensors[previous].name))
            .help("read the line itself, which holds what its state held but for the oldest row"));
    }
    lowering.readers[previous] -= 1;
    lowering.readers[tensor] -= 1;
    let Value { storage: from, features: row, format } = lowering.value(tensor).clone();
    let len = lowering.graph.tensors[node.output].len();
    // The last feature of the line is the last of the row.
    let format = format.picked((0..len).map(move |i| (i + len * (row - 1)) % row));
    let storage = lowering.value(previous).storage;
    let kernel = DelayLine { kept: len - row, row };
    lowering.push(&node.name, Box::new(kernel), vec![from], storage);
    lowering.define(previous, storage, format.clone());
    lowering.define(node.output, storage, format);
    let note = format!("the last {} rows of {row} features", len.div_ceil(row));
    lowering.report(node, "delay line".into(), note);
    Ok(())
}

/// Copies what each state becomes to where the next step finds it; returns the start values.
pub fn close(lowering: &mut Lowering, storages: &[usize]) -> Vec<Quad> {
    let graph = lowering.graph;
    let mut start = Vec::new();
    for (state, &storage) in graph.states.iter().zip(storages) {
        if graph.delay_line(state).is_some() {
            start.extend(start_of_line(&lowering.value(state.next).format, &state.initial));
            continue;
        }
        let (value, from) = lowering.take_uniform(state.next);
        let to = lowering.value(state.previous).format.scale(0);
        let wide = is_wide(graph, state);
        let features = lowering.storages[storage];
        // A kernel that works in place has left it there.
        if value.storage != storage {
            let name = format!("{}_next", graph.tensors[state.previous].name);
            let place = match wide {
                true => rescale::copy(features),
                false => rescale::rescaling_copy(0, value.features, from / to),
            };
            lowering.push(&name, Box::new(place), vec![value.storage], storage);
        }
        let mut initial = vec![Quad::default(); quads(features)];
        let parts = flat_mut(&mut initial);
        for (i, x) in state.initial.iter().enumerate() {
            let (high, low) = parts_of(x / to);
            parts[i] = high;
            if wide {
                parts[features / 2 + i] = low;
            }
        }
        start.extend(initial);
    }
    start
}

/// What a delay line starts as.
fn start_of_line(format: &Format, initial: &[f64]) -> Vec<Quad> {
    let mut start = vec![Quad::default(); quads(initial.len())];
    for (i, (start, x)) in flat_mut(&mut start).iter_mut().zip(initial).enumerate() {
        // A cast from float saturates.
        *start = ((x - format.offset(i)) / format.scale(i)).round() as i16;
    }
    start
}

/// A number of units as the nearest activation, and the rest in the units of a wide state.
fn parts_of(units: f64) -> (i16, i16) {
    let high = units.round();
    (high as i16, ((units - high) * FINE).round() as i16)
}

/// Where the states that are real numbers are, and in which unit.
pub fn formats(lowering: &Lowering, storages: &[usize]) -> Vec<StateFormat> {
    let graph = lowering.graph;
    let states = graph.states.iter().zip(storages).filter(|(state, _)| graph.is_real(state));
    states
        .map(|(state, &storage)| StateFormat {
            tensor: TensorFormat {
                storage,
                shape: graph.tensors[state.previous].shape,
                scale: lowering.value(state.previous).format.scale(0),
            },
            fine: is_wide(graph, state).then_some(FINE),
            saturates: state.bound.is_none(),
        })
        .collect()
}
