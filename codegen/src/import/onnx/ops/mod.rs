//! One function an operator: from a [`Call`] to the values it writes.

pub use self::classifier::scores_of;

mod activation;
mod arithmetic;
mod classifier;
mod constants;
mod linear;
mod normalize;
mod recurrent;
mod shape;
mod statistics;

use super::builder::Builder;
use super::node::{Call, Value};
use crate::error::{Error, Result};
use crate::text::alike;

/// The operators with a layer or a folding; docs/files.md lists them.
#[rustfmt::skip]
pub const SUPPORTED: &[&str] = &[
    "Abs", "Add", "ArgMax", "ArrayFeatureExtractor", "BatchNormalization", "Cast", "CastLike", "Celu", "Clip", "Concat",
    "Constant", "ConstantOfShape", "Cos", "Cosh", "Div", "Dropout", "Elu", "Erf", "Exp", "Expand", "FastGelu",
    "Flatten", "GRU", "Gather", "Gelu", "Gemm", "HardSigmoid", "HardSwish", "Identity", "LSTM", "LabelEncoder",
    "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "MatMul", "Max", "Mean", "Min", "Mish", "Mul", "Neg",
    "PRelu", "Pow", "QuickGelu", "RNN", "Range", "Reciprocal", "ReduceMean", "ReduceSum", "Relu", "Reshape", "Scaler",
    "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Sinh", "Size", "Slice", "Softmax", "Softplus", "Softsign", "Split",
    "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Transpose", "Unsqueeze", "ZipMap",
];

type Rule = fn(&mut Builder, &Call) -> Result<Vec<Value>>;

/// Imports one node.
pub fn import(builder: &mut Builder, call: &Call) -> Result<Vec<Value>> {
    match rule(call.proto.domain.as_deref().unwrap_or_default(), call.op()) {
        Some(rule) => rule(builder, call),
        None => Err(unsupported(call)),
    }
}

fn rule(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" | "ai.onnx" => standard(op),
        "ai.onnx.ml" => Some(match op {
            "Scaler" => normalize::scaler,
            "ArrayFeatureExtractor" => classifier::array_feature_extractor,
            "ZipMap" => classifier::zip_map,
            "LabelEncoder" => classifier::label_encoder,
            _ => return None,
        }),
        "com.microsoft" => match op {
            "Gelu" | "QuickGelu" | "FastGelu" => Some(activation::unary),
            _ => None,
        },
        _ => None,
    }
}

fn standard(op: &str) -> Option<Rule> {
    Some(match op {
        "Gemm" => linear::gemm,
        "MatMul" => linear::matmul,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" => arithmetic::binary,
        "Min" | "Max" | "Sum" | "Mean" => arithmetic::variadic,
        "Clip" => activation::clip,
        "PRelu" => activation::prelu,
        "BatchNormalization" => normalize::batch,
        "LayerNormalization" => normalize::layer,
        "ReduceMean" | "ReduceSum" => normalize::reduce,
        "Concat" => shape::concat,
        "Slice" => shape::slice,
        "Split" => shape::split,
        "Gather" => shape::gather,
        "Flatten" => shape::flatten,
        "Reshape" => shape::reshape,
        "Squeeze" => shape::squeeze,
        "Unsqueeze" => shape::unsqueeze,
        "Transpose" => shape::transpose,
        "Expand" => shape::expand,
        "Identity" | "Dropout" => shape::pass,
        "Cast" | "CastLike" => shape::cast,
        "GRU" | "LSTM" | "RNN" => recurrent::cells,
        "Shape" => constants::shape,
        "Size" => constants::size,
        "Constant" => constants::constant,
        "ConstantOfShape" => constants::constant_of_shape,
        "Range" => constants::range,
        "Equal" | "Greater" | "Less" | "Where" | "Floor" | "Ceil" | "Round" | "Mod" => {
            constants::folded
        }
        "Softmax" | "LogSoftmax" => classifier::softmax,
        "ArgMax" => classifier::arg_max,
        _ if activation::is_unary(op) => activation::unary,
        _ => return None,
    })
}

fn unsupported(call: &Call) -> Error {
    let op = call.op();
    let domain = call.proto.domain.as_deref().unwrap_or_default();
    let help = match op {
        "Conv" | "ConvTranspose" | "MaxPool" | "AveragePool" | "GlobalAveragePool" => {
            "convolutional networks are not supported; a network of dense layers is"
        }
        "Scan" | "Loop" => {
            "export the recurrent layer as the operator GRU, LSTM or RNN, one step a call, or unrolled over a window of fixed length"
        }
        "QuantizeLinear"
        | "DequantizeLinear"
        | "QLinearMatMul"
        | "MatMulInteger"
        | "DynamicQuantizeLinear"
        | "QGemm"
        | "QLinearAdd" => {
            "nervecord quantizes by itself: export the float model before quantisation"
        }
        "Normalizer" => {
            "normalising each row by its own norm is not supported: leave that step out of the pipeline and do it before the network"
        }
        "ThresholdedRelu" | "Shrink" | "Floor" | "Ceil" | "Round" => {
            "the function has a jump, which no table follows: train with a continuous activation"
        }
        "If" => "export in inference mode, so that no branch is left",
        _ if domain.starts_with("ai.onnx.ml") => {
            "only multi-layer perceptrons, scalers and class labels are read from scikit-learn pipelines"
        }
        _ => "rewrite the layer with supported operators, or leave it out of the export",
    };
    let shown = if domain.is_empty() { op.to_owned() } else { format!("{domain}.{op}") };
    let near: Vec<String> = SUPPORTED
        .iter()
        .filter(|known| alike(op, known))
        .map(|known| format!("`{known}`"))
        .collect();
    let listed = "an operator that docs/files.md lists";
    let expected = match near.is_empty() {
        true => listed.to_owned(),
        false => format!("{listed}, such as {}", near.join(" or ")),
    };
    let found = match domain.is_empty() {
        true => format!("`{op}`"),
        false => format!("`{op}` of the domain `{domain}`"),
    };
    Error::new(format!("the operator `{shown}` is not supported"))
        .expected(expected)
        .found(found)
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_that_is_listed_has_a_rule() {
        for op in SUPPORTED {
            let domains = ["", "ai.onnx.ml", "com.microsoft"];
            assert!(domains.iter().any(|domain| rule(domain, op).is_some()), "{op}");
        }
    }
}
