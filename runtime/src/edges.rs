//! Functions that features share: interpolated tables, each over a run of neighbouring features.

use crate::arch;
use crate::table::Table;
use crate::tensor::Quad;

/// One function over `count` neighbouring features.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The function.
    pub table: Table<'a>,
    /// First feature read.
    pub from: u16,
    /// First feature written.
    pub to: u16,
    /// Number of features.
    pub count: u16,
}

/// Applies every run to `x`, writing `y`; features that are not there are left out.
#[inline(never)]
pub fn functions(runs: &[Run], x: &[Quad], y: &mut [Quad]) {
    let x = arch::flat(x);
    let y = arch::flat_mut(y);
    for run in runs {
        let x = x.iter().skip(run.from as usize);
        let y = y.iter_mut().skip(run.to as usize).take(run.count as usize);
        for (y, &x) in y.zip(x) {
            *y = run.table.eval(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_may_read_one_feature_twice_and_stay_inside() {
        let (relu, negative) = (Table::new(&[0, 0, 32767]), Table::new(&[32767, 0, -32768]));
        let runs = [
            Run { table: relu, from: 0, to: 0, count: 2 },
            Run { table: negative, from: 1, to: 2, count: 9 },
        ];
        let mut y = [Quad([9; 4])];
        functions(&runs, &[Quad([-100, 200, 300, 5])], &mut y);
        assert_eq!(y, [Quad([0, 200, -200, -300])]);
    }
}
