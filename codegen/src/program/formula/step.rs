//! A program as formulas over the lanes of its memory: features of the scratch memory, one after the other. Stands on
//! the program and its kernels' meanings.

use super::meaning::{Formula, Lane, Meaning};
use crate::error::Result;
use crate::program::Program;

/// One op, over memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The op's name.
    pub name: String,
    /// What it computes.
    pub meaning: Meaning,
    /// The first lane of each operand: what it reads, then what it writes.
    pub operands: Vec<usize>,
    /// Which widths of the network need it, as bits.
    pub widths: u32,
}

impl Step {
    /// The place in memory of a number it reads.
    pub fn lane(&self, lane: Lane) -> usize {
        self.operands[lane.operand as usize] + lane.feature as usize
    }

    /// The place in memory of a feature it writes.
    pub fn written(&self, feature: u32) -> usize {
        self.operands.last().copied().unwrap_or(0) + feature as usize
    }

    /// Whether all that it reads and writes is in a memory of so many lanes, and all its tables and grids are sound.
    pub fn is_sound(&self, lanes: usize) -> bool {
        let read = |lane: &Lane| {
            let first = self.operands.get(lane.operand as usize).copied();
            first
                .and_then(|first| first.checked_add(lane.feature as usize))
                .is_some_and(|lane| lane < lanes)
        };
        let last = self.operands.last().copied();
        let writes = |feature: u32| {
            last.and_then(|first| first.checked_add(feature as usize))
                .is_some_and(|lane| lane < lanes)
        };
        let Meaning { tables, features, blocks } = &self.meaning;
        let of = |formula: &Formula| match formula {
            Formula::Copy(lane) => read(lane),
            Formula::Constant(_) => true,
            Formula::Table(lane, table) => read(lane) && *table < tables.len(),
            Formula::Extreme { of, .. } => !of.is_empty() && of.iter().all(read),
            Formula::Sum(sum) => {
                sum.terms.iter().all(|(lane, _)| read(lane))
                    && sum.products.iter().all(|([a, b], _)| read(a) && read(b))
                    && sum.edges.iter().all(|(lane, edge)| read(lane) && edge.is_sound())
                    && sum.finish.shift < 48
            }
        };
        features.iter().all(|(feature, formula)| writes(*feature) && of(formula))
            && blocks.iter().all(|(_, reads, written)| {
                reads.iter().all(read) && written.iter().all(|feature| writes(*feature))
            })
            && tables
                .iter()
                .all(|pieces| (2..=4096).contains(&pieces.len()) && pieces.len().is_multiple_of(2))
    }

    /// Runs it on memory.
    pub fn run(&self, memory: &mut [i16]) {
        let operands: Vec<&[i16]> =
            self.operands.iter().map(|&from| memory.get(from..).unwrap_or_default()).collect();
        for (feature, value) in self.meaning.run(&operands) {
            if let Some(lane) = memory.get_mut(self.written(feature)) {
                *lane = value as i16;
            }
        }
    }
}

impl Program {
    /// The first lane of a storage.
    pub fn first_lane(&self, storage: usize) -> usize {
        4 * self.storages.get(storage).map_or(0, |quads| quads.start)
    }

    /// Its ops as formulas.
    ///
    /// # Errors
    /// One of them has none: a circuit of neurons.
    pub fn steps(&self) -> Result<Vec<Step>> {
        let step = |op: &crate::program::Op| {
            Ok(Step {
                name: op.name.clone(),
                meaning: Meaning::of(&op.kernel.data())
                    .map_err(|e| e.at(format!("layer `{}`", op.name)))?,
                operands: op.reads.iter().chain([&op.write]).map(|&s| self.first_lane(s)).collect(),
                widths: op.widths,
            })
        };
        self.ops.iter().map(step).collect()
    }
}
