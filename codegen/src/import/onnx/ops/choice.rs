//! Comparisons, logic and choices. What compares activations is a step, which a table follows as far as its pieces
//! are narrow; truth is 1 and falsehood 0.

use super::super::array::{self, Array, View};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::arithmetic::combine;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};

/// Greater, Less, Equal and their unions: a function of the difference.
pub fn compare(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let falling = || Expr::X.mul(Expr::Const(-1.0));
    let positive = || Expr::call(Function::Step);
    let negative = || positive().of(&falling());
    let not = |f: Expr| Expr::Const(1.0).sub(f);
    let of_difference = match node.op() {
        "Greater" => positive(),
        "Less" => negative(),
        "GreaterOrEqual" => not(negative()),
        "LessOrEqual" => not(positive()),
        _ => not(Expr::call(Function::Abs).of(&Expr::call(Function::Sign))),
    };
    let difference = combine(builder, node.name(), "Sub", node.input(0)?, node.input(1)?)?;
    Ok(vec![truth(builder, node.name(), &of_difference, &difference)?])
}

/// And, Or, Xor, Not.
pub fn logic(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let name = node.name();
    let a = node.input(0)?;
    let (value, f) = match node.op() {
        "And" => (combine(builder, name, "Mul", a, node.input(1)?)?, Expr::X),
        "Or" => (combine(builder, name, "Max", a, node.input(1)?)?, Expr::X),
        "Xor" => (combine(builder, name, "Sub", a, node.input(1)?)?, Expr::call(Function::Abs)),
        _ => (a.clone(), Expr::Const(1.0).sub(Expr::X)),
    };
    Ok(vec![truth(builder, name, &f, &value)?])
}

/// `f` of every element, which is 0 or 1.
fn truth(builder: &mut Builder, name: &str, f: &Expr, value: &Value) -> Result<Value> {
    match value {
        Value::Constant(a) => builder.constant(Array { integer: true, ..a.map(|v| f.eval(v)) }),
        Value::Flow(flow) => {
            let id = builder.map(name, f.clone(), flow.id)?;
            Ok(Value::Flow(Flow { id, dims: flow.dims.clone() }))
        }
        other => Err(Error::new("what is compared is not numeric")
            .expected("numbers")
            .found(other.kind())
            .help("export the scores themselves, without the names of classes")),
    }
}

/// `x` where the condition holds, else `y`.
pub fn choose(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let (x, y) = (node.input(1)?, node.input(2)?);
    let name = node.name();
    let condition = match node.input(0)? {
        Value::Constant(condition) => condition.clone(),
        computed => {
            // y + c (x - y), c being 0 or 1.
            let difference = combine(builder, name, "Sub", x, y)?;
            let chosen = combine(builder, name, "Mul", computed, &difference)?;
            return Ok(vec![combine(builder, name, "Add", &chosen, y)?]);
        }
    };
    let dims =
        array::broadcast_dims(&condition.dims, &array::broadcast_dims(&x.dims(), &y.dims())?)?;
    let condition = condition.pick(&array::broadcast(&condition.dims, &dims)?);
    let mut spread = |value: &Value| {
        let view = array::broadcast(&value.dims(), &dims)?;
        builder.view(name, value, view)
    };
    let (x, y) = (spread(x)?, spread(y)?);
    let holds: Vec<bool> = condition.data.iter().map(|v| *v != 0.0).collect();
    let joined = builder.joined(name, &[&x, &y])?;
    let place = |(k, holds): (usize, &bool)| if *holds { k } else { condition.data.len() + k };
    let view = View { dims, from: holds.iter().enumerate().map(place).collect() };
    Ok(vec![builder.view(name, &joined, view)?])
}
