//! Conversions of what sensors say to a model's inputs: they clamp, say so, and never take what is no
//! number for one.
//!
//! A generated module names its inputs, and its `Reading` collects a step's values by name. The flags go
//! with the values into [`Status`], where nobody can forget them:
//!
//! ```text
//! use policy::input;
//!
//! const GYRO: policy::Counts = policy::counts(input::RATE, 0.000266, 0.0); // rad/s a count, and at 0
//!
//! let mut reading = policy::Reading::new();
//! reading.set(input::ANGLE, angle);        // a fixed-point number, or f32 with that feature
//! reading.count(&GYRO, gyro.read());       // integers all the way
//! let torque = policy.step_reading(&reading);
//! if policy.status().any() { .. }          // outside the calibrated range, NaN, or not given
//! ```
//!
//! Stands on `controller` and `number`.

use core::fmt;
use core::marker::PhantomData;

#[cfg(feature = "fixed")]
use fixed::types::extra::{LeEqU16, LeEqU32};
#[cfg(feature = "fixed")]
use fixed::{FixedI16, FixedI32};

use crate::controller::{RawStep, Status};
use crate::number::{Format, Number};

/// How well a value fits an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is none: NaN, or not given.
    Missing,
    /// It is the nearest that the format has.
    Within,
    /// It was beyond an end of the format, where it is now.
    Clamped,
}

/// A real number that an input can be set to.
pub trait Value: Copy {
    /// The nearest integer in a format, halves up, clamped to 32 bits; any if it is
    /// [missing](Fit::Missing).
    fn convert(self, format: Format) -> (i32, Fit);
}

/// NaN is missing, an infinity clamped.
#[cfg(feature = "f32")]
impl Value for f32 {
    fn convert(self, format: Format) -> (i32, Fit) {
        let scaled = self * format.one() as f32;
        // `f32::floor` is missing in no_std. Adding a half before the floor would round the sum, so the
        // half is compared instead. A cast saturates and takes NaN to 0.
        let floor = micromath::F32(scaled).floor().0;
        let up = if scaled - floor >= 0.5 { 1.0 } else { 0.0 };
        let fit = match scaled {
            x if x.is_nan() => Fit::Missing,
            x if (-2_147_483_648.0..2_147_483_648.0).contains(&x) => Fit::Within,
            _ => Fit::Clamped,
        };
        ((floor + up) as i32, fit)
    }
}

#[cfg(feature = "fixed")]
impl<F: LeEqU16> Value for FixedI16<F> {
    fn convert(self, format: Format) -> (i32, Fit) {
        scaled(self.to_bits() as i64, Self::FRAC_NBITS, format)
    }
}

#[cfg(feature = "fixed")]
impl<F: LeEqU32> Value for FixedI32<F> {
    fn convert(self, format: Format) -> (i32, Fit) {
        scaled(self.to_bits() as i64, Self::FRAC_NBITS, format)
    }
}

/// An integer of 32 bits, with `frac` fractional ones, in a format.
#[cfg(feature = "fixed")]
fn scaled(bits: i64, frac: u32, format: Format) -> (i32, Fit) {
    // |bits 2^31| <= 2^62, and less by the integer itself if 1.0 is full scale
    let wide = (bits << format.frac) - if format.full_scale { bits } else { 0 };
    let half = if frac > 0 { 1 << (frac - 1) } else { 0 };
    clamped((wide + half) >> frac)
}

/// An integer clamped to 32 bits.
#[inline(always)]
fn clamped(wide: i64) -> (i32, Fit) {
    let narrow = wide.clamp(i32::MIN as i64, i32::MAX as i64);
    (narrow as i32, if narrow == wide { Fit::Within } else { Fit::Clamped })
}

/// A sensor's integers as the integers of one input of the model `M`: a line through both.
///
/// Made in a constant, so that the floats it is made from are gone when the firmware runs.
#[derive(Debug)]
pub struct Counts<M> {
    input: usize,
    multiplier: i32,
    shift: u8,
    addend: i64,
    model: PhantomData<M>,
}

impl<M> Counts<M> {
    /// The conversion for input `input`, whose value is `at_zero + per_count * count`, both in the
    /// input's unit.
    ///
    /// The slope is kept to 31 bits.
    ///
    /// # Panics
    /// There is no such input, the slope is 0, or a count or `at_zero` is not finite or beyond 32 bits of
    /// the input's format. In a constant, that is a build error.
    pub const fn new<const I: usize, const O: usize>(
        input: usize,
        per_count: f64,
        at_zero: f64,
    ) -> Self
    where
        M: RawStep<I, O>,
    {
        assert!(input < I, "the model has no such input");
        let one = M::FORMATS.inputs[input].one() as f64;
        Self::line(input, per_count * one, at_zero * one)
    }

    /// `input = start + slope * count`, in the input's integers.
    const fn line(input: usize, slope: f64, start: f64) -> Self {
        const END: f64 = (1_u64 << 31) as f64;
        assert!(slope != 0.0, "a count must change the input");
        assert!(slope > -END && slope < END, "a count is too large for the input's format");
        assert!(start > -END && start < END, "the value at 0 is too large for the input's format");
        let (mut multiplier, mut addend, mut shift) = (slope, start, 0_u8);
        // Doubled, which is exact, while |multiplier| < 2^31 and |addend| < 2^61.
        while shift < 62
            && magnitude(multiplier) * 2.0 <= i32::MAX as f64
            && magnitude(addend) * 2.0 < (1_u64 << 61) as f64
        {
            multiplier *= 2.0;
            addend *= 2.0;
            shift += 1;
        }
        // The half that rounds is part of the addend: |addend| < 2^62.
        let addend = nearest(addend) + if shift > 0 { 1 << (shift - 1) } else { 0 };
        Self { input, multiplier: nearest(multiplier) as i32, shift, addend, model: PhantomData }
    }

