//! Constant tensors of an ONNX file: every element type that has a number, in every place it may lie.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::array::Array;
use super::array::DAMAGED;
use super::proto::TensorProto;
use crate::error::{Error, Result};
use crate::import::file;
use crate::import::scalars::{Scalar, bf16_to_f64, f16_to_f64};

const STRING: i32 = 8;

/// A decoded constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// Numbers.
    Numbers(Array),
    /// Strings, as class names are.
    Text(Vec<String>),
}

/// Reads tensors, those in other files included, and hashes what it reads from them.
pub struct TensorReader {
    folder: PathBuf,
    /// Digest of the model file and of all external data read.
    pub hash: Sha256,
}

/// The scalar an ONNX element type stands for (`TensorProto.DataType`).
pub fn scalar_of(data_type: i32) -> Option<Scalar> {
    Some(match data_type {
        1 => Scalar::F32,
        2 => Scalar::U8,
        3 => Scalar::I8,
        4 => Scalar::U16,
        5 => Scalar::I16,
        6 => Scalar::I32,
        7 => Scalar::I64,
        9 => Scalar::Bool,
        10 => Scalar::F16,
        11 => Scalar::F64,
        12 => Scalar::U32,
        13 => Scalar::U64,
        16 => Scalar::Bf16,
        _ => return None,
    })
}

impl TensorReader {
    /// A reader for the model `path`, whose bytes are `model`.
    pub fn new(path: &Path, model: &[u8]) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { folder, hash: Sha256::new_with_prefix(model) }
    }

    /// The constant `proto` holds.
    pub fn decode(&mut self, proto: &TensorProto) -> Result<Constant> {
        self.decode_unplaced(proto)
            .map_err(|e| e.at(format!("tensor `{}`", proto.name.as_deref().unwrap_or_default())))
    }

    fn decode_unplaced(&mut self, proto: &TensorProto) -> Result<Constant> {
        let dims = shape_of(proto)?;
        let count = dims.iter().try_fold(1usize, |p, &d| p.checked_mul(d)).ok_or_else(|| {
            Error::new("the shape of a tensor overflows")
                .expected("a number of elements that fits in memory")
                .found(format!("{dims:?}"))
                .help("the file is damaged: export it again")
        })?;
        let data_type = proto.data_type.unwrap_or(0);
        if data_type == STRING {
            let text = proto
                .string_data
                .iter()
                .map(|s| String::from_utf8_lossy(s).into_owned())
                .collect::<Vec<_>>();
            check_count(count, text.len(), &dims)?;
            return Ok(Constant::Text(text));
        }
        let scalar = scalar_of(data_type).ok_or_else(|| {
            Error::new("the element type of a tensor is not supported")
                .expected("float16, bfloat16, float, double, an integer or bool")
                .found(format!("ONNX data type {data_type}"))
                .help("export the model in float32")
        })?;
        let data = if proto.data_location == Some(1) {
            scalar.decode(&self.external(proto, count, scalar.size())?)
        } else if let Some(raw) = proto.raw_data.as_ref().filter(|raw| !raw.is_empty()) {
            check_bytes(count, raw.len(), scalar.size(), &dims)?;
            scalar.decode(raw)
        } else {
            typed(proto, scalar)
        };
        check_count(count, data.len(), &dims)?;
        check_finite(&data)?;
        Ok(Constant::Numbers(Array { dims, data, integer: scalar.is_integer() }))
    }

    /// The bytes of a tensor kept in another file of the model's folder.
    fn external(&mut self, proto: &TensorProto, count: usize, size: usize) -> Result<Vec<u8>> {
        let entry = |key: &str| {
            let found = proto.external_data.iter().find(|e| e.key.as_deref() == Some(key));
            found.and_then(|e| e.value.as_deref())
        };
        let location = entry("location").filter(|l| !l.is_empty()).ok_or_else(|| {
            Error::new("external data has no location")
                .expected("a file name")
                .found("nothing")
                .help(DAMAGED)
        })?;
        let relative = Path::new(location);
        let inside = || relative.components().all(|c| matches!(c, Component::Normal(_)));
        let path = self.folder.join(relative);
        if !inside() || !stays_inside(&self.folder, &path) {
            return Err(Error::new("external data lies outside the model's folder")
                .expected("a file beside the model or below it")
                .found(format!("`{location}`"))
                .help("save the model with its data in one folder"));
        }
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
                Error::new(format!("the {key} of external data is not a number"))
                    .expected("a number of bytes")
                    .found(format!("`{text}`"))
                    .help(DAMAGED)
            }),
        };
        let io = |e: &std::io::Error| {
            Error::io("read", &path, e).help("keep the data file beside the model")
        };
        let mut file =
            file::open(&path).map_err(|e| e.help("keep the data file beside the model"))?;
        let available = file.metadata().map_err(|e| io(&e))?.len();
        let offset = number("offset")?.unwrap_or(0);
        let length = match number("length")? {
            Some(length) => length,
            None => available.saturating_sub(offset),
        };
        if offset.checked_add(length).is_none_or(|end| end > available) {
            return Err(Error::new("external data ends too early")
                .file(&path)
                .expected(format!("{length} bytes at offset {offset}"))
                .found(format!("a file of {available} bytes"))
                .help("the data file does not belong to this model or is cut off"));
        }
        check_bytes(count, usize::try_from(length).unwrap_or(usize::MAX), size, &[count])?;
        file.seek(SeekFrom::Start(offset)).map_err(|e| io(&e))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).map_err(|e| io(&e))?;
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

