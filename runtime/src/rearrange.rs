//! Features in another order, of which a rule says more shortly than a list: slices, transposed rows, zeros around
//! rows, what came before.
//!
//! Stands on tensors.

use crate::arch::memory::{flat, flat_mut};
use crate::tensor::{Quad, quads};

/// `y[a, b, c, d] = x[first + a step[0] + b step[1] + c step[2] + d step[3]]`: slices, transpositions, repetitions.
#[derive(Clone, Copy, Debug)]
pub struct Strided {
    /// The feature of `x` that comes first.
    pub first: usize,
    /// Features of `x` from one to the next on each axis of `y`.
    pub step: [usize; 4],
    /// Lengths of the axes, the last the innermost.
    pub count: [usize; 4],
}

impl Strided {
    /// Whether the tensor to read has every feature, and the one `written` is long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x] = reads else { return false };
        let (mut last, mut all, mut axis) = (self.first, 1, 0);
        while axis < 4 {
            if self.count[axis] == 0 {
                return false;
            }
            last += self.step[axis] * (self.count[axis] - 1);
            all *= self.count[axis];
            axis += 1;
        }
        last / 4 < x && written >= quads(all)
    }

    /// Computes the layer; what lies outside `x` gives nothing.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        self.of(flat(x), flat_mut(y));
    }

    /// The same of features that may be anything, such as those of many rows on a host.
    #[inline(always)]
    pub fn of<T: Copy>(&self, x: &[T], y: &mut [T]) {
        let [outer, middle, inner, run] = self.count;
        let mut runs = y.chunks_exact_mut(run.max(1));
        for a in 0..outer {
            for b in 0..middle {
                let first = self.first + a * self.step[0] + b * self.step[1];
                for (c, y) in (0..inner).zip(&mut runs) {
                    self.fill(x.get(first + c * self.step[2]..).unwrap_or_default(), y);
                }
            }
        }
    }

    /// One run along the last axis.
    #[inline(always)]
    fn fill<T: Copy>(&self, x: &[T], y: &mut [T]) {
        match self.step[3] {
            0 => x.first().into_iter().for_each(|x| y.fill(*x)),
            1 => y.iter_mut().zip(x).for_each(|(y, x)| *y = *x),
            step => y.iter_mut().zip(x.iter().step_by(step)).for_each(|(y, x)| *y = *x),
        }
    }
}

/// Zeros around each of several rows.
#[derive(Clone, Copy, Debug)]
pub struct Pad {
    /// How many rows there are.
    pub rows: usize,
    /// Zeros in front of each.
    pub before: usize,
    /// Features of a row of `x`.
    pub features: usize,
    /// Zeros behind each.
    pub after: usize,
}

impl Pad {
    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let padded = self.before + self.features + self.after;
        matches!(reads, [x] if *x >= quads(self.rows * self.features))
            && written >= quads(self.rows * padded)
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        self.of(flat(x), flat_mut(y));
    }

    /// The same of features that may be anything, such as those of many rows on a host.
    #[inline(always)]
    pub fn of<T: Copy + Default>(&self, x: &[T], y: &mut [T]) {
        let padded = self.before + self.features + self.after;
        let rows = x.chunks_exact(self.features.max(1)).take(self.rows);
        for (row, y) in rows.zip(y.chunks_exact_mut(padded.max(1))) {
            let (before, rest) = y.split_at_mut_checked(self.before).unwrap_or_default();
            let (inside, after) = rest.split_at_mut_checked(self.features).unwrap_or_default();
            before.fill(T::default());
            inside.iter_mut().zip(row).for_each(|(y, x)| *y = *x);
            after.fill(T::default());
        }
    }
}

/// A tapped delay line: the newest of what a tensor held and of a row behind it, in place.
#[derive(Clone, Copy, Debug)]
pub struct DelayLine {
    /// Features that stay, moved to the front.
    pub kept: usize,
    /// Features of the row.
    pub row: usize,
}

impl DelayLine {
    /// Whether the tensor to read has a row, and the one `written` all that it holds, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if *x >= quads(self.row)) && written >= quads(self.kept + self.row)
    }

    /// Drops the first features of `y` and appends those of `x`.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        self.of(flat(x), flat_mut(y));
    }

    /// The same of features that may be anything, such as those of many rows on a host.
    #[inline(always)]
    pub fn of<T: Copy>(&self, x: &[T], y: &mut [T]) {
        let y = y.get_mut(..self.kept + self.row).unwrap_or_default();
        if !y.is_empty() {
            y.copy_within(self.row.., 0);
        }
        let end = y.get_mut(self.kept..).unwrap_or_default();
        end.iter_mut().zip(x).for_each(|(y, x)| *y = *x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_features_change_places() {
        let x = [Quad([0, 1, 2, 3]), Quad([4, 5, 99, 99])];
        let mut y = [Quad::default(); 2];
        let transposed = Strided { first: 0, step: [0, 0, 1, 3], count: [1, 1, 3, 2] };
        transposed.run(&x, &mut y);
        assert_eq!(&flat(&y)[..6], [0, 3, 1, 4, 2, 5]);
        assert!(transposed.fits(&[2], 2) && !transposed.fits(&[1], 2) && !transposed.fits(&[2], 1));
        let every = Strided { first: 1, step: [4, 2, 1, 0], count: [1, 2, 2, 2] };
        every.run(&x, &mut y);
        assert_eq!(flat(&y), [1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_delay_line_keeps_the_newest() {
        let mut y = [Quad([0, 1, 2, 3]), Quad([4, 99, 99, 99])];
        let line = DelayLine { kept: 3, row: 2 };
        line.run(&[Quad([5, 6, 99, 99])], &mut y);
        assert_eq!(flat(&y), [2, 3, 4, 5, 6, 99, 99, 99]);
        DelayLine { kept: 0, row: 2 }.run(&[Quad([7, 8, 99, 99])], &mut y);
        assert_eq!(flat(&y), [7, 8, 4, 5, 6, 99, 99, 99]);
        assert!(line.fits(&[1], 2) && !line.fits(&[0], 2) && !line.fits(&[1], 1));
    }

    #[test]
    fn zeros_lie_around_each_row() {
        let mut y = [Quad([7; 4]); 3];
        let pad = Pad { rows: 2, before: 1, features: 2, after: 2 };
        pad.run(&[Quad([1, 2, 3, 4])], &mut y);
        assert_eq!(flat(&y), [0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 7, 7]);
        assert!(pad.fits(&[1], 3) && !pad.fits(&[0], 3) && !pad.fits(&[1], 2));
    }
}
