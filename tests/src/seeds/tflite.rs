//! TensorFlow Lite files, float and of 8-bit integers.

use super::seed::Seed;
use crate::random::Random;
use crate::tflite::{Field, Net, Quantized};

pub(super) fn all() -> Vec<Seed> {
    [float(), quantized(), shapes()]
        .map(|file| Seed {
            target: "tflite",
            files: vec![("net.tflite".to_owned(), file)],
            model: "net.tflite",
        })
        .to_vec()
}

fn noise(count: usize) -> Vec<f32> {
    Random::new(count as u64).row(count, 1.0).into_iter().map(|x| x as f32).collect()
}

/// A perceptron with a fused ReLU and a softmax.
fn float() -> Vec<u8> {
    let mut net = Net::default();
    let x = net.flow("x", &[1, 3]);
    let (w0, b0) = (net.floats("w0", &[4, 3], &noise(12)), net.floats("b0", &[4], &noise(4)));
    let w1 = net.floats("w1", &[2, 4], &noise(8));
    let (h, z, y) = (net.flow("h", &[1, 4]), net.flow("z", &[1, 2]), net.flow("y", &[1, 2]));
    net.operator(9, &[x, w0, b0], &[h], vec![(0, Field::Byte(1))]);
    net.operator(9, &[h, w1, -1], &[z], vec![]);
    net.operator(25, &[z], &[y], vec![(0, Field::Float(1.0))]);
    net.file(x, y)
}

/// Weights with a scale a row, a tanh, and activations of 8 bits.
fn quantized() -> Vec<u8> {
    let mut net = Net::default();
    let x = net.quantized_flow("x", &[1, 2], 0.01, -3);
    let weights = Quantized { integers: vec![127, -20, 3, -127], scales: vec![0.01, 0.02] };
    let w = net.quantized("w", &[2, 2], &weights);
    let (h, y) = (
        net.quantized_flow("h", &[1, 2], 0.05, 4),
        net.quantized_flow("y", &[1, 2], 1.0 / 128.0, 0),
    );
    net.operator(9, &[x, w, -1], &[h], vec![(0, Field::Byte(0))]);
    net.operator(28, &[h], &[y], vec![]);
    net.file(x, y)
}

/// A slice, a split, a product and a concatenation.
fn shapes() -> Vec<u8> {
    let mut net = Net::default();
    let x = net.flow("x", &[1, 4]);
    let bounds = [[0, 1], [1, 3], [1, 1]].map(|bounds| net.ints("bounds", &bounds));
    let axis = net.ints("axis", &[1]);
    let (part, left, right) =
        (net.flow("part", &[1, 2]), net.flow("left", &[1, 2]), net.flow("right", &[1, 2]));
    let (product, y) = (net.flow("product", &[1, 2]), net.flow("y", &[1, 4]));
    let [begin, end, step] = bounds;
    net.operator(45, &[x, begin, end, step], &[part], vec![(0, Field::Int(1))]);
    net.operator(49, &[axis, x], &[left, right], vec![(0, Field::Int(2))]);
    net.operator(18, &[left, right], &[product], vec![(0, Field::Byte(3))]);
    net.operator(2, &[product, part], &[y], vec![(0, Field::Int(-1))]);
    net.file(x, y)
}
