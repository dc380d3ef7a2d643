//! Formats hold what was built on them: caps that saturation does, ends of ranges, outputs far from zero.

use nervecord_codegen::Compiled;
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::kan::{Edge, Kan};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::import::circuit::{Circuit, build};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference;
use nervecord_tests::network;

/// Inputs spread over -1..1.
fn spread(count: usize, columns: usize) -> Vec<Vec<f64>> {
    let value = |r: usize, c: usize| (((r * columns + c) as f64 * 0.618_034).fract() * 2.0) - 1.0;
    (0..count).map(|r| (0..columns).map(|c| value(r, c)).collect()).collect()
}

fn chain(inputs: usize, layers: Vec<Layer>) -> Graph {
    let mut graph = Graph::new("net", "x", inputs);
    for (i, layer) in layers.into_iter().enumerate() {
        let before = graph.output;
        graph.push(format!("layer{i}"), layer, &[before]).unwrap();
    }
    graph
}

fn dense(weights: &[&[f64]], bias: &[f64]) -> Layer {
    let weights = weights.iter().map(|row| row.to_vec()).collect();
    Layer::Dense(Dense::new(weights, bias.to_vec()))
}

/// The largest difference to the float network on `rows`.
fn worst(compiled: &Compiled, rows: &[Vec<f64>]) -> f64 {
    let exact = reference::run(&compiled.graph, rows);
    let mut host = Interpreter::new(&compiled.program);
    let of = |(row, exact): (&Vec<f64>, &Vec<f64>)| {
        let (output, _) = host.step(row);
        output.iter().zip(exact).map(|(y, exact)| (y - exact).abs()).fold(0.0, f64::max)
    };
    rows.iter().zip(&exact).map(of).fold(0.0, f64::max)
}

const WIDTHS: [Weights; 2] = [Weights::I8, Weights::I16];

#[test]
fn a_cap_holds_where_weights_are_too_coarse_for_its_scale() {
    for (low, high) in [(0.0, 6.0), (0.0, 1.0), (-1.0, 1.0), (-3.0, 3.0)] {
        let steep = dense(&[&[1000.0], &[1.0]], &[0.0, 0.0]);
        let head = dense(&[&[0.1, 1.0]], &[0.0]);
        let graph = chain(1, vec![steep, Layer::Map(Expr::clamp(low, high)), head]);
        let rows = spread(200, 1);
        for weights in WIDTHS {
            let compiled = network::compile(graph.clone(), weights, &rows).unwrap();
            // Half a step of the input, 2^-16, is 0.0015 at the output.
            let error = worst(&compiled, &rows);
            assert!(error < 0.02, "{low}..{high} {weights:?}: {error}");
        }
    }
}

#[test]
fn an_oscillator_drives_with_its_weight_and_no_more() {
    for (kind, period, weight) in [("clamp", 8, 0.5), ("clamp", 200, 0.25), ("sigmoid", 8, 0.5)] {
        let text = format!(
            "[[inputs]]\nname = \"x0\"\n[[oscillators]]\nname = \"head\"\nperiod = {period}\n\
             [[neurons]]\nname = \"A\"\nkind = \"{kind}\"\n\
             [[synapses]]\nfrom = \"head\"\nto = \"A\"\nweight = {weight}\nmu = 0.5\n"
        );
        let text = if kind == "clamp" { text.replace("mu = 0.5\n", "") } else { text };
        let text = text + "[[outputs]]\nname = \"y0\"\nplus = [\"A\"]\n";
        let graph = build(&Circuit::parse(&text).unwrap(), "beat").unwrap();
        let rows = vec![vec![0.5]; 2 * period + 3];
        for weights in WIDTHS {
            let compiled = network::compile(graph.clone(), weights, &rows).unwrap();
            let most = if kind == "clamp" { 0.005 } else { 0.05 };
            let error = worst(&compiled, &rows);
            assert!(error < most, "{kind} {period} {weights:?}: {error}");
        }
    }
}

