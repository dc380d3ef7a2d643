//! The integers behind fixed-point numbers, for code that does not care about their formats. Stands on
//! the crate `fixed` alone.

#[cfg(feature = "fixed")]
use fixed::types::extra::{LeEqU16, LeEqU32};
#[cfg(feature = "fixed")]
use fixed::{FixedI16, FixedI32};

/// How an input's or output's integers stand for numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Fractional bits.
    pub frac: u8,
    /// Bits of the integer, 16 or 32.
    pub bits: u8,
    /// Whether 1.0 is the integer below `2^frac`, and not `2^frac` itself.
    pub full_scale: bool,
}

impl Format {
    /// That of a number type.
    pub const fn of<X: Number>() -> Self {
        Self { frac: X::FRAC as u8, bits: bits_of::<X>(), full_scale: false }
    }

    /// The integer that stands for 1.0; at most 2^32.
    pub(crate) const fn one(self) -> u64 {
        (1 << self.frac) - self.full_scale as u64
    }

    /// The smallest and the largest integer.
    pub(crate) const fn ends(self) -> [i32; 2] {
        match self.bits {
            32 => [i32::MIN, i32::MAX],
            _ => [i16::MIN as i32, i16::MAX as i32],
        }
    }
}

/// The formats of a controller's inputs and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats<const I: usize, const O: usize> {
    /// Of each input.
    pub inputs: [Format; I],
    /// Of each output.
    pub outputs: [Format; O],
}

impl<const I: usize, const O: usize> Formats<I, O> {
    /// Those of a controller whose inputs are all of one type of number and its outputs of another.
    pub const fn of_numbers<X: Number, Y: Number>() -> Self {
        Self { inputs: [Format::of::<X>(); I], outputs: [Format::of::<Y>(); O] }
    }

    /// Those of integers `X` and `Y` with these fractional bits.
    pub(crate) const fn of_integers<X, Y>(
        inputs: &[u8; I],
        outputs: &[u8; O],
        full_scale: bool,
    ) -> Self {
        let input = Format { frac: 0, bits: bits_of::<X>(), full_scale };
        let output = Format { bits: bits_of::<Y>(), ..input };
        let mut formats = Self { inputs: [input; I], outputs: [output; O] };
        let mut i = 0;
        while i < I {
            formats.inputs[i].frac = inputs[i];
            i += 1;
        }
        let mut o = 0;
        while o < O {
            formats.outputs[o].frac = outputs[o];
            o += 1;
        }
        formats
    }
}

/// Bits of an integer or of the one behind a number.
const fn bits_of<X>() -> u8 {
    8 * size_of::<X>() as u8
}

/// A number of a controller's input or output.
pub trait Number: Copy + Default {
    /// The integer behind it.
    fn raw(self) -> i32;

    /// The number of an integer, which saturates.
    fn from_raw(raw: i32) -> Self;

    /// Fractional bits: the value is `raw 2^-FRAC`.
    const FRAC: u32;

    /// As a fraction of full scale with 15 bits, `-32767..=32767`; 1.0 and beyond is 32767.
    fn to_unit(self) -> i32 {
        let raw = self.raw() as i64; // |raw| <= 2^31
        let q15 = if Self::FRAC > 15 { raw >> (Self::FRAC - 15) } else { raw << (15 - Self::FRAC) };
        q15.clamp(-32767, 32767) as i32 // |q15| <= 2^46 before
    }

    /// From a fraction of full scale with 15 bits; the inverse of [`to_unit`](Self::to_unit).
    fn from_unit(unit: i32) -> Self {
        let unit = unit as i64;
        // |unit 2^(FRAC-15)| <= 2^(31+17)
        let raw =
            if Self::FRAC > 15 { unit << (Self::FRAC - 15) } else { unit >> (15 - Self::FRAC) };
        Self::from_raw(raw.clamp(i32::MIN as i64, i32::MAX as i64) as i32)
    }
}

#[cfg(feature = "fixed")]
impl<F: LeEqU16> Number for FixedI16<F> {
    const FRAC: u32 = FixedI16::<F>::FRAC_NBITS;

    fn raw(self) -> i32 {
        self.to_bits() as i32
    }

    fn from_raw(raw: i32) -> Self {
        Self::from_bits(i16::from_raw(raw))
    }
}

#[cfg(feature = "fixed")]
impl<F: LeEqU32> Number for FixedI32<F> {
    const FRAC: u32 = FixedI32::<F>::FRAC_NBITS;

    fn raw(self) -> i32 {
        self.to_bits()
    }

    fn from_raw(raw: i32) -> Self {
        Self::from_bits(raw)
    }
}

/// A bare integer, whose format is known elsewhere; as a fraction it counts as one of 15 bits.
impl Number for i16 {
    const FRAC: u32 = 15;

    fn raw(self) -> i32 {
        self as i32
    }

    fn from_raw(raw: i32) -> Self {
        raw.clamp(i16::MIN as i32, i16::MAX as i32) as i16
    }
}

/// A bare integer, whose format is known elsewhere; as a fraction it counts as one of 31 bits.
impl Number for i32 {
    const FRAC: u32 = 31;

    fn raw(self) -> i32 {
        self
    }

    fn from_raw(raw: i32) -> Self {
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixed::types::{I1F15, I4F12, I16F16};

    #[test]
    fn fractions_of_full_scale_come_back() {
        assert_eq!(I4F12::from_num(0.5).to_unit(), 16384);
        assert_eq!(I4F12::from_num(-3).to_unit(), -32767);
        assert_eq!(I16F16::from_num(0.25).to_unit(), 8192);
        assert_eq!(I1F15::MIN.to_unit(), -32767);
        assert_eq!(I4F12::from_unit(16384), I4F12::from_num(0.5));
        assert_eq!(I16F16::from_unit(-8192), I16F16::from_num(-0.25));
        assert_eq!(i16::from_raw(99_999), i16::MAX);
        assert_eq!(i32::from_unit(i32::MIN), i32::MIN);
    }
}
