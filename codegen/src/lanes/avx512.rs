//! x86-64 with AVX-512 and VNNI: thirty-two rows in a vector.
//!
//! `VPDPWSSD` multiplies the pairs of two inputs in every 32-bit lane with a pair of weights and adds both products to a
//! sum. Two features' vectors are interleaved into pairs by halves, and packing the sums puts them back in order.
//!
//! Stands on `avx2`, `dense`, `reading` and `tensor`.

use core::arch::x86_64::{
    __m512d, __m512i, _CMP_GE_OQ, _CMP_LE_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEG_INF,
    _mm_storeu_si128, _mm256_cvtepi32_epi16, _mm512_add_epi32, _mm512_add_pd, _mm512_and_si512,
    _mm512_cmp_pd_mask, _mm512_cvttpd_epi32, _mm512_dpwssd_epi32, _mm512_i32gather_epi32,
    _mm512_load_si512, _mm512_loadu_pd, _mm512_madd_epi16, _mm512_mask_cmp_pd_mask,
    _mm512_mask_mov_epi32, _mm512_mask_shuffle_epi32, _mm512_maskz_loadu_epi32, _mm512_max_epi16,
    _mm512_mul_epi32, _mm512_mul_pd, _mm512_packs_epi32, _mm512_permutex2var_epi32,
    _mm512_roundscale_pd, _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_pd,
    _mm512_setzero_si512, _mm512_shuffle_epi32, _mm512_srai_epi32, _mm512_store_si512,
    _mm512_test_epi32_mask, _mm512_unpackhi_epi16, _mm512_unpacklo_epi16,
};

pub use super::avx2::{add_means, add_row, add_rows, turn_in, turn_out};
use super::dense::{Block, DenseLanes, ROWS};
use super::reading::{self, EIGHT, Reading};
use super::tensor::Lanes;

/// Two inputs of all rows as pairs, in two halves.
type Pairs = [__m512i; 2];

/// Words in two vectors, which one permutation looks up.
const LOOKED_UP: usize = 32;

/// Whether the processor has what this takes.
pub fn is_here() -> bool {
    use std::arch::is_x86_feature_detected as has;
    has!("avx512f") && has!("avx512bw") && has!("avx512vl") && has!("avx512vnni") && has!("avx2")
}

/// See [`dense`](super::Unit::dense).
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub fn dense(layer: &DenseLanes, x: &[Lanes], y: &mut [Lanes]) {
    let zero = Lanes::default();
    let mut pairs: Vec<Pairs> = Vec::with_capacity(x.len().div_ceil(2));
    // No iterator's closure, which the compiler would call for each pair.
    for pair in x.chunks(2) {
        let (a, b) = (load(&pair[0]), load(pair.get(1).unwrap_or(&zero)));
        pairs.push([_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b)]);
    }
    for (block, y) in layer.blocks.iter().zip(y.chunks_mut(ROWS)) {
        match y.len() {
            0..=4 => rows::<4>(block, &pairs, layer.relu, y),
            _ => rows::<ROWS>(block, &pairs, layer.relu, y),
        }
    }
}

/// `R` rows of weights. Arrays are walked to their ends, which are known, so that they stay in registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn rows<const R: usize>(block: &Block, pairs: &[Pairs], relu: bool, y: &mut [Lanes]) {
    let mut sums = [[_mm512_setzero_si512(); 2]; R];
    for (sum, &bias) in sums.iter_mut().zip(&block.bias) {
        *sum = [_mm512_set1_epi32(bias); 2];
    }
    for (x, weights) in pairs.iter().zip(&block.pairs) {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            let weight = _mm512_set1_epi32(weight);
            sum[0] = _mm512_dpwssd_epi32(sum[0], x[0], weight);
            sum[1] = _mm512_dpwssd_epi32(sum[1], x[1], weight);
        }
    }
    let least = _mm512_set1_epi16(if relu { 0 } else { i16::MIN });
    let mut values = [_mm512_setzero_si512(); R];
    for ((value, [low, high]), &word) in values.iter_mut().zip(sums).zip(&block.words) {
        let word = _mm512_set1_epi32(word);
        let packed = _mm512_packs_epi32(requantized(low, word), requantized(high, word));
        *value = _mm512_max_epi16(packed, least);
    }
    y.iter_mut().zip(values).for_each(|(y, value)| store(y, value));
}

/// The high words of the products of sixteen sums with a multiplier.
#[inline]
#[target_feature(enable = "avx512f")]
fn requantized(sum: __m512i, word: __m512i) -> __m512i {
    const UPPER: i32 = 0b11_11_01_01;
    let even = _mm512_mul_epi32(sum, word);
    let odd = _mm512_mul_epi32(_mm512_shuffle_epi32::<UPPER>(sum), word);
    _mm512_mask_shuffle_epi32::<UPPER>(odd, 0x5555, even)
}

/// See [`function`](super::Unit::function); of the words there are an even number, 4,096 at most.
#[target_feature(enable = "avx512f,avx512bw")]
pub fn function(words: &[u32], features: &mut [Lanes]) {
    let half = words.len() / 2;
    match words.len().div_ceil(LOOKED_UP) {
        _ if half == 0 || half > 2048 => features.fill(Lanes::default()),
        1 => looked_up::<1>(words, features),
        2 => looked_up::<2>(words, features),
        3..=4 => looked_up::<4>(words, features),
        5..=8 => looked_up::<8>(words, features),
        _ => {
            // SAFETY: 0 <= piece < 2 half, the number of words.
            let gather =
                |piece| unsafe { _mm512_i32gather_epi32::<4>(piece, words.as_ptr().cast()) };
            features.iter_mut().for_each(|lanes| each(lanes, half, gather));
        }
    }
}

