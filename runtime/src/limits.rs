//! What a guard holds inputs and outputs to: stated in the model's units, kept as its integers.
//!
//! A limit that is an integer changes its meaning when a new calibration changes a format. These are real
//! numbers, converted where the formats are known, in a constant, so that the floats are gone when the firmware
//! runs:
//!
//! ```
//! use nervecord::{Formats, InputLimits, Limits, OutputLimits, Tolerance};
//! use nervecord::fixed::types::I4F12;
//!
//! /// An angle in radians in, a torque in newton metres out.
//! const LIMITS: Limits<1, 1> = Limits::new(
//!     &Formats::of_numbers::<I4F12, I4F12>(), // of a generated model: `Policy::FORMATS`
//!     &[InputLimits { min: -1.6, max: 1.6, stuck: 10 }],
//!     &[OutputLimits { slew: 0.25, ..OutputLimits::symmetric(2.0) }],
//!     Tolerance::DEFAULT,
//! );
//! ```
//!
//! Limits are rounded inwards: what an integer lets through is never beyond what was stated.
//!
//! Stands on `number`.

use crate::number::{Format, Formats};

/// What an input may look like, in the model's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputLimits {
    /// The smallest plausible value.
    pub min: f64,
    /// The largest plausible value.
    pub max: f64,
    /// Samples on end that may have the same bits; one more is a fault. 0 does not look.
    pub stuck: u16,
}

impl InputLimits {
    /// Any value, however often.
    pub const ANY: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY, stuck: 0 };

    /// The same in a format's integers, rounded inwards.
    ///
    /// # Errors
    /// It does not say what an input may be, or the format cannot hold it: an input beyond its format is
    /// clamped to its end, where such a limit would never be seen to be left.
    pub const fn bounds(self, format: Format) -> Result<InputBounds, LimitError> {
        let Self { min, max, stuck } = self;
        let range = match Range::of(min, max, format) {
            Ok(range) => range,
            Err(error) => return Err(error),
        };
        if range.is_beyond(format) {
            return Err(LimitError::Beyond);
        }
        let [min, max] = range.within(format);
        Ok(InputBounds { min, max, stuck })
    }
}

/// What an output may do, in the model's units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputLimits {
    /// The smallest output.
    pub min: f64,
    /// The largest output.
    pub max: f64,
    /// The largest change from one period to the next while the controller is in charge.
    pub slew: f64,
    /// The output while it is not; within `min` and `max`.
    pub safe: f64,
    /// The largest change a period on the way to `safe`: infinity goes there at once.
    pub safe_slew: f64,
}

impl OutputLimits {
    /// Whatever the format holds at any speed, and 0 at once when in doubt.
    pub const ANY: Self = Self {
        min: f64::NEG_INFINITY,
        max: f64::INFINITY,
        slew: f64::INFINITY,
        safe: 0.0,
        safe_slew: f64::INFINITY,
    };

    /// `-one..=one` at any speed, and 0 at once when in doubt.
    pub const fn symmetric(one: f64) -> Self {
        Self { min: -one, max: one, ..Self::ANY }
    }

    /// The same in a format's integers, rounded inwards.
    ///
    /// # Errors
    /// It leaves nothing that the output may be or no change it may make, or the safe output is not within
    /// it or not in the format.
    pub const fn bounds(self, format: Format) -> Result<OutputBounds, LimitError> {
        let [min, max] = match Range::of(self.min, self.max, format) {
            Ok(range) => range.within(format),
            Err(error) => return Err(error),
        };
        let (slew, safe_slew) = match (change(self.slew, format), change(self.safe_slew, format)) {
            (Ok(slew), Ok(safe_slew)) => (slew, safe_slew),
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        if !self.safe.is_finite() {
            return Err(LimitError::NoNumber);
        }
        if self.safe < self.min || self.safe > self.max {
            return Err(LimitError::Safe);
        }
        let safe = at_most(self.safe + 0.5 / format.one() as f64, format);
        let [low, high] = format.ends();
        if safe < low as i64 - 1 || safe > high as i64 + 1 {
            return Err(LimitError::Beyond);
        }
        let safe = clamp(safe, min, max);
        Ok(OutputBounds { min, max, slew, safe, safe_slew })
    }
}

/// How many periods on end something may be wrong with an input before the guard takes over, in the very
/// period that is one too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// An input outside its calibrated range, or clamped to its format.
    pub saturated: u16,
    /// An input that was no number, or was not given.
    pub invalid: u16,
    /// A sample older than allowed.
    pub stale: u16,
}

impl Tolerance {
    /// As many periods as there are.
    pub const ALWAYS: u16 = u16::MAX;

    /// Three periods with a saturated input, none with one that is no number or old.
    pub const DEFAULT: Self = Self { saturated: 3, invalid: 0, stale: 0 };
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// [`InputLimits`] in a format's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputBounds {
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) stuck: u16,
}

/// [`OutputLimits`] in a format's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputBounds {
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) slew: u32,
    pub(crate) safe: i32,
    pub(crate) safe_slew: u32,
}

/// The limits of a loop with `I` inputs and `O` outputs, in their integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits<const I: usize, const O: usize> {
    pub(crate) inputs: [InputBounds; I],
    pub(crate) outputs: [OutputBounds; O],
    pub(crate) tolerance: Tolerance,
}

