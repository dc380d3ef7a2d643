//! Every kind of layer through every phase but the import: graph, float reference, integers, module, interpreter.
//!
//! A new kind does not compile before it has a number, and has no example here before it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::kan::{Edge, Kan, Spline};
use nervecord_codegen::graph::membrane::{Membrane, Neuron, Synapse};
use nervecord_codegen::graph::ncap::{Joint, Ncap, Side};
use nervecord_codegen::graph::spiking::{Link, Spiking};
use nervecord_codegen::graph::{Dense, Graph, Layer, Reduction, TensorId, Windows};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference::Reference;
use nervecord_tests::kinds::{KINDS, number};
use nervecord_tests::network;
use nervecord_tests::random::Random;

/// Features of the input.
const INPUTS: usize = 3;

/// A network with a layer of each kind of number `kind`.
fn example(kind: usize) -> Graph {
    let mut graph = Graph::new("kind", "x", INPUTS);
    let x = graph.input;
    let one = |graph: &mut Graph, layer: Layer| graph.push("layer", layer, &[x]).unwrap();
    match kind {
        0 => one(&mut graph, dense(2)),
        1 => one(&mut graph, Layer::Affine { scale: vec![0.5, 2.0, -1.0], offset: vec![0.1; 3] }),
        2 => one(&mut graph, Layer::Map(Expr::call(Function::Tanh))),
        3 => {
            let functions = vec![Expr::call(Function::Sin), Expr::relu()];
            one(&mut graph, Layer::Functions { functions, picks: vec![(0, 0), (2, 1), (1, 0)] })
        }
        4 => one(&mut graph, Layer::Kan(kan())),
        5 | 6 => {
            let h = graph.push("hidden", dense(INPUTS), &[x]).unwrap();
            let layer = if kind == 5 { Layer::Add { factors: [1.0, -0.5] } } else { Layer::Mul };
            graph.push("layer", layer, &[h, x]).unwrap()
        }
        7 => {
            let h = graph.push("hidden", dense(2), &[x]).unwrap();
            graph.push("layer", Layer::Concat, &[h, x]).unwrap()
        }
        8 => one(&mut graph, Layer::Select(vec![2, 0])),
        9 => one(&mut graph, Layer::Normalize { epsilon: 1e-3 }),
        10 => one(&mut graph, Layer::Softmax),
        11 => one(&mut graph, Layer::LogSoftmax),
        12 => one(&mut graph, Layer::ArgMax),
        13 | 16 => swimmer(&mut graph),
        14 => {
            let v = graph.push_bounded_state("v", vec![0.0; 2], 1.0);
            let next = graph.push("layer", Layer::Membrane(membrane()), &[x, v]).unwrap();
            graph.close_state(v, next).unwrap();
            next
        }
        15 => {
            let sums = graph.push_counters("sums", vec![0.0; 2]);
            let next = graph.push("layer", Layer::Spiking(spiking()), &[x, sums]).unwrap();
            graph.close_state(sums, next).unwrap();
            graph.push("outputs", dense_of(2, 2), &[next]).unwrap()
        }
        17 | 18 => {
            let kept = graph.push_state("kept", vec![0.0; INPUTS]);
            let gate = graph.push("gate", Layer::Map(Expr::call(Function::Sigmoid)), &[x]).unwrap();
            let candidate = graph.push("candidate", Layer::Map(Expr::call(Function::Tanh)), &[x]);
            let candidate = candidate.unwrap();
            let (layer, inputs) = match kind {
                17 => (Layer::GruUpdate, vec![gate, candidate, kept]),
                _ => (Layer::LstmUpdate, vec![gate, kept, gate, candidate]),
            };
            let next = graph.push("layer", layer, &inputs).unwrap();
            graph.close_state(kept, next).unwrap();
            graph.push("outputs", dense(2), &[next]).unwrap()
        }
        19 => {
            let divisors = Layer::Map(Expr::call(Function::Exp));
            let d = graph.push("divisors", divisors, &[x]).unwrap();
            let one = graph.push("one", Layer::Select(vec![1]), &[d]).unwrap();
            let shared = graph.push("shared", Layer::Div, &[x, one]).unwrap();
            graph.push("layer", Layer::Div, &[shared, d]).unwrap()
        }
        20 => {
            let h = graph.push("hidden", dense(INPUTS), &[x]).unwrap();
            let larger = graph.push("larger", Layer::Extreme { largest: true }, &[h, x]).unwrap();
            graph.push("layer", Layer::Extreme { largest: false }, &[larger, h]).unwrap()
        }
        21 => {
            let h = graph.push("hidden", dense(6), &[x]).unwrap();
            let by = [Reduction::Max, Reduction::Min, Reduction::Length];
            let of =
                |(k, by)| graph.push(format!("layer{k}"), Layer::Reduce { by, groups: 2 }, &[h]);
            let all: Vec<_> = by.into_iter().enumerate().map(of).collect::<Result<_, _>>().unwrap();
            graph.push("all", Layer::Concat, &all).unwrap()
        }
        22 => one(&mut graph, Layer::RootMeanSquare { epsilon: 1e-3, least: 0.1 }),
        23 => {
            let h = graph.push("hidden", dense(5), &[x]).unwrap();
            let index = graph.push("index", Layer::ArgMax, &[h]).unwrap();
            graph.push("layer", Layer::Pick, &[h, index]).unwrap()
        }
        24 => {
            let Layer::Dense(layer) = dense_of(2, 3) else { unreachable!() };
            one(&mut graph, Layer::Windows(Windows::new(layer, 1, 2)))
        }
        25 => {
            let h = graph.push("hidden", dense(6), &[x]).unwrap();
            let layer = Box::new(Layer::Normalize { epsilon: 1e-3 });
            graph.push("layer", Layer::Rows { count: 2, layer }, &[h]).unwrap()
        }
        26 => one(&mut graph, Layer::Pad { rows: 3, before: 1, after: 2 }),
        27 => {
            let narrow = graph.push("narrow", dense(2), &[x]).unwrap();
            let wide = graph.push("hidden", dense(5), &[x]).unwrap();
            let wide = graph.push("wide", dense_of(5, 2), &[wide]).unwrap();
            let names = vec!["narrow".into(), "wide".into()];
            graph.push("layer", Layer::Anytime { names }, &[narrow, wide]).unwrap()
        }
        28 => {
            let line = graph.push_delay_line("layer", &[0.5; INPUTS], 4, x).unwrap();
            graph.push("outputs", dense_of(4 * INPUTS, 2), &[line]).unwrap()
        }
        other => panic!("kind {other} has no example"),
    };
    graph
}

