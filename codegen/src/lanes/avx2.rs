//! x86-64 with AVX2: sixteen rows in a vector, two vectors a feature.
//!
//! `PMADDWD` multiplies the pairs of two inputs in every 32-bit lane with a pair of weights and adds both products. Two
//! features' vectors are interleaved into pairs by halves (rows 0-3 and 8-11, then 4-7 and 12-15), and packing the sums
//! puts them back in order.
//!
//! Stands on `dense`, `reading`, `real` and `tensor`.

use core::arch::x86_64::{
    __m128i, __m256d, __m256i, _CMP_GE_OQ, _CMP_LE_OQ, _mm_loadu_si128, _mm_packs_epi32,
    _mm_setzero_si128, _mm_storeu_si128, _mm_unpackhi_epi16, _mm_unpackhi_epi32,
    _mm_unpackhi_epi64, _mm_unpacklo_epi16, _mm_unpacklo_epi32, _mm_unpacklo_epi64,
    _mm256_add_epi32, _mm256_add_pd, _mm256_and_pd, _mm256_and_si256, _mm256_blend_epi32,
    _mm256_cmp_pd, _mm256_cvttpd_epi32, _mm256_floor_pd, _mm256_i32gather_epi32, _mm256_load_si256,
    _mm256_loadu_pd, _mm256_madd_epi16, _mm256_max_epi16, _mm256_movemask_pd, _mm256_mul_epi32,
    _mm256_mul_pd, _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_pd,
    _mm256_setzero_si256, _mm256_srai_epi32, _mm256_srli_epi64, _mm256_store_si256,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use super::dense::{Block, DenseLanes, ROWS};
use super::reading::{self, EIGHT, Reading};
use super::real;
use super::tensor::{LANES, Lanes};

/// Rows of weights that share the loads of activations: as many as there are registers for.
const TOGETHER: usize = 4;

/// Two inputs of sixteen rows as pairs, in two halves.
type Pairs = [__m256i; 2];

/// See [`dense`](super::Unit::dense).
#[target_feature(enable = "avx2")]
pub fn dense(layer: &DenseLanes, x: &[Lanes], y: &mut [Lanes]) {
    let zero = Lanes::default();
    let mut pairs: Vec<Pairs> = Vec::with_capacity(x.len().div_ceil(2));
    for part in 0..2 {
        pairs.clear();
        // No iterator's closure, which the compiler would call for each pair.
        for pair in x.chunks(2) {
            let (a, b) = (load(&pair[0], part), load(pair.get(1).unwrap_or(&zero), part));
            pairs.push([_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]);
        }
        for (block, y) in layer.blocks.iter().zip(y.chunks_mut(ROWS)) {
            for (k, y) in y.chunks_mut(TOGETHER).enumerate() {
                let values = rows(block, k, &pairs, layer.relu);
                y.iter_mut().zip(values).for_each(|(y, value)| store(y, part, value));
            }
        }
    }
}

/// The `k`-th rows of a block that are computed together. Arrays are walked to their ends, which are known, so that they stay
/// in registers.
#[inline]
#[target_feature(enable = "avx2")]
fn rows(block: &Block, k: usize, pairs: &[Pairs], relu: bool) -> [__m256i; TOGETHER] {
    let own = |of: &[i32; ROWS]| of.as_chunks::<TOGETHER>().0[k];
    let mut sums = [[_mm256_setzero_si256(); 2]; TOGETHER];
    for (sum, bias) in sums.iter_mut().zip(own(&block.bias)) {
        *sum = [_mm256_set1_epi32(bias); 2];
    }
    for (x, weights) in pairs.iter().zip(&block.pairs) {
        for (sum, weight) in sums.iter_mut().zip(own(weights)) {
            add(sum, weight, x);
        }
    }
    let least = _mm256_set1_epi16(if relu { 0 } else { i16::MIN });
    let mut values = [_mm256_setzero_si256(); TOGETHER];
    for ((value, [low, high]), word) in values.iter_mut().zip(sums).zip(own(&block.words)) {
        let word = _mm256_set1_epi32(word);
        let packed = _mm256_packs_epi32(requantized(low, word), requantized(high, word));
        *value = _mm256_max_epi16(packed, least);
    }
    values
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(sum: &mut Pairs, weight: i32, x: &Pairs) {
    let weight = _mm256_set1_epi32(weight);
    for (sum, x) in sum.iter_mut().zip(x) {
        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(*x, weight));
    }
}

/// The high words of the products of eight sums with a multiplier.
#[inline]
#[target_feature(enable = "avx2")]
fn requantized(sum: __m256i, word: __m256i) -> __m256i {
    let even = _mm256_srli_epi64::<32>(_mm256_mul_epi32(sum, word));
    let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(sum), word);
    _mm256_blend_epi32::<0b1010_1010>(even, odd)
}

