//! Rearrangements, of constants and of activations alike.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};

/// Data types of ONNX that a cast may name.
const FLOAT: i64 = 1;
const INT64: i64 = 7;
const STRING: i64 = 8;

/// The same elements in another shape.
fn reshaped(value: &Value, dims: Vec<usize>) -> Value {
    match value {
        Value::Constant(a) => Value::Constant(Array { dims, ..(**a).clone() }.into()),
        Value::Flow(f) => Value::Flow(Flow { id: f.id, dims }),
        other => other.clone(),
    }
}

/// Operators that compute nothing at inference.
pub fn pass(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let training = node.op() == "Dropout"
        && node.optional_constant(2, "training mode")?.is_some_and(|t| t.scalar() != Some(0.0));
    if training {
        return Err(Error::new("a dropout is in training mode")
            .expected("training_mode false")
            .found("true")
            .help("export the model in inference mode (`model.eval()`)"));
    }
    Ok(vec![node.input(0)?.clone()])
}

/// The data type that a cast names.
pub fn target(node: &Call) -> Result<i64> {
    match node.op() {
        // To the type of the second input.
        "CastLike" => Ok(match node.input(1)? {
            Value::Constant(like) if like.integer => INT64,
            Value::Constant(_) | Value::Flow(_) => FLOAT,
            Value::Text(_) | Value::Label(_) | Value::Sequence(_) => STRING,
        }),
        _ => node.optional_int("to").ok_or_else(|| {
            Error::new("a cast has no type")
                .expected("an attribute `to`")
                .found("none")
                .help(DAMAGED)
        }),
    }
}

/// Whether a data type is one of whole numbers.
pub fn is_whole(data_type: i64) -> bool {
    matches!(data_type, 2..=7 | 12 | 13)
}

/// Casts between number formats; activations that become whole numbers are cut off by a table.
pub fn cast(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let to = target(node)?;
    let whole = is_whole(to);
    let value = node.input(0)?;
    let numeric = matches!(value, Value::Constant(_) | Value::Flow(_));
    if numeric && !whole && !matches!(to, FLOAT | 9 | 10 | 11 | 16) {
        return Err(Error::new("a cast to a type that is not supported")
            .expected("a cast to a floating-point type of 16 bits or more")
            .found(format!("ONNX data type {to}"))
            .help("export the model before quantisation, without a cast of activations to strings or 8-bit floats"));
    }
    Ok(vec![match value {
        Value::Constant(a) => {
            let data = match (to, whole) {
                (9, _) => a.data.iter().map(|&v| f64::from(u8::from(v != 0.0))).collect(),
                (_, true) => a.data.iter().map(|v| v.trunc()).collect(),
                _ => a.data.clone(),
            };
            let dims = a.dims.clone();
            builder.constant(Array { dims, data, integer: whole || to == 9 })?
        }
        Value::Flow(flow) if (whole || to == 9) && !builder.is_whole(flow.id) => {
            let f = if to == 9 { truth() } else { Expr::truncated() };
            let id = builder.map(node.name(), f, flow.id)?;
            Value::Flow(Flow { id, dims: flow.dims.clone() })
        }
        Value::Flow(flow) if to == 9 => {
            let id = builder.map(node.name(), truth(), flow.id)?;
            Value::Flow(Flow { id, dims: flow.dims.clone() })
        }
        other => other.clone(),
    }])
}

/// 1 for all but 0.
fn truth() -> Expr {
    Expr::call(Function::Abs).of(&Expr::call(Function::Sign))
}

/// Reshape to a constant shape.
pub fn reshape(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    if matches!(value, Value::Label(_) | Value::Text(_)) {
        return Ok(vec![value.clone()]);
    }
    let target = node.constant(1, "shape")?.as_ints();
    let dims = array::reshape(&value.dims(), &target, node.int("allowzero", 0) != 0)?;
    Ok(vec![reshaped(value, dims)])
}

