//! Networks of which a part is dead: zero weights, edges that are nowhere, neurons without synapses.
//!
//! The tests' build script makes modules of them as well, which the tests include.

use std::fmt::Write;

use nervecord_codegen::Result;
use nervecord_codegen::calibrate::Calibration;
use nervecord_codegen::choose::quantize;
use nervecord_codegen::emit::{Origin, emit};
use nervecord_codegen::graph::expr::{Expr, Function};
use nervecord_codegen::graph::kan::{Edge, Kan, Spline};
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::import::circuit::{Circuit, build};
use nervecord_codegen::options::{Options, Weights};
use nervecord_codegen::program::Program;
use nervecord_codegen::simplify::simplify;

/// Inputs of every network.
pub const INPUTS: usize = 3;

/// A network, and whether the build script makes a module of it.
pub type Case = (Graph, bool);

/// A number in -1..1 for each index (Weyl's sequence).
fn noise(i: usize) -> f64 {
    (i as f64 * 0.754_877_666_246_693 + 0.5).fract() * 2.0 - 1.0
}

/// The inputs that the networks are calibrated with; the last one never changes.
pub fn rows() -> Vec<Vec<f64>> {
    (0..100).map(|r| vec![noise(2 * r), noise(2 * r + 1), 0.25]).collect()
}

/// A dense layer whose rows in `dead` are zero.
fn dense(outputs: usize, inputs: usize, dead: &[usize], bias: f64) -> Layer {
    let weight = |r: usize, c: usize| if dead.contains(&r) { 0.0 } else { noise(7 * r + c) };
    let row = |r| (0..inputs).map(|c| weight(r, c)).collect();
    Layer::Dense(Dense::new((0..outputs).map(row).collect(), vec![bias; outputs]))
}

/// A layer of edges, of which `live` says those that are not zero, `(output, input)`.
fn kan(outputs: usize, live: impl Fn(usize, usize) -> bool) -> Layer {
    let knots: Vec<f64> = (0..12).map(|j| -1.0 + 0.4 * (f64::from(j) - 3.0)).collect();
    let edge = |o: usize, i: usize| {
        let coefficients = (0..8).map(|j| noise(o * 31 + i * 11 + j)).collect();
        let spline = Spline { knots: knots.clone().into(), coefficients };
        match live(o, i) {
            true => Edge { base: noise(o + 5 * i), spline: Some(spline), function: None },
            false => Edge::default(),
        }
    };
    let edges = (0..outputs).map(|o| (0..INPUTS).map(|i| edge(o, i)).collect()).collect();
    Layer::Kan(Kan { base: Expr::silu(), edges, bias: vec![0.5; outputs] })
}

/// Layers one after the other.
fn chain(name: &str, layers: Vec<Layer>) -> Result<Graph> {
    let mut graph = Graph::new(name, "x", INPUTS);
    let mut tensor = graph.input;
    for (i, layer) in layers.into_iter().enumerate() {
        tensor = graph.push(format!("layer{i}"), layer, &[tensor])?;
    }
    Ok(graph)
}

/// A circuit of two neurons of a kind that nothing reaches, three inputs and an output.
fn circuit(kind: &str) -> Result<Graph> {
    let mut text = String::new();
    for i in 0..INPUTS {
        let _ = writeln!(text, "[[inputs]]\nname = \"x{i}\"");
    }
    for neuron in ["a", "b"] {
        let _ = writeln!(text, "[[neurons]]\nname = \"{neuron}\"\nkind = \"{kind}\"");
    }
    text += "[[outputs]]\nname = \"y0\"\nplus = [\"a\"]\nminus = [\"b\"]\noffset = 0.5\n";
    build(&Circuit::parse(&text)?, &format!("{kind}_alone"))
}

/// A tensor of zeros through every layer that compares features or joins tensors.
fn joins() -> Result<Graph> {
    let mut graph = chain("joins", vec![dense(4, INPUTS, &[], 0.1)])?;
    let live = graph.output;
    let zero = graph.push("zero", dense(4, INPUTS, &[0, 1, 2, 3], 0.0), &[graph.input])?;
    let squashed = graph.push("squashed", Layer::Map(Expr::call(Function::Tanh)), &[zero])?;
    let product = graph.push("product", Layer::Mul, &[live, squashed])?;
    let sum = graph.push("sum", Layer::Add { factors: [1.0, -1.0] }, &[live, product])?;
    let normal = graph.push("normal", Layer::Normalize { epsilon: 1e-5 }, &[squashed])?;
    let shares = graph.push("shares", Layer::Softmax, &[squashed])?;
    let first = graph.push("first", Layer::ArgMax, &[squashed])?;
    let picked = graph.push("picked", Layer::Select(vec![3, 0, 0]), &[product])?;
    graph.push("all", Layer::Concat, &[sum, normal, shares, first, picked])?;
    Ok(graph)
}

