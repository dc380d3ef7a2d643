//! Products with constant matrices.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::{arithmetic, bilinear};
use crate::error::{Error, Result};
use crate::graph::{Dense, Layer};

/// A constant matrix, row-major.
struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// An array whose axes before the last two have length 1; a vector is one column.
    fn of(array: &Array) -> Result<Self> {
        let (rows, columns) = match array.dims.as_slice() {
            [n] => (*n, 1),
            [lead @ .., rows, columns] if lead.iter().all(|&d| d == 1) => (*rows, *columns),
            other => {
                return Err(Error::new("a weight matrix is not a matrix")
                    .expected("two axes longer than 1 at most")
                    .found(format!("shape {other:?}"))
                    .help("batched products are not supported"));
            }
        };
        Ok(Self { rows, columns, data: array.data.clone() })
    }

    fn transposed(self) -> Self {
        let data = (0..self.columns)
            .flat_map(|c| self.data.iter().skip(c).step_by(self.columns.max(1)).copied())
            .collect();
        Self { rows: self.columns, columns: self.rows, data }
    }

    /// The layer with these rows, scaled.
    fn dense(&self, scale: f64) -> Layer {
        let rows = self.data.chunks(self.columns.max(1));
        let weights = rows.map(|row| row.iter().map(|w| scale * w).collect()).collect();
        Layer::Dense(Dense::new(weights, vec![0.0; self.rows]))
    }
}

/// Adds the bias of a product.
fn with_bias(layer: Layer, bias: &[f64]) -> Layer {
    match layer {
        Layer::Dense(d) => Layer::Dense(Dense { bias: bias.to_vec(), ..d }),
        other => other,
    }
}

/// The length of a tensor that is one row (or, if `column`, one column) of a matrix.
fn vector_len(flow: &Flow, column: bool) -> Result<usize> {
    let (rows, len) = match flow.dims.as_slice() {
        [n] => (1, *n),
        [lead @ .., rows, columns] => {
            let (rows, columns) = if column { (*columns, *rows) } else { (*rows, *columns) };
            (lead.iter().fold(rows, |p, &d| p.saturating_mul(d)), columns)
        }
        [] => (1, 1),
    };
    if rows == 1 {
        return Ok(len);
    }
    Err(Error::new("a matrix of activations is multiplied, not a vector")
        .expected(if column { "a tensor of one column" } else { "a tensor of one row" })
        .found(format!("shape {:?}", flow.dims))
        .help("export with a batch of 1 or a dynamic batch axis; layers applied to each step of a sequence are not supported"))
}

/// Whether a constant is several matrices.
fn stacked(w: &Array) -> bool {
    let stack = w.dims.len().saturating_sub(2);
    w.dims.iter().take(stack).any(|&d| d != 1)
}

fn check_inner(weights: usize, features: usize, found: &Array) -> Result<()> {
    if weights == features {
        return Ok(());
    }
    Err(Error::new("a weight matrix does not fit its input")
        .expected(format!("weights for {features} features"))
        .found(format!("weights of shape {:?}, which take {weights}", found.dims))
        .help("the file is damaged or was edited: export it again"))
}

/// `dims` with the last axis, or the only one, replaced.
fn last_replaced(dims: &[usize], len: usize) -> Vec<usize> {
    let kept = dims.len().saturating_sub(1);
    [dims.get(..kept).unwrap_or_default(), &[len]].concat()
}

/// `y = x W`, or `y = W x` where the constant comes first.
pub fn matmul(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    Ok(vec![multiplied(builder, node.name(), node.input(0)?, node.input(1)?)?])
}

fn multiplied(builder: &mut Builder, name: &str, a: &Value, b: &Value) -> Result<Value> {
    Ok(match (a, b) {
        (Value::Constant(a), Value::Constant(b)) => {
            let product = product(a, b)?;
            builder.constant(product)?
        }
        (Value::Flow(x), Value::Flow(y)) => bilinear::computed(builder, name, x, y)?,
        (Value::Flow(x), Value::Constant(w)) if stacked(w) || vector_len(x, false).is_err() => {
            bilinear::constant(builder, name, x, w, true)?
        }
        (Value::Constant(w), Value::Flow(x))
            if stacked(w) || vector_len(x, x.dims.len() > 1).is_err() =>
        {
            bilinear::constant(builder, name, x, w, false)?
        }
        (Value::Flow(x), Value::Constant(w)) => {
            let features = vector_len(x, false)?;
            let vector = w.dims.len() == 1;
            let matrix = Matrix::of(w)?.transposed();
            check_inner(matrix.columns, features, w)?;
            let mut dims = last_replaced(&x.dims, matrix.rows);
            if vector && dims.len() > 1 {
                dims.pop();
            }
            Value::Flow(builder.flow(name, matrix.dense(1.0), &[x.id], &dims)?)
        }
        (Value::Constant(w), Value::Flow(x)) => {
            let column = x.dims.len() > 1;
            let features = vector_len(x, column)?;
            let matrix = Matrix::of(w)?;
            let matrix = if w.dims.len() == 1 { matrix.transposed() } else { matrix };
            check_inner(matrix.columns, features, w)?;
            let dims = if column {
                let lead = x.dims.len().saturating_sub(2);
                [x.dims.get(..lead).unwrap_or_default(), &[matrix.rows, 1]].concat()
            } else {
                vec![matrix.rows]
            };
            Value::Flow(builder.flow(name, matrix.dense(1.0), &[x.id], &dims)?)
        }
        (Value::Constant(_) | Value::Flow(_), other) | (other, _) => {
            return Err(Error::new("a product needs numbers")
                .expected("tensors of activations and constants")
                .found(other.kind())
                .help(DAMAGED));
        }
    })
}

