//! One rule an operator: from TensorFlow Lite's to nodes of ONNX. Stands on the translation.

use super::schema::{Operator, Tensor};
use super::translation::{Attribute, Translation, option};
use crate::error::{Error, Result};

/// The operators with a rule; docs/files.md lists them.
#[rustfmt::skip]
pub const SUPPORTED: &[&str] = &[
    "ABS", "ADD", "ADD_N", "ARG_MAX", "BATCH_MATMUL", "CAST", "CONCATENATION", "COS", "DEQUANTIZE", "DIV", "ELU",
    "EXP", "EXPAND_DIMS", "FULLY_CONNECTED", "GATHER", "GELU", "HARD_SWISH", "LEAKY_RELU", "LOG", "LOGISTIC",
    "LOG_SOFTMAX", "MAXIMUM", "MEAN", "MINIMUM", "MUL", "NEG", "PACK", "POW", "PRELU", "QUANTIZE", "RELU", "RELU6",
    "RELU_0_TO_1", "RELU_N1_TO_1", "RESHAPE", "RSQRT", "SIGN", "SIN", "SLICE", "SOFTMAX", "SPLIT", "SPLIT_V", "SQRT",
    "SQUARE", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SUM", "TANH", "TRANSPOSE", "UNPACK",
];

/// Writes the nodes of one operator.
pub fn translate(graph: &mut Translation, op: &Operator) -> Result<()> {
    match op.kind {
        "FULLY_CONNECTED" => fully_connected(graph, op),
        "BATCH_MATMUL" => batch_matmul(graph, op),
        "ADD" | "SUB" | "MUL" | "DIV" => fused_binary(graph, op),
        "CONCATENATION" => concatenation(graph, op),
        "SOFTMAX" => softmax(graph, op),
        "RESHAPE" | "SQUEEZE" | "EXPAND_DIMS" => reshape(graph, op),
        "STRIDED_SLICE" => strided_slice(graph, op),
        "SLICE" => slice(graph, op),
        "SPLIT" | "SPLIT_V" => split(graph, op),
        "GATHER" => gather(graph, op),
        "TRANSPOSE" => transpose(graph, op),
        "PACK" => pack(graph, op),
        "UNPACK" => unpack(graph, op),
        "MEAN" | "SUM" => reduce(graph, op),
        "ARG_MAX" => arg_max(graph, op),
        "RSQRT" => {
            let root = step(graph, op, "Sqrt")?;
            write(graph, op, "Reciprocal", vec![root], vec![])
        }
        "SQUARE" => {
            let x = graph.read(op, 0)?;
            power_of_two(graph, op, x)
        }
        "SQUARED_DIFFERENCE" => {
            let difference = step(graph, op, "Sub")?;
            power_of_two(graph, op, difference)
        }
        kind => match plain(graph, op)? {
            Some((name, attributes)) => {
                let inputs = graph.read_all(op)?;
                write(graph, op, name, inputs, attributes)
            }
            None => Err(unsupported(kind)),
        },
    }
}

