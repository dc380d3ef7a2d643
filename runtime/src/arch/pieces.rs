//! How a function in straight pieces is read. Stands on nothing.

use core::marker::PhantomData;

/// The words of a function of one variable; see [`Table`](crate::table::Table) for what they mean.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Pieces<'a> {
    /// The piece that starts at input 0: as many lie below it as from it on.
    pub(super) middle: *const u32,
    /// Half the number of pieces.
    pub(super) half: usize,
    words: PhantomData<&'a [u32]>,
}

// SAFETY: it is a shared slice, held by its middle.
unsafe impl Send for Pieces<'_> {}
// SAFETY: it is a shared slice, and nobody writes its words.
unsafe impl Sync for Pieces<'_> {}

impl<'a> Pieces<'a> {
    /// # Panics
    /// If the number of words is odd, 0 or above 4,096. In a constant, that is a build error.
    pub(crate) const fn new(words: &'a [u32]) -> Self {
        assert!(words.len() >= 2 && words.len() <= 4096 && words.len().is_multiple_of(2));
        let half = words.len() / 2;
        // SAFETY: half the length lies inside.
        let middle = unsafe { words.as_ptr().add(half) };
        Self { middle, half, words: PhantomData }
    }

    /// The function at `x`.
    #[inline(always)]
    pub(crate) fn at(self, x: i16) -> i16 {
        let t = x as i32 * self.half as i32; // |t| <= 2^15 half, half <= 2^11
        // SAFETY: -half <= t / 2^15 < half, rounded down: inside the words, by `new`.
        let word = unsafe { *self.middle.offset((t >> 15) as isize) } as i32;
        let rise = match cfg!(target_arch = "riscv32") {
            // |rise| <= 2^30
            false => word as i16 as i32 * t as i16 as i32,
            // The same: one shift a factor instead of two, and the product's high word.
            true => (((word << 16) as i64 * (t << 16) as i64) >> 32) as i32,
        };
        (word.wrapping_add(rise) >> 16) as i16
    }
}
