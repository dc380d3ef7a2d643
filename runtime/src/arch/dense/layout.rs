//! How a dense layer's tables lie in memory. Stands on the rounding rule.

use crate::rounding::mul_high_split;

/// How wide the weights of a stream are.
pub trait Width: Copy {
    /// Bits of a weight in a block of rows.
    const BITS: usize;
    /// Words of a row's quad outside of blocks of four rows: there a weight has a byte at least.
    const WORDS: usize = if Self::BITS < 16 { 1 } else { 2 };
}

/// A weight of 4 bits, `-8..=7`.
#[derive(Clone, Copy, Debug)]
pub enum I4 {}

impl Width for I4 {
    const BITS: usize = 4;
}

impl Width for i8 {
    const BITS: usize = 8;
}

impl Width for i16 {
    const BITS: usize = 16;
}

/// How a core wants a dense layer in memory.
///
/// All tables of a layer form one stream of words, in the order in which the kernel needs them, so
/// that a core with few registers walks it with one pointer. Rows (outputs) come in blocks:
///
/// ```text
/// block of R rows:  R biases | for each group of inputs: R times its weights | R multipliers
/// ```
///
/// Rows left over follow as blocks of one. A group is one quad of inputs, or two or four; what is left
/// over of the inputs then makes a group of two quads, of one, or of each.
///
/// # Lanes
/// Where a core has no instruction that multiplies bytes, a block of four rows stores the four
/// weights of one *input* in a word, `W = a + 2^8 b + 2^16 c + 2^24 d`, with 128 added to a, b and
/// c, so that an arithmetic shift leaves the lanes above it whole. A multiplication keeps the low 32
/// bits, so the sums of `x W`, `x (W >> 8)`, `x (W >> 16)` and `x (W >> 24)` are all it takes:
///
/// ```text
/// sum x (a + 128) = sum x W - 2^8 sum x (W >> 8)      (mod 2^32), and so on upwards
/// ```
///
/// One shift unpacks a weight, where taking a signed byte out of a word's middle takes two. The
/// biases of a block are stored in the same form, `A = a + 2^8 B`, and the sum of all inputs, which
/// takes the 128 out again, is computed once a layer. Two i16 weights share a word likewise.
///
/// Where a core multiplies pairs of half-words, it is half-words that hold the weights of one input, of two rows,
/// `H = a + 2^8 b`: a word has two inputs, as it is it gives the sums of `x H`, and its bytes 1 and 3 those of `x b`, so
/// that one weight in two needs no unpacking.
///
/// # Nibbles
/// Weights of 4 bits come in blocks of four rows on every core, and rows left over as bytes. A half-word has the four
/// weights of one input, `H = a + 2^4 b + 2^8 c + 2^12 d`, with 8 added to each; a word has two inputs. Sums are those of
/// `x H`, `x (H >> 4)`, `x (H >> 8)` and `x (H >> 12)`, taken apart as those of lanes, or, where both half-words of a word
/// are unpacked at once, of `x (a + 2^8 c)`, `x (b + 2^8 d)`, `x c` and `x d`.
///
/// # Halves
/// Where a core multiplies sixteen pairs of bytes at once, its kernel splits the activations of every
/// whole group of four quads into two signed bytes, `x = 2^8 high + low + 128`, if weights are i8. The sum of the weights
/// times 128 is a constant, part of the bias.
pub trait Layout {
    /// Rows of a block, 1 or 4.
    const ROWS: usize;
    /// Whether a group has two quads of inputs, or four where activations are split, and not one.
    const VECTORS: bool;
    /// `ORDER[k]` is the column, within four i8 weights of a row, that byte `k` holds.
    const ORDER: [usize; 4];
    /// Bits in which a block of rows has weights of one input, as many as go into them, if more than one does.
    const LANES: usize;
    /// Of 4-bit weights, how many lanes above a row's lies the next in its sum.
    const ABOVE: usize;
    /// Whether the core multiplies 32 by 32 bits to the high word in an instruction or two.
    const LONG_MULTIPLY: bool;
    /// Bytes whose coefficients share the sums of a spline layer, 1, 2 or 4.
    const FOLD: usize;
}

