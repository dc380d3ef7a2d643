//! The whole integer meaning of a model, as data: kernels over planned memory, with the caller's formats.
//!
//! Readers of a program stand above it and know nothing of one another: the interpreter runs it, `emit` writes it
//! as a Rust module, reports describe it. Both of the first end in the runtime's functions, so they cannot differ.

pub mod cost;
pub mod formula;
mod front;
pub mod kernel;
mod layer_report;
mod limits;
mod port;
pub mod table;
mod width;

pub use front::{Choice, Front};
pub use kernel::{Kernel, Op};
pub use layer_report::{COLUMNS, Curve, LayerReport, layer_table};
pub use limits::StatedLimits;
pub use port::{Port, PortWidth};
pub use width::{Weights, Width};

use std::collections::BTreeSet;
use std::ops::Range;

use nervecord::Limits;
use nervecord::generated::{Quad, Status};
use nervecord::limits::LimitError;

use self::cost::{Prices, Work};
use self::kernel::Data;

use crate::graph::{Classes, Part, Shape};
use crate::options::Cpu;

/// How far the integers are from float on calibration rows that decided nothing.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Promise {
    /// RMS difference in standard deviations of each output, as the root mean square over the outputs; of an
    /// index of the largest, the share of rows on which it is another.
    pub error: f64,
    /// What was asked for.
    pub tolerance: f64,
    /// Rows it was measured on.
    pub rows: usize,
    /// Whether no decision has seen them: a handful of rows decides and judges.
    pub held_out: bool,
    /// Why other data may do worse.
    pub thin: Option<String>,
}

impl Promise {
    /// Whether the tolerance was reached.
    pub fn is_kept(&self) -> bool {
        self.error <= self.tolerance
    }

    /// The promise, or that there is none, in a sentence.
    pub fn describe(&self) -> String {
        let Self { error, tolerance, rows, .. } = self;
        let which = match self.held_out {
            true => "calibration rows held out from every decision",
            false => "calibration rows, which decided as well",
        };
        let verdict = match self.is_kept() {
            true => "within",
            false => "NOT within",
        };
        format!("an error of {error:.4} on {rows} {which}: {verdict} the tolerance of {tolerance}")
    }
}

/// A tensor's place and the real number its unit stands for, for those who look into a step.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorFormat {
    /// Storage that holds it after a step.
    pub storage: usize,
    /// Its rows and features.
    pub shape: Shape,
    /// Real number a unit.
    pub scale: f64,
}

/// Which of the float network's tensors a storage holds, from an op on: for those who compare the two. Nothing
/// computes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// How many ops have run.
    pub after: usize,
    /// Where it is.
    pub storage: usize,
    /// The tensor's name.
    pub tensor: String,
    /// Real number a unit, one a feature.
    pub scale: Vec<f64>,
    /// What the integer 0 stands for, one a feature.
    pub offset: Vec<f64>,
}

/// Units of a wide state in an activation's.
pub const FINE: f64 = 16384.0;

/// A state of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct StateFormat {
    /// Its place, and what a unit of its activations stands for.
    pub tensor: TensorFormat,
    /// Of one that is kept wider than an activation: its own units in an activation's. What is below the
    /// activations is in the second half of its storage.
    pub fine: Option<f64>,
    /// Whether it may leave its range, which is then that of the calibration data.
    pub saturates: bool,
}

/// A width of a network among which the caller chooses at each step.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StepWidth {
    /// What the caller calls it.
    pub name: String,
    /// Multiply-accumulates of a step of this width.
    pub macs: usize,
    /// As of [`Promise`], once all is chosen.
    pub error: Option<f64>,
}

impl StepWidth {
    /// What it costs and how near float it is, in a line.
    pub fn describe(&self) -> String {
        let error = self.error.map(|error| format!(", an error of {error:.4}"));
        let error = error.unwrap_or_default();
        format!("{}: {} multiply-accumulates{error}", self.name, self.macs)
    }
}

