//! Windows that are fed a row a step: their integers are those of the whole window, on every path.

mod program;

use nervecord_codegen::graph::Graph;
use nervecord_codegen::import::onnx::proto::{GraphProto, NodeProto};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Compiled, import};
use nervecord_tests::network::{self, table};
use nervecord_tests::onnx::{self, floats, ints, node, port, with_int};
use nervecord_tests::random::Random;
use program::Desk;

const ROWS: usize = 8;
const FEATURES: usize = 3;
const HISTORY: &str = "[state]\nwindow = \"history\"\n";

/// A graph whose input `x` has the shape `[1, ROWS, FEATURES]`.
fn over_rows(nodes: Vec<NodeProto>, constants: &[(&str, &[i64])]) -> GraphProto {
    let mut random = Random::new(3);
    let weights = constants.iter().map(|(name, dims)| {
        let data = random.row(dims.iter().product::<i64>() as usize, 0.6);
        floats(name, dims, &data.iter().map(|x| *x as f32).collect::<Vec<_>>())
    });
    let mut graph = onnx::graph(1, nodes, weights.collect());
    graph.input = vec![port("x", &[1, ROWS as i64, FEATURES as i64])];
    graph
}

/// Layers on each row, and one on all rows: nothing but rows is kept.
fn mixer() -> GraphProto {
    let nodes = vec![
        node("MatMul", &["x", "w"], &["h"]),
        node("Relu", &["h"], &["r"]),
        node("Flatten", &["r"], &["f"]),
        node("Gemm", &["f", "v"], &["y"]),
    ];
    over_rows(nodes, &[("w", &[3, 4]), ("v", &[32, 2])])
}

/// Two causal convolutions, of which the last row is read.
fn convolutions() -> GraphProto {
    let transpose = {
        let mut op = node("Transpose", &["x"], &["t"]);
        op.attribute.push(nervecord_codegen::import::onnx::proto::AttributeProto {
            name: Some("perm".into()),
            ints: vec![0, 2, 1],
            ..Default::default()
        });
        op
    };
    let nodes = vec![
        transpose,
        node("Pad", &["t", "pads"], &["p"]),
        node("Conv", &["p", "w"], &["c"]),
        node("Relu", &["c"], &["r"]),
        node("Pad", &["r", "pads"], &["q"]),
        node("Conv", &["q", "v"], &["d"]),
        with_int(node("Gather", &["d", "last"], &["y"]), "axis", 2),
    ];
    let mut graph = over_rows(nodes, &[("w", &[4, 3, 3]), ("v", &[2, 4, 3])]);
    let mut last = ints("last", &[ROWS as i64 - 1]);
    last.dims.clear();
    graph.initializer.extend([ints("pads", &[0, 0, 2, 0, 0, 0]), last]);
    graph
}

fn load(graph: GraphProto, settings: &str) -> Graph {
    let desk = Desk::new();
    desk.file("nervecord.toml", settings);
    import::load(&desk.file("net.onnx", onnx::file(graph))).unwrap().graph
}

fn stream(steps: usize) -> Vec<Vec<f64>> {
    let mut random = Random::new(11);
    (0..steps).map(|_| random.row(FEATURES, 0.9)).collect()
}

/// The last rows at each step, zeros before the first.
fn windows(stream: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let row =
        |step: usize| step.checked_sub(ROWS - 1).map_or(vec![0.0; FEATURES], |i| stream[i].clone());
    (0..stream.len()).map(|step| (step..step + ROWS).flat_map(row).collect()).collect()
}

fn compiled(graph: Graph, rows: &[Vec<f64>]) -> Compiled {
    network::compile(graph, Weights::I16, rows).unwrap()
}

/// Weights are rounded by what the data shows, which is not quite the same in rows and in windows.
#[test]
fn the_integers_are_those_of_the_window() {
    let rows = stream(400);
    let windows = windows(&rows);
    for graph in [mixer(), convolutions()] {
        let whole = compiled(load(graph.clone(), ""), &windows);
        let fed = compiled(load(graph, HISTORY), &rows);
        let [unit, own] =
            [&whole, &fed].map(|c| f64::powi(2.0, -(c.program.output.fracs[0] as i32)));
        assert_eq!(unit, own);
        let mut whole = Interpreter::new(&whole.program);
        let mut fed = Interpreter::new(&fed.program);
        let units = rows.iter().zip(&windows).map(|(row, window)| {
            let [a, b] = [fed.step(row).0, whole.step(window).0];
            a.iter().zip(&b).map(|(a, b)| (a - b).abs() / unit).fold(0.0, f64::max)
        });
        let units: Vec<f64> = units.collect();
        assert!(units.iter().all(|units| *units <= 1.0), "{units:?}");
    }
}

#[test]
fn a_table_of_whole_windows_serves_a_network_that_is_fed_rows() {
    let desk = Desk::new();
    desk.file("nervecord.toml", HISTORY);
    desk.file("net.onnx", onnx::file(convolutions()));
    let rows = stream(200);
    desk.file("steps.csv", table(&[], &rows));
    desk.file("windows.csv", table(&[], &windows(&rows)));
    let about = desk.nervecord(&["inspect", "net.onnx"]).done().stdout;
    assert!(
        about.contains("streams `x`: one row of 3 features a step; the 7 rows before it"),
        "{about}"
    );
    let run = |input: &str, out: &str| {
        let args = ["run", "net.onnx", "--calibration", "steps.csv", "--input", input, "-o", out];
        desk.nervecord(&args).done();
        desk.read(out)
    };
    // What convolutions hold before the first step is rounded from float.
    let later = |text: String| text.lines().skip(1 + ROWS).map(str::to_owned).collect::<Vec<_>>();
    let [a, b] = [("steps.csv", "a.csv"), ("windows.csv", "b.csv")].map(|(i, o)| later(run(i, o)));
    assert!(a.len() == 200 - ROWS && a == b);
    desk.nervecord(&["compile", "net.onnx", "--calibration", "windows.csv", "-o", "net.rs"]).done();
    let module = desk.read("net.rs");
    for part in ["pub const INPUTS: usize = 3;", "window of the last 8 rows", "DelayLine"] {
        assert!(module.contains(part), "{part}");
    }
    desk.nervecord(&[
        "verify",
        "net.onnx",
        "--calibration",
        "steps.csv",
        "--vectors",
        "windows.csv",
    ])
    .done();
    desk.file("nervecord.toml", "[state]\nwindow = \"future\"\n");
    desk.nervecord(&["inspect", "net.onnx"]).refused(&["nervecord.toml", "window = \"history\""]);
}