/// Functions that a dense layer of zeros reads.
fn unread() -> Result<Graph> {
    let functions = vec![Expr::call(Function::Sin), Expr::silu()];
    let picks = (0..INPUTS).flat_map(|i| [(i, 0), (i, 1)]).collect();
    chain("unread", vec![Layer::Functions { functions, picks }, dense(2, 2 * INPUTS, &[0, 1], 0.3)])
}

/// The networks.
///
/// # Errors
/// A graph refuses a layer.
pub fn cases() -> Result<Vec<Case>> {
    let relu = || Layer::Map(Expr::relu());
    let tanh = || Layer::Map(Expr::call(Function::Tanh));
    Ok(vec![
        (chain("zeros", vec![dense(2, INPUTS, &[0, 1], 0.25)])?, true),
        (
            chain(
                "hidden",
                vec![dense(3, INPUTS, &[0, 1, 2], 0.5), relu(), dense(2, 3, &[], 0.1)],
            )?,
            false,
        ),
        (
            chain(
                "squashed",
                vec![dense(3, INPUTS, &[1], -0.5), tanh(), dense(2, 3, &[0], 0.1), tanh()],
            )?,
            false,
        ),
        (chain("silent", vec![dense(3, INPUTS, &[1], -4.0), relu(), dense(2, 3, &[], 0.1)])?, true),
        (chain("nothing", vec![dense(3, INPUTS, &[1], -4.0), relu()])?, true),
        (chain("no_edge", vec![kan(2, |_, _| false)])?, true),
        (chain("no_edge_in", vec![kan(3, |o, i| o != 1 && i != 2)])?, true),
        (chain("one_edge", vec![kan(4, |o, i| (o, i) == (2, 0))])?, true),
        (chain("no_edge_after", vec![kan(INPUTS, |o, _| o == 0), kan(2, |_, i| i == 1)])?, false),
        (unread()?, false),
        (joins()?, true),
        (circuit("clamp")?, true),
        (circuit("sigmoid")?, true),
        (circuit("threshold")?, true),
    ])
}

/// The integers of a network.
///
/// # Errors
/// It cannot be represented.
pub fn program(graph: &Graph, weights: Weights) -> Result<Program> {
    let calibration = Calibration::of(rows());
    let options = Options { weights, ..Options::default() };
    quantize(&simplify(graph.clone()), &calibration, &options)
}

/// The widths of weights that modules are made of.
pub const WIDTHS: [(Weights, u32); 2] = [(Weights::I8, 8), (Weights::I16, 16)];

/// Modules of the networks that say so, and a list of functions that run them, `(name, bits, run)`.
///
/// # Errors
/// A network cannot be represented.
pub fn modules() -> Result<String> {
    let (mut text, mut list) = (String::new(), String::new());
    let made = cases()?.into_iter().filter(|(_, made)| *made);
    for ((mut graph, _), (weights, bits)) in made.flat_map(|case| WIDTHS.map(|w| (case.clone(), w)))
    {
        let name = graph.name.clone();
        graph.name = format!("{name}_i{bits}");
        let program = program(&graph, weights)?;
        let origin = Origin {
            model: format!("{name}.onnx"),
            model_sha256: String::new(),
            calibration: String::new(),
            calibration_sha256: String::new(),
            options: String::new(),
        };
        text += &emit(&program, &origin);
        let module = &graph.name;
        let camel: String = module.split('_').map(capitalized).collect();
        let _ = writeln!(
            list,
            "    (\"{name}\", {bits}, |rows| {{\n        let mut model = {module}::{camel}::new();\n        \
             let raw = |row: &Vec<i32>| std::array::from_fn(|i| row[i] as {module}::RawInput);\n        \
             rows.iter().map(|row| model.step_raw(&raw(row)).map(i32::from).to_vec()).collect()\n    }}),"
        );
    }
    let count = list.matches("|rows|").count();
    let _ = writeln!(
        text,
        "#[rustfmt::skip]\nstatic MODULES: [(&str, u32, Run); {count}] = [\n{list}];"
    );
    Ok(text)
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}
