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

    /// [`taps`] as this core has it for its own layout.
    ///
    /// # Safety
    /// As for [`taps`].
    unsafe fn taps<L: Layout>(walk: &mut Walk, start: usize, weights: [i16; 4]);
}

impl Coefficient for i8 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u8 as i32
    }

    #[inline(always)]
    unsafe fn taps<L: Layout>(walk: &mut Walk, start: usize, weights: [i16; 4]) {
        // SAFETY: the caller's contract.
        #[cfg(nervecord_taps)]
        unsafe {
            super::edge_kernel::taps_i8(walk, start, pack(weights))
        };
        #[cfg(not(nervecord_taps))]
        unsafe {
            taps::<L, Self>(walk, start, weights)
        };
    }
}

impl Coefficient for i16 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u16 as i32
    }

    #[inline(always)]
    unsafe fn taps<L: Layout>(walk: &mut Walk, start: usize, weights: [i16; 4]) {
        // SAFETY: the caller's contract.
        #[cfg(nervecord_taps)]
        unsafe {
            super::edge_kernel::taps_i16(walk, start, pack(weights))
        };
        #[cfg(not(nervecord_taps))]
        unsafe {
            taps::<L, Self>(walk, start, weights)
        };
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

/// Weights as the kernels in assembly take them.
#[cfg(nervecord_taps)]
#[inline(always)]
fn pack([a, b, c, d]: [i16; 4]) -> u64 {
    let pair = |low: i16, high: i16| low as u16 as u32 | (high as u16 as u32) << 16;
    pair(a, b) as u64 | (pair(c, d) as u64) << 32
}

/// The tables of a layer, and what it reads.
pub(crate) struct Layer<'a> {
    pub stream: &'a [u32],
    pub grids: &'a [Grid],
    pub x: &'a [Quad],
    /// The base function of every input.
    pub base: &'a [Quad],
}

/// The edges of the inputs to come, as the core's kernel walks them; lengths are in bytes.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Walk {
    /// Sums, and the end of those in blocks of four.
    pub acc: *mut i32,
    pub end: *mut i32,
    /// The next input's edges to the blocks, and from one block to the next.
    pub blocks: *const u8,
    pub step: usize,
    /// Outputs left over, the next input's edges to them, and from one to the next.
    pub left: usize,
    pub rest: *const u8,
    pub rest_step: usize,
}

/// The sums of a layer in layout `L`, and the edges that go into them, an input at a time.
pub(crate) struct Edges<'a, L, C> {
    walk: Walk,
    /// Coefficients of an edge, less four.
    last: usize,
    /// Inputs to come.
    inputs: usize,
    /// Whether the offsets of coefficients are not part of the bias.
    summed: bool,
    /// Weights so far, as far as that matters.
    sum: i32,
    life: PhantomData<(&'a mut [i32], &'a [u32], L, C)>,
}

impl<'a, L: Layout, C: Coefficient> Edges<'a, L, C> {
    /// The sums before any edge, in the first words of `memory`; none if that or the stream is too
    /// short.
    #[inline(always)]
    pub(crate) fn new(shape: &Shape, stream: &'a [u32], memory: &'a mut [i32]) -> Option<Self> {
        let size = size_of::<C>();
        let sections = Sections::new(shape, size);
        let acc = memory.get_mut(..shape.outputs)?;
        if stream.len() != sections.words {
            return None;
        }
        acc.iter_mut().zip(stream).for_each(|(acc, &bias)| *acc = bias as i32);
        let acc = acc.as_mut_ptr();
        let walk = Walk {
            acc,
            end: acc.wrapping_add(shape.outputs / 4 * 4),
            blocks: stream.as_ptr().wrapping_add(shape.outputs).cast(),
            step: shape.count() * 4 * size,
            left: shape.outputs % 4,
            rest: stream.as_ptr().wrapping_add(sections.rest).cast(),
            rest_step: shape.count() * size,
        };
        let (inputs, summed) = (shape.inputs, shape.axis.tails);
        Some(Self { walk, last: shape.count() - 4, inputs, summed, sum: 0, life: PhantomData })
    }

