//! The tables of a spline layer in memory. Stands on `spread` and the layouts of dense layers.

use super::spread::{Lanes, spreads};
use crate::arch::dense::layout::{self, Layout};
use crate::spline::shape::{Grid, SplineShape};

/// The layout of splines on the core this crate is built for: that of its dense layers.
#[cfg(nervecord_assembly)]
pub(crate) type Native = layout::Native;
/// The layout of splines on hosts, which take the coefficients one by one.
#[cfg(not(nervecord_assembly))]
pub(crate) type Native = layout::RowMajor;

/// Where the parts of a layer's stream begin, in words; its biases come first, then the coefficients
/// of whole blocks.
///
/// ```text
/// bias[output] | blocks | blocks of factors | rest | rest of factors | multiplier[output]
/// ```
///
/// Outputs come in blocks of four, whose coefficients lie side by side: `[input][block][interval +
/// 3][4]`, so that a core walks a block with constant offsets and may load words. Up to three outputs
/// left over follow as `[input][output][interval + 3]`. The factors of the base function are edges
/// with four coefficients, one for each of four inputs, in the same order.
///
/// # Folding
/// A coefficient in a word is worth an instruction to unpack. A core may multiply a weight with two
/// or four coefficients at once, `w (a + 2^8 b)`, as [`Layout`] explains for dense layers: the sums
/// of [`Layout::FOLD`] neighbouring bytes come apart once an output,
///
/// ```text
/// sum w (a + 128) = sum w (a + 128 + 2^8 b) - 2^8 sum w b      (mod 2^32)
/// ```
///
/// All coefficients of such a fold but the highest are stored with 128 (or 2^15) added, and its
/// biases as `A = a + 2^8 B`. The weights of an input without tails sum to 2^15, so what 128 adds to a
/// layer is known beforehand and part of the bias; otherwise the weights are summed along.
///
/// # Spreading
/// Where weights are [spread](super::spread) over lanes, coefficients are in the order of lanes and nothing is
/// folded. Weights of i8 coefficients are split into two signed bytes, `w = 2^8 high + low`, and values of the base
/// function, which need all 16 bits, into `2^8 high + low + 128`, as in dense layers: their 128 is in the bias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sections {
    /// Factors of the base function in blocks.
    pub factors: usize,
    /// Coefficients of the outputs left over.
    pub rest: usize,
    /// Factors of the outputs left over.
    pub rest_factors: usize,
    /// Multipliers, two a word.
    pub multiplier: usize,
    /// Words of the stream.
    pub words: usize,
}

impl Sections {
    /// The parts of a layer whose coefficients have `size` bytes.
    pub(crate) const fn new(shape: &SplineShape, size: usize) -> Self {
        let (blocks, left) = (shape.outputs / 4, shape.outputs % 4);
        let fours = if shape.base { shape.inputs.div_ceil(4) } else { 0 };
        let factors = shape.outputs + shape.inputs * blocks * shape.count() * size;
        let rest = factors + fours * blocks * 4 * size;
        let rest_factors = rest + (shape.inputs * left * shape.count() * size).div_ceil(4);
        let multiplier = rest_factors + fours * left * size;
        let words = multiplier + shape.outputs.div_ceil(2);
        Self { factors, rest, rest_factors, multiplier, words }
    }
}

/// Whether one grid serves the first activations, or each input has its own.
pub(super) const fn is_shared(grids: &[Grid]) -> bool {
    grids.len() == 1 && grids[0].input == 0
}

/// Activations a layer may read.
pub(super) const fn reads(shape: &SplineShape, grids: &[Grid]) -> usize {
    if is_shared(grids) {
        return shape.inputs;
    }
    let (mut most, mut k) = (0, 0);
    while k < grids.len() {
        most = if grids[k].input > most { grids[k].input } else { most };
        k += 1;
    }
    most as usize + 1
}

/// Neighbouring coefficients of a block that share sums.
pub(super) const fn fold<L: Layout>(shape: &SplineShape, size: usize) -> usize {
    if L::FOLD > size && !spreads::<L>(shape) { L::FOLD / size } else { 1 }
}

/// What the kernel takes from the values of the base function: 128 where it splits them.
pub(super) const fn low_offset<L: Layout>(shape: &SplineShape, size: usize) -> i32 {
    if spreads::<L>(shape) && size == 1 { 128 } else { 0 }
}