fn product(a: &Array, b: &Array) -> Result<Array> {
    let left = Matrix::of(a)?;
    let left = if a.dims.len() == 1 { left.transposed() } else { left };
    let right = Matrix::of(b)?.transposed();
    check_inner(right.columns, left.columns, b)?;
    array::volume(&[left.rows, right.rows])?;
    array::volume(&[left.rows, right.rows, left.columns])?;
    let width = left.columns.max(1);
    let data = left
        .data
        .chunks(width)
        .flat_map(|row| {
            right
                .data
                .chunks(width)
                .map(move |column| row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>())
        })
        .collect::<Vec<_>>();
    let dims = match (a.dims.len(), b.dims.len()) {
        (1, 1) => vec![],
        (1, _) => vec![right.rows],
        (_, 1) => vec![left.rows],
        _ => vec![left.rows, right.rows],
    };
    if array::volume(&dims)? != data.len() {
        return Err(Error::new("a constant matrix has no elements")
            .found(format!("{:?}", a.dims))
            .help(DAMAGED));
    }
    Ok(Array { dims, data, integer: a.integer && b.integer })
}

/// Whether a Gemm is a dense layer of one row, or one column, of activations.
fn is_layer(node: &Call, trans_a: bool, trans_b: bool) -> Result<bool> {
    Ok(match (node.input(0)?, node.input(1)?) {
        (Value::Flow(x), Value::Constant(_)) => vector_len(x, trans_a).is_ok(),
        (Value::Constant(_), Value::Flow(x)) => vector_len(x, !trans_b).is_ok(),
        (Value::Constant(_), Value::Constant(_)) | (Value::Flow(_), Value::Flow(_)) => false,
        // Refused where the inputs are read.
        _ => true,
    })
}

/// A Gemm of several rows or of two computed factors, as the product and the sum that it is.
fn general(
    builder: &mut Builder,
    node: &Call,
    [(trans_a, alpha), (trans_b, beta)]: [(bool, f64); 2],
) -> Result<Vec<Value>> {
    let name = node.name();
    let turned = |builder: &mut Builder, k: usize, turn: bool| {
        let value = node.input(k)?;
        match turn {
            true => builder.view(name, value, array::transpose(&value.dims(), &[1, 0])?),
            false => Ok(value.clone()),
        }
    };
    let (a, b) = (turned(builder, 0, trans_a)?, turned(builder, 1, trans_b)?);
    let scaled = |builder: &mut Builder, value: &Value, factor: f64| {
        let factor = Array { dims: vec![], data: vec![factor], integer: false };
        let factor = builder.constant(factor)?;
        arithmetic::combine(builder, name, "Mul", value, &factor)
    };
    let product = multiplied(builder, name, &a, &b)?;
    let product = scaled(builder, &product, alpha)?;
    let Some(addend) = node.optional(2) else { return Ok(vec![product]) };
    let addend = scaled(builder, addend, beta)?;
    Ok(vec![arithmetic::combine(builder, name, "Add", &product, &addend)?])
}

/// `y = alpha A' B' + beta C`.
pub fn gemm(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    let (trans_a, trans_b) = (node.int("transA", 0) != 0, node.int("transB", 0) != 0);
    if !is_layer(node, trans_a, trans_b)? {
        return general(builder, node, [(trans_a, alpha), (trans_b, beta)]);
    }
    let weights_first = matches!(node.input(0)?, Value::Constant(_));
    let (layer, x, dims) = if weights_first {
        let (w, x) = (node.constant(0, "weights")?, node.flow(1)?);
        let features = vector_len(x, !trans_b)?;
        let matrix = Matrix::of(&w)?;
        let matrix = if trans_a { matrix.transposed() } else { matrix };
        check_inner(matrix.columns, features, &w)?;
        (matrix.dense(alpha), x, [matrix.rows, 1])
    } else {
        let (x, w) = (node.flow(0)?, node.constant(1, "weights")?);
        let features = vector_len(x, trans_a)?;
        let matrix = Matrix::of(&w)?;
        let matrix = if trans_b { matrix } else { matrix.transposed() };
        check_inner(matrix.columns, features, &w)?;
        (matrix.dense(alpha), x, [1, matrix.rows])
    };
    let flow = match node.optional(2) {
        Some(Value::Constant(bias)) => {
            let view = array::broadcast(&bias.dims, &array::broadcast_dims(&bias.dims, &dims)?)?;
            if view.dims != dims {
                return Err(Error::new("a bias does not fit its layer")
                    .expected(format!("{} values", dims.iter().product::<usize>()))
                    .found(format!("shape {:?}", bias.dims))
                    .help(DAMAGED));
            }
            let bias = bias.pick(&view).map(|b| beta * b);
            builder.flow(node.name(), with_bias(layer, &bias.data), &[x.id], &dims)?
        }
        Some(addend) => {
            let flow = builder.flow(node.name(), layer, &[x.id], &dims)?;
            let beta = Array { dims: vec![], data: vec![beta], integer: false };
            let beta = builder.constant(beta)?;
            let scaled = arithmetic::combine(builder, node.name(), "Mul", addend, &beta)?;
            let sum =
                arithmetic::combine(builder, node.name(), "Add", &Value::Flow(flow), &scaled)?;
            return Ok(vec![sum]);
        }
        None => builder.flow(node.name(), layer, &[x.id], &dims)?,
    };
    Ok(vec![Value::Flow(flow)])
}
