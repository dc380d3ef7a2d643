//! Networks of which a part is dead or constant compile, run, build, and lose nothing elsewhere.

use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::reference;
use nervecord_tests::dead;

/// Runs a module on rows of integers.
type Run = fn(&[Vec<i32>]) -> Vec<Vec<i32>>;

include!(concat!(env!("OUT_DIR"), "/dead.rs"));

#[test]
fn dead_parts_give_what_the_float_network_gives() {
    for (graph, _) in dead::cases().unwrap() {
        for (weights, bits) in dead::WIDTHS {
            let program =
                dead::program(&graph, weights).unwrap_or_else(|e| panic!("{}: {e}", graph.name));
            let mut host = Interpreter::new(&program);
            for (row, exact) in dead::rows().iter().zip(reference::run(&graph, &dead::rows())) {
                let (output, _) = host.step(row);
                for (y, exact) in output.iter().zip(&exact) {
                    // Outputs are of the size of 1; an index has to be right.
                    let most = if bits == 8 { 0.04 } else { 2e-3 };
                    assert!(
                        (y - exact).abs() < most,
                        "{} i{bits}: {output:?} for {exact}",
                        graph.name
                    );
                }
            }
        }
    }
}

#[test]
fn modules_of_dead_parts_build_and_equal_the_host() {
    let cases = dead::cases().unwrap();
    let rows = dead::rows();
    for (name, bits, run) in MODULES {
        let (graph, _) = cases.iter().find(|(graph, _)| graph.name == name).unwrap();
        let weights = if bits == 8 { Weights::I8 } else { Weights::I16 };
        let program = dead::program(graph, weights).unwrap();
        let mut host = Interpreter::new(&program);
        let raws: Vec<_> = rows.iter().map(|row| program.input.to_raws(row)).collect();
        let expected: Vec<_> = raws.iter().map(|raw| host.step_raw(raw).0).collect();
        assert_eq!(run(&raws), expected, "{name} i{bits}");
    }
}

/// A row to add to a layer: its weights and its bias.
type Extra = (&'static str, [f64; dead::INPUTS], f64);

/// Rows that are dead, constant on the data (its last input never changes), or of another size than all others.
const EXTRAS: [Extra; 9] = [
    ("zero", [0.0; 3], 0.0),
    ("constant", [0.0; 3], 0.3),
    ("dead", [0.0; 3], -0.5),
    ("buried", [0.0; 3], -1e6),
    ("buried with weights", [0.7, -0.2, 0.1], -1e6),
    ("faint", [1e-9, -2e-9, 1e-9], 0.0),
    ("faint beside its bias", [1e-9, -2e-9, 1e-9], 0.4),
    ("steep where nothing moves", [0.0, 0.0, 1000.0], -250.0),
    ("small", [3e-4, -2e-4, 1e-4], 1e-4),
];

/// Where a row is added.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// To a ReLU layer, the output.
    Output,
    /// To a hidden layer before a function, read with small weights.
    Hidden(Function),
    /// To a hidden ReLU layer, read with small weights.
    Rectified,
}

fn network(place: Place, extra: Option<Extra>) -> Graph {
    let weight = |r: usize, c: usize| ((r * 5 + c * 3 + r * c) as f64 * 1.7).sin();
    let mut weights: Vec<Vec<f64>> =
        (0..4).map(|r| (0..dead::INPUTS).map(|c| weight(r, c)).collect()).collect();
    let mut bias = vec![0.5; 4];
    if let Some((_, row, addend)) = extra {
        weights.push(row.to_vec());
        bias.push(addend);
    }
    let width = bias.len();
    let mut graph = Graph::new("net", "x", dead::INPUTS);
    let sums = graph.push("sums", Layer::Dense(Dense::new(weights, bias)), &[0]).unwrap();
    let after = match place {
        Place::Hidden(function) => Expr::call(function),
        Place::Output | Place::Rectified => Expr::relu(),
    };
    let hidden = graph.push("after", Layer::Map(after), &[sums]).unwrap();
    if place != Place::Output {
        let row =
            |r: usize| (0..width).map(|c| if c < 4 { weight(r + 9, c) } else { 1e-3 }).collect();
        let head = Dense::new((0..3).map(row).collect(), vec![0.1; 3]);
        graph.push("head", Layer::Dense(head), &[hidden]).unwrap();
    }
    graph
}

/// RMS difference to the float network of the first outputs, in standard deviations of each.
fn errors(graph: &Graph, weights: Weights, outputs: usize) -> Vec<f64> {
    let program = dead::program(graph, weights).unwrap();
    let mut host = Interpreter::new(&program);
    let (rows, exact) = (dead::rows(), reference::run(graph, &dead::rows()));
    let found: Vec<_> = rows.iter().map(|row| host.step(row).0).collect();
    let n = rows.len() as f64;
    let relative = |o: usize| {
        let mean = exact.iter().map(|y| y[o]).sum::<f64>() / n;
        let variance = exact.iter().map(|y| (y[o] - mean).powi(2)).sum::<f64>();
        let error =
            found.iter().zip(&exact).map(|(y, exact)| (y[o] - exact[o]).powi(2)).sum::<f64>();
        (error / variance).sqrt()
    };
    (0..outputs).map(relative).collect()
}

#[test]
fn a_row_that_is_dead_or_of_another_size_costs_the_others_nothing() {
    for (weights, bits) in dead::WIDTHS {
        let functions = [Function::Tanh, Function::Sigmoid].map(Place::Hidden);
        for place in [Place::Output, Place::Rectified].into_iter().chain(functions) {
            let outputs = if place == Place::Output { 4 } else { 3 };
            let before = errors(&network(place, None), weights, outputs);
            for extra in EXTRAS {
                let after = errors(&network(place, Some(extra)), weights, outputs);
                for (before, after) in before.iter().zip(&after) {
                    // Outputs may share one type, at the price of 4 bits of 16.
                    let most = 2.0 * before + 2e-3;
                    let what = extra.0;
                    assert!(
                        *after < most,
                        "{what} {place:?} i{bits}: {after:.1e} for {before:.1e}"
                    );
                }
            }
        }
    }
}
