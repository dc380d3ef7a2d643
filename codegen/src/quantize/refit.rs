//! Layers fitted to what the integers before them make of their inputs.
//!
//! Weights of 4 bits change what a layer writes by more than its readers can take. A layer behind them computes the same
//! from what it is given as the network does from what it should be given, as nearly as a linear layer can: ridge
//! regression (Hoerl & Kennard 1970) of what is missing on the inputs, which is then added to its weights and bias.
//!
//! Stands on the float reference, the ranges and the Cholesky factor.

use std::borrow::Cow;

use super::cholesky::Factor;
use super::settle::Integers;
use crate::calibrate::Ranges;
use crate::graph::{Dense, Graph, Layer, Node, TensorId, Windows};
use crate::parallel;
use crate::reference;

/// Rows that layers are fitted to, and rows that choose between the fits, at most.
const ROWS: usize = 1000;
/// Inputs of a layer that is fitted at most: wider ones take long, and their errors even out.
const WIDEST: usize = 512;
/// What is tried to be added to the variance of each input, in shares of it.
const RIDGES: [f64; 4] = [0.0003, 0.003, 0.03, 0.3];

/// What the layers that are integers already make of some rows: the value of every tensor so far.
pub struct Made<'a> {
    ranges: &'a Ranges,
    /// The rows by their index in the calibration, of which the first `fit` are fitted to and the others choose.
    which: Vec<usize>,
    fit: usize,
    /// The value of each tensor, by row.
    rows: Vec<Vec<Vec<f64>>>,
    /// By node, the dense layers that integers stand for.
    stands: Vec<Option<Dense>>,
    /// Integers of 4 bits, which may be moved.
    coarse: Vec<Integers>,
}

impl<'a> Made<'a> {
    /// Before the first layer, with the network's inputs.
    pub fn of(graph: &Graph, ranges: &'a Ranges) -> Self {
        let some = |rows: &[usize]| -> Vec<usize> {
            rows.iter().copied().step_by(rows.len().div_ceil(ROWS).max(1)).collect()
        };
        let (mut which, choose) = (some(&ranges.split.unchosen()), some(&ranges.split.choose));
        let fit = which.len();
        which.extend(choose);
        let start = |row: &usize| {
            let mut values = vec![vec![]; graph.tensors.len()];
            values[graph.input].clone_from(&ranges.values[graph.input][*row]);
            values
        };
        let rows = which.iter().map(start).collect();
        Self { ranges, which, fit, rows, stands: vec![None; graph.nodes.len()], coarse: vec![] }
    }

    /// A tensor's values on the rows that are fitted to.
    pub fn fitted(&self, tensor: TensorId) -> Vec<&Vec<f64>> {
        self.rows.iter().take(self.fit).map(|values| &values[tensor]).collect()
    }

    /// Tells apart what different integers make of `tensor`.
    pub fn print(&self, tensor: TensorId) -> f64 {
        self.rows.iter().flat_map(|values| &values[tensor]).sum()
    }

    /// Notes that the integers of node `index` stand for `dense`.
    pub fn stand(&mut self, index: usize, dense: Dense) {
        self.stands[index] = Some(dense);
    }

    /// Notes integers that may be moved.
    pub fn may_move(&mut self, integers: Integers) {
        self.coarse.push(integers);
    }

    /// The network that all integers stand for, and those of them that may be moved.
    pub fn into_rounded(self, graph: &Graph) -> (Graph, Vec<Integers>) {
        let mut rounded = graph.clone();
        for (node, dense) in rounded.nodes.iter_mut().zip(self.stands) {
            if let Cow::Owned(standing) = standing(&node.layer, dense.as_ref()) {
                node.layer = standing;
            }
        }
        (rounded, self.coarse)
    }

