//! What kernels cost on each core: executed instructions, by estimate, for choices among integers and for reports.
//!
//! Prices are fitted to emulated steps, and a test holds them to the committed figures. They are not cycles.
//! Stands on options and widths.

use super::width::Width;
use crate::options::Cpu;

/// What a kernel's time grows with.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Work {
    /// A dense layer of `width`, at so many `places`.
    Dense { width: Width, inputs: usize, outputs: usize, places: usize },
    /// One of whose weights only so many `links` are kept.
    Pruned { links: usize, outputs: usize },
    /// One that passes over zeros, where `active` inputs are none on average.
    Lazy { active: f64, inputs: usize, outputs: usize },
    /// Edges from each of some inputs to each output; of a `base` function each has a product more.
    Splines { width: Width, inputs: usize, outputs: usize, tails: bool, base: bool },
    /// As many of these as there are.
    Edges { count: usize, inputs: usize, outputs: usize },
    /// A table of a function, read for so many features.
    Functions { features: usize },
    /// A sum, a product or a scale of each of so many features.
    Each { features: usize },
    /// Of another kind, which costs the same whatever is chosen.
    Other,
}

/// What work costs on a core, in executed instructions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// Whatever a step does.
    pub step: f64,
    /// An input of the network, read and compared with its range.
    pub input: f64,
    /// The fewest that a dense kernel of i8 needs with four rows at a time, loops not counted: a product, and an output.
    /// Kernels that multiply several weights at once can be below it.
    pub least: [f64; 2],
    /// Of a dense layer of i4, of i8, and of i16: a product, and an output, an input and a layer beside.
    dense: [[f64; 4]; 3],
    /// Inputs below which another kernel of i8 weights takes less, and what it takes.
    few: Option<(usize, [f64; 4])>,
    /// Of a pruned one: a link, and an output beside.
    pruned: [f64; 2],
    /// Of a lazy one: a product, an input, and an output beside.
    lazy: [f64; 3],
    /// An input of splines, and what it takes more with tails.
    knots: [f64; 2],
    /// An edge among those of four outputs, of i8 and of i16.
    edges: [f64; 2],
    /// An edge to one output alone.
    single: f64,
    /// An output of splines.
    finish: f64,
    /// A feature of a function.
    function: f64,
    /// A feature of a sum, a product or a scale.
    each: f64,
}

impl Prices {
    /// Those of a core; of those that have none of their own and of `any`, those of a Cortex-M4.
    pub const fn of(cpu: Cpu) -> Self {
        match cpu {
            Cpu::CortexM0 | Cpu::CortexM0Plus => M0,
            Cpu::CortexM3 => M3,
            Cpu::CortexM55 => M55,
            Cpu::Riscv32 => RV32,
            Cpu::Any | Cpu::CortexM4 | Cpu::CortexM7 | Cpu::CortexM33 | Cpu::Host => M4,
        }
    }

    /// Of a dense layer of so many `inputs` with weights of `width`: a product, and an output, an input and a layer beside.
    pub const fn dense(&self, width: Width, inputs: usize) -> [f64; 4] {
        match (width, self.few) {
            (Width::I8, Some((below, prices))) if inputs < below => prices,
            (Width::I4, _) => self.dense[0],
            (Width::I8, _) => self.dense[1],
            (Width::I16, _) => self.dense[2],
        }
    }

    /// An edge of splines whose coefficients have `width`.
    pub const fn edge(&self, width: Width) -> f64 {
        match width {
            Width::I4 | Width::I8 => self.edges[0],
            Width::I16 => self.edges[1],
        }
    }

