//! The tensors of a safetensors file by name, with their shapes checked.

use std::cell::RefCell;
use std::collections::BTreeSet;

use safetensors::{Dtype, SafeTensors};

use super::scalars::Scalar;
use crate::error::{Error, Result};
use crate::text::{self, alike};

/// An opened `.safetensors` file, and what of it was read.
pub(super) struct Tensors<'a> {
    file: SafeTensors<'a>,
    /// Names asked for, whether there or not.
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Tensors<'a> {
    /// Reads the header of a file's bytes.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        let opened = SafeTensors::deserialize(bytes).map_err(|e| {
            Error::new("this is not a safetensors file, or it is damaged")
                .expected("a header and the tensors it lists")
                .found(e)
                .help("save it again with safetensors, and copy it in binary mode")
        });
        Ok(Self { file: opened?, asked: RefCell::default() })
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
        let mut names: Vec<String> = self.file.names().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let there = self.file.tensor(name).is_ok();
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
        numbers(&self.file, name)
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

/// The shape and the elements of a tensor.
fn numbers(file: &SafeTensors, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let place = || format!("tensor `{name}`");
    let view = file.tensor(name).map_err(|e| {
        Error::new("a tensor is missing")
            .at(place())
            .expected(format!("a tensor called `{name}`"))
            .found(format!("{e}; the file holds {}", listing(file)))
            .help("save the whole state_dict under the names its library gives")
    })?;
    let scalar = match view.dtype() {
        Dtype::F16 => Scalar::F16,
        Dtype::BF16 => Scalar::Bf16,
        Dtype::F32 => Scalar::F32,
        Dtype::F64 => Scalar::F64,
        Dtype::U8 => Scalar::U8,
        Dtype::I8 => Scalar::I8,
        Dtype::I16 => Scalar::I16,
        Dtype::I32 => Scalar::I32,
        Dtype::I64 => Scalar::I64,
        other => {
            return Err(Error::new("the element type of a tensor is not supported")
                .at(place())
                .expected("F16, BF16, F32, F64, U8 or I8 to I64")
                .found(format!("{other:?}"))
                .help("save the model in float32"));
        }
    };
    let data = scalar.decode(view.data());
    if let Some(bad) = data.iter().find(|v| !v.is_finite()) {
        return Err(Error::new("a weight is not a finite number")
            .at(place())
            .expected("finite weights")
            .found(bad)
            .help("the training diverged or the file is damaged: export a healthy checkpoint"));
    }
    Ok((view.shape().to_vec(), data))
}

/// The first names in a file, for messages.
fn listing(file: &SafeTensors) -> String {
    const MOST: usize = 12;
    let mut names: Vec<&str> = file.names().into_iter().collect();
    names.sort_unstable();
    let rest = names.len().saturating_sub(MOST);
    names.truncate(MOST);
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