    /// Computes what node `index`, which is integers now, writes.
    pub fn follow(&mut self, index: usize, node: &Node) {
        let layer = &standing(&node.layer, self.stands[index].as_ref());
        let value = |values: &Vec<Vec<f64>>| {
            let inputs: Vec<&[f64]> = node.inputs.iter().map(|&id| &values[id][..]).collect();
            reference::value(layer, &inputs)
        };
        let made = parallel::map(&self.rows, value);
        self.rows.iter_mut().zip(made).for_each(|(values, made)| values[node.output] = made);
    }

    /// The squared error of `dense` in place of `layer`, both reading `tensor`, the one as it is made and the other as it
    /// should be, on the rows that choose.
    pub fn error(&self, dense: &Dense, layer: &Dense, tensor: TensorId) -> f64 {
        let rows = self.which.iter().zip(&self.rows).skip(self.fit);
        let error = |(row, made): (&usize, &Vec<Vec<f64>>)| -> f64 {
            let exact = layer.eval(&self.ranges.values[tensor][*row]);
            dense.eval(&made[tensor]).iter().zip(exact).map(|(y, exact)| (y - exact).powi(2)).sum()
        };
        rows.map(error).sum()
    }

    /// What may take the place of `layer`, which reads `tensor`: the fit to its inputs that errs least on the rows that
    /// choose; none where they are what they should be.
    pub fn fit(&self, layer: &Dense, tensor: TensorId) -> Option<Dense> {
        let inputs = self.fitted(tensor);
        let exact = self.which.iter().map(|&row| &self.ranges.values[tensor][row]);
        let missing = |(exact, x): (&Vec<f64>, &&Vec<f64>)| -> Vec<f64> {
            exact.iter().zip(*x).map(|(exact, x)| exact - x).collect()
        };
        let missing: Vec<Vec<f64>> = exact.zip(&inputs).map(missing).collect();
        if layer.inputs() > WIDEST || missing.iter().flatten().all(|m| *m == 0.0) {
            return None;
        }
        let fits = Standard::of(&inputs, layer.inputs()).fits(layer, &missing).into_iter();
        let judged = fits.map(|fit| (self.error(&fit, layer, tensor), fit));
        judged.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, fit)| fit)
    }
}

/// `layer` as it is with a dense layer that its integers stand for.
fn standing<'a>(layer: &'a Layer, dense: Option<&Dense>) -> Cow<'a, Layer> {
    match (layer, dense.cloned()) {
        (Layer::Dense(_), Some(dense)) => Cow::Owned(Layer::Dense(dense)),
        (Layer::Windows(windows), Some(dense)) => {
            Cow::Owned(Layer::Windows(Windows { dense, ..windows.clone() }))
        }
        (layer, _) => Cow::Borrowed(layer),
    }
}

/// Inputs in standard deviations from their means.
struct Standard {
    mean: Vec<f64>,
    /// 1 for an input that does not move.
    deviation: Vec<f64>,
    /// By input and row.
    columns: Vec<Vec<f64>>,
    /// Row-major, its lower half.
    correlation: Vec<f64>,
}

impl Standard {
    fn of(rows: &[&Vec<f64>], inputs: usize) -> Self {
        let mut all =
            Self { mean: vec![], deviation: vec![], columns: vec![], correlation: vec![] };
        for i in 0..inputs {
            let mut column: Vec<f64> = rows.iter().map(|row| row[i]).collect();
            let mean = mean(&column);
            column.iter_mut().for_each(|x| *x -= mean);
            let deviation = mean_product(&column, &column).sqrt();
            let deviation = if deviation > 0.0 { deviation } else { 1.0 };
            column.iter_mut().for_each(|x| *x /= deviation);
            all.mean.push(mean);
            all.deviation.push(deviation);
            all.columns.push(column);
        }
        let row = |&i: &usize| {
            let (own, before) = (&all.columns[i], &all.columns[..=i]);
            let mut row: Vec<f64> = before.iter().map(|b| mean_product(own, b)).collect();
            row.resize(inputs, 0.0);
            row
        };
        all.correlation = parallel::map(&(0..inputs).collect::<Vec<_>>(), row).concat();
        all
    }