    /// The instructions of some work.
    pub fn of_work(&self, work: Work) -> f64 {
        // Kernels compute whole quads.
        let padded = |features: usize| features.next_multiple_of(4) as f64;
        match work {
            Work::Dense { width, inputs, outputs, places } => {
                let [product, output, input, layer] = self.dense(width, inputs);
                let (inputs, outputs) = (padded(inputs), padded(outputs));
                let sums = product * inputs * outputs;
                places as f64 * (sums + output * outputs + input * inputs + layer)
            }
            Work::Pruned { links, outputs } => {
                self.pruned[0] * links as f64 + self.pruned[1] * outputs as f64
            }
            Work::Lazy { active, inputs, outputs } => {
                let [product, input, output] = self.lazy;
                product * active * padded(outputs) + input * inputs as f64 + output * outputs as f64
            }
            Work::Splines { width, inputs, outputs, tails, base } => {
                let knots = self.knots[0] + if tails { self.knots[1] } else { 0.0 };
                // A product with the base function is made of four inputs at a time.
                let taps = inputs + if base { inputs.div_ceil(4) } else { 0 };
                let (blocks, single) = (outputs / 4 * 4, outputs % 4);
                let edges = self.edge(width) * blocks as f64 + self.single * single as f64;
                knots * inputs as f64 + edges * taps as f64 + self.finish * outputs as f64
            }
            Work::Edges { count, inputs, outputs } => {
                self.knots[0] * inputs as f64
                    + self.single * count as f64
                    + self.finish * outputs as f64
            }
            Work::Functions { features } => self.function * padded(features),
            Work::Each { features } => self.each * padded(features),
            Work::Other => 0.0,
        }
    }
}

const M0: Prices = Prices {
    step: 50.0,
    input: 8.0,
    least: [3.5, 20.0],
    dense: [[3.6, 10.0, 10.0, 0.0], [3.22, 3.9, 22.4, 0.0], [3.02, 23.7, 5.3, 0.0]],
    few: None,
    pruned: [9.4, 81.0],
    lazy: [7.8, 0.0, 82.0],
    knots: [70.0, 30.0],
    edges: [15.25, 16.0],
    single: 30.0,
    finish: 52.0,
    function: 13.2,
    each: 27.0,
};

const M3: Prices = Prices {
    step: 40.0,
    input: 6.2,
    least: [2.5, 8.0],
    dense: [[2.2, 4.0, 9.2, 0.0], [2.105, 0.0, 9.2, 0.0], [1.685, 9.5, 6.8, 0.0]],
    few: None,
    pruned: [6.2, 48.0],
    lazy: [2.6, 1.0, 41.0],
    knots: [48.0, 17.0],
    edges: [9.25, 9.25],
    single: 16.0,
    finish: 24.0,
    function: 9.8,
    each: 7.4,
};

const M4: Prices = Prices {
    step: 45.0,
    input: 4.0,
    least: [0.875, 5.5],
    dense: [[1.15, 4.4, 2.1, 0.0], [0.9, 3.4, 3.35, 3.0], [0.7, 4.8, 0.6, 0.0]],
    few: None,
    pruned: [5.1, 57.0],
    lazy: [2.6, 3.0, 39.0],
    knots: [34.0, 14.0],
    edges: [5.25, 5.5],
    single: 10.0,
    finish: 14.8,
    function: 5.1,
    each: 4.0,
};

const M55: Prices = Prices {
    step: 45.0,
    input: 1.0,
    least: [0.140625, 3.5],
    dense: [[0.39, 5.0, 1.0, 33.0], [0.165, 2.9, 0.0, 190.0], [0.31, 3.4, 0.0, 33.0]],
    few: Some((32, [0.2, 2.7, 0.0, 17.0])),
    pruned: [7.0, 33.0],
    lazy: [1.8, 2.0, 45.0],
    knots: [8.0, 14.0],
    edges: [1.3, 2.5],
    single: 10.0,
    finish: 16.0,
    function: 1.75,
    each: 2.4,
};

const RV32: Prices = Prices {
    step: 55.0,
    input: 9.0,
    least: [3.25, 8.0],
    dense: [[3.3, 6.0, 9.1, 0.0], [3.27, 3.9, 9.1, 0.0], [3.27, 3.9, 9.1, 0.0]],
    few: None,
    pruned: [12.0, 38.0],
    lazy: [4.8, 2.0, 57.0],
    knots: [61.0, 20.0],
    edges: [14.75, 14.75],
    single: 18.0,
    finish: 36.0,
    function: 13.0,
    each: 20.0,
};
