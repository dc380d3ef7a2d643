//! TensorFlow Lite files: what each operator computes, integers that stay what they are, files that are wrong.

use std::path::PathBuf;

use nervecord_codegen::import::{self, Source};
use nervecord_codegen::options::Weights;
use nervecord_codegen::program::table::Content;
use nervecord_codegen::{Compiled, Result, reference};
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::tflite::{Field, Fields, Net, Quantized};
use tempfile::TempDir;

fn load(file: &[u8]) -> Result<Source> {
    let folder: TempDir = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("net.tflite");
    std::fs::write(&path, file).unwrap();
    import::load(&path)
}

fn run(file: &[u8], x: &[f64]) -> Vec<f64> {
    let source = load(file).unwrap_or_else(|error| panic!("{error}"));
    reference::run(&source.graph, &[x.to_vec()]).remove(0)
}

/// A single operator from `x` and constants to `y`.
fn single(
    code: i32,
    shapes: [&[i32]; 2],
    constants: impl Fn(&mut Net) -> Vec<i32>,
    options: Fields,
) -> Vec<u8> {
    let mut net = Net::default();
    let (x, y) = (net.flow("x", shapes[0]), net.flow("y", shapes[1]));
    let inputs: Vec<i32> = std::iter::once(x).chain(constants(&mut net)).collect();
    net.operator(code, &inputs, &[y], options);
    net.file(x, y)
}

fn close(found: &[f64], expected: &[f64]) {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-6;
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    assert!(found.iter().zip(expected).all(near), "{found:?} {expected:?}");
}

