//! Small networks whose verdicts are known.

use std::path::PathBuf;

use super::*;
use crate::calibrate::Calibration;
use crate::choose::quantize;
use crate::graph::{Dense, Graph, Layer, Part};
use crate::import::Source;
use crate::options::{Options, Weights};
use crate::settings::{Settings, Units};
use crate::simplify::simplify;

/// A network of two inputs as integers, calibrated on a circle of radius 1.
fn compiled(graph: Graph, options: Options) -> Compiled {
    let angles = (0..400).map(|i| f64::from(i) / 400.0 * std::f64::consts::TAU);
    let inputs = graph.input_len();
    let row = |angle: f64| [angle.cos(), angle.sin()].into_iter().cycle().take(inputs).collect();
    let calibration = Calibration::of(angles.map(row).collect());
    let source = Source { graph, path: PathBuf::from("net"), sha256: String::new() };
    let graph = simplify(source.graph.clone());
    let program = quantize(&graph, &calibration, &options).unwrap();
    let units = Units::default();
    let settings = Settings::default();
    Compiled { source, graph, calibration, options, units, settings, program }
}

fn dense(weights: &[&[f64]], bias: &[f64]) -> Layer {
    let weights = weights.iter().map(|row| row.to_vec()).collect();
    Layer::Dense(Dense::new(weights, bias.to_vec()))
}

/// One dense layer after two inputs.
fn linear(weights: &[&[f64]], bias: &[f64]) -> Graph {
    let mut graph = Graph::new("net", "x", 2);
    graph.push("fc", dense(weights, bias), &[0]).unwrap();
    graph
}

/// Two classes, told by which input is larger, with `last` at the end.
fn classifier(last: Layer) -> Graph {
    let mut graph = linear(&[&[4.0, 0.0], &[0.0, 4.0]], &[0.0, 0.0]);
    graph.push("head", last, &[1]).unwrap();
    graph
}

/// The same with its classes exchanged: integers that are wrong.
fn turned(mut right: Compiled, last: Layer) -> Compiled {
    let mut graph = linear(&[&[0.0, 4.0], &[4.0, 0.0]], &[0.0, 0.0]);
    graph.push("head", last, &[1]).unwrap();
    right.program = compiled(graph, right.options.clone()).program;
    right
}

fn rows(rows: &[[f64; 2]]) -> Vec<Vec<f64>> {
    rows.iter().map(|row| row.to_vec()).collect()
}

/// Forty rows within the circle.
fn inputs() -> Vec<Vec<f64>> {
    let row = |i: u32| {
        let angle = f64::from(i * i) * 0.37;
        vec![0.9 * angle.cos(), 0.9 * angle.sin()]
    };
    (0..40).map(row).collect()
}

fn with_outputs(compiled: &Compiled, inputs: Vec<Vec<f64>>) -> Vectors {
    let outputs = crate::reference::run(&compiled.source.graph, &inputs);
    Vectors { outputs: Some(outputs), ..Vectors::of(inputs) }
}

/// Every number of the verdict, as another program reads it.
fn numbers(v: &Verification) -> serde_json::Value {
    let json: serde_json::Value = serde_json::from_str(&crate::report::json(v).unwrap()).unwrap();
    for key in [
        "max_error",
        "p999_error",
        "rms_error",
        "max_relative_error",
        "p999_relative_error",
        "relative_error",
        "allowed_relative_error",
    ] {
        assert!(json[key].is_number(), "{key}: {json}");
    }
    json
}

#[test]
fn a_good_network_passes_with_all_its_numbers() {
    let compiled = compiled(linear(&[&[1.0, -0.5], &[0.25, 2.0]], &[0.0, 0.1]), Options::default());
    let v = verify(&compiled, &with_outputs(&compiled, inputs()));
    assert!(v.passed, "{}", v.verdict);
    assert!(v.max_error > 0.0 && v.max_error < 0.01, "{v:?}");
    assert!(v.rms_error <= v.p999_error && v.p999_error <= v.max_error);
    assert!(v.relative_error < 0.02 && v.relative_error > 0.0);
    assert_eq!(v.outputs.len(), 2);
    assert!(v.r2.unwrap() > 0.999 && v.outputs[1].r2.unwrap() > 0.999);
    assert!(v.verdict.contains("On 40 rows") && v.verdict.contains("nervecord compile"));
    assert!(!v.classifier && v.same_class.is_none());
    numbers(&v);
}