macro_rules! layout {
    ($(#[$doc:meta])* $name:ident: $rows:literal, $vectors:literal, $order:expr, $lanes:literal, $above:literal, $long:literal, $fold:literal) => {
        $(#[$doc])*
        pub enum $name {}

        impl Layout for $name {
            const ROWS: usize = $rows;
            const VECTORS: bool = $vectors;
            const ORDER: [usize; 4] = $order;
            const LANES: usize = $lanes;
            const ABOVE: usize = $above;
            const LONG_MULTIPLY: bool = $long;
            const FOLD: usize = $fold;
        }
    };
}

layout! {
    /// For other hosts: one row after the other, so that a loop over columns vectorizes.
    RowMajor: 1, false, [0, 1, 2, 3], 8, 1, true, 1
}
layout! {
    /// For cores that load bytes with an offset: an activation is loaded once for four rows.
    Blocked: 4, false, [0, 1, 2, 3], 8, 1, true, 1
}
layout! {
    /// For Armv7-M: four rows in the lanes of a word.
    Lanes: 4, false, [0, 1, 2, 3], 32, 1, true, 1
}
layout! {
    /// For Armv6-M: as [`Lanes`], with multipliers for two 16-bit products.
    LanesShort: 4, false, [0, 1, 2, 3], 32, 1, false, 4
}
layout! {
    /// For the DSP extension, and SSE2: two rows in the lanes of a half-word, and bytes of a row by itself in the
    /// order in which `SXTB16` and `SXTB16 ROR #8` unpack them.
    Pairs: 4, false, [0, 2, 1, 3], 16, 2, true, 2
}
layout! {
    /// For Helium: eight inputs at a time, or sixteen.
    Vectors: 4, true, [0, 1, 2, 3], 8, 2, true, 2
}

#[cfg(nervecord_kernel = "armv6m")]
type Chosen = LanesShort;
#[cfg(nervecord_kernel = "armv7m")]
type Chosen = Lanes;
#[cfg(any(nervecord_kernel = "dsp", nervecord_kernel = "sse2"))]
type Chosen = Pairs;
#[cfg(nervecord_kernel = "helium")]
type Chosen = Vectors;
#[cfg(nervecord_kernel = "riscv")]
type Chosen = Blocked;
#[cfg(nervecord_kernel = "portable")]
type Chosen = RowMajor;

/// The layout of the core this crate is built for.
pub type Native = Chosen;

/// The word that stands for `multiplier` and `shift` (below 16) of
/// [`requantize`](crate::rounding::requantize): `m 2^(16-s)`, whose product's high word is the
/// requantized accumulator, or, without a long multiply, `m` above `s`.
pub const fn multiplier_word<L: Layout>(multiplier: i16, shift: u8) -> u32 {
    if L::LONG_MULTIPLY {
        (multiplier as u32) << (16 - shift) // m >= 0, so below 2^31
    } else {
        (multiplier as u32) << 16 | shift as u32
    }
}

/// `floor(acc * m / 2^(16+s))` from the word of `m` and `s`, before saturation.
#[inline(always)]
pub(super) fn scale<L: Layout>(acc: i32, word: u32) -> i32 {
    if L::LONG_MULTIPLY {
        ((acc as i64 * word as i32 as i64) >> 32) as i32
    } else {
        mul_high_split(acc, (word >> 16) as i16) >> (word & 0xff)
    }
}

/// Words of a row by itself: bias, weights, multiplier.
pub(super) const fn row_words<W: Width>(quads: usize) -> usize {
    2 + quads * W::WORDS
}

/// Words of a block of so many rows, 1 or 4.
pub(super) const fn block_words<W: Width>(rows: usize, quads: usize) -> usize {
    if rows == 4 { 8 + quads * W::BITS / 2 } else { rows * row_words::<W>(quads) }
}

/// Words of a layer's stream, the same in every layout.
pub const fn words<W: Width>(inputs: usize, outputs: usize) -> usize {
    let quads = inputs.div_ceil(4);
    outputs / 4 * block_words::<W>(4, quads) + outputs % 4 * row_words::<W>(quads)
}

/// Whether a block of `count` rows has four weights of 4 bits of an input in a half-word.
const fn nibbles<W: Width>(count: usize) -> bool {
    W::BITS == 4 && count == 4
}

/// How many rows above the next in the sum of row `lane` of `count` is, and the bits by which it is; none for the highest
/// of a word, and where rows are apart.
const fn above<L: Layout, W: Width>(lane: usize, count: usize) -> Option<(usize, usize)> {
    if nibbles::<W>(count) {
        return if lane + L::ABOVE < 4 { Some((L::ABOVE, 4 * L::ABOVE)) } else { None };
    }
    if below_another::<L, W>(lane, count) { Some((1, W::BITS)) } else { None }
}

/// Rows that share a lane of a block, 1 where each has its own.
const fn shared<L: Layout, W: Width>(count: usize) -> usize {
    if count == 4 && L::LANES > 8 * W::WORDS { L::LANES / (8 * W::WORDS) } else { 1 }
}

/// Whether a row has another above it in its lane.
const fn below_another<L: Layout, W: Width>(lane: usize, count: usize) -> bool {
    !(lane + 1).is_multiple_of(shared::<L, W>(count))
}

/// Where a row lies in a stream.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Index of its bias.
    pub bias: usize,
    /// Index of its block's first weights.
    pub weights: usize,
    /// Index of its multiplier.
    pub multiplier: usize,
    /// Which row of its block it is.
    pub lane: usize,
    /// Rows of its block.
    pub count: usize,
    /// Quads of inputs.
    pub quads: usize,
}

/// Where row `row` lies.
pub(super) const fn place<L: Layout, W: Width>(row: usize, rows: usize, quads: usize) -> Place {
    let block = if W::BITS < 8 { 4 } else { L::ROWS };
    let blocked = rows - rows % block;
    let (first, count) = if row < blocked { (row - row % block, block) } else { (row, 1) };
    let before = if row < blocked { first } else { blocked };
    let start =
        before / block * block_words::<W>(block, quads) + (first - before) * row_words::<W>(quads);
    let lane = row - first;
    Place {
        bias: start + lane,
        weights: start + count,
        quads,
        multiplier: start + block_words::<W>(count, quads) - count + lane,
        lane,
        count,
    }
}

/// Which weight of a row sits where.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    /// Index of the word.
    pub word: usize,
    /// Its lowest bit.
    pub shift: usize,
    /// How many bits it has.
    pub bits: usize,
    /// What its bits are flipped with.
    pub flip: u32,
}

