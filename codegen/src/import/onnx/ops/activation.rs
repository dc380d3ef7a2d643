//! Functions of one variable.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::{classifier, statistics};
use crate::error::{Error, Result};
use crate::graph::Layer;
use crate::graph::expr::{Expr, Function};

/// `sqrt(2 / pi)`, of the tanh form of GELU (Hendrycks and Gimpel 2016).
const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

/// Constants of SELU (Klambauer et al. 2017) as the ONNX operator has them by default, in single precision.
const SELU: (f32, f32) = (1.673_263_2, 1.050_701);

fn c(value: f64) -> Expr {
    Expr::Const(value)
}

fn x() -> Expr {
    Expr::X
}

fn call(function: Function) -> Expr {
    Expr::call(function)
}

/// True if `op` is a function of one variable with a table.
pub fn is_unary(op: &str) -> bool {
    matches!(
        op,
        "Neg"
            | "Sqrt"
            | "Exp"
            | "Log"
            | "Abs"
            | "Sign"
            | "Reciprocal"
            | "Relu"
            | "LeakyRelu"
            | "Elu"
            | "Selu"
            | "Celu"
            | "Gelu"
            | "Erf"
            | "Sigmoid"
            | "Tanh"
            | "HardSigmoid"
            | "HardSwish"
            | "Swish"
            | "Mish"
            | "Softplus"
            | "Softsign"
            | "Sin"
            | "Cos"
            | "Sinh"
            | "Cosh"
            | "Tan"
            | "Asin"
            | "Acos"
            | "Atan"
            | "Asinh"
            | "Acosh"
            | "Atanh"
            | "Floor"
            | "Ceil"
            | "Round"
            | "ThresholdedRelu"
            | "Shrink"
    )
}

/// The function a node computes, from the ONNX operator's definition.
fn function(node: &Call) -> Result<Expr> {
    let alpha = |default| node.float("alpha", default);
    Ok(match node.op() {
        "Neg" => x().mul(c(-1.0)),
        "Sqrt" => call(Function::Sqrt),
        "Exp" => call(Function::Exp),
        "Log" => call(Function::Log),
        "Abs" => call(Function::Abs),
        "Sign" => call(Function::Sign),
        "Reciprocal" => c(1.0).div(x()),
        "Relu" => Expr::relu(),
        "LeakyRelu" => call(Function::LeakyRelu { alpha: alpha(0.01) }),
        "Elu" => call(Function::Elu { alpha: alpha(1.0), gamma: 1.0 }),
        "Selu" => call(Function::Elu {
            alpha: alpha(SELU.0.into()),
            gamma: node.float("gamma", SELU.1.into()),
        }),
        "Celu" => celu(alpha(1.0))?,
        "Gelu" => match node.string("approximate").as_deref() {
            Some("tanh") => gelu_tanh(),
            None | Some("none") => {
                let erf = call(Function::Erf).of(&x().mul(c(std::f64::consts::FRAC_1_SQRT_2)));
                x().mul(c(0.5)).mul(erf.add(c(1.0)))
            }
            Some(other) => {
                return Err(Error::new("an attribute is out of range")
                    .expected("`approximate` \"none\" or \"tanh\"")
                    .found(format!("{other:?}"))
                    .help("export with one of the two forms of GELU that ONNX has"));
            }
        },
        "FastGelu" if node.optional(1).is_none() => gelu_tanh(),
        "FastGelu" => {
            return Err(Error::new("FastGelu with a bias is not supported")
                .expected("one input")
                .found("two")
                .help("export without the optimiser that fuses the bias"));
        }
        "QuickGelu" => swish(alpha(1.702)),
        "Swish" => swish(alpha(1.0)),
        "Erf" => call(Function::Erf),
        "Sigmoid" => call(Function::Sigmoid),
        "Tanh" => call(Function::Tanh),
        "HardSigmoid" => {
            Expr::clamp(0.0, 1.0).of(&x().mul(c(alpha(0.2))).add(c(node.float("beta", 0.5))))
        }
        "HardSwish" => x().mul(Expr::clamp(0.0, 1.0).of(&x().mul(c(1.0 / 6.0)).add(c(0.5)))),
        "Mish" => x().mul(call(Function::Tanh).of(&call(Function::Softplus))),
        "Softplus" => call(Function::Softplus),
        "Softsign" => x().div(call(Function::Abs).add(c(1.0))),
        "Sin" => call(Function::Sin),
        "Cos" => call(Function::Cos),
        "Tan" => call(Function::Tan),
        "Asin" => call(Function::Asin),
        "Acos" => call(Function::Acos),
        "Atan" => call(Function::Atan),
        "Asinh" => call(Function::Asinh),
        "Acosh" => call(Function::Acosh),
        "Atanh" => call(Function::Atanh),
        "Floor" => call(Function::Floor),
        "Ceil" => call(Function::Ceil),
        "Round" => call(Function::Round),
        "ThresholdedRelu" => x().mul(call(Function::Step).of(&x().sub(c(alpha(1.0))))),
        "Shrink" => shrink(node.float("lambd", 0.5), node.float("bias", 0.0)),
        "Sinh" => exponentials(-0.5),
        "Cosh" => exponentials(0.5),
        other => {
            return Err(Error::new(format!("the operator `{other}` has no function"))
                .found(other)
                .help("report it: the list of operators and their functions disagree"));
        }
    })
}

