//! Convolutions, poolings and layers on rows, against loops over their definitions.

use super::*;

/// A number in -1..1 for each index (Weyl's sequence).
fn noise(i: usize) -> f64 {
    (i as f64 * 0.754_877_666_246_693).fract() * 2.0 - 1.0
}

fn values(count: usize, from: usize) -> Vec<f64> {
    (0..count).map(|i| f64::from(noise(i + from) as f32)).collect()
}

fn tensor(name: &str, dims: &[i64], from: usize) -> TensorProto {
    let count = dims.iter().product::<i64>() as usize;
    let data: Vec<f32> = values(count, from).iter().map(|&v| v as f32).collect();
    floats(name, dims, &data)
}

/// A model of one node whose input has the shape `dims`.
fn shaped(node: NodeProto, dims: &[i64], constants: Vec<TensorProto>) -> ModelProto {
    let mut model = model(1, vec![node], constants);
    if let Some(graph) = &mut model.graph {
        graph.input = vec![port("x", dims)];
    }
    model
}

/// A convolution: channels, places of the two axes, outputs, groups, and for each axis the kernel, the stride, the
/// dilation, the padding in front and behind.
struct Case {
    channels: usize,
    space: [usize; 2],
    outputs: usize,
    groups: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [usize; 4],
}

/// A convolution over one axis.
const TIME: Case = Case {
    channels: 3,
    space: [1, 9],
    outputs: 2,
    groups: 1,
    kernel: [1, 3],
    stride: [1, 1],
    dilation: [1, 1],
    pads: [0; 4],
};

impl Case {
    fn result(&self, axis: usize) -> usize {
        let reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        let padded = self.space[axis] + self.pads[axis] + self.pads[axis + 2];
        (padded - reach) / self.stride[axis] + 1
    }

    fn expected(&self, x: &[f64], w: &[f64], b: &[f64]) -> Vec<f64> {
        let (own, each) = (self.channels / self.groups, self.outputs / self.groups);
        let [rows, columns] = self.space.map(|n| n as isize);
        let mut y = Vec::new();
        for (o, bias) in b.iter().enumerate() {
            for row in 0..self.result(0) {
                for column in 0..self.result(1) {
                    let mut sum = *bias;
                    for c in 0..own {
                        for k in 0..self.kernel[0] {
                            for l in 0..self.kernel[1] {
                                let at = |result: usize, axis: usize, k: usize| {
                                    (result * self.stride[axis] + k * self.dilation[axis]) as isize
                                        - self.pads[axis] as isize
                                };
                                let (i, j) = (at(row, 0, k), at(column, 1, l));
                                if !(0..rows).contains(&i) || !(0..columns).contains(&j) {
                                    continue;
                                }
                                let channel = (o / each * own + c) as isize;
                                let weight =
                                    ((o * own + c) * self.kernel[0] + k) * self.kernel[1] + l;
                                sum += w[weight] * x[((channel * rows + i) * columns + j) as usize];
                            }
                        }
                    }
                    y.push(sum);
                }
            }
        }
        y
    }

    /// With `flat`, as a convolution over one axis.
    fn check(&self, flat: bool) {
        let first = usize::from(flat);
        let list = |numbers: &[usize]| numbers.iter().map(|&n| n as i64).collect::<Vec<i64>>();
        let own = self.channels / self.groups;
        let shape = [&[self.outputs, own], &self.kernel[first..]].concat();
        let (w, b) = (tensor("w", &list(&shape), 1), tensor("b", &[self.outputs as i64], 500));
        let pads = match flat {
            true => list(&[self.pads[1], self.pads[3]]),
            false => list(&self.pads),
        };
        let conv = node("Conv", &["x", "w", "b"], &["y"])
            .ints("strides", &list(&self.stride[first..]))
            .ints("dilations", &list(&self.dilation[first..]))
            .ints("pads", &pads)
            .int("group", self.groups as i64);
        let dims = [&[1, self.channels], &self.space[first..]].concat();
        let x = values(dims.iter().product(), 900);
        let expected =
            self.expected(&x, &values(shape.iter().product(), 1), &values(self.outputs, 500));
        assert_close(&output(&shaped(conv, &list(&dims), vec![w, b]), &x), &expected);
    }
}

