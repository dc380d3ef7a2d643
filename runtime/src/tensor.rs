//! Tensors in memory: quads of activations, and the scratch they share. Stands on nothing.

use core::ops::Range;

/// Four neighbouring activations, aligned so that every core may load them as words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Quad(pub [i16; 4]);

/// Number of quads that hold `features` activations.
pub const fn quads(features: usize) -> usize {
    features.div_ceil(4)
}

/// Fails the build of a module whose statement takes tensors, each from a quad to before another, that overlap
/// or lie outside the `quads` of its scratch.
pub const fn require_disjoint(quads: usize, ranges: &[[usize; 2]]) {
    let mut i = 0;
    while i < ranges.len() {
        let [start, end] = ranges[i];
        assert!(start <= end && end <= quads, "a tensor lies outside the scratch");
        let mut k = 0;
        while k < i {
            assert!(end <= ranges[k][0] || ranges[k][1] <= start, "two tensors overlap");
            k += 1;
        }
        i += 1;
    }
}

/// The memory all tensors of a model share; codegen has planned who lives where and when.
#[derive(Clone, Debug)]
pub struct Scratch<const QUADS: usize>([Quad; QUADS]);

impl<const QUADS: usize> Scratch<QUADS> {
    /// Zeros.
    pub const fn new() -> Self {
        Self([Quad([0; 4]); QUADS])
    }

    /// `first`, then zeros: a recurrent model's start state.
    ///
    /// # Panics
    /// If `first` is longer than the memory. In a constant, that is a build error.
    pub const fn starting(first: &[Quad]) -> Self {
        let mut scratch = Self::new();
        let mut i = 0;
        while i < first.len() {
            scratch.0[i] = first[i];
            i += 1;
        }
        scratch
    }

    /// The tensor in quads `range`; empty if that lies outside.
    ///
    /// # Panics
    /// With debug assertions, if it lies outside.
    #[inline(always)]
    pub fn tensor(&mut self, range: Range<usize>) -> &mut [Quad] {
        debug_assert!(range.start <= range.end && range.end <= QUADS, "outside the scratch");
        self.0.get_mut(range).unwrap_or_default()
    }

    /// Several tensors at once; empty ones if any lie outside or overlap.
    ///
    /// # Panics
    /// With debug assertions, if any lie outside or overlap.
    #[inline(always)]
    pub fn tensors<const N: usize>(&mut self, ranges: [Range<usize>; N]) -> [&mut [Quad]; N] {
        match self.0.get_disjoint_mut(ranges) {
            Ok(tensors) => tensors,
            Err(error) if cfg!(debug_assertions) => panic!("{error}"),
            Err(_) => [(); N].map(|()| Default::default()),
        }
    }
}

impl<const QUADS: usize> Default for Scratch<QUADS> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_disjoint() {
        let mut scratch = Scratch::<4>::new();
        let [a, b] = scratch.tensors([0..1, 1..4]);
        assert_eq!((a.len(), b.len()), (1, 3));
        assert_eq!(scratch.tensor(3..4).len(), 1);
    }

    #[test]
    fn neighbours_are_disjoint() {
        require_disjoint(5, &[[1, 3], [0, 1], [3, 5]]);
    }

    #[test]
    #[should_panic(expected = "overlap")]
    fn overlapping_ranges_do_not_build() {
        require_disjoint(5, &[[0, 2], [3, 5], [1, 3]]);
    }

    #[test]
    #[should_panic(expected = "outside the scratch")]
    fn ranges_outside_the_scratch_do_not_build() {
        require_disjoint(5, &[[0, 2], [3, 6]]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "overlapping")]
    fn tensors_that_overlap_are_refused() {
        Scratch::<4>::new().tensors([0..2, 1..4]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "outside the scratch")]
    fn tensors_outside_the_scratch_are_refused() {
        Scratch::<4>::new().tensor(3..5);
    }
}
