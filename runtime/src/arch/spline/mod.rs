//! Spline layers: their tables in memory, and their kernels.
//!
//! For every input, four neighbouring coefficients of each edge meet the input's four weights.

use super::{Layout, flat, flat_mut, words_mut};
use crate::number::requantize;
use crate::spline::{Grid, Shape};
use crate::tensor::{Quad, quads};
use core::marker::PhantomData;

#[cfg(nervecord_dsp)]
mod dsp;
#[cfg(nervecord_walk)]
#[cfg_attr(nervecord_kernel = "armv6m", path = "armv6m.rs")]
#[cfg_attr(any(nervecord_kernel = "armv7m", nervecord_kernel = "helium"), path = "armv7m.rs")]
#[cfg_attr(nervecord_kernel = "riscv", path = "riscv.rs")]
mod kernel;
#[cfg(nervecord_walk)]
mod walk;

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

/// A layer: what it is, and its tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a, C> {
    #[cfg(not(nervecord_dsp))]
    shape: Shape,
    #[cfg(not(nervecord_dsp))]
    sections: Sections,
    /// Activations it may read.
    #[cfg(not(nervecord_dsp))]
    reads: usize,
    #[cfg(nervecord_dsp)]
    plan: dsp::Plan,
    grids: &'a [Grid],
    stream: &'a [u32],
    coefficient: PhantomData<C>,
}

impl<'a, C: Coefficient> Layer<'a, C> {
    /// A layer over grids and a stream that belong to its shape.
    pub(crate) const fn new(shape: Shape, grids: &'a [Grid], stream: &'a [u32]) -> Self {
        assert!(stream.len() == Sections::new(&shape, size_of::<C>()).words);
        Self {
            #[cfg(not(nervecord_dsp))]
            shape,
            #[cfg(not(nervecord_dsp))]
            sections: Sections::new(&shape, size_of::<C>()),
            #[cfg(not(nervecord_dsp))]
            reads: reads(&shape, grids),
            #[cfg(nervecord_dsp)]
            plan: dsp::Plan::new(&shape, grids, size_of::<C>()),
            grids,
            stream,
            coefficient: PhantomData,
        }
    }

    /// Computes the layer; a slice that is too short leaves outputs as they were.
    #[inline(always)]
    pub(crate) fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        #[cfg(nervecord_dsp)]
        dsp::run(self, x, base, y);
        #[cfg(nervecord_walk)]
        walk::run(self, x, base, y);
        #[cfg(not(nervecord_assembly))]
        self.portable::<super::Native>(x, base, y);
    }
}

/// Whether one grid serves the first activations, or each input has its own.
const fn is_shared(grids: &[Grid]) -> bool {
    grids.len() == 1 && grids[0].input == 0
}

/// Activations a layer may read.
const fn reads(shape: &Shape, grids: &[Grid]) -> usize {
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

/// What a layer reads and writes, all of it long enough.
#[cfg(not(nervecord_dsp))]
struct Tensors<'t> {
    x: &'t [Quad],
    base: &'t [Quad],
    y: &'t mut [Quad],
    acc: &'t mut [i32],
}

#[cfg(not(nervecord_dsp))]
impl<C: Coefficient> Layer<'_, C> {
    /// The slices as the layer needs them, its sums started; none if one is too short.
    #[inline(always)]
    fn start<'t>(&self, x: &'t [Quad], base: &'t [Quad], y: &'t mut [Quad]) -> Option<Tensors<'t>> {
        let Shape { inputs, outputs, base: has_base, .. } = self.shape;
        let x = x.get(..quads(self.reads))?;
        let base = base.get(..if has_base { quads(inputs) } else { 0 })?;
        let (y, memory) = y.split_at_mut_checked(quads(outputs))?;
        let acc = words_mut(memory).get_mut(..outputs)?;
        acc.iter_mut().zip(self.stream).for_each(|(acc, &bias)| *acc = bias as i32);
        Some(Tensors { x, base, y, acc })
    }

    /// Requantizes the sums; `sum` is that of all weights whose offsets are not part of the bias.
    #[inline(always)]
    fn finish<L: Layout>(&self, acc: &[i32], sum: i32, y: &mut [Quad]) {
        let (size, shift) = (size_of::<C>(), self.shape.shift as u32);
        let fold = fold::<L>(size);
        let offset = sum.wrapping_shl(8 * size as u32 - 1);
        let multiplier: &[i16] =
            elements(self.stream.get(self.sections.multiplier..).unwrap_or_default());
        let (fours, left) = acc.as_chunks::<4>();
        let (own, rest) = multiplier.as_chunks::<4>();
        for ((y, sums), multiplier) in y.iter_mut().zip(fours).zip(own) {
            let mut above = 0;
            for lane in (0..4).rev() {
                let sum = sums[lane];
                let own = match (lane + 1) % fold {
                    0 => sum,
                    _ => sum.wrapping_sub(above << (8 * size)).wrapping_sub(offset),
                };
                above = sum;
                y.0[lane] = requantize(own, multiplier[lane], shift);
            }
        }
        let own = if fours.len() < own.len() { own[fours.len()].as_slice() } else { rest };
        let places = flat_mut(y).get_mut(4 * fours.len()..).unwrap_or_default();
        for ((y, &sum), &multiplier) in places.iter_mut().zip(left).zip(own) {
            let own = if L::FOLD == 4 { sum.wrapping_sub(offset) } else { sum };
            *y = requantize(own, multiplier, shift);
        }
    }
}

