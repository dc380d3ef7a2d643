//! A program as formulas over the lanes of its memory: features of the scratch memory, one after the other. Stands on
//! the program and its kernels' meanings.

use super::meaning::{Lane, Meaning};
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