/// Where coefficient `tap` of set `set` of four values of the base function, or of input `set`, lies in the
/// section of its row: `row` of `rows`.
pub(super) const fn place<L: Layout>(
    shape: &SplineShape,
    [set, taps, tap]: [usize; 3],
    [row, rows]: [usize; 2],
    values: bool,
    size: usize,
) -> usize {
    let whole = shape.outputs / 4 * 4;
    let in_block = row < whole;
    let [row, rows] = if in_block { [row, whole] } else { [row - whole, rows - whole] };
    if spreads::<L>(shape) {
        return match values {
            true => Lanes::of_values(shape).index(set * taps + tap, 0, [row, rows], in_block, size),
            false => Lanes::of_inputs(shape).index(set, tap, [row, rows], in_block, size),
        };
    }
    if in_block {
        ((set * (rows / 4) + row / 4) * taps + tap) * 4 + row % 4
    } else {
        (set * rows + row) * taps + tap
    }
}

/// Whether the coefficients of an output are stored with an offset.
const fn is_offset<L: Layout>(shape: &SplineShape, output: usize, size: usize) -> bool {
    if output < shape.outputs / 4 * 4 {
        !(output + 1).is_multiple_of(fold::<L>(shape, size))
    } else {
        L::FOLD == 4
    }
}

/// Writes the bits of coefficient `index` from word `first` on, where there are zeros.
const fn put(stream: &mut [u32], first: usize, index: usize, bits: u32, size: usize) {
    let per_word = 4 / size;
    let place = index % per_word;
    let place = if cfg!(target_endian = "big") { per_word - 1 - place } else { place };
    stream[first + index / per_word] |= bits << (place * 8 * size);
}

macro_rules! pack {
    ($name:ident, $coefficient:ty, $unsigned:ty) => {
        /// The stream of a layer in layout `L`, from coefficients `[input][output][interval + 3]` and
        /// factors of the base function `[input / 4][output][input % 4]`, if it has one.
        ///
        /// # Panics
        /// If the tables' lengths do not belong together. It runs when tables are built: in a
        /// constant, where that is a build error, or on the host.
        pub(crate) const fn $name<L: Layout>(
            shape: &SplineShape,
            coefficients: &[$coefficient],
            factors: &[$coefficient],
            bias: &[i32],
            multiplier: &[i16],
            stream: &mut [u32],
        ) {
            const SIZE: usize = size_of::<$coefficient>();
            const HALF: u32 = 1 << (8 * SIZE - 1);
            let SplineShape { inputs, outputs, .. } = *shape;
            let sections = Sections::new(shape, SIZE);
            let fours = if shape.base { inputs.div_ceil(4) } else { 0 };
            assert!(bias.len() == outputs && multiplier.len() == outputs);
            assert!(coefficients.len() == inputs * outputs * shape.count());
            assert!(factors.len() == fours * outputs * 4 && stream.len() == sections.words);
            let mut k = 0;
            while k < stream.len() {
                stream[k] = 0;
                k += 1;
            }
            let blocks = outputs / 4;
            let mut part = 0;
            while part < 2 {
                let (list, sets, taps, first, rest) = if part == 0 {
                    (coefficients, inputs, shape.count(), outputs, sections.rest)
                } else {
                    (factors, fours, 4, sections.factors, sections.rest_factors)
                };
                let mut k = 0;
                while k < sets * outputs * taps {
                    let (set, output, tap) = (k / taps / outputs, k / taps % outputs, k % taps);
                    let flip = if is_offset::<L>(shape, output, SIZE) { HALF } else { 0 };
                    let bits = list[k] as $unsigned as u32 ^ flip;
                    let row = [output, outputs];
                    let index = place::<L>(shape, [set, taps, tap], row, part == 1, SIZE);
                    put(stream, if output < blocks * 4 { first } else { rest }, index, bits, SIZE);
                    k += 1;
                }
                part += 1;
            }
            // What the offsets of coefficients add, if every input's weights sum to 2^15.
            let sum = if shape.axis.tails { 0 } else { (inputs as u32) << 15 };
            let mut o = outputs;
            while o > 0 {
                o -= 1;
                let mut word = bias[o] as u32;
                let mut k = 0;
                while k < 4 * fours {
                    let factor = factors[(k / 4 * outputs + o) * 4 + k % 4] as i32;
                    let low = (low_offset::<L>(shape, SIZE) * factor) << shape.base_shift; // below 2^30
                    word = word.wrapping_add(low as u32);
                    k += 1;
                }
                if is_offset::<L>(shape, o, SIZE) {
                    word = word.wrapping_sub(sum.wrapping_mul(HALF));
                    if o < blocks * 4 {
                        word = word.wrapping_add(stream[o + 1] << (8 * SIZE));
                    }
                }
                stream[o] = word;
                put(stream, sections.multiplier, o, multiplier[o] as u16 as u32, 2);
            }
        }
    };
}

pack!(pack_spline8, i8, u8);
pack!(pack_spline16, i16, u16);