    /// Goes on from the inputs of a layer with a base function to its factors; the shape and stream
    /// are those of `new`.
    #[inline(always)]
    pub(crate) fn turn_to_factors(&mut self, shape: &Shape, stream: &'a [u32]) {
        let size = size_of::<C>();
        let sections = Sections::new(shape, size);
        if stream.len() == sections.words && shape.base {
            self.walk.blocks = stream.as_ptr().wrapping_add(sections.factors).cast();
            self.walk.rest = stream.as_ptr().wrapping_add(sections.rest_factors).cast();
            self.walk.step = 16 * size;
            self.walk.rest_step = 4 * size;
            self.last = 0;
            self.inputs = shape.inputs.div_ceil(4);
            self.summed = true;
        }
    }

    /// Adds the edges from the next input to all outputs, whose four coefficients from `start` on meet
    /// `weights`; nothing where there is no such input or coefficient.
    #[inline(always)]
    pub(crate) fn add(&mut self, start: usize, weights: [i16; 4]) {
        if self.inputs == 0 || start > self.last {
            return;
        }
        self.inputs -= 1;
        if L::FOLD > 1 && self.summed {
            // At most 2^15 an input.
            self.sum += weights.iter().map(|&w| w as i32).sum::<i32>();
        }
        // SAFETY: the stream has the layer's length and `inputs` counted the edges that are left, so
        // what follows `blocks` and `rest` are those of this input; four coefficients from `start` on
        // are there on every edge, and the sums are borrowed.
        unsafe { C::taps::<L>(&mut self.walk, start, weights) };
    }

    /// Requantizes the sums.
    #[inline(always)]
    pub(crate) fn finish(self, shape: &Shape, stream: &[u32], y: &mut [i16]) {
        let size = size_of::<C>();
        let sections = Sections::new(shape, size);
        let words = stream.get(sections.multiplier..).unwrap_or_default();
        let offset = self.sum.wrapping_shl(8 * size as u32 - 1);
        // SAFETY: the sums that `new` was given, of which there are as many as outputs.
        let sums = unsafe { core::slice::from_raw_parts(self.walk.acc, shape.outputs) };
        let own = |o: usize| {
            let mut acc = *sums.get(o)?;
            if is_offset::<L>(shape, o, size) {
                acc = acc.wrapping_sub(offset);
                if o < shape.outputs / 4 * 4 {
                    acc = acc.wrapping_sub(sums.get(o + 1)? << (8 * size));
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

/// The taps of an input's edges: `acc[o] += weights . edge[o][start..][..4]`, folded as layout `L`
/// says; the walk goes on to the next input.
///
/// # Safety
/// The walk's sums can be written, and the edges of an input read from `start` on.
#[inline(always)]
pub(crate) unsafe fn taps<L: Layout, C: Coefficient>(
    walk: &mut Walk,
    start: usize,
    weights: [i16; 4],
) {
    let size = size_of::<C>();
    let fold = fold::<L>(size);
    let mut acc = walk.acc;
    while acc != walk.end {
        let first = walk.blocks.wrapping_add(4 * size * start).cast::<[[C; 4]; 4]>();
        // SAFETY: the caller's contract; the coefficients are aligned as they are in the stream.
        let (taps, sums) = unsafe { (first.read(), &mut *acc.cast::<[i32; 4]>()) };
        for (four, w) in taps.iter().zip(weights) {
            let mut above = 0;
            for (lane, (sum, &c)) in sums.iter_mut().zip(four).enumerate().rev() {
                let top = (lane + 1).is_multiple_of(fold);
                let own = if top { c.into() } else { c.unsigned() + (above << (8 * size)) };
                *sum = sum.wrapping_add(own.wrapping_mul(w as i32));
                above = own;
            }
        }
        walk.blocks = walk.blocks.wrapping_add(walk.step);
        acc = acc.wrapping_add(4);
    }
    for _ in 0..walk.left {
        let first = walk.rest.wrapping_add(size * start).cast::<[C; 4]>();
        // SAFETY: as above.
        let (taps, sum) = unsafe { (first.read(), &mut *acc) };
        let own = |c: C| if L::FOLD == 4 { c.unsigned() } else { c.into() };
        let add = |sum: i32, (&c, w): (&C, i16)| sum.wrapping_add(own(c).wrapping_mul(w as i32));
        *sum = taps.iter().zip(weights).fold(*sum, add);
        walk.rest = walk.rest.wrapping_add(walk.rest_step);
        acc = acc.wrapping_add(1);
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
