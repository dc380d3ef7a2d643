//! What each operator computes, against values worked out by hand or from the operator's definition.

use super::*;

/// The output of one node for `x`, with constants `a`, `b`, ..
fn one(op: NodeProto, constants: Vec<TensorProto>, x: &[f64]) -> Vec<f64> {
    output(&model(x.len() as i64, vec![op], constants), x)
}

fn unary(op: &str, x: f64) -> f64 {
    one(node(op, &["x"], &["y"]), vec![], &[x, x])[0]
}

#[test]
fn functions_of_one_variable() {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let softplus = |x: f64| x.exp().ln_1p();
    for x in [-1.7f64, -0.3, 0.4, 2.5] {
        let cases: [(&str, f64); 16] = [
            ("Relu", x.max(0.0)),
            ("LeakyRelu", if x > 0.0 { x } else { 0.01 * x }),
            ("Elu", if x > 0.0 { x } else { x.exp() - 1.0 }),
            ("Selu", 1.050_701 * if x > 0.0 { x } else { 1.673_263_2 * (x.exp() - 1.0) }),
            ("Celu", x.max(0.0) + (x.exp() - 1.0).min(0.0)),
            ("Gelu", 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt()))),
            ("HardSigmoid", (0.2 * x + 0.5).clamp(0.0, 1.0)),
            ("HardSwish", x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
            ("Mish", x * softplus(x).tanh()),
            ("Softplus", softplus(x)),
            ("Softsign", x / (1.0 + x.abs())),
            ("Swish", x * sigmoid(x)),
            ("Reciprocal", 1.0 / x),
            ("Neg", -x),
            ("Sign", x.signum()),
            ("Cosh", x.cosh()),
        ];
        for (op, expected) in cases {
            let found = unary(op, x);
            assert!((found - expected).abs() < 1e-6, "{op}({x}) = {found}, not {expected}");
        }
    }
    let tanh_form =
        node("Gelu", &["x"], &["y"]).with("approximate", |a| a.s = Some(b"tanh".to_vec()));
    let inner: f64 = 0.797_884_560_8 * (1.0 + 0.044_715);
    assert_close(&one(tanh_form, vec![], &[1.0, 0.0]), &[0.5 * (1.0 + inner.tanh()), 0.0]);
    let celu = node("Celu", &["x"], &["y"]).float("alpha", 2.0);
    assert_close(&one(celu, vec![], &[-1.0]), &[2.0 * ((-0.5f64).exp() - 1.0)]);
}

