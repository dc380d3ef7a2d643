//! The program's inputs and outputs: from the caller's fixed-point numbers to tensors and back.

use crate::arch::{self, flat, flat_mut, negative};
use crate::controller::Status;
use crate::number::saturate16;
use crate::tensor::Quad;

/// Reads inputs that all have the tensor's own 16-bit format.
///
/// An input at either limit of the format counts as saturated: that is where a saturating
/// conversion leaves a value outside the range.
#[inline(never)]
pub fn read16(input: &[i16], x: &mut [Quad]) -> Status {
    let (own, shared) = input.split_at(input.len().min(OWN));
    let (x, others) = x.split_at_mut(x.len().min(OWN / 4));
    let status = if own.len() <= 8 { read_few(own, x) } else { read_own(own, x) };
    Status::from_bits(status | u32::from(arch::copy_watching(shared, others)) << Status::LAST)
}

/// Inputs up to the first that shares its status bit.
const OWN: usize = Status::LAST + 1;

/// Reads inputs, one bit each.
#[inline(always)]
fn read_few(input: &[i16], x: &mut [Quad]) -> u32 {
    let mut status = 0;
    arch::copy_pairs(input, x, |k, pair| {
        let at = arch::limits(pair);
        status |= (at >> 15 & 1 | at >> 30) << (2 * k); // k <= 3
    });
    status
}

/// As [`read_few`], for up to 32 inputs: the bits of even ones gather in the lower half of a word,
/// those of odd ones in the upper half.
#[inline(always)]
fn read_own(input: &[i16], x: &mut [Quad]) -> u32 {
    let (mut seen, mut pairs) = (0, 0);
    arch::copy_pairs(input, x, |k, pair| {
        seen = arch::limits(pair) | seen >> 1;
        pairs = k as u32 + 1; // <= 16
    });
    let mut status = seen >> (16 - pairs); // pair k at bits k and 16 + k
    // The halves of every 32 bits change places in the middle, then those of every 16, ...
    for (half, middle) in [(8, 0xff00), (4, 0x00f0_00f0), (2, 0x0c0c_0c0c), (1, 0x2222_2222)] {
        let differ = (status ^ status >> half) & middle;
        status ^= differ ^ differ << half;
    }
    status
}

/// `a - b`, saturating, in the same time for all values.
#[inline(always)]
fn saturating_sub(a: i32, b: i32) -> i32 {
    let difference = a.wrapping_sub(b);
    let overflow = negative((a ^ b) & (a ^ difference));
    difference ^ ((difference ^ negative(a) ^ i32::MAX) & overflow)
}

/// How a number of 32 bits and an activation of 16 stand for each other: `x 2^shift + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The middle of the calibrated range.
    pub offset: i32,
    /// Of an input, 1..=31 bits that are dropped, rounding to nearest; of an output, 0..=16 that are added.
    pub shift: u8,
}

/// Reads inputs whose ranges differ too much for one 16-bit format.
#[inline(never)]
pub fn read32(input: &[i32], channels: &[Channel], x: &mut [Quad]) -> Status {
    let mut status = 0;
    for (i, ((x, &input), c)) in flat_mut(x).iter_mut().zip(input).zip(channels).enumerate() {
        let centred = saturating_sub(input, c.offset);
        // floor(v / 2^s + 1/2) without the overflow of v + 2^(s-1): |v >> s| <= 2^30, and a bit
        let rounded = (centred >> c.shift) + (centred >> (c.shift - 1) & 1);
        *x = saturate16(rounded);
        let changed = rounded ^ *x as i32;
        // The sign of v | -v says that v is not 0; a comparison would be a branch on some cores.
        let any = negative(changed | changed.wrapping_neg()) as u32 & 1;
        status |= any << i.min(Status::LAST);
    }
    Status::from_bits(status)
}

/// Writes a tensor as the outputs, which all have its own format.
#[inline(always)]
pub fn write16(x: &[Quad], output: &mut [i16]) {
    for (output, &x) in output.iter_mut().zip(flat(x)) {
        *output = x;
    }
}

/// Writes a tensor as 32-bit outputs.
#[inline(always)]
pub fn write32(x: &[Quad], channels: &[Channel], output: &mut [i32]) {
    for ((output, &x), c) in output.iter_mut().zip(flat(x)).zip(channels) {
        // |x| 2^shift <= 2^31, and the sum stays inside i32, by the choice of the offset.
        *output = ((x as i32) << c.shift) + c.offset;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    #[test]
    fn limits_count_as_saturated() {
        let mut x = [Quad::default()];
        let status = read16(&[1, i16::MAX, -5, i16::MIN], &mut x);
        assert_eq!(x, [Quad([1, i16::MAX, -5, i16::MIN])]);
        assert_eq!(status.bits(), 0b1010);
        assert!(status.saturated(1) && !status.saturated(2));
    }

    #[test]
    fn every_number_of_inputs_is_read_and_watched() {
        for n in 1_usize..=140 {
            let input: std::vec::Vec<i16> =
                (0..n).map(|i| if i % 7 == 3 { i16::MAX } else { 10 + i as i16 }).collect();
            let mut x = std::vec![Quad([-1; 4]); n.div_ceil(4)];
            let status = read16(&input, &mut x);
            assert_eq!(&flat(&x)[..n], &input[..]);
            for i in 0..Status::LAST.min(n) {
                assert_eq!(status.saturated(i), i % 7 == 3, "input {i} of {n}");
            }
            assert_eq!(status.saturated(31), (31..n).any(|i| i % 7 == 3), "{n} inputs");
        }
    }

    #[test]
    fn wide_inputs_are_centred_rounded_and_clamped() {
        let channel = Channel { offset: 1000, shift: 2 };
        let mut x = [Quad::default()];
        let status = read32(&[1000, 1002, i32::MAX, i32::MIN], &[channel; 4], &mut x);
        assert_eq!(x, [Quad([0, 1, i16::MAX, i16::MIN])]);
        assert_eq!(status.bits(), 0b1100);
    }

    /// The definition in 64 bits, at the ends of the range and around what rounds differently.
    #[test]
    fn wide_inputs_follow_the_definition_with_every_shift() {
        let ends = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX];
        for shift in 1_u8..=31 {
            let step = 1_i64 << shift;
            let near = (-3..=3).flat_map(|k| [-1, 0, 1].map(|d| k * step + step / 2 + d));
            let inputs = near.filter_map(|v| i32::try_from(v).ok()).chain(ends);
            for (input, offset) in inputs.flat_map(|input| ends.map(|offset| (input, offset))) {
                let centred = i64::from(input) - i64::from(offset);
                let centred = centred.clamp(i32::MIN.into(), i32::MAX.into());
                let want = (centred + step / 2).div_euclid(step);
                let mut x = [Quad::default()];
                let status = read32(&[input], &[Channel { offset, shift }], &mut x);
                let got = i64::from(x[0].0[0]);
                assert_eq!(got, want.clamp(-32768, 32767), "{input} - {offset} >> {shift}");
                assert_eq!(status.any(), got != want, "{input} - {offset} >> {shift}");
            }
        }
    }
}