#[test]
fn one_row_is_enough_to_pass_and_to_fail() {
    let compiled = compiled(linear(&[&[1.0, -0.5]], &[0.0]), Options::default());
    let one = || vec![vec![0.3, 0.4]];
    let v = verify(&compiled, &with_outputs(&compiled, one()));
    assert!(v.passed && v.r2.is_none(), "{}", v.verdict);
    assert!((v.outputs[0].unit - 0.79).abs() < 0.01, "the calibration's: {:?}", v.outputs);
    // One row's error is allowed three times the RMS, and no more.
    assert!((v.allowed_relative_error - 0.06).abs() < 1e-12);
    let mut wrong = compiled;
    let Layer::Dense(layer) = &mut wrong.source.graph.nodes[0].layer else { unreachable!() };
    layer.bias[0] = 0.07;
    let v = verify(&wrong, &Vectors::of(one()));
    assert!(!v.passed && v.faults[0].contains("RMS error"), "{:?}", v.faults);
}

#[test]
fn constant_outputs_are_measured_in_their_size() {
    let graph = linear(&[&[1.0, 0.0], &[0.0, 0.0], &[0.0, 0.0]], &[0.0, 5.0, 0.0]);
    let mut compiled = compiled(graph, Options::default());
    let v = verify(&compiled, &with_outputs(&compiled, inputs()));
    assert!(v.passed, "{}", v.verdict);
    assert_eq!((v.outputs[1].unit, v.outputs[2].unit), (5.0, 5.0));
    assert!(v.outputs[1].r2.is_none() && v.r2.unwrap() > 0.999);
    let Layer::Dense(layer) = &mut compiled.source.graph.nodes[0].layer else { unreachable!() };
    layer.bias[1] = 6.0;
    let v = verify(&compiled, &Vectors::of(inputs()));
    assert!(!v.passed && (v.outputs[1].relative_error - 1.0 / 6.0).abs() < 0.01, "{:?}", v.outputs);
}

#[test]
fn a_value_that_is_not_finite_is_a_fault_with_its_row_and_output() {
    let mut graph = Graph::new("net", "x", 2);
    graph.push("square", Layer::Mul, &[0, 0]).unwrap();
    let compiled = compiled(graph, Options::default());
    let mut vectors = Vectors::of(rows(&[[0.5, 0.5], [0.1, 1e200], [-0.5, 0.2]]));
    let v = verify(&compiled, &vectors);
    assert!(!v.passed && v.finite_rows == 2 && v.max_error < 0.01, "{v:?}");
    assert!(v.faults[0].contains("row 2: the float network's output y1 is inf"), "{:?}", v.faults);
    numbers(&v);
    vectors.outputs = Some(rows(&[[0.25, f64::NAN], [0.0, 0.0], [0.25, 0.04]]));
    let v = verify(&compiled, &vectors);
    assert!(v.faults[0].contains("row 1: the vectors' output y1 is NaN"), "{:?}", v.faults);
    assert!(v.faults[0].contains("1 more rows"), "{:?}", v.faults);
    let none = verify(&compiled, &Vectors::of(rows(&[[1e200, 1e200]])));
    assert!(!none.passed && none.finite_rows == 0, "{none:?}");
    numbers(&none);
}

#[test]
fn small_outputs_must_be_the_vectors_too() {
    let compiled = compiled(linear(&[&[1e-3, 0.0]], &[0.0]), Options::default());
    let mut vectors = with_outputs(&compiled, inputs());
    assert!(verify(&compiled, &vectors).passed);
    vectors.outputs.as_mut().unwrap()[3][0] += 1e-6;
    let v = verify(&compiled, &vectors);
    assert!(!v.passed && v.faults[0].contains("row 4"), "{:?}", v.faults);
    assert!(v.verdict.contains("mend the vectors"), "{}", v.verdict);
    assert!((v.float_max_error.unwrap() - 1e-6).abs() < 1e-9);
}

