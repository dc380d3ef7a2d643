//! The activations that are not zero, and sums over their columns of weights.

/// Indices of the activations of a layer that are not zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Active<'a> {
    x: &'a [i16],
    /// Each below `x.len()`, as the bits of a u16; no one else can write them meanwhile.
    list: &'a [i16],
}

impl<'a> Active<'a> {
    /// Lists them in `memory`, which has room for all of `x`; `x` has at most 65,536.
    #[inline(always)]
    pub(crate) fn of(x: &'a [i16], memory: &'a mut [i16]) -> Option<Self> {
        if memory.len() < x.len() {
            return None;
        }
        let mut count = 0;
        for (i, &x) in x.iter().enumerate() {
            // SAFETY: count <= i < x.len() <= memory.len().
            unsafe { *memory.get_unchecked_mut(count) = i as u16 as i16 };
            count += (x != 0) as usize;
        }
        memory.get(..count).map(|list| Self { x, list })
    }

    /// `sum of x[i] columns[i][k]` for k in 0..4; zeros if there are not as many columns as activations.
    #[inline(always)]
    pub(crate) fn sums<W: Copy + Into<i32>>(&self, columns: &[[W; 4]]) -> [i32; 4] {
        let mut sums = [0; 4];
        if columns.len() != self.x.len() {
            return sums;
        }
        for &i in self.list {
            let i = i as u16 as usize;
            // SAFETY: i < x.len() = columns.len(), by `of` and the lines above.
            let (x, column) = unsafe { (*self.x.get_unchecked(i), columns.get_unchecked(i)) };
            for (sum, &weight) in sums.iter_mut().zip(column) {
                *sum += x as i32 * weight.into(); // inside i32 in any order, proved by codegen
            }
        }
        sums
    }
}