    /// The input's integer, clamped to 32 bits.
    fn convert(&self, count: i32) -> (i32, Fit) {
        // |count multiplier| <= 2^31 (2^31 - 1), and |addend| <= 2^62
        clamped((count as i64 * self.multiplier as i64 + self.addend) >> self.shift)
    }
}

/// `f64::abs`, for constants.
const fn magnitude(x: f64) -> f64 {
    if x < 0.0 { -x } else { x }
}

/// The nearest integer, for constants.
const fn nearest(x: f64) -> i64 {
    (if x < 0.0 { x - 0.5 } else { x + 0.5 }) as i64
}

/// Not as many numbers as a model has inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongLength {
    /// How many inputs there are.
    pub expected: usize,
    /// How many numbers came.
    pub found: usize,
}

impl WrongLength {
    /// The numbers as an array.
    pub(crate) fn check<V, const I: usize>(values: &[V]) -> Result<&[V; I], Self> {
        values.try_into().map_err(|_| Self { expected: I, found: values.len() })
    }
}

impl fmt::Display for WrongLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        write!(f, "the model has {expected} inputs, and here are {found} numbers")
    }
}

impl core::error::Error for WrongLength {}

/// The inputs of one step of the model `M`, with how well each fits.
#[derive(Clone, Debug)]
#[repr(C, align(4))] // the integers start on a word, so that kernels read them where they are
pub struct Reading<M: RawStep<I, O>, const I: usize, const O: usize> {
    raw: [M::RawInput; I],
    fits: [Fit; I],
    /// A value was set for an input that there is not.
    stray: bool,
}

impl<M: RawStep<I, O>, const I: usize, const O: usize> Reading<M, I, O> {
    const FORMATS: &[Format; I] = &M::FORMATS.inputs;

    /// A reading without any value yet: in the middle of each calibrated range, and
    /// [missing](Fit::Missing).
    pub fn new() -> Self {
        let raw = core::array::from_fn(|input| match M::INPUT_RANGES.get(input) {
            Some(&[low, high]) => middle(low, high),
            None => M::RawInput::default(), // there are as many ranges as inputs
        });
        Self { raw, fits: [Fit::Missing; I], stray: false }
    }

    /// A reading of all values, in the order of the inputs.
    pub fn of<V: Value>(values: &[V; I]) -> Self {
        let mut reading = Self::new();
        for (input, &value) in values.iter().enumerate() {
            reading.set(input, value);
        }
        reading
    }

    /// The same of values whose number is known at run time only, such as what a link has brought.
    ///
    /// # Errors
    /// There are not as many as the model has inputs.
    pub fn from_slice<V: Value>(values: &[V]) -> Result<Self, WrongLength> {
        Ok(Self::of(WrongLength::check(values)?))
    }

    /// Sets an input to a number, clamped to its format; one that is no number leaves it missing, in
    /// the middle of its calibrated range.
    ///
    /// An index that no input has counts as an input that is missing.
    pub fn set(&mut self, input: usize, value: impl Value) {
        let missing = (0, Fit::Missing);
        self.put(input, Self::FORMATS.get(input).map_or(missing, |&format| value.convert(format)));
    }

    /// Sets the input of a conversion to what it makes of a sensor's integer, clamped to its format.
    pub fn count(&mut self, conversion: &Counts<M>, count: impl Into<i32>) {
        self.put(conversion.input, conversion.convert(count.into()));
    }

    fn put(&mut self, input: usize, (wide, fit): (i32, Fit)) {
        let range = M::INPUT_RANGES.get(input);
        let place = self.raw.get_mut(input).zip(self.fits.get_mut(input)).zip(range);
        let Some(((raw, place), &[low, high])) = place else {
            self.stray = true;
            return;
        };
        let narrow = M::RawInput::from_raw(wide);
        (*raw, *place) = match fit {
            Fit::Missing => (middle(low, high), fit),
            Fit::Within if narrow.raw() != wide => (narrow, Fit::Clamped),
            _ => (narrow, fit),
        };
    }

    /// The inputs' integers.
    pub fn raw(&self) -> &[M::RawInput; I] {
        &self.raw
    }

    /// Which inputs were clamped to their format, and which are missing; a step adds those that lie
    /// outside their calibrated range.
    pub fn status(&self) -> Status {
        let mut status = Status::new();
        for (input, fit) in self.fits.iter().enumerate() {
            match fit {
                Fit::Missing => status.set_invalid(input),
                Fit::Within => {}
                Fit::Clamped => status.set(input),
            }
        }
        if self.stray {
            status.set_invalid(Status::LAST);
        }
        status
    }
}

impl<M: RawStep<I, O>, const I: usize, const O: usize> Default for Reading<M, I, O> {
    fn default() -> Self {
        Self::new()
    }
}

/// What stands in for an input that is missing.
fn middle<R: Number>(low: i32, high: i32) -> R {
    R::from_raw(low.midpoint(high))
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
