//! Layers made by hand whose edges are zero, constant, linear or curved.

use crate::calibrate::Calibration;
use crate::choose::quantize;
use crate::graph::expr::{Expr, Function};
use crate::graph::kan::{Edge, Kan, Spline};
use crate::graph::{Graph, Layer};
use crate::interpret::Interpreter;
use crate::options::{Options, Weights};
use crate::program::Program;
use crate::reference;

const INPUTS: usize = 6;
const OUTPUTS: usize = 5;

/// The edge from input `i` to output `o`: a spline as trained, with a share of SiLU.
fn curved(i: usize, o: usize) -> Edge {
    let knots: Vec<f64> = (0..12).map(|j| -1.0 + 0.4 * (f64::from(j) - 3.0)).collect();
    let c = |j: usize| ((i * 7 + o * 3 + j * 2) as f64 * 1.3).sin();
    let spline = Spline { knots: knots.into(), coefficients: (0..8).map(c).collect() };
    let base = ((i + 2 * o) as f64).cos();
    Edge { base, spline: Some(spline), function: None }
}

fn function(f: Expr) -> Edge {
    Edge { function: Some(f), ..Edge::default() }
}

fn line(slope: f64, offset: f64) -> Edge {
    function(Expr::X.mul(Expr::Const(slope)).add(Expr::Const(offset)))
}

fn layer(edge: impl Fn(usize, usize) -> Edge) -> Graph {
    layer_with(Expr::silu(), edge)
}

fn layer_with(base: Expr, edge: impl Fn(usize, usize) -> Edge) -> Graph {
    let row = |o: usize| (0..INPUTS).map(|i| edge(i, o)).collect();
    let edges = (0..OUTPUTS).map(row).collect();
    let mut graph = Graph::new("hand_made", "x", INPUTS);
    let bias = vec![0.25; OUTPUTS];
    graph.push("edges", Layer::Kan(Kan { base, edges, bias }), &[0]).unwrap();
    graph
}

/// The integers of `graph`, within the tolerance of the float network on inputs from -1 to 1.
fn compiled(graph: &Graph, weights: Weights) -> Program {
    let value = |k: usize, i: usize| ((k * (2 * i + 3) * 37 % 401) as f64 - 200.0) / 200.0;
    let rows: Vec<Vec<f64>> =
        (0..400).map(|k| (0..INPUTS).map(|i| value(k, i)).collect()).collect();
    let calibration = Calibration { margin: 1.25, ..Calibration::of(rows.clone()) };
    let options = Options { weights, ..Options::default() };
    let program = quantize(graph, &calibration, &options).unwrap();
    let exact = reference::run(graph, &rows);
    let mut interpreter = Interpreter::new(&program);
    let most = if weights == Weights::I16 { 0.002 } else { 0.02 };
    for (row, exact) in rows.iter().zip(&exact) {
        for (y, exact) in interpreter.step(row).0.iter().zip(exact) {
            assert!((y - exact).abs() < most * 4.0, "{row:?}: {y} {exact}");
        }
    }
    program
}

/// The largest error of a program whose first output is one edge and a bias, over every integer its input
/// can be, inside the range of its output.
fn brute_force(program: &Program, exact: impl Fn(f64) -> f64) -> f64 {
    let mut interpreter = Interpreter::new(program);
    let error = |n: i16| {
        let mut raws = vec![0; program.input.features()];
        raws[0] = i32::from(n);
        let (y, _) = interpreter.step_raw(&raws);
        let x = program.input.to_real(0, i32::from(n));
        let [low, high] = [i16::MIN, i16::MAX].map(|y| program.output.to_real(0, i32::from(y)));
        (program.output.to_real(0, y[0]) - exact(x).clamp(low, high)).abs()
    };
    (i16::MIN..=i16::MAX).map(error).fold(0.0, f64::max)
}

#[test]
fn a_sparse_layer_may_have_one_input_that_is_not_the_first() {
    let edge = |i: usize, o: usize| if i == 4 && o < 2 { curved(i, o) } else { Edge::default() };
    for weights in [Weights::I8, Weights::I16] {
        let program = compiled(&layer(edge), weights);
        assert!(
            program.layers.iter().any(|l| l.kind.starts_with("sparse")),
            "{:?}",
            program.layers
        );
    }
}

#[test]
fn the_worst_error_is_that_of_every_input_integer() {
    let wave = |k: f64| Expr::call(Function::Sin).of(&Expr::X.mul(Expr::Const(k)));
    // No refit follows a fast base function.
    let trained = Edge { base: 0.4, ..curved(0, 0) };
    // With tails as far as inputs go, and refitted: as far as the range with its margin goes.
    for (edge, end) in [(trained, f64::MAX), (function(wave(3.0)), 1.25), (curved(0, 0), 1.0)] {
        let base = if end > 2.0 { wave(50.0) } else { Expr::silu() };
        let only = |i, _| if i == 0 { edge.clone() } else { Edge::default() };
        let program = compiled(&layer_with(base.clone(), only), Weights::I16);
        assert_eq!(choice(&program, "edges").contains("exact tails"), end > 2.0);
        let found = brute_force(&program, |x| 0.25 + edge.eval(&base, x.clamp(-end, end)));
        let reported = program.layers.iter().find_map(|l| l.worst_error).unwrap();
        // Sums are rounded to the output's integers; the bias makes up for little of the error of i16.
        let unit = program.output.to_real(0, 1);
        assert!((found - reported).abs() <= 0.7 * unit, "{found} {reported} {unit}");
    }
}

