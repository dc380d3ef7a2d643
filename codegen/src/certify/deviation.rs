//! How far a function of integers is from a real one, at every integer. Stands on intervals.

use super::interval::Interval;

/// Integers that are looked at together.
const BLOCK: i32 = 16;
/// Blocks of one part of the tree.
const FAN: usize = 16;

/// The differences of a function of integers to a real one, over the integers from `first` to `last`.
#[derive(Debug, Clone)]
pub struct Deviation {
    first: i32,
    last: i32,
    blocks: Vec<Interval>,
    groups: Vec<Interval>,
}

impl Deviation {
    /// The differences `of` each integer from `first` to `last`.
    pub fn of(first: i32, last: i32, of: impl Fn(i32) -> Interval) -> Self {
        let first = first.div_euclid(BLOCK) * BLOCK;
        let block = |k: i32| {
            let from = first + k * BLOCK;
            (from..from + BLOCK).map(&of).reduce(|a, b| a.hull(&b)).unwrap_or(Interval::at(0.0))
        };
        let count = (last - first).div_euclid(BLOCK) + 1;
        let blocks: Vec<Interval> = (0..count).map(block).collect();
        let hull = |part: &[Interval]| {
            part.iter().copied().reduce(|a, b| a.hull(&b)).unwrap_or(Interval::at(0.0))
        };
        let groups = blocks.chunks(FAN).map(hull).collect();
        Self { first, last: first + count * BLOCK - 1, blocks, groups }
    }

    /// The integers that it knows.
    pub fn known(&self) -> (i32, i32) {
        (self.first, self.last)
    }

    /// The differences at the integers in an interval; none if some are not known.
    pub fn over(&self, x: Interval) -> Option<Interval> {
        let (low, high) = integers(x);
        if low < self.first || high > self.last {
            return None;
        }
        let (mut k, last) =
            (((low - self.first) / BLOCK) as usize, ((high - self.first) / BLOCK) as usize);
        let mut all = *self.blocks.get(k)?;
        while k <= last {
            let whole = k.is_multiple_of(FAN) && k + FAN - 1 <= last;
            let (part, next) = match whole {
                true => (self.groups.get(k / FAN)?, k + FAN),
                false => (self.blocks.get(k)?, k + 1),
            };
            (all, k) = (all.hull(part), next);
        }
        Some(all)
    }
}

/// The smallest and the largest integer in an interval.
pub fn integers(x: Interval) -> (i32, i32) {
    // A cast from float saturates, and 0 stands for what is no number.
    // No activation is beyond 16 bits.
    let end = |x: f64| (x as i32).clamp(-(1 << 16), 1 << 16);
    let (low, high) = (end(x.low.ceil()), end(x.high.floor()));
    (low.min(high), high.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_integer_is_looked_at(a in -32768_i32..=32767, b in -32768_i32..=32767, seed in any::<u32>()) {
            let (low, high) = (a.min(b), a.max(b));
            let of = |q: i32| Interval::at(f64::from((q as u32).wrapping_mul(2_654_435_761) ^ seed));
            let all = Deviation::of(-32768, 32767, of);
            let over = all.over(Interval::new(low.into(), high.into())).unwrap();
            for q in (low..=high).step_by(97).chain([high]) {
                prop_assert!(over.holds(&of(q)));
            }
            let few = Deviation::of(low, high, of).over(Interval::new(low.into(), high.into())).unwrap();
            prop_assert!(over.holds(&few) || over == few);
            prop_assert!(Deviation::of(low, high, of).over(Interval::new(f64::from(low) - 17.0, high.into())).is_none() || low <= -32752);
        }
    }
}