fn dense(outputs: usize) -> Layer {
    dense_of(INPUTS, outputs)
}

fn dense_of(inputs: usize, outputs: usize) -> Layer {
    let weight = |o: usize, i: usize| ((1 + 3 * o + 5 * i) % 7) as f64 / 7.0 - 0.4;
    let weights = (0..outputs).map(|o| (0..inputs).map(|i| weight(o, i)).collect()).collect();
    Layer::Dense(Dense::new(weights, vec![0.1; outputs]))
}

fn kan() -> Kan {
    let knots: Arc<[f64]> = (0..12).map(|k| f64::from(k - 3) * 0.4 - 1.0).collect();
    let edge = |k: usize| Edge {
        base: 0.5,
        spline: Some(Spline {
            knots: Arc::clone(&knots),
            coefficients: (0..8).map(|c| ((c * 3 + k) % 5) as f64 / 5.0 - 0.4).collect(),
        }),
        ..Edge::default()
    };
    let edges = (0..2).map(|o| (0..INPUTS).map(|i| edge(o + 2 * i)).collect()).collect();
    Kan { base: Expr::silu(), edges, bias: vec![0.1, -0.2] }
}

fn swimmer(graph: &mut Graph) -> TensorId {
    let side = Side { drive: 1.0, ipsi: 1.5, contra: -0.5, ..Side::default() };
    let joint = Joint { dorsal: side, ventral: side };
    let circuit = Ncap { joints: vec![joint; INPUTS], controls: false, dorsal: 5, parameters: 4 };
    let phase = graph.push_counters("phase", vec![0.0]);
    let torque = graph.push("ncap", Layer::Ncap(circuit), &[graph.input, phase]).unwrap();
    let next = graph.push("clock", Layer::Clock { periods: vec![11] }, &[phase]).unwrap();
    graph.close_state(phase, next).unwrap();
    graph.output = torque;
    torque
}

