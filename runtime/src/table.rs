//! Functions of one variable as interpolated tables.

use crate::arch;
use crate::number::shift_round;
use crate::tensor::Quad;

/// A function from i16 to i16, linear between `2^(16-shift) + 1` equally spaced points.
///
/// Point `i` is the value at input `(i << shift) - 32768`; codegen has checked the worst error over
/// all 65,536 inputs. A kink at input 0 lies on a point, so ReLU-like functions are exact.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    points: &'a [i16],
    shift: u8,
}

impl<'a> Table<'a> {
    /// A table over `points`.
    ///
    /// # Panics
    /// If their number is not `2^k + 1` for k in 1..=12. In a constant, that is a build error.
    pub const fn new(points: &'a [i16]) -> Self {
        assert!(points.len() >= 3 && points.len() <= 4097 && (points.len() - 1).is_power_of_two());
        Self { points, shift: 16 - (points.len() - 1).trailing_zeros() as u8 }
    }

    /// The function at `x` counted from the bottom of the input range: point 0 is at 0.
    #[inline(always)]
    pub fn at(&self, x: u16) -> i16 {
        let index = (x >> self.shift) as usize; // 0 <= index <= points.len() - 2
        let fraction = x as i32 & ((1 << self.shift) - 1); // 0 <= fraction < 2^shift <= 2^15
        // SAFETY: x < 2^16, so index < 2^(16-shift) = points.len() - 1, by `new`.
        #[allow(unsafe_code)]
        let (a, b) = unsafe {
            (arch::point(self.points, index) as i32, arch::point(self.points, index + 1) as i32)
        };
        // |b - a| <= 65535, so |(b - a) * fraction| + 2^(shift-1) <= 65535 * 32767 + 16384 < 2^31;
        // the result lies between a and b, so it fits i16.
        (a + shift_round((b - a) * fraction, self.shift as u32)) as i16
    }

    /// The function at `x`.
    #[inline(always)]
    pub fn eval(&self, x: i16) -> i16 {
        self.at((x as u16) ^ 0x8000)
    }

    /// Applies the function to the first `features` activations, in place.
    #[inline(never)]
    pub fn run(&self, features: usize, x: &mut [Quad]) {
        for x in arch::flat_mut(x).iter_mut().take(features) {
            *x = self.eval(*x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    #[test]
    fn three_points_are_an_exact_relu() {
        let relu = Table::new(&[0, 0, i16::MAX]);
        for x in i16::MIN..=i16::MAX {
            let want = (x.max(0) as i32 * 32767 + 16384) / 32768;
            assert_eq!(relu.eval(x) as i32, want, "{x}");
        }
    }

    #[test]
    fn every_input_interpolates_between_its_neighbours() {
        for log in 1..=12 {
            let n = 1 << log;
            let points: std::vec::Vec<i16> =
                (0..=n).map(|i: i32| (i.wrapping_mul(40503) ^ i << 7) as i16).collect();
            let table = Table::new(&points);
            let step = 65536 / n as i64;
            for x in 0..=u16::MAX {
                let (i, f) = (x as i64 / step, x as i64 % step);
                let (a, b) = (points[i as usize] as i64, points[i as usize + 1] as i64);
                let want = a + ((b - a) * f + step / 2).div_euclid(step);
                assert_eq!(table.at(x) as i64, want, "{n} segments at {x}");
            }
        }
    }
}
