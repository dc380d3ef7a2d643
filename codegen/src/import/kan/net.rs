//! A network in the making: the layers that several libraries share, on a graph.

use std::sync::Arc;

use super::options::Options;
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Dense, Graph, Layer, TensorId};
use crate::import::tensors::Tensors;

/// Where a layer stands: what the configuration says of it, the prefix of its tensors, its widths and its input.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub options: &'a Options<'a>,
    pub name: &'a str,
    pub inputs: usize,
    pub outputs: usize,
    pub x: TensorId,
}

/// A graph in the making and the tensors it is made of.
pub struct Net<'a> {
    pub graph: Graph,
    pub file: &'a Tensors<'a>,
}

impl Net<'_> {
    pub fn shaped(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        self.file.shaped(name, shape)
    }

    /// `y_o = bias_o + sum_i sum_k weight(o, i, k) functions_k(x_i)`: shared functions before a dense layer.
    pub fn shared_functions(
        &mut self,
        basis: &str,
        name: &str,
        site: &Site,
        functions: Vec<Expr>,
        weight: impl Fn(usize, usize, usize) -> f64,
        bias: Vec<f64>,
    ) -> Result<TensorId> {
        // Function by function: the kernel runs one table over all inputs.
        let count = functions.len();
        let picks: Vec<(usize, usize)> =
            (0..count).flat_map(|k| (0..site.inputs).map(move |i| (i, k))).collect();
        let row = |o: usize| picks.iter().map(|&(i, k)| weight(o, i, k)).collect();
        let dense = Dense::new((0..site.outputs).map(row).collect(), bias);
        let values = self.graph.push(basis, Layer::Functions { functions, picks }, &[site.x])?;
        self.graph.push(name, Layer::Dense(dense), &[values])
    }

    /// Layer normalisation with its gain and bias.
    pub fn layer_norm(&mut self, name: &str, len: usize, x: TensorId) -> Result<TensorId> {
        let scale = self.shaped(&format!("{name}.weight"), &[len])?;
        let offset = self.shaped(&format!("{name}.bias"), &[len])?;
        let y = self.graph.push(name, Layer::Normalize { epsilon: 1e-5 }, &[x])?;
        self.graph.push(format!("{name}.gain"), Layer::Affine { scale, offset }, &[y])
    }

    /// The knots of each input: strictly increasing.
    pub fn knots(&self, name: &str, inputs: usize, count: usize) -> Result<Vec<Arc<[f64]>>> {
        let data = self.shaped(name, &[inputs, count])?;
        let rows = data.chunks(count).enumerate().map(|(i, row)| {
            match row.windows(2).position(|pair| pair[0] >= pair[1]) {
                None => Ok(Arc::from(row)),
                Some(j) => Err(Error::new("a grid does not increase")
                    .at(format!("tensor `{name}`, input {i}"))
                    .expected("every knot above the one before")
                    .found(format!("{:?} at knot {j}", &row[j..j + 2]))
                    .help("a grid update on constant data collapses knots: train with a larger grid_eps")),
            }
        });
        rows.collect()
    }
}
