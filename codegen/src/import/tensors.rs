//! The tensors of a safetensors file by name, with their shapes checked.

use safetensors::SafeTensors;

use super::mlp::numbers;
use crate::error::{Error, Result};

/// An opened `.safetensors` file.
pub(super) struct Tensors<'a>(SafeTensors<'a>);

impl<'a> Tensors<'a> {
    /// Reads the header of a file's bytes.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self> {
        SafeTensors::deserialize(bytes).map(Self).map_err(|e| {
            Error::new("this is not a safetensors file, or it is damaged")
                .expected("a header and the tensors it lists")
                .found(e)
                .help("save it again with safetensors, and copy it in binary mode")
        })
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.0.names().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
    }

    /// The elements of a tensor, however it is shaped.
    pub(super) fn list(&self, name: &str) -> Result<Vec<f64>> {
        numbers(&self.0, name).map(|(_, data)| data)
    }

    /// A tensor of `len` elements.
    pub(super) fn vector(&self, name: &str, len: usize) -> Result<Vec<f64>> {
        let (shape, data) = numbers(&self.0, name)?;
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
        numbers(&self.0, name)
    }

    /// The rows of a matrix of this shape.
    pub(super) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Vec<Vec<f64>>> {
        let (shape, data) = numbers(&self.0, name)?;
        match shape == [rows, columns] {
            true => Ok(data.chunks(columns.max(1)).map(<[f64]>::to_vec).collect()),
            false => Err(shape_error(name, &[rows, columns], &shape)),
        }
    }

    /// Rows and columns of a matrix.
    pub(super) fn shape(&self, name: &str) -> Result<(usize, usize)> {
        let (shape, _) = numbers(&self.0, name)?;
        match shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(Error::new("a tensor is not a matrix")
                .at(format!("tensor `{name}`"))
                .expected("two axes, both at least 1")
                .found(format!("shape {shape:?}"))),
        }
    }
}

fn shape_error(name: &str, expected: &[usize], found: &[usize]) -> Error {
    Error::new("a tensor has the wrong shape")
        .at(format!("tensor `{name}`"))
        .expected(format!("shape {expected:?}"))
        .found(format!("shape {found:?}"))
        .help("the file and its config.json must come from the same network")
}
