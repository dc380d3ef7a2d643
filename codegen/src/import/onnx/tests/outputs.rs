//! Heads of classifiers, and files with several outputs.

use super::*;

fn names(graph: &Graph) -> Vec<String> {
    graph.classes.clone().unwrap().names
}

fn strings(name: &str, text: &[&str]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: vec![text.len() as i64],
        data_type: Some(8),
        string_data: text.iter().map(|t| t.as_bytes().to_vec()).collect(),
        ..TensorProto::default()
    }
}

/// scikit-learn's tail: probabilities `p`, and a label `l` picked from the constant `classes`.
fn classifier(classes: TensorProto) -> ModelProto {
    let nodes = vec![
        node("Softmax", &["x"], &["p"]).int("axis", 1),
        node("ArgMax", &["p"], &["i"]).int("axis", 1),
        node("ArrayFeatureExtractor", &["classes", "i"], &["c"]).in_domain("ai.onnx.ml"),
        node("Reshape", &["c", "one"], &["l"]),
        node("ZipMap", &["p"], &["z"]).in_domain("ai.onnx.ml"),
    ];
    model(3, nodes, vec![classes, ints("one", &[-1])])
}

#[test]
fn class_names_are_strings_or_numbers() {
    let text = with_outputs(classifier(strings("classes", &["ash", "elm", "oak"])), &["l", "p"]);
    let graph = import(&text);
    assert_eq!(names(&graph), ["ash", "elm", "oak"]);
    assert_eq!(graph.output_len(), 3);
    assert_eq!(graph.nodes.len(), 1, "the label's branch is gone");
    let numbers = with_outputs(classifier(ints("classes", &[3, 10, 77])), &["l", "p"]);
    assert_eq!(names(&import(&numbers)), ["3", "10", "77"]);
}

#[test]
fn zip_map_is_left_out_with_a_note() {
    let graph = import(&with_outputs(classifier(ints("classes", &[0, 1, 2])), &["l", "z"]));
    assert_eq!(graph.output_len(), 3);
    assert!(graph.notes.iter().any(|n| n.contains("ZipMap")), "{:?}", graph.notes);
}

#[test]
fn a_label_alone_is_an_index_or_keeps_its_scores() {
    let plain = import(&with_outputs(classifier(ints("classes", &[0, 1, 2])), &["l"]));
    assert_eq!(plain.nodes.last().unwrap().layer.kind(), "argmax");
    let named = import(&with_outputs(classifier(ints("classes", &[5, 6, 7])), &["l"]));
    assert_eq!((named.output_len(), names(&named).len()), (3, 3));
}

#[test]
fn an_index_beside_its_scores_is_a_label() {
    let nodes = vec![
        node("Relu", &["x"], &["scores"]),
        node("ArgMax", &["scores"], &["index"]).int("axis", -1).int("keepdims", 0),
    ];
    let graph = import(&with_outputs(model(3, nodes, vec![]), &["index", "scores"]));
    assert_eq!(names(&graph), ["0", "1", "2"]);
}

#[test]
fn label_encoders_translate_indices() {
    let encoder = node("LabelEncoder", &["i"], &["l"])
        .in_domain("ai.onnx.ml")
        .ints("keys_int64s", &[0, 1])
        .with("values_strings", |a| a.strings = vec![b"no".to_vec(), b"yes".to_vec()]);
    let nodes = vec![
        node("Sigmoid", &["x"], &["p"]),
        node("ArgMax", &["p"], &["i"]).int("axis", 1),
        encoder,
    ];
    let graph = import(&with_outputs(model(2, nodes, vec![]), &["l", "p"]));
    assert_eq!(names(&graph), ["no", "yes"]);
}

#[test]
fn columns_of_one_tensor_are_that_tensor() {
    let nodes =
        vec![node("Softmax", &["x"], &["p"]), node("Split", &["p"], &["a", "b"]).int("axis", 1)];
    let graph = import(&with_outputs(model(2, nodes, vec![]), &["a", "b"]));
    assert_eq!((graph.output_len(), graph.nodes.len()), (2, 1));
}

