//! The tensors of a state dict by name, with their shapes checked: of a safetensors file, or of PyTorch's own.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use safetensors::{Dtype, SafeTensors};

use super::scalars::Scalar;
use super::torch;
use crate::error::{Error, Result};
use crate::text::{self, alike};

/// An opened file, and what of it was read.
pub(super) struct Tensors<'a> {
    tensors: BTreeMap<String, Stored<'a>>,
    /// Names asked for, whether there or not.
    asked: RefCell<BTreeSet<String>>,
}

/// A tensor as it is stored, row-major.
struct Stored<'a> {
    shape: Vec<usize>,
    /// How its numbers are stored, or what the file calls a type that is not read.
    kind: std::result::Result<Scalar, String>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Tensors<'a> {
    /// Reads what tensors there are in a file's bytes.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        let tensors = match torch::is_saved(bytes) {
            true => of_torch(bytes)?,
            false => of_safetensors(bytes)?,
        };
        Ok(Self { tensors, asked: RefCell::default() })
    }

    /// Refuses a file with tensors that no layer read, but for those that change nothing once a network is
    /// trained, whose names end in one of `idle`.
    pub(super) fn understood(&self, idle: &[&str]) -> Result<()> {
        let asked = self.asked.borrow();
        let unread = |name: &&String| {
            !asked.contains(*name) && !idle.iter().any(|idle| name.ends_with(idle))
        };
        let names = self.names();
        let Some(name) = names.iter().find(unread) else { return Ok(()) };
        let missed = asked.iter().find(|meant| !names.contains(meant) && alike(name, meant));
        let error = Error::new("a tensor has no place in the network")
            .at(format!("tensor `{}`", text::label(name)))
            .found(format!("`{}`, which no layer reads", text::label(name)));
        Err(match missed {
            Some(meant) => error
                .expected(format!("`{meant}`, which is not there"))
                .help(format!("call it `{meant}` if that is meant; leave it out if not")),
            None => error
                .expected("tensors of the layers that config.json describes")
                .help("check `format` and the settings against the training; a tensor that is no part of the network must be left out of the file"),
        })
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let there = self.tensors.contains_key(name);
        // To look is not to read.
        if !there {
            self.asked.borrow_mut().insert(name.to_owned());
        }
        there
    }

    /// The elements of a tensor, however it is shaped.
    pub(super) fn list(&self, name: &str) -> Result<Vec<f64>> {
        self.numbers(name).map(|(_, data)| data)
    }

    /// A tensor of `len` elements.
    pub(super) fn vector(&self, name: &str, len: usize) -> Result<Vec<f64>> {
        let (shape, data) = self.numbers(name)?;
        match data.len() == len {
            true => Ok(data),
            false => Err(shape_error(name, &[len], &shape)),
        }
    }

    /// A vector of `len` elements, or `default` repeated where there is no such tensor.
    pub(super) fn vector_or(&self, name: &str, len: usize, default: f64) -> Result<Vec<f64>> {
        if self.has(name) { self.vector(name, len) } else { Ok(vec![default; len]) }
    }

    /// The elements of a tensor of exactly this shape.
    pub(super) fn shaped(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        let (found, data) = self.numbers(name)?;
        if found == shape { Ok(data) } else { Err(shape_error(name, shape, &found)) }
    }

    /// The shape and the elements of a tensor.
    pub(super) fn numbers(&self, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
        self.asked.borrow_mut().insert(name.to_owned());
        numbers(&self.tensors, name)
    }

    /// The rows of a matrix of this shape.
    pub(super) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Vec<Vec<f64>>> {
        let (shape, data) = self.numbers(name)?;
        match shape == [rows, columns] {
            true => Ok(data.chunks(columns.max(1)).map(<[f64]>::to_vec).collect()),
            false => Err(shape_error(name, &[rows, columns], &shape)),
        }
    }

    /// Rows and columns of a matrix.
    pub(super) fn shape(&self, name: &str) -> Result<(usize, usize)> {
        let (shape, _) = self.numbers(name)?;
        match shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(Error::new("a tensor is not a matrix")
                .at(format!("tensor `{name}`"))
                .expected("two axes, both at least 1")
                .found(format!("shape {shape:?}"))
                .help("save the weights as the library's state_dict has them, [outputs, inputs]")),
        }
    }
}

fn of_torch<'a>(bytes: &[u8]) -> Result<BTreeMap<String, Stored<'a>>> {
    let stored = |(name, torch::Stored { shape, scalar, bytes })| {
        (name, Stored { shape, kind: Ok(scalar), bytes: Cow::Owned(bytes) })
    };
    Ok(torch::tensors(bytes)?.into_iter().map(stored).collect())
}

fn of_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Stored<'_>>> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| {
        Error::new("this is not a safetensors file, or it is damaged")
            .expected("a header and the tensors it lists")
            .found(e)
            .help("save it again with safetensors, and copy it in binary mode")
    })?;
    let scalar = |kind: Dtype| match kind {
        Dtype::F16 => Ok(Scalar::F16),
        Dtype::BF16 => Ok(Scalar::Bf16),
        Dtype::F32 => Ok(Scalar::F32),
        Dtype::F64 => Ok(Scalar::F64),
        Dtype::U8 => Ok(Scalar::U8),
        Dtype::I8 => Ok(Scalar::I8),
        Dtype::I16 => Ok(Scalar::I16),
        Dtype::I32 => Ok(Scalar::I32),
        Dtype::I64 => Ok(Scalar::I64),
        other => Err(format!("{other:?}")),
    };
    let stored = file.iter().map(|(name, view)| {
        let (shape, kind) = (view.shape().to_vec(), scalar(view.dtype()));
        (name.to_owned(), Stored { shape, kind, bytes: Cow::Borrowed(view.data()) })
    });
    Ok(stored.collect())
}

/// The shape and the elements of a tensor.
fn numbers(tensors: &BTreeMap<String, Stored>, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let place = || format!("tensor `{name}`");
    let stored = tensors.get(name).ok_or_else(|| {
        Error::new("a tensor is missing")
            .at(place())
            .expected(format!("a tensor called `{name}`"))
            .found(format!("others: the file holds {}", listing(tensors)))
            .help("save the whole state_dict under the names its library gives")
    })?;
    let scalar = stored.kind.as_ref().map_err(|kind| {
        Error::new("the element type of a tensor is not supported")
            .at(place())
            .expected("F16, BF16, F32, F64, U8 or I8 to I64")
            .found(kind)
            .help("save the model in float32")
    })?;
    let data = scalar.decode(&stored.bytes);
    if let Some(bad) = data.iter().find(|v| !v.is_finite()) {
        return Err(Error::new("a weight is not a finite number")
            .at(place())
            .expected("finite weights")
            .found(bad)
            .help("the training diverged or the file is damaged: export a healthy checkpoint"));
    }
    Ok((stored.shape.clone(), data))
}

/// The first names in a file, for messages.
fn listing(tensors: &BTreeMap<String, Stored>) -> String {
    const MOST: usize = 12;
    let names: Vec<&str> = tensors.keys().take(MOST).map(String::as_str).collect();
    let rest = tensors.len().saturating_sub(MOST);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn shape_error(name: &str, expected: &[usize], found: &[usize]) -> Error {
    Error::new("a tensor has the wrong shape")
        .at(format!("tensor `{name}`"))
        .expected(format!("shape {expected:?}"))
        .found(format!("shape {found:?}"))
        .help("the file and its config.json must come from the same network")
}
