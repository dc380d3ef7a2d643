//! ONNX files, read and written again: nodes, attributes, constants and shapes changed.

use nervecord_codegen::import::onnx::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, TensorProto,
};
use nervecord_tests::random::Random;
use prost::Message;

use super::numbers::{EXTREMES, float};

/// Operators that are read, and a few that are not.
const OPERATORS: &str = "Abs Acos Add ArgMax Asin Atan Atanh BatchNormalization Cast Ceil Celu Clip Concat Constant \
    ConstantOfShape Conv Cos Cosh Div Dropout Elu Equal Erf Exp Expand Flatten Floor GRU Gather Gelu Gemm Greater \
    HardSigmoid HardSwish Identity LayerNormalization LeakyRelu Less Log LogSoftmax MatMul Max Mean Min Mish Mod Mul \
    Neg PRelu Pow Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Round \
    Scaler Selu Shape Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tan Tanh \
    ThresholdedRelu Tile Transpose Unsqueeze Where ZipMap LinearClassifier LinearRegressor Normalizer";

const ATTRIBUTES: &str = "alpha axes axis beta bias epsilon exclude fmod gamma keepdims max min momentum noop_with_empty_axes \
    num_outputs perm scale select_last_index shape split start end to transA transB value values";

const INTEGERS: [i64; 16] =
    [0, 1, 2, 3, -1, -2, -3, 4, 7, 100, 65_536, 1 << 31, 1 << 40, i64::MAX, i64::MIN, -(1 << 31)];

pub fn change(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let mut model = ModelProto::decode(content).ok()?;
    match random.below(24) {
        0 => model
            .opset_import
            .iter_mut()
            .for_each(|o| o.version = Some(1 + random.below(24) as i64)),
        1 => model.ir_version = Some(*random.pick(&INTEGERS)),
        2 => model.opset_import.clear(),
        _ => of_graph(model.graph.as_mut()?, random),
    }
    Some(model.encode_to_vec())
}

fn word(random: &mut Random, words: &str) -> String {
    let all: Vec<&str> = words.split_whitespace().collect();
    (*random.pick(&all)).to_owned()
}

/// The name of some tensor.
fn name(graph: &GraphProto, random: &mut Random) -> String {
    let written = graph.node.iter().flat_map(|n| &n.output).cloned();
    let given = graph.initializer.iter().filter_map(|t| t.name.clone());
    let read = graph.input.iter().filter_map(|v| v.name.clone());
    let all: Vec<String> = written.chain(given).chain(read).chain([String::new()]).collect();
    random.pick(&all).clone()
}

fn of_graph(graph: &mut GraphProto, random: &mut Random) {
    let some_name = name(graph, random);
    if graph.node.is_empty() || random.once_in(10) {
        return of_ports(graph, some_name, random);
    }
    if random.once_in(3) && !graph.initializer.is_empty() {
        let at = random.below(graph.initializer.len());
        return of_tensor(&mut graph.initializer[at], random);
    }
    let at = random.below(graph.node.len());
    match random.below(8) {
        0 => drop(graph.node.remove(at)),
        1 => {
            let node = graph.node[at].clone();
            graph.node.push(node);
        }
        2 => {
            let other = random.below(graph.node.len());
            graph.node.swap(at, other);
        }
        3 => insert(graph, at, random),
        _ => of_node(&mut graph.node[at], some_name, random),
    }
}

/// A node of one input between a tensor and who reads it.
fn insert(graph: &mut GraphProto, at: usize, random: &mut Random) {
    let Some(read) = graph.node[at].input.first().cloned() else { return };
    let between = format!("between{}", graph.node.len());
    graph.node[at].input[0].clone_from(&between);
    let op_type = Some(word(random, OPERATORS));
    let node =
        NodeProto { input: vec![read], output: vec![between], op_type, ..NodeProto::default() };
    graph.node.insert(at, node);
}