#[test]
fn convolutions_over_time() {
    TIME.check(true);
    TIME.check(false);
    Case { stride: [1, 2], pads: [0, 2, 0, 1], ..TIME }.check(true);
    Case { dilation: [1, 3], pads: [0, 4, 0, 1], ..TIME }.check(true);
    Case { dilation: [1, 2], stride: [1, 2], ..TIME }.check(true);
    Case { kernel: [1, 1], ..TIME }.check(true);
    // Of two axes, one is as a batch.
    Case { space: [4, 5], ..TIME }.check(false);
    Case { space: [5, 4], kernel: [3, 1], pads: [1, 0, 1, 0], ..TIME }.check(false);
    Case { space: [2, 40], channels: 6, outputs: 6, groups: 2, ..TIME }.check(false);
    Case { space: [4, 4], kernel: [1, 1], ..TIME }.check(false);
}

#[test]
fn convolutions_of_groups_and_patches() {
    let grid = Case { space: [4, 4], kernel: [3, 3], pads: [1; 4], ..TIME };
    Case { channels: 4, outputs: 4, groups: 4, ..grid }.check(false);
    Case { channels: 4, outputs: 6, groups: 2, stride: [2, 1], ..grid }.check(false);
    Case { channels: 1, outputs: 2, ..grid }.check(false);
    Case { channels: 4, outputs: 4, groups: 2, space: [1, 6], ..TIME }.check(true);
    Case { space: [4, 6], kernel: [2, 3], stride: [2, 3], ..TIME }.check(false);
}

#[test]
fn images_through_dense_convolutions_are_refused_in_a_sentence() {
    let conv = node("Conv", &["x", "w"], &["y"]);
    let image = shaped(conv, &[1, 3, 32, 32], vec![tensor("w", &[8, 3, 3, 3], 0)]);
    let parts = ["dense convolution over two axes", "image networks", "node `y` (Conv)"];
    assert_refused(&image.encode_to_vec(), &parts);
    let conv = node("Conv", &["x", "w"], &["y"]);
    let short = shaped(conv, &[1, 3, 2], vec![tensor("w", &[8, 3, 3], 0)]);
    assert_refused(&short.encode_to_vec(), &["longer than its input"]);
    let conv = node("Conv", &["x", "w"], &["y"]);
    let wrong = shaped(conv, &[1, 3, 5], vec![tensor("w", &[8, 2, 3], 0)]);
    assert_refused(&wrong.encode_to_vec(), &["does not fit its input"]);
}

#[test]
fn paddings_that_are_left_to_the_reader() {
    let x = [1.0, 2.0, 3.0, 4.0];
    for (auto, expected) in
        [("SAME_UPPER", [3.0, 5.0, 7.0, 4.0]), ("SAME_LOWER", [1.0, 3.0, 5.0, 7.0])]
    {
        let conv = node("Conv", &["x", "w"], &["y"])
            .with("auto_pad", |a| a.s = Some(auto.as_bytes().to_vec()));
        let w = floats("w", &[1, 1, 2], &[1.0, 1.0]);
        assert_close(&output(&shaped(conv, &[1, 1, 4], vec![w]), &x), &expected);
    }
}

#[test]
fn poolings_count_what_is_under_their_kernel() {
    let x = [1.0, -2.0, 3.0, 4.0, 5.0, -6.0];
    let pool = |op: &str| node(op, &["x"], &["y"]).ints("kernel_shape", &[2]).ints("pads", &[1, 0]);
    let run = |node: NodeProto| output(&shaped(node, &[1, 2, 3], vec![]), &x);
    assert_close(&run(pool("AveragePool")), &[1.0, -0.5, 0.5, 4.0, 4.5, -0.5]);
    let padded = pool("AveragePool").int("count_include_pad", 1);
    assert_close(&run(padded), &[0.5, -0.5, 0.5, 2.0, 4.5, -0.5]);
    assert_close(&run(pool("MaxPool")), &[1.0, 1.0, 3.0, 4.0, 5.0, 5.0]);
    assert_close(&run(node("GlobalAveragePool", &["x"], &["y"])), &[2.0 / 3.0, 1.0]);
    assert_close(&run(node("GlobalMaxPool", &["x"], &["y"])), &[3.0, 5.0]);
    let ceil = node("AveragePool", &["x"], &["y"]).ints("kernel_shape", &[2]).ints("strides", &[2]);
    assert_close(&run(ceil.int("ceil_mode", 1)), &[-0.5, 3.0, 4.5, -6.0]);
}

