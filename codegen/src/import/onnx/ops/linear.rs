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
    fn dense(&self, scale: f64) -> Dense {
        let rows = self.data.chunks(self.columns.max(1));
        let weights = rows.map(|row| row.iter().map(|w| scale * w).collect()).collect();
        Dense::new(weights, vec![0.0; self.rows])
    }
}

/// `dense` over one axis of a tensor, at every place of the others; the axis is then as long as it has outputs.
pub fn along(
    builder: &mut Builder,
    name: &str,
    x: &Flow,
    axis: usize,
    dense: Dense,
) -> Result<Flow> {
    let mut order: Vec<usize> = (0..x.dims.len()).collect();
    let mut back = order.clone();
    order.remove(axis);
    order.push(axis);
    back.insert(axis, x.dims.len() - 1);
    back.pop();
    let rows = builder.len(x.id) / dense.inputs().max(1);
    let view = array::transpose(&x.dims, &order)?;
    let mut dims = view.dims.clone();
    dims.pop();
    dims.push(dense.bias.len());
    let id = builder.select(name, x.id, view)?;
    let id = builder.push(name, Layer::Dense(dense).on_rows(rows), &[id])?;
    let view = array::transpose(&dims, &back)?;
    let dims = view.dims.clone();
    Ok(Flow { id: builder.select(name, id, view)?, dims })
}