#[test]
fn the_noise_of_single_precision_is_not_a_fault() {
    // Terms of 1,000 that cancel: single precision keeps three digits of the sum.
    let n = 64;
    let weight = |i: usize| if i % 4 < 2 { 1000.0 } else { -1000.0 } + (i as f64).sin() * 0.2;
    let weights: Vec<f64> = (0..n).map(weight).collect();
    let mut graph = Graph::new("net", "x", n);
    graph.push("fc", dense(&[&weights], &[0.0]), &[0]).unwrap();
    let compiled = compiled(graph, Options { weights: Weights::I16, ..Options::default() });
    let row = |i: usize| (0..n).map(|k| ((i + 2 * (k / 2)) as f64 * 0.7).cos()).collect();
    let inputs: Vec<Vec<f64>> = (0..40).map(row).collect();
    // Another program sums in another order.
    let sum = |row: &Vec<f64>| {
        let term = |(w, x): (&f64, &f64)| *w as f32 * *x as f32;
        vec![f64::from(weights.iter().zip(row).rev().map(term).sum::<f32>())]
    };
    let outputs: Vec<Vec<f64>> = inputs.iter().map(sum).collect();
    let mut vectors = Vectors { outputs: Some(outputs), ..Vectors::of(inputs) };
    let v = verify(&compiled, &vectors);
    let foreign =
        |v: &Verification| v.faults.iter().any(|f| f.contains("differs from the vectors"));
    assert!(!foreign(&v), "{:?}", v.faults);
    let (relative, allowed) = (v.float_relative_error.unwrap(), v.float_tolerance.unwrap());
    assert!(relative > 0.0 && allowed < 1e-3, "{relative} {allowed}");
    vectors.outputs.as_mut().unwrap()[0][0] += 2.0 * allowed * v.outputs[0].unit;
    assert!(foreign(&verify(&compiled, &vectors)));
}

#[test]
fn a_softmax_makes_a_classifier_which_is_judged_by_its_classes() {
    let compiled = compiled(classifier(Layer::Softmax), Options::default());
    let v = verify(&compiled, &with_outputs(&compiled, inputs()));
    assert!(v.passed && v.classifier, "{}", v.verdict);
    assert_eq!((v.same_class, v.decided_flips, v.accuracy), (Some(40), Some(0), None));
    let wrong = turned(compiled, Layer::Softmax);
    let v = verify(&wrong, &Vectors::of(inputs()));
    assert!(!v.passed && v.decided_flips.unwrap() > 30, "{v:?}");
    assert!(v.faults[0].contains("where float is decided"), "{:?}", v.faults);
    // Undecided rows are no fault.
    let even = verify(&wrong, &Vectors::of(rows(&[[0.5, 0.5001], [0.3001, 0.3]])));
    assert!(even.passed && even.same_class == Some(0), "{}", even.verdict);
    assert!(even.verdict.contains("float is undecided itself"), "{}", even.verdict);
}

#[test]
fn right_classes_do_not_excuse_scores_that_are_far_off() {
    let compiled = |bias: &[f64]| {
        let mut graph = classifier(Layer::Select(vec![0, 1]));
        graph.push("out", dense(&[&[1.0, 0.0], &[0.0, 1.0]], bias), &[2]).unwrap();
        compiled(graph, Options::default())
    };
    let mut off = compiled(&[0.0, 0.0]);
    off.program = compiled(&[9.0, 9.0]).program;
    let labels = Some(vec![0; 40]);
    let v = verify(&off, &Vectors { labels, ..Vectors::of(inputs()) });
    assert_eq!((v.passed, v.decided_flips), (false, Some(0)), "{v:?}");
    assert!(v.faults[0].contains("even where the classes are right"), "{:?}", v.faults);
}

#[test]
fn a_class_that_never_has_a_score_does_not_make_errors_large() {
    let mut graph = linear(&[&[4.0, 0.0], &[0.0, 4.0], &[0.0, 0.0]], &[0.0, 0.0, -16.0]);
    graph.push("head", Layer::Softmax, &[1]).unwrap();
    let compiled = compiled(graph, Options::default());
    let v = verify(&compiled, &with_outputs(&compiled, inputs()));
    assert!(v.passed && v.relative_error < 0.02, "{}", v.verdict);
}

