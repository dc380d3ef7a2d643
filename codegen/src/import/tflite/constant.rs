//! Constants of a file as real numbers. Stands on the schema.
//!
//! A quantized number is `scale (integer - zero)`. In double precision the product of a `float32` and an integer
//! of 8 bits is exact, so that whoever divides by the scale finds the integers that are in the file.

use super::schema::Tensor;
use crate::error::{Error, Result};

/// The type of two integers a byte.
const INT4: i8 = 17;

/// The numbers of the constant `tensor`, row-major: real ones where it has scales.
pub fn decode(tensor: &Tensor) -> Result<Vec<f64>> {
    decode_unplaced(tensor).map_err(|e| e.at(format!("tensor `{}`", tensor.name)))
}

fn decode_unplaced(tensor: &Tensor) -> Result<Vec<f64>> {
    if tensor.sparse {
        return Err(Error::new("a tensor is stored as a sparse matrix")
            .expected("all its numbers, zeros included")
            .found("a list of those that are not zero")
            .help("convert the model without Optimize.EXPERIMENTAL_SPARSITY: nervecord finds the zeros itself"));
    }
    let count = volume(&tensor.shape)?;
    let mut data = match (tensor.scalar(), tensor.kind) {
        (Some(scalar), _) => scalar.decode(tensor.data),
        (None, INT4) => tensor.data.iter().flat_map(|&byte| nibbles(byte)).take(count).collect(),
        (None, kind) => {
            return Err(Error::new("the element type of a tensor is not supported")
                .expected("float16, float32, float64 or an integer")
                .found(format!("TensorFlow Lite's type {kind}"))
                .help("convert the model with float32 or int8 weights"));
        }
    };
    if data.len() != count {
        return Err(Error::new("the data of a tensor do not fit its shape")
            .expected(format!("{count} elements for shape {:?}", tensor.shape))
            .found(format!("{} elements", data.len()))
            .help("the file is damaged or cut off: convert the model again"));
    }
    dequantize(tensor, &mut data)?;
    Ok(data)
}

/// Two's complement integers of 4 bits, the lower ones first.
fn nibbles(byte: u8) -> [f64; 2] {
    [byte << 4, byte & 0xf0].map(|high| f64::from((high as i8) >> 4))
}

fn dequantize(tensor: &Tensor, data: &mut [f64]) -> Result<()> {
    let count = tensor.scales.len();
    let axis = match count {
        0 => return Ok(()),
        1 => None,
        _ => usize::try_from(tensor.channels).ok(),
    };
    let channels = match axis {
        None => 1,
        Some(axis) => tensor.shape.get(axis).map_or(0, |&d| d as usize),
    };
    let fits = |n: usize| n == count || n == 0;
    if channels != count || !fits(tensor.zeros.len()) {
        return Err(Error::new("the scales of a tensor do not fit its shape")
            .expected(format!("one scale, or one an index of axis {}", tensor.channels))
            .found(format!("{count} scales and {} zero points", tensor.zeros.len()))
            .help("the file is damaged: convert the model again"));
    }
    // How many numbers follow one another with the same scale.
    let behind = tensor.shape.iter().skip(axis.map_or(tensor.shape.len(), |axis| axis + 1));
    let run = behind.fold(1, |p: usize, &d| p.saturating_mul(d as usize)).max(1);
    for (k, number) in data.iter_mut().enumerate() {
        let channel = if count == 1 { 0 } else { k / run % count };
        let scale = tensor.scales.get(channel).map_or(1.0, |&b| f32::from_le_bytes(b));
        let zero = tensor.zeros.get(channel).map_or(0, |&b| i64::from_le_bytes(b));
        *number = (*number - zero as f64) * f64::from(scale);
    }
    Ok(())
}

/// The number of elements of a shape.
fn volume(shape: &[i32]) -> Result<usize> {
    let count = shape.iter().try_fold(1usize, |p, &d| p.checked_mul(usize::try_from(d).ok()?));
    count.ok_or_else(|| {
        Error::new("the shape of a tensor is impossible")
            .expected("lengths of 0 or more that fit in memory")
            .found(format!("{shape:?}"))
            .help("convert the model with fixed shapes")
    })
}
