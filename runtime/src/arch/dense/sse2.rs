//! x86-64 hosts: four rows at a time in SSE2, which every such processor has, and eight with weights of 8 bits.
//!
//! The layout is [`Pairs`](super::layout::Pairs): a vector holds a quad of inputs' weights of four rows, a half-word those
//! of two rows for one input, `a + 2^8 b` with 128 added to `a`. As it is `PMADDWD` multiplies it with two activations in
//! every lane for the sums of `x (a + 2^8 b)`, and shifted down for those of `x b`; they are taken apart once a block.
//!
//! Stands on `layout`, `shape`, and the rooms `memory` and `scalar`.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_and_si128, _mm_castps_si128, _mm_castsi128_ps, _mm_cvtsi128_si32,
    _mm_loadl_epi64, _mm_loadu_si128, _mm_madd_epi16, _mm_max_epi16, _mm_mul_epu32, _mm_or_si128,
    _mm_packs_epi32, _mm_set_epi32, _mm_set1_epi16, _mm_setzero_si128, _mm_shuffle_epi32,
    _mm_shuffle_ps, _mm_slli_epi16, _mm_slli_epi32, _mm_slli_epi64, _mm_srai_epi16, _mm_srai_epi32,
    _mm_srli_epi16, _mm_srli_epi64, _mm_srli_si128, _mm_storel_epi64, _mm_sub_epi32,
    _mm_unpacklo_epi32, _mm_unpacklo_epi64,
};

use super::layout::{self, I4, Native, Width, block_words, row_words, scale};
use super::shape::DenseShape;
use crate::arch::scalar::saturate16;
use crate::tensor::Quad;

pub(super) const QUARTER_I4: usize = 0;
pub(super) const QUARTER_I8: usize = 0;
pub(super) const QUARTER_I16: usize = 0;

#[inline(never)]
pub(super) fn dense_i4(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    // SAFETY: the build script chose this kernel because the target has SSE2.
    unsafe { dense::<I4>(shape, stream, x, y) }
}

#[inline(never)]
pub(super) fn dense_i8(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    // SAFETY: the build script chose this kernel because the target has SSE2.
    unsafe { dense::<i8>(shape, stream, x, y) }
}

#[inline(never)]
pub(super) fn dense_i16(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    // SAFETY: the build script chose this kernel because the target has SSE2.
    unsafe { dense::<i16>(shape, stream, x, y) }
}

/// See [`Weight::dense`](super::weight::Weight::dense) for the contract.
#[inline]
#[target_feature(enable = "sse2")]
fn dense<W: Width>(shape: &DenseShape, stream: &[u32], x: &[Quad], y: &mut [i16]) {
    let words = layout::words::<W>(4 * shape.quads, shape.rows);
    if stream.len() != words || y.len() < shape.rows {
        return;
    }
    let Some(x) = x.get(..shape.quads) else { return };
    let (whole, words) = (shape.rows / 4, block_words::<W>(4, shape.quads));
    let (blocks, rest) = stream.split_at(whole * words);
    // What is added to weights, times the sum of the inputs, in the rows that it is added to.
    let offset = match W::BITS {
        4 if whole > 0 => offset(x, 8),
        8 if whole > 0 => _mm_srli_epi64::<32>(offset(x, 128)),
        _ => _mm_setzero_si128(),
    };
    // The sums of rows, from those that the layout has.
    let apart = |sums| match W::BITS {
        4 => _mm_sub_epi32(sums, _mm_slli_epi32::<8>(_mm_srli_si128::<8>(sums))),
        8 => _mm_sub_epi32(sums, _mm_slli_epi32::<8>(_mm_srli_epi64::<32>(sums))),
        _ => sums,
    };
    let finish = |y: &mut [i16; 4], bias, sums, multipliers| {
        let sums = _mm_sub_epi32(apart(_mm_add_epi32(load(bias), sums)), offset);
        store(y, requantized(sums, load(multipliers), shape.relu));
    };
    let mut blocks = blocks.chunks_exact(words).filter_map(parts).zip(y.as_chunks_mut().0);
    while let Some(((bias, weights, multipliers), y)) = blocks.next() {
        let sums = match W::BITS {
            4 => four_i4(weights, x),
            8 => match blocks.next() {
                Some(((next_bias, next_weights, next_multipliers), next_y)) => {
                    let [sums, next_sums] = eight_i8([weights, next_weights], x);
                    finish(next_y, next_bias, next_sums, next_multipliers);
                    sums
                }
                None => four_i8(weights, x),
            },
            _ => four_i16(weights, x),
        };
        finish(y, bias, sums, multipliers);
    }
    let words = row_words::<W>(shape.quads);
    for (row, y) in rest.chunks_exact(words).zip(&mut y[4 * whole..]) {
        if let [bias, weights @ .., multiplier] = row {
            let sum = if W::WORDS == 1 { one_i8(weights, x) } else { one_i16(weights, x) };
            let sum = (*bias as i32).wrapping_add(sum);
            let value = saturate16(scale::<Native>(sum, *multiplier));
            *y = if shape.relu { value.max(0) } else { value };
        }
    }
}

