//! Inputs step after step, and one number for all outputs: the same on the host and in programs that generated modules
//! are built into, which include this file.

use crate::random::Random;

/// Steps after which inputs are drawn in another way.
pub const TURN: usize = 50;

/// The caller's integers before the first step: the middle of every input's range.
pub fn start(ranges: &[[i32; 2]]) -> Vec<i32> {
    ranges.iter().map(|[low, high]| low.midpoint(*high)).collect()
}

/// The caller's integers of a step, in place of those of the step before: anywhere in their ranges, at their ends, held,
/// or a little further.
pub fn advance(random: &mut Random, ranges: &[[i32; 2]], step: usize, input: &mut [i32]) {
    for (x, &[low, high]) in input.iter_mut().zip(ranges) {
        let width = (i64::from(high) - i64::from(low) + 1) as u64;
        let bits = random.bits();
        let drawn = (i64::from(low) + (bits % width) as i64) as i32;
        *x = match step / TURN % 4 {
            0 => drawn,
            1 => [low, high][(bits >> 63) as usize],
            2 if !step.is_multiple_of(TURN) => *x,
            2 => drawn,
            _ => (i64::from(*x) + (i64::from(drawn) - i64::from(*x)) / 16) as i32,
        }
        .clamp(low, high);
    }
}

/// The number `all` of outputs so far, with those of one more step.
pub fn folded(all: u64, output: &[i32]) -> u64 {
    output.iter().fold(all, |all, &y| {
        (all ^ u64::from(y as u32)).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
    })
}