type Attributes = Vec<(&'static str, Attribute)>;

/// The operator of ONNX with the same inputs and one output, if there is one, with its attributes.
fn plain(graph: &mut Translation, op: &Operator) -> Result<Option<(&'static str, Attributes)>> {
    let (name, attributes) = match op.kind {
        // Quantized activations are real numbers here, and finer.
        "QUANTIZE" | "DEQUANTIZE" => ("Identity", vec![]),
        "CAST" => {
            // ONNX's INT64, or FLOAT.
            let to = if graph.output(op, 0)?.is_integer() { 7 } else { 1 };
            ("Cast", vec![("to", Attribute::Int(to))])
        }
        "GELU" => match option(op, |o| o.truth(0))? {
            true => ("Gelu", vec![("approximate", Attribute::Text("tanh"))]),
            false => ("Gelu", vec![]),
        },
        "LEAKY_RELU" => {
            let alpha = option(op, |o| Ok(o.number(0)?.map_or(0.0, f32::from_le_bytes)))?;
            ("LeakyRelu", vec![("alpha", Attribute::Float(alpha))])
        }
        "LOG_SOFTMAX" => ("LogSoftmax", vec![("axis", Attribute::Int(-1))]),
        "RELU6" | "RELU_0_TO_1" | "RELU_N1_TO_1" => {
            let (low, high) = clip_bounds(op.kind);
            ("Clip", vec![("min", Attribute::Float(low)), ("max", Attribute::Float(high))])
        }
        "ABS" => ("Abs", vec![]),
        "ADD_N" => ("Sum", vec![]),
        "COS" => ("Cos", vec![]),
        "ELU" => ("Elu", vec![]),
        "EXP" => ("Exp", vec![]),
        "HARD_SWISH" => ("HardSwish", vec![]),
        "LOG" => ("Log", vec![]),
        "LOGISTIC" => ("Sigmoid", vec![]),
        "MAXIMUM" => ("Max", vec![]),
        "MINIMUM" => ("Min", vec![]),
        "NEG" => ("Neg", vec![]),
        "POW" => ("Pow", vec![]),
        "PRELU" => ("PRelu", vec![]),
        "RELU" => ("Relu", vec![]),
        "SIGN" => ("Sign", vec![]),
        "SIN" => ("Sin", vec![]),
        "SQRT" => ("Sqrt", vec![]),
        "TANH" => ("Tanh", vec![]),
        _ => return Ok(None),
    };
    Ok(Some((name, attributes)))
}

fn clip_bounds(kind: &str) -> (f32, f32) {
    match kind {
        "RELU6" => (0.0, 6.0),
        "RELU_N1_TO_1" => (-1.0, 1.0),
        _ => (0.0, 1.0),
    }
}

/// Appends the node that writes an operator's output.
fn write(
    graph: &mut Translation,
    op: &Operator,
    name: &str,
    inputs: Vec<String>,
    attributes: Attributes,
) -> Result<()> {
    let output = graph.output(op, 0)?.name.clone();
    graph.emit(name, inputs, vec![output], attributes);
    Ok(())
}

/// Appends a node that reads what the operator reads and writes a new tensor.
fn step(graph: &mut Translation, op: &Operator, name: &str) -> Result<String> {
    let inputs = graph.read_all(op)?;
    let base = graph.output(op, 0)?.name.clone();
    Ok(graph.step(&base, name, inputs, vec![]))
}

fn power_of_two(graph: &mut Translation, op: &Operator, x: String) -> Result<()> {
    let two = graph.fixed(&x, 2.0);
    write(graph, op, "Pow", vec![x, two], vec![])
}

/// Writes an operator's output as the activation `fused` (`ActivationFunctionType`) of `x`, in its shape.
fn activated(graph: &mut Translation, op: &Operator, fused: i8, x: String) -> Result<()> {
    let clip =
        |low, high| ("Clip", vec![("min", Attribute::Float(low)), ("max", Attribute::Float(high))]);
    let (name, attributes) = match fused {
        0 => ("Identity", vec![]),
        1 => ("Relu", vec![]),
        2 => clip(-1.0, 1.0),
        3 => clip(0.0, 6.0),
        4 => ("Tanh", vec![]),
        other => {
            return Err(Error::new("a fused activation is not supported")
                .expected("none, RELU, RELU_N1_TO_1, RELU6 or TANH")
                .found(format!("activation {other}"))
                .help("convert the model with the activation as a layer of its own"));
        }
    };
    write(graph, op, name, vec![x], attributes)
}

fn lengths(tensor: &Tensor) -> Vec<i64> {
    tensor.shape.iter().map(|&d| i64::from(d)).collect()
}

/// `y = x W' + b` for each row of `x`, whatever its axes are.
fn fully_connected(graph: &mut Translation, op: &Operator) -> Result<()> {
    if option(op, |o| o.byte(1))? != 0 {
        return Err(Error::new("the weights are shuffled")
            .expected("weights_format DEFAULT")
            .found("another")
            .help("convert the model again from its source, for any processor"));
    }
    let fused = option(op, |o| o.byte(0))?;
    let (x, weights, y) = (graph.input(op, 0)?, graph.input(op, 1)?, graph.output(op, 0)?);
    let columns = weights.shape.last().map_or(0, |&d| i64::from(d));
    let (name, w) = (graph.read(op, 0)?, graph.read(op, 1)?);
    let bias = graph.optional(op, 2)?;
    let rows = y.rows();
    let sums = if rows == 1 {
        let flat = if x.shape.len() == 2 { name } else { graph.reshaped(name, &[1, columns]) };
        let inputs = [flat, w].into_iter().chain(bias).collect();
        graph.step(&y.name, "Gemm", inputs, vec![("transB", Attribute::Int(1))])
    } else {
        let x = graph.reshaped(name, &[1, rows, columns]);
        let w = graph.step(&y.name, "Transpose", vec![w], vec![]);
        let product = graph.step(&y.name, "MatMul", vec![x, w], vec![]);
        match bias {
            Some(bias) => graph.step(&y.name, "Add", vec![product, bias], vec![]),
            None => product,
        }
    };
    let sums =
        if rows == 1 && y.shape.len() == 2 { sums } else { graph.reshaped(sums, &lengths(y)) };
    activated(graph, op, fused, sums)
}

fn batch_matmul(graph: &mut Translation, op: &Operator) -> Result<()> {
    if option(op, |o| o.truth(0))? {
        return Err(Error::new("the first factor of a product is transposed")
            .expected("adj_x false")
            .found("true")
            .help("write the product with the features as the last axis"));
    }
    let (x, mut w) = (graph.read(op, 0)?, graph.read(op, 1)?);
    if option(op, |o| o.truth(1))? {
        let rank = graph.input(op, 1)?.shape.len() as i64;
        let order = (0..rank - 2).chain([rank - 1, rank - 2]).filter(|&k| k >= 0).collect();
        w = graph.step(&w.clone(), "Transpose", vec![w], vec![("perm", Attribute::Ints(order))]);
    }
    write(graph, op, "MatMul", vec![x, w], vec![])
}

fn fused_binary(graph: &mut Translation, op: &Operator) -> Result<()> {
    let fused = option(op, |o| o.byte(0))?;
    let name = match op.kind {
        "ADD" => "Add",
        "SUB" => "Sub",
        "MUL" => "Mul",
        _ => "Div",
    };
    let result = step(graph, op, name)?;
    activated(graph, op, fused, result)
}

fn concatenation(graph: &mut Translation, op: &Operator) -> Result<()> {
    let (axis, fused) = (option(op, |o| o.int(0))?, option(op, |o| o.byte(1))?);
    let inputs = graph.read_all(op)?;
    let base = graph.output(op, 0)?.name.clone();
    let joined = graph.step(&base, "Concat", inputs, vec![("axis", Attribute::Int(axis.into()))]);
    activated(graph, op, fused, joined)
}

/// `softmax(beta x)`.
fn softmax(graph: &mut Translation, op: &Operator) -> Result<()> {
    let beta = option(op, |o| Ok(o.number(0)?.map_or(0.0, f32::from_le_bytes)))?;
    let mut x = graph.read(op, 0)?;
    if beta != 1.0 {
        let factor = graph.fixed(&x, beta.into());
        x = graph.step(&x.clone(), "Mul", vec![x, factor], vec![]);
    }
    write(graph, op, "Softmax", vec![x], vec![("axis", Attribute::Int(-1))])
}

/// The shape of what is written is in the file.
fn reshape(graph: &mut Translation, op: &Operator) -> Result<()> {
    let x = graph.read(op, 0)?;
    let to = graph.output(op, 0)?;
    graph.give(x, to);
    Ok(())
}

/// Masks say where a bound is left out (`begin`, `end`) or an axis dropped (`shrink`).
fn strided_slice(graph: &mut Translation, op: &Operator) -> Result<()> {
    let mask = |field: usize| option(op, move |o| o.int(field));
    if mask(2)? != 0 || mask(3)? != 0 {
        return Err(Error::new("a slice with new axes or an ellipsis is not supported")
            .expected("one bound an axis")
            .found("an ellipsis_mask or a new_axis_mask")
            .help("write the slice with a bound for every axis"));
    }
    let (begin_mask, end_mask, shrink) = (mask(0)?, mask(1)?, mask(4)?);
    let relative = option(op, |o| o.truth(5))?;
    let begins = graph.ints(op, 1, "begin")?;
    let ends = graph.ints(op, 2, "end")?;
    let steps = graph.ints(op, 3, "strides")?;
    let set = |mask: i32, k: usize| mask.checked_shr(k as u32).unwrap_or(0) & 1 == 1;
    let (mut starts, mut stops) = (vec![], vec![]);
    for (k, ((&begin, &end), &step)) in begins.iter().zip(&ends).zip(&steps).enumerate() {
        let (first, last) = if step < 0 { (i64::MAX, i64::MIN) } else { (0, i64::MAX) };
        let end = if relative { begin.saturating_add(end) } else { end };
        starts.push(if set(begin_mask, k) { first } else { begin });
        stops.push(match (set(shrink, k), set(end_mask, k)) {
            // The element before the first is none: -1 is the last.
            (true, _) if begin == -1 => i64::MAX,
            (true, _) => begin.saturating_add(1),
            (false, true) => last,
            (false, false) => end,
        });
    }
    sliced(graph, op, &starts, &stops, &steps)
}

/// A size of -1 takes the rest.
fn slice(graph: &mut Translation, op: &Operator) -> Result<()> {
    let begins = graph.ints(op, 1, "begin")?;
    let sizes = graph.ints(op, 2, "size")?;
    let end = |(&begin, &size): (&i64, &i64)| match size {
        -1 => i64::MAX,
        size => begin.saturating_add(size),
    };
    let ends: Vec<i64> = begins.iter().zip(&sizes).map(end).collect();
    sliced(graph, op, &begins, &ends, &vec![1; begins.len()])
}

fn sliced(
    graph: &mut Translation,
    op: &Operator,
    starts: &[i64],
    ends: &[i64],
    steps: &[i64],
) -> Result<()> {
    let x = graph.read(op, 0)?;
    let y = graph.output(op, 0)?;
    let axes: Vec<i64> = (0..starts.len() as i64).collect();
    let bounds = [starts, ends, &axes, steps].map(|bounds| graph.fixed_ints(&y.name, bounds));
    let inputs = [x].into_iter().chain(bounds).collect();
    let part = graph.step(&y.name, "Slice", inputs, vec![]);
    graph.give(part, y);
    Ok(())
}

/// `SPLIT` reads the axis first, `SPLIT_V` the tensor, the sizes, and the axis.
fn split(graph: &mut Translation, op: &Operator) -> Result<()> {
    let sized = op.kind == "SPLIT_V";
    let axis = graph.ints(op, if sized { 2 } else { 0 }, "axis")?;
    let x = graph.read(op, if sized { 0 } else { 1 })?;
    let mut inputs = vec![x];
    if sized {
        inputs.push(graph.read(op, 1)?);
    }
    let outputs = (0..op.outputs.len()).map(|k| graph.output(op, k).map(|t| t.name.clone()));
    let outputs = outputs.collect::<Result<_>>()?;
    let axis = axis.first().copied().unwrap_or(0);
    graph.emit("Split", inputs, outputs, vec![("axis", Attribute::Int(axis))]);
    Ok(())
}

fn gather(graph: &mut Translation, op: &Operator) -> Result<()> {
    if option(op, |o| o.int(1))? != 0 {
        return Err(Error::new("a gather in batches is not supported")
            .expected("batch_dims 0")
            .found("another")
            .help("write it with indices that are the same for all rows"));
    }
    let axis = option(op, |o| o.int(0))?;
    let inputs = graph.read_all(op)?;
    write(graph, op, "Gather", inputs, vec![("axis", Attribute::Int(axis.into()))])
}

fn transpose(graph: &mut Translation, op: &Operator) -> Result<()> {
    let order = graph.ints(op, 1, "permutation")?;
    let x = graph.read(op, 0)?;
    write(graph, op, "Transpose", vec![x], vec![("perm", Attribute::Ints(order))])
}

/// Tensors one after the other along a new axis.
fn pack(graph: &mut Translation, op: &Operator) -> Result<()> {
    let axis = i64::from(option(op, |o| o.int(1))?);
    let names = graph.read_all(op)?;
    let base = graph.output(op, 0)?.name.clone();
    let place = graph.fixed_ints(&base, &[axis]);
    let parts = names.into_iter().map(|x| {
        let inputs = vec![x, place.clone()];
        graph.step(&base, "Unsqueeze", inputs, vec![])
    });
    let parts = parts.collect();
    write(graph, op, "Concat", parts, vec![("axis", Attribute::Int(axis))])
}

/// The slices of an axis, without it.
fn unpack(graph: &mut Translation, op: &Operator) -> Result<()> {
    let axis = i64::from(option(op, |o| o.int(1))?);
    let x = graph.read(op, 0)?;
    let parts: Vec<String> = op.outputs.iter().map(|_| graph.fresh(&x)).collect();
    graph.emit("Split", vec![x], parts.clone(), vec![("axis", Attribute::Int(axis))]);
    for (k, part) in parts.into_iter().enumerate() {
        let to = graph.output(op, k)?;
        graph.give(part, to);
    }
    Ok(())
}

fn reduce(graph: &mut Translation, op: &Operator) -> Result<()> {
    let name = if op.kind == "MEAN" { "ReduceMean" } else { "ReduceSum" };
    let keep = option(op, |o| o.truth(0))?;
    let axes = graph.ints(op, 1, "axes")?;
    let x = graph.read(op, 0)?;
    let axes = graph.fixed_ints(&x, &axes);
    write(graph, op, name, vec![x, axes], vec![("keepdims", Attribute::Int(keep.into()))])
}

fn arg_max(graph: &mut Translation, op: &Operator) -> Result<()> {
    let axis = graph.ints(op, 1, "axis")?.first().copied().unwrap_or(0);
    let x = graph.read(op, 0)?;
    let attributes = vec![("axis", Attribute::Int(axis)), ("keepdims", Attribute::Int(0))];
    write(graph, op, "ArgMax", vec![x], attributes)
}

fn unsupported(kind: &str) -> Error {
    let help = match kind {
        "CONV_2D" | "DEPTHWISE_CONV_2D" | "MAX_POOL_2D" | "AVERAGE_POOL_2D" | "TRANSPOSE_CONV" => {
            "networks for images are not supported; one of dense layers is"
        }
        "UNIDIRECTIONAL_SEQUENCE_LSTM"
        | "UNIDIRECTIONAL_SEQUENCE_RNN"
        | "LSTM"
        | "RNN"
        | "BIDIRECTIONAL_SEQUENCE_LSTM"
        | "WHILE"
        | "VAR_HANDLE"
        | "READ_VARIABLE" => {
            "recurrent layers are not read from TensorFlow Lite: give the network as ONNX, made by tf2onnx or torch.onnx.export"
        }
        "CUSTOM" | "DELEGATE" => {
            "convert the model for TensorFlow Lite's builtin operators, without a delegate or SELECT_TF_OPS"
        }
        _ => {
            "write the layer with operators that docs/files.md lists, or leave it out of the model"
        }
    };
    Error::new(format!("the operator `{kind}` is not supported"))
        .expected("an operator that docs/files.md lists under TensorFlow Lite")
        .found(format!("`{kind}`"))
        .help(help)
}
