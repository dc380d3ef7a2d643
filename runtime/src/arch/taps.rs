//! The tables of a spline layer in memory, and the sums over them: four neighbouring coefficients an
//! edge, times four weights.

use super::Layout;
use crate::number::requantize;
use crate::spline::{Grid, Shape};
use crate::tensor::Quad;
use core::marker::PhantomData;

/// A coefficient of a spline: i8 or i16.
pub trait Coefficient: Copy + Into<i32> + 'static {
    /// Its bits as a number that is not negative.
    fn unsigned(self) -> i32;
}

impl Coefficient for i8 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u8 as i32
    }
}

impl Coefficient for i16 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u16 as i32
    }
}

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
pub(crate) struct Sections {
    /// Factors of the base function in blocks.
    pub factors: usize,
    /// Coefficients of the outputs left over.
    pub rest: usize,
    /// Factors of the outputs left over.
    pub rest_factors: usize,
    /// Multipliers, two a word.
    pub multiplier: usize,
    /// The whole.
    pub words: usize,
}

impl Sections {
    /// The parts of a layer whose coefficients have `size` bytes.
    pub(crate) const fn new(shape: &Shape, size: usize) -> Self {
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

/// Neighbouring coefficients of a block that share sums.
const fn fold<L: Layout>(size: usize) -> usize {
    if L::FOLD > size { L::FOLD / size } else { 1 }
}

/// Whether the coefficients of an output are stored with an offset.
const fn is_offset<L: Layout>(shape: &Shape, output: usize, size: usize) -> bool {
    if output < shape.outputs / 4 * 4 {
        !(output + 1).is_multiple_of(fold::<L>(size))
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
        pub const fn $name<L: Layout>(
            shape: &Shape,
            coefficients: &[$coefficient],
            factors: &[$coefficient],
            bias: &[i32],
            multiplier: &[i16],
            stream: &mut [u32],
        ) {
            const SIZE: usize = size_of::<$coefficient>();
            const HALF: u32 = 1 << (8 * SIZE - 1);
            let Shape { inputs, outputs, .. } = *shape;
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
            let (blocks, left) = (outputs / 4, outputs % 4);
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
                    if output < blocks * 4 {
                        let index = ((set * blocks + output / 4) * taps + tap) * 4 + output % 4;
                        put(stream, first, index, bits, SIZE);
                    } else {
                        let index = (set * left + output - blocks * 4) * taps + tap;
                        put(stream, rest, index, bits, SIZE);
                    }
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

/// The tables of a layer, and what it reads.
pub(crate) struct Layer<'a> {
    pub stream: &'a [u32],
    pub grids: &'a [Grid],
    pub x: &'a [Quad],
    /// The base function of every input.
    pub base: &'a [Quad],
}

/// The sums of a layer in layout `L`, and the edges that go into them, an input at a time.
pub(crate) struct Edges<'a, L, C> {
    acc: &'a mut [i32],
    blocks: *const C,
    rest: *const C,
    /// Coefficients of an edge.
    count: usize,
    /// Inputs to come.
    left: usize,
    /// Whether the offsets of coefficients are not part of the bias.
    summed: bool,
    /// Weights so far, as far as that matters.
    sum: i32,
    stream: PhantomData<(&'a [u32], L)>,
}

impl<'a, L: Layout, C: Coefficient> Edges<'a, L, C> {
    /// The sums before any edge, in the first words of `memory`; none if that or the stream is too
    /// short.
    #[inline(always)]
    pub(crate) fn new(shape: &Shape, stream: &'a [u32], memory: &'a mut [i32]) -> Option<Self> {
        let sections = Sections::new(shape, size_of::<C>());
        let acc = memory.get_mut(..shape.outputs)?;
        if stream.len() != sections.words {
            return None;
        }
        acc.iter_mut().zip(stream).for_each(|(acc, &bias)| *acc = bias as i32);
        Some(Self {
            acc,
            blocks: stream.as_ptr().wrapping_add(shape.outputs).cast(),
            rest: stream.as_ptr().wrapping_add(sections.rest).cast(),
            count: shape.count(),
            left: shape.inputs,
            summed: shape.axis.tails,
            sum: 0,
            stream: PhantomData,
        })
    }

    /// Goes on from the inputs of a layer with a base function to its factors.
    #[inline(always)]
    pub(crate) fn turn_to_factors(&mut self, shape: &Shape, stream: &'a [u32]) {
        let sections = Sections::new(shape, size_of::<C>());
        if stream.len() == sections.words && shape.base && self.acc.len() == shape.outputs {
            self.blocks = stream.as_ptr().wrapping_add(sections.factors).cast();
            self.rest = stream.as_ptr().wrapping_add(sections.rest_factors).cast();
            self.count = 4;
            self.left = shape.inputs.div_ceil(4);
            self.summed = true;
        }
    }

    /// Adds the edges from the next input to all outputs, whose four coefficients from `start` on meet
    /// `weights`; nothing where there is no such input or coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, start: usize, weights: [i16; 4]) {
        if self.left == 0 || start + 4 > self.count {
            return;
        }
        self.left -= 1;
        if L::FOLD > 1 && self.summed {
            // At most 2^15 an input.
            self.sum += weights.iter().map(|&w| w as i32).sum::<i32>();
        }
        let (blocks, left) = (self.acc.len() / 4, self.acc.len() % 4);
        let first = (self.blocks.wrapping_add(start * 4), self.rest.wrapping_add(start));
        // SAFETY: the stream has the layer's length and `left` counted its inputs, so what follows
        // `blocks` and `rest` are the coefficients of this one, `count` an edge; four from `start` on
        // are there on every edge.
        unsafe { taps::<L, C>(self.acc, first, self.count, weights) };
        self.blocks = self.blocks.wrapping_add(blocks * 4 * self.count);
        self.rest = self.rest.wrapping_add(left * self.count);
    }

    /// Requantizes the sums.
    #[inline(always)]
    pub(crate) fn finish(self, shape: &Shape, stream: &[u32], y: &mut [i16]) {
        let size = size_of::<C>();
        let sections = Sections::new(shape, size);
        let words = stream.get(sections.multiplier..).unwrap_or_default();
        let offset = self.sum.wrapping_shl(8 * size as u32 - 1);
        let own = |o: usize| {
            let mut acc = *self.acc.get(o)?;
            if is_offset::<L>(shape, o, size) {
                acc = acc.wrapping_sub(offset);
                if o < shape.outputs / 4 * 4 {
                    acc = acc.wrapping_sub(self.acc.get(o + 1)? << (8 * size));
                }
            }
            Some(acc)
        };
        let halves = words.iter().flat_map(|&word| [word as i16, (word >> 16) as i16]);
        for ((o, y), multiplier) in y.iter_mut().enumerate().take(shape.outputs).zip(halves) {
            let Some(acc) = own(o) else { return };
            *y = requantize(acc, multiplier, shape.shift as u32);
        }
    }
}

/// The taps of an input's edges: `acc[o] += weights . edge[o][..4]`, folded as layout `L` says.
///
/// # Safety
/// Four times four coefficients can be read at `blocks` and `4 * count` further on for every block of
/// four sums, and four at `rest` and `count` further on for each of the others.
#[inline(always)]
unsafe fn taps<L: Layout, C: Coefficient>(
    acc: &mut [i32],
    (mut blocks, mut rest): (*const C, *const C),
    count: usize,
    weights: [i16; 4],
) {
    let fold = fold::<L>(size_of::<C>());
    let (fours, left) = acc.as_chunks_mut::<4>();
    for acc in fours {
        // SAFETY: the caller's contract; an array is aligned as its elements are.
        let taps = unsafe { blocks.cast::<[[C; 4]; 4]>().read() };
        for (four, w) in taps.iter().zip(weights) {
            let mut above = 0;
            for (lane, (acc, &c)) in acc.iter_mut().zip(four).enumerate().rev() {
                let top = (lane + 1).is_multiple_of(fold);
                let own =
                    if top { c.into() } else { c.unsigned() + (above << (8 * size_of::<C>())) };
                *acc = acc.wrapping_add(own.wrapping_mul(w as i32));
                above = own;
            }
        }
        blocks = blocks.wrapping_add(4 * count);
    }
    for acc in left {
        // SAFETY: as above.
        let taps = unsafe { rest.cast::<[C; 4]>().read() };
        let own = |c: C| if L::FOLD == 4 { c.unsigned() } else { c.into() };
        let sum = |acc: i32, (&c, w): (&C, i16)| acc.wrapping_add(own(c).wrapping_mul(w as i32));
        *acc = taps.iter().zip(weights).fold(*acc, sum);
        rest = rest.wrapping_add(count);
    }
}

/// Four weights that can be moved along, zeros moving in.
#[derive(Debug, Default)]
#[repr(align(8))]
pub(crate) struct Window([[i16; 4]; 3]);

impl Window {
    /// `weights` moved `by` places towards the end.
    ///
    /// # Safety
    /// `by` is -3 to 3.
    #[inline(always)]
    pub(crate) unsafe fn moved(&mut self, weights: [i16; 4], by: i32) -> [i16; 4] {
        debug_assert!((-3..=3).contains(&by));
        // The four places on either side stay 0.
        self.0[1] = weights;
        let first: *const i16 = self.0.as_ptr().cast();
        // SAFETY: 1 <= 4 - by <= 7, so the last of the four is at most place 10 of 12.
        unsafe { first.wrapping_offset(4 - by as isize).cast::<[i16; 4]>().read() }
    }
}