/// Flatten to two axes.
pub fn flatten(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    let rank = dims.len();
    let axis = node.int("axis", 1);
    let axis = if axis == rank as i64 { rank } else { array::axis_of(axis, rank.max(1))? };
    let (before, after) = dims.split_at(axis.min(rank));
    Ok(vec![reshaped(value, vec![array::volume(before)?, array::volume(after)?])])
}

/// Drops axes of length 1.
pub fn squeeze(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    let axes = match node.ints_or_input("axes", 1)? {
        Some(axes) => {
            axes.iter().map(|&a| array::axis_of(a, dims.len())).collect::<Result<Vec<_>>>()?
        }
        None => dims.iter().enumerate().filter(|(_, d)| **d == 1).map(|(k, _)| k).collect(),
    };
    let dropped = |k: usize| axes.contains(&k);
    if let Some((k, d)) = dims.iter().enumerate().find(|(k, d)| dropped(*k) && **d != 1) {
        return Err(Error::new("an axis cannot be dropped")
            .expected(format!("length 1 on axis {k}"))
            .found(format!("length {d}"))
            .help(DAMAGED));
    }
    let kept = dims.iter().enumerate().filter(|(k, _)| !dropped(*k)).map(|(_, &d)| d).collect();
    Ok(vec![reshaped(value, kept)])
}

/// Inserts axes of length 1.
pub fn unsqueeze(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    let axes = node.ints_or_input("axes", 1)?.unwrap_or_default();
    let rank = dims.len() + axes.len();
    let axes = axes.iter().map(|&a| array::axis_of(a, rank)).collect::<Result<Vec<_>>>()?;
    let mut rest = dims.iter();
    let out: Vec<usize> = (0..rank)
        .map(|k| if axes.contains(&k) { 1 } else { rest.next().copied().unwrap_or(1) })
        .collect();
    if rest.next().is_some() {
        return Err(Error::new("axes are inserted twice")
            .expected("different axes")
            .found(format!("{axes:?}"))
            .help(DAMAGED));
    }
    Ok(vec![reshaped(value, out)])
}

/// Axes in another order.
pub fn transpose(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    let order = match node.ints("perm") {
        Some(perm) => {
            perm.iter().map(|&a| array::axis_of(a, dims.len())).collect::<Result<Vec<_>>>()?
        }
        None => (0..dims.len()).rev().collect(),
    };
    let view = array::transpose(&dims, &order)?;
    Ok(vec![builder.view(node.name(), value, view)?])
}

/// Repeats along axes of length 1.
pub fn expand(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    // PyTorch's -1 keeps a length, as 1 does.
    let length = |d: i64| match d {
        -1 => Ok(1),
        d => usize::try_from(d).map_err(|_| {
            Error::new("a shape is negative")
                .expected("lengths to expand to")
                .found(d)
                .help("export with a fixed number of features and a dynamic batch axis")
        }),
    };
    let shape = node.constant(1, "shape")?.as_ints();
    let to = shape.into_iter().map(length).collect::<Result<Vec<usize>>>()?;
    let view = array::broadcast(&dims, &array::broadcast_dims(&dims, &to)?)?;
    Ok(vec![builder.view(node.name(), value, view)?])
}

/// Elements at constant indices of one axis.
pub fn gather(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let computed = matches!(node.input(1)?, Value::Flow(_));
    if matches!(value, Value::Text(_)) || computed && matches!(value, Value::Constant(_)) {
        return super::classifier::array_feature_extractor(builder, node);
    }
    if let Value::Flow(index) = node.input(1)? {
        let axis = array::axis_of(node.int("axis", 0), value.dims().len())?;
        return super::rearrange::picked(builder, node, axis, index);
    }
    let dims = value.dims();
    let indices = node.constant(1, "indices")?;
    let axis = array::axis_of(node.int("axis", 0), dims.len())?;
    let view = array::gather(&dims, axis, &indices.as_ints(), &indices.dims)?;
    Ok(vec![builder.view(node.name(), value, view)?])
}

