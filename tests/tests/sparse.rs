//! Leaving out zeros, where it is allowed and pays, changes no bit of what a network computes.

use nervecord_cli::emulate::{Board, Job, Measured, emulate};
use nervecord_codegen::Compiler;
use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::{Dense, Graph, Layer};
use nervecord_codegen::import::Source;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, report};
use nervecord_tests::network::table;

const BOTH: &str = "[sparsity]\nweights = true\nactivations = true\n";
const WEIGHTS: &str = "[sparsity]\nweights = true\n";

/// A number in -1..1 for each index (Weyl's sequence).
fn noise(i: usize) -> f64 {
    (i as f64 * 0.754_877_666_246_693 + 0.5).fract() * 2.0 - 1.0
}

/// 300 inputs; a layer that is mostly pruned, one row of it wholly and one with its only weight
/// last; then a layer whose inputs are mostly silent.
fn network() -> (Graph, Vec<Vec<f64>>) {
    let pruned = |r: usize, c: usize| match r {
        0 => 0.0,
        1 => f64::from(u8::from(c == 299)),
        _ if (r * 300 + c) % 11 == 3 => noise(r * 300 + c),
        _ => 0.0,
    };
    let hidden = Dense::new(
        (0..72).map(|r| (0..300).map(|c| pruned(r, c)).collect()).collect(),
        (0..72).map(|r| noise(r) * 0.3 - 2.5).collect(),
    );
    let output = Dense::new(
        (0..21).map(|r| (0..72).map(|c| noise(99_999 + r * 72 + c)).collect()).collect(),
        vec![0.1; 21],
    );
    let mut graph = Graph::new("sparse", "x", 300);
    let x = graph.push("hidden", Layer::Dense(hidden), &[graph.input]).unwrap();
    let x = graph.push("relu", Layer::Map(Expr::relu()), &[x]).unwrap();
    graph.push("output", Layer::Dense(output), &[x]).unwrap();
    (graph, (0..40).map(|r| (0..300).map(|c| noise(31 * r + 7 * c)).collect()).collect())
}

fn compiled(settings: &str, weights: Weights) -> Compiled {
    let (graph, rows) = network();
    compile(graph, &rows, settings, weights)
}

fn compile(graph: Graph, rows: &[Vec<f64>], settings: &str, weights: Weights) -> Compiled {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("nervecord.toml"), settings).unwrap();
    let calibration = folder.path().join("calibration.csv");
    std::fs::write(&calibration, table(&[], rows)).unwrap();
    let path = folder.path().to_owned();
    let source = Source { graph, path: path.clone(), sha256: String::new() };
    let compiler = Compiler::new(path).calibration(&calibration).weights(weights).name("model");
    compiler.build_from(source).unwrap_or_else(|error| panic!("{error}"))
}

fn kinds(compiled: &Compiled) -> Vec<&str> {
    compiled.program.layers.iter().map(|layer| layer.kind.as_str()).collect()
}

/// The calibration rows as integers, then their extremes.
fn inputs(compiled: &Compiled) -> Vec<Vec<i32>> {
    let input = &compiled.program.input;
    let rows = compiled.calibration.rows.iter().map(|row| input.to_raws(row));
    rows.chain([-32768, 0, 32767].map(|x| vec![x; input.features()])).collect()
}

fn outputs(compiled: &Compiled) -> Vec<Vec<i32>> {
    let mut host = Interpreter::new(&compiled.program);
    inputs(compiled).iter().map(|row| host.step_raw(row).0).collect()
}

#[test]
fn zeros_are_left_out_where_allowed_and_no_bit_changes() {
    for (weights, i) in [(Weights::I8, "i8"), (Weights::I16, "i16")] {
        let [whole, pruned, both] = ["", WEIGHTS, BOTH].map(|text| compiled(text, weights));
        let dense = [format!("dense {i} relu"), format!("dense {i}")];
        assert_eq!(kinds(&whole), dense);
        assert_eq!(kinds(&pruned), [format!("dense {i} pruned relu"), dense[1].clone()]);
        assert_eq!(kinds(&both), [format!("dense {i} pruned relu"), format!("dense {i} lazy")]);
        assert_eq!(outputs(&pruned), outputs(&whole));
        assert_eq!(outputs(&both), outputs(&whole));
        assert!(pruned.program.table_bytes() < whole.program.table_bytes());
    }
}

#[test]
fn a_time_that_depends_on_the_input_is_said() {
    let both = compiled(BOTH, Weights::I8);
    assert!(!both.program.constant_time());
    assert!(both.module().contains("in a time that depends on them"));
    let said = report::render(&both);
    for part in ["% of the weights are zero", "of the inputs are zero", "depends on the input"] {
        assert!(said.contains(part), "{part:?} is not in\n{said}");
    }
    let pruned = compiled(WEIGHTS, Weights::I8);
    assert!(pruned.program.constant_time());
    assert!(!report::render(&pruned).contains("depends on the input"));
}

#[test]
fn nothing_is_left_out_where_it_does_not_pay() {
    let (mut graph, rows) = network();
    for node in &mut graph.nodes {
        if let Layer::Dense(dense) = &mut node.layer {
            dense.bias.fill(9.0);
            dense.weights.iter_mut().flatten().for_each(|w| *w += 0.01);
        }
    }
    let full = compile(graph, &rows, BOTH, Weights::I16);
    assert_eq!(kinds(&full), ["dense i16 relu", "dense i16"]);
}

fn run(board: &str, settings: &str) -> Measured {
    let compiled = compiled(settings, Weights::I8);
    let job = Job::of("sparse", &compiled, inputs(&compiled)).unwrap();
    let board = Board::find(board).unwrap();
    let measured = emulate(&board, &job).unwrap_or_else(|error| panic!("{error}"));
    let rows = job.expected.as_ref().unwrap();
    assert_eq!(measured.equal_rows(rows), rows.len(), "{} differs from the host", board.name);
    measured
}

fn pays(board: &str) {
    let [whole, pruned, both] = ["", WEIGHTS, BOTH].map(|settings| run(board, settings));
    assert_eq!(pruned.min(), pruned.max(), "a pruned layer's time depends on the input");
    assert!(pruned.max() < whole.max(), "{} for {}", pruned.max(), whole.max());
    assert!(both.mean() < pruned.mean(), "{} for {}", both.mean(), pruned.mean());
    assert!(both.min() < both.max());
}

/// Counted instructions, so that this is no timed test.
#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn leaving_out_zeros_pays_on_cortex_m4f() {
    pays("qemu-cortex-m4");
}

#[test]
#[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
fn leaving_out_zeros_pays_on_cortex_m0() {
    pays("qemu-cortex-m0");
}