#[test]
fn an_argmax_is_compared_by_the_scores_it_chooses_from() {
    let compiled = compiled(classifier(Layer::ArgMax), Options::default());
    let mut vectors = with_outputs(&compiled, inputs());
    let v = verify(&compiled, &vectors);
    assert!(v.passed && v.compared == "scores", "{}", v.verdict);
    assert_eq!((v.outputs.len(), v.outputs[1].name.as_str()), (2, "score1"));
    assert!(v.max_error > 0.0 && v.max_error < 0.05 && v.r2.unwrap() > 0.999, "{v:?}");
    vectors.labels = Some(vec![0; 40]);
    assert!(verify(&compiled, &vectors).accuracy.is_some_and(|a| a > 0.2 && a < 0.8));
    let given = &mut vectors.outputs.as_mut().unwrap()[7][0];
    *given = 1.0 - *given;
    let v = verify(&compiled, &vectors);
    assert!(!v.passed && v.faults[0].contains("row 8"), "{:?}", v.faults);
    let v = verify(&turned(compiled, Layer::ArgMax), &Vectors::of(inputs()));
    assert!(!v.passed && v.decided_flips.unwrap() > 30, "{v:?}");
}

#[test]
fn labels_make_a_classifier_of_any_network() {
    let compiled = compiled(linear(&[&[1.0, 0.0], &[0.0, 1.0]], &[0.0, 0.0]), Options::default());
    let labels: Vec<usize> = inputs().iter().map(|x| usize::from(x[1] > x[0])).collect();
    let v = verify(&compiled, &Vectors { labels: Some(labels), ..Vectors::of(inputs()) });
    assert!(v.passed && v.classifier && v.accuracy == Some(1.0), "{v:?}");
    assert!(v.verdict.contains("same class on 40 of 40 rows"), "{}", v.verdict);
}

#[test]
fn vectors_without_outputs_are_compared_with_float_only_and_it_says_so() {
    let compiled = compiled(linear(&[&[1.0, -0.5]], &[0.0]), Options::default());
    let v = verify(&compiled, &Vectors::of(inputs()));
    assert!(v.passed && v.float_max_error.is_none() && v.float_tolerance.is_none());
    assert!(v.verdict.contains("no columns y0"), "{}", v.verdict);
}

#[test]
fn inputs_beyond_the_calibration_are_named() {
    let compiled = compiled(linear(&[&[1.0, -0.5]], &[0.0]), Options::default());
    let mut beyond = inputs();
    beyond[5][1] = -7.5;
    let v = verify(&compiled, &Vectors::of(beyond));
    assert!(!v.passed && v.saturated_rows == 1, "{v:?}");
    let [input] = &v.saturated_inputs[..] else { panic!("{:?}", v.saturated_inputs) };
    assert_eq!((input.name.as_str(), input.rows, input.range), ("x1", 1, [-7.5, -7.5]));
    assert!(v.verdict.contains("x1 (1 row, -7.5 where -1.0 to 1.0 was seen)"), "{}", v.verdict);
}

#[test]
fn advice_leads_to_something_not_yet_done() {
    let advice = |weights, wrong: f64| {
        let options = Options { weights, ..Options::default() };
        let mut compiled = compiled(linear(&[&[1.0, -0.5]], &[0.0]), options);
        let Layer::Dense(layer) = &mut compiled.source.graph.nodes[0].layer else { unreachable!() };
        layer.bias[0] = wrong;
        let v = verify(&compiled, &Vectors::of(inputs()));
        assert!(!v.passed);
        v.verdict
    };
    assert!(advice(Weights::I8, 0.5).contains("`--weights auto`"));
    let wide = advice(Weights::I16, 0.5);
    assert!(!wide.contains("--weights") && wide.contains("as wide as they get"), "{wide}");
    let auto = advice(Weights::Auto, 0.5);
    assert!(auto.contains("`--weights 16`"), "{auto}");
}

#[test]
fn a_recurrent_network_starts_again_where_a_sequence_does() {
    let mut graph = Graph::new("net", "x", 2);
    let state = graph.push_state("sum", vec![0.0]);
    let all = graph.push("all", Layer::Concat, &[0, state]).unwrap();
    let sum = graph.push("add", dense(&[&[1.0, 0.0, 0.5]], &[0.0]), &[all]).unwrap();
    graph.close_state(state, sum).unwrap();
    let compiled = compiled(graph, Options::default());
    let outputs = [[0.4], [0.6], [0.4], [0.6]].map(|y| y.to_vec()).to_vec();
    let mut vectors = Vectors {
        outputs: Some(outputs.clone()),
        states: Some(States { places: vec![0], rows: outputs }),
        starts: vec![0, 2],
        ..Vectors::of(rows(&[[0.4, 0.0]; 4]))
    };
    let v = verify(&compiled, &vectors);
    assert!(v.passed && v.state_max_error.unwrap() < 0.01, "{v:?}");
    vectors.starts = vec![0];
    let v = verify(&compiled, &vectors);
    assert!(v.faults[0].contains("in time order from a reset"), "{:?}", v.faults);
}

