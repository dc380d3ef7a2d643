//! One function an operator: from a [`Call`] to the values it writes.

pub use self::classifier::scores_of;

mod activation;
mod arithmetic;
mod bilinear;
mod choice;
mod classifier;
mod constants;
mod conv;
mod frame;
mod groups;
mod linear;
mod normalize;
mod pool;
mod rearrange;
mod recurrent;
mod reduce;
mod shape;
mod statistics;

use super::builder::Builder;
use super::node::{Call, Value};
use crate::error::{Error, Result};
use crate::text::alike;

/// The operators with a layer or a folding; docs/files.md lists them.
#[rustfmt::skip]
pub const SUPPORTED: &[&str] = &[
    "Abs", "Acos", "Acosh", "Add", "And", "ArgMax", "ArgMin", "ArrayFeatureExtractor", "Asin", "Asinh", "Atan",
    "Atanh", "AveragePool", "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Concat",
    "ConcatFromSequence", "Constant", "ConstantOfShape", "Conv", "Cos", "Cosh", "DepthToSpace", "Div", "Dropout",
    "Elu", "Equal", "Erf", "Exp", "Expand", "FastGelu", "Flatten", "Floor", "GRU", "Gather", "GatherElements",
    "GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual",
    "GroupNormalization", "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization", "LSTM", "LabelEncoder",
    "LayerNormalization", "LeakyRelu", "Less", "LessOrEqual", "LinearRegressor", "Log", "LogSoftmax",
    "LpNormalization", "MatMul", "Max", "MaxPool", "Mean", "MeanVarianceNormalization", "Min", "Mish", "Mod", "Mul", "Neg", "Normalizer", "Not",
    "Or", "PRelu", "Pad", "Pow", "QuickGelu", "RMSNormalization", "RNN", "Range", "Reciprocal", "ReduceL1",
    "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Round", "Scaler", "ScatterElements", "ScatterND", "Selu",
    "SequenceAt", "SequenceConstruct", "SequenceLength", "Shape", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh",
    "Size", "Slice", "Softmax", "Softplus", "Softsign", "SpaceToDepth", "Split", "SplitToSequence", "Sqrt",
    "Squeeze", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Tile", "Transpose", "Unsqueeze", "Where",
    "Xor", "ZipMap",
];

type Rule = fn(&mut Builder, &Call) -> Result<Vec<Value>>;

/// Imports one node.
pub fn import(builder: &mut Builder, call: &Call) -> Result<Vec<Value>> {
    match rule(call.proto.domain.as_deref().unwrap_or_default(), call.op()) {
        Some(rule) => rule(builder, call),
        None => Err(unsupported(call)),
    }
}

/// Whether a node makes whole numbers of its input, whatever that is.
pub fn writes_whole(call: &Call) -> bool {
    match call.op() {
        "ArgMax" | "ArgMin" => true,
        "Cast" | "CastLike" => shape::target(call).is_ok_and(shape::is_whole),
        _ => false,
    }
}

fn rule(domain: &str, op: &str) -> Option<Rule> {
    match domain {
        "" | "ai.onnx" => standard(op),
        "ai.onnx.ml" => Some(match op {
            "Scaler" => normalize::scaler,
            "Normalizer" => normalize::by_norm,
            "LinearRegressor" => linear::regressor,
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
        "RMSNormalization" => normalize::root_mean_square,
        "GroupNormalization" | "InstanceNormalization" => normalize::by_channels,
        "MeanVarianceNormalization" => normalize::mean_variance,
        "LpNormalization" => normalize::by_norm,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
        | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" => reduce::reduce,
        "Conv" => conv::conv,
        "AveragePool" | "GlobalAveragePool" => pool::average,
        "MaxPool" | "GlobalMaxPool" => pool::largest,
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
        "Tile" => rearrange::tile,
        "Pad" => rearrange::pad,
        "GatherElements" => rearrange::gather_elements,
        "GatherND" => rearrange::gather_nd,
        "ScatterElements" | "ScatterND" => rearrange::scatter,
        "DepthToSpace" | "SpaceToDepth" => rearrange::depth_space,
        "SequenceConstruct" => rearrange::sequence_construct,
        "SplitToSequence" => rearrange::split_to_sequence,
        "SequenceAt" => rearrange::sequence_at,
        "SequenceLength" => rearrange::sequence_length,
        "ConcatFromSequence" => shape::concat_from_sequence,
        "Identity" | "Dropout" => shape::pass,
        "Cast" | "CastLike" => shape::cast,
        "GRU" | "LSTM" | "RNN" => recurrent::cells,
        "Shape" => constants::shape,
        "Size" => constants::size,
        "Constant" => constants::constant,
        "ConstantOfShape" => constants::constant_of_shape,
        "Range" => constants::range,
        "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => choice::compare,
        "And" | "Or" | "Xor" | "Not" => choice::logic,
        "Where" => choice::choose,
        "Mod" => arithmetic::modulo,
        "Softmax" | "LogSoftmax" => classifier::softmax,
        "ArgMax" | "ArgMin" => classifier::arg_max,
        _ if activation::is_unary(op) => activation::unary,
        _ => return None,
    })
}

fn unsupported(call: &Call) -> Error {
    let op = call.op();
    let domain = call.proto.domain.as_deref().unwrap_or_default();
    let help = match op {
        "ConvTranspose" => {
            "convolutions that make more places of fewer are not supported: image networks are not for this program"
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
        "If" => "export in inference mode, so that no branch is left",
        _ if domain.starts_with("ai.onnx.ml") => {
            "only multi-layer perceptrons, linear regressions, scalers and class labels are read from scikit-learn pipelines"
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
