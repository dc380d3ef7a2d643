//! Small networks of every library written here, and what is refused.

use std::fs;
use std::path::PathBuf;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;

use crate::calibrate::Calibration;
use crate::choose::quantize;
use crate::graph::Graph;
use crate::import;
use crate::interpret::Interpreter;
use crate::options::{Options, Weights};
use crate::reference;
use crate::simplify::simplify;

type Tensor<'a> = (&'a str, &'a [usize], Vec<f32>);

/// The same numbers every time, in -1..1.
fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    std::iter::repeat_with(next).take(n).collect()
}

fn of<'a>(name: &'a str, shape: &'a [usize], seed: u32) -> Tensor<'a> {
    (name, shape, noise(shape.iter().product(), seed))
}

fn folder(config: &str, tensors: &[Tensor]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("config.json"), config).unwrap();
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.2.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), data)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), data).unwrap())
    });
    let path = folder.path().join("model.safetensors");
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    (folder, path)
}

fn graph(config: &str, tensors: &[Tensor]) -> Graph {
    let (_folder, path) = folder(config, tensors);
    import::load(&path).unwrap_or_else(|e| panic!("{config}: {e}")).graph
}

fn refused(config: &str, tensors: &[Tensor], parts: &[&str]) {
    let (_folder, path) = folder(config, tensors);
    let message = import::load(&path).map(|_| ()).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
}

/// Integers against float: inputs from `-reach` to `reach`, the given share of deviation allowed.
fn agrees(config: &str, tensors: &[Tensor], reach: f64, weights: Weights, allowed: f64) {
    let graph = simplify(graph(config, tensors));
    let rows: Vec<Vec<f64>> = (0..600)
        .map(|k| {
            let row = noise(graph.input_len(), 1000 + k);
            row.into_iter().map(|x| f64::from(x) * reach).collect()
        })
        .collect();
    let calibration = Calibration { margin: 1.1, ..Calibration::of(rows.clone()) };
    let options = Options { weights, ..Options::default() };
    let program = quantize(&graph, &calibration, &options).unwrap();
    let mut interpreter = Interpreter::new(&program);
    let exact = reference::run(&graph, &rows);
    let (mut error, mut mean, mut square) = (0.0, 0.0, 0.0);
    for (row, exact) in rows.iter().zip(&exact) {
        for (y, exact) in interpreter.step(row).0.iter().zip(exact) {
            error += (y - exact).powi(2);
            mean += exact;
            square += exact * exact;
        }
    }
    let n = (exact.len() * exact[0].len()) as f64;
    let variance = square / n - (mean / n).powi(2);
    let relative = (error / n / variance).sqrt();
    assert!(relative < allowed, "{config} to {reach} with {weights:?}: {relative}");
}

fn knots(rows: usize, intervals: usize) -> Vec<f32> {
    knots_of(3, rows, intervals)
}

fn knots_of(degree: usize, rows: usize, intervals: usize) -> Vec<f32> {
    let step = 2.0 / intervals as f32;
    let row = (0..=intervals + 2 * degree).map(|j| -1.0 + step * (j as f32 - degree as f32));
    row.collect::<Vec<_>>().repeat(rows)
}

const EFFICIENT: &str =
    r#"{"format": "efficient-kan", "layers": [2, 9], "grid_size": 5, "spline_order": 3}"#;

fn efficient() -> Vec<Tensor<'static>> {
    vec![
        of("layers.0.base_weight", &[9, 2], 1),
        of("layers.0.spline_weight", &[9, 2, 8], 2),
        of("layers.0.spline_scaler", &[9, 2], 3),
        ("layers.0.grid", &[2, 12], knots(2, 5)),
    ]
}

const PYKAN: &str = r#"{"format": "pykan", "width": [2, [1, 1]], "grid": 3, "k": 3, "base_fun": "silu",
    "symbolic_funs_name": [[["0", "0"], ["sin", "0"], ["0", "x^2"]]]}"#;