/// An action, the index of the larger of two scores, beside a value of another size.
fn actor_and_critic() -> Compiled {
    let mut graph = linear(&[&[4.0, 0.0], &[0.0, 4.0], &[30.0, -200.0]], &[0.0, 0.0, -50.0]);
    let scores = graph.push("scores", Layer::Select(vec![0, 1]), &[1]).unwrap();
    let action = graph.push("action", Layer::ArgMax, &[scores]).unwrap();
    let value = graph.push("value", Layer::Select(vec![2]), &[1]).unwrap();
    graph.push("outputs", Layer::Concat, &[action, value]).unwrap();
    graph.outputs = vec![Part::of("action", 1), Part::of("value", 1)];
    compiled(graph, Options::default())
}

#[test]
fn an_index_beside_other_outputs_is_judged_where_float_is_decided() {
    let compiled = actor_and_critic();
    assert!(compiled.program.promise.as_ref().unwrap().is_kept(), "{:?}", compiled.program.promise);
    let mut inputs = inputs();
    // The scores differ by less than a bit: either class is right.
    let close = (0..20).map(|i| vec![0.5, 0.5 + f64::from(i) * 1e-6]);
    inputs.extend(close);
    let v = verify(&compiled, &Vectors::of(inputs.clone()));
    assert!(v.passed && v.outputs[0].name == "action.0" && v.outputs[0].max_error == 0.0, "{v:?}");
    let mut wrong = self::compiled(compiled.source.graph.clone(), Options::default());
    let Layer::Dense(first) = &mut wrong.graph.nodes[0].layer else { panic!("{wrong:?}") };
    first.weights.swap(0, 1);
    wrong.program = quantize(&wrong.graph, &wrong.calibration, &wrong.options).unwrap();
    let v = verify(&wrong, &Vectors::of(inputs));
    assert!(!v.passed && v.outputs[0].max_error == 1.0 && v.outputs[1].max_error > 0.0, "{v:?}");
}

#[test]
fn vectors_of_the_first_output_are_told_to_be_that() {
    let compiled = actor_and_critic();
    let exact = |x: &Vec<f64>| vec![f64::from(u8::from(x[1] > x[0]))];
    let mut given: Vec<Vec<f64>> = inputs().iter().map(exact).collect();
    let of =
        |given: &[Vec<f64>]| Vectors { outputs: Some(given.to_vec()), ..Vectors::of(inputs()) };
    let v = verify(&compiled, &of(&given));
    assert!(v.passed, "{:?}", v.faults);
    assert!(v.verdict.contains("the first 1 of 2 outputs, taken as action.0"), "{}", v.verdict);
    given[3][0] = 1.0 - given[3][0];
    let v = verify(&compiled, &of(&given));
    assert!(v.faults[0].contains("output action.0") && v.faults[0].contains("--output NAME"));
}

#[test]
fn tables_name_hidden_states_and_cells_apart() {
    let mut graph = Graph::new("net", "x", 1);
    for name in ["h_in", "c_in", "/lstm_cell/h.1", "/rnn_h/lstm.c"] {
        let state = graph.push_state(name, vec![0.0; 2]);
        let next = graph.push(name, Layer::Select(vec![0, 0]), &[0]).unwrap();
        graph.close_state(state, next).unwrap();
    }
    graph.push("y", Layer::Select(vec![0]), &[0]).unwrap();
    assert_eq!(graph.state_columns().join(","), "h0,h1,c0,c1,h2,h3,c2,c3");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Vectors::read(&graph, &path, None).map(|vectors| vectors.states)
    };
    let all = read("x0,c0,c1,c2,c3,h0,h1,h2,h3\n9,4,5,6,7,0,1,2,3\n").unwrap().unwrap();
    assert_eq!(all.places, [0, 1, 4, 5, 2, 3, 6, 7]);
    assert_eq!(all.rows, [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]);
    let hidden = read("x0,h0,h1,h2,h3\n9,0,1,2,3\n").unwrap().unwrap();
    assert_eq!(hidden.places, [0, 1, 4, 5]);
    assert_eq!(read("x0\n9\n").unwrap(), None);
    assert!(read("x0,c0\n9,1\n").unwrap_err().to_string().contains("4 state columns"));
}
