//! A network that was drawn, with its data, and what its layers draw their numbers from.

use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::Weights;

/// What a network is built of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Dense layers, and after each any layer that takes and gives a vector.
    Chain,
    /// Layers of edge functions.
    Kan,
    /// A dense cell with a state.
    Recurrent,
    /// Dense layers at many places of their input.
    Rows,
    /// The swimming circuit with its clock.
    Swimmer,
    /// Conductance-based neurons.
    Membrane,
    /// Threshold-and-reset neurons.
    Spiking,
    /// Layers of all kinds, each of which reads any tensors before it, with memory or without.
    Graph,
}

/// What is unusual about a network and its data.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Oddities {
    /// Outputs that no weight reaches, or that a ReLU never lets through.
    pub dead: bool,
    /// Columns that never change.
    pub constant: bool,
    /// Columns of ranges too far apart for one format of 16 bits.
    pub mixed: bool,
    /// A weight far larger than the others of its layer.
    pub outlier: bool,
    /// Weights, biases and inputs over six decades.
    pub decades: bool,
    /// A function with a jump or a pick of the largest, where the smallest error can change everything.
    pub jumps: bool,
}

impl Oddities {
    /// Whether the numbers may cost precision that nobody promised.
    pub fn is_harsh(&self) -> bool {
        self.outlier || self.decades || self.jumps
    }
}

/// A network with its data.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// What it is built of.
    pub kind: Kind,
    /// What is unusual about it.
    pub oddities: Oddities,
    /// The network.
    pub graph: Graph,
    /// Inputs for calibration.
    pub rows: Vec<Vec<f64>>,
    /// Inputs drawn in the same way, which calibration does not see.
    pub fresh: Vec<Vec<f64>>,
    /// Width of the weights.
    pub weights: Weights,
}

/// Sizes that all layers of a network draw their numbers from.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Standard deviation, about, that a layer gives for inputs of 1.
    pub gain: f64,
    /// Largest bias.
    pub bias: f64,
    /// What is unusual.
    pub oddities: Oddities,
}

/// Where an input lies.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Its middle.
    pub centre: f64,
    /// Half its width.
    pub half: f64,
}

impl Span {
    /// The weight that makes the input's changes as large as 1.
    pub fn unit(&self) -> f64 {
        if self.half > 0.0 { 1.0 / self.half } else { 1.0 / self.centre.abs().max(1e-3) }
    }
}