/// The length of an axis.
fn features_of(x: &Flow, axis: usize) -> usize {
    x.dims.get(axis).copied().unwrap_or(1)
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
        (Value::Flow(x), Value::Constant(w)) if stacked(w) => {
            bilinear::constant(builder, name, x, w, true)?
        }
        (Value::Constant(w), Value::Flow(x)) if stacked(w) => {
            bilinear::constant(builder, name, x, w, false)?
        }
        (Value::Flow(x), Value::Constant(w)) => {
            let x = at_least(x, 1);
            let matrix = Matrix::of(w)?.transposed();
            let last = x.dims.len() - 1;
            check_inner(matrix.columns, features_of(&x, last), w)?;
            let mut flow = along(builder, name, &x, last, matrix.dense(1.0))?;
            if w.dims.len() == 1 && flow.dims.len() > 1 {
                flow.dims.pop();
            }
            Value::Flow(flow)
        }
        (Value::Constant(w), Value::Flow(x)) => {
            let x = at_least(x, 1);
            let matrix = Matrix::of(w)?;
            let matrix = if w.dims.len() == 1 { matrix.transposed() } else { matrix };
            let axis = x.dims.len().saturating_sub(2);
            check_inner(matrix.columns, features_of(&x, axis), w)?;
            let mut flow = along(builder, name, &x, axis, matrix.dense(1.0))?;
            if w.dims.len() == 1 {
                flow.dims.remove(axis);
            }
            Value::Flow(flow)
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

/// A Gemm of two computed or two constant factors, as the product and the sum that it is.
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

/// A tensor with at least so many axes, further ones of length 1 in front.
fn at_least(x: &Flow, rank: usize) -> Flow {
    let missing = rank.saturating_sub(x.dims.len());
    Flow { id: x.id, dims: [vec![1; missing], x.dims.clone()].concat() }
}

/// `y = alpha A' B' + beta C`.
pub fn gemm(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    let (trans_a, trans_b) = (node.int("transA", 0) != 0, node.int("transB", 0) != 0);
    let factors = (node.input(0)?, node.input(1)?);
    if let (Value::Flow(_), Value::Flow(_)) | (Value::Constant(_), Value::Constant(_)) = factors {
        return general(builder, node, [(trans_a, alpha), (trans_b, beta)]);
    }
    let weights_first = matches!(node.input(0)?, Value::Constant(_));
    let (k, transposed) = if weights_first { (1, !trans_b) } else { (0, trans_a) };
    let w = node.constant(1 - k, "weights")?;
    let x = at_least(node.flow(k)?, 2);
    let matrix = Matrix::of(&w)?;
    let transpose_weights = if weights_first { trans_a } else { !trans_b };
    let matrix = if transpose_weights { matrix.transposed() } else { matrix };
    let axis = if transposed { x.dims.len() - 2 } else { x.dims.len() - 1 };
    check_inner(matrix.columns, features_of(&x, axis), &w)?;
    let rows = builder.len(x.id) / matrix.columns.max(1);
    let dims = if weights_first { [matrix.rows, rows] } else { [rows, matrix.rows] };
    let mut dense = matrix.dense(alpha);
    let addend = node.optional(2).cloned();
    let own = match &addend {
        // One value a row of weights is the layer's own.
        Some(Value::Constant(bias)) => match bias_of(bias, dims, weights_first)? {
            Some(own) => {
                dense.bias = own.iter().map(|b| beta * b).collect();
                true
            }
            None => false,
        },
        _ => false,
    };
    let mut flow = along(builder, node.name(), &x, axis, dense)?;
    if weights_first != transposed {
        let view = array::transpose(&flow.dims, &[1, 0])?;
        flow = Flow { id: builder.select(node.name(), flow.id, view)?, dims: dims.to_vec() };
    }
    flow.dims = dims.to_vec();
    let Some(addend) = addend.filter(|_| !own) else { return Ok(vec![Value::Flow(flow)]) };
    let beta = Array { dims: vec![], data: vec![beta], integer: false };
    let beta = builder.constant(beta)?;
    let scaled = arithmetic::combine(builder, node.name(), "Mul", &addend, &beta)?;
    let sum = arithmetic::combine(builder, node.name(), "Add", &Value::Flow(flow), &scaled)?;
    Ok(vec![sum])
}

/// scikit-learn's linear regressions: a row of coefficients a target, the intercepts beside them.
pub fn regressor(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let x = at_least(node.flow(0)?, 2);
    let rows = usize::try_from(node.int("targets", 1)).unwrap_or_default();
    let data = node.floats("coefficients").unwrap_or_default();
    let axis = x.dims.len() - 1;
    let columns = features_of(&x, axis);
    let intercepts = node.floats("intercepts").unwrap_or_else(|| vec![0.0; rows]);
    if rows == 0 || data.len() != rows * columns || intercepts.len() != rows {
        return Err(Error::new("a linear regression does not fit its input")
            .expected(format!("{columns} coefficients and an intercept for each of {rows} targets"))
            .found(format!("{} and {}", data.len(), intercepts.len()))
            .help(DAMAGED));
    }
    if let Some(other) = node.string("post_transform").filter(|name| name != "NONE") {
        return Err(Error::new("a linear regression is followed by a function")
            .at("attribute `post_transform`")
            .expected("NONE")
            .found(other)
            .help("export it without, and apply the function behind the network"));
    }
    let mut dense = Matrix { rows, columns, data }.dense(1.0);
    dense.bias = intercepts;
    Ok(vec![Value::Flow(along(builder, node.name(), &x, axis, dense)?)])
}

/// The biases of a layer's outputs, if a constant addend has one for each and no other.
fn bias_of(bias: &Array, dims: [usize; 2], weights_first: bool) -> Result<Option<Vec<f64>>> {
    let view = array::broadcast(&bias.dims, &array::broadcast_dims(&bias.dims, &dims)?)?;
    if view.dims != dims {
        return Err(Error::new("a bias does not fit its layer")
            .expected(format!("{} values", dims.iter().product::<usize>()))
            .found(format!("shape {:?}", bias.dims))
            .help(DAMAGED));
    }
    let all = bias.pick(&view).data;
    let columns = dims[1].max(1);
    let own: Vec<f64> = match weights_first {
        true => all.iter().step_by(columns).copied().collect(),
        false => all.iter().take(columns).copied().collect(),
    };
    let outputs = if weights_first { columns } else { 1 };
    let expected = |i: usize| own.get(if weights_first { i / outputs } else { i % columns });
    let same = all.iter().enumerate().all(|(i, b)| expected(i) == Some(b));
    Ok(same.then_some(own))
}