/// A block's biases, weights and multipliers.
#[inline]
fn parts(block: &[u32]) -> Option<(&[u32; 4], &[u32], &[u32; 4])> {
    let (bias, block) = block.split_first_chunk()?;
    let (weights, multipliers) = block.split_last_chunk()?;
    Some((bias, weights, multipliers))
}

/// Four rows' sums from 0, with the 8 that is added to each weight, and 2^8 times the sums of rows 2 and 3 in those of
/// rows 0 and 1; a quad of inputs is two words.
#[inline]
#[target_feature(enable = "sse2")]
fn four_i4(weights: &[u32], x: &[Quad]) -> __m128i {
    let mut sums = [_mm_setzero_si128(); 4];
    let (vectors, last) = weights.as_chunks::<4>();
    let (quads, last_quad) = x.as_chunks::<2>();
    let low = _mm_set1_epi16(0x0f0f);
    let add = |sums: &mut [__m128i; 4], w: __m128i, x: __m128i| {
        let [even, odd] = [w, _mm_srli_epi16::<4>(w)].map(|w| _mm_and_si128(w, low));
        let rows = [even, odd, _mm_srli_epi16::<8>(even), _mm_srli_epi16::<8>(odd)];
        for (sum, w) in sums.iter_mut().zip(rows) {
            *sum = _mm_add_epi32(*sum, _mm_madd_epi16(w, x));
        }
    };
    for (w, x) in vectors.iter().zip(quads) {
        add(&mut sums, load(w), load_quads(x));
    }
    if let ([low, high], [x]) = (last, last_quad) {
        add(&mut sums, _mm_set_epi32(0, 0, *high as i32, *low as i32), load_quad(x));
    }
    let [a, b, c, d] = sums;
    let [(ab, ab_high), (cd, cd_high)] = [pairs(a, b), pairs(c, d)];
    let (low, high) = pairs(_mm_add_epi32(ab, ab_high), _mm_add_epi32(cd, cd_high));
    _mm_add_epi32(low, high)
}

/// `number` times the sum of all inputs, in every lane.
#[inline]
#[target_feature(enable = "sse2")]
fn offset(x: &[Quad], number: i16) -> __m128i {
    let mut sums = _mm_setzero_si128();
    let number = _mm_set1_epi16(number);
    // A quad at a time, as the layer before has stored them: two at once would wait for both stores.
    for x in x {
        sums = _mm_add_epi32(sums, _mm_madd_epi16(load_quad(x), number));
    }
    all_across(sums)
}

/// Two sums of a block in lanes: of rows 0 and 1, and 2 and 3, for inputs 0 and 1, then for inputs 2 and 3; the first
/// with 2^8 times the upper row, the second of the upper row alone.
type Pair = [__m128i; 2];

/// Adds the products of a quad of inputs, four words of weights.
#[inline]
#[target_feature(enable = "sse2")]
fn add_pair([both, upper]: &mut Pair, w: &[u32; 4], x: __m128i) {
    let w = load(w);
    *both = _mm_add_epi32(*both, _mm_madd_epi16(w, x));
    *upper = _mm_add_epi32(*upper, _mm_madd_epi16(odd(w), x));
}

/// A quad for [`add_pair`]: inputs 0 and 1 twice, then 2 and 3 twice.
#[inline]
#[target_feature(enable = "sse2")]
fn twice(x: &Quad) -> __m128i {
    _mm_shuffle_epi32::<0b0101_0000>(load_quad(x))
}

