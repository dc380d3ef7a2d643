//! Layer normalisation spelt out in elementwise operators and means.
//!
//! Two spellings are common. PyTorch: `(x - m) / sqrt(v + e)`, or times the reciprocal; gain and bias follow.
//! Keras: `x r + (b - m r)` with `r = g / sqrt(v + e)`. The importer follows each part as a [`Statistic`] of
//! `x` and puts a single layer where the last of them comes together; what led there is then read by nothing.

use super::super::builder::{Builder, Statistic};
use super::super::node::{Flow, Value};
use crate::error::Result;
use crate::graph::{Layer, TensorId};

use Statistic::{
    Centered, Deviation, Drift, Gained, Inverse, Mean, Offset, Scaled, Shifted, Squared, Variance,
};

/// What is known of a value that is a tensor of activations.
fn known(builder: &Builder, value: &Value) -> Option<(TensorId, Statistic)> {
    match value {
        Value::Flow(flow) => builder.statistic(flow.id),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Constant(array) => array.scalar(),
        _ => None,
    }
}

/// The normalisation that `a op b` completes, if it does.
pub fn normalized(
    builder: &mut Builder,
    name: &str,
    op: &str,
    a: &Value,
    b: &Value,
) -> Result<Option<Flow>> {
    let (Value::Flow(left), Value::Flow(right)) = (a, b) else { return Ok(None) };
    let (Some((x, first)), Some((y, second))) = (known(builder, a), known(builder, b)) else {
        return Ok(None);
    };
    if x != y {
        return Ok(None);
    }
    let (dims, epsilon, gain, bias) = match (op, first, second) {
        ("Div", Centered, Deviation(e)) | ("Mul", Centered, Inverse(e)) => {
            (&left.dims, e, None, None)
        }
        ("Mul", Inverse(e), Centered) => (&right.dims, e, None, None),
        ("Mul", Centered, Gained(e)) => (&left.dims, e, Some(right.id), None),
        ("Mul", Gained(e), Centered) => (&right.dims, e, Some(left.id), None),
        ("Sub", Scaled { epsilon, gain }, Drift { gain: other }) if gain == other => {
            (&left.dims, epsilon, Some(gain), None)
        }
        ("Add", Scaled { epsilon, gain }, Offset { gain: other }) if gain == other => {
            (&left.dims, epsilon, Some(gain), Some(right.id))
        }
        ("Add", Offset { gain: other }, Scaled { epsilon, gain }) if gain == other => {
            (&right.dims, epsilon, Some(gain), Some(left.id))
        }
        _ => return Ok(None),
    };
    let flow = builder.flow(name, Layer::Normalize { epsilon }, &[x], dims)?;
    let len = builder.len(flow.id);
    let scale = gain.and_then(|id| affine(builder, id, len)).map(|(scale, _)| scale);
    let offset = bias.and_then(|id| affine(builder, id, len)).map(|(_, offset)| offset);
    if scale.is_none() && offset.is_none() {
        return Ok(Some(flow));
    }
    let scale = scale.unwrap_or_else(|| vec![1.0; len]);
    let offset = offset.unwrap_or_else(|| vec![0.0; len]);
    builder.flow(name, Layer::Affine { scale, offset }, &[flow.id], dims).map(Some)
}

/// Scale and offset of the layer that writes `id`, spread over `len` features; none for a bare inverse,
/// whose gain is 1.
fn affine(builder: &Builder, id: TensorId, len: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let spread = |v: &[f64]| match v {
        [one] => vec![*one; len],
        many => many.to_vec(),
    };
    match &builder.writer(id)?.layer {
        Layer::Affine { scale, offset } => Some((spread(scale), spread(offset))),
        Layer::Map(f) => f.as_affine().map(|(s, o)| (vec![s; len], vec![o; len])),
        _ => None,
    }
}

/// Follows the parts of a normalisation through an operator of two operands that wrote `id`.
pub fn note_binary(builder: &mut Builder, op: &str, a: &Value, b: &Value, id: TensorId) {
    let (left, right) = (known(builder, a), known(builder, b));
    let learnt = match op {
        "Mul" => product(a, b, left, right).or_else(|| product(b, a, right, left)),
        "Add" => match (left, number(b), right, number(a)) {
            (Some((x, Variance)), Some(e), ..) | (.., Some((x, Variance)), Some(e)) => {
                Some((x, Shifted(e)))
            }
            _ => None,
        },
        "Sub" => match (a, right) {
            (Value::Flow(x), Some((of, Mean))) if of == x.id => Some((of, Centered)),
            (Value::Constant(_), Some((x, Drift { gain }))) => Some((x, Offset { gain })),
            _ => None,
        },
        "Pow" => match (left, number(b)) {
            (Some((x, Centered)), Some(2.0)) => Some((x, Squared)),
            (Some((x, Shifted(e))), Some(0.5)) => Some((x, Deviation(e))),
            (Some((x, Shifted(e))), Some(-0.5)) => Some((x, Inverse(e))),
            _ => None,
        },
        "Div" => match (number(a), a, right) {
            (Some(1.0), _, Some((x, Deviation(e)))) => Some((x, Inverse(e))),
            _ => None,
        },
        _ => None,
    };
    if let Some((of, what)) = learnt {
        builder.learn(id, of, what);
    }
}

/// What `a b` is; the caller tries both orders.
fn product(
    a: &Value,
    b: &Value,
    left: Option<(TensorId, Statistic)>,
    right: Option<(TensorId, Statistic)>,
) -> Option<(TensorId, Statistic)> {
    match (a, left, b, right) {
        (_, Some((x, Centered)), _, Some((y, Centered))) if x == y => Some((x, Squared)),
        (Value::Constant(_), _, _, Some((x, Inverse(e)))) => Some((x, Gained(e))),
        (Value::Flow(x), _, Value::Flow(r), Some((of, Inverse(epsilon) | Gained(epsilon))))
            if x.id == of =>
        {
            Some((of, Scaled { epsilon, gain: r.id }))
        }
        (_, Some((x, Mean)), Value::Flow(r), Some((y, Inverse(_) | Gained(_)))) if x == y => {
            Some((x, Drift { gain: r.id }))
        }
        _ => None,
    }
}

/// Follows the parts of a normalisation through a function of one variable from `from` to `to`.
pub fn note_unary(builder: &mut Builder, op: &str, from: TensorId, to: TensorId) {
    let learnt = match (op, builder.statistic(from)) {
        ("Sqrt", Some((x, Shifted(e)))) => Some((x, Deviation(e))),
        ("Sqrt", Some((x, Variance))) => Some((x, Deviation(0.0))),
        ("Reciprocal", Some((x, Deviation(e)))) => Some((x, Inverse(e))),
        _ => None,
    };
    if let Some((of, what)) = learnt {
        builder.learn(to, of, what);
    }
}