/// Ranges of axes; the bounds were attributes before operator set 10.
pub fn slice(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let mut value = node.input(0)?.clone();
    let rank = value.dims().len();
    let bounds = |name: &str, k: usize| -> Result<Vec<i64>> {
        node.ints_or_input(name, k)?.ok_or_else(|| {
            Error::new("a slice has no bounds")
                .expected(format!("constant {name}"))
                .found("none")
                .help(DAMAGED)
        })
    };
    let (starts, ends) = (bounds("starts", 1)?, bounds("ends", 2)?);
    let axes = node.ints_or_input("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = node.ints_or_input("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&n| n != starts.len()) {
        return Err(Error::new("the bounds of a slice do not fit each other")
            .expected("as many starts as ends, axes and steps")
            .found(format!("{starts:?}, {ends:?}, {axes:?}, {steps:?}"))
            .help(DAMAGED));
    }
    for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = array::axis_of(axis, rank)?;
        let view = array::slice(&value.dims(), axis, start, end, step)?;
        value = builder.view(node.name(), &value, view)?;
    }
    Ok(vec![value])
}

/// Consecutive ranges of one axis.
pub fn split(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = node.input(0)?;
    let dims = value.dims();
    let axis = array::axis_of(node.int("axis", 0), dims.len())?;
    let len = dims.get(axis).copied().unwrap_or(1);
    let parts = node.proto.output.len().max(1);
    let declared = node.optional_int("num_outputs");
    if let Some(declared) = declared.filter(|n| *n != parts as i64) {
        return Err(Error::new("a split does not fit its outputs")
            .expected(format!("`num_outputs` {parts}, as many as the node writes"))
            .found(declared)
            .help("the file is damaged or was edited: export it again"));
    }
    let sizes = match node.ints_or_input("split", 1)? {
        Some(sizes) => sizes,
        // With `num_outputs` the last part may be smaller.
        None => {
            let size = len.div_ceil(parts);
            let rest = |k: usize| len.saturating_sub(k * size).min(size);
            (0..parts).map(|k| rest(k) as i64).collect()
        }
    };
    let total = sizes.iter().fold(0i64, |sum, &s| sum.saturating_add(s));
    if total != len as i64 || sizes.iter().any(|&s| s < 0) || sizes.len() < parts {
        return Err(Error::new("a split does not fit its tensor")
            .expected(format!("{parts} parts of {len} features in all"))
            .found(format!("{sizes:?}"))
            .help(DAMAGED));
    }
    let mut start = 0;
    let mut out = Vec::with_capacity(parts);
    for size in sizes.into_iter().take(parts) {
        let view = array::slice(&dims, axis, start, start + size, 1)?;
        out.push(builder.view(node.name(), value, view)?);
        start += size;
    }
    Ok(out)
}

/// The tensors of a sequence one after the other, along an axis of theirs or a new one.
pub fn concat_from_sequence(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let values = super::rearrange::sequence(node.input(0)?)?.clone();
    let axis = node.int("axis", 0);
    if node.int("new_axis", 0) == 0 {
        return joined(builder, node, &values.iter().collect::<Vec<_>>(), axis);
    }
    let rank = values.first().map_or(0, |value| value.dims().len()) + 1;
    let at = array::axis_of(axis, rank)?;
    let longer = |value: &Value| {
        let mut dims = value.dims();
        dims.insert(at.min(dims.len()), 1);
        reshaped(value, dims)
    };
    let values: Vec<Value> = values.iter().map(longer).collect();
    joined(builder, node, &values.iter().collect::<Vec<_>>(), axis)
}

/// Tensors one after the other; constants among activations become fixed features.
pub fn concat(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let values = (0..node.inputs.len()).map(|k| node.input(k)).collect::<Result<Vec<_>>>()?;
    joined(builder, node, &values, node.int("axis", 0))
}

fn joined(builder: &mut Builder, node: &Call, values: &[&Value], axis: i64) -> Result<Vec<Value>> {
    let shapes = values.iter().map(|v| v.dims()).collect::<Vec<_>>();
    let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
    let view = array::concat(&shapes, axis)?;
    let joined = builder.joined(node.name(), values)?;
    Ok(vec![builder.view(node.name(), &joined, view)?])
}