/// Names of the outputs of the file `model`, those chosen, with the notes.
fn chosen(model: &ModelProto, names: &[&str]) -> Result<(Graph, String)> {
    let saved = save(&model.encode_to_vec());
    let mut settings = Settings::default();
    settings.outputs = names.iter().map(|name| (*name).to_owned()).collect();
    let (graph, _) = super::super::load(&saved.path, "net", &settings)?;
    let notes = graph.notes.join("\n");
    Ok((graph, notes))
}

#[test]
fn one_output_in_several_widths_is_chosen_at_each_step() {
    let nodes = vec![
        node("Relu", &["x"], &["h"]),
        node("MatMul", &["h", "w"], &["narrow"]),
        node("MatMul", &["h", "v"], &["wide"]),
        node("ArgMax", &["h"], &["index"]).int("axis", -1).int("keepdims", 0),
    ];
    let constants = vec![floats("w", &[2, 2], &[1.0; 4]), floats("v", &[2, 2], &[2.0; 4])];
    let file = with_outputs(model(2, nodes, constants), &["narrow", "wide", "h", "index"]);
    let saved = save(&file.encode_to_vec());
    let load = |widths: &[&str]| {
        let mut settings = Settings::default();
        settings.widths = widths.iter().map(|name| (*name).to_owned()).collect();
        super::super::load(&saved.path, "net", &settings).map(|(graph, _)| graph)
    };
    let graph = load(&["narrow", "wide"]).unwrap();
    let names: Vec<&str> = graph.widths().into_iter().map(|(name, _)| name).collect();
    assert_eq!((names, graph.output_len()), (vec!["narrow", "wide"], 2));
    assert!(graph.notes.iter().any(|note| note.contains("narrow, wide")));
    for (widths, part) in [
        (vec!["wide"], "2 to 16 outputs"),
        (vec!["narrow", "index"], "[2, 1]"),
        (vec!["narrow", "broad"], "`broad`"),
        (vec!["wide", "wide"], "`wide`"),
    ] {
        let message = load(&widths).unwrap_err().to_string();
        assert!(message.contains(part) && message.contains("widths"), "{widths:?}: {message}");
    }
}

/// An actor and a critic: `mean` of two features, `value` of one, `odd` by an operator that nobody knows, and `same`.
fn actor_and_critic() -> ModelProto {
    let nodes = vec![
        node("Relu", &["x"], &["h"]),
        node("Tanh", &["h"], &["mean"]),
        node("Frobnicate", &["h"], &["odd"]),
        node("MatMul", &["h", "w"], &["value"]),
        node("Identity", &["one"], &["same"]),
    ];
    let constants = vec![floats("w", &[2, 1], &[100.0, 200.0]), floats("one", &[1], &[1.0])];
    with_outputs(model(2, nodes, constants), &["mean", "odd", "value", "same"])
}

#[test]
fn several_outputs_are_one_vector_and_what_is_not_supported_is_told() {
    let (graph, notes) = chosen(&actor_and_critic(), &[]).unwrap();
    let names: Vec<String> = (0..graph.output_len()).map(|i| graph.output_name(i)).collect();
    assert_eq!(names, ["mean.0", "mean.1", "value.0"]);
    assert_eq!(graph.input_name(1), "x.1");
    for part in ["mean, value", "`odd` is left out: node `odd`", "`same` is left out"] {
        assert!(notes.contains(part), "`{part}` is not in:\n{notes}");
    }
    let y = reference::run(&graph, &[vec![1.0, 2.0]]).remove(0);
    assert_close(&y, &[1f64.tanh(), 2f64.tanh(), 500.0]);
}