/// See [`function`](super::Unit::function); of the words there are an even number, 4,096 at most.
#[target_feature(enable = "avx2")]
pub fn function(words: &[u32], features: &mut [Lanes]) {
    let half = words.len() / 2;
    if half == 0 || half > 2048 {
        return features.fill(Lanes::default());
    }
    for lanes in features {
        for part in 0..2 {
            let (x, zero) = (load(lanes, part), _mm256_setzero_si256());
            let parts = [_mm256_unpacklo_epi16(x, zero), _mm256_unpackhi_epi16(x, zero)];
            let [low, high] = parts.map(|x| eight(words, half, x));
            store(lanes, part, _mm256_packs_epi32(low, high));
        }
    }
}

/// The function of eight inputs, each in the lower half of its lane.
#[inline]
#[target_feature(enable = "avx2")]
fn eight(words: &[u32], half: usize, x: __m256i) -> __m256i {
    let t = _mm256_madd_epi16(x, _mm256_set1_epi32(half as i32)); // x half, |t| <= 2^15 half
    let piece = _mm256_add_epi32(_mm256_srai_epi32::<15>(t), _mm256_set1_epi32(half as i32));
    // SAFETY: 0 <= piece < 2 half, the number of words.
    let word = unsafe { _mm256_i32gather_epi32::<4>(words.as_ptr().cast(), piece) };
    let slope = _mm256_and_si256(word, _mm256_set1_epi32(0xffff));
    let rise = _mm256_madd_epi16(t, slope); // the lower halves' product: the upper half of a slope is 0
    _mm256_srai_epi32::<16>(_mm256_add_epi32(word, rise))
}

/// See [`read`](super::Unit::read).
#[target_feature(enable = "avx2")]
pub fn read(reading: &Reading, x: &[f64], row: &mut [i16]) -> bool {
    let Reading { ones, wide, ends: [low, high] } = reading;
    match wide {
        None => reading::each(x, row, |k, x, row| {
            narrowed(rounded(fours(x), fours(&ones[k])), [&low[k], &high[k]], row)
        }),
        Some([add, factor]) => reading::each(x, row, |k, x, row| {
            let [a, b] = rounded(fours(x), fours(&ones[k]));
            let ([add_a, add_b], [by_a, by_b]) = (fours(&add[k]), fours(&factor[k]));
            let a = _mm256_floor_pd(_mm256_mul_pd(_mm256_add_pd(a, add_a), by_a));
            let b = _mm256_floor_pd(_mm256_mul_pd(_mm256_add_pd(b, add_b), by_b));
            narrowed([a, b], [&low[k], &high[k]], row)
        }),
    }
}

/// `floor(x one + 1/2)`
#[inline]
#[target_feature(enable = "avx2")]
fn rounded([xa, xb]: [__m256d; 2], [one_a, one_b]: [__m256d; 2]) -> [__m256d; 2] {
    let half = _mm256_set1_pd(0.5);
    let (a, b) = (_mm256_mul_pd(xa, one_a), _mm256_mul_pd(xb, one_b));
    [_mm256_floor_pd(_mm256_add_pd(a, half)), _mm256_floor_pd(_mm256_add_pd(b, half))]
}

/// Whole numbers as activations; whether all are within their ends.
#[inline]
#[target_feature(enable = "avx2")]
fn narrowed([a, b]: [__m256d; 2], [low, high]: [&[f64; EIGHT]; 2], row: &mut [i16; EIGHT]) -> bool {
    let narrow = _mm_packs_epi32(_mm256_cvttpd_epi32(a), _mm256_cvttpd_epi32(b));
    // SAFETY: there is room for eight numbers.
    unsafe { _mm_storeu_si128(row.as_mut_ptr().cast(), narrow) };
    let ([low_a, low_b], [high_a, high_b]) = (fours(low), fours(high));
    let above = [_mm256_cmp_pd::<_CMP_GE_OQ>(a, low_a), _mm256_cmp_pd::<_CMP_GE_OQ>(b, low_b)];
    let below = [_mm256_cmp_pd::<_CMP_LE_OQ>(a, high_a), _mm256_cmp_pd::<_CMP_LE_OQ>(b, high_b)];
    let [a, b] = [_mm256_and_pd(above[0], below[0]), _mm256_and_pd(above[1], below[1])];
    _mm256_movemask_pd(_mm256_and_pd(a, b)) == 0b1111
}

/// The first four numbers, and the last.
#[inline]
#[target_feature(enable = "avx2")]
fn fours(numbers: &[f64; EIGHT]) -> [__m256d; 2] {
    let from = numbers.as_ptr();
    // SAFETY: eight numbers are there.
    unsafe { [_mm256_loadu_pd(from), _mm256_loadu_pd(from.add(4))] }
}

