//! Normalisations spelt out in elementwise operators and reductions: by mean and deviation, and by the root of the
//! mean or the sum of squares; and the logarithm of a softmax as `x - ln(sum(exp(x)))`.
//!
//! Of layer normalisation two spellings are common. PyTorch: `(x - m) / sqrt(v + e)`, or times the reciprocal; gain and bias follow.
//! Keras: `x r + (b - m r)` with `r = g / sqrt(v + e)`. The importer follows each part as a [`Statistic`] of
//! `x` and puts a single layer where the last of them comes together; what led there is then read by nothing.

use super::super::builder::{Builder, Statistic};
use super::super::node::{Flow, Value};
use crate::error::Result;
use crate::graph::expr::Expr;
use crate::graph::{Layer, TensorId};

use Statistic::{
    Centered, Deviation, Drift, Gained, Inverse, InverseRoot, LogSumExp, Mean, Offset, Power, Root,
    Scaled, Shifted, Square, Squared, Variance,
};

/// What is known of a value that is a tensor of activations.
fn known(builder: &Builder, value: &Value) -> Option<(TensorId, Statistic)> {
    match value {
        Value::Flow(flow) => builder.statistic(flow.id),
        _ => None,
    }
}

fn flow_of(value: &Value) -> Option<TensorId> {
    match value {
        Value::Flow(flow) => Some(flow.id),
        _ => None,
    }
}

/// Of how many rows what is known of the operands is, if they agree.
fn rows_of(builder: &Builder, a: &Value, b: &Value) -> Option<usize> {
    let rows = |value: &Value| match value {
        Value::Flow(flow) => builder.statistic(flow.id).map(|_| builder.statistic_rows(flow.id)),
        _ => None,
    };
    match (rows(a), rows(b)) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.or(b).unwrap_or(1)),
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
    if let Some(flow) = by_own_size(builder, name, op, left, right)? {
        return Ok(Some(flow));
    }
    let (Some((x, first)), Some((y, second))) = (known(builder, a), known(builder, b)) else {
        return Ok(None);
    };
    let Some(rows) = rows_of(builder, a, b).filter(|_| x == y) else { return Ok(None) };
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
    let flow = builder.flow(name, Layer::Normalize { epsilon }.on_rows(rows), &[x], dims)?;
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

/// `x` over its own root of squares, or times the inverse; or minus its own logarithm of a sum of exponentials.
fn by_own_size(
    builder: &mut Builder,
    name: &str,
    op: &str,
    left: &Flow,
    right: &Flow,
) -> Result<Option<Flow>> {
    let of = |builder: &Builder, size: &Flow, x: &Flow| {
        builder.statistic(size.id).filter(|(of, _)| *of == x.id).map(|(_, what)| what)
    };
    let (x, (size, rows)) = match (op, of(builder, right, left), of(builder, left, right)) {
        ("Sub", Some(LogSumExp), _) => {
            let layer = Layer::LogSoftmax.on_rows(builder.statistic_rows(right.id));
            return builder.flow(name, layer, &[left.id], &left.dims).map(Some);
        }
        ("Div", Some(size @ Root { .. }), _) | ("Mul", Some(size @ InverseRoot { .. }), _) => {
            (left, (size, builder.statistic_rows(right.id)))
        }
        ("Mul", _, Some(size @ InverseRoot { .. })) => {
            (right, (size, builder.statistic_rows(left.id)))
        }
        _ => return Ok(None),
    };
    let (Root { weight, epsilon, least } | InverseRoot { weight, epsilon, least }) = size else {
        return Ok(None);
    };
    // weight sum(x^2) + epsilon = share (mean(x^2) + epsilon / share)
    let share = weight * (builder.len(x.id) / rows) as f64;
    let root = share.sqrt();
    let layer = Layer::RootMeanSquare { epsilon: epsilon / share, least: least / root };
    let id = builder.push(name, layer.on_rows(rows), &[x.id])?;
    let id = builder.map(name, Expr::X.mul(Expr::Const(1.0 / root)), id)?;
    Ok(Some(Flow { id, dims: x.dims.clone() }))
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
    let learnt = sized(op, a, b, left, right).or_else(|| match op {
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
            (_, Some(2.0)) => flow_of(a).map(|x| (x, Square)),
            (Some((x, Shifted(e))), Some(0.5)) => Some((x, Deviation(e))),
            (Some((x, Shifted(e))), Some(-0.5)) => Some((x, Inverse(e))),
            _ => None,
        },
        "Div" => match (number(a), a, right) {
            (Some(1.0), _, Some((x, Deviation(e)))) => Some((x, Inverse(e))),
            _ => None,
        },
        _ => None,
    });
    if let Some(((of, what), rows)) = learnt.zip(rows_of(builder, a, b)) {
        builder.learn_on_rows(id, of, what, rows);
    }
}

