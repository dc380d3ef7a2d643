//! How the inputs of a layer move together, and integers that make up for one another as far as they do.
//!
//! Stands on the host's sums of rows.

use std::ops::Range;

use super::cholesky::Factor;
use super::format::Format;
use crate::lanes;
use crate::parallel;
use crate::program::Width;

/// Mean and covariance of a layer's inputs on the calibration data, in integers of the input.
///
/// Covariances are known only as well as there are rows: they are shrunk towards the variances alone by the
/// factor that minimises the expected squared error (Schaefer & Strimmer 2005, target D), a row counting for
/// as much as it is not the row before it. With the variances alone, each weight is rounded by itself.
pub struct Moments {
    pub mean: Vec<f64>,
    /// Neighbouring inputs, and how they move together; none where only the mean was asked for.
    pub blocks: Vec<Block>,
}

/// Inputs whose weights are rounded together.
pub struct Block {
    pub inputs: Range<usize>,
    /// Row-major; the diagonal is raised a little, for directions the data does not show.
    covariance: Vec<f64>,
    /// The inputs by their index in the block, least variance first.
    order: Vec<usize>,
    /// The rows of the Cholesky factor of the covariance in that order, columns over their diagonal elements, which are
    /// left out: row `k` has `k` elements.
    factor: Vec<Vec<f64>>,
}

/// Rows in which nothing moves together that are taken to have been seen before all others: of a handful
/// not even the shrinking can be told.
const PRIOR: f64 = 16.0;

/// Inputs that are rounded together at most: more take time with their square.
const WIDEST_BLOCK: usize = 512;

impl Moments {
    /// The moments of a tensor of this format over some of its real rows; for weights of `width` only what
    /// their rounding needs.
    pub fn of<'a>(
        rows: impl ExactSizeIterator<Item = &'a Vec<f64>>,
        format: &Format,
        width: Width,
    ) -> Self {
        /// More rows change the estimate little.
        const ROWS: usize = 1000;
        let step = rows.len().div_ceil(ROWS).max(1);
        let integer = |(i, x): (usize, &f64)| (x - format.offset(i)) / format.scale(i);
        let rows: Vec<Vec<f64>> =
            rows.step_by(step).map(|row| row.iter().enumerate().map(integer).collect()).collect();
        Self::of_integers(&rows, width)
    }

    /// As [`of`](Self::of), from rows that are integers already.
    pub fn of_integers(rows: &[Vec<f64>], width: Width) -> Self {
        let (n, count) = (rows.first().map_or(0, Vec::len), rows.len() as f64);
        let mut mean = vec![0.0; n];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / count);
        }
        let blocks = n.div_ceil(WIDEST_BLOCK).max(1);
        let block = |b: usize| Block::of(rows, &mean, b * n / blocks..(b + 1) * n / blocks);
        let blocks = if width.is_coarse() { (0..blocks).map(block).collect() } else { vec![] };
        Self { mean, blocks }
    }
}