/// The first quad and the number of quads of the group that quad `quad` of `quads` belongs to.
const fn group<L: Layout, W: Width>(quad: usize, quads: usize) -> (usize, usize) {
    if !L::VECTORS {
        return (quad, 1);
    }
    let mut count = if splits::<L, W>(quads) { 4 } else { 2 };
    // The quads of groups at least as large.
    while quad >= quads - quads % count {
        count /= 2;
    }
    // What precedes are groups at least as large, so the start is a multiple of the size.
    (quad - quad % count, count)
}

/// Whether the kernel of a layer with `quads` quads of inputs splits activations into bytes.
pub(super) const fn splits<L: Layout, W: Width>(quads: usize) -> bool {
    L::VECTORS && W::BITS == 8 && quads >= 4
}

/// Whether it does so where they lie, and not in registers: there is more than one group.
pub(crate) const fn splits_in_place<L: Layout, W: Width>(quads: usize) -> bool {
    splits::<L, W>(quads) && quads >= 8
}

/// What the kernel takes from the activation of a column: 128 where it splits it.
pub(super) const fn low_offset<L: Layout, W: Width>(quads: usize, column: usize) -> i32 {
    if splits::<L, W>(quads) && column / 4 < quads - quads % 4 { 128 } else { 0 }
}

