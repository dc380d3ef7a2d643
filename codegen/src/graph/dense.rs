//! Fully connected layers. Stands on nothing.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Outputs whose sums run side by side: a sum by itself waits for each of its terms.
const TOGETHER: usize = 8;

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// One row of weights an output, one weight an input.
    pub weights: Matrix,
    /// One addend an output.
    pub bias: Vec<f64>,
    /// Whether it is the wiring of a circuit, of which only the synapses are stored.
    pub wiring: bool,
}

impl Dense {
    /// A layer of trained weights.
    pub fn new(weights: Vec<Vec<f64>>, bias: Vec<f64>) -> Self {
        Self { weights: weights.into(), bias, wiring: false }
    }

    /// Inputs, of a layer that has outputs.
    pub fn inputs(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The outputs for `x`, as many features as it has inputs.
    pub fn eval(&self, x: &[f64]) -> Vec<f64> {
        let mut y = Vec::with_capacity(self.bias.len());
        let blocks = self.weights.chunks(TOGETHER);
        blocks.for_each(|rows| match <&[Vec<f64>; TOGETHER]>::try_from(rows) {
            Ok(rows) => y.extend(dots(rows, x)),
            Err(_) => y.extend(rows.iter().flat_map(|row| dots(std::array::from_ref(row), x))),
        });
        y.iter_mut().zip(&self.bias).for_each(|(y, bias)| *y += bias);
        y
    }

    /// Whether its tables belong together and take `n` inputs, or what was expected.
    pub(super) fn check(&self, n: usize) -> Result<(), String> {
        if self.weights.is_empty() || n == 0 {
            return Err("at least one weight".into());
        }
        if self.bias.len() != self.weights.len() {
            return Err(format!("{} biases, found {}", self.weights.len(), self.bias.len()));
        }
        match self.weights.iter().find(|row| row.len() != n) {
            Some(row) => Err(format!("{} weights a row, found {n} features", row.len())),
            None => Ok(()),
        }
    }
}

/// Rows of numbers, which copies of a network share as long as none of them changes its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix(Arc<Vec<Vec<f64>>>);

impl From<Vec<Vec<f64>>> for Matrix {
    fn from(rows: Vec<Vec<f64>>) -> Self {
        Self(Arc::new(rows))
    }
}

impl FromIterator<Vec<f64>> for Matrix {
    fn from_iter<I: IntoIterator<Item = Vec<f64>>>(rows: I) -> Self {
        Self::from(rows.into_iter().collect::<Vec<_>>())
    }
}

impl Deref for Matrix {
    type Target = Vec<Vec<f64>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Matrix {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl IntoIterator for Matrix {
    type Item = Vec<f64>;
    type IntoIter = std::vec::IntoIter<Vec<f64>>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Matrix {
    type Item = &'a Vec<f64>;
    type IntoIter = std::slice::Iter<'a, Vec<f64>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Matrix {
    type Item = &'a mut Vec<f64>;
    type IntoIter = std::slice::IterMut<'a, Vec<f64>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// The sums of some rows' products with `x`, each in the order of its terms.
fn dots<const N: usize>(rows: &[Vec<f64>; N], x: &[f64]) -> [f64; N] {
    let n = rows.iter().map(Vec::len).fold(x.len(), usize::min);
    let rows = rows.each_ref().map(|row| &row[..n]);
    // What a sum of no terms is.
    let mut sums = [-0.0; N];
    for (i, x) in x[..n].iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum += row[i] * x;
        }
    }
    sums
}