/// See [`add_rows`](super::add_rows).
#[target_feature(enable = "avx2")]
pub fn add_rows<const N: usize>(sums: &mut [&mut [f64]; N], rows: &[f64], factors: [&[f64]; N]) {
    real::add_rows(sums, rows, factors);
}

/// See [`add_row`](super::add_row).
#[target_feature(enable = "avx2")]
pub fn add_row(sums: &mut [f64], row: &[f64], factor: f64) {
    real::add_row(sums, row, factor);
}

/// See [`add_means`](super::add_means).
#[target_feature(enable = "avx2")]
pub fn add_means(sums: &mut [f64], row: &[f64], factor: f64, count: f64) {
    real::add_means(sums, row, factor, count);
}

/// Rows as lanes, as far as there are eight features; how many that were.
#[target_feature(enable = "avx2")]
pub fn turn_in(rows: &[i16], lanes: &mut [Lanes]) -> usize {
    let features = lanes.len();
    for (block, lanes) in lanes.chunks_exact_mut(8).enumerate() {
        for part in 0..LANES / 8 {
            let row = |r: usize| load_eight(rows, (8 * part + r) * features + 8 * block);
            let turned = turned(std::array::from_fn(row));
            let place =
                |lanes: &mut Lanes, value| store_eight(lanes.numbers_mut(), 8 * part, value);
            lanes.iter_mut().zip(turned).for_each(|(lanes, value)| place(lanes, value));
        }
    }
    features / 8 * 8
}

/// Lanes as rows, as far as there are eight features; how many that were.
#[target_feature(enable = "avx2")]
pub fn turn_out(lanes: &[Lanes], rows: &mut [i16]) -> usize {
    let features = lanes.len();
    for (block, lanes) in lanes.chunks_exact(8).enumerate() {
        for part in 0..LANES / 8 {
            let turned = turned(std::array::from_fn(|f| load_eight(lanes[f].numbers(), 8 * part)));
            for (r, value) in turned.into_iter().enumerate() {
                store_eight(rows, (8 * part + r) * features + 8 * block, value);
            }
        }
    }
    features / 8 * 8
}

/// Eight vectors of eight numbers with rows for columns.
#[inline]
#[target_feature(enable = "avx2")]
fn turned(rows: [__m128i; 8]) -> [__m128i; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let (ab, cd) = (_mm_unpacklo_epi16(a, b), _mm_unpacklo_epi16(c, d));
    let (ef, gh) = (_mm_unpacklo_epi16(e, f), _mm_unpacklo_epi16(g, h));
    let (ab_high, cd_high) = (_mm_unpackhi_epi16(a, b), _mm_unpackhi_epi16(c, d));
    let (ef_high, gh_high) = (_mm_unpackhi_epi16(e, f), _mm_unpackhi_epi16(g, h));
    let fours = |ab, cd| [_mm_unpacklo_epi32(ab, cd), _mm_unpackhi_epi32(ab, cd)];
    let eights = |x, y| [_mm_unpacklo_epi64(x, y), _mm_unpackhi_epi64(x, y)];
    let ([p, q], [r, s]) = (fours(ab, cd), fours(ef, gh));
    let ([t, u], [v, w]) = (fours(ab_high, cd_high), fours(ef_high, gh_high));
    let ([y0, y1], [y2, y3]) = (eights(p, r), eights(q, s));
    let ([y4, y5], [y6, y7]) = (eights(t, v), eights(u, w));
    [y0, y1, y2, y3, y4, y5, y6, y7]
}

/// Eight numbers from `at` on; zeros where they are not there.
#[inline]
#[target_feature(enable = "avx2")]
fn load_eight(numbers: &[i16], at: usize) -> __m128i {
    match numbers.get(at..).and_then(|numbers| numbers.first_chunk::<8>()) {
        // SAFETY: eight numbers are there.
        Some(eight) => unsafe { _mm_loadu_si128(eight.as_ptr().cast()) },
        None => _mm_setzero_si128(),
    }
}

/// Puts eight numbers from `at` on, where there is room.
#[inline]
#[target_feature(enable = "avx2")]
fn store_eight(numbers: &mut [i16], at: usize, value: __m128i) {
    if let Some(eight) = numbers.get_mut(at..).and_then(|numbers| numbers.first_chunk_mut::<8>()) {
        // SAFETY: there is room for eight numbers.
        unsafe { _mm_storeu_si128(eight.as_mut_ptr().cast(), value) };
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(lanes: &Lanes, part: usize) -> __m256i {
    // SAFETY: half of the lanes, which are aligned to 64 bytes.
    unsafe { _mm256_load_si256(std::ptr::from_ref(lanes).cast::<__m256i>().add(part & 1)) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lanes: &mut Lanes, part: usize, value: __m256i) {
    // SAFETY: half of the lanes, which are aligned to 64 bytes.
    unsafe { _mm256_store_si256(std::ptr::from_mut(lanes).cast::<__m256i>().add(part & 1), value) };
}
