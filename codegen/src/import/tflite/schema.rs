//! What of the schema of TensorFlow Lite (`schema.fbs`, version 3) an importer reads: the numbers of its fields,
//! and a model's parts with their references checked. Stands on flatbuffers.

use std::collections::HashSet;

use super::buffer::Table;
use crate::error::{Error, Result};
use crate::import::scalars::Scalar;

/// Most axes of a tensor.
const MOST_AXES: usize = 8;

/// Most tensors that an operator reads or writes.
const MOST_OPERANDS: usize = 1024;

/// What a file begins with, behind the place of its first table.
const IDENTIFIER: &[u8] = b"TFL3";

/// A file's network.
pub struct Model<'a> {
    /// All tensors, constants included.
    pub tensors: Vec<Tensor<'a>>,
    /// The tensors a caller writes.
    pub inputs: Vec<usize>,
    /// The tensors a caller reads.
    pub outputs: Vec<usize>,
    /// Operators in the order they run.
    pub operators: Vec<Operator<'a>>,
}

/// A tensor, of activations or constant.
pub struct Tensor<'a> {
    /// A name that no other tensor has.
    pub name: String,
    /// Length of each axis.
    pub shape: Vec<i32>,
    /// `TensorType`.
    pub kind: i8,
    /// The numbers of a constant; empty for activations.
    pub data: &'a [u8],
    /// Real number a unit: one, or one an index of the axis `channels`; empty where the numbers are real.
    pub scales: &'a [[u8; 4]],
    /// The integers of 0, as many as scales or none.
    pub zeros: &'a [[u8; 8]],
    /// The axis of scales of its own.
    pub channels: i32,
    /// Whether its numbers are packed as a sparse matrix.
    pub sparse: bool,
}

impl Tensor<'_> {
    /// How its numbers are stored; none for those that are no numbers of whole bytes.
    pub fn scalar(&self) -> Option<Scalar> {
        Some(match self.kind {
            0 => Scalar::F32,
            1 => Scalar::F16,
            2 => Scalar::I32,
            3 => Scalar::U8,
            4 => Scalar::I64,
            6 => Scalar::Bool,
            7 => Scalar::I16,
            9 => Scalar::I8,
            10 => Scalar::F64,
            12 => Scalar::U64,
            15 => Scalar::U32,
            16 => Scalar::U16,
            _ => return None,
        })
    }

    /// Whether it holds whole numbers that mean themselves.
    pub fn is_integer(&self) -> bool {
        self.scales.is_empty() && self.scalar().is_some_and(Scalar::is_integer)
    }

    /// Product of all axes but the last.
    pub fn rows(&self) -> i64 {
        let rows = self.shape.split_last().map_or(&[][..], |(_, rows)| rows);
        rows.iter().fold(1, |p, &d| p.saturating_mul(i64::from(d)))
    }
}

/// One operator.
pub struct Operator<'a> {
    /// The name of what it computes.
    pub kind: &'static str,
    /// The tensors it reads; none where an optional one is left out.
    pub inputs: Vec<Option<usize>>,
    /// The tensors it writes.
    pub outputs: Vec<usize>,
    /// Its attributes.
    pub options: Option<Table<'a>>,
}

impl<'a> Model<'a> {
    /// The network in the bytes of a file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.get(4..8) != Some(IDENTIFIER) {
            return Err(Error::new("this is not a TensorFlow Lite model, or it is damaged")
                .expected("`TFL3` as bytes 4 to 7")
                .found(format!("{:?}", bytes.get(4..8).unwrap_or(bytes)))
                .help("convert the model again with TFLiteConverter, and copy the file in binary mode"));
        }
        let model = Table::root(bytes)?;
        let codes = model.tables(1)?.into_iter().map(kind).collect::<Result<Vec<_>>>()?;
        let buffers = model.tables(4)?;
        let graph = model.tables(2)?.into_iter().next().ok_or_else(|| {
            Error::new("the model has no network")
                .expected("a subgraph")
                .found("none")
                .help("convert the model again")
        })?;
        let mut names = HashSet::new();
        let tensors = graph.tables(0)?.into_iter().enumerate();
        let tensors = tensors
            .map(|(index, table)| tensor(index, table, &buffers, &mut names))
            .collect::<Result<Vec<_>>>()?;
        let count = tensors.len();
        let operators = graph.tables(3)?.into_iter();
        let operators =
            operators.map(|table| operator(table, &codes, count)).collect::<Result<Vec<_>>>()?;
        let inputs = known(&graph.ints(1, MOST_OPERANDS)?, count)?;
        let outputs = known(&graph.ints(2, MOST_OPERANDS)?, count)?;
        Ok(Self { tensors, inputs, outputs, operators })
    }
}

