//! The interface firmware sees: step, reset, and a status that says what saturated.

/// Something that turns an input into an output once a control period.
///
/// Every generated model implements it; a model with memory keeps it between steps.
///
/// ```
/// use nervecord::{Controller, Status, fixed::types::I4F12};
///
/// /// A proportional controller written by hand has the same face as a generated one.
/// struct Proportional;
///
/// impl Controller for Proportional {
///     type Input = [I4F12; 1];
///     type Output = [I4F12; 1];
///     fn reset(&mut self) {}
///     fn step(&mut self, [error]: &Self::Input) -> Self::Output {
///         [-*error / 2]
///     }
///     fn status(&self) -> Status {
///         Status::default()
///     }
/// }
///
/// assert_eq!(Proportional.step(&[I4F12::from_num(1.5)]), [I4F12::from_num(-0.75)]);
/// ```
pub trait Controller {
    /// What a step reads: an array of fixed-point numbers.
    type Input;
    /// What a step returns: an array of fixed-point numbers.
    type Output;

    /// Returns to the state of a new controller.
    fn reset(&mut self);

    /// One control period.
    fn step(&mut self, input: &Self::Input) -> Self::Output;

    /// What happened in the last step.
    fn status(&self) -> Status;
}

/// Which inputs of a step lay outside the calibrated range and were clamped.
///
/// Bit `i` stands for input `i`; bit 31 for all inputs from 31 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(u32);

impl Status {
    /// The bit that all inputs from this one on share.
    pub const LAST: usize = 31;

    /// Nothing saturated.
    pub const fn new() -> Self {
        Self(0)
    }

    /// The status of a word that [`bits`](Self::bits) returned.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Marks input `i` as saturated.
    #[inline(always)]
    pub fn set(&mut self, i: usize) {
        self.0 |= 1 << i.min(Self::LAST);
    }

    /// Whether any input saturated.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether input `i` saturated (for `i` from 31 on: whether any of those did).
    pub fn saturated(self, i: usize) -> bool {
        self.0 >> i.min(Self::LAST) & 1 == 1
    }

    /// The word itself, for telemetry.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// A model stepped on the integers behind its fixed-point numbers: what generic code (firmware
/// frames, tests, conversions) uses where the numbers' types differ from input to input.
pub trait RawStep<const I: usize, const O: usize> {
    /// `i16` or `i32`.
    type RawInput;
    /// `i16` or `i32`.
    type RawOutput;
    /// Fractional bits of each input.
    const INPUT_FRAC: [u8; I];
    /// Fractional bits of each output.
    const OUTPUT_FRAC: [u8; O];

    /// Whether 1.0 is the largest integer below `2^frac`, as in circuits of unit fractions, and not
    /// `2^frac` itself.
    const FULL_SCALE: bool = false;

    /// One control period.
    fn step_raw(&mut self, input: &[Self::RawInput; I]) -> [Self::RawOutput; O];
}

/// Steps in `f32`, for hosts and for parts with an FPU.
///
/// Inputs are rounded to the model's formats and saturate; NaN counts as 0.
#[cfg(feature = "f32")]
pub trait FloatStep<const I: usize, const O: usize> {
    /// One control period, on floats.
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O];
}

#[cfg(feature = "f32")]
impl<C, const I: usize, const O: usize> FloatStep<I, O> for C
where
    C: RawStep<I, O>,
    C::RawInput: Raw,
    C::RawOutput: Raw,
{
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O] {
        let mut fracs = C::INPUT_FRAC.iter();
        let mut next = || fracs.next().copied().unwrap_or(0);
        let raw = input.map(|x| C::RawInput::from_f32(x, next(), C::FULL_SCALE));
        let output = self.step_raw(&raw);
        let mut fracs = C::OUTPUT_FRAC.iter();
        output.map(|y| y.to_f32(fracs.next().copied().unwrap_or(0), C::FULL_SCALE))
    }
}

/// The integer behind a fixed-point number.
#[cfg(feature = "f32")]
pub trait Raw: Copy {
    /// The nearest integer to `x 2^frac`, or to `x (2^frac - 1)` if 1.0 is full scale; halves up,
    /// saturating, NaN to 0.
    fn from_f32(x: f32, frac: u8, full_scale: bool) -> Self;
    /// The number it stands for.
    fn to_f32(self, frac: u8, full_scale: bool) -> f32;
}

/// The integer that stands for 1.0.
#[cfg(feature = "f32")]
fn one(frac: u8, full_scale: bool) -> f32 {
    ((1_u64 << frac) - full_scale as u64) as f32
}

#[cfg(feature = "f32")]
macro_rules! raw {
    ($bits:ty) => {
        impl Raw for $bits {
            fn from_f32(x: f32, frac: u8, full_scale: bool) -> Self {
                // `f32::floor` is missing in no_std; `as` saturates and takes NaN to 0. Adding a
                // half before the floor would round the sum, so the half is compared instead.
                let scaled = x * one(frac, full_scale);
                let floor = micromath::F32(scaled).floor().0;
                let up = if scaled - floor >= 0.5 { 1.0 } else { 0.0 };
                (floor + up) as $bits
            }
            fn to_f32(self, frac: u8, full_scale: bool) -> f32 {
                self as f32 / one(frac, full_scale)
            }
        }
    };
}

#[cfg(feature = "f32")]
raw!(i16);
#[cfg(feature = "f32")]
raw!(i32);

#[cfg(all(test, feature = "f32"))]
mod tests {
    use super::Raw;

    #[test]
    fn floats_are_rounded_and_saturate() {
        assert_eq!(i16::from_f32(1.00012, 12, false), 4096);
        assert_eq!(i16::from_f32(-1.00013, 12, false), -4097);
        assert_eq!(i16::from_f32(99.0, 12, false), i16::MAX);
        assert_eq!(i16::from_f32(-99.0, 12, false), i16::MIN);
        assert_eq!(i16::from_f32(f32::NAN, 12, false), 0);
        // Odd integers from 2^23 on, and the number below a half, must not be carried upwards.
        assert_eq!(i32::from_f32(8_388_609.0, 0, false), 8_388_609);
        assert_eq!(i16::from_f32(0.499_999_97, 0, false), 0);
        assert_eq!(i16::from_f32(-0.5, 0, false), 0);
        assert_eq!(i32::from_f32(3e9, 0, false), i32::MAX);
        assert_eq!(i32::from_f32(f32::NEG_INFINITY, 0, false), i32::MIN);
        assert_eq!(i32::from_f32(0.25, 31, false).to_f32(31, false), 0.25);
        assert_eq!(i32::from_f32(-3.5, 16, false).to_f32(16, false), -3.5);
        assert_eq!(i16::from_f32(1.0, 7, true), 127);
        assert_eq!(i16::to_f32(-32767, 15, true), -1.0);
    }
}