/// A function of up to `32 N` words, which stay in vectors.
#[target_feature(enable = "avx512f,avx512bw")]
fn looked_up<const N: usize>(words: &[u32], features: &mut [Lanes]) {
    let table: [[__m512i; 2]; N] = std::array::from_fn(|k| {
        let at = LOOKED_UP * k;
        [sixteen(words, at), sixteen(words, at + 16)]
    });
    let look = |piece: __m512i| {
        let mut found: [__m512i; N] =
            std::array::from_fn(|k| _mm512_permutex2var_epi32(table[k][0], piece, table[k][1]));
        let (mut count, mut bit) = (N, LOOKED_UP as i32);
        while count > 1 {
            count /= 2;
            let upper = _mm512_test_epi32_mask(piece, _mm512_set1_epi32(bit));
            for k in 0..count {
                found[k] = _mm512_mask_mov_epi32(found[2 * k], upper, found[2 * k + 1]);
            }
            bit *= 2;
        }
        found[0]
    };
    features.iter_mut().for_each(|lanes| each(lanes, words.len() / 2, look));
}

/// A function of all rows of a feature; `look` finds the word of each piece.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn each(lanes: &mut Lanes, half: usize, look: impl Fn(__m512i) -> __m512i) {
    let (x, zero) = (load(lanes), _mm512_setzero_si512());
    let half = _mm512_set1_epi32(half as i32);
    let parts = [_mm512_unpacklo_epi16(x, zero), _mm512_unpackhi_epi16(x, zero)];
    let [low, high] = parts.map(|x| {
        let t = _mm512_madd_epi16(x, half); // x half, |t| <= 2^15 half
        let word = look(_mm512_add_epi32(_mm512_srai_epi32::<15>(t), half));
        let slope = _mm512_and_si512(word, _mm512_set1_epi32(0xffff));
        let rise = _mm512_madd_epi16(t, slope); // the lower halves' product: the upper half of a slope is 0
        _mm512_srai_epi32::<16>(_mm512_add_epi32(word, rise))
    });
    store(lanes, _mm512_packs_epi32(low, high));
}

/// See [`read`](super::Unit::read).
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub fn read(reading: &Reading, x: &[f64], row: &mut [i16]) -> bool {
    let Reading { ones, wide, ends: [low, high] } = reading;
    match wide {
        None => reading::each(x, row, |k, x, row| {
            narrowed(rounded(x, &ones[k]), [&low[k], &high[k]], row)
        }),
        Some([add, factor]) => reading::each(x, row, |k, x, row| {
            let added = _mm512_add_pd(rounded(x, &ones[k]), eight(&add[k]));
            let value = floor(_mm512_mul_pd(added, eight(&factor[k])));
            narrowed(value, [&low[k], &high[k]], row)
        }),
    }
}

/// `floor(x one + 1/2)`
#[inline]
#[target_feature(enable = "avx512f")]
fn rounded(x: &[f64; EIGHT], one: &[f64; EIGHT]) -> __m512d {
    let scaled = _mm512_mul_pd(eight(x), eight(one));
    floor(_mm512_add_pd(scaled, _mm512_set1_pd(0.5)))
}

/// Whole numbers as activations; whether all are within their ends.
#[inline]
#[target_feature(enable = "avx512f,avx512vl")]
fn narrowed(value: __m512d, [low, high]: [&[f64; EIGHT]; 2], row: &mut [i16; EIGHT]) -> bool {
    let narrow = _mm256_cvtepi32_epi16(_mm512_cvttpd_epi32(value));
    // SAFETY: there is room for eight numbers.
    unsafe { _mm_storeu_si128(row.as_mut_ptr().cast(), narrow) };
    let above = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(value, eight(low));
    _mm512_mask_cmp_pd_mask::<_CMP_LE_OQ>(above, value, eight(high)) == u8::MAX
}

#[inline]
#[target_feature(enable = "avx512f")]
fn floor(x: __m512d) -> __m512d {
    _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn eight(numbers: &[f64; EIGHT]) -> __m512d {
    // SAFETY: eight numbers are there.
    unsafe { _mm512_loadu_pd(numbers.as_ptr()) }
}

/// Sixteen words from `at` on; zeros where they are not there.
#[inline]
#[target_feature(enable = "avx512f")]
fn sixteen(words: &[u32], at: usize) -> __m512i {
    let there = words.get(at..).unwrap_or_default();
    let mask = (1_u32 << there.len().min(16)) - 1;
    // SAFETY: no word is read that is not there.
    unsafe { _mm512_maskz_loadu_epi32(mask as u16, there.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(lanes: &Lanes) -> __m512i {
    // SAFETY: all lanes, which are aligned to 64 bytes.
    unsafe { _mm512_load_si512(std::ptr::from_ref(lanes).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(lanes: &mut Lanes, value: __m512i) {
    // SAFETY: all lanes, which are aligned to 64 bytes.
    unsafe { _mm512_store_si512(std::ptr::from_mut(lanes).cast(), value) };
}