#[test]
fn an_output_that_is_chosen_stands_alone_and_has_its_own_order() {
    let (graph, notes) = chosen(&actor_and_critic(), &["value"]).unwrap();
    assert_eq!((graph.output_len(), graph.output_name(0)), (1, "y0".to_owned()));
    assert_eq!(notes, "the dynamic batch axis is taken as 1");
    let (graph, _) = chosen(&actor_and_critic(), &["value", "mean"]).unwrap();
    assert_eq!(graph.output_name(1), "mean.0");
    for (names, parts) in [
        (vec!["net.rs"], ["outputs of the file: mean, odd, value, same", "`net.rs`"]),
        (vec!["mean", "mean"], ["or twice", "`mean`"]),
        (vec!["odd"], ["`Frobnicate` is not supported", "node `odd`"]),
        (vec!["mean", "same"], ["output `same`", "does not depend on the input"]),
    ] {
        let message = chosen(&actor_and_critic(), &names).unwrap_err().to_string();
        parts.iter().for_each(|part| assert!(message.contains(part), "`{part}`:\n{message}"));
    }
}

#[test]
fn a_file_of_which_no_output_is_supported_says_why() {
    let nodes = vec![node("Frobnicate", &["x"], &["h"]), node("Relu", &["h"], &["a"])];
    let bad = with_outputs(model(2, nodes, vec![]), &["h", "a"]);
    assert_refused(&bad.encode_to_vec(), &["`Frobnicate` is not supported", "node `h`"]);
}

#[test]
fn inputs_that_lead_to_no_chosen_output_are_not_the_callers() {
    let nodes = vec![node("Relu", &["x"], &["a"]), node("Add", &["x", "time"], &["b"])];
    let mut model = with_outputs(model(2, nodes, vec![]), &["a", "b"]);
    model.graph.iter_mut().for_each(|graph| graph.input.push(port("time", &[1, 1])));
    assert_eq!(chosen(&model, &[]).unwrap().0.input_len(), 3);
    assert_eq!(chosen(&model, &["a"]).unwrap().0.input_len(), 2);
}

/// Each output has its own number format, whatever the others' sizes are.
#[test]
fn outputs_of_different_size_keep_their_precision() {
    let (graph, _) = chosen(&actor_and_critic(), &[]).unwrap();
    let rows: Vec<Vec<f64>> =
        (0..400).map(|i| [0.37, 0.61].map(|f| (f64::from(i) * f).sin()).to_vec()).collect();
    let graph = simplify(graph);
    let calibration = crate::calibrate::Calibration::of(rows.clone());
    let options = crate::options::Options {
        weights: crate::options::Weights::I16,
        ..crate::options::Options::default()
    };
    let program = crate::choose::quantize(&graph, &calibration, &options).unwrap();
    assert_eq!(program.output_names, ["mean.0", "mean.1", "value.0"]);
    assert_eq!(program.output.fracs[0], program.output.fracs[1]);
    assert!(program.output.fracs[0] > program.output.fracs[2] + 4, "{:?}", program.output.fracs);
    let mut interpreter = crate::interpret::Interpreter::new(&program);
    for (row, exact) in rows.iter().zip(reference::run(&graph, &rows)) {
        let (y, _) = interpreter.step(row);
        for ((y, exact), size) in y.iter().zip(exact).zip([1.0, 1.0, 300.0]) {
            assert!((y - exact).abs() < 2e-3 * size, "{y} for {exact}");
        }
    }
}

#[test]
fn outputs_are_called_after_the_joints_that_the_file_names() {
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.into()),
        value: Some(value.into()),
    };
    let named = |joints: &str| {
        let mut model = model(2, vec![node("Tanh", &["x"], &["y"])], vec![]);
        model.metadata_props = vec![entry("joint_names", joints), entry("action_scale", "0.5,0.5")];
        import(&model)
    };
    for joints in ["hip, knee", r#"["hip", "knee"]"#] {
        let graph = named(joints);
        assert_eq!([graph.output_name(0), graph.output_name(1)], ["hip", "knee"]);
        assert!(graph.notes.iter().any(|note| note.contains("action_scale")), "{:?}", graph.notes);
    }
    for joints in ["hip", "hip,hip", "hip,", "[\"hip\", 3]x"] {
        assert_eq!(named(joints).output_name(0), "y0", "{joints}");
    }
}