#[test]
fn functions_of_one_variable_are_those_of_the_schema() {
    let x = [-2.0, -0.5, 0.25, 7.0_f64];
    type Case = (i32, Fields, fn(f64) -> f64);
    let cases: [Case; 17] = [
        (14, vec![], |x| 1.0 / (1.0 + (-x).exp())),
        (19, vec![], |x| x.max(0.0)),
        (20, vec![], |x| x.clamp(-1.0, 1.0)),
        (21, vec![], |x| x.clamp(0.0, 6.0)),
        (28, vec![], f64::tanh),
        (47, vec![], f64::exp),
        (53, vec![], |x| x),
        (59, vec![], |x| -x),
        (66, vec![], f64::sin),
        (92, vec![], |x| x * x),
        (98, vec![(0, Field::Float(0.25))], |x| if x < 0.0 { 0.25 * x } else { x }),
        (101, vec![], f64::abs),
        (108, vec![], f64::cos),
        (111, vec![], |x| if x < 0.0 { x.exp_m1() } else { x }),
        (117, vec![], |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        (150, vec![(0, Field::Byte(1))], |x| {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }),
        (152, vec![], |x| x.clamp(0.0, 1.0)),
    ];
    for (code, options, f) in cases {
        let file = single(code, [&[1, 4], &[1, 4]], |_| vec![], options);
        close(&run(&file, &x), &x.map(f));
    }
    let file = single(76, [&[1, 2], &[1, 2]], |_| vec![], vec![]);
    close(&run(&file, &[4.0, 0.25]), &[0.5, 2.0]);
}

#[test]
fn a_dense_layer_is_flattened_and_its_activation_fused() {
    let constants = |net: &mut Net| {
        let w = net.floats("w", &[2, 3], &[1.0, 2.0, 3.0, -1.0, 0.5, 10.0]);
        vec![w, net.floats("b", &[2], &[0.5, -0.25])]
    };
    let x = [1.0, -1.0, 0.5];
    for (fused, expected) in [(0, [1.0, 3.25]), (3, [1.0, 3.25]), (2, [1.0, 1.0])] {
        let options = vec![(0, Field::Byte(fused))];
        close(&run(&single(9, [&[1, 3], &[1, 2]], constants, options.clone()), &x), &expected);
        close(&run(&single(9, [&[1, 1, 3], &[1, 2]], constants, options.clone()), &x), &expected);
        close(&run(&single(9, [&[1, 1, 3], &[1, 1, 2]], constants, options), &x), &expected);
    }
}

#[test]
fn operators_of_two_operands_know_constants_and_fuse() {
    for (code, expected) in [(0, [3.0, 0.0]), (41, [0.0, 0.0]), (18, [2.0, 0.0]), (42, [0.5, 0.0])]
    {
        let constant = |net: &mut Net| vec![net.floats("c", &[2], &[2.0, 1.0])];
        let relu = vec![(0, Field::Byte(1))];
        close(&run(&single(code, [&[1, 2], &[1, 2]], constant, relu), &[1.0, -1.5]), &expected);
    }
    let constant = |net: &mut Net| vec![net.floats("c", &[2], &[2.0, 1.0])];
    close(&run(&single(99, [&[1, 2], &[1, 2]], constant, vec![]), &[1.0, -1.5]), &[1.0, 6.25]);
    close(&run(&single(55, [&[1, 2], &[1, 2]], constant, vec![]), &[3.0, -1.5]), &[3.0, 1.0]);
}

#[test]
fn a_softmax_has_a_temperature() {
    let file = single(25, [&[1, 2], &[1, 2]], |_| vec![], vec![(0, Field::Float(2.0))]);
    let odds = 2.0_f64.exp();
    close(&run(&file, &[1.5, 0.5]), &[odds / (1.0 + odds), 1.0 / (1.0 + odds)]);
}

#[test]
fn slices_follow_their_masks() {
    let slice = |bounds: [[i32; 2]; 3], masks: [i32; 5], shape: &[i32]| {
        let constants = |net: &mut Net| bounds.map(|b| net.ints("bounds", &b)).to_vec();
        let options = masks.iter().enumerate().map(|(k, &m)| (k, Field::Int(m))).collect();
        run(&single(45, [&[1, 4], shape], constants, options), &[1.0, 2.0, 3.0, 4.0])
    };
    close(&slice([[0, 1], [1, 3], [1, 1]], [0; 5], &[1, 2]), &[2.0, 3.0]);
    close(&slice([[0, 1], [0, 3], [1, 1]], [3, 3, 0, 0, 0], &[1, 4]), &[1.0, 2.0, 3.0, 4.0]);
    close(&slice([[0, 3], [1, 0], [1, -2]], [0, 2, 0, 0, 0], &[1, 2]), &[4.0, 2.0]);
    // The last element alone: its axis is dropped, and what would end it is 0.
    close(&slice([[0, -1], [1, 0], [1, 1]], [0, 0, 0, 0, 2], &[1]), &[4.0]);
    let sized = |net: &mut Net| [[0, 1], [-1, 2]].map(|b| net.ints("b", &b)).to_vec();
    let file = single(65, [&[1, 4], &[1, 2]], sized, vec![]);
    close(&run(&file, &[1.0, 2.0, 3.0, 4.0]), &[2.0, 3.0]);
}

/// Rows of 24 weights of 8 bits, none of which reaches the end of its range, under one scale.
fn quantized(random: &mut Random) -> Quantized {
    let integers = (0..24 * 12).map(|_| (random.row(1, 90.0)[0]) as i8).collect();
    Quantized { integers, scales: vec![0.007] }
}

#[test]
fn the_integers_of_a_file_are_those_of_the_module() {
    let mut random = Random::new(3);
    let first = quantized(&mut random);
    let second = Quantized { integers: first.integers[..24].to_vec(), scales: vec![0.01, 0.0143] };
    let mut net = Net::default();
    let x = net.quantized_flow("x", &[1, 24], 1.0 / 128.0, 0);
    let w0 = net.quantized("w0", &[12, 24], &first);
    let w1 = net.quantized("w1", &[2, 12], &second);
    let h = net.quantized_flow("h", &[1, 12], 0.05, -128);
    let y = net.quantized_flow("y", &[1, 2], 0.05, 0);
    net.operator(9, &[x, w0, -1], &[h], vec![(0, Field::Byte(1))]);
    net.operator(9, &[h, w1, -1], &[y], vec![(0, Field::Byte(0))]);
    let graph = load(&net.file(x, y)).unwrap().graph;
    let rows: Vec<Vec<f64>> = (0..300).map(|_| random.row(24, 1.0)).collect();
    let compiled = network::compile(graph, Weights::Auto, &rows).unwrap();
    let bytes = |of: &Quantized| -> Vec<i64> { of.integers.iter().map(|&q| q.into()).collect() };
    assert_eq!(weights(&compiled), [bytes(&first), bytes(&second)]);
}

/// The weights of each dense layer.
fn weights(compiled: &Compiled) -> Vec<Vec<i64>> {
    let datas = compiled.program.ops.iter().map(|op| op.kernel.data());
    let tables = datas.flat_map(|data| data.tables);
    let matrices = tables.filter(|table| table.name == "WEIGHTS");
    let numbers = matrices.filter_map(|table| match table.content {
        Content::Matrix(array, _) => Some(array.numbers()),
        _ => None,
    });
    numbers.collect()
}

#[test]
fn inputs_and_outputs_of_an_integer_model_are_in_real_units() {
    let mut net = Net::default();
    let x = net.quantized_flow("x", &[1, 2], 0.5, 3);
    let w = net.quantized("w", &[1, 2], &Quantized { integers: vec![2, -4], scales: vec![0.25] });
    let y = net.quantized_flow("y", &[1, 1], 0.1, -7);
    net.operator(9, &[x, w, -1], &[y], vec![]);
    close(&run(&net.file(x, y), &[3.0, 1.0]), &[0.5]);
}

#[test]
fn activations_of_16_bits_have_biases_of_64() {
    let mut net = Net::default();
    let x = net.quantized_flow16("x", &[1, 2], 0.5);
    let w = net.quantized("w", &[1, 2], &Quantized { integers: vec![2, -4], scales: vec![0.25] });
    let b = net.bias64("b", &[-5_000_000_000], 1e-9);
    let y = net.quantized_flow16("y", &[1, 1], 0.1);
    net.operator(9, &[x, w, b], &[y], vec![]);
    close(&run(&net.file(x, y), &[3.0, 1.0]), &[0.5 - 5.0]);
}

#[test]
fn what_is_not_supported_is_named_with_a_way_out() {
    let conv = single(3, [&[1, 4, 4, 1], &[1, 4, 4, 1]], |_| vec![], vec![]);
    let lstm = single(44, [&[1, 4], &[1, 4]], |_| vec![], vec![]);
    let fused = single(0, [&[1, 2], &[1, 2]], |_| vec![0], vec![(0, Field::Byte(5))]);
    for (file, parts) in [
        (conv, ["node `y` (CONV_2D)", "images"]),
        (lstm, ["UNIDIRECTIONAL_SEQUENCE_LSTM", "ONNX"]),
        (fused, ["node `y` (ADD)", "activation 5"]),
        (b"no model".to_vec(), ["net.tflite", "TFL3"]),
        (vec![], ["net.tflite", "TFL3"]),
    ] {
        let message = load(&file).unwrap_err().to_string();
        for part in parts.into_iter().chain(["help: "]) {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
    }
}

/// A byte of a small file changed, or its end cut off: it is read or refused, and nothing else.
#[test]
fn no_damage_is_more_than_an_error() {
    let seeds = nervecord_tests::seeds::all();
    let files = seeds.iter().filter(|seed| seed.target == "tflite").map(|seed| &seed.files[0].1);
    for whole in files {
        for at in (0..whole.len()).step_by(3) {
            let mut file = whole.clone();
            file[at] ^= 0xff;
            if let Err(error) = load(&file) {
                assert!(error.to_string().contains("help: "), "{at}: {error}");
            }
        }
        for at in (0..whole.len() - 4).step_by(16) {
            assert!(load(&whole[..at]).is_err(), "{at}");
        }
    }
}