/// False if `path` leads out of `folder` through a link; a file that does not exist leads nowhere.
fn stays_inside(folder: &Path, path: &Path) -> bool {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match (folder.canonicalize(), path.canonicalize()) {
        (Ok(folder), Ok(path)) => path.starts_with(folder),
        _ => true,
    }
}

fn shape_of(proto: &TensorProto) -> Result<Vec<usize>> {
    proto
        .dims
        .iter()
        .map(|&d| {
            usize::try_from(d).map_err(|_| {
                Error::new("a tensor has a negative length")
                    .expected("lengths of 0 or more")
                    .found(format!("{:?}", proto.dims))
                    .help("the file is damaged: export it again")
            })
        })
        .collect()
}

/// Elements in the typed fields; narrow integers and the halves lie in `int32_data`.
fn typed(proto: &TensorProto, scalar: Scalar) -> Vec<f64> {
    let narrow = || proto.int32_data.iter();
    match scalar {
        Scalar::F32 => proto.float_data.iter().map(|&v| f64::from(v)).collect(),
        Scalar::F64 => proto.double_data.clone(),
        Scalar::I64 => proto.int64_data.iter().map(|&v| v as f64).collect(),
        Scalar::U32 | Scalar::U64 => proto.uint64_data.iter().map(|&v| v as f64).collect(),
        Scalar::F16 => narrow().map(|&v| f16_to_f64(v as u16)).collect(),
        Scalar::Bf16 => narrow().map(|&v| bf16_to_f64(v as u16)).collect(),
        _ => narrow().map(|&v| f64::from(v)).collect(),
    }
}

fn check_bytes(count: usize, bytes: usize, size: usize, dims: &[usize]) -> Result<()> {
    if count.checked_mul(size) == Some(bytes) {
        return Ok(());
    }
    Err(disagree(count, dims).found(format!("{bytes} bytes at {size} bytes an element")))
}

fn check_count(count: usize, found: usize, dims: &[usize]) -> Result<()> {
    if count == found {
        return Ok(());
    }
    Err(disagree(count, dims).found(format!("{found} elements")))
}

/// Refuses weights that are no numbers; an infinite scalar may be the bound of a clip.
fn check_finite(data: &[f64]) -> Result<()> {
    let several = data.len() > 1;
    let bad = |v: &&f64| v.is_nan() || (several && v.is_infinite());
    match data.iter().find(bad) {
        None => Ok(()),
        Some(bad) => Err(Error::new("a weight is not a finite number")
            .expected("finite numbers")
            .found(bad)
            .help("the training diverged or the file is damaged: export a healthy checkpoint")),
    }
}

fn disagree(count: usize, dims: &[usize]) -> Error {
    Error::new("the data of a tensor does not fit its shape")
        .expected(format!("{count} elements for shape {dims:?}"))
        .help("the file is damaged or cut off: export it again")
}
