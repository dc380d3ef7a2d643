//! A dense layer over windows of its input's memory: convolutions, layers applied to each token, mixing of
//! tokens. Stands on dense layers.

use super::dense::Dense;

/// One dense layer applied at many places, its weights stored once.
///
/// Window `(o, i)`, `o < count[0]`, `i < count[1]`, starts at feature `o step[0] + i step[1]` of the input's
/// memory and is as wide as the layer; its outputs follow those of the window before, `i` the inner index. A
/// layer applied to each of T rows of C features has `count` [1, T] and `step` [0, C]; a convolution of kernel k
/// and stride s over such rows is k C wide and steps by s C.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// What is computed of each window.
    pub dense: Dense,
    /// Features from a window to the next: from group to group, and inside one.
    pub step: [usize; 2],
    /// How many groups, and how many windows in each.
    pub count: [usize; 2],
}

impl Windows {
    /// `dense` over `count` windows, each `step` features behind the one before.
    pub fn new(dense: Dense, step: usize, count: usize) -> Self {
        Self { dense, step: [0, step], count: [1, count] }
    }

    /// `dense` over `count` windows that follow one another without a gap.
    pub fn of_rows(dense: Dense, count: usize) -> Self {
        let step = dense.inputs();
        Self::new(dense, step, count)
    }

    /// All windows.
    pub fn windows(&self) -> usize {
        self.count[0].saturating_mul(self.count[1])
    }

    /// Features of the input's memory that it reads, from the first to the last.
    pub fn reach(&self) -> usize {
        let last = |k: usize| self.step[k].saturating_mul(self.count[k].saturating_sub(1));
        last(0).saturating_add(last(1)).saturating_add(self.dense.inputs())
    }

    /// Where each window starts, in order.
    pub fn starts(&self) -> impl Iterator<Item = usize> + '_ {
        let inner =
            move |o: usize| (0..self.count[1]).map(move |i| o * self.step[0] + i * self.step[1]);
        (0..self.count[0]).flat_map(inner)
    }

    /// The outputs of all windows of `x`, which is as long as [`reach`](Self::reach).
    pub fn eval(&self, x: &[f64]) -> Vec<f64> {
        let width = self.dense.inputs();
        self.starts().flat_map(|start| self.dense.eval(&x[start..start + width])).collect()
    }

    /// A period of the input's features: those of the same index modulo it meet the same weights, if there is one.
    pub fn period(&self) -> Option<usize> {
        let steps = [0, 1].map(|k| if self.count[k] > 1 { self.step[k] } else { 0 });
        let period = gcd(steps[0], steps[1]);
        (period > 0).then_some(period)
    }

    /// What is wrong with it for an input of `len` features, else the shape's rows and features.
    pub(super) fn shape(&self, len: usize) -> Result<[usize; 2], String> {
        if self.windows() == 0 {
            return Err("at least one window".into());
        }
        if self.reach() > len {
            return Err(format!("{} features for all windows, found {len}", self.reach()));
        }
        Ok([self.windows(), self.dense.bias.len()])
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_where_they_say() {
        let dense = Dense::new(vec![vec![1.0, 10.0], vec![0.0, -1.0]], vec![0.5, 0.0]);
        let conv = Windows::new(dense.clone(), 1, 3);
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(conv.reach(), 4);
        assert_eq!(conv.eval(&x), [21.5, -2.0, 32.5, -3.0, 43.5, -4.0]);
        let grid = Windows { dense, step: [3, 1], count: [2, 2] };
        assert_eq!(grid.starts().collect::<Vec<_>>(), [0, 1, 3, 4]);
        assert_eq!((grid.reach(), grid.period()), (6, Some(1)));
        assert_eq!(grid.shape(5).unwrap_err(), "6 features for all windows, found 5");
    }
}