/// What the operators of a code compute.
fn kind(code: Table) -> Result<&'static str> {
    // Codes of 127 and more have a field of their own.
    let number = code.int(3)?.max(i32::from(code.byte(0)?));
    let name = usize::try_from(number).ok().and_then(|n| OPERATORS.get(n));
    name.copied().ok_or_else(|| {
        Error::new("an operator's code is not known")
            .expected(format!("a code below {}", OPERATORS.len()))
            .found(number)
            .help("convert the model for TensorFlow Lite's builtin operators")
    })
}

fn tensor<'a>(
    index: usize,
    table: Table<'a>,
    buffers: &[Table<'a>],
    names: &mut HashSet<String>,
) -> Result<Tensor<'a>> {
    let buffer = table.int(2)?;
    let data = usize::try_from(buffer).ok().and_then(|k| buffers.get(k)).ok_or_else(|| {
        Error::new("a tensor's data are not there")
            .at(format!("tensor {index}"))
            .expected(format!("a buffer below {}", buffers.len()))
            .found(buffer)
            .help("the file is damaged: convert the model again")
    })?;
    let quantization = table.table(4)?;
    let scales = quantization.map_or(Ok(&[][..]), |q| q.numbers(2))?;
    let zeros = quantization.map_or(Ok(&[][..]), |q| q.numbers(3))?;
    let mut name = table.text(3)?;
    if name.is_empty() || names.contains(&name) {
        name = format!("{name}#{index}");
    }
    names.insert(name.clone());
    Ok(Tensor {
        name,
        shape: table.ints(0, MOST_AXES)?,
        kind: table.byte(1)?,
        data: data.numbers::<1>(0)?.as_flattened(),
        scales,
        zeros,
        channels: quantization.map_or(Ok(0), |q| q.int(6))?,
        sparse: table.table(6)?.is_some(),
    })
}