/// A model as integers.
#[derive(Debug)]
pub struct Program {
    /// Module name, in snake case.
    pub name: String,
    /// What the caller writes.
    pub input: Port,
    /// What the caller reads.
    pub output: Port,
    /// The quads of each storage in the scratch memory; behind it, those of the caller's arrays that kernels read and
    /// write where they are.
    pub storages: Vec<Range<usize>>,
    /// Quads of scratch memory.
    pub scratch_quads: usize,
    /// What the first quads of the scratch memory hold after a reset: the states, which come first.
    pub start: Vec<Quad>,
    /// The states that are real numbers, in the graph's order.
    pub states: Vec<StateFormat>,
    /// Of a network that ends in argmax: the numbers whose largest is the output.
    pub scores: Option<TensorFormat>,
    /// The operations in order.
    pub ops: Vec<Op>,
    /// What they compute, in the float network's tensors.
    pub places: Vec<Place>,
    /// Rows that the network reads in a step, of which the caller gives the newest.
    pub rows: usize,
    /// What the caller calls the input's features.
    pub input_names: Vec<String>,
    /// The names of the output's features.
    pub output_names: Vec<String>,
    /// The file's outputs, one after the other, where it has several.
    pub outputs: Vec<Part>,
    /// Class names of a classifier with a label output.
    pub classes: Option<Classes>,
    /// A row a layer.
    pub layers: Vec<LayerReport>,
    /// The widths of which the caller chooses one a step, the whole network the last; none if there is one alone.
    pub widths: Vec<StepWidth>,
    /// Multiply-accumulates of one step.
    pub macs: usize,
    /// How near float the integers are, once all is chosen.
    pub promise: Option<Promise>,
    /// What was tried for it, once all is chosen.
    pub front: Option<Front>,
    /// What a guard holds inputs and outputs to, where it is stated.
    pub guard: Option<StatedLimits>,
}

impl Program {
    /// What the caller calls the output's features: a classifier's classes, or their names.
    pub fn output_labels(&self) -> &[String] {
        self.classes.as_ref().map_or(&self.output_names, |classes| &classes.names)
    }

    /// What is stated for a guard, or that nothing is.
    fn stated_limits(&self) -> StatedLimits {
        let none = || StatedLimits::none(self.input.features(), self.output.features());
        self.guard.clone().unwrap_or_else(none)
    }

    /// The limits of all inputs and outputs, as the guard of the module has them.
    ///
    /// # Errors
    /// They are not `I` and `O`, or a format cannot hold what is stated.
    pub fn limits<const I: usize, const O: usize>(&self) -> Result<Limits<I, O>, LimitError> {
        self.stated_limits().convert(&self.input, &self.output)
    }

    /// The limits of output `o` alone.
    ///
    /// # Errors
    /// There is no such output, or its format cannot hold what is stated.
    pub fn limits_of_output(&self, o: usize) -> Result<Limits<0, 1>, LimitError> {
        self.stated_limits().of_output(o, &self.output)
    }

    /// Bytes of tables in flash.
    pub fn table_bytes(&self) -> usize {
        let kernels: Vec<Data> = self.ops.iter().map(|op| op.kernel.data()).collect();
        let mut seen = BTreeSet::new();
        let tables = kernels.iter().flat_map(|data| data.tables.iter().map(move |t| (data, t)));
        let again = tables.filter(|(data, t)| data.identity(t).is_some_and(|id| !seen.insert(id)));
        let again: usize = again.map(|(_, table)| table.bytes()).sum();
        kernels.iter().map(Data::bytes).sum::<usize>() - again
            + self.input.table_bytes()
            + self.output.table_bytes()
    }

    /// Executed instructions of a step on `cpu`, by [estimate](cost): kernels of kinds that have no price are left out.
    pub fn instructions(&self, cpu: Cpu) -> f64 {
        let prices = Prices::of(cpu);
        let work = self.ops.iter().map(|op| prices.of_work(op.kernel.work()));
        prices.step + prices.input * self.input.features() as f64 + work.sum::<f64>()
    }

    /// The layers that [`instructions`](Self::instructions) leaves out.
    pub fn unpriced(&self) -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for op in self.ops.iter().filter(|op| op.kernel.work() == Work::Other) {
            if names.last() != Some(&op.name) {
                names.push(op.name.clone());
            }
        }
        names
    }

    /// Whether a step takes the same time for every input.
    pub fn constant_time(&self) -> bool {
        self.ops.iter().all(|op| op.kernel.constant_time())
    }

    /// Quads of all storages.
    pub fn memory_quads(&self) -> usize {
        self.storages.iter().map(|quads| quads.end).fold(self.scratch_quads, usize::max)
    }

    /// Whether a storage is the caller's array, which kernels read or write where it is.
    pub fn is_callers(&self, storage: usize) -> bool {
        self.storages.get(storage).is_some_and(|quads| quads.end > self.scratch_quads)
    }

    /// Bytes of RAM: the size of the generated struct.
    pub fn ram_bytes(&self) -> usize {
        self.scratch_quads * size_of::<Quad>() + size_of::<Status>()
    }
}
