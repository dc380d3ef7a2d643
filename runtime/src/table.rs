//! Functions of one variable as straight pieces, and the features each is applied to. Stands on
//! `arch::pieces`.

use crate::arch::pieces::Pieces;

/// A function from i16 to i16: an even number of pieces of equal width, each a straight line.
///
/// A word holds a piece, `w = 2^16 value + slope`, slope in the lower half; `2 h` pieces span the
/// inputs from the lowest to the highest:
///
/// ```text
/// t = x h                    piece i = floor(t / 2^15), at words[h + i]
/// f = t as i16               -2^15 <= f < 2^15
/// y = floor((w + slope f) / 2^16)                          (mod 2^16)
/// ```
///
/// `f` is the distance, in units of `2^-15` pieces, from the nearest even boundary: from a piece's
/// start where i is even, from its end where it is odd, and `value` is the function there. So a DSP
/// core has the value of a feature after one product, one shift, one load and one product with sum,
/// which takes both halves of the word as they are. The slope in the word's lower half is part of
/// the value, a fraction; codegen chooses value and slope with that in mind, and has
/// checked the worst error over all 65,536 inputs. Input 0 is a boundary, so that a function with a
/// kink there, such as ReLU, has one too.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Table<'a> {
    pub(crate) pieces: Pieces<'a>,
}

impl<'a> Table<'a> {
    /// A table of pieces.
    ///
    /// # Panics
    /// If their number is odd, 0 or above 4,096. In a constant, that is a build error.
    pub const fn new(pieces: &'a [u32]) -> Self {
        Self { pieces: Pieces::new(pieces) }
    }

    /// The function at `x` counted from the bottom of the input range.
    #[inline(always)]
    pub fn at(&self, x: u16) -> i16 {
        self.eval((x ^ 0x8000) as i16)
    }

    /// The function at `x`.
    #[inline(always)]
    pub fn eval(&self, x: i16) -> i16 {
        self.pieces.at(x)
    }
}

/// One function over `count` neighbouring features.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FunctionRun<'a> {
    /// The function.
    pub table: Table<'a>,
    /// First feature read.
    pub from: usize,
    /// Number of features.
    pub count: usize,
}

#[cfg(test)]
pub(crate) mod sample {
    extern crate std;

    /// Pieces through equally spaced points.
    pub(crate) fn through(points: &[i16]) -> std::vec::Vec<u32> {
        let half = points.len() / 2;
        let piece = |(i, ends): (usize, &[i16])| {
            let even = (i + half).is_multiple_of(2);
            let slope = 2 * (i32::from(ends[1]) - i32::from(ends[0]));
            (ends[usize::from(!even)] as u32) << 16 | slope as u16 as u32
        };
        points.windows(2).enumerate().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    #[test]
    fn four_pieces_are_an_exact_relu() {
        let relu = Table::new(&[0, 0, 0x7fff, 0x8000_7fff]);
        for x in i16::MIN..=i16::MAX {
            assert_eq!(relu.eval(x), x.max(0), "{x}");
        }
    }

    /// The definition, with an arithmetic of its own.
    #[test]
    fn every_input_lies_on_its_piece() {
        for half in [1_i64, 2, 3, 5, 16, 100, 777, 2047, 2048] {
            let word = |i: i64| (i as u32).wrapping_mul(2_654_435_761) ^ 0x1234_5678;
            let words: std::vec::Vec<u32> = (0..2 * half).map(word).collect();
            let table = Table::new(&words);
            for x in i64::from(i16::MIN)..=i64::from(i16::MAX) {
                let i = (x * half).div_euclid(32768);
                let even = (i + 1).div_euclid(2) * 2;
                let f = x * half - even * 32768;
                let word = i64::from(words[(half + i) as usize] as i32);
                let slope = (word + 32768).rem_euclid(65536) - 32768;
                let want = (word + slope * f).div_euclid(65536) as i16;
                assert_eq!(table.eval(x as i16), want, "{half} at {x}");
            }
        }
    }
}
