//! Operators whose results are known at import.

use std::rc::Rc;

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Value};
use crate::error::{Error, Result};

fn dims_of(node: &Call) -> Result<Vec<usize>> {
    match node.input(0)? {
        Value::Constant(a) => Ok(a.dims.clone()),
        _ => Ok(node.flow(0)?.dims.clone()),
    }
}

/// The shape of a tensor, its batch being 1.
pub fn shape(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = dims_of(node)?;
    let len = dims.len() as i64;
    let wrap = |v: i64| {
        let from_front = if v < 0 { v.saturating_add(len) } else { v };
        from_front.clamp(0, len) as usize
    };
    let (start, end) = (wrap(node.int("start", 0)), wrap(node.int("end", i64::MAX)));
    let part = dims.get(start..end).unwrap_or_default();
    let data = part.iter().map(|&d| d as f64).collect();
    Ok(vec![builder.constant(Array::integers(data))?])
}

/// The number of elements of a tensor.
pub fn size(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let count = array::volume(&dims_of(node)?)? as f64;
    Ok(vec![builder.constant(Array { dims: vec![], data: vec![count], integer: true })?])
}

/// A constant that is an attribute.
pub fn constant(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let array = |dims: Vec<usize>, data: Vec<f64>, integer| Array { dims, data, integer };
    if let Some(tensor) = node.tensor("value") {
        return Ok(vec![builder.decoded(tensor)?]);
    }
    if let Some(v) = node.optional_float("value_float") {
        return Ok(vec![builder.constant(array(vec![], vec![v], false))?]);
    }
    if let Some(v) = node.optional_int("value_int") {
        return Ok(vec![builder.constant(array(vec![], vec![v as f64], true))?]);
    }
    if let Some(v) = node.floats("value_floats") {
        return Ok(vec![builder.constant(array(vec![v.len()], v, false))?]);
    }
    if let Some(v) = node.ints("value_ints") {
        let data = v.iter().map(|&v| v as f64).collect();
        return Ok(vec![builder.constant(Array::integers(data))?]);
    }
    let text = node.strings("value_strings").or(node.string("value_string").map(|s| vec![s]));
    match text {
        Some(text) => Ok(vec![Value::Text(Rc::new(text))]),
        None => Err(Error::new("a constant has no value")
            .expected("a tensor, numbers or strings")
            .found("none of them")
            .help("sparse constants are not supported: export dense ones")),
    }
}

/// A shape filled with one value.
pub fn constant_of_shape(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node
        .constant(0, "shape")?
        .as_ints()
        .into_iter()
        .map(|d| {
            usize::try_from(d).map_err(|_| {
                Error::new("a shape is negative").expected("lengths").found(d).help(DAMAGED)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let (value, integer) = match node.tensor("value").map(|t| builder.decoded(t)).transpose()? {
        Some(Value::Constant(a)) => (a.data.first().copied().unwrap_or(0.0), a.integer),
        _ => (0.0, false),
    };
    let data = vec![value; array::volume(&dims)?];
    Ok(vec![builder.constant(Array { dims, data, integer })?])
}

/// Evenly spaced numbers.
pub fn range(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let number = |k: usize| -> Result<f64> {
        node.constant(k, "bound")?.scalar().ok_or_else(|| {
            Error::new("a bound of a range is not a scalar").expected("one number").help(DAMAGED)
        })
    };
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let count = ((limit - start) / delta).ceil().max(0.0);
    if !count.is_finite() || array::volume(&[count as usize]).is_err() {
        return Err(Error::new("a range has no end")
            .expected("finite bounds and a step other than 0")
            .found(format!("{start} to {limit} by {delta}"))
            .help(DAMAGED));
    }
    let integer = node.constant(0, "bound")?.integer;
    let data: Vec<f64> = (0..count as usize).map(|k| start + k as f64 * delta).collect();
    Ok(vec![builder.constant(Array { dims: vec![data.len()], data, integer })?])
}