#[test]
fn inputs_far_beyond_the_data_saturate() {
    // One input of 32 bits with a single one dropped.
    let layers = vec![dense(&[&[30000.0, 1.0]], &[0.0]), Layer::Map(Expr::relu())];
    let graph = chain(2, layers);
    let rows: Vec<Vec<f64>> =
        spread(100, 2).into_iter().map(|row| vec![row[0] * 1e-5, row[1]]).collect();
    let compiled = network::compile(graph, Weights::Auto, &rows).unwrap();
    let mut host = Interpreter::new(&compiled.program);
    let (most, _) = host.step(&[1e-4, 0.0]);
    for x in [0.9, 1.0, 5.0, 1e30] {
        let (output, status) = host.step(&[x, 0.0]);
        assert_eq!(output, most, "at {x}");
        assert!(status.saturated(0));
        assert_eq!(host.step(&[-x, 0.0]).0, [0.0], "at -{x}");
    }
}

#[test]
fn a_function_that_saturates_has_fine_inputs_where_it_moves() {
    // What one feature has far out, and what all have, cost nothing where the function is flat.
    let functions = [Function::Tanh, Function::Sigmoid, Function::Erf];
    for function in functions.map(Expr::call).into_iter().chain([Expr::clamp(-1.0, 1.0)]) {
        for far in [1e4, 1e6] {
            let sums = dense(&[&[0.8, 0.3], &[-0.4, 0.9], &[far, -far]], &[0.1, 0.0, 0.0]);
            let head = dense(&[&[1.0, 0.5, 0.01]], &[0.0]);
            let graph = chain(2, vec![sums, Layer::Map(function.clone()), head]);
            let rows = spread(200, 2);
            let compiled = network::compile(graph, Weights::I16, &rows).unwrap();
            let error = worst(&compiled, &rows);
            assert!(error < 0.003 + 0.02, "{function} {far}: {error}");
        }
    }
}

/// An output with an edge `c sin(x)` of every input.
fn edges(slopes: &[f64], bias: f64) -> Layer {
    let edge = |c: &f64| Edge {
        function: Some(Expr::call(Function::Sin).mul(Expr::Const(*c))),
        ..Edge::default()
    };
    let edges = vec![slopes.iter().map(edge).collect()];
    Layer::Kan(Kan { base: Expr::Const(0.0), edges, bias: vec![bias] })
}

#[test]
fn an_output_far_from_zero_has_a_resolution_for_how_it_moves() {
    let far = Expr::call(Function::Tanh).mul(Expr::Const(0.02)).add(Expr::Const(-40.0));
    let ends = [
        dense(&[&[0.02, -0.01]], &[17.18]),
        dense(&[&[0.02, -0.01], &[0.7, 0.1]], &[17.18, 0.3]),
        dense(&[&[20.0, 10.0]], &[5e4]),
        edges(&[0.02, -0.01], -17.18),
        Layer::Map(far),
    ];
    let rows = spread(200, 2);
    for end in ends {
        let graph = chain(2, vec![end]);
        let compiled = network::compile(graph.clone(), Weights::I16, &rows).unwrap();
        let port = &compiled.program.output;
        assert_eq!(port.bits(), 32, "{graph:?}");
        let exact = reference::run(&graph, &rows);
        let mut host = Interpreter::new(&compiled.program);
        let found: Vec<_> = rows.iter().map(|row| host.step(row).0).collect();
        for o in 0..port.features() {
            let mean = exact.iter().map(|y| y[o]).sum::<f64>() / 200.0;
            let variance = exact.iter().map(|y| (y[o] - mean).powi(2)).sum::<f64>();
            let square = |(y, exact): (&Vec<f64>, &Vec<f64>)| (y[o] - exact[o]).powi(2);
            let error = found.iter().zip(&exact).map(square).sum::<f64>();
            assert!(error < 1e-5 * variance, "y{o}: {} {graph:?}", error / variance);
        }
        let module = compiled.module();
        assert!(module.contains(" Channel,") && module.contains("&LEVELS"));
    }
}

#[test]
fn the_report_says_which_outputs_are_coarse() {
    let mut graph = chain(2, vec![dense(&[&[0.01, 0.02]], &[30.0])]);
    let other = dense(&[&[0.02, -0.01]], &[30.0]);
    let (first, other) = (graph.output, graph.push("other", other, &[0]).unwrap());
    let product = graph.push("product", Layer::Mul, &[first, other]).unwrap();
    let compiled = network::compile(graph.clone(), Weights::I16, &spread(100, 2)).unwrap();
    let choice = &compiled.program.layers.last().unwrap().choice;
    assert!(
        choice.contains("coarse: y0 moves by ") && choice.contains(" in steps of "),
        "{choice}"
    );
    assert_eq!(graph.output, product);
}