fn membrane() -> Membrane {
    let neuron = Neuron { capacity: 5.0, leak: 0.5, rest: 0.1, epsilon: 1e-8 };
    let synapse = |pre: usize, post: usize, reversal: f64| Synapse {
        pre,
        post,
        weight: 0.7,
        gain: 3.0,
        offset: -1.0,
        reversal,
    };
    Membrane {
        neurons: vec![neuron; 2],
        sensory: (0..INPUTS).map(|i| synapse(i, i % 2, 0.9)).collect(),
        synapses: vec![synapse(0, 1, -0.8)],
        inputs: INPUTS,
        unfolds: 3,
        ..Membrane::default()
    }
}

fn spiking() -> Spiking {
    let link = |pre: usize, post: usize, weight: i32| Link { pre, post, weight };
    Spiking {
        fires: vec![0.25; INPUTS],
        thresholds: vec![9, 5],
        links: vec![link(0, 0, 7), link(2, 1, 4), link(3, 1, -3), link(4, 0, 2)],
        updates: 2,
    }
}

#[test]
fn every_kind_goes_through_every_phase() {
    let mut random = Random::new(7);
    let rows: Vec<Vec<f64>> = (0..400).map(|_| random.row(INPUTS, 0.9)).collect();
    let mut seen = BTreeSet::new();
    for kind in 0..KINDS {
        let graph = example(kind);
        seen.extend(graph.nodes.iter().map(|node| number(&node.layer)));
        assert!(graph.nodes.iter().any(|node| number(&node.layer) == kind), "{kind}");
        for weights in [Weights::I4, Weights::I8, Weights::I16, Weights::Auto] {
            goes_through(&graph, weights, &rows);
        }
    }
    assert!(seen.into_iter().eq(0..KINDS));
}

/// Compiles a network and compares the integers with float, step by step.
fn goes_through(graph: &Graph, weights: Weights, rows: &[Vec<f64>]) {
    let about = format!("{:?}, {weights:?}", graph.nodes.last().map(|node| node.layer.kind()));
    let compiled = network::compile(graph.clone(), weights, rows)
        .unwrap_or_else(|error| panic!("{about}: {error}"));
    let program = &compiled.program;
    let (mut integers, mut float) = (Interpreter::new(program), Reference::new(graph));
    let (mut squares, mut sizes) = (0.0, 0.0);
    for row in rows {
        let (got, exact) = (integers.step(row).0, float.step(row).swap_remove(graph.output));
        squares += got.iter().zip(&exact).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        sizes += exact.iter().map(|b| b * b).sum::<f64>();
    }
    let error = (squares / sizes).sqrt();
    let most = if weights == Weights::I4 { 0.3 } else { 0.06 };
    assert!(error < most, "{about}: {error}");
    // What the interpreter runs is what the module says: each kernel's kind, all of its tables.
    let module = compiled.module();
    for op in &program.ops {
        let data = op.kernel.data();
        assert!(module.contains(data.record.kind), "{about}: {}", op.name);
        for table in &data.tables {
            assert!(module.contains(&table.name), "{about}: {} of {}", table.name, op.name);
        }
    }
    assert_eq!(module, compiled.module());
}
