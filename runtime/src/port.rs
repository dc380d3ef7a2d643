//! The program's inputs and outputs: from the caller's fixed-point numbers to tensors and back.
//!
//! Stands on `arch`, `controller` and the rounding rule.

use crate::arch::copy::{Limits, copy_gathering, copy_pairs, copy_watching};
use crate::arch::copy::{gather, watch, watch_pairs};
use crate::arch::dense::layout::{Native, splits_in_place};
use crate::arch::memory::{Room, flat, flat_mut};
use crate::arch::scalar::{loaded, negative, saturating_sub};
use crate::controller::Status;
use crate::rounding::saturate16;
use crate::tensor::Quad;

/// Reads inputs that all have the tensor's own 16-bit format.
///
/// `limits` holds the smallest values of all inputs, then the largest ([`limits16`] makes it): what lies
/// outside is told.
#[inline(never)]
pub fn read16(input: &[i16], limits: &[Quad], x: &mut [Quad]) -> Status {
    let [own_limits, other_limits] = halves(limits).split_at(OWN / 4);
    let (own, shared) = input.split_at(input.len().min(OWN));
    let (x, others) = x.split_at_mut(x.len().min(OWN / 4));
    let status = match own.len() <= 8 {
        true => read_few(own, own_limits, x),
        false => read_own(own, own_limits, x),
    };
    let shared = copy_watching(shared, other_limits, others);
    Status::from_bits(status | shared & 1 << Status::LAST)
}

/// The caller's inputs as a dense layer reads them: where they are, or, on hosts and
/// cores whose kernels rearrange what they read, from a copy.
///
/// There are `4 QUADS` of them, all in the tensor's own 16-bit format.
#[derive(Debug)]
pub struct Inlet<'a, const QUADS: usize> {
    pub(crate) input: &'a [i16],
    pub(crate) copy: Room<QUADS>,
}

impl<'a, const QUADS: usize> Inlet<'a, QUADS> {
    /// Those of one step, not yet [read](Self::read16).
    #[inline(always)]
    pub fn new(input: &'a [i16]) -> Self {
        Self { input, copy: Room::new() }
    }

    /// Whether kernels read them where they are: one that splits them would change them.
    pub(crate) const IN_PLACE: bool =
        cfg!(nervecord_assembly) && !splits_in_place::<Native, i8>(QUADS);

    /// Reads them as [`read16`] does.
    #[inline(always)]
    pub fn read16(&mut self, limits: &[Quad]) -> Status {
        match Self::IN_PLACE {
            true => watch16(self.input, limits),
            false => read16(self.input, limits, self.copy.quads()),
        }
    }
}

/// What [`read16`] says of inputs, whole quads of them, without a copy.
#[inline(always)]
fn watch16(input: &[i16], limits: &[Quad]) -> Status {
    let [own_limits, other_limits] = halves(loaded(limits)).split_at(OWN / 4);
    let (own, shared) = input.split_at(input.len().min(OWN));
    let status = match own.len() <= 8 {
        true => {
            let mut few = Few::default();
            watch_pairs(own, own_limits, |outside| few.see(outside));
            few.bits()
        }
        false => sorted(gather(own, own_limits), own.len() as u32 / 2),
    };
    let shared = watch(shared, other_limits);
    Status::from_bits(status | shared & 1 << Status::LAST)
}

/// Inputs up to the first that shares its status bit.
const OWN: usize = Status::LAST + 1;

/// The smallest values, and the largest.
#[inline(always)]
fn halves(limits: &[Quad]) -> Limits<'_> {
    let (low, high) = limits.split_at(limits.len() / 2);
    Limits { low, high }
}

/// Reads up to 8 inputs, one bit each.
#[inline(always)]
fn read_few(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let mut few = Few::default();
    copy_pairs(input, limits, x, |outside| few.see(outside));
    few.bits()
}

/// The bits of up to 8 inputs as they are seen: those of even ones two apart in the lower half of a word, those of odd
/// ones in the upper half.
#[derive(Default)]
struct Few {
    seen: u32,
    pairs: u32,
}

impl Few {
    /// Bits 15 and 31 of another pair.
    #[inline(always)]
    fn see(&mut self, outside: u32) {
        self.seen = outside | self.seen >> 2;
        self.pairs += 1; // <= 4
    }

