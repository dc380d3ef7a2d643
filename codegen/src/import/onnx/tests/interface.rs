//! Several inputs, and states that are an input and an output.

use super::*;
use crate::data::Vectors;
use crate::graph::Layer;
use crate::settings::{Initial, Partner, StateSettings};

/// A model with these inputs and outputs.
fn with_doors(
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
) -> ModelProto {
    let mut model = model(1, nodes, constants);
    if let Some(graph) = &mut model.graph {
        (graph.input, graph.output) = (inputs, outputs);
    }
    model
}

/// `y = [obs, command] W`, joined as exporters join them, with an input that nothing reads.
fn joined() -> ModelProto {
    let nodes = vec![
        node("Concat", &["obs", "command"], &["all"]).int("axis", -1),
        node("MatMul", &["all", "w"], &["y"]),
    ];
    let inputs = vec![port("unused", &[1, 7]), port("obs", &[0, 2]), port("command", &[0, 1])];
    with_doors(nodes, vec![floats("w", &[3, 1], &[1.0, 2.0, 4.0])], inputs, vec![port("y", &[])])
}

/// An accumulator: `h_out = h_in / 2 + x`, `y = h_out`.
fn accumulator(input: &str, output: &str) -> ModelProto {
    let nodes = vec![
        node("Mul", &[input, "half"], &["kept"]),
        node("Add", &["kept", "x"], &[output]),
        node("Squeeze", &[output, "zero"], &["y"]),
    ];
    with_doors(
        nodes,
        vec![floats("half", &[1], &[0.5]), ints("zero", &[0])],
        vec![port("x", &[1, 2]), port(input, &[1, 1, 2])],
        vec![port("y", &[1, 2]), port(output, &[1, 1, 2])],
    )
}

#[test]
fn several_inputs_are_one_vector_in_the_files_order() {
    let model = joined();
    assert_eq!(output(&model, &[1.0, 10.0, 100.0]), [421.0]);
    let graph = import(&model);
    let names: Vec<String> = (0..3).map(|i| graph.input_name(i)).collect();
    assert_eq!(names, ["obs.0", "obs.1", "command.0"]);
    let simple = simplify(graph);
    assert_eq!(simple.nodes.len(), 1, "the join costs nothing: {:?}", simple.nodes);
}

#[test]
fn tables_name_the_inputs_as_the_file_does_or_number_them() {
    let graph = import(&joined());
    let saved = save(b"");
    let read = |text: &str| {
        let path = saved.folder.path().join("rows.csv");
        fs::write(&path, text).unwrap();
        Vectors::read(&graph, &path, None).map(|vectors| vectors.inputs)
    };
    assert_eq!(read("command.0,obs.0,obs.1\n3,1,2\n").unwrap(), [[1.0, 2.0, 3.0]]);
    assert_eq!(read("x0,x1,x2,y0\n1,2,3,4\n").unwrap(), [[1.0, 2.0, 3.0]]);
    for bad in ["x0,x1\n1,2\n", "obs.0,x1,x2\n1,2,3\n", "x0,x1,x2,x3\n1,2,3,4\n"] {
        let message = read(bad).unwrap_err().to_string();
        assert!(message.contains("does not fit the model's inputs"), "{message}");
    }
}

#[test]
fn an_input_that_is_given_back_is_a_state() {
    for (input, next) in [("h_in", "h_out"), ("h0", "hn"), ("state", "new_state")] {
        let graph = import(&accumulator(input, next));
        assert_eq!((graph.input_len(), graph.output_len(), graph.states.len()), (2, 2, 1));
        assert!(graph.notes.iter().any(|note| note.contains(input)), "{:?}", graph.notes);
        let rows = [vec![1.0, 0.0], vec![0.0, 8.0], vec![0.0, 0.0]];
        let expected = [[1.0, 0.0], [0.5, 8.0], [0.25, 4.0]];
        assert_eq!(reference::run(&graph, &rows), expected);
        assert_eq!(reference::run(&simplify(graph), &rows), expected);
    }
}