fn of_node(node: &mut NodeProto, other: String, random: &mut Random) {
    let n = node.input.len();
    match random.below(9) {
        0 => node.op_type = Some(word(random, OPERATORS)),
        1 if n > 0 => node.input[random.below(n)] = other,
        2 if n > 1 => node.input.swap(0, n - 1),
        3 if n > 0 => drop(node.input.remove(random.below(n))),
        4 => node.input.extend(std::iter::repeat_n(other, 1 + random.below(40))),
        5 if !node.output.is_empty() => node.output[0] = other,
        6 => node.domain = Some((*random.pick(&["ai.onnx.ml", "com.microsoft", "x"])).to_owned()),
        7 if !node.attribute.is_empty() => {
            let at = random.below(node.attribute.len());
            of_attribute(&mut node.attribute[at], random);
        }
        _ => {
            let mut attribute =
                AttributeProto { name: Some(word(random, ATTRIBUTES)), ..Default::default() };
            of_attribute(&mut attribute, random);
            node.attribute.push(attribute);
        }
    }
}

fn of_attribute(attribute: &mut AttributeProto, random: &mut Random) {
    match random.below(7) {
        0 => attribute.name = Some(word(random, ATTRIBUTES)),
        1 => attribute.f = Some(float(random)),
        2 => attribute.ints = (0..random.below(6)).map(|_| *random.pick(&INTEGERS)).collect(),
        3 => attribute.s = Some((*random.pick(&["", "tanh", "none", "\u{fffd}"])).into()),
        4 => {
            let mut tensor =
                TensorProto { dims: vec![1], data_type: Some(1), ..Default::default() };
            of_tensor(&mut tensor, random);
            attribute.t = Some(tensor);
        }
        _ => attribute.i = Some(*random.pick(&INTEGERS)),
    }
}

fn of_ports(graph: &mut GraphProto, other: String, random: &mut Random) {
    let ports = if random.once_in(3) { &mut graph.output } else { &mut graph.input };
    let Some(port) = ports.first_mut() else { return };
    let tensor = port.r#type.as_mut().and_then(|t| t.tensor_type.as_mut());
    match (random.below(4), tensor) {
        (0, _) => port.name = Some(other),
        (1, Some(tensor)) => tensor.elem_type = Some(random.below(20) as i32),
        (2, _) => {
            let twin = port.clone();
            ports.push(twin);
        }
        (_, Some(tensor)) => {
            let dims = &mut tensor.shape.get_or_insert_default().dim;
            let dim_value = Some(*random.pick(&INTEGERS));
            if !dims.is_empty() && !random.once_in(3) {
                let at = random.below(dims.len());
                dims[at] = DimensionProto { dim_value, dim_param: None };
            } else {
                dims.push(DimensionProto { dim_value, dim_param: None });
            }
        }
        _ => ports.clear(),
    }
}

/// How many numbers a tensor has by its shape, a million at most.
fn elements(tensor: &TensorProto) -> usize {
    let count = tensor.dims.iter().fold(1_i64, |n, &m| n.saturating_mul(m));
    count.unsigned_abs().min(1 << 20) as usize
}

fn of_tensor(tensor: &mut TensorProto, random: &mut Random) {
    let count = elements(tensor);
    match random.below(9) {
        0 => tensor.data_type = Some(random.below(24) as i32),
        1 => tensor.dims = (0..random.below(5)).map(|_| *random.pick(&INTEGERS)).collect(),
        2 => tensor.dims.reverse(),
        3 if !tensor.dims.is_empty() => {
            // Another shape, with as many numbers as that takes.
            let at = random.below(tensor.dims.len());
            tensor.dims[at] = *random.pick(&[0, 1, 2, 3, 5, 300]);
            let n = elements(tensor);
            tensor.float_data.resize(if tensor.data_type == Some(1) { n } else { 0 }, 0.5);
            tensor.int64_data.resize(if tensor.data_type == Some(7) { n } else { 0 }, 1);
            tensor.raw_data = None;
        }
        4 => {
            tensor.raw_data = Some((0..4 * count.min(4096)).map(|_| random.bits() as u8).collect())
        }
        5 => tensor.float_data.iter_mut().for_each(|v| *v = 0.0),
        6 => {
            let factor = 10_f32.powi(random.below(13) as i32 - 6);
            tensor.float_data.iter_mut().for_each(|v| *v *= factor);
        }
        _ if !tensor.int64_data.is_empty() => {
            let at = random.below(tensor.int64_data.len());
            tensor.int64_data[at] = *random.pick(&INTEGERS);
        }
        _ if !tensor.float_data.is_empty() => {
            let at = random.below(tensor.float_data.len());
            tensor.float_data[at] = float(random);
        }
        _ => tensor.name = Some(random.pick(&EXTREMES).to_string()),
    }
}