    /// A bit an input, in their order.
    #[inline(always)]
    fn bits(&self) -> u32 {
        let even = self.seen >> (17 - 2 * self.pairs); // the first of 4 pairs is at bits 9 and 25
        (even | even >> 15) & ((1 << (2 * self.pairs)) - 1)
    }
}

/// As [`read_few`], for up to 32 inputs: the bits of even ones gather in the lower half of a word,
/// those of odd ones in the upper half.
#[inline(always)]
fn read_own(input: &[i16], limits: Limits, x: &mut [Quad]) -> u32 {
    let pairs = 2 * input.len().div_ceil(4).min(x.len()) as u32; // <= 16
    sorted(copy_gathering(input, limits, x), pairs)
}

/// The bits of inputs in their order from those that were gathered of so many pairs, 16 at most.
#[inline(always)]
fn sorted(seen: u32, pairs: u32) -> u32 {
    let mut status = seen >> (16 - pairs); // pair k at bits k and 16 + k
    // The halves of every 32 bits change places in the middle, then those of every 16, ...
    for (half, middle) in [(8, 0xff00), (4, 0x00f0_00f0), (2, 0x0c0c_0c0c), (1, 0x2222_2222)] {
        let differ = (status ^ status >> half) & middle;
        status ^= differ ^ differ << half;
    }
    status
}

/// The table for [`read16`], of `2 N.div_ceil(4)` quads, from each input's smallest and largest value.
pub const fn limits16<const N: usize, const QUADS: usize>(ranges: &[[i32; 2]; N]) -> [Quad; QUADS] {
    let mut limits = [Quad([0; 4]); QUADS];
    fill_limits16(ranges, &mut limits);
    limits
}

/// Writes the table that [`limits16`] returns; the ranges lie within an i16.
///
/// # Panics
/// It has another length. In a constant, that is a build error.
pub const fn fill_limits16(ranges: &[[i32; 2]], limits: &mut [Quad]) {
    let quads = ranges.len().div_ceil(4);
    assert!(limits.len() == 2 * quads, "two quads for every four inputs");
    let mut i = 0;
    while i < ranges.len() {
        limits[i / 4].0[i % 4] = ranges[i][0] as i16;
        limits[quads + i / 4].0[i % 4] = ranges[i][1] as i16;
        i += 1;
    }
}

/// The table for [`read32`], from each input's smallest and largest value and its channel.
pub const fn limits32<const N: usize, const QUADS: usize>(
    ranges: &[[i32; 2]; N],
    channels: &[Channel; N],
) -> [Quad; QUADS] {
    let mut limits = [Quad([0; 4]); QUADS];
    fill_limits32(ranges, channels, &mut limits);
    limits
}

/// Writes the table that [`limits32`] returns: the activations of both ends.
///
/// # Panics
/// A length does not fit. In a constant, that is a build error.
pub const fn fill_limits32(ranges: &[[i32; 2]], channels: &[Channel], limits: &mut [Quad]) {
    let quads = ranges.len().div_ceil(4);
    assert!(limits.len() == 2 * quads && channels.len() == ranges.len(), "a channel an input");
    let mut i = 0;
    while i < ranges.len() {
        limits[i / 4].0[i % 4] = channels[i].end(ranges[i][0]);
        limits[quads + i / 4].0[i % 4] = channels[i].end(ranges[i][1]);
        i += 1;
    }
}

/// How a number of 32 bits and an activation of 16 stand for each other: `x 2^shift + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The middle of the calibrated range.
    pub offset: i32,
    /// Of an input, 1..=31 bits that are dropped, rounding to nearest; of an output, 0..=16 that are added.
    pub shift: u8,
}

impl Channel {
    /// The activation of `x` before it is clamped to 16 bits.
    #[inline(always)]
    fn round(self, x: i32) -> i32 {
        let centred = saturating_sub(x, self.offset);
        // floor(v / 2^s + 1/2) without the overflow of v + 2^(s-1): the last bit that is dropped is the half
        (centred >> self.shift) + (centred >> (self.shift - 1) & 1)
    }

    /// The activation of an end of a range, short of the ends of an i16: those are where what does not
    /// fit is clamped to.
    const fn end(self, x: i32) -> i16 {
        // Rounded as in `round`, whose clamp to 32 bits is this saturation; 0 <= |v| + 2^(s-1) < 2^33
        let centred = x.saturating_sub(self.offset) as i64;
        let rounded = (centred + (1 << (self.shift - 1))) >> self.shift;
        let below = i16::MAX as i64 - 1;
        if rounded < -below - 1 {
            i16::MIN + 1
        } else if rounded > below {
            i16::MAX - 1
        } else {
            rounded as i16
        }
    }
}