#[test]
fn products_in_every_orientation() {
    let w = || floats("w", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let x = [1.0, 0.5, -1.0];
    let expected = [-2.5, -2.0];
    assert_close(&one(node("MatMul", &["x", "w"], &["y"]), vec![w()], &x), &expected);
    let c = floats("c", &[1], &[4.0]);
    let gemm = node("Gemm", &["x", "w", "c"], &["y"]).float("alpha", 2.0).float("beta", 0.5);
    assert_close(&one(gemm, vec![w(), c], &x), &[-3.0, -2.0]);
    let wt = floats("w", &[2, 3], &[1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    let gemm = node("Gemm", &["x", "w"], &["y"]).int("transB", 1);
    assert_close(&one(gemm, vec![wt.clone()], &x), &expected);
    // The weights first: a column of activations.
    let column = node("Transpose", &["x"], &["c"]);
    let left = node("MatMul", &["w", "c"], &["y"]);
    assert_close(&output(&model(3, vec![column.clone(), left], vec![wt]), &x), &expected);
    let transposed = node("Gemm", &["c", "w"], &["y"]).int("transA", 1);
    assert_close(&output(&model(3, vec![column, transposed], vec![w()]), &x), &expected);
}

#[test]
fn elementwise_operators_broadcast_constants() {
    let v = || floats("v", &[2], &[2.0, -4.0]);
    let s = || floats("s", &[], &[3.0]);
    let x = [1.0, 2.0];
    for (op, left, right, expected) in [
        ("Add", "x", "v", [3.0, -2.0]),
        ("Sub", "x", "v", [-1.0, 6.0]),
        ("Sub", "v", "x", [1.0, -6.0]),
        ("Sub", "s", "x", [2.0, 1.0]),
        ("Mul", "v", "x", [2.0, -8.0]),
        ("Div", "x", "v", [0.5, -0.5]),
        ("Div", "v", "x", [2.0, -2.0]),
        ("Div", "s", "x", [3.0, 1.5]),
        ("Pow", "x", "s", [1.0, 8.0]),
        ("Pow", "s", "x", [3.0, 9.0]),
        ("Min", "x", "v", [1.0, -4.0]),
        ("Max", "v", "x", [2.0, 2.0]),
        ("Max", "x", "s", [3.0, 3.0]),
        ("Mul", "x", "x", [1.0, 4.0]),
        ("Div", "x", "x", [1.0, 1.0]),
        ("Max", "x", "x", [1.0, 2.0]),
    ] {
        let y = one(node(op, &[left, right], &["y"]), vec![v(), s()], &x);
        assert_close(&y, &expected);
    }
    let mean = node("Mean", &["x", "v", "x"], &["y"]);
    assert_close(&one(mean, vec![v()], &x), &[4.0 / 3.0, 0.0]);
    // One activation against many.
    let first = node("Slice", &["x", "zero", "one", "one"], &["f"]);
    let constants = vec![ints("zero", &[0]), ints("one", &[1])];
    let scaled = model(2, vec![first, node("Mul", &["x", "f"], &["y"])], constants);
    assert_close(&output(&scaled, &[3.0, 5.0]), &[9.0, 15.0]);
}

#[test]
fn clipping_bounds_are_optional() {
    let bounds = || vec![floats("lo", &[], &[-1.0]), floats("hi", &[], &[1.0])];
    let x = [-2.0, 0.5, 2.0];
    let both = node("Clip", &["x", "lo", "hi"], &["y"]);
    assert_close(&one(both, bounds(), &x), &[-1.0, 0.5, 1.0]);
    let upper = node("Clip", &["x", "", "hi"], &["y"]);
    assert_close(&one(upper, bounds(), &x), &[-2.0, 0.5, 1.0]);
    let attribute = node("Clip", &["x"], &["y"]).float("min", 0.0);
    assert_close(&one(attribute, vec![], &x), &[0.0, 0.5, 2.0]);
}

#[test]
fn slopes_of_prelu_are_one_or_many() {
    let prelu = || node("PRelu", &["x", "a"], &["y"]);
    let x = [-2.0, -2.0, 3.0];
    let many = floats("a", &[3], &[0.5, 0.1, 9.0]);
    assert_close(&one(prelu(), vec![many], &x), &[-1.0, -0.2, 3.0]);
    assert_close(&one(prelu(), vec![floats("a", &[1], &[0.5])], &x), &[-1.0, -1.0, 3.0]);
}

#[test]
fn normalisations() {
    let constant = |name: &str, data: [f32; 2]| floats(name, &[2], &data);
    let constants = || {
        vec![
            constant("gain", [2.0, 1.0]),
            constant("bias", [0.5, 0.0]),
            constant("mean", [1.0, 0.0]),
            constant("var", [4.0, 1.0]),
        ]
    };
    let batch = node("BatchNormalization", &["x", "gain", "bias", "mean", "var"], &["y"])
        .float("epsilon", 0.0);
    assert_close(&one(batch, constants(), &[3.0, 7.0]), &[2.5, 7.0]);
    let layer = node("LayerNormalization", &["x", "gain", "bias"], &["y"]).float("epsilon", 0.0);
    assert_close(&one(layer, constants(), &[1.0, 3.0]), &[-1.5, 1.0]);
    let mut scaler = node("Scaler", &["x"], &["y"]).in_domain("ai.onnx.ml");
    scaler = scaler.with("offset", |a| a.floats = vec![1.0, 2.0]);
    scaler = scaler.with("scale", |a| a.floats = vec![0.5]);
    assert_close(&one(scaler, vec![], &[3.0, 3.0]), &[1.0, 0.5]);
    let linear = || {
        node("LinearRegressor", &["x"], &["y"])
            .in_domain("ai.onnx.ml")
            .with("coefficients", |a| a.floats = vec![1.0, 2.0, 0.5, -1.0])
            .int("targets", 2)
    };
    let both = linear().with("intercepts", |a| a.floats = vec![10.0, 0.0]);
    assert_close(&one(both, vec![], &[3.0, 4.0]), &[21.0, -2.5]);
    assert_close(&one(linear(), vec![], &[3.0, 4.0]), &[11.0, -2.5]);
    let sum = node("ReduceSum", &["x"], &["y"]).ints("axes", &[1]);
    assert_close(&one(sum, vec![], &[1.0, 2.0, 4.0]), &[7.0]);
}

#[test]
fn a_reduction_over_no_axes_is_the_identity_where_the_node_says_so() {
    let constants = || vec![ints("none", &[]), ints("last", &[-1])];
    let reduced = |reduce: NodeProto| {
        let negated = model(4, vec![reduce, node("Neg", &["h"], &["y"])], constants());
        output(&negated, &[1.0, 2.0, 4.0, 9.0])
    };
    for (op, whole) in [("ReduceSum", -16.0), ("ReduceMean", -4.0)] {
        let reduce = |inputs: &[&str]| node(op, inputs, &["h"]);
        for noop in [reduce(&["x"]), reduce(&["x", "none"]), reduce(&["x"]).ints("axes", &[])] {
            assert_eq!(reduced(noop.int("noop_with_empty_axes", 1)), [-1.0, -2.0, -4.0, -9.0]);
        }
        let last = reduce(&["x", "last"]).int("keepdims", 0).int("noop_with_empty_axes", 1);
        for all in [reduce(&["x"]), reduce(&["x", "none"]), last] {
            assert_eq!(reduced(all), [whole]);
        }
        // A network that is nothing else is the identity too.
        let alone = node(op, &["x", "none"], &["y"]).int("noop_with_empty_axes", 1);
        assert_eq!(one(alone, constants(), &[1.0, -2.0]), [1.0, -2.0]);
    }
}

#[test]
fn what_a_rule_does_not_look_at_is_refused() {
    let relu = || node("Relu", &["x"], &["y"]);
    let refused = |op: NodeProto, parts: &[&str]| {
        let constants = vec![floats("c", &[], &[1.0]), floats("w", &[2, 2], &[1.0; 4])];
        assert_refused(&model(2, vec![op], constants).encode_to_vec(), parts);
    };
    refused(relu().int("consumed_inputs", 1), &["`consumed_inputs`", "not understood", "help"]);
    // An attribute of another type than its operator's is not its default.
    refused(node("LeakyRelu", &["x"], &["y"]).int("alpha", 1), &["`alpha`", "each of its type"]);
    refused(node("Softmax", &["x"], &["y"]).ints("axis", &[1]), &["`axis`"]);
    refused(node("Relu", &["x", "c"], &["y"]), &["`c` as input 1", "not understood"]);
    let gelu =
        node("Gelu", &["x"], &["y"]).with("approximate", |a| a.s = Some(b"sigmoid".to_vec()));
    refused(gelu, &["\"none\" or \"tanh\"", "sigmoid"]);
    refused(node("Expand", &["x", "shape"], &["y"]), &["a tensor is read that nothing writes"]);
    refused(node("Cast", &["x"], &["y"]), &["a cast has no type"]);
    refused(node("Cast", &["x"], &["y"]).int("to", 17), &["ONNX data type 17", "8-bit floats"]);
    // What changes nothing passes.
    let layer = node("LayerNormalization", &["x", "g"], &["y"]).int("stash_type", 1);
    one(layer, vec![floats("g", &[2], &[1.0, 1.0])], &[1.0, 2.0]);
    let dropout = node("Dropout", &["x", "ratio"], &["y"]).int("seed", 1);
    let dropped =
        model(1, vec![dropout, node("Relu", &["y"], &["z"])], vec![floats("ratio", &[], &[0.5])]);
    assert_eq!(output(&with_outputs(dropped, &["z"]), &[2.0]), [2.0]);
}

#[test]
fn whole_numbers_are_cast_before_they_are_computed_with() {
    let nodes = |cast: bool| {
        let cast = node(if cast { "Cast" } else { "Identity" }, &["s"], &["f"]);
        let cast = if cast.op_type.as_deref() == Some("Cast") { cast.int("to", 1) } else { cast };
        let axis = node("Unsqueeze", &["x", "axis"], &["u"]);
        let flat = node("Flatten", &["u"], &["s"]);
        vec![axis, flat, cast, node("Div", &["f", "two"], &["y"])]
    };
    let model = |cast| {
        let constants = vec![ints("axis", &[0]), floats("two", &[], &[2.0])];
        let mut model = model(1, nodes(cast), constants);
        let input = model.graph.as_mut().and_then(|g| g.input.first_mut());
        let element = input.and_then(|i| i.r#type.as_mut()?.tensor_type.as_mut());
        element.unwrap().elem_type = Some(7);
        model
    };
    assert_eq!(output(&model(true), &[3.0]), [1.5]);
    assert_refused(&model(false).encode_to_vec(), &["whole numbers", "(Div)", "float32"]);
}

/// Writers of the third protocol buffers syntax leave a value of 0 out and give only its type.
#[test]
fn an_attribute_of_a_type_without_a_value_is_zero() {
    let flat = node("Flatten", &["x"], &["h"]).with("axis", |a| a.r#type = Some(2));
    let relu = node("Relu", &["h"], &["y"]);
    assert_eq!(output(&model(2, vec![flat, relu], vec![]), &[1.0, 2.0]), [1.0, 2.0]);
    let leaky = node("LeakyRelu", &["x"], &["y"]).with("alpha", |a| a.r#type = Some(1));
    assert_eq!(one(leaky, vec![], &[-1.0, 2.0]), [0.0, 2.0]);
}

#[test]
fn the_logarithm_of_a_softmax_is_finite_however_it_is_spelt() {
    let spelt = [
        vec![node("LogSoftmax", &["x"], &["y"])],
        vec![node("Softmax", &["x"], &["p"]), node("Log", &["p"], &["y"])],
        vec![
            node("Softmax", &["x"], &["p"]),
            node("Identity", &["p"], &["q"]),
            node("Log", &["q"], &["y"]),
        ],
    ];
    for nodes in spelt {
        let y = output(&model(4, nodes, vec![]), &[0.0, 0.0, 0.0, 800.0]);
        assert_eq!(y, [-800.0, -800.0, -800.0, 0.0]);
    }
}

/// `(x - mean) / sqrt(var + 1)` spelt with `square`, and divided as `last` says.
fn spelt(square: NodeProto, last: &[NodeProto]) -> ModelProto {
    let mut nodes = vec![
        node("ReduceMean", &["x"], &["m"]).ints("axes", &[-1]),
        node("Sub", &["x", "m"], &["c"]),
        square,
        node("ReduceMean", &["q", "axis"], &["v"]),
        node("Add", &["one", "v"], &["e"]),
    ];
    nodes.extend_from_slice(last);
    let scalar = |name: &str, value: f32| floats(name, &[], &[value]);
    let constants =
        vec![ints("axis", &[1]), scalar("one", 1.0), scalar("two", 2.0), scalar("half", -0.5)];
    model(3, nodes, constants)
}

#[test]
fn decomposed_layer_normalisation_is_recognised_however_it_is_spelt() {
    let squares = [node("Pow", &["c", "two"], &["q"]), node("Mul", &["c", "c"], &["q"])];
    let divisions = [
        vec![node("Sqrt", &["e"], &["d"]), node("Div", &["c", "d"], &["y"])],
        vec![
            node("Sqrt", &["e"], &["d"]),
            node("Reciprocal", &["d"], &["r"]),
            node("Mul", &["r", "c"], &["y"]),
        ],
        vec![node("Pow", &["e", "half"], &["r"]), node("Mul", &["c", "r"], &["y"])],
    ];
    for square in &squares {
        for division in &divisions {
            let model = spelt(square.clone(), division);
            let kinds: Vec<_> = import(&model).nodes.iter().map(|n| n.layer.kind()).collect();
            assert_eq!(kinds, ["normalize"]);
            let d = (2.0f64 / 3.0 + 1.0).sqrt();
            assert_close(&output(&model, &[1.0, 2.0, 3.0]), &[-1.0 / d, 0.0, 1.0 / d]);
        }
    }
}

#[test]
fn keras_layer_normalisation_is_recognised() {
    let tail = [
        node("Sqrt", &["e"], &["d"]),
        node("Reciprocal", &["d"], &["i"]),
        node("Mul", &["i", "gain"], &["r"]),
        node("Mul", &["x", "r"], &["scaled"]),
        node("Mul", &["m", "r"], &["drift"]),
        node("Sub", &["bias", "drift"], &["offset"]),
        node("Add", &["scaled", "offset"], &["y"]),
    ];
    let mut model = spelt(node("Mul", &["c", "c"], &["q"]), &tail);
    if let Some(graph) = &mut model.graph {
        graph.initializer.push(floats("gain", &[3], &[1.0, 2.0, 3.0]));
        graph.initializer.push(floats("bias", &[3], &[0.5, 0.0, -0.5]));
    }
    let kinds: Vec<_> = import(&model).nodes.iter().map(|n| n.layer.kind()).collect();
    assert_eq!(kinds, ["normalize", "affine"]);
    let d = (2.0f64 / 3.0 + 1.0).sqrt();
    assert_close(&output(&model, &[1.0, 2.0, 3.0]), &[0.5 - 1.0 / d, 0.0, 3.0 / d - 0.5]);
}

#[test]
fn rearrangements() {
    let constants = || vec![ints("i", &[3, 0]), ints("sizes", &[1, 3]), ints("shape", &[0, 2, -1])];
    let x = [1.0, 2.0, 3.0, 4.0];
    let gather = node("Gather", &["x", "i"], &["y"]).int("axis", 1);
    assert_close(&one(gather, constants(), &x), &[4.0, 1.0]);
    let split = node("Split", &["x", "sizes"], &["a", "b"]).int("axis", -1);
    let join = node("Concat", &["b", "a"], &["y"]).int("axis", 1);
    assert_close(&output(&model(4, vec![split, join], constants()), &x), &[2.0, 3.0, 4.0, 1.0]);
    let square = node("Reshape", &["x", "shape"], &["s"]);
    let turn = node("Transpose", &["s"], &["t"]).ints("perm", &[0, 2, 1]);
    let flat = node("Flatten", &["t"], &["y"]);
    let turned = model(4, vec![square, turn, flat], constants());
    assert_close(&output(&turned, &x), &[1.0, 3.0, 2.0, 4.0]);
    let fixed = model(
        1,
        vec![node("Concat", &["x", "k"], &["y"]).int("axis", 1)],
        vec![floats("k", &[1, 1], &[7.0])],
    );
    assert_close(&output(&fixed, &[5.0]), &[5.0, 7.0]);
}

#[test]
fn shapes_are_computed_at_import() {
    let nodes = vec![
        node("Shape", &["x"], &["s"]),
        node("Gather", &["s", "zero"], &["b"]),
        node("Concat", &["b", "rest"], &["t"]).int("axis", 0),
        node("Reshape", &["x", "t"], &["r"]),
        node("Cast", &["r"], &["f"]).int("to", 1),
        node("Dropout", &["f"], &["y"]),
    ];
    let constants = vec![ints("zero", &[0]), ints("rest", &[-1])];
    let mut model = model(4, nodes, constants);
    if let Some(graph) = &mut model.graph {
        graph.node.push(node("Relu", &["y"], &["z"]));
    }
    let model = with_outputs(model, &["z"]);
    assert_eq!(output(&model, &[1.0, -2.0, 3.0, 4.0]), [1.0, 0.0, 3.0, 4.0]);
}

#[test]
fn nodes_need_not_be_sorted_and_dead_ones_do_not_matter() {
    let nodes = vec![
        node("Conv", &["x", "nowhere"], &["unused"]),
        node("Relu", &["h"], &["y"]),
        node("Neg", &["x"], &["h"]),
    ];
    assert_eq!(output(&model(2, nodes, vec![]), &[1.0, -1.0]), [0.0, 1.0]);
}
