//! Networks drawn at random: layers of every kind, with what trained networks have of oddities.
//!
//! A [`Drawn`] network comes with rows for calibration and with fresh ones, drawn in the same way;
//! [`judge`] holds the integers to the float network on both.

mod circuits;
mod graphs;
mod judge;
mod layers;
mod network;
mod rows;

pub use judge::{FEW, Verdict, extreme_rows, judge, prepared, relative_error};
pub use network::{Drawn, Kind, Oddities};

use nervecord_codegen::Result;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::options::Weights;

use self::network::{Sizes, Span};
use crate::random::Random;

/// Rows that no calibration sees.
const FRESH: usize = 200;
/// Calibration rows; few of them are drawn as often as many.
const ROWS: [usize; 5] = [1, 2, 5, 200, 400];

/// The kinds of [`draw`], the feed-forward ones more often: they have the most layers to combine.
const KINDS: [Kind; 10] = [
    Kind::Chain,
    Kind::Kan,
    Kind::Chain,
    Kind::Recurrent,
    Kind::Kan,
    Kind::Swimmer,
    Kind::Chain,
    Kind::Membrane,
    Kind::Spiking,
    Kind::Rows,
];

/// The network of a seed; the same for ever.
///
/// # Errors
/// The graph refuses a layer, which is a mistake here.
pub fn draw(seed: u64) -> Result<Drawn> {
    draw_of(KINDS[(seed % KINDS.len() as u64) as usize], seed)
}

/// The network of a kind and a seed; the same for ever.
///
/// # Errors
/// The graph refuses a layer, which is a mistake here.
pub fn draw_of(kind: Kind, seed: u64) -> Result<Drawn> {
    let mut random = Random::new(seed);
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
        Kind::Rows => rows::rows(&mut random, &mut graph, &sizes, &spans)?,
        Kind::Swimmer => graph = circuits::swimmer(&mut random)?,
        Kind::Membrane => circuits::membrane(&mut random, &mut graph, &spans)?,
        Kind::Graph => graphs::graph(&mut random, &mut graph, &sizes, &spans, &mut oddities)?,
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
    let weights = *random.pick(&[Weights::Auto, Weights::I4, Weights::I8, Weights::I16]);
    Ok(Drawn { kind, oddities, graph, rows, fresh, weights })
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