/// What `a op b` is of the sum of squares of a tensor.
fn sized(
    op: &str,
    a: &Value,
    b: &Value,
    left: Option<(TensorId, Statistic)>,
    right: Option<(TensorId, Statistic)>,
) -> Option<(TensorId, Statistic)> {
    let constant = |value: &Value| number(value).filter(|v| *v >= 0.0);
    match (op, left, constant(b), right, constant(a)) {
        ("Add", Some((x, Power { weight, epsilon, least: 0.0 })), Some(e), ..)
        | ("Add", .., Some((x, Power { weight, epsilon, least: 0.0 })), Some(e)) => {
            Some((x, Power { weight, epsilon: epsilon + e, least: 0.0 }))
        }
        ("Pow", Some((x, Power { .. })), ..) => match number(b) {
            Some(0.5) => root_of(left?.1).map(|what| (x, what)),
            Some(-0.5) => root_of(left?.1).and_then(inverse_of).map(|what| (x, what)),
            _ => None,
        },
        ("Div", .., Some((x, size)), Some(1.0)) => inverse_of(size).map(|what| (x, what)),
        ("Max", Some((x, size)), Some(least), ..) | ("Max", .., Some((x, size)), Some(least)) => {
            at_least(size, least).map(|what| (x, what))
        }
        _ => None,
    }
}

/// A size that is `bound` where it was less.
fn at_least(size: Statistic, bound: f64) -> Option<Statistic> {
    match size {
        Power { weight, epsilon, least } => {
            Some(Power { weight, epsilon, least: least.max(bound) })
        }
        Root { weight, epsilon, least } => Some(Root { weight, epsilon, least: least.max(bound) }),
        _ => None,
    }
}

fn root_of(size: Statistic) -> Option<Statistic> {
    match size {
        Power { weight, epsilon, least } => Some(Root { weight, epsilon, least: least.sqrt() }),
        _ => None,
    }
}

fn inverse_of(size: Statistic) -> Option<Statistic> {
    match size {
        Root { weight, epsilon, least } => Some(InverseRoot { weight, epsilon, least }),
        _ => None,
    }
}

/// Follows the sizes of a normalisation through a lower bound `least` on `from`, which gave `to`.
pub fn note_bound(builder: &mut Builder, least: f64, from: TensorId, to: TensorId) {
    let known = builder.statistic(from).filter(|_| least >= 0.0);
    if let Some((of, what)) = known.and_then(|(of, size)| Some((of, at_least(size, least)?))) {
        builder.learn_on_rows(to, of, what, builder.statistic_rows(from));
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
        (Value::Flow(x), _, Value::Flow(y), _) if x.id == y.id => Some((x.id, Square)),
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
        ("Sqrt", Some((x, size @ Power { .. }))) => root_of(size).map(|what| (x, what)),
        ("Reciprocal", Some((x, size @ Root { .. }))) => inverse_of(size).map(|what| (x, what)),
        ("Reciprocal", Some((x, Deviation(e)))) => Some((x, Inverse(e))),
        _ => None,
    };
    if let Some((of, what)) = learnt {
        builder.learn_on_rows(to, of, what, builder.statistic_rows(from));
    }
}
