//! Elementwise operators of two and more operands.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::statistics;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Layer, TensorId};

/// An operand after broadcasting.
#[derive(Debug, Clone)]
enum Operand {
    Scalar(f64),
    Vector(Vec<f64>),
    Flow(TensorId),
}

/// Add, Sub, Mul, Div, Pow.
pub fn binary(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let value = combine(builder, node.name(), node.op(), node.input(0)?, node.input(1)?)?;
    Ok(vec![value])
}

/// Sum, Mean, Min, Max of any number of operands.
pub fn variadic(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let op = match node.op() {
        "Sum" | "Mean" => "Add",
        other => other,
    };
    let mut value = node.input(0)?.clone();
    for k in 1..node.inputs.len() {
        value = combine(builder, node.name(), op, &value, node.input(k)?)?;
    }
    if node.op() == "Mean" {
        let count = Array { dims: vec![], data: vec![node.inputs.len() as f64], integer: false };
        let count = builder.constant(count)?;
        value = combine(builder, node.name(), "Div", &value, &count)?;
    }
    Ok(vec![value])
}

/// Mod: with the sign of the divisor, or of the dividend for `fmod`.
pub fn modulo(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let fmod = node.int("fmod", 0) != 0;
    let divisor = node.constant(1, "divisor")?;
    Ok(vec![match node.input(0)? {
        Value::Constant(a) if fmod => builder.constant(a.zip(&divisor, |a, b| a % b)?)?,
        Value::Constant(a) => builder.constant(a.zip(&divisor, |a, b| a - b * (a / b).floor())?)?,
        _ => {
            let flow = node.flow(0)?;
            let Some(b) = divisor.scalar().filter(|b| *b != 0.0) else {
                return Err(Error::new("this form of Mod is not supported")
                    .expected("one divisor other than 0")
                    .found(format!("shape {:?}", divisor.dims))
                    .help("take the remainder by one constant"));
            };
            let quotient = Expr::X.div(Expr::Const(b));
            let whole = match fmod {
                true => Expr::truncated().of(&quotient),
                false => Expr::call(Function::Floor).of(&quotient),
            };
            let f = Expr::X.sub(whole.mul(Expr::Const(b)));
            let id = builder.map(node.name(), f, flow.id)?;
            Value::Flow(Flow { id, dims: flow.dims.clone() })
        }
    }])
}

fn fold(op: &str, a: &Array, b: &Array) -> Result<Array> {
    let whole = a.integer && b.integer;
    a.zip(b, |a, b| match op {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" if whole => (a / b).trunc(),
        "Div" => a / b,
        "Pow" => a.powf(b),
        "Min" => a.min(b),
        _ => a.max(b),
    })
}

/// `a op b`, folded if both are constants.
pub fn combine(builder: &mut Builder, name: &str, op: &str, a: &Value, b: &Value) -> Result<Value> {
    if let (Value::Constant(a), Value::Constant(b)) = (a, b) {
        return builder.constant(fold(op, a, b)?);
    }
    if let Some(flow) = statistics::normalized(builder, name, op, a, b)? {
        return Ok(Value::Flow(flow));
    }
    let dims = array::broadcast_dims(dims_of(a)?, dims_of(b)?)?;
    let left = operand(builder, name, a, &dims)?;
    let right = operand(builder, name, b, &dims)?;
    let id = match op {
        "Add" => add(builder, name, left, right, 1.0)?,
        "Sub" => add(builder, name, left, right, -1.0)?,
        "Mul" => mul(builder, name, left, right)?,
        "Div" => div(builder, name, left, right)?,
        "Pow" => pow(builder, name, left, right)?,
        "Min" => extreme(builder, name, left, right, false)?,
        _ => extreme(builder, name, left, right, true)?,
    };
    statistics::note_binary(builder, op, a, b, id);
    Ok(Value::Flow(Flow { id, dims }))
}

fn dims_of(value: &Value) -> Result<&[usize]> {
    match value {
        Value::Constant(a) => Ok(&a.dims),
        Value::Flow(f) => Ok(&f.dims),
        other => Err(Error::new("an operand is not numeric")
            .expected("numbers")
            .found(other.kind())
            .help(DAMAGED)),
    }
}

fn operand(builder: &mut Builder, name: &str, value: &Value, dims: &[usize]) -> Result<Operand> {
    let view = array::broadcast(dims_of(value)?, dims)?;
    Ok(match value {
        Value::Constant(a) => match a.scalar() {
            Some(v) => Operand::Scalar(v),
            None => Operand::Vector(a.pick(&view).data),
        },
        Value::Flow(f) => Operand::Flow(builder.select(name, f.id, view)?),
        other => {
            return Err(Error::new("an operand is not numeric").found(other.kind()).help(DAMAGED));
        }
    })
}

fn affine(
    builder: &mut Builder,
    name: &str,
    x: TensorId,
    scale: Vec<f64>,
    offset: Vec<f64>,
) -> Result<TensorId> {
    builder.push(name, Layer::Affine { scale, offset }, &[x])
}

