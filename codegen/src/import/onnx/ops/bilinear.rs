//! Products of matrices with several rows, several matrices, or two computed factors: each result is a sum of products
//! of its own.

use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Flow, Value};
use super::groups::Groups;
use super::reduce;
use crate::error::{Error, Result};
use crate::graph::{Dense, Layer};

/// A product of stacks of matrices, as NumPy's `matmul` has it.
struct Product {
    /// Shape of the result.
    dims: Vec<usize>,
    /// Length of each sum.
    inner: usize,
    /// The elements of the left factor that each result sums over, one result after the other.
    left: Vec<usize>,
    /// The elements of the right factor they are multiplied by.
    right: Vec<usize>,
}

impl Product {
    fn of(a: &[usize], b: &[usize]) -> Result<Self> {
        let row = if a.len() == 1 { [&[1], a].concat() } else { a.to_vec() };
        let column = if b.len() == 1 { [b, &[1]].concat() } else { b.to_vec() };
        let (Some((&[m, inner], lead)), Some((&[rows, n], others))) = (
            row.split_last_chunk().map(|(l, e)| (e, l)),
            column.split_last_chunk().map(|(l, e)| (e, l)),
        ) else {
            return Err(misfit(a, b));
        };
        if inner != rows || inner == 0 {
            return Err(misfit(a, b));
        }
        let stack = array::broadcast_dims(lead, others)?;
        array::volume(&[&stack[..], &[m, n, inner]].concat())?;
        // Both as [stack.., m, n, inner].
        let wide = [&stack[..], &[m, n, inner]].concat();
        let left = array::broadcast(&[lead, &[m, 1, inner]].concat(), &wide)?.from;
        // The right factor's last two axes change places.
        let turned = array::transpose(&column, &swapped(column.len()))?;
        let places = array::broadcast(&[others, &[1, n, inner]].concat(), &wide)?.from;
        let right = places.iter().filter_map(|&i| turned.from.get(i).copied()).collect();
        let mut dims = stack;
        dims.extend((a.len() > 1).then_some(m));
        dims.extend((b.len() > 1).then_some(n));
        Ok(Self { dims, inner, left, right })
    }
}

/// All axes in their order but for the last two.
fn swapped(rank: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rank).collect();
    if rank > 1 {
        order.swap(rank - 2, rank - 1);
    }
    order
}

fn misfit(a: &[usize], b: &[usize]) -> Error {
    Error::new("the factors of a product do not fit each other")
        .expected("as many columns on the left as rows on the right")
        .found(format!("shapes {a:?} and {b:?}"))
        .help("the file is damaged or was edited: export it again")
}

/// The product of two tensors of activations.
pub fn computed(builder: &mut Builder, name: &str, a: &Flow, b: &Flow) -> Result<Value> {
    let Product { dims, inner, left, right } = Product::of(&a.dims, &b.dims)?;
    let count = left.len() / inner;
    let left = builder.pick(name, a.id, left)?;
    let right = builder.pick(name, b.id, right)?;
    let products = builder.push(name, Layer::Mul, &[left, right])?;
    let groups = Groups::of(&[count, inner], &[1])?;
    let id = reduce::sum(builder, name, products, &groups, 1.0)?;
    Ok(Value::Flow(Flow { id, dims }))
}

/// The product of a tensor of activations and a constant, in their order.
pub fn constant(
    builder: &mut Builder,
    name: &str,
    x: &Flow,
    w: &Array,
    x_first: bool,
) -> Result<Value> {
    let Product { dims, inner, left, right } = match x_first {
        true => Product::of(&x.dims, &w.dims)?,
        false => Product::of(&w.dims, &x.dims)?,
    };
    let (of_x, of_w) = if x_first { (left, right) } else { (right, left) };
    let len = builder.len(x.id);
    builder.afford((of_x.len() / inner).saturating_mul(len))?;
    let sums = of_x.chunks(inner).zip(of_w.chunks(inner));
    let row = |(features, weights): (&[usize], &[usize])| {
        let mut row = vec![0.0; len];
        for (&i, &k) in features.iter().zip(weights) {
            if let (Some(place), Some(weight)) = (row.get_mut(i), w.data.get(k)) {
                *place += weight;
            }
        }
        row
    };
    let weights: Vec<Vec<f64>> = sums.map(row).collect();
    let bias = vec![0.0; weights.len()];
    let id = builder.push(name, Layer::Dense(Dense::new(weights, bias)), &[x.id])?;
    Ok(Value::Flow(Flow { id, dims }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_pair_rows_and_columns() {
        let p = Product::of(&[2, 2], &[2, 1]).unwrap();
        assert_eq!((p.dims, p.left, p.right), (vec![2, 1], vec![0, 1, 2, 3], vec![0, 1, 0, 1]));
        let p = Product::of(&[2], &[3, 2, 1]).unwrap();
        assert_eq!(p.dims, [3, 1]);
        assert_eq!((p.left, p.right), (vec![0, 1, 0, 1, 0, 1], vec![0, 1, 2, 3, 4, 5]));
        let p = Product::of(&[1, 2], &[2, 2]).unwrap();
        assert_eq!(p.right, [0, 2, 1, 3]);
        assert!(Product::of(&[2, 3], &[2, 3]).is_err() && Product::of(&[], &[2]).is_err());
    }
}