impl<const I: usize, const O: usize> Limits<I, O> {
    /// Limits stated in the model's units, for inputs and outputs in `formats`.
    ///
    /// # Panics
    /// A limit cannot be used, as [`LimitError`] says. In a constant, that is a build error.
    pub const fn new(
        formats: &Formats<I, O>,
        inputs: &[InputLimits; I],
        outputs: &[OutputLimits; O],
        tolerance: Tolerance,
    ) -> Self {
        match Self::checked(formats, inputs, outputs, tolerance) {
            Ok(limits) => limits,
            Err(error) => panic!("{}", error.message()),
        }
    }

    /// As [`new`](Self::new), for what is known at run time only.
    ///
    /// # Errors
    /// A limit cannot be used.
    pub const fn checked(
        formats: &Formats<I, O>,
        inputs: &[InputLimits; I],
        outputs: &[OutputLimits; O],
        tolerance: Tolerance,
    ) -> Result<Self, LimitError> {
        let mut limits = Self {
            inputs: [InputBounds { min: 0, max: 0, stuck: 0 }; I],
            outputs: [OutputBounds { min: 0, max: 0, slew: 0, safe: 0, safe_slew: 0 }; O],
            tolerance,
        };
        let mut i = 0;
        while i < I {
            limits.inputs[i] = match inputs[i].bounds(formats.inputs[i]) {
                Ok(bounds) => bounds,
                Err(error) => return Err(error),
            };
            i += 1;
        }
        let mut o = 0;
        while o < O {
            limits.outputs[o] = match outputs[o].bounds(formats.outputs[o]) {
                Ok(bounds) => bounds,
                Err(error) => return Err(error),
            };
            o += 1;
        }
        Ok(limits)
    }

    /// Any input, every output that its format holds, 0 at once when in doubt.
    pub const fn any(formats: &Formats<I, O>) -> Self {
        Self::new(formats, &[InputLimits::ANY; I], &[OutputLimits::ANY; O], Tolerance::DEFAULT)
    }
}

/// Why a limit cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitError {
    /// A limit is NaN, or the safe output is infinite.
    NoNumber,
    /// The smallest value is above the largest.
    Order,
    /// No number of the format lies within the limits.
    Nothing,
    /// The format does not reach so far.
    Beyond,
    /// A largest change is not above 0.
    Still,
    /// A largest change is smaller than the step from one number of the format to the next.
    Fine,
    /// The safe output is not within the limits.
    Safe,
}

impl LimitError {
    /// The same in words.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NoNumber => "a limit is no number",
            Self::Order => "the smallest value is above the largest",
            Self::Nothing => "no number of the format lies within the limits",
            Self::Beyond => "the format cannot hold the limit",
            Self::Still => "the largest change is not above 0",
            Self::Fine => "the largest change is finer than the format",
            Self::Safe => "the safe output is not within the limits",
        }
    }
}

/// A range in integers, wider than any format where it has no end.
struct Range {
    min: i64,
    max: i64,
    /// Whether an end is a number, not infinite.
    ends: [bool; 2],
}

impl Range {
    const fn of(min: f64, max: f64, format: Format) -> Result<Self, LimitError> {
        if min.is_nan() || max.is_nan() {
            return Err(LimitError::NoNumber);
        }
        if min > max {
            return Err(LimitError::Order);
        }
        let ends = [min.is_finite(), max.is_finite()];
        let range = Self { min: -at_most(-min, format), max: at_most(max, format), ends };
        let [low, high] = format.ends();
        match range.min > range.max || range.min > high as i64 || range.max < low as i64 {
            true => Err(LimitError::Nothing),
            false => Ok(range),
        }
    }

    /// Whether an end that was stated lies beyond the format's, by more than the integer that 1.0 is beyond
    /// a format of fractions.
    const fn is_beyond(&self, format: Format) -> bool {
        let [low, high] = format.ends();
        self.ends[0] && self.min < low as i64 - 1 || self.ends[1] && self.max > high as i64 + 1
    }

    const fn within(&self, format: Format) -> [i32; 2] {
        let [low, high] = format.ends();
        [clamp(self.min, low, high), clamp(self.max, low, high)]
    }
}

/// `i64::clamp`, for constants; `low <= high`.
const fn clamp(x: i64, low: i32, high: i32) -> i32 {
    if x < low as i64 {
        low
    } else if x > high as i64 {
        high
    } else {
        x as i32
    }
}

/// The largest integer whose number is at most `x`; of an `x` far beyond every format, one that is as well.
const fn at_most(x: f64, format: Format) -> i64 {
    const FAR: i64 = 1 << 40;
    let one = format.one() as f64;
    let wide = x * one;
    if wide >= FAR as f64 {
        return FAR;
    }
    if wide <= -FAR as f64 {
        return -FAR;
    }
    let cut = wide as i64; // |wide| < 2^40
    let floor = if cut as f64 > wide { cut - 1 } else { cut };
    // The product was rounded, perhaps past an integer.
    match floor {
        floor if floor as f64 / one > x => floor - 1,
        floor if (floor + 1) as f64 / one <= x => floor + 1,
        floor => floor,
    }
}

/// A change a period in integers.
const fn change(slew: f64, format: Format) -> Result<u32, LimitError> {
    if slew.is_nan() {
        return Err(LimitError::NoNumber);
    }
    if slew <= 0.0 {
        return Err(LimitError::Still);
    }
    let whole = at_most(slew, format);
    match whole {
        0 => Err(LimitError::Fine),
        1..=0xffff_ffff => Ok(whole as u32),
        _ => Ok(u32::MAX),
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
