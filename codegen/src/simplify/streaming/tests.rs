use super::*;
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, TensorId, Windows};
use crate::reference;
use crate::simplify::simplify;

/// Numbers between -1 and 1 that repeat late.
fn noise(seed: usize, n: usize) -> Vec<f64> {
    (0..n).map(|i| ((seed * 7919 + i * 104_729 + 13) % 2003) as f64 / 1001.0 - 1.0).collect()
}

fn dense(seed: usize, inputs: usize, outputs: usize) -> Dense {
    let row = |o: usize| noise(seed + o, inputs);
    Dense::new((0..outputs).map(row).collect(), noise(seed + 99, outputs))
}

/// A window of `rows` rows of `features`, and a causal convolution with zeros in front for each dilation, with a
/// tangent behind; the last is a graph's output.
fn tcn(rows: usize, features: usize, dilations: &[usize]) -> Graph {
    let mut graph = Graph::new("tcn", "x", features);
    let mut x = graph.push_delay_line("rows", &vec![0.25; features], rows, 0).unwrap();
    for (k, dilation) in dilations.iter().enumerate() {
        x = causal(&mut graph, x, [rows, features], *dilation, k);
        x = graph.push(format!("tanh{k}"), Layer::Map(Expr::call(Function::Tanh)), &[x]).unwrap();
    }
    graph
}

/// A convolution of three rows, each `dilation` behind the one before, that pads in front.
fn causal(
    graph: &mut Graph,
    x: TensorId,
    [rows, features]: [usize; 2],
    dilation: usize,
    seed: usize,
) -> TensorId {
    let layer = Layer::Pad { rows: 1, before: 2 * dilation * features, after: 0 };
    let padded = graph.push(format!("pad{seed}"), layer, &[x]).unwrap();
    let mut wide = dense(seed, (2 * dilation + 1) * features, features);
    for row in &mut wide.weights {
        for (i, w) in row.iter_mut().enumerate() {
            if !(i / features).is_multiple_of(dilation) {
                *w = 0.0;
            }
        }
    }
    let windows = Windows::new(wide, features, rows);
    graph.push(format!("conv{seed}"), Layer::Windows(windows), &[padded]).unwrap()
}

fn last_row(graph: &mut Graph, [rows, features]: [usize; 2]) {
    let picked = ((rows - 1) * features..rows * features).collect();
    graph.push("last", Layer::Select(picked), &[graph.output]).unwrap();
}

/// The streamed graph, after a check that it gives what `graph` gives from the first step on, also when simplified.
fn streamed(graph: &Graph) -> Graph {
    let mut streamed = graph.clone();
    assert!(stream(&mut streamed));
    streamed.remove_unread();
    let rows: Vec<Vec<f64>> = (0..40).map(|i| noise(1000 + i, graph.input_len())).collect();
    let given = reference::run(graph, &rows);
    for form in [&streamed, &simplify(graph.clone())] {
        for (step, (a, b)) in given.iter().zip(reference::run(form, &rows)).enumerate() {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 1e-12, "step {step}: {a} {b}");
            }
        }
    }
    streamed
}

#[test]
fn a_causal_convolution_computes_one_row_a_step() {
    let mut graph = tcn(16, 2, &[1, 2, 4]);
    last_row(&mut graph, [16, 2]);
    let streamed = streamed(&graph);
    // 3 rows of 2 features to 2 outputs, those of a dilation between them.
    assert_eq!(streamed.macs(), (3 + 5 + 9) * 4);
    let lines: Vec<usize> = streamed.states.iter().map(|state| state.initial.len()).collect();
    assert_eq!(lines, [3 * 2, 5 * 2, 9 * 2]);
}

#[test]
fn rows_that_the_edge_of_the_window_enters_are_computed_as_they_are() {
    let mut graph = tcn(10, 2, &[1, 2, 4]);
    last_row(&mut graph, [10, 2]);
    let streamed = streamed(&graph);
    assert!(streamed.macs() < graph.macs() / 2, "{} {}", streamed.macs(), graph.macs());
    // The last row reads the first one behind two convolutions, which both see the edge.
    assert!(streamed.macs() > (3 + 5 + 9) * 4, "{}", streamed.macs());
}

#[test]
fn strides_keep_the_rows_of_every_step() {
    let (rows, features) = (13, 3);
    let mut graph = Graph::new("strided", "x", features);
    let x = graph.push_delay_line("rows", &[0.0, 0.5, -0.5], rows, 0).unwrap();
    let first = Windows::new(dense(1, 3 * features, 4), 2 * features, 6);
    let x = graph.push("first", Layer::Windows(first), &[x]).unwrap();
    let scaled = Layer::Affine { scale: noise(5, 4).repeat(6), offset: noise(6, 4).repeat(6) };
    let x = graph.push("scaled", scaled, &[x]).unwrap();
    let x = graph.push("relu", Layer::Map(Expr::relu()), &[x]).unwrap();
    let second = Windows::new(dense(2, 2 * 4, 4), 4, 5);
    let x = graph.push("second", Layer::Windows(second), &[x]).unwrap();
    graph.push("head", Layer::Dense(dense(3, 20, 2)), &[x]).unwrap();
    let streamed = streamed(&graph);
    assert_eq!(streamed.macs(), 3 * 3 * 4 + 4 + 2 * 4 * 4 + 20 * 2);
}