/// `a + sign b`.
fn add(builder: &mut Builder, name: &str, a: Operand, b: Operand, sign: f64) -> Result<TensorId> {
    use Operand::{Flow, Scalar, Vector};
    match (a, b) {
        (Flow(a), Flow(b)) => builder.push(name, Layer::Add { factors: [1.0, sign] }, &[a, b]),
        (Flow(a), Scalar(v)) => builder.map(name, Expr::X.add(Expr::Const(sign * v)), a),
        (Scalar(v), Flow(b)) => {
            builder.map(name, Expr::X.mul(Expr::Const(sign)).add(Expr::Const(v)), b)
        }
        (Flow(a), Vector(v)) => {
            let offset = v.iter().map(|v| sign * v).collect();
            affine(builder, name, a, vec![1.0; v.len()], offset)
        }
        (Vector(v), Flow(b)) => affine(builder, name, b, vec![sign; v.len()], v),
        _ => Err(both_constant()),
    }
}

fn mul(builder: &mut Builder, name: &str, a: Operand, b: Operand) -> Result<TensorId> {
    use Operand::{Flow, Scalar, Vector};
    match (a, b) {
        (Flow(a), Flow(b)) => builder.push(name, Layer::Mul, &[a, b]),
        (Flow(a), Scalar(v)) | (Scalar(v), Flow(a)) => {
            builder.map(name, Expr::X.mul(Expr::Const(v)), a)
        }
        (Flow(a), Vector(v)) | (Vector(v), Flow(a)) => {
            let offset = vec![0.0; v.len()];
            affine(builder, name, a, v, offset)
        }
        _ => Err(both_constant()),
    }
}

fn div(builder: &mut Builder, name: &str, a: Operand, b: Operand) -> Result<TensorId> {
    use Operand::{Flow, Scalar, Vector};
    match (a, b) {
        (Flow(a), Flow(b)) => builder.push(name, Layer::Div, &[a, b]),
        (Scalar(v), Flow(b)) => builder.map(name, Expr::Const(v).div(Expr::X), b),
        (other, Flow(b)) => {
            let inverse = builder.map(name, Expr::Const(1.0).div(Expr::X), b)?;
            mul(builder, name, other, Flow(inverse))
        }
        (a, Scalar(0.0)) => {
            drop(a);
            Err(by_zero())
        }
        (Flow(a), Scalar(v)) => builder.map(name, Expr::X.div(Expr::Const(v)), a),
        (_, Vector(v)) if v.contains(&0.0) => Err(by_zero()),
        (Flow(a), Vector(v)) => {
            let scale = v.iter().map(|v| 1.0 / v).collect();
            affine(builder, name, a, scale, vec![0.0; v.len()])
        }
        _ => Err(both_constant()),
    }
}

fn pow(builder: &mut Builder, name: &str, a: Operand, b: Operand) -> Result<TensorId> {
    match (a, b) {
        (Operand::Flow(a), Operand::Scalar(p)) => builder.map(name, power(p), a),
        (Operand::Scalar(v), Operand::Flow(b)) if v > 0.0 => {
            let f = Expr::call(Function::Exp).of(&Expr::X.mul(Expr::Const(v.ln())));
            builder.map(name, f, b)
        }
        (_, other) => Err(Error::new("this form of Pow is not supported")
            .expected("a tensor to a constant power, or a positive constant to a tensor's")
            .found(format!("exponent {}", kind(&other)))
            .help("write the power with constants")),
    }
}

fn power(exponent: f64) -> Expr {
    if exponent == 1.0 { Expr::X } else { Expr::X.pow(exponent) }
}

/// The larger or smaller of two.
fn extreme(
    builder: &mut Builder,
    name: &str,
    a: Operand,
    b: Operand,
    largest: bool,
) -> Result<TensorId> {
    use Operand::{Flow, Scalar, Vector};
    let layer = Layer::Extreme { largest };
    match (a, b) {
        (Flow(x), Flow(y)) if x == y => Ok(x),
        (Flow(x), Flow(y)) => builder.push(name, layer, &[x, y]),
        (Flow(x), Scalar(v)) | (Scalar(v), Flow(x)) => {
            let bound = Expr::Const(v);
            builder.map(name, if largest { Expr::X.max(bound) } else { Expr::X.min(bound) }, x)
        }
        (Flow(x), Vector(v)) | (Vector(v), Flow(x)) => {
            let bounds = builder.fixed(name, &v)?;
            builder.push(name, layer, &[x, bounds])
        }
        _ => Err(both_constant()),
    }
}

fn kind(operand: &Operand) -> &'static str {
    match operand {
        Operand::Scalar(_) => "a scalar",
        Operand::Vector(_) => "a constant vector",
        Operand::Flow(_) => "a tensor of activations",
    }
}

fn both_constant() -> Error {
    Error::new("an elementwise node has no tensor to work on")
        .expected("one tensor of activations")
        .help(DAMAGED)
}

fn by_zero() -> Error {
    Error::new("a division by a constant zero")
        .expected("divisors other than 0")
        .found(0)
        .help("a constant feature has standard deviation 0: leave it out, or scale it by 1")
}