/// The sums of both rows and of the upper one, for rows 0 and 1 and for rows 2 and 3.
#[inline]
#[target_feature(enable = "sse2")]
fn joined(pair: Pair) -> __m128i {
    let [both, upper] = pair.map(|sums| _mm_add_epi32(sums, _mm_srli_si128::<8>(sums)));
    _mm_unpacklo_epi32(both, upper)
}

/// Four rows' [sums](joined) from 0; a quad of inputs is four words.
///
/// Four sums that do not wait for each other: where the compiler makes one instruction of a product and
/// its addition (VNNI), the next addition to the same sum waits for the product as well.
#[inline]
#[target_feature(enable = "sse2")]
fn four_i8(weights: &[u32], x: &[Quad]) -> __m128i {
    let mut sums = [[_mm_setzero_si128(); 2]; 2];
    let (twos, last) = weights.as_chunks::<4>().0.as_chunks::<2>();
    let (quads, last_quads) = x.as_chunks::<2>();
    for ([v, w], [x, y]) in twos.iter().zip(quads) {
        add_pair(&mut sums[0], v, twice(x));
        add_pair(&mut sums[1], w, twice(y));
    }
    last.iter().zip(last_quads).for_each(|(w, x)| add_pair(&mut sums[0], w, twice(x)));
    let [first, second] = sums.map(|pair| joined(pair));
    _mm_add_epi32(first, second)
}

/// The sums of two blocks of four rows, which share the loads of inputs. As [`four_i8`], four do not wait for each other.
#[inline]
#[target_feature(enable = "sse2")]
fn eight_i8(weights: [&[u32]; 2], x: &[Quad]) -> [__m128i; 2] {
    let mut sums = [[_mm_setzero_si128(); 2]; 2];
    let [first, second] = weights.map(|weights| weights.as_chunks::<4>().0);
    for ((first, second), x) in first.iter().zip(second).zip(x) {
        let x = twice(x);
        add_pair(&mut sums[0], first, x);
        add_pair(&mut sums[1], second, x);
    }
    sums.map(|pair| joined(pair))
}

/// A row's sum from 0.
#[inline]
#[target_feature(enable = "sse2")]
fn one_i8(weights: &[u32], x: &[Quad]) -> i32 {
    let (vectors, last_words) = weights.as_chunks();
    let (quads, last_quads) = x.as_chunks();
    let mut sums = _mm_setzero_si128();
    for (w, [a, b, c, d]) in vectors.iter().zip(quads) {
        let (low, high) = pairs(load_quads(&[*a, *b]), load_quads(&[*c, *d]));
        let w = load(w);
        sums = _mm_add_epi32(sums, _mm_madd_epi16(even(w), low));
        sums = _mm_add_epi32(sums, _mm_madd_epi16(odd(w), high));
    }
    last_words.iter().zip(last_quads).fold(across(sums), |sum, (word, x)| {
        let [w0, w2, w1, w3] = word.to_le_bytes();
        let products = [w0, w1, w2, w3].into_iter().zip(x.0);
        products.fold(sum, |sum, (w, x)| sum.wrapping_add(i32::from(w as i8) * i32::from(x)))
    })
}

/// Four rows' sums from 0; a quad of inputs is eight words. See [`four_i8`] on their number.
#[inline]
#[target_feature(enable = "sse2")]
fn four_i16(weights: &[u32], x: &[Quad]) -> __m128i {
    // Columns 0 and 1, then 2 and 3, of rows 0 and 1, and of rows 2 and 3; for even quads, then odd.
    let mut sums = [_mm_setzero_si128(); 4];
    let (twos, last) = weights.as_chunks::<8>().0.as_chunks::<2>();
    let (quads, last_quads) = x.as_chunks::<2>();
    let add = |sums: &mut [__m128i], w: &[u32; 8], x: &Quad| {
        let x = load_quad(x);
        let x = _mm_unpacklo_epi64(x, x);
        for (sum, w) in sums.iter_mut().zip(w.as_chunks().0) {
            *sum = _mm_add_epi32(*sum, _mm_madd_epi16(load(w), x));
        }
    };
    for ([v, w], [x, y]) in twos.iter().zip(quads) {
        add(&mut sums[..2], v, x);
        add(&mut sums[2..], w, y);
    }
    last.iter().zip(last_quads).for_each(|(w, x)| add(&mut sums[..2], w, x));
    let [a, b, c, d] = sums;
    let (low, high) = pairs(_mm_add_epi32(a, c), _mm_add_epi32(b, d));
    _mm_add_epi32(low, high)
}