fn operator<'a>(table: Table<'a>, codes: &[&'static str], tensors: usize) -> Result<Operator<'a>> {
    let code = table.int(0)?;
    let kind = usize::try_from(code).ok().and_then(|k| codes.get(k)).ok_or_else(|| {
        Error::new("an operator's code is not there")
            .expected(format!("a number below {}", codes.len()))
            .found(code)
            .help("the file is damaged: convert the model again")
    })?;
    let inputs = table.ints(1, MOST_OPERANDS)?;
    let inputs = inputs.iter().map(|&k| match k {
        -1 => Ok(None),
        k => known(&[k], tensors).map(|k| k.first().copied()),
    });
    Ok(Operator {
        kind,
        inputs: inputs.collect::<Result<_>>()?,
        outputs: known(&table.ints(2, MOST_OPERANDS)?, tensors)?,
        options: table.table(4)?,
    })
}

/// Numbers of tensors that exist.
fn known(numbers: &[i32], tensors: usize) -> Result<Vec<usize>> {
    let exists = |&k: &i32| {
        usize::try_from(k).ok().filter(|&k| k < tensors).ok_or_else(|| {
            Error::new("a tensor does not exist")
                .expected(format!("a tensor number below {tensors}"))
                .found(k)
                .help("the file is damaged: convert the model again")
        })
    };
    numbers.iter().map(exists).collect()
}

/// `BuiltinOperator`: the operators by their codes.
#[rustfmt::skip]
const OPERATORS: &[&str] = &[
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "DEPTH_TO_SPACE", "DEQUANTIZE",
    "EMBEDDING_LOOKUP", "FLOOR", "FULLY_CONNECTED", "HASHTABLE_LOOKUP", "L2_NORMALIZATION", "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION", "LOGISTIC", "LSH_PROJECTION", "LSTM", "MAX_POOL_2D", "MUL", "RELU",
    "RELU_N1_TO_1", "RELU6", "RESHAPE", "RESIZE_BILINEAR", "RNN", "SOFTMAX", "SPACE_TO_DEPTH", "SVDF", "TANH",
    "CONCAT_EMBEDDINGS", "SKIP_GRAM", "CALL", "CUSTOM", "EMBEDDING_LOOKUP_SPARSE", "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN", "GATHER", "BATCH_TO_SPACE_ND", "SPACE_TO_BATCH_ND", "TRANSPOSE", "MEAN", "SUB",
    "DIV", "SQUEEZE", "UNIDIRECTIONAL_SEQUENCE_LSTM", "STRIDED_SLICE", "BIDIRECTIONAL_SEQUENCE_RNN", "EXP", "TOPK_V2",
    "SPLIT", "LOG_SOFTMAX", "DELEGATE", "BIDIRECTIONAL_SEQUENCE_LSTM", "CAST", "PRELU", "MAXIMUM", "ARG_MAX",
    "MINIMUM", "LESS", "NEG", "PADV2", "GREATER", "GREATER_EQUAL", "LESS_EQUAL", "SELECT", "SLICE", "SIN",
    "TRANSPOSE_CONV", "SPARSE_TO_DENSE", "TILE", "EXPAND_DIMS", "EQUAL", "NOT_EQUAL", "LOG", "SUM", "SQRT", "RSQRT",
    "SHAPE", "POW", "ARG_MIN", "FAKE_QUANT", "REDUCE_PROD", "REDUCE_MAX", "PACK", "LOGICAL_OR", "ONE_HOT",
    "LOGICAL_AND", "LOGICAL_NOT", "UNPACK", "REDUCE_MIN", "FLOOR_DIV", "REDUCE_ANY", "SQUARE", "ZEROS_LIKE", "FILL",
    "FLOOR_MOD", "RANGE", "RESIZE_NEAREST_NEIGHBOR", "LEAKY_RELU", "SQUARED_DIFFERENCE", "MIRROR_PAD", "ABS",
    "SPLIT_V", "UNIQUE", "CEIL", "REVERSE_V2", "ADD_N", "GATHER_ND", "COS", "WHERE", "RANK", "ELU",
    "REVERSE_SEQUENCE", "MATRIX_DIAG", "QUANTIZE", "MATRIX_SET_DIAG", "ROUND", "HARD_SWISH", "IF", "WHILE",
    "NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", "SCATTER_ND", "SELECT_V2", "DENSIFY", "SEGMENT_SUM",
    "BATCH_MATMUL", "PLACEHOLDER_FOR_GREATER_OP_CODES", "CUMSUM", "CALL_ONCE", "BROADCAST_TO", "RFFT2D", "CONV_3D",
    "IMAG", "REAL", "COMPLEX_ABS", "HASHTABLE", "HASHTABLE_FIND", "HASHTABLE_IMPORT", "HASHTABLE_SIZE", "REDUCE_ALL",
    "CONV_3D_TRANSPOSE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "BROADCAST_ARGS", "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE", "RANDOM_UNIFORM", "MULTINOMIAL", "GELU", "DYNAMIC_UPDATE_SLICE", "RELU_0_TO_1",
    "UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "ATAN2", "UNSORTED_SEGMENT_MIN", "SIGN",
    "BITCAST", "BITWISE_XOR", "RIGHT_SHIFT", "STABLEHLO_LOGISTIC", "STABLEHLO_ADD", "STABLEHLO_DIVIDE",
    "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_RESHAPE", "STABLEHLO_CLAMP", "STABLEHLO_CONCATENATE",
    "STABLEHLO_BROADCAST_IN_DIM", "STABLEHLO_CONVOLUTION", "STABLEHLO_SLICE", "STABLEHLO_CUSTOM_CALL",
    "STABLEHLO_REDUCE", "STABLEHLO_ABS", "STABLEHLO_AND", "STABLEHLO_COSINE", "STABLEHLO_EXPONENTIAL",
    "STABLEHLO_FLOOR", "STABLEHLO_LOG", "STABLEHLO_MINIMUM", "STABLEHLO_NEGATE", "STABLEHLO_OR", "STABLEHLO_POWER",
    "STABLEHLO_REMAINDER", "STABLEHLO_RSQRT", "STABLEHLO_SELECT", "STABLEHLO_SUBTRACT", "STABLEHLO_TANH",
    "STABLEHLO_SCATTER", "STABLEHLO_COMPARE", "STABLEHLO_CONVERT", "STABLEHLO_DYNAMIC_SLICE",
    "STABLEHLO_DYNAMIC_UPDATE_SLICE", "STABLEHLO_PAD", "STABLEHLO_IOTA", "STABLEHLO_DOT_GENERAL",
    "STABLEHLO_REDUCE_WINDOW", "STABLEHLO_SORT", "STABLEHLO_WHILE", "STABLEHLO_GATHER", "STABLEHLO_TRANSPOSE",
    "DILATE", "STABLEHLO_RNG_BIT_GENERATOR", "REDUCE_WINDOW", "STABLEHLO_COMPOSITE", "STABLEHLO_SHIFT_LEFT",
    "STABLEHLO_CBRT",
];
