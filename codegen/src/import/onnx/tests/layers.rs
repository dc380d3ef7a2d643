//! Comparisons, choices, rearrangements, normalisations and products that need more than one layer.

use super::*;

fn shaped(shape: &[i64], op: NodeProto, constants: Vec<TensorProto>, x: &[f64]) -> Vec<f64> {
    let reshape = node("Reshape", &["x", "row.shape"], &["t"]);
    let constants = [constants, vec![ints("row.shape", shape)]].concat();
    output(&model(x.len() as i64, vec![reshape, op], constants), x)
}

#[test]
fn comparisons_and_logic_are_steps() {
    let constants = || vec![floats("c", &[], &[1.0]), floats("d", &[], &[3.0])];
    let x = [0.0, 1.0, 2.0, 4.0];
    for (op, expected) in [
        ("Greater", [0.0, 0.0, 1.0, 1.0]),
        ("GreaterOrEqual", [0.0, 1.0, 1.0, 1.0]),
        ("Less", [1.0, 0.0, 0.0, 0.0]),
        ("LessOrEqual", [1.0, 1.0, 0.0, 0.0]),
        ("Equal", [0.0, 1.0, 0.0, 0.0]),
    ] {
        let nodes = vec![node(op, &["x", "c"], &["y"])];
        assert_eq!(output(&model(4, nodes, constants()), &x), expected, "{op}");
    }
    let logic = |op: NodeProto| {
        let nodes = vec![
            node("Greater", &["x", "c"], &["a"]),
            node("Less", &["x", "d"], &["b"]),
            op,
            node("Cast", &["l"], &["y"]).int("to", 1),
        ];
        output(&model(4, nodes, constants()), &x)
    };
    assert_eq!(logic(node("And", &["a", "b"], &["l"])), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(logic(node("Or", &["a", "b"], &["l"])), [1.0; 4]);
    assert_eq!(logic(node("Xor", &["a", "b"], &["l"])), [1.0, 1.0, 0.0, 1.0]);
    assert_eq!(logic(node("Not", &["a"], &["l"])), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn choices_by_constants_and_by_comparisons() {
    let constants = || {
        vec![
            floats("zero", &[], &[0.0]),
            floats("mask", &[1, 3], &[1.0, 0.0, 1.0]),
            floats("other", &[3], &[7.0, 8.0, 9.0]),
        ]
    };
    let x = [-1.0, 2.0, -3.0];
    let chosen = |nodes: Vec<NodeProto>| output(&model(3, nodes, constants()), &x);
    let by_mask = node("Where", &["mask", "x", "other"], &["y"]);
    assert_close(&chosen(vec![by_mask]), &[-1.0, 8.0, -3.0]);
    let two = vec![node("Neg", &["x"], &["n"]), node("Where", &["mask", "x", "n"], &["y"])];
    assert_close(&chosen(two), &[-1.0, -2.0, -3.0]);
    let computed =
        vec![node("Less", &["x", "zero"], &["c"]), node("Where", &["c", "other", "x"], &["y"])];
    assert_close(&chosen(computed), &[7.0, 2.0, 9.0]);
}

#[test]
fn steps_of_one_variable() {
    for (op, expected) in [
        (node("Floor", &["x"], &["y"]), [-2.0, 0.0, 2.0]),
        (node("Ceil", &["x"], &["y"]), [-1.0, 1.0, 3.0]),
        (node("Round", &["x"], &["y"]), [-2.0, 0.0, 2.0]),
        (node("ThresholdedRelu", &["x"], &["y"]), [0.0, 0.0, 2.5]),
        (node("Shrink", &["x"], &["y"]).float("lambd", 1.0).float("bias", 0.5), [-1.0, 0.0, 2.0]),
        (node("Cast", &["x"], &["y"]).int("to", 7), [-1.0, 0.0, 2.0]),
        (node("Cast", &["x"], &["y"]).int("to", 9), [1.0, 1.0, 1.0]),
        (node("Mod", &["x", "two"], &["y"]), [0.5, 0.5, 0.5]),
        (node("Mod", &["x", "two"], &["y"]).int("fmod", 1), [-1.5, 0.5, 0.5]),
    ] {
        let constants = vec![floats("two", &[], &[2.0])];
        assert_close(&output(&model(3, vec![op], constants), &[-1.5, 0.5, 2.5]), &expected);
    }
}

#[test]
fn repeats_and_paddings() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let tile = node("Tile", &["t", "r"], &["y"]);
    let expected = [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0];
    assert_eq!(shaped(&[2, 2], tile, vec![ints("r", &[1, 2])], &x), expected);
    let pads = || vec![ints("p", &[0, 1, 0, 2]), floats("v", &[], &[9.0])];
    let pad = |mode: &str| {
        let mode = mode.as_bytes().to_vec();
        node("Pad", &["x", "p", "v"], &["y"]).with("mode", move |a| a.s = Some(mode.clone()))
    };
    let padded = |mode: &str| output(&model(4, vec![pad(mode)], pads()), &x);
    assert_eq!(padded("constant"), [9.0, 1.0, 2.0, 3.0, 4.0, 9.0, 9.0]);
    assert_eq!(padded("edge"), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0]);
    assert_eq!(padded("reflect"), [2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0]);
    assert_eq!(padded("wrap"), [4.0, 1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
    // Operator sets before 11 had attributes; negative numbers take off.
    let old = node("Pad", &["x"], &["y"]).ints("pads", &[0, -1, 0, 1]).float("value", 5.0);
    assert_eq!(output(&model(4, vec![old], vec![]), &x), [2.0, 3.0, 4.0, 5.0]);
}

#[test]
fn elements_by_index() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let matrix = |name: &str, data: &[i64]| TensorProto { dims: vec![2, 2], ..ints(name, data) };
    let gather = node("GatherElements", &["t", "i"], &["y"]).int("axis", 1);
    assert_eq!(
        shaped(&[2, 2], gather, vec![matrix("i", &[0, 0, 1, -2])], &x),
        [1.0, 1.0, 4.0, 3.0]
    );
    let nd = node("GatherND", &["t", "i"], &["y"]);
    assert_eq!(shaped(&[2, 2], nd, vec![matrix("i", &[0, 1, 1, 0])], &x), [2.0, 3.0]);
    let scatter = node("ScatterElements", &["t", "i", "u"], &["y"]).int("axis", 1);
    let updates = floats("u", &[2, 2], &[5.0, 6.0, 7.0, 8.0]);
    let constants = vec![matrix("i", &[1, 0, 0, 1]), updates];
    assert_eq!(shaped(&[2, 2], scatter, constants, &x), [6.0, 5.0, 7.0, 8.0]);
    let beyond = node("GatherElements", &["x", "i"], &["y"]).int("axis", 1);
    let refused = model(4, vec![beyond], vec![TensorProto { dims: vec![1, 1], ..ints("i", &[4]) }]);
    assert_refused(&refused.encode_to_vec(), &["an index does not exist", "(GatherElements)"]);
}

/// The logarithm of the chosen action's probability, as reinforcement learning exports it.
#[test]
fn the_largest_score_is_picked_by_its_index() {
    let nodes = vec![
        node("LogSoftmax", &["x"], &["l"]),
        node("ArgMax", &["x"], &["a"]).int("axis", 1),
        node("Cast", &["a"], &["i"]).int("to", 7),
        node("GatherElements", &["l", "i"], &["y"]).int("axis", -1),
    ];
    let x = [0.0, 2.0, 1.0];
    let all: f64 = x.iter().copied().map(f64::exp).sum();
    assert_close(&output(&model(3, nodes, vec![]), &x), &[2.0 - all.ln()]);
    let smallest = node("ArgMin", &["x"], &["y"]).int("axis", 1);
    assert_eq!(output(&model(3, vec![smallest], vec![]), &x), [0.0]);
}

#[test]
fn sequences_are_split_and_joined() {
    let nodes = vec![
        node("SplitToSequence", &["x", "two"], &["s"]).int("axis", 1),
        node("SequenceAt", &["s", "last"], &["b"]),
        node("SequenceConstruct", &["b", "x"], &["t"]),
        node("ConcatFromSequence", &["t"], &["y"]).int("axis", 1),
    ];
    let scalar = |name: &str, value: i64| TensorProto { dims: vec![], ..ints(name, &[value]) };
    let constants = vec![scalar("two", 2), scalar("last", -1)];
    assert_eq!(output(&model(3, nodes, constants), &[1.0, 2.0, 3.0]), [3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn softmax_of_each_row() {
    let softmax = node("Softmax", &["t"], &["y"]);
    let y = shaped(&[1, 2, 2], softmax, vec![], &[0.0, 0.0, 3f64.ln(), 0.0]);
    assert_close(&y, &[0.5, 0.5, 0.75, 0.25]);
    let columns = node("Softmax", &["t"], &["y"]).int("axis", 1);
    let y = shaped(&[1, 2, 2], columns, vec![], &[0.0, 0.0, 3f64.ln(), 0.0]);
    assert_close(&y, &[0.25, 0.5, 0.75, 0.5]);
}

#[test]
fn normalisations_of_groups() {
    let pair = |name: &str, data: [f32; 2]| floats(name, &[2], &data);
    let rms = node("RMSNormalization", &["t", "g"], &["y"]).float("epsilon", 0.0);
    let y = shaped(&[2, 2], rms, vec![pair("g", [1.0, 2.0])], &[1.0, 7.0, 3.0, 3.0]);
    assert_close(&y, &[0.2, 2.8, 1.0, 2.0]);
    let layer = node("LayerNormalization", &["t", "g"], &["y"]).float("epsilon", 0.0);
    let y = shaped(&[2, 2], layer, vec![pair("g", [1.0, 2.0])], &[1.0, 7.0, 4.0, 3.0]);
    assert_close(&y, &[-1.0, 2.0, 1.0, -2.0]);
    let constants = || vec![pair("g", [1.0, 2.0]), pair("b", [0.0, 1.0])];
    for op in ["InstanceNormalization", "GroupNormalization"] {
        let op = node(op, &["t", "g", "b"], &["y"]).float("epsilon", 0.0);
        let op = if op.op_type.as_deref() == Some("GroupNormalization") {
            op.int("num_groups", 2)
        } else {
            op
        };
        let y = shaped(&[1, 2, 2], op, constants(), &[1.0, 7.0, 4.0, 3.0]);
        assert_close(&y, &[-1.0, 1.0, 3.0, -1.0]);
    }
    let x = [3.0, -4.0, 0.0, 0.0];
    let lp = |p: i64| node("LpNormalization", &["t"], &["y"]).int("p", p);
    assert_close(&shaped(&[2, 2], lp(2), vec![], &x), &[0.6, -0.8, 0.0, 0.0]);
    assert_close(&shaped(&[2, 2], lp(1), vec![], &x), &[3.0 / 7.0, -4.0 / 7.0, 0.0, 0.0]);
    let largest = node("Normalizer", &["x"], &["y"]).in_domain("ai.onnx.ml");
    assert_close(&output(&model(2, vec![largest], vec![]), &[1.0, -4.0]), &[0.25, -1.0]);
}

#[test]
fn products_of_rows_stacks_and_activations() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let w = || floats("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let rows = node("MatMul", &["t", "w"], &["y"]);
    assert_close(&shaped(&[1, 2, 2], rows, vec![w()], &x), &[7.0, 10.0, 15.0, 22.0]);
    let stack = floats("w", &[2, 2, 1], &[1.0, 2.0, 3.0, 4.0]);
    let stacked = node("MatMul", &["t", "w"], &["y"]);
    assert_close(&shaped(&[2, 1, 2], stacked, vec![stack], &x), &[5.0, 25.0]);
    let own = node("MatMul", &["t", "t"], &["y"]);
    assert_close(&shaped(&[2, 2], own, vec![], &x), &[7.0, 10.0, 15.0, 22.0]);
}