#[test]
fn what_stands_around_a_tensor() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let pad = |mode: &str, pads: &[i64]| {
        let pad = node("Pad", &["x", "p", "v"], &["y"])
            .with("mode", |a| a.s = Some(mode.as_bytes().to_vec()));
        let constants = vec![ints("p", pads), floats("v", &[], &[9.0])];
        output(&shaped(pad, &[1, 2, 2], constants), &x)
    };
    assert_eq!(pad("constant", &[0, 0, 1, 0, 0, 0]), [9.0, 1.0, 2.0, 9.0, 3.0, 4.0]);
    assert_eq!(pad("constant", &[0, 1, 0, 0, -1, 1]), [9.0, 9.0, 9.0, 1.0, 2.0, 9.0]);
    assert_eq!(pad("edge", &[0, 0, 1, 0, 0, 1])[..4], [1.0, 1.0, 2.0, 2.0]);
    assert_eq!(pad("reflect", &[0, 0, 1, 0, 0, 1])[..4], [2.0, 1.0, 2.0, 1.0]);
}

#[test]
fn products_and_normalisations_of_each_row() {
    let x = values(12, 3);
    let w = values(6, 40);
    let product =
        shaped(node("MatMul", &["x", "w"], &["y"]), &[1, 4, 3], vec![tensor("w", &[3, 2], 40)]);
    let row = |row: &[f64]| [0, 1].map(|o| (0..3).map(|i| row[i] * w[2 * i + o]).sum::<f64>());
    let expected: Vec<f64> = x.chunks(3).flat_map(row).collect();
    assert_close(&output(&product, &x), &expected);
    // On the left, the matrix mixes the rows.
    let mixing =
        shaped(node("MatMul", &["w", "x"], &["y"]), &[1, 3, 4], vec![tensor("w", &[2, 3], 40)]);
    let place = |o: usize, k: usize| (0..3).map(|t| w[3 * o + t] * x[4 * t + k]).sum::<f64>();
    let expected: Vec<f64> = (0..8).map(|i| place(i / 4, i % 4)).collect();
    assert_close(&output(&mixing, &x), &expected);

    let normal = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / row.len() as f64;
        row.iter().map(|v| (v - mean) / (variance + 0.5).sqrt()).collect::<Vec<f64>>()
    };
    let expected: Vec<f64> = x.chunks(3).flat_map(normal).collect();
    let layer = node("LayerNormalization", &["x", "g"], &["y"]).float("epsilon", 0.5);
    let ones = floats("g", &[3], &[1.0; 3]);
    assert_close(&output(&shaped(layer, &[1, 4, 3], vec![ones]), &x), &expected);
    // The same spelt out is the same layer.
    let mean = |from: &str, to: &str| node("ReduceMean", &[from], &[to]).ints("axes", &[-1]);
    let nodes = vec![
        mean("x", "m"),
        node("Sub", &["x", "m"], &["c"]),
        node("Pow", &["c", "two"], &["s"]),
        mean("s", "v"),
        node("Add", &["v", "e"], &["w"]),
        node("Sqrt", &["w"], &["d"]),
        node("Div", &["c", "d"], &["y"]),
    ];
    let constants = vec![floats("two", &[], &[2.0]), floats("e", &[], &[0.5])];
    let mut spelt = model(1, nodes, constants);
    if let Some(graph) = &mut spelt.graph {
        graph.input = vec![port("x", &[1, 4, 3])];
    }
    assert_close(&output(&spelt, &x), &expected);
    assert_eq!(import(&spelt).nodes.len(), 1);
}

#[test]
fn means_over_any_axes() {
    let x = values(24, 7);
    let mean = node("ReduceMean", &["x"], &["y"]).ints("axes", &[1]).int("keepdims", 0);
    let expected: Vec<f64> = (0..4).map(|c| (0..6).map(|t| x[4 * t + c] / 6.0).sum()).collect();
    assert_close(&output(&shaped(mean, &[1, 6, 4], vec![]), &x), &expected);
}

/// Exporters compute paddings and cast them to whole numbers, which says nothing of what is padded.
#[test]
fn computed_paddings_leave_real_numbers_real() {
    let nodes = vec![
        node("Cast", &["p"], &["pads"]).int("to", 7),
        node("Pad", &["x", "pads"], &["padded"]),
        node("Conv", &["padded", "w"], &["y"]),
    ];
    let constants = vec![
        floats("p", &[6], &[0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        floats("w", &[1, 1, 2], &[1.0, 10.0]),
    ];
    let mut causal = model(1, nodes, constants);
    if let Some(graph) = &mut causal.graph {
        graph.input = vec![port("x", &[1, 1, 3])];
    }
    assert_close(&output(&causal, &[1.5, 2.0, 3.0]), &[15.0, 21.5, 32.0]);
}
