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

#[test]
fn several_outputs_are_refused_by_name() {
    let nodes = vec![node("Relu", &["x"], &["mean"]), node("Tanh", &["x"], &["value"])];
    let bad = with_outputs(model(2, nodes, vec![]), &["mean", "value"]);
    assert_refused(&bad.encode_to_vec(), &["several outputs", "mean, value", "export one of them"]);
}