#[test]
fn every_layer_of_edges_has_a_worst_error() {
    let pruned = |i: usize, o: usize| if i == o { curved(i, o) } else { Edge::default() };
    let mixed = |i: usize, o: usize| if i < 2 { line(0.3 * o as f64, 0.1) } else { curved(i, o) };
    for graph in [layer(curved), layer(pruned), layer(mixed)] {
        for weights in [Weights::Auto, Weights::I8, Weights::I16] {
            let program = compiled(&graph, weights);
            let mut splines =
                program.layers.iter().filter(|l| l.kind.contains("spline")).peekable();
            assert!(splines.peek().is_some());
            for row in splines {
                assert!(row.worst_error.is_some_and(|e| e > 0.0 && e < 0.1), "{row:?}");
            }
        }
    }
}

fn kinds(program: &Program) -> Vec<&str> {
    program.layers.iter().map(|l| l.kind.split([' ', ',']).next().unwrap_or_default()).collect()
}

fn choice<'a>(program: &'a Program, layer: &str) -> &'a str {
    &program.layers.iter().find(|l| l.name == layer).unwrap().choice
}

#[test]
fn zero_edges_inside_live_inputs_cost_nothing() {
    for weights in [Weights::I8, Weights::I16] {
        let full = compiled(&layer(curved), weights);
        // Every input keeps two edges of five.
        let live = |i: usize, o: usize| (i + o) % OUTPUTS < 2;
        let pruned = layer(|i, o| if live(i, o) { curved(i, o) } else { Edge::default() });
        let sparse = compiled(&pruned, weights);
        let row = &sparse.layers[0];
        assert!(row.kind.starts_with("sparse spline"), "{}", row.kind);
        assert!(row.choice.contains("18 of 30 edges are zero"), "{}", row.choice);
        // Coefficients and a factor an edge at most, and an index; the rest is an output's or an input's.
        let width = if weights == Weights::I8 { 1 } else { 2 };
        assert!(row.table_bytes <= 12 * (9 * width + 1) + OUTPUTS * 6 + INPUTS * 9 + 258);
        let saved = full.table_bytes() - sparse.table_bytes();
        assert!(saved >= 18 * 8 * width - 18 - 12 - INPUTS, "{saved} B saved");
        // One zero edge is no reason for lists.
        let one = layer(|i, o| if (i, o) == (2, 3) { Edge::default() } else { curved(i, o) });
        let one = compiled(&one, weights);
        assert!(one.layers[0].kind.starts_with("spline"), "{}", one.layers[0].kind);
    }
}

#[test]
fn constant_edges_are_bias() {
    for constant in [
        function(Expr::Const(0.7)),
        // SiLU and its negative.
        Edge { base: 1.0, ..function(Expr::silu().mul(Expr::Const(-1.0)).add(Expr::Const(0.7))) },
    ] {
        let constants = |edge: &Edge| {
            let edge = edge.clone();
            layer(move |i, o| if i % 2 == 1 { edge.clone() } else { curved(i, o) })
        };
        let none = compiled(&constants(&Edge::default()), Weights::I8);
        let some = compiled(&constants(&constant), Weights::I8);
        assert_eq!(some.table_bytes(), none.table_bytes());
        assert!(choice(&some, "edges").contains("15 constant edges are in the bias"));
    }
    let all = compiled(&layer(|_, _| function(Expr::Const(0.7))), Weights::I8);
    assert_eq!(kinds(&all), ["dense"]);
}

#[test]
fn linear_edges_are_dense_weights() {
    let slope = |i: usize, o: usize| ((i * 5 + o) as f64).sin();
    let all = compiled(&layer(|i, o| line(slope(i, o), 0.1)), Weights::I8);
    assert_eq!(kinds(&all), ["dense"]);
    // A spline that is a straight line over all its grid.
    let straight = |i: usize, o: usize| {
        let mut edge = Edge { base: 0.0, ..curved(i, o) };
        if let Some(spline) = &mut edge.spline {
            let rise = |(j, c): (usize, &mut f64)| *c = slope(i, o) * (0.4 * j as f64 - 1.4);
            spline.coefficients.iter_mut().enumerate().for_each(rise);
        }
        edge
    };
    let mixed = |linear: fn(usize) -> bool| {
        layer(move |i, o| if linear(i) { straight(i, o) } else { curved(i, o) })
    };
    let some = compiled(&mixed(|i| i >= 2), Weights::I8);
    assert_eq!(kinds(&some), ["spline", "dense", "add"], "{:?}", some.layers);
    assert!(choice(&some, "edges").contains("20 linear edges are dense weights"));
    let none = compiled(&layer(curved), Weights::I8);
    assert!(some.table_bytes() + 20 * 4 <= none.table_bytes());
    // One alone is smaller as it is.
    let one = layer(|i, o| if (i, o) == (0, 0) { line(0.5, 0.0) } else { curved(i, o) });
    let one = compiled(&one, Weights::I8);
    assert_eq!(kinds(&one), ["spline"], "{:?}", one.layers);
    assert!(choice(&one, "edges").contains("1 linear edges stay splines"));
}

#[test]
fn edges_that_bend_are_not_folded() {
    let bent = layer(|i, o| {
        let bow = Expr::call(Function::Sin).of(&Expr::X.mul(Expr::Const(0.5)));
        if i == 0 { function(bow) } else { curved(i, o) }
    });
    assert!(!choice(&compiled(&bent, Weights::I16), "edges").contains("linear"));
}
