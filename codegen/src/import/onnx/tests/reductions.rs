//! Reductions, and normalisations made of them.

use super::*;

/// `op` over the last axis of two rows of three.
fn reduced(op: &str) -> Vec<f64> {
    let nodes = vec![
        node("Reshape", &["x", "rows"], &["r"]),
        node(op, &["r", "last"], &["y"]).int("keepdims", 0),
    ];
    let constants = vec![ints("rows", &[1, 2, 3]), ints("last", &[-1])];
    output(&model(6, nodes, constants), &[1.0, -2.0, 2.0, 0.5, 3.0, 4.0])
}

#[test]
fn every_reduction_of_some_axes() {
    let lse = |x: [f64; 3]| x.into_iter().map(f64::exp).sum::<f64>().ln();
    assert_close(&reduced("ReduceSum"), &[1.0, 7.5]);
    assert_close(&reduced("ReduceMean"), &[1.0 / 3.0, 2.5]);
    assert_close(&reduced("ReduceMax"), &[2.0, 4.0]);
    assert_close(&reduced("ReduceMin"), &[-2.0, 0.5]);
    assert_close(&reduced("ReduceProd"), &[-4.0, 6.0]);
    assert_close(&reduced("ReduceL1"), &[5.0, 7.5]);
    assert_close(&reduced("ReduceL2"), &[3.0, 25.25f64.sqrt()]);
    assert_close(&reduced("ReduceSumSquare"), &[9.0, 25.25]);
    assert_close(&reduced("ReduceLogSum"), &[0.0, 7.5f64.ln()]);
    let expected = [lse([1.0, -2.0, 2.0]), lse([0.5, 3.0, 4.0])];
    assert_close(&reduced("ReduceLogSumExp"), &expected);
}

#[test]
fn a_reduction_over_an_axis_in_front_takes_its_columns() {
    let nodes = |op: &str| {
        vec![
            node("Reshape", &["x", "rows"], &["r"]),
            node(op, &["r"], &["y"]).ints("axes", &[1]).int("keepdims", 0),
        ]
    };
    let constants = || vec![ints("rows", &[1, 2, 2])];
    let of = |op: &str| output(&model(4, nodes(op), constants()), &[1.0, -2.0, 3.0, 5.0]);
    assert_close(&of("ReduceSum"), &[4.0, 3.0]);
    assert_close(&of("ReduceMax"), &[3.0, 5.0]);
    assert_close(&of("ReduceL2"), &[10f64.sqrt(), 29f64.sqrt()]);
    let lse = |a: f64, b: f64| (a.exp() + b.exp()).ln();
    assert_close(&of("ReduceLogSumExp"), &[lse(1.0, 3.0), lse(-2.0, 5.0)]);
}

#[test]
fn reductions_of_constants_are_computed_at_import() {
    let reduce = |op: &str| {
        let nodes = vec![node(op, &["c"], &["s"]), node("Mul", &["x", "s"], &["y"])];
        output(&model(1, nodes, vec![floats("c", &[2], &[3.0, 4.0])]), &[1.0])
    };
    assert_close(&reduce("ReduceProd"), &[12.0]);
    assert_close(&reduce("ReduceL2"), &[5.0]);
    assert_close(&reduce("ReduceSumSquare"), &[25.0]);
    assert_close(&reduce("ReduceMin"), &[3.0]);
    assert_close(&reduce("ReduceLogSumExp"), &[(3f64.exp() + 4f64.exp()).ln()]);
}

/// A norm over no axes still takes the size of every feature.
#[test]
fn sizes_over_no_axes_are_those_of_each_feature() {
    let of = |op: &str| {
        let reduce = node(op, &["x"], &["h"]).int("noop_with_empty_axes", 1);
        output(&model(2, vec![reduce, node("Neg", &["h"], &["y"])], vec![]), &[2.0, -3.0])
    };
    assert_close(&of("ReduceL1"), &[-2.0, -3.0]);
    assert_close(&of("ReduceL2"), &[-2.0, -3.0]);
    assert_close(&of("ReduceSumSquare"), &[-4.0, -9.0]);
    assert_close(&of("ReduceLogSumExp"), &[-2.0, 3.0]);
    assert_close(&of("ReduceMax"), &[-2.0, 3.0]);
}

fn kinds(model: &ModelProto) -> Vec<&'static str> {
    import(model).nodes.iter().map(|n| n.layer.kind()).collect()
}

#[test]
fn division_by_the_own_length_is_recognised_however_it_is_spelt() {
    let scalar = |name: &str, value: f32| floats(name, &[], &[value]);
    let constants = || vec![scalar("tiny", 1e-6), scalar("two", 2.0), ints("shape", &[1, 3])];
    let length = node("ReduceL2", &["x"], &["l"]).ints("axes", &[-1]);
    let square = node("Pow", &["x", "two"], &["q"]);
    let spelt = [
        vec![length.clone(), node("Div", &["x", "l"], &["y"])],
        vec![
            length.clone(),
            node("Clip", &["l", "tiny"], &["c"]),
            node("Expand", &["c", "shape"], &["e"]),
            node("Div", &["x", "e"], &["y"]),
        ],
        vec![length, node("Max", &["l", "tiny"], &["c"]), node("Div", &["x", "c"], &["y"])],
        vec![
            square.clone(),
            node("ReduceSum", &["q"], &["s"]),
            node("Sqrt", &["s"], &["l"]),
            node("Div", &["x", "l"], &["y"]),
        ],
        vec![
            node("ReduceSumSquare", &["x"], &["s"]),
            node("Sqrt", &["s"], &["l"]),
            node("Reciprocal", &["l"], &["r"]),
            node("Mul", &["r", "x"], &["y"]),
        ],
    ];
    for nodes in spelt {
        let model = model(3, nodes, constants());
        assert_eq!(kinds(&model)[..1], ["rms"], "{:?}", kinds(&model));
        assert_close(&output(&model, &[2.0, -3.0, 6.0]), &[2.0 / 7.0, -3.0 / 7.0, 6.0 / 7.0]);
    }
    // The root of a mean of squares, and what is added to it.
    let rms = vec![
        square,
        node("ReduceMean", &["q"], &["m"]),
        node("Add", &["m", "two"], &["e"]),
        node("Sqrt", &["e"], &["r"]),
        node("Div", &["x", "r"], &["y"]),
    ];
    let model = model(2, rms, constants());
    assert_eq!(kinds(&model), ["rms"]);
    assert_close(&output(&model, &[2.0, 4.0]), &[2.0 / 12f64.sqrt(), 4.0 / 12f64.sqrt()]);
}

/// What is divided by the length of another tensor is divided as it stands.
#[test]
fn other_quotients_stay_quotients() {
    let nodes = vec![
        node("Abs", &["x"], &["a"]),
        node("ReduceSum", &["a"], &["s"]),
        node("Div", &["x", "s"], &["y"]),
    ];
    let model = model(2, nodes, vec![]);
    assert_eq!(kinds(&model), ["map", "dense", "select", "div"]);
    assert_close(&output(&model, &[1.0, -3.0]), &[0.25, -0.75]);
}

#[test]
fn what_is_less_its_own_logarithm_of_exponentials_is_a_logsoftmax() {
    let nodes = vec![
        node("ReduceLogSumExp", &["x"], &["s"]).ints("axes", &[-1]),
        node("Sub", &["x", "s"], &["y"]),
    ];
    let model = model(2, nodes, vec![]);
    assert_eq!(kinds(&model), ["logsoftmax"]);
    assert_eq!(output(&model, &[0.0, 800.0]), [-800.0, 0.0]);
}
