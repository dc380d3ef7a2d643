//! The Cholesky factor of a symmetric, positive definite matrix, `A = L D L^T` with ones on the diagonal of `L`
//! (Golub, Van Loan, Matrix Computations, section 4.1). Stands on nothing.

/// `L` and `D`.
pub struct Factor {
    /// The columns of `L` below the diagonal.
    pub columns: Vec<Vec<f64>>,
    /// The diagonal of `D`.
    pub pivots: Vec<f64>,
}

impl Factor {
    /// Of the row-major `matrix`, with rows and columns in the given order.
    pub fn of(matrix: &[f64], order: &[usize]) -> Self {
        let n = order.len();
        let mut columns: Vec<Vec<f64>> =
            (0..n).map(|k| (k..n).map(|j| matrix[order[j] * n + order[k]]).collect()).collect();
        let mut pivots = Vec::with_capacity(n);
        for k in 0..n {
            let (done, later) = columns.split_at_mut(k + 1);
            let column = &mut done[k];
            let pivot = column.remove(0).max(f64::MIN_POSITIVE);
            for (j, other) in later.iter_mut().enumerate() {
                let share = column[j] / pivot;
                other.iter_mut().zip(&column[j..]).for_each(|(o, c)| *o -= share * c);
            }
            column.iter_mut().for_each(|c| *c /= pivot);
            pivots.push(pivot);
        }
        Self { columns, pivots }
    }

    /// The `x` of `A x = b`, in the order of the factor.
    pub fn solve(&self, mut b: Vec<f64>) -> Vec<f64> {
        for (k, column) in self.columns.iter().enumerate() {
            let known = b[k];
            b[k + 1..].iter_mut().zip(column).for_each(|(b, l)| *b -= l * known);
        }
        b.iter_mut().zip(&self.pivots).for_each(|(b, pivot)| *b /= pivot);
        for (k, column) in self.columns.iter().enumerate().rev() {
            b[k] -= column.iter().zip(&b[k + 1..]).map(|(l, x)| l * x).sum::<f64>();
        }
        b
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_solved() {
        let matrix = [4.0, 2.0, 1.0, 2.0, 5.0, 3.0, 1.0, 3.0, 6.0];
        let x = [1.0, -2.0, 0.5];
        let b = matrix.chunks(3).map(|row| row.iter().zip(&x).map(|(a, x)| a * x).sum()).collect();
        let solved = Factor::of(&matrix, &[0, 1, 2]).solve(b);
        assert!(solved.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12), "{solved:?}");
    }
}
