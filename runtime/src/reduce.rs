//! Groups of neighbouring features reduced to one feature each: the extreme, or the Euclidean length.
//!
//! Stands on `norm` and the rounding rule.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::{clamp, larger};
use crate::norm::{normalized, reciprocal_sqrt};
use crate::rounding::{mul_high, saturate16, shift_round};
use crate::tensor::{Quad, quads};

/// Whether the tensor to read holds `groups` of `members` features, and the one `written` one a group, in quads.
const fn groups_fit(reads: &[usize], written: usize, groups: usize, members: usize) -> bool {
    matches!(reads, [x] if *x >= quads(groups * members)) && written >= quads(groups)
}

/// Calls `f` with every group of `members` features of `x` and the feature of `y` that it becomes.
#[inline(always)]
fn each_group(
    x: &[Quad],
    y: &mut [Quad],
    groups: usize,
    members: usize,
    f: impl Fn(&[i16]) -> i16,
) {
    let outputs = flat_mut(y).iter_mut().take(groups);
    for (y, group) in outputs.zip(flat(x).chunks_exact(members.max(1))) {
        *y = f(group);
    }
}

/// `y_g` is the largest (or smallest) of the features `x_(g members)..`, in the same time for all values.
#[derive(Clone, Copy, Debug)]
pub struct GroupExtreme {
    /// Number of groups.
    pub groups: usize,
    /// Features of each, at least one.
    pub members: usize,
    /// The largest; else the smallest.
    pub largest: bool,
}

impl GroupExtreme {
    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        groups_fit(reads, written, self.groups, self.members)
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        // !x falls where x rises, within the same range: the smallest is the complement of the largest.
        let flip = if self.largest { 0 } else { -1 };
        each_group(x, y, self.groups, self.members, |group| {
            let largest = |m, &x: &i16| larger(m, x as i32 ^ flip);
            (group.iter().fold(i16::MIN as i32, largest) ^ flip) as i16
        });
    }
}

/// `y_g = factor sqrt(sum x_i^2)` over the features `x_(g members)..`; a group of zeros counts as one of length 1.
#[derive(Clone, Copy, Debug)]
pub struct GroupLength {
    /// Number of groups.
    pub groups: usize,
    /// Features of each, at least one.
    pub members: usize,
    /// With `shift`: the factor is `multiplier / 2^(14 + shift)`.
    pub multiplier: i16,
    /// See `multiplier`; at most 15.
    pub shift: u8,
}

impl GroupLength {
    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        groups_fit(reads, written, self.groups, self.members)
    }

    /// Computes the layer.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        each_group(x, y, self.groups, self.members, |group| {
            // <= 2^16 2^30
            let squares: u64 = group.iter().map(|&x| (x as i32 * x as i32) as u64).sum();
            let (m, _) = reciprocal_sqrt(squares); // 1 / sqrt = m 2^-14 2^-(exponent / 2 + 16)
            // squares = v 2^exponent, v in 2^30..2^32, exponent even in -30..=16
            let (v, exponent) = normalized(squares, true);
            // sqrt = squares / sqrt = v m 2^(exponent / 2 - 30): root = sqrt 2^(13 - exponent / 2),
            // in 2^29 - 2^15..=2^30
            let root = ((v as u64 * m as u64) >> 17) as i32;
            // y = root multiplier 2^(exponent / 2 - 27 - shift), |root multiplier / 2^16| < 2^29
            let s = clamp(11 + self.shift as i32 - exponent / 2, 1, 31);
            saturate16(shift_round(mul_high(root, self.multiplier), s as u32))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    fn tensor(x: &[i16]) -> Vec<Quad> {
        let mut quads = std::vec![Quad::default(); quads(x.len())];
        flat_mut(&mut quads)[..x.len()].copy_from_slice(x);
        quads
    }

    #[test]
    fn tensors_fit_if_they_have_every_group() {
        let extreme = GroupExtreme { groups: 5, members: 3, largest: true };
        assert!(extreme.fits(&[4], 2) && !extreme.fits(&[3], 2) && !extreme.fits(&[4], 1));
        let length = GroupLength { groups: 5, members: 3, multiplier: 1, shift: 0 };
        assert!(length.fits(&[4], 2) && !length.fits(&[3], 2) && !length.fits(&[4], 1));
    }

    fn groups() -> impl Strategy<Value = Vec<[i16; 3]>> {
        let x = prop_oneof![any::<i16>(), -3_i16..4, Just(i16::MIN), Just(i16::MAX)];
        prop::collection::vec([x.clone(), x.clone(), x], 1..12)
    }

    proptest! {
        #[test]
        fn extremes_are_found_without_a_comparison(groups in groups()) {
            let x = tensor(groups.as_flattened());
            for largest in [true, false] {
                let mut y = std::vec![Quad::default(); quads(groups.len())];
                GroupExtreme { groups: groups.len(), members: 3, largest }.run(&x, &mut y);
                for (group, &got) in groups.iter().zip(flat(&y)) {
                    let want = if largest { group.iter().max() } else { group.iter().min() };
                    prop_assert_eq!(Some(&got), want);
                }
            }
        }

        #[test]
        fn lengths_follow_the_formula(groups in groups(), multiplier in 8192_i16.., shift in 0_u8..=15) {
            let x = tensor(groups.as_flattened());
            let mut y = std::vec![Quad::default(); quads(groups.len())];
            GroupLength { groups: groups.len(), members: 3, multiplier, shift }.run(&x, &mut y);
            let factor = f64::from(multiplier) * f64::powi(2.0, -14 - i32::from(shift));
            for (group, &got) in groups.iter().zip(flat(&y)) {
                let squares: f64 = group.iter().map(|&x| f64::from(x).powi(2)).sum();
                let want = squares.max(1.0).sqrt() * factor;
                let got = f64::from(got);
                prop_assert!((got - want.min(32767.0)).abs() <= 0.6 + want / 16000.0, "{} {}", got, want);
            }
        }
    }
}
