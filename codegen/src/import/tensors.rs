//! Named tensors out of a safetensors file, each checked as it is taken.

use safetensors::{Dtype, SafeTensors};

use super::scalars::Scalar;
use crate::error::{Error, Result};

/// The tensors in `bytes`.
///
/// # Errors
/// It is no safetensors file.
pub fn open(bytes: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(bytes).map_err(|e| {
        Error::new("this is not a safetensors file, or it is damaged")
            .expected("a header and the tensors it lists")
            .found(e)
            .help("save it again with safetensors, and copy it in binary mode")
    })
}

/// The numbers of a tensor of exactly this shape.
///
/// # Errors
/// It is missing, of another shape, or not finite.
pub fn shaped(file: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
    let (found, data) = numbers(file, name)?;
    if found == shape {
        return Ok(data);
    }
    Err(Error::new("a tensor has the wrong shape")
        .at(format!("tensor `{name}`"))
        .expected(format!("shape {shape:?}"))
        .found(format!("{found:?}"))
        .help("the widths and grid sizes in config.json must be those the network was trained with"))
}

/// A vector of `len` numbers, or `default` repeated where there is no such tensor.
///
/// # Errors
/// It has another length or is not finite.
pub fn vector_or(file: &SafeTensors, name: &str, len: usize, default: f64) -> Result<Vec<f64>> {
    if !has(file, name) {
        return Ok(vec![default; len]);
    }
    let (shape, data) = numbers(file, name)?;
    if data.len() == len {
        return Ok(data);
    }
    Err(Error::new("a tensor has the wrong shape")
        .at(format!("tensor `{name}`"))
        .expected(format!("{len} values"))
        .found(format!("shape {shape:?}")))
}

/// Whether there is a tensor of that name.
pub fn has(file: &SafeTensors, name: &str) -> bool {
    file.names().contains(&name)
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

/// A tensor's shape and its finite numbers.
///
/// # Errors
/// It is missing, has an unknown element type, or holds NaN or an infinity.
pub fn numbers(file: &SafeTensors, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
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
                .found(format!("{other:?}")));
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