fn pykan() -> Vec<Tensor<'static>> {
    vec![
        of("act_fun.0.coef", &[2, 3, 6], 1),
        ("act_fun.0.grid", &[2, 10], knots(2, 3)),
        ("act_fun.0.mask", &[2, 3], vec![1.0, 0.0, 1.0, 1.0, 1.0, 0.0]),
        of("act_fun.0.scale_base", &[2, 3], 2),
        of("act_fun.0.scale_sp", &[2, 3], 3),
        ("symbolic_fun.0.mask", &[3, 2], vec![0.0, 0.0, 1.0, 0.0, 0.0, 1.0]),
        of("symbolic_fun.0.affine", &[3, 2, 4], 4),
        of("subnode_scale_0", &[3], 5),
        of("node_bias_0", &[2], 6),
    ]
}

const GROUPS: &str = r#"{"format": "gr-kan", "layers": [4, 3], "groups": 2, "order": [5, 4],
    "order_of_ops": "act1,fc1"}"#;

fn groups() -> Vec<Tensor<'static>> {
    vec![
        of("act1.weight_numerator", &[1, 6], 1),
        of("act1.weight_denominator", &[2, 4], 2),
        of("fc1.weight", &[3, 4], 3),
        of("fc1.bias", &[3], 4),
    ]
}

/// Every family whose edges are functions of their own shape beyond the grid: configuration and tensors.
fn families() -> Vec<(&'static str, Vec<Tensor<'static>>)> {
    let shifted = |rows: usize, from: f32| -> Vec<f32> {
        (0..rows).flat_map(|_| (0..5).map(move |j| from + j as f32 * 0.25)).collect()
    };
    vec![
        (EFFICIENT, efficient()),
        (PYKAN, pykan()),
        (GROUPS, groups()),
        (
            r#"{"format": "fastkan", "layers": [2, 5], "num_grids": 4, "denominator": 1.0,
                "layernorm": false}"#,
            vec![
                ("layers.0.rbf.grid", &[4], vec![-1.5, -0.5, 0.5, 1.5]),
                of("layers.0.spline_linear.weight", &[5, 8], 1),
                of("layers.0.base_linear.weight", &[5, 2], 2),
                of("layers.0.base_linear.bias", &[5], 3),
            ],
        ),
        (
            r#"{"format": "chebykan", "layers": [2, 5], "degree": 4}"#,
            vec![of("chebykan1.cheby_coeffs", &[2, 5, 5], 1)],
        ),
        (
            r#"{"format": "fourierkan", "layers": [2, 5], "gridsize": 2}"#,
            vec![of("layers.0.fouriercoeffs", &[2, 5, 2, 2], 1), of("layers.0.bias", &[1, 5], 2)],
        ),
        (
            r#"{"format": "wavkan", "layers": [2, 5], "wavelet_type": "dog"}"#,
            vec![
                ("layers.0.scale", &[5, 2], noise(10, 1).iter().map(|s| 1.0 + 0.3 * s).collect()),
                of("layers.0.translation", &[5, 2], 2),
                of("layers.0.wavelet_weights", &[5, 2], 3),
                of("layers.0.bn.weight", &[5], 4),
                of("layers.0.bn.bias", &[5], 5),
                of("layers.0.bn.running_mean", &[5], 6),
                ("layers.0.bn.running_var", &[5], vec![0.5, 0.2, 1.0, 2.0, 0.7]),
            ],
        ),
        (
            r#"{"format": "relu-kan", "layers": [2, 5], "grid": 4, "k": 1}"#,
            vec![
                ("rk_layers.0.phase_low", &[2, 5], shifted(2, -0.5)),
                ("rk_layers.0.phase_height", &[2, 5], shifted(2, 0.0)),
                of("rk_layers.0.equal_size_conv.weight", &[5, 1, 5, 2], 1),
                of("rk_layers.0.equal_size_conv.bias", &[5], 2),
            ],
        ),
        (
            r#"{"format": "mixed-kan/1", "layers": [6, 4], "domain": [1.0],
                "kinds": ["bspline", "rbf", "chebyshev", "fourier", "wavelet", "silu"],
                "params_per_kind": {"bspline": 8, "rbf": 8, "chebyshev": 6, "fourier": 4, "wavelet": 3, "silu": 1}}"#,
            vec![
                ("layers.0.kind", &[4, 6], (0..24).map(|k| ((k % 6 + k / 6) % 6) as f32).collect()),
                ("layers.0.params", &[4, 6, 8], {
                    let mut params = noise(192, 1);
                    // The scale of a wavelet.
                    params.iter_mut().skip(1).step_by(8).for_each(|s| *s = 0.8 + 0.4 * s.abs());
                    params
                }),
                of("layers.0.bias", &[4], 2),
            ],
        ),
    ]
}

