//! Networks drawn at random: layers of every kind, with what trained networks have of oddities.
//!
//! A [`Drawn`] network comes with rows for calibration and with fresh ones, drawn in the same way;
//! [`judge`] holds the integers to the float network on both.

mod circuits;
mod judge;
mod layers;

pub use judge::{FEW, Verdict, extreme_rows, judge, prepared, relative_error};

use nervecord_codegen::Result;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::Weights;

use crate::random::Random;

/// Rows that no calibration sees.
const FRESH: usize = 200;
/// Calibration rows; few of them are drawn as often as many.
const ROWS: [usize; 5] = [1, 2, 5, 200, 400];

/// What a network is built of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Dense layers, and after each any layer that takes and gives a vector.
    Chain,
    /// Layers of edge functions.
    Kan,
    /// A dense cell with a state.
    Recurrent,
    /// The swimming circuit with its clock.
    Swimmer,
    /// Conductance-based neurons.
    Membrane,
    /// Threshold-and-reset neurons.
    Spiking,
}

/// All kinds, the feed-forward ones more often: they have the most layers to combine.
const KINDS: [Kind; 9] = [
    Kind::Chain,
    Kind::Kan,
    Kind::Chain,
    Kind::Recurrent,
    Kind::Kan,
    Kind::Swimmer,
    Kind::Chain,
    Kind::Membrane,
    Kind::Spiking,
];

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
struct Sizes {
    /// Standard deviation, about, that a layer gives for inputs of 1.
    gain: f64,
    bias: f64,
    oddities: Oddities,
}

/// The network of a seed; the same for ever.
///
/// # Errors
/// The graph refuses a layer, which is a mistake here.
pub fn draw(seed: u64) -> Result<Drawn> {
    let mut random = Random::new(seed);
    let kind = KINDS[(seed % KINDS.len() as u64) as usize];
    let mut oddities = Oddities {
        dead: random.once_in(3),
        constant: random.once_in(4),
        mixed: random.once_in(5),
        outlier: random.once_in(8),
        decades: random.once_in(6),
        jumps: false,
    };
    let decade = |random: &mut Random, low: f64, high: f64| 10_f64.powf(random.within(low, high));
    let (gain, bias) = match oddities.decades {
        true => (decade(&mut random, -3.0, 2.0), decade(&mut random, -3.0, 3.0)),
        false => (random.within(0.7, 1.5), random.within(0.0, 0.5)),
    };
    let most = if random.once_in(4) { 40 } else { 8 };
    let inputs = 1 + random.below(most);
    let mut spans = spans(&mut random, inputs, &oddities);
    let sizes = Sizes { gain, bias, oddities };
    let mut graph = Graph::new("net", "x", inputs);
    match kind {
        Kind::Chain => layers::chain(&mut random, &mut graph, &sizes, &spans, &mut oddities)?,
        Kind::Kan => layers::kans(&mut random, &mut graph, &sizes, &spans)?,
        Kind::Recurrent => layers::recurrent(&mut random, &mut graph, &sizes, &spans)?,
        Kind::Swimmer => graph = circuits::swimmer(&mut random)?,
        Kind::Membrane => circuits::membrane(&mut random, &mut graph, &spans)?,
        Kind::Spiking => circuits::spiking(&mut random, &mut graph, &spans)?,
    }
    // A source that crosses its threshold a step early is carried on.
    oddities.jumps |= kind == Kind::Spiking;
    if kind == Kind::Swimmer {
        // Angles over their limit, and controls.
        spans = (0..graph.input_len()).map(|_| Span { centre: 0.0, half: 1.0 }).collect();
    }
    let count = *random.pick(&ROWS);
    let rows = random_rows(&mut random, &spans, count);
    let fresh = random_rows(&mut random, &spans, FRESH);
    let weights = *random.pick(&[Weights::Auto, Weights::I8, Weights::I16]);
    Ok(Drawn { kind, oddities, graph, rows, fresh, weights })
}

/// Where an input lies.
#[derive(Debug, Clone, Copy)]
struct Span {
    centre: f64,
    half: f64,
}

impl Span {
    /// The weight that makes the input's changes as large as 1.
    fn unit(&self) -> f64 {
        if self.half > 0.0 { 1.0 / self.half } else { 1.0 / self.centre.abs().max(1e-3) }
    }
}

fn spans(random: &mut Random, inputs: usize, oddities: &Oddities) -> Vec<Span> {
    let size = if oddities.decades { 10_f64.powf(random.within(-3.0, 4.0)) } else { 1.0 };
    (0..inputs)
        .map(|i| {
            let own = if oddities.mixed {
                10_f64.powf(random.within(-2.0, 4.0))
            } else {
                random.within(0.5, 2.0)
            };
            let half = size * own;
            let centre = if random.once_in(4) { random.unit() * half } else { 0.0 };
            match oddities.constant && i > 0 && random.once_in(2) {
                true => Span { centre, half: 0.0 },
                false => Span { centre, half },
            }
        })
        .collect()
}

fn random_rows(random: &mut Random, spans: &[Span], count: usize) -> Vec<Vec<f64>> {
    let mut row = || spans.iter().map(|s| s.centre + s.half * random.unit()).collect();
    (0..count).map(|_| row()).collect()
}