/// Where the weight of column `column` of a row sits.
pub(super) const fn slot<L: Layout, W: Width>(place: Place, column: usize) -> Slot {
    let bits = 8 * W::WORDS;
    if nibbles::<W>(place.count) {
        let shift = column % 2 * 16 + place.lane * 4;
        return Slot { word: place.weights + column / 2, shift, bits: 4, flip: 8 };
    }
    let (start, quads) = group::<L, W>(column / 4, place.quads);
    let rest = column - 4 * start;
    let first = place.weights + start * place.count * W::WORDS;
    let words = quads * W::WORDS; // a row's share
    let per_word = 4 / W::WORDS;
    let rows = shared::<L, W>(place.count);
    if rows > 1 {
        // Lanes below a word's or half-word's highest are offset to be positive.
        let offset = below_another::<L, W>(place.lane, place.count);
        let flip = if offset { 1 << (bits - 1) } else { 0 };
        let inputs = 32 / L::LANES; // of a word
        let word = first + rest / inputs * (4 / rows) + place.lane / rows;
        let shift = rest % inputs * L::LANES + place.lane % rows * bits;
        return Slot { word, shift, bits, flip };
    }
    let mut k = rest % per_word;
    if W::WORDS == 1 {
        k = 0;
        while L::ORDER[k] != rest % 4 {
            k += 1;
        }
    }
    let word = first + place.lane * words + rest / per_word;
    Slot { word, shift: k * bits, bits, flip: 0 }
}

/// The bias of a row, out of the form in which lanes hold it.
pub(super) const fn plain_bias<L: Layout, W: Width>(stream: &[u32], place: Place) -> i32 {
    let bias = stream[place.bias];
    match above::<L, W>(place.lane, place.count) {
        Some((rows, bits)) => bias.wrapping_sub(stream[place.bias + rows] << bits) as i32,
        None => bias as i32,
    }
}

/// Brings the biases of a layer into the form of lanes.
const fn fold_biases<L: Layout, W: Width>(rows: usize, quads: usize, stream: &mut [u32]) {
    let mut row = rows;
    while row > 0 {
        row -= 1;
        let Place { bias, lane, count, .. } = place::<L, W>(row, rows, quads);
        if let Some((rows, bits)) = above::<L, W>(lane, count) {
            stream[bias] = stream[bias].wrapping_add(stream[bias + rows] << bits);
        }
    }
}

macro_rules! pack {
    ($name:ident, $width:ty, $weight:ty) => {
        /// The stream of a layer in layout `L`, from a row-major matrix of `inputs` columns; rows are
        /// padded with zero weights to whole quads.
        ///
        /// # Panics
        /// If the tables' lengths do not belong together, or a weight is wider than the layer's. It runs when tables are built: in a
        /// constant, where that is a build error, or on the host.
        pub const fn $name<L: Layout>(
            weights: &[$weight],
            bias: &[i32],
            multiplier: &[i16],
            shift: u8,
            stream: &mut [u32],
        ) {
            let (rows, inputs) = (bias.len(), weights.len() / bias.len());
            let quads = inputs.div_ceil(4);
            assert!(weights.len() == rows * inputs && multiplier.len() == rows && shift < 16);
            assert!(stream.len() == words::<$width>(inputs, rows));
            let columns = quads * 4;
            let mut row = 0;
            while row < rows {
                let place = place::<L, $width>(row, rows, quads);
                stream[place.bias] = bias[row] as u32;
                stream[place.multiplier] = multiplier_word::<L>(multiplier[row], shift);
                let mut column = 0;
                while column < columns {
                    let slot = slot::<L, $width>(place, column);
                    let weight = if column < inputs { weights[row * inputs + column] } else { 0 };
                    let weight = weight as i32;
                    assert!(weight >> (<$width>::BITS - 1) == weight >> 31);
                    let low = low_offset::<L, $width>(quads, column) * weight;
                    stream[place.bias] = stream[place.bias].wrapping_add(low as u32);
                    let bits = weight as u32 & u32::MAX >> (32 - slot.bits) ^ slot.flip;
                    // The first weight of a word clears it.
                    let kept = if slot.shift == 0 { 0 } else { stream[slot.word] };
                    stream[slot.word] = kept | bits << slot.shift;
                    column += 1;
                }
                row += 1;
            }
            fold_biases::<L, $width>(rows, quads, stream);
        }
    };
}

pack!(pack4, I4, i8);
pack!(pack8, i8, i8);
pack!(pack16, i16, i16);