/// To 6 times the grid the integers follow the float network, tails and all, to the same tolerance.
#[test]
fn integers_agree_far_outside_the_grid() {
    for (config, tensors) in families() {
        for reach in [0.7, 1.0, 6.0] {
            agrees(config, &tensors, reach, Weights::I8, 0.022);
            agrees(config, &tensors, reach, Weights::I16, 0.01);
        }
    }
}

#[test]
fn nodes_multiply_and_pruned_edges_are_zero() {
    let graph = graph(PYKAN, &pykan());
    let kinds: Vec<&str> = graph.nodes.iter().map(|n| n.layer.kind()).collect();
    assert!(kinds.contains(&"mul") && kinds[0] == "kan", "{kinds:?}");
    let y = reference::run(&graph, &[vec![0.3, -0.2]]);
    assert!(y[0].len() == 2 && y[0].iter().all(|v| v.is_finite()));
}

#[test]
fn bases_run_through_shared_tables() {
    let fourier: [Tensor; 2] =
        [of("layers.0.fouriercoeffs", &[2, 3, 2, 4], 1), of("layers.0.bias", &[1, 3], 2)];
    let config = r#"{"format": "fourierkan", "layers": [2, 3], "gridsize": 4}"#;
    agrees(config, &fourier, 2.0, Weights::I8, 0.022);
    let config = r#"{"format": "chebykan", "layers": [2, 3], "degree": 4}"#;
    agrees(config, &[of("chebykan1.cheby_coeffs", &[2, 3, 5], 1)], 3.0, Weights::I16, 0.01);
    let phases = |shift: f32| [0.0, 0.2].repeat(2).into_iter().map(|p: f32| p + shift).collect();
    let relu: [Tensor; 4] = [
        ("rk_layers.0.phase_low", &[2, 2], phases(-0.6)),
        ("rk_layers.0.phase_height", &[2, 2], phases(0.5)),
        of("rk_layers.0.equal_size_conv.weight", &[3, 1, 2, 2], 1),
        of("rk_layers.0.equal_size_conv.bias", &[3], 2),
    ];
    let config = r#"{"format": "relu-kan", "layers": [2, 3], "grid": 1, "k": 1}"#;
    agrees(config, &relu, 1.0, Weights::I8, 0.022);
}

#[test]
fn stacks_mix_families_with_dense_layers() {
    let mut tensors = efficient();
    tensors.iter_mut().for_each(|t| t.0 = &t.0["layers.0.".len()..]);
    let names: Vec<String> = tensors.iter().map(|t| format!("kan.{}", t.0)).collect();
    for (t, name) in tensors.iter_mut().zip(&names) {
        t.0 = name;
    }
    tensors.push(of("head.weight", &[2, 9], 7));
    let stack = r#"{"format": "stack", "stack": [
        {"kind": "efficient-kan", "prefix": "kan", "in": 2, "out": 9, "grid_size": 5},
        {"kind": "tanh"}, {"kind": "dense", "prefix": "head", "in": 9, "out": 2}]}"#;
    agrees(stack, &tensors, 1.0, Weights::I16, 0.01);
    let unknown = stack.replace("tanh", "attention");
    refused(&unknown, &tensors, &["stack[1].kind", "\"attention\"", "efficient-kan"]);
    let wrong = stack.replace(r#""in": 9"#, r#""in": 8"#);
    refused(&wrong, &tensors, &["stack[2].in", "9, the outputs"]);
}

/// Every tensor of every family: left out, renamed, of another shape, or with a number that is none.
#[test]
fn each_tensor_is_checked_in_every_family() {
    // Those that a library leaves out where they change nothing.
    let optional =
        ["subnode_scale_0", "node_bias_0", "layers.0.bn.weight", "layers.0.bn.bias", "fc1.bias"];
    for (config, tensors) in families() {
        for k in 0..tensors.len() {
            let name = tensors[k].0;
            let named = format!("`{name}`");
            let mut some = tensors.clone();
            some[k].2[0] = f32::NAN;
            refused(config, &some, &[&named, "NaN"]);
            let shape = [tensors[k].2.len() + 1];
            let mut some = tensors.clone();
            some[k].1 = &shape;
            some[k].2.push(0.5);
            refused(config, &some, &[&named, "shape", &format!("{shape:?}")]);
            if optional.contains(&name) {
                continue;
            }
            let renamed = format!("{name}s");
            let mut some = tensors.clone();
            some[k].0 = &renamed;
            refused(config, &some, &[&named, "missing", &renamed]);
            some.remove(k);
            refused(config, &some, &[&named, "missing"]);
        }
    }
}