#[test]
fn branches_and_transpositions_meet_again() {
    let shape @ [rows, features] = [16, 3];
    let mut graph = tcn(rows, features, &[1]);
    let hidden = graph.output;
    let line = graph.nodes[0].output;
    let sum = graph.push("sum", Layer::Add { factors: [1.0, 0.5] }, &[hidden, line]).unwrap();
    let normalize = Layer::Normalize { epsilon: 1e-3 }.on_rows(rows);
    let norm = graph.push("norm", normalize, &[sum]).unwrap();
    let across: Vec<usize> =
        (0..features).flat_map(|c| (0..rows).map(move |r| r * features + c)).collect();
    let back: Vec<usize> =
        (0..rows).flat_map(|r| (0..features).map(move |c| c * rows + r)).collect();
    let there = graph.push("there", Layer::Select(across), &[norm]).unwrap();
    let sine = graph.push("sine", Layer::Map(Expr::call(Function::Sin)), &[there]).unwrap();
    let again = graph.push("again", Layer::Select(back), &[sine]).unwrap();
    let product = graph.push("product", Layer::Mul, &[again, sum]).unwrap();
    let second = causal(&mut graph, product, shape, 2, 7);
    let joined = graph.push("joined", Layer::Concat, &[second, product]).unwrap();
    let picked = (45..48).chain(93..96).collect();
    graph.push("last", Layer::Select(picked), &[joined]).unwrap();
    let streamed = streamed(&graph);
    assert_eq!(streamed.macs(), (3 + 5) * features * features);
}

#[test]
fn what_mixes_all_rows_is_computed_anew() {
    let (rows, features) = (6, 2);
    let mut graph = Graph::new("mixer", "x", features);
    let x = graph.push_delay_line("rows", &[0.0, 1.0], rows, 0).unwrap();
    let across: Vec<usize> =
        (0..features).flat_map(|c| (0..rows).map(move |r| r * features + c)).collect();
    let x = graph.push("across", Layer::Select(across), &[x]).unwrap();
    let mixed = Windows::of_rows(dense(1, rows, rows), features);
    graph.push("mixed", Layer::Windows(mixed), &[x]).unwrap();
    let streamed = streamed(&graph);
    assert_eq!((streamed.macs(), streamed.nodes.len()), (graph.macs(), graph.nodes.len()));
}

/// A convolution of each channel by itself, as a map of all its places.
#[test]
fn maps_of_zeros_are_seen_through() {
    let rows = 8;
    let mut graph = Graph::new("depthwise", "x", 1);
    let x = graph.push_delay_line("rows", &[0.0], rows, 0).unwrap();
    let kernel = [0.5, -0.25, 1.0];
    let row = |r: usize| {
        let weight = |i: usize| i.checked_sub(r).and_then(|k| kernel.get(k)).copied();
        (0..rows).map(|i| weight(i).unwrap_or(0.0)).collect()
    };
    let map = Dense::new((0..rows - 2).map(row).collect(), vec![0.1; rows - 2]);
    let x = graph.push("map", Layer::Dense(map), &[x]).unwrap();
    let x = graph.push("relu", Layer::Map(Expr::relu()), &[x]).unwrap();
    graph.push("head", Layer::Dense(dense(3, rows - 2, 2)), &[x]).unwrap();
    assert_eq!(streamed(&graph).macs(), 3 + 2 * (rows - 2));
}

#[test]
fn an_input_without_a_past_and_a_state_stay_as_they_are() {
    let (rows, features) = (5, 2);
    let mut graph = Graph::new("both", "x", features + 1);
    let kept = graph.push_state("kept", vec![0.5]);
    let row = graph.push("row", Layer::Select(vec![0, 1]), &[0]).unwrap();
    let command = graph.push("command", Layer::Select(vec![2]), &[0]).unwrap();
    let line = graph.push_delay_line("rows", &[0.0; 2], rows, row).unwrap();
    let conv = Layer::Windows(Windows::new(dense(1, 2 * features, 2), features, rows - 1));
    let conv = graph.push("conv", conv, &[line]).unwrap();
    let all = graph.push("all", Layer::Concat, &[conv, command, kept]).unwrap();
    let next = graph.push("next", Layer::Dense(dense(2, 2 * (rows - 1) + 2, 1)), &[all]).unwrap();
    let next = graph.push("bounded", Layer::Map(Expr::call(Function::Tanh)), &[next]).unwrap();
    graph.close_state(kept, next).unwrap();
    graph.push("out", Layer::Concat, &[next, command]).unwrap();
    let streamed = streamed(&graph);
    assert_eq!(streamed.real_states().count(), 1);
    assert!(streamed.feeds_back() && streamed.macs() < graph.macs());
}