/// Words as coefficients, or as multipliers.
#[cfg(not(nervecord_dsp))]
#[inline(always)]
fn elements<C: Coefficient>(words: &[u32]) -> &[C] {
    // SAFETY: `Coefficient` is i8 or i16: any bits are one, words are aligned for it, and the slice
    // covers the same bytes for as long.
    unsafe {
        core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words) / size_of::<C>())
    }
}

/// The kernel in plain Rust, for any layout.
#[cfg(any(test, not(nervecord_assembly)))]
impl<C: Coefficient> Layer<'_, C> {
    #[inline(always)]
    pub(crate) fn portable<L: Layout>(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Self { shape, sections, grids, stream, .. } = self;
        let part = |from: usize| elements::<C>(stream.get(from..).unwrap_or_default());
        let Some(Tensors { x, base, y, acc }) = self.start(x, base, y) else { return };
        let (x, mut sum) = (flat(x), 0);
        let mut edges = Edges::<L, C> {
            blocks: part(shape.outputs),
            rest: part(sections.rest),
            count: shape.count(),
            layout: PhantomData,
        };
        for k in 0..shape.inputs {
            let shared = is_shared(grids);
            let Some(grid) = grids.get(if shared { 0 } else { k }) else { return };
            let Some(&x) = x.get(if shared { k } else { grid.input as usize }) else { return };
            let (start, weights) = shape.axis.locate(grid.coordinate(x));
            let weights = weights.map(i32::from);
            edges.add(acc, start, weights);
            sum += if shape.axis.tails { weights.iter().sum() } else { 0 };
        }
        let (blocks, rest) = (part(sections.factors), part(sections.rest_factors));
        let mut edges = Edges::<L, C> { blocks, rest, count: 4, layout: PhantomData };
        for quad in base {
            let weights = quad.0.map(|value| (value as i32) << shape.base_shift);
            edges.add(acc, 0, weights);
            sum = weights.iter().fold(sum, |sum, w| sum.wrapping_add(*w));
        }
        self.finish::<L>(acc, sum, y);
    }
}

/// The edges of the inputs to come.
#[cfg(any(test, not(nervecord_assembly)))]
struct Edges<'a, L, C> {
    blocks: &'a [C],
    rest: &'a [C],
    /// Coefficients of an edge.
    count: usize,
    layout: PhantomData<L>,
}

#[cfg(any(test, not(nervecord_assembly)))]
impl<L: Layout, C: Coefficient> Edges<'_, L, C> {
    /// Adds the edges from the next input to all outputs, folded as layout `L` says:
    /// `acc[o] += weights . edge[o][start..][..4]`.
    #[inline(always)]
    fn add(&mut self, acc: &mut [i32], start: usize, weights: [i32; 4]) {
        let (size, fold) = (size_of::<C>(), fold::<L>(size_of::<C>()));
        let (fours, left) = acc.as_chunks_mut::<4>();
        let (blocks, rest) = (fours.len() * 4 * self.count, left.len() * self.count);
        let edges = self.blocks.chunks_exact(4 * self.count);
        for (sums, edges) in fours.iter_mut().zip(edges) {
            let taps = edges.as_chunks::<4>().0.iter().skip(start);
            for (four, w) in taps.zip(weights) {
                let mut above = 0;
                for (lane, (sum, &c)) in sums.iter_mut().zip(four).enumerate().rev() {
                    let top = (lane + 1).is_multiple_of(fold);
                    let own = if top { c.into() } else { c.unsigned() + (above << (8 * size)) };
                    *sum = sum.wrapping_add(own.wrapping_mul(w));
                    above = own;
                }
            }
        }
        for (sum, edge) in left.iter_mut().zip(self.rest.chunks_exact(self.count)) {
            for (&c, w) in edge.iter().skip(start).zip(weights) {
                let own = if L::FOLD == 4 { c.unsigned() } else { c.into() };
                *sum = sum.wrapping_add(own.wrapping_mul(w));
            }
        }
        self.blocks = self.blocks.get(blocks..).unwrap_or_default();
        self.rest = self.rest.get(rest..).unwrap_or_default();
    }
}