/// Splines of every order that libraries have, as the recursion has them and as integers.
#[test]
fn splines_of_orders_1_to_5_are_read_and_kept() {
    for order in 1..=5 {
        let config = EFFICIENT.replace(": 3}", &format!(": {order}}}"));
        let (weights, grid) = ([9, 2, 5 + order], [2, 6 + 2 * order]);
        let tensors = [
            of("layers.0.base_weight", &[9, 2], 1),
            of("layers.0.spline_weight", &weights, 2),
            of("layers.0.spline_scaler", &[9, 2], 3),
            ("layers.0.grid", &grid[..], knots_of(order, 2, 5)),
        ];
        let graph = graph(&config, &tensors);
        let (x, step) = (0.3, 0.4);
        // A B-spline of equal steps is the sum of powers of order n, alternating (Schoenberg 1946).
        let spline = |u: f64| -> f64 {
            let binomial =
                |k: usize| (0..k).fold(1.0, |b, j| b * (order + 1 - j) as f64 / (j + 1) as f64);
            let factorial: f64 = (1..=order).map(|j| j as f64).product();
            let sign = |k: usize| if k.is_multiple_of(2) { 1.0 } else { -1.0 };
            let term =
                |k: usize| sign(k) * binomial(k) * (u - k as f64).max(0.0).powi(order as i32);
            (0..=order + 1).map(term).sum::<f64>() / factorial
        };
        let at = |t: usize, k: usize| f64::from(tensors[t].2[k]);
        let edge = |o: usize, i: usize| {
            let basis = |k: usize| spline((x + 1.0) / step + order as f64 - k as f64);
            let own: f64 =
                (0..5 + order).map(|k| at(1, (o * 2 + i) * (5 + order) + k) * basis(k)).sum();
            at(0, o * 2 + i) * x / (1.0 + (-x).exp()) + at(2, o * 2 + i) * own
        };
        let y = reference::run(&graph, &[vec![x, x]]).remove(0);
        for (o, y) in y.iter().enumerate() {
            // The knots of the file are single precision.
            assert!((y - edge(o, 0) - edge(o, 1)).abs() < 1e-5, "order {order}: {y}");
        }
        agrees(&config, &tensors, 1.0, Weights::I16, 0.01);
        agrees(&config, &tensors, 1.0, Weights::I8, 0.03);
    }
}