/// Reads inputs whose ranges differ too much for one 16-bit format.
///
/// `limits` holds the smallest activations of all inputs, then the largest ([`limits32`] makes it): an
/// input whose activation would lie outside is told.
#[inline(never)]
pub fn read32(input: &[i32], channels: &[Channel], limits: &[Quad], x: &mut [Quad]) -> Status {
    let mut status = 0;
    let limits = halves(limits);
    let ranges = flat(limits.low).iter().zip(flat(limits.high));
    let inputs = flat_mut(x).iter_mut().zip(input).zip(channels).zip(ranges);
    for (i, (((x, &input), c), (&low, &high))) in inputs.enumerate() {
        let rounded = c.round(input); // |rounded| <= 2^30
        *x = saturate16(rounded);
        let outside = negative((rounded - low as i32) | (high as i32 - rounded)) as u32 & 1;
        status |= outside << i.min(Status::LAST);
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
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn each_input_is_compared_with_its_own_range() {
        let limits: [Quad; 2] = limits16(&[[0, 2], [-32767, 32766], [-4, 0], [-32767, 32766]]);
        let mut x = [Quad::default()];
        let status = read16(&[1, i16::MAX, -5, i16::MIN], &limits, &mut x);
        assert_eq!(x, [Quad([1, i16::MAX, -5, i16::MIN])]);
        assert_eq!(status.bits(), 0b1110);
        assert!(status.saturated(1) && !status.saturated(0) && !status.any_invalid());
        let ends = [[0, -32767, -4, -32767], [2, 32766, 0, 32766]];
        assert!(ends.iter().all(|ends| !read16(ends, &limits, &mut x).any()));
    }

    /// Reads inputs with limits; the activations and the bits.
    fn read(input: &[i16], ranges: &[[i16; 2]]) -> (Vec<i16>, u32) {
        let mut x = std::vec![Quad([-1; 4]); input.len().div_ceil(4)];
        let mut limits = std::vec![Quad::default(); 2 * x.len()];
        let ranges: Vec<_> = ranges.iter().map(|range| range.map(i32::from)).collect();
        fill_limits16(&ranges, &mut limits);
        let status = read16(input, &limits, &mut x);
        (flat(&x)[..input.len()].to_vec(), status.bits())
    }

    fn expected(input: &[i16], ranges: &[[i16; 2]]) -> u32 {
        let outside = |(x, [low, high]): (&i16, &[i16; 2])| x < low || x > high;
        let bits = input.iter().zip(ranges).map(outside).enumerate();
        bits.fold(0, |bits, (i, outside)| bits | u32::from(outside) << i.min(Status::LAST))
    }

    /// Every value against a few ranges, in a place of its own and in one that shares its bit.
    #[test]
    fn no_value_of_an_i16_is_misjudged() {
        let ends = [i16::MIN, i16::MIN + 1, -1, 0, 1, 124, i16::MAX - 1, i16::MAX];
        for low in ends {
            for high in ends.into_iter().filter(|high| *high >= low) {
                for x in i16::MIN..=i16::MAX {
                    let mut tensor = [Quad::default()];
                    let limits: [Quad; 2] = limits16(&[[0, 0], [low as i32, high as i32]]);
                    let status = read16(&[0, x], &limits, &mut tensor);
                    assert_eq!(status.saturated(1), x < low || x > high, "{x} in {low}..={high}");
                    assert!(!status.saturated(0));
                }
            }
        }
        for x in i16::MIN..=i16::MAX {
            let mut input = [0; 37];
            input[36] = x;
            let ranges = [[-124, 124]; 37];
            assert_eq!(read(&input, &ranges).1, expected(&input, &ranges), "{x}");
        }
    }

    #[test]
    fn every_number_of_inputs_is_read_and_watched() {
        for n in 1_usize..=140 {
            let input: Vec<i16> = (0..n).map(|i| if i % 7 == 3 { 200 } else { 10 }).collect();
            let (x, bits) = read(&input, &std::vec![[10, 124]; n]);
            assert_eq!(x, input);
            for i in 0..Status::LAST.min(n) {
                assert_eq!(bits >> i & 1 == 1, i % 7 == 3, "input {i} of {n}");
            }
            assert_eq!(bits >> 31 == 1, (31..n).any(|i| i % 7 == 3), "{n} inputs");
        }
    }

    proptest! {
        #[test]
        fn any_inputs_are_judged_as_by_comparison(
            cells in prop::collection::vec((any::<i16>(), any::<i16>(), any::<i16>()), 1..80),
        ) {
            let input: Vec<i16> = cells.iter().map(|cell| cell.0).collect();
            let ranges: Vec<_> = cells.iter().map(|c| [c.1.min(c.2), c.1.max(c.2)]).collect();
            prop_assert_eq!(read(&input, &ranges), (input.clone(), expected(&input, &ranges)));
        }

        #[test]
        fn inputs_in_place_are_judged_as_those_that_are_copied(
            cells in prop::collection::vec((any::<i16>(), any::<i16>(), any::<i16>()), 1..80),
        ) {
            let cells = &cells[..cells.len() / 4 * 4];
            let input: Vec<i16> = cells.iter().map(|cell| cell.0).collect();
            let ranges: Vec<_> = cells.iter().map(|c| [c.1.min(c.2), c.1.max(c.2)]).collect();
            let mut limits = std::vec![Quad::default(); cells.len() / 2];
            let wide: Vec<_> = ranges.iter().map(|range| range.map(i32::from)).collect();
            fill_limits16(&wide, &mut limits);
            prop_assert_eq!(watch16(&input, &limits).bits(), expected(&input, &ranges));
        }

        #[test]
        fn wide_inputs_are_rounded_as_in_exact_arithmetic(
            x: i32,
            offset: i32,
            shift in 1_u8..=31,
            a: i32,
            b: i32,
        ) {
            let channel = Channel { offset, shift };
            let round = |x: i32| {
                let centred = (i64::from(x) - i64::from(offset))
                    .clamp(i64::from(i32::MIN), i64::from(i32::MAX));
                (centred + (1 << (shift - 1))).div_euclid(1 << shift)
            };
            let limits: [Quad; 2] = limits32(&[[a.min(b), a.max(b)]], &[channel]);
            let mut y = [Quad::default()];
            let status = read32(&[x], &[channel], &limits, &mut y);
            prop_assert_eq!(i64::from(y[0].0[0]), round(x).clamp(-32768, 32767));
            let [low, high] = [a.min(b), a.max(b)].map(|x| round(x).clamp(-32767, 32766));
            prop_assert_eq!(status.saturated(0), round(x) < low || round(x) > high);
        }
    }

    #[test]
    fn wide_inputs_are_centred_rounded_and_clamped() {
        let channels = [Channel { offset: 1000, shift: 2 }; 4];
        let mut x = [Quad::default()];
        let limits: [Quad; 2] = limits32(&[[0, 2000]; 4], &channels);
        let status = read32(&[1000, 1002, i32::MAX, i32::MIN], &channels, &limits, &mut x);
        assert_eq!(x, [Quad([0, 1, i16::MAX, i16::MIN])]);
        assert_eq!(status.bits(), 0b1100);
        // Far inside the window, outside the range.
        let status = read32(&[-4, 0, 2000, 2004], &channels, &limits, &mut x);
        assert_eq!(status.bits(), 0b1001);
    }

    #[test]
    fn a_wide_input_with_a_shift_of_one_does_not_wrap() {
        let channels = [Channel { offset: 0, shift: 1 }; 2];
        let limits: [Quad; 2] = limits32(&[[-1000, 1000]; 2], &channels);
        let mut x = [Quad::default()];
        let status = read32(&[i32::MAX, i32::MIN], &channels, &limits, &mut x);
        assert_eq!(x, [Quad([i16::MAX, i16::MIN, 0, 0])]);
        assert_eq!(status.bits(), 0b11);
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
                let channels = [Channel { offset, shift }];
                let limits: [Quad; 2] = limits32(&[[i32::MIN, i32::MAX]], &channels);
                let status = read32(&[input], &channels, &limits, &mut x);
                let got = i64::from(x[0].0[0]);
                assert_eq!(got, want.clamp(-32768, 32767), "{input} - {offset} >> {shift}");
                let [low, high] = limits.map(|quad| i64::from(quad.0[0]));
                let outside = want < low || want > high;
                assert_eq!(status.any(), outside, "{input} - {offset} >> {shift}");
            }
        }
    }
}