impl Block {
    fn of(rows: &[Vec<f64>], mean: &[f64], inputs: Range<usize>) -> Self {
        let (n, count) = (inputs.len(), rows.len() as f64);
        let mean = &mean[inputs.clone()];
        let centre = |row: &Vec<f64>| -> Vec<f64> {
            row[inputs.clone()].iter().zip(mean).map(|(x, m)| x - m).collect()
        };
        let centred = parallel::map(rows, centre);
        let mut covariance = covariance(&centred, n);
        // What the shrinking needs: sums over the rows of |c|^4 - sum c_i^4, of |c|^2, and of c . c'
        // with the row before.
        let (mut fourth, mut square, mut follows) = (0.0, 0.0, 0.0);
        let mut before = &vec![0.0; n];
        for centred in &centred {
            let own: f64 = centred.iter().map(|c| c * c).sum();
            square += own;
            fourth += own * own - centred.iter().map(|c| c.powi(4)).sum::<f64>();
            follows += centred.iter().zip(before).map(|(a, b)| a * b).sum::<f64>();
            before = centred;
        }
        let own = |covariance: &[f64], j: usize| covariance[j * n + j];
        let trace: f64 = (0..n).map(|j| own(&covariance, j)).sum();
        let mixed: f64 =
            (0..n).flat_map(|j| &covariance[j * n..j * n + j]).map(|c| 2.0 * c * c).sum();
        let likeness = (follows / square.max(f64::MIN_POSITIVE)).clamp(0.0, 0.99);
        let independent = count * (1.0 - likeness);
        let unsure = (fourth / count - mixed) / (independent - 1.0).max(f64::MIN_POSITIVE);
        let known = 1.0 - (unsure / mixed.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        let keep = known * independent / (independent + PRIOR);
        for j in 0..n {
            covariance[j * n + j] += 0.01 * trace / n as f64 + 1.0;
            for k in 0..j {
                covariance[j * n + k] *= keep;
                covariance[k * n + j] = covariance[j * n + k];
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| own(&covariance, a).total_cmp(&own(&covariance, b)));
        let factor = rows_of(&Factor::of(&covariance, &order).columns);
        Self { inputs, covariance, order, factor }
    }
}

/// The lower half of the mean of the products of each pair of `n` features.
fn covariance(centred: &[Vec<f64>], n: usize) -> Vec<f64> {
    let count = centred.len() as f64;
    let products = |&j: &usize| {
        let mut sums = vec![0.0; j + 1];
        centred.iter().for_each(|row| lanes::add_means(&mut sums, row, row[j], count));
        sums
    };
    // Long and short ones by turns, so that all cores have as much to do.
    let order: Vec<usize> =
        (0..n).map(|i| if i % 2 == 0 { i / 2 } else { n - 1 - i / 2 }).collect();
    let mut covariance = vec![0.0; n * n];
    for (j, sums) in order.iter().zip(parallel::map(&order, products)) {
        covariance[j * n..=j * n + j].copy_from_slice(&sums);
    }
    covariance
}

/// The rows of a lower triangle whose columns begin below the diagonal.
fn rows_of(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let row = |k: usize| (0..k).map(|column| columns[column][k - column - 1]).collect();
    (0..columns.len()).map(row).collect()
}

impl Block {
    /// Integers for `reals` over `scale`: from the nearest integers or the nearest planes (Babai 1986), whichever ends
    /// lower, by coordinate descent; and the variance they add in units of the row.
    pub fn round(&self, reals: &[f64], scale: f64, most: f64) -> (Vec<f64>, f64) {
        let nearest = reals.iter().map(|w| (w / scale).round().clamp(-most, most)).collect();
        let starts = [nearest, self.nearest_planes(reals, scale, most)];
        let [nearest, planes] = self.descend(reals, scale, most, starts);
        if planes.1 < nearest.1 { planes } else { nearest }
    }

    /// Integers one by one, the input of the largest variance first, each making up for the errors before it
    /// as far as their inputs move together.
    fn nearest_planes(&self, reals: &[f64], scale: f64, most: f64) -> Vec<f64> {
        let n = reals.len();
        let mut weights = vec![0.0; n];
        // What the errors so far ask of each input that is left.
        let mut carried = vec![0.0; n];
        for k in (0..n).rev() {
            let j = self.order[k];
            let exact = reals[j] / scale;
            weights[j] = (exact + carried[k]).round().clamp(-most, most);
            lanes::add_row(&mut carried[..k], &self.factor[k], exact - weights[j]);
        }
        weights
    }

    /// Coordinate descent from each of `starts`: integers, and the variance they add in units of the row.
    fn descend<const N: usize>(
        &self,
        reals: &[f64],
        scale: f64,
        most: f64,
        starts: [Vec<f64>; N],
    ) -> [(Vec<f64>, f64); N] {
        let errors = starts.each_ref().map(|weights| -> Vec<f64> {
            weights.iter().zip(reals).map(|(q, w)| w / scale - q).collect()
        });
        // gradient[k] = sum_j covariance[k][j] errors[j]
        let mut gradients = errors.each_ref().map(|errors| vec![0.0; errors.len()]);
        let mut sums = gradients.each_mut().map(Vec::as_mut_slice);
        lanes::add_rows(&mut sums, &self.covariance, errors.each_ref().map(Vec::as_slice));
        let mut states = starts.into_iter().zip(errors).zip(gradients);
        std::array::from_fn(|_| {
            let ((weights, errors), gradient) = states.next().unwrap_or_default();
            let mut descent = Descent { weights, errors, gradient };
            descent.run(&self.covariance, reals, most);
            descent.end()
        })
    }
}

/// Integers on their way down.
struct Descent {
    weights: Vec<f64>,
    /// Of each weight, what is left.
    errors: Vec<f64>,
    /// Half the slope of the added variance along each weight.
    gradient: Vec<f64>,
}

impl Descent {
    /// Moves one integer after the other to where it adds least, as long as one moves.
    fn run(&mut self, covariance: &[f64], reals: &[f64], most: f64) {
        const SWEEPS: usize = 4;
        let Self { weights, errors, gradient } = self;
        let n = reals.len();
        for _ in 0..SWEEPS {
            let mut moved = false;
            for j in 0..n {
                if reals[j] == 0.0 {
                    continue; // a pruned weight stays pruned
                }
                let column = &covariance[j * n..][..n];
                let step = (gradient[j] / column[j]).round();
                let step = (weights[j] + step).clamp(-most, most) - weights[j];
                if step != 0.0 {
                    moved = true;
                    weights[j] += step;
                    errors[j] -= step;
                    lanes::add_row(gradient, column, -step);
                }
            }
            if !moved {
                break;
            }
        }
    }

    fn end(self) -> (Vec<f64>, f64) {
        let error = self.gradient.iter().zip(&self.errors).map(|(g, e)| g * e).sum();
        (self.weights, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of a wide layer are rounded each by itself: the error is the sum of theirs.
    #[test]
    fn wide_rows_are_rounded_in_blocks() {
        let n = 2 * WIDEST_BLOCK + 2;
        let value = |r: usize, j: usize| ((r * (j % 7 + 1) * 37 + j) % 101) as f64 - 50.0;
        let rows: Vec<Vec<f64>> = (0..64).map(|r| (0..n).map(|j| value(r, j)).collect()).collect();
        let moments = Moments::of_integers(&rows, Width::I8);
        let lengths: Vec<usize> = moments.blocks.iter().map(|b| b.inputs.len()).collect();
        assert_eq!((lengths.len(), lengths.iter().sum::<usize>()), (3, n));
        let reals: Vec<f64> = (0..n).map(|j| value(3, j) / 7.0).collect();
        let round = |b: &Block| b.round(&reals[b.inputs.clone()], 1.0, 127.0);
        let rounded: Vec<(Vec<f64>, f64)> = moments.blocks.iter().map(round).collect();
        let exact = |(b, (weights, _)): (&Block, &(Vec<f64>, f64))| -> f64 {
            let error = |j: usize| reals[b.inputs.start + j] - weights[j];
            let m = b.inputs.len();
            let of = |j: usize| (0..m).map(|k| b.covariance[j * m + k] * error(k)).sum::<f64>();
            (0..m).map(|j| error(j) * of(j)).sum()
        };
        let sum: f64 = moments.blocks.iter().zip(&rounded).map(exact).sum();
        let stated: f64 = rounded.iter().map(|(_, error)| error).sum();
        assert!((sum - stated).abs() < 1e-6 * sum, "{sum} {stated}");
    }

    #[test]
    fn the_factor_gives_the_matrix_back() {
        let rows: Vec<Vec<f64>> = (0..40)
            .map(|k| (0..5).map(|j| f64::from((k * (j + 3) + j * j) % 11) * 9.0).collect())
            .collect();
        let Block { covariance, order, factor, .. } =
            Moments::of_integers(&rows, Width::I8).blocks.remove(0);
        // With unit columns u_k and pivots d_k: C = sum_k d_k u_k u_k^T.
        let at = |k: usize, j: usize| match j.cmp(&k) {
            std::cmp::Ordering::Less => 0.0,
            std::cmp::Ordering::Equal => 1.0,
            std::cmp::Ordering::Greater => factor[j][k],
        };
        let mut pivots = vec![];
        for k in 0..5 {
            let diagonal = covariance[order[k] * 5 + order[k]];
            let done: f64 = pivots.iter().enumerate().map(|(m, d)| d * at(m, k) * at(m, k)).sum();
            pivots.push(diagonal - done);
        }
        for (j, k) in (0..5).flat_map(|j| (0..5).map(move |k| (j, k))) {
            let sum: f64 = pivots.iter().enumerate().map(|(m, d)| d * at(m, j) * at(m, k)).sum();
            let want = covariance[order[j] * 5 + order[k]];
            assert!((sum - want).abs() < 1e-6 * (1.0 + want.abs()), "{sum} {want}");
        }
    }
}
