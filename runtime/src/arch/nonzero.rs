//! Sums that leave out zeros: of weights that were pruned, and of activations. Stands on nothing.

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

/// One row's weights that are not zero, each with the distance to its column.
///
/// With `WORDS` 1, a link is one word for an i8 weight: in its lower byte how many columns it lies past
/// the link before it (or past column 0), in the upper one the weight. With `WORDS` 2 it is two
/// words for an i16 weight, in this order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links<'a, const WORDS: usize> {
    inputs: usize,
    /// Links of each row.
    counts: &'a [u16],
    /// Within a row, the distances sum to less than `inputs`.
    links: &'a [[u16; WORDS]],
}

/// Column distance and weight of a link.
#[inline(always)]
const fn link<const WORDS: usize>(words: &[u16; WORDS]) -> (usize, i32) {
    match WORDS {
        1 => ((words[0] & 0xff) as usize, (words[0] as i16 >> 8) as i32),
        _ => (words[0] as usize, words[1] as i16 as i32),
    }
}

impl<'a, const WORDS: usize> Links<'a, WORDS> {
    /// Follows every link once.
    ///
    /// # Panics
    /// If there are more or fewer links than `counts` says, or one lies past the last column. In a
    /// constant, that is a build error.
    pub(crate) const fn new(inputs: usize, counts: &'a [u16], links: &'a [u16]) -> Self {
        assert!(WORDS == 1 || WORDS == 2);
        let (all, rest) = links.as_chunks::<WORDS>();
        assert!(rest.is_empty());
        let (mut row, mut next) = (0, 0);
        while row < counts.len() {
            let (end, mut column) = (next + counts[row] as usize, 0);
            while next < end {
                column += link(&all[next]).0;
                assert!(column < inputs);
                next += 1;
            }
            row += 1;
        }
        assert!(next == all.len());
        Self { inputs, counts, links: all }
    }

    /// Whether all that the links lead to is in a tensor of so many features.
    #[inline(always)]
    pub(crate) const fn fit(&self, features: usize) -> bool {
        features >= self.inputs
    }

    /// Calls `done` with every row and its sum of weights times `x`, which begins at the row's first
    /// number; not at all if `x` is shorter than the rows.
    #[inline(always)]
    pub(crate) fn sums<R>(
        &self,
        x: &[i16],
        rows: impl Iterator<Item = (R, i32)>,
        mut done: impl FnMut(R, i32),
    ) {
        if !self.fit(x.len()) {
            return;
        }
        let mut links = self.links;
        for ((row, start), &count) in rows.zip(self.counts) {
            let Some((own, rest)) = links.split_at_checked(count as usize) else { return };
            links = rest;
            let (mut acc, mut column) = (start, 0);
            for words in own {
                let (distance, weight) = link(words);
                column += distance;
                // SAFETY: `new` has followed the same links of this row: column < inputs <= x.len().
                let x = unsafe { *x.get_unchecked(column) };
                acc += x as i32 * weight; // inside i32 in any order, proved by codegen
            }
            done(row, acc);
        }
    }
}