#[test]
fn a_wavelet_may_have_an_end_or_a_window() {
    for kind in ["meyer", "shannon"] {
        let config =
            format!(r#"{{"format": "wavkan", "layers": [3, 2], "wavelet_type": "{kind}"}}"#);
        let ones = vec![1.5; 6];
        let tensors = [
            ("layers.0.scale", &[2, 3][..], ones),
            of("layers.0.translation", &[2, 3], 1),
            of("layers.0.wavelet_weights", &[2, 3], 2),
        ];
        let graph = graph(&config, &tensors);
        let at = |t: usize, k: usize| f64::from(tensors[t].2[k]);
        let wavelet = |i: usize, u: f64| match (kind, u.abs()) {
            ("shannon", _) => u.sin() / u * [0.08, 1.0, 0.08][i],
            (_, v) if v >= 1.0 => 0.0,
            (_, v) => {
                let t = (2.0 * v - 1.0).max(0.0);
                let nu = t.powi(4) * (35.0 - 84.0 * t + 70.0 * t * t - 20.0 * t.powi(3));
                (std::f64::consts::PI * v).sin() * (std::f64::consts::FRAC_PI_2 * nu).cos()
            }
        };
        let x = [0.9, -0.4, 0.2];
        let y = reference::run(&graph, &[x.to_vec()]).remove(0);
        for (o, y) in y.iter().enumerate() {
            let edge = |i: usize| at(2, o * 3 + i) * wavelet(i, (x[i] - at(1, o * 3 + i)) / 1.5);
            let sum: f64 = (0..3).map(edge).sum();
            assert!((y - sum).abs() < 1e-9, "{kind}: {y} {sum}");
        }
        agrees(&config, &tensors, 1.5, Weights::I16, 0.01);
    }
}

#[test]
fn what_is_missing_or_misshapen_is_named() {
    let mut tensors = efficient();
    refused(EFFICIENT, &tensors[1..], &["`layers.0.base_weight`", "missing", "layers.0.grid"]);
    refused(&EFFICIENT.replace('5', "4"), &tensors, &["`layers.0.grid`", "[2, 11]", "[2, 12]"]);
    refused(
        &EFFICIENT.replace(": 3}", ": 2}"),
        &tensors,
        &["`layers.0.grid`", "[2, 10]", "[2, 12]"],
    );
    for order in ["0", "6", "2.5"] {
        let config = EFFICIENT.replace(": 3}", &format!(": {order}}}"));
        refused(&config, &tensors, &["spline_order", "an order from 1 to 5", order]);
    }
    refused(&EFFICIENT.replace("[2, 9]", "[2]"), &tensors, &["`layers`", "at least two widths"]);
    tensors[3].2[4] = 7.0;
    refused(EFFICIENT, &tensors, &["does not increase", "input 0", "grid_eps"]);
    tensors[3].2[4] = f32::NAN;
    refused(EFFICIENT, &tensors, &["`layers.0.grid`", "NaN"]);
    let mut tensors = efficient();
    tensors[1].2[0] = f32::INFINITY;
    refused(EFFICIENT, &tensors, &["`layers.0.spline_weight`", "inf"]);
    let base = EFFICIENT.replace(r#""spline_order""#, r#""base": "wave", "spline_order""#);
    refused(&base, &efficient(), &["key `base`", "silu", "\"wave\""]);
}

#[test]
fn unknown_functions_and_kinds_are_named() {
    let unknown = PYKAN.replace("sin", "sinc");
    refused(&unknown, &pykan(), &["symbolic_funs_name[0][1][0]", "arctanh", "\"sinc\""]);
    refused(&PYKAN.replace(r#""k": 3"#, r#""k": 7"#), &pykan(), &["key `k`", "from 1 to 5"]);
    let mixed = r#"{"format": "mixed-kan/1", "layers": [1, 1], "domain": [1.0],
        "kinds": ["silu", "rbf"], "params_per_kind": {"silu": 1, "rbf": 4}}"#;
    let tensors = |kind: f32| -> [Tensor<'static>; 3] {
        [
            ("layers.0.kind", &[1, 1], vec![kind]),
            of("layers.0.params", &[1, 1, 4], 1),
            of("layers.0.bias", &[1], 2),
        ]
    };
    assert!(graph(mixed, &tensors(1.0)).parameters() > 4);
    refused(mixed, &tensors(2.0), &["`layers.0.kind`", "an index below 2", "2"]);
    refused(&mixed.replace("rbf", "spiral"), &tensors(1.0), &["key `kinds`", "spiral"]);
    let wavelet = r#"{"format": "wavkan", "layers": [1, 1], "wavelet_type": "haar"}"#;
    refused(wavelet, &[], &["wavelet_type", "mexican_hat", "haar"]);
}

#[test]
fn rationals_with_poles_are_refused() {
    let plain = GROUPS.replace(r#""order":"#, r#""denominator": "plain", "order":"#);
    let mut tensors = groups();
    tensors[1].2 = [-1.0, 0.0, 0.0, 0.0].repeat(2);
    let graph = simplify(graph(&plain, &tensors));
    let rows: Vec<Vec<f64>> = (0..100).map(|k| vec![f64::from(k) / 40.3 - 0.5; 4]).collect();
    let calibration = Calibration { margin: 1.1, ..Calibration::of(rows) };
    let error = quantize(&graph, &calibration, &Options::default()).map(|_| ()).unwrap_err();
    let message = error.to_string();
    for part in ["pole", "act1", "x = 1.0", "convention"] {
        assert!(message.contains(part), "{message}");
    }
    refused(&GROUPS.replace(r#""groups": 2"#, r#""groups": 3"#), &groups(), &["key `groups`", "3"]);
    let unknown = GROUPS.replace(r#""order":"#, r#""denominator": "soft", "order":"#);
    refused(&unknown, &groups(), &["key `denominator`", "abs-of-sum", "soft"]);
    refused(&GROUPS.replace("act1,fc1", "act1,conv1"), &groups(), &["order_of_ops", "conv1"]);
}

/// Sizes in a configuration that no tensor has: each is refused before anything of that size is made.
#[test]
fn sizes_beyond_the_tensors_are_refused() {
    let none: &[Tensor] = &[];
    let pykan = |rest: &str| format!(r#"{{"format": "pykan", "grid": 3, "k": 3, {rest}}}"#);
    // A sum of 2^64 + 1 is not a width of 1.
    let wrapped = pykan(r#""width": [[2, 0], [18446744073709551615, 2], [1, 0]]"#);
    refused(&wrapped, none, &["key `width`", "from 1 to 4096"]);
    for (inputs, ids, part) in [
        ("1000000000000000000", "[0, 1]", "key `inputs`"),
        ("1000000000", "[0, 1]", "key `inputs`"),
        ("1", "[0, 1]", "at least 2 inputs"),
        ("2", "[0, 1000000000000000000]", "key `input_id`"),
        ("2", "[0, 1000000000]", "key `input_id`"),
        ("2", "3", "key `input_id`"),
    ] {
        let config = pykan(&format!(r#""width": [2, 1], "inputs": {inputs}, "input_id": {ids}"#));
        refused(&config, none, &[part, "config.json", "help"]);
    }
    let chebykan = r#"{"format": "chebykan", "layers": [1, 1], "degree": 257}"#;
    refused(chebykan, none, &["key `degree`", "at most 128"]);
    let fourier = r#"{"format": "fourierkan", "layers": [1, 1], "gridsize": 20000}"#;
    refused(fourier, none, &["key `gridsize`", "at most 128"]);
}

/// A sum of so many terms nests as deep: to look at it would exhaust the program's stack.
#[test]
fn an_edge_of_sixty_thousand_terms_is_refused() {
    for kind in ["rbf", "chebyshev", "fourier"] {
        let config = format!(
            r#"{{"format": "mixed-kan/1", "layers": [1, 1], "kinds": ["{kind}"], "domain": [1.0],
                "params_per_kind": {{"{kind}": 60000}}}}"#
        );
        let tensors: &[Tensor] = &[
            ("layers.0.kind", &[1, 1], vec![0.0]),
            of("layers.0.params", &[1, 1, 60_000], 1),
            of("layers.0.bias", &[1], 2),
        ];
        refused(&config, tensors, &["at most 128", "60000", "output 0, input 0"]);
    }
}

#[test]
fn a_tensor_or_a_key_misspelt_is_not_taken_as_absent() {
    let config = r#"{"format": "wavkan", "layers": [2, 1], "seed": 3}"#;
    let tensors = |gain: &'static str| -> Vec<Tensor> {
        vec![
            ("layers.0.scale", &[1, 2], vec![1.0, 2.0]),
            of("layers.0.translation", &[1, 2], 1),
            of("layers.0.wavelet_weights", &[1, 2], 2),
            of("layers.0.weight1", &[1, 2], 3),
            ("layers.0.bn.running_mean", &[1], vec![0.0]),
            ("layers.0.bn.running_var", &[1], vec![1.0]),
            ("layers.0.bn.num_batches_tracked", &[1], vec![9.0]),
            (gain, &[1], vec![3.0]),
        ]
    };
    let notes = graph(config, &tensors("layers.0.bn.weight")).notes;
    assert!(notes.iter().any(|note| note.contains("seed")), "{notes:?}");
    let misspelt = &["`layers.0.bn.wieght`", "`layers.0.bn.weight`, which is not there"];
    refused(config, &tensors("layers.0.bn.wieght"), misspelt);
    refused(config, &tensors("extra"), &["`extra`, which no layer reads", "help"]);
    let key = r#"{"format": "wavkan", "layers": [2, 1], "wavelet_tpye": "dog"}"#;
    refused(key, &tensors("layers.0.bn.weight"), &["`wavelet_tpye`", "`wavelet_type`"]);
    let kind = r#"{"format": "wavkan", "layers": [2, 1], "wavelet_type": 3}"#;
    refused(kind, &tensors("layers.0.bn.weight"), &["key `wavelet_type`", "a string"]);
}