    /// `layer` with the regression of what it makes of `missing`, by row, on these inputs added to it, by each ridge.
    fn fits(&self, layer: &Dense, missing: &[Vec<f64>]) -> Vec<Dense> {
        let lost = |weights: &Vec<f64>| {
            let lost = |missing: &Vec<f64>| weights.iter().zip(missing).map(|(w, x)| w * x).sum();
            let lost: Vec<f64> = missing.iter().map(lost).collect();
            let slopes = self.columns.iter().map(|column| mean_product(column, &lost));
            (mean(&lost), slopes.collect::<Vec<f64>>())
        };
        let lost = parallel::map(&layer.weights, lost);
        RIDGES.iter().map(|&ridge| self.fit(layer, &lost, ridge)).collect()
    }

    /// `layer` with a regression added to it: of what each output lacks its mean, and its mean product with each input.
    fn fit(&self, layer: &Dense, lost: &[(f64, Vec<f64>)], ridge: f64) -> Dense {
        let n = self.columns.len();
        let mut matrix = self.correlation.clone();
        matrix.iter_mut().step_by(n + 1).for_each(|own| *own += ridge);
        let factor = Factor::of(&matrix, &(0..n).collect::<Vec<_>>());
        let outputs: Vec<usize> = (0..lost.len()).collect();
        let output = |&o: &usize| {
            let (mean, products) = &lost[o];
            let mut slopes = factor.solve(products.clone());
            slopes.iter_mut().zip(&self.deviation).for_each(|(slope, sd)| *slope /= sd);
            let zero: f64 = slopes.iter().zip(&self.mean).map(|(slope, mean)| slope * mean).sum();
            let weights = layer.weights[o].iter().zip(&slopes).map(|(w, slope)| w + slope);
            (weights.collect::<Vec<f64>>(), layer.bias[o] + mean - zero)
        };
        let (weights, bias): (Vec<_>, _) = parallel::map(&outputs, output).into_iter().unzip();
        Dense { weights: weights.into(), bias, ..layer.clone() }
    }
}

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn mean_product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::Calibration;

    /// A first layer whose integers turn and move its outputs: a second one that is fitted to them makes of these what it
    /// should make of the right ones.
    #[test]
    fn a_layer_makes_up_for_the_one_before_it() {
        let first = Dense::new(vec![vec![1.0, 0.0], vec![0.0, 1.0]], vec![0.0; 2]);
        let second = Dense::new(vec![vec![0.5, -2.0]], vec![0.25]);
        let mut graph = Graph::new("net", "x", 2);
        let x = graph.input;
        let y = graph.push("first", Layer::Dense(first), &[x]).unwrap();
        graph.push("second", Layer::Dense(second.clone()), &[y]).unwrap();
        let row =
            |r: u32| vec![f64::from(r * 37 % 100) / 50.0 - 1.0, f64::from(r * 61 % 100) / 50.0];
        let ranges = Calibration::of((0..400).map(row).collect()).ranges(&graph).unwrap();

        let mut exact = Made::of(&graph, &ranges);
        exact.follow(0, &graph.nodes[0]);
        assert_eq!(exact.fit(&second, y), None, "nothing is missing");
        assert_eq!(exact.error(&second, &second, y), 0.0);

        let mut made = Made::of(&graph, &ranges);
        made.stand(0, Dense::new(vec![vec![1.1, 0.2], vec![-0.1, 0.9]], vec![0.3, -0.1]));
        made.follow(0, &graph.nodes[0]);
        assert_ne!(made.print(y), exact.print(y));
        let fit = made.fit(&second, y).unwrap();
        let [with, without] = [&fit, &second].map(|layer| made.error(layer, &second, y));
        assert!(with < 1e-4 * without, "{with} {without}");
    }
}