fn swish(alpha: f64) -> Expr {
    x().mul(call(Function::Sigmoid).of(&x().mul(c(alpha))))
}

/// `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`.
fn gelu_tanh() -> Expr {
    let inner = x().pow(3.0).mul(c(0.044_715)).add(x()).mul(c(SQRT_2_OVER_PI));
    x().mul(c(0.5)).mul(call(Function::Tanh).of(&inner).add(c(1.0)))
}

/// `max(0, x) + min(0, alpha (exp(x / alpha) - 1))`: an ELU of `x / alpha`, scaled back.
fn celu(alpha: f64) -> Result<Expr> {
    if alpha <= 0.0 {
        return Err(Error::new("an attribute is out of range")
            .expected("a positive alpha")
            .found(alpha)
            .help(DAMAGED));
    }
    Ok(call(Function::Elu { alpha: 1.0, gamma: alpha }).of(&x().mul(c(1.0 / alpha))))
}

/// `x - bias` above `most`, `x + bias` below `-most`, else 0.
fn shrink(most: f64, bias: f64) -> Expr {
    let step = |of: Expr| call(Function::Step).of(&of);
    let above = x().sub(c(bias)).mul(step(x().sub(c(most))));
    let below = x().add(c(bias)).mul(step(x().mul(c(-1.0)).sub(c(most))));
    above.add(below)
}

/// `e^x / 2 + factor e^-x`.
fn exponentials(factor: f64) -> Expr {
    let falling = call(Function::Exp).of(&x().mul(c(-1.0))).mul(c(factor));
    call(Function::Exp).mul(c(0.5)).add(falling)
}

/// Any operator of one input and one output.
pub fn unary(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let f = function(node)?;
    Ok(vec![match node.input(0)? {
        Value::Constant(a) => {
            let folded =
                Array { data: a.data.iter().map(|&v| f.eval(v)).collect(), ..(**a).clone() };
            builder.constant(folded)?
        }
        _ => {
            let flow = node.flow(0)?;
            let logits = (node.op() == "Log").then(|| classifier::logits_of(builder, flow.id));
            let id = match logits.flatten() {
                Some(x) => builder.push(node.name(), Layer::LogSoftmax, &[x])?,
                None => builder.map(node.name(), f, flow.id)?,
            };
            statistics::note_unary(builder, node.op(), flow.id, id);
            Value::Flow(Flow { id, dims: flow.dims.clone() })
        }
    }])
}

/// `min(max(x, lo), hi)`, the bounds being attributes before operator set 11.
pub fn clip(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let bound = |k: usize, name: &str| -> Result<Option<f64>> {
        let scalar = |a: &Array| {
            a.scalar().ok_or_else(|| {
                Error::new("a clipping bound is not a scalar")
                    .expected("one number")
                    .found(format!("shape {:?}", a.dims))
                    .help(DAMAGED)
            })
        };
        match node.optional_float(name) {
            Some(v) => Ok(Some(v)),
            None => node.optional_constant(k, "bounds")?.map(|a| scalar(&a)).transpose(),
        }
    };
    // Bounds as wide as the type are how exporters say that there are none.
    let widest = f64::from(f32::MAX);
    let mut f = Expr::X;
    let lo = bound(1, "min")?.filter(|lo| *lo > -widest);
    let hi = bound(2, "max")?.filter(|hi| *hi < widest);
    if let Some(lo) = lo {
        f = f.max(c(lo));
    }
    if let Some(hi) = hi {
        f = f.min(c(hi));
    }
    Ok(vec![match node.input(0)? {
        Value::Constant(a) => builder.constant(a.map(|v| f.eval(v)))?,
        _ => {
            let flow = node.flow(0)?;
            let id = builder.map(node.name(), f, flow.id)?;
            if let (Some(lo), None) = (lo, hi) {
                statistics::note_bound(builder, lo, flow.id, id);
            }
            Value::Flow(Flow { id, dims: flow.dims.clone() })
        }
    }])
}

/// `x` where positive, else `slope x`: one slope, or one a feature.
pub fn prelu(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let slope = node.constant(1, "slopes")?;
    if let [first, rest @ ..] = slope.data.as_slice()
        && rest.iter().all(|s| s == first)
    {
        let f = call(Function::LeakyRelu { alpha: *first });
        let id = builder.map(node.name(), f, flow.id)?;
        return Ok(vec![Value::Flow(Flow { id, ..flow })]);
    }
    let slopes = slope
        .pick(&array::broadcast(&slope.dims, &array::broadcast_dims(&slope.dims, &flow.dims)?)?);
    let name = node.name();
    let rising = builder.map(name, Expr::relu(), flow.id)?;
    let falling = builder.map(name, Expr::X.min(c(0.0)), flow.id)?;
    let offset = vec![0.0; slopes.data.len()];
    let falling = builder.push(name, Layer::Affine { scale: slopes.data, offset }, &[falling])?;
    let sum = Layer::Add { factors: [1.0, 1.0] };
    Ok(vec![Value::Flow(builder.flow(name, sum, &[rising, falling], &flow.dims)?)])
}
