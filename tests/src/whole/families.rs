//! The families that whole networks are drawn from: those of [`drawn`](crate::drawn), and recurrent ones as their
//! importers read them.

use nervecord_codegen::graph::Graph;
use nervecord_codegen::import;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Error, Result};

use crate::drawn::{Kind, draw_of};
use crate::liquid::Net;
use crate::random::Random;
use crate::{gated, liquid};

/// A network with data, before it is compiled.
#[derive(Debug, Clone)]
pub struct Whole {
    /// What it was drawn with.
    pub seed: u64,
    /// What it is built of.
    pub family: &'static str,
    /// The network.
    pub graph: Graph,
    /// Inputs for calibration.
    pub rows: Vec<Vec<f64>>,
    /// Width of the weights.
    pub weights: Weights,
}

/// What a network is drawn from.
#[derive(Debug, Clone, Copy)]
enum Source {
    Drawn(Kind),
    Gated,
    Liquid,
}

/// Every family, in the order of seeds; graphs have the most to combine.
pub const FAMILIES: [&str; 10] = [
    "graph",
    "chain",
    "kan",
    "recurrent",
    "rows",
    "swimmer",
    "membrane",
    "spiking",
    "gated",
    "liquid",
];

/// Calibration rows of imported networks.
const ROWS: usize = 200;

/// What a family is drawn from.
fn source(family: &str) -> Source {
    match family {
        "chain" => Source::Drawn(Kind::Chain),
        "kan" => Source::Drawn(Kind::Kan),
        "recurrent" => Source::Drawn(Kind::Recurrent),
        "rows" => Source::Drawn(Kind::Rows),
        "swimmer" => Source::Drawn(Kind::Swimmer),
        "membrane" => Source::Drawn(Kind::Membrane),
        "spiking" => Source::Drawn(Kind::Spiking),
        "gated" => Source::Gated,
        "liquid" => Source::Liquid,
        _ => Source::Drawn(Kind::Graph),
    }
}

/// The network of a seed: every second one is a graph.
///
/// # Errors
/// It cannot be drawn, which is a mistake here.
pub fn whole(seed: u64) -> Result<Whole> {
    let place = seed as usize % (2 * FAMILIES.len());
    let family = if place.is_multiple_of(2) { FAMILIES[0] } else { FAMILIES[place / 2] };
    let net = match source(family) {
        Source::Drawn(kind) => {
            let drawn = draw_of(kind, seed)?;
            let (graph, rows, weights) = (drawn.graph, drawn.rows, drawn.weights);
            return Ok(Whole { seed, family, graph, rows, weights });
        }
        Source::Gated => gates(seed),
        Source::Liquid => liquids(seed),
    };
    let mut random = Random::new(seed);
    let folder = net.file.folder(&net.config);
    let mut graph = import::load(folder.path())?.graph;
    graph.name = "net".into();
    if graph.input_len() != net.inputs {
        return Err(Error::new("another number of inputs").found(graph.input_len()));
    }
    let sizes: Vec<f64> = (0..net.inputs).map(|_| random.within(0.3, 2.0)).collect();
    let mut row = |_| sizes.iter().map(|size| size * random.unit()).collect();
    let rows = (0..ROWS).map(&mut row).collect();
    let weights = *random.pick(&[Weights::Auto, Weights::I4, Weights::I8, Weights::I16]);
    Ok(Whole { seed, family, graph, rows, weights })
}

/// An Elman network, a GRU or an LSTM.
fn gates(seed: u64) -> Net {
    let mut random = Random::new(!seed);
    let kind = *random.pick(&["gru", "lstm", "rnn"]);
    let shape = [1 + random.below(8), 1 + random.below(2)];
    gated::net(kind, seed as u32, 1 + random.below(5), shape, random.within(0.1, 0.9))
}

/// A CfC, wired or dense, with memory of its own or without, or an LTC.
fn liquids(seed: u64) -> Net {
    let mut random = Random::new(!seed);
    let mode = *random.pick(&["default", "no_gate", "pure"]);
    let (own, inputs) = (seed as u32, 1 + random.below(4));
    let (span, size) = (random.within(0.5, 1.5), random.within(0.2, 0.8));
    match random.below(4) {
        0 => liquid::ltc(own, [2 + random.below(5), 1], inputs, span, size),
        1 => {
            let layers = [2 + random.below(4), 1 + random.below(3), 1 + random.below(2)];
            liquid::wired(own, layers, inputs, mode, span, size)
        }
        2 => liquid::dense(own, [1 + random.below(6), 0], inputs, mode, span, size),
        _ => {
            let net = liquid::dense(own, [1 + random.below(4), 4], inputs, mode, span, size);
            if random.once_in(2) { liquid::mixed(net, own, size) } else { net }
        }
    }
}
