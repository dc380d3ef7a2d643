//! The program's inputs and outputs: from the caller's fixed-point numbers to tensors and back.

use crate::arch::{flat, flat_mut, negative};
use crate::controller::Status;
use crate::number::saturate16;
use crate::tensor::Quad;

/// Reads inputs that all have the tensor's own 16-bit format.
///
/// An input at either limit of the format counts as saturated: that is where a saturating
/// conversion leaves a value outside the range.
#[inline(never)]
pub fn read16(input: &[i16], x: &mut [Quad]) -> Status {
    let (chunks, rest) = input.as_chunks::<4>();
    let mut quads = x.iter_mut();
    let mut status = 0;
    // The chunks come first in each zip: a zip that ends takes one more from its first iterator.
    for (q, (chunk, x)) in chunks.iter().take(QUADS).zip(quads.by_ref()).enumerate() {
        x.0 = *chunk;
        status |= quad_status(chunk) << (4 * q); // q <= 7
    }
    // Inputs from LAST on share a bit, so their words can be gathered first.
    let mut others = 0;
    for (chunk, x) in chunks.iter().skip(QUADS).zip(quads.by_ref()) {
        x.0 = *chunk;
        let [low, high] = pairs(chunk);
        others |= limits(low) | limits(high);
    }
    if let Some(x) = quads.next()
        && !rest.is_empty()
    {
        let mut last = [0; 4];
        for ((last, x), &input) in last.iter_mut().zip(&mut x.0).zip(rest) {
            (*x, *last) = (input, input);
        }
        match chunks.len() {
            q @ 0..QUADS => status |= quad_status(&last) << (4 * q),
            _ => others |= pairs(&last).map(limits).iter().fold(0, |all, l| all | l),
        }
    }
    status |= u32::from(others & LIMITS != 0) << Status::LAST;
    Status::from_bits(status)
}

/// Quads whose inputs have status bits of their own, but for the last input of all.
const QUADS: usize = Status::LAST / 4 + 1;

/// The highest bit of each half of a word.
const LIMITS: u32 = 0x8000_8000;

/// Four inputs in two words.
#[inline(always)]
fn pairs(&[a, b, c, d]: &[i16; 4]) -> [u32; 2] {
    let pair = |low: i16, high: i16| low as u16 as u32 | (high as u16 as u32) << 16;
    [pair(a, b), pair(c, d)]
}

/// A word of which bits 15 and 31 say that the input in that half is at a limit of its format.
#[inline(always)]
fn limits(pair: u32) -> u32 {
    const ONES: u32 = LIMITS >> 15;
    let negative = (pair >> 15) & ONES;
    // 0xffff in the half of a negative input flips it to 0..=32767; both limits become 32767.
    let folded = pair ^ ((negative << 16).wrapping_sub(negative));
    folded + ONES // each half is at most 32768
}

/// Four bits, one an input that is at a limit.
#[inline(always)]
fn quad_status(inputs: &[i16; 4]) -> u32 {
    let two = |pair: u32| {
        let at = limits(pair) & LIMITS;
        at >> 15 & 1 | at >> 30
    };
    let [low, high] = pairs(inputs);
    two(low) | two(high) << 2
}

/// `a - b`, saturating, in the same time for all values.
#[inline(always)]
fn saturating_sub(a: i32, b: i32) -> i32 {
    let difference = a.wrapping_sub(b);
    let overflow = negative((a ^ b) & (a ^ difference));
    difference ^ ((difference ^ negative(a) ^ i32::MAX) & overflow)
}

/// How one input of 32 bits becomes an activation of 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Subtracted first: the middle of the calibrated range.
    pub offset: i32,
    /// Bits dropped then, 1..=31, rounding to nearest.
    pub shift: u8,
}

/// Reads inputs whose ranges differ too much for one 16-bit format.
#[inline(never)]
pub fn read32(input: &[i32], channels: &[Channel], x: &mut [Quad]) -> Status {
    let mut status = 0;
    for (i, ((x, &input), c)) in flat_mut(x).iter_mut().zip(input).zip(channels).enumerate() {
        let centred = saturating_sub(input, c.offset);
        // floor(v / 2^s + 1/2) without the overflow of v + 2^(s-1)
        let rounded = ((centred >> (c.shift - 1)) + 1) >> 1;
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

/// Writes a tensor as 32-bit outputs, each feature shifted up by its own number of bits, 0..=16.
#[inline(always)]
pub fn write32(x: &[Quad], shifts: &[u8], output: &mut [i32]) {
    for ((output, &x), &shift) in output.iter_mut().zip(flat(x)).zip(shifts) {
        *output = (x as i32) << shift; // |x| 2^16 <= 2^31
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
}
