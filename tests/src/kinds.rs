//! A number for each kind of layer: what tests count kinds by. A new kind does not compile before it has one.

use nervecord_codegen::graph::Layer;

/// How many kinds there are.
pub const KINDS: usize = 29;

/// The number of a kind, below [`KINDS`].
pub fn number(layer: &Layer) -> usize {
    match layer {
        Layer::Dense(_) => 0,
        Layer::Affine { .. } => 1,
        Layer::Map(_) => 2,
        Layer::Functions { .. } => 3,
        Layer::Kan(_) => 4,
        Layer::Add { .. } => 5,
        Layer::Mul => 6,
        Layer::Concat => 7,
        Layer::Select(_) => 8,
        Layer::Normalize { .. } => 9,
        Layer::Softmax => 10,
        Layer::LogSoftmax => 11,
        Layer::ArgMax => 12,
        Layer::Ncap(_) => 13,
        Layer::Membrane(_) => 14,
        Layer::Spiking(_) => 15,
        Layer::Clock { .. } => 16,
        Layer::GruUpdate => 17,
        Layer::LstmUpdate => 18,
        Layer::Div => 19,
        Layer::Extreme { .. } => 20,
        Layer::Reduce { .. } => 21,
        Layer::RootMeanSquare { .. } => 22,
        Layer::Pick => 23,
        Layer::Windows(_) => 24,
        Layer::Rows { .. } => 25,
        Layer::Pad { .. } => 26,
        Layer::Anytime { .. } => 27,
        Layer::DelayLine => 28,
    }
}
