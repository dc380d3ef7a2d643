//! Networks of the kinds of layers that no bundled model has, for the emulated cores.

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Graph, Layer, Reduction, TensorId, Windows};

use crate::random::Random;
use crate::shapes::dense;

/// Widths of the inputs' ranges of [`heads`], too far apart for one format of 16 bits.
pub const HEAD_RANGES: [f64; 6] = [1e-2, 1.0, 300.0, 1e4, 20.0, 0.3];

/// The layers that compare what they read: 32-bit inputs, normalisations, extremes, lengths and quotients, softmax
/// and its logarithm, argmax and what it picks.
///
/// # Errors
/// The graph refuses a layer.
pub fn heads() -> Result<Graph> {
    let mut random = Random::new(3);
    let mut graph = Graph::new("heads", "x", HEAD_RANGES.len());
    let mut first = dense(&mut random, HEAD_RANGES.len(), 9);
    let rows = first.weights.iter_mut();
    rows.for_each(|row| row.iter_mut().zip(HEAD_RANGES).for_each(|(w, range)| *w /= range));
    let layers = [
        Layer::Dense(first),
        Layer::Normalize { epsilon: 1e-5 },
        Layer::Dense(dense(&mut random, 9, 7)),
        Layer::LogSoftmax,
        Layer::Dense(dense(&mut random, 7, 7)),
        Layer::Softmax,
        Layer::Dense(dense(&mut random, 7, 6)),
        Layer::RootMeanSquare { epsilon: 1e-5, least: 1e-3 },
    ];
    let mut tensor = graph.input;
    for (index, layer) in layers.into_iter().enumerate() {
        tensor = graph.push(format!("layer{index}"), layer, &[tensor])?;
    }
    let groups = |by| Layer::Reduce { by, groups: 2 };
    let length = graph.push("length", groups(Reduction::Length), &[tensor])?;
    let (largest, smallest) = (
        graph.push("largest", groups(Reduction::Max), &[tensor])?,
        graph.push("smallest", groups(Reduction::Min), &[tensor])?,
    );
    let larger = graph.push("larger", Layer::Extreme { largest: true }, &[smallest, length])?;
    let quotients = graph.push("quotients", Layer::Div, &[largest, larger])?;
    let one = graph.push("one", Layer::Select(vec![0]), &[length])?;
    let shared = graph.push("shared", Layer::Div, &[tensor, one])?;
    let index = graph.push("index", Layer::ArgMax, &[shared])?;
    let picked = graph.push("picked", Layer::Pick, &[shared, index])?;
    graph.push("all", Layer::Concat, &[quotients, picked, index])?;
    Ok(graph)
}

/// Features of the input of [`windows`]: six rows of four.
pub const WINDOW_INPUTS: usize = 24;

/// Layers at many places: a convolution over rows, one over padded rows with windows that overlap by an odd number
/// of features, a norm and functions on each row, a grid of windows, and a layer on each row of what is transposed.
///
/// # Errors
/// The graph refuses a layer.
pub fn windows() -> Result<Graph> {
    let mut random = Random::new(5);
    let mut graph = Graph::new("windows", "x", WINDOW_INPUTS);
    let mut sliding = |inputs, outputs, step, count| {
        Layer::Windows(Windows { dense: dense(&mut random, inputs, outputs), step, count })
    };
    let transposed = (0..7).flat_map(|feature| (0..6).map(move |row| row * 7 + feature)).collect();
    let layers = [
        sliding(12, 5, [0, 4], [1, 4]), // four rows of five
        Layer::Map(Expr::relu()),
        Layer::Rows { count: 4, layer: Box::new(Layer::Normalize { epsilon: 1e-3 }) },
        Layer::Pad { rows: 1, before: 10, after: 5 }, // seven rows of five
        sliding(10, 7, [0, 5], [1, 6]),               // six rows of seven
        Layer::Map(Expr::call(Function::Tanh)),
        Layer::Select(transposed), // seven rows of six
        sliding(6, 3, [0, 6], [1, 7]),
        sliding(4, 4, [9, 3], [2, 3]), // windows on a grid
        Layer::Rows { count: 3, layer: Box::new(Layer::Softmax) },
        sliding(24, 3, [0, 0], [1, 1]),
    ];
    let mut tensor = graph.input;
    for (index, layer) in layers.into_iter().enumerate() {
        tensor = graph.push(format!("layer{index}"), layer, &[tensor])?;
    }
    Ok(graph)
}

/// Features of the input of [`gates`].
pub const GATE_INPUTS: usize = 5;

/// An LSTM of seven units that a GRU of six reads, whose states are wider than activations, and a dense head.
///
/// # Errors
/// The graph refuses a layer.
pub fn gates() -> Result<Graph> {
    let mut random = Random::new(9);
    let mut graph = Graph::new("gates", "x", GATE_INPUTS);
    let mut sums = |graph: &mut Graph, name: &str, function, x: TensorId, units: usize| {
        let layer = Layer::Dense(dense(&mut random, graph.tensors[x].len(), units));
        let sum = graph.push(format!("{name}.sum"), layer, &[x])?;
        graph.push(name, Layer::Map(Expr::call(function)), &[sum])
    };
    let (h, c) = (graph.push_state("h", vec![0.0; 7]), graph.push_state("c", vec![0.0; 7]));
    let joined = graph.push("joined", Layer::Concat, &[graph.input, h])?;
    let [input, forget, output] = ["input", "forget", "output"];
    let input = sums(&mut graph, input, Function::Sigmoid, joined, 7)?;
    let forget = sums(&mut graph, forget, Function::Sigmoid, joined, 7)?;
    let candidate = sums(&mut graph, "candidate", Function::Tanh, joined, 7)?;
    let output = sums(&mut graph, output, Function::Sigmoid, joined, 7)?;
    let cell = graph.push("cell", Layer::LstmUpdate, &[forget, c, input, candidate])?;
    let squashed = graph.push("squashed", Layer::Map(Expr::call(Function::Tanh)), &[cell])?;
    let next = graph.push("next", Layer::Mul, &[output, squashed])?;
    graph.close_state(c, cell)?;
    graph.close_state(h, next)?;
    let kept = graph.push_state("kept", vec![0.25; 6]);
    let joined = graph.push("joined2", Layer::Concat, &[next, kept])?;
    let update = sums(&mut graph, "update", Function::Sigmoid, joined, 6)?;
    let candidate = sums(&mut graph, "candidate2", Function::Tanh, joined, 6)?;
    let gru = graph.push("gru", Layer::GruUpdate, &[update, candidate, kept])?;
    graph.close_state(kept, gru)?;
    graph.push("head", Layer::Dense(dense(&mut random, 6, 3)), &[gru])?;
    Ok(graph)
}