#[test]
fn settings_say_what_a_state_becomes_and_starts_from() {
    let model = accumulator("left", "right");
    let pair = ("left".to_owned(), Partner::Output("right".to_owned()));
    let with = |initial: Initial| StateSettings {
        pairs: [pair.clone()].into(),
        initial: [("left".to_owned(), initial)].into(),
        ..StateSettings::default()
    };
    let rows = [vec![0.0, 0.0]];
    let each = import_with(&model, with(Initial::Each(vec![2.0, 4.0]))).unwrap();
    assert_eq!(reference::run(&each, &rows), [[1.0, 2.0]]);
    let all = import_with(&model, with(Initial::All(6.0))).unwrap();
    assert_eq!(reference::run(&all, &rows), [[3.0, 3.0]]);
    let message = import_with(&model, with(Initial::Each(vec![1.0]))).unwrap_err().to_string();
    assert!(message.contains("[state.initial] left") && message.contains("2 numbers"), "{message}");
    let stray = StateSettings {
        initial: [("x".to_owned(), Initial::All(1.0))].into(),
        ..StateSettings::default()
    };
    let message = import_with(&model, stray).unwrap_err().to_string();
    assert!(message.contains("what is no state"), "{message}");
}

#[test]
fn a_state_may_become_the_input_a_constant_or_another_state() {
    let nodes = vec![
        node("Identity", &["x"], &["h1_out"]),
        node("Identity", &["h1_in"], &["h2_out"]),
        node("Identity", &["one"], &["c_out"]),
        node("Add", &["h2_in", "c_in"], &["y"]),
    ];
    let names = ["x", "h1_in", "h2_in", "c_in"];
    let model = with_doors(
        nodes,
        vec![floats("one", &[1, 1], &[100.0])],
        names.iter().map(|name| port(name, &[1, 1])).collect(),
        ["c_out", "h2_out", "y", "h1_out"].iter().map(|name| port(name, &[1, 1])).collect(),
    );
    let graph = import(&model);
    let rows: Vec<Vec<f64>> = [1.0, 2.0, 3.0, 4.0].iter().map(|&x| vec![x]).collect();
    let expected = [[0.0], [100.0], [101.0], [102.0]];
    assert_eq!(reference::run(&graph, &rows), expected);
    assert_eq!(reference::run(&simplify(graph), &rows), expected);
}

#[test]
fn a_state_that_nothing_reads_is_left_out() {
    let nodes =
        vec![node("Tanh", &["x"], &["y"]), node("Add", &["count_in", "one"], &["count_out"])];
    let one = floats("one", &[1], &[1.0]);
    let model = with_doors(
        nodes,
        vec![one],
        vec![port("x", &[1, 2]), port("count_in", &[1, 1])],
        vec![port("y", &[1, 2]), port("count_out", &[1, 1])],
    );
    let pairs = [("count_in".to_owned(), Partner::Output("count_out".to_owned()))].into();
    let graph = import_with(&model, StateSettings { pairs, ..Default::default() }).unwrap();
    assert_eq!((graph.states.len(), graph.nodes.len()), (0, 1));
    assert!(matches!(graph.nodes[0].layer, Layer::Map(_)));
}

#[test]
fn a_state_whose_output_has_another_length_is_refused() {
    let mut model = accumulator("h_in", "h_out");
    if let Some(graph) = &mut model.graph {
        // Only a file without shapes gets this far.
        graph.output[1] = port("h_out", &[]);
        graph.output[1].r#type = None;
        graph.node[1] = node("Concat", &["kept", "kept"], &["h_out"]).int("axis", -1);
        graph.node[2] = node("Tanh", &["x"], &["y"]);
        graph.node.push(node("Add", &["y", "kept"], &["z"]));
        graph.output[0] = port("z", &[]);
    }
    assert_refused(&model.encode_to_vec(), &["changes its shape", "`h_in`"]);
}