/// A row's sum from 0.
#[inline]
#[target_feature(enable = "sse2")]
fn one_i16(weights: &[u32], x: &[Quad]) -> i32 {
    let (vectors, last_words) = weights.as_chunks();
    let (quads, last_quads) = x.as_chunks();
    let mut sums = _mm_setzero_si128();
    for (w, x) in vectors.iter().zip(quads) {
        sums = _mm_add_epi32(sums, _mm_madd_epi16(load(w), load_quads(x)));
    }
    let last_words = last_words.as_chunks().0.iter();
    last_words.zip(last_quads).fold(across(sums), |sum, ([low, high], x)| {
        let weights = [*low, *low >> 16, *high, *high >> 16].map(|w| i32::from(w as i16));
        let products = weights.into_iter().zip(x.0);
        products.fold(sum, |sum, (w, x)| sum.wrapping_add(w * i32::from(x)))
    })
}

/// The even bytes, widened.
#[inline]
#[target_feature(enable = "sse2")]
fn even(w: __m128i) -> __m128i {
    _mm_srai_epi16::<8>(_mm_slli_epi16::<8>(w))
}

/// The odd bytes, widened.
#[inline]
#[target_feature(enable = "sse2")]
fn odd(w: __m128i) -> __m128i {
    _mm_srai_epi16::<8>(w)
}

/// Words 0 and 2, and words 1 and 3, of two vectors.
#[inline]
#[target_feature(enable = "sse2")]
fn pairs(a: __m128i, b: __m128i) -> (__m128i, __m128i) {
    let (a, b) = (_mm_castsi128_ps(a), _mm_castsi128_ps(b));
    let low = _mm_shuffle_ps::<0b1000_1000>(a, b);
    let high = _mm_shuffle_ps::<0b1101_1101>(a, b);
    (_mm_castps_si128(low), _mm_castps_si128(high))
}

/// The sum of four words.
#[inline]
#[target_feature(enable = "sse2")]
fn across(sums: __m128i) -> i32 {
    _mm_cvtsi128_si32(all_across(sums))
}

/// The sum of four words, in every lane.
#[inline]
#[target_feature(enable = "sse2")]
fn all_across(sums: __m128i) -> __m128i {
    let two = _mm_add_epi32(sums, _mm_shuffle_epi32::<0b0100_1110>(sums));
    _mm_add_epi32(two, _mm_shuffle_epi32::<0b1011_0001>(two))
}

/// [`requantize`](crate::rounding::requantize) of four sums.
///
/// A word of a multiplier is below 2^31, so the high word of its product with a negative sum is that of
/// the unsigned product less the multiplier.
#[inline]
#[target_feature(enable = "sse2")]
fn requantized(sums: __m128i, multipliers: __m128i, relu: bool) -> __m128i {
    let zero = _mm_setzero_si128();
    let even = _mm_srli_epi64::<32>(_mm_mul_epu32(sums, multipliers));
    let odd = _mm_mul_epu32(_mm_srli_epi64::<32>(sums), _mm_srli_epi64::<32>(multipliers));
    let odd = _mm_slli_epi64::<32>(_mm_srli_epi64::<32>(odd));
    let negative = _mm_and_si128(_mm_srai_epi32::<31>(sums), multipliers);
    let values = _mm_packs_epi32(_mm_sub_epi32(_mm_or_si128(even, odd), negative), zero);
    if relu { _mm_max_epi16(values, zero) } else { values }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(words: &[u32; 4]) -> __m128i {
    // SAFETY: sixteen bytes that can be read, at any alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn load_quads(quads: &[Quad; 2]) -> __m128i {
    // SAFETY: sixteen bytes that can be read, at any alignment.
    unsafe { _mm_loadu_si128(quads.as_ptr().cast()) }
}

/// A quad in the lower half.
#[inline]
#[target_feature(enable = "sse2")]
fn load_quad(quad: &Quad) -> __m128i {
    // SAFETY: eight bytes that can be read, at any alignment.
    unsafe { _mm_loadl_epi64(core::ptr::from_ref(quad).cast()) }
}

/// Writes the lower half to a quad.
#[inline]
#[target_feature(enable = "sse2")]
fn store(four: &mut [i16; 4], values: __m128i) {
    // SAFETY: eight bytes that can be written, at any alignment.
    unsafe { _mm_storel_epi64(core::ptr::from_mut(four).cast(), values) }
}
