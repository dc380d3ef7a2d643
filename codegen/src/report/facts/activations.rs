//! What integers each layer writes, over the 16 bits there are for them. Stands on judged rows and the interpreter.

use serde::Serialize;

use super::super::chart::Histogram;
use super::judged::Judged;
use crate::interpret::Interpreter;
use crate::program::Program;

/// Layers that are looked at, evenly taken of more.
const LAYERS: usize = 24;
/// Bins of the grid.
const BINS: usize = 64;
/// Integers in all that are counted.
const VALUES: usize = 1 << 24;

/// The integers of a layer's output on the judged rows.
#[derive(Debug, Clone, Serialize)]
pub struct Activations {
    /// The layer.
    pub layer: String,
    /// The smallest and the largest integer that occurred.
    pub seen: [i16; 2],
    /// The largest magnitude, in percent of the largest there is.
    pub used: f64,
    /// How often each part of the grid occurred.
    pub histogram: Histogram,
}

/// An operation whose output is a layer's.
struct Watched {
    op: usize,
    features: usize,
    found: Activations,
}

/// The integers of every layer, or of an even choice of many.
pub fn of(judged: &Judged) -> Vec<Activations> {
    let program = &judged.comparison.compiled.program;
    let mut watched = watched(program);
    let vectors = &judged.vectors;
    let ends = vectors.ends();
    let features: usize = watched.iter().map(|w| w.features).sum();
    let most = (VALUES / features.max(1)).max(1);
    // Rows that depend on one another are run one and all, as far as the count goes.
    let alone = program.start.is_empty() && vectors.steps <= 1;
    let every = if alone { vectors.rows().div_ceil(most.min(4096)) } else { 1 };
    let mut interpreter = Interpreter::new(program);
    let mut counted = 0;
    for (i, row) in vectors.inputs.iter().enumerate() {
        if vectors.starts.binary_search(&i).is_ok() {
            interpreter.reset();
        }
        let judges = ends[i];
        counted += usize::from(judges);
        if alone && !(judges && counted.is_multiple_of(every.max(1))) {
            continue;
        }
        interpreter.step_seen(&program.input.to_raws(row), |op, integers| {
            if let Some(w) = watched.iter_mut().find(|w| judges && w.op == op) {
                w.add(integers);
            }
        });
        if !alone && counted >= most {
            break;
        }
    }
    watched.into_iter().map(|w| w.found).filter(|found| found.seen[0] <= found.seen[1]).collect()
}

fn watched(program: &Program) -> Vec<Watched> {
    let of_layer = |(name, features): (&String, usize)| {
        let op = program.ops.iter().rposition(|op| op.name == *name)?;
        let low = f64::from(i16::MIN);
        let found = Activations {
            layer: name.clone(),
            seen: [i16::MAX, i16::MIN],
            used: 0.0,
            histogram: Histogram::empty(low, -low, BINS),
        };
        Some(Watched { op, features, found })
    };
    let layers = program.layers.iter().map(|layer| (&layer.name, layer.outputs));
    let all: Vec<Watched> = layers.filter_map(of_layer).collect();
    let every = all.len().div_ceil(LAYERS).max(1);
    all.into_iter().step_by(every).collect()
}

impl Watched {
    fn add(&mut self, integers: &[i16]) {
        let Activations { seen: [low, high], used, histogram, .. } = &mut self.found;
        for &integer in integers.iter().take(self.features) {
            (*low, *high) = ((*low).min(integer), (*high).max(integer));
            histogram.add(f64::from(integer));
        }
        let most = low.unsigned_abs().max(high.unsigned_abs());
        *used = (100.0 * f64::from(most) / f64::from(i16::MAX)).min(100.0);
    }
}
