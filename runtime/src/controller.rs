//! The interface firmware sees: step, reset, and a status that says what was wrong with the inputs. Stands
//! on `number`, `limits` and `integrity`.

use crate::integrity::Tables;
use crate::limits::Limits;
use crate::number::{Formats, Number};

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
    /// What a step reads: an array of fixed-point numbers, or a tuple of them.
    type Input;
    /// What a step returns: an array of fixed-point numbers, or a tuple of them.
    type Output;

    /// Returns to the state of a new controller.
    fn reset(&mut self);

    /// One control period.
    fn step(&mut self, input: &Self::Input) -> Self::Output;

    /// What happened in the last step.
    fn status(&self) -> Status;
}

/// What was wrong in a step: which inputs lay outside their calibrated range, which were no number, and whether
/// a state is at an end of its range.
///
/// Bit `i` of each word stands for input `i`, and the last for all inputs from there on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    saturated: u32,
    /// Its highest bit stands for the states.
    invalid: u32,
}

/// The bit of the states.
const STATE: u32 = 1 << 31;

/// The mark of an input that was no number; from 30 on they share one.
fn invalid_mark(i: usize) -> u32 {
    1 << i.min(30)
}

impl Status {
    /// The bit that all inputs from this one on share.
    pub const LAST: usize = 31;

    /// Nothing wrong.
    pub const fn new() -> Self {
        Self { saturated: 0, invalid: 0 }
    }

    /// The inputs outside their range in a word as [`bits`](Self::bits) returns it, and all of them
    /// numbers.
    pub const fn from_bits(bits: u32) -> Self {
        Self { saturated: bits, invalid: 0 }
    }

    /// Marks input `i` as outside its range.
    #[inline(always)]
    pub fn set(&mut self, i: usize) {
        self.saturated |= 1 << i.min(Self::LAST);
    }

    /// Marks input `i` as no number.
    #[inline(always)]
    pub fn set_invalid(&mut self, i: usize) {
        self.invalid |= invalid_mark(i);
    }

    /// Marks the states as at an end of their range, if one is.
    #[inline(always)]
    pub fn note_state(&mut self, at_end: bool) {
        self.invalid |= (at_end as u32) << 31;
    }

    /// Whether anything was wrong with any input or state.
    pub const fn any(self) -> bool {
        self.saturated | self.invalid != 0
    }

    /// Whether any input was no number.
    pub const fn any_invalid(self) -> bool {
        self.invalid & !STATE != 0
    }

    /// Whether a state whose range is that of the calibration data was at an end of it after the step: what it
    /// would have become beyond is lost.
    pub const fn state_saturated(self) -> bool {
        self.invalid & STATE != 0
    }

    /// Whether input `i` lay outside its calibrated range (for `i` from 31 on: whether any of those did).
    /// If it lay outside its format as well it was clamped to that.
    pub fn saturated(self, i: usize) -> bool {
        self.saturated >> i.min(Self::LAST) & 1 == 1
    }

    /// Whether input `i` was no number, or was not given (for `i` from 30 on: whether any of those was);
    /// the middle of its calibrated range stood in for it.
    pub fn invalid(self, i: usize) -> bool {
        self.invalid & invalid_mark(i) != 0
    }

    /// The inputs outside their range as a word, for telemetry.
    pub const fn bits(self) -> u32 {
        self.saturated
    }

    /// The inputs that were no number as a word, for telemetry.
    pub const fn invalid_bits(self) -> u32 {
        self.invalid & !STATE
    }

    /// What is wrong in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { saturated: self.saturated | other.saturated, invalid: self.invalid | other.invalid }
    }
}

/// Implemented by what `nervecord compile` generates, and by nothing else: a trait that has it as a
/// supertrait may gain items without breaking anyone. Modules name it as `nervecord::generated::Sealed`.
pub trait Sealed {}

/// A model stepped on the integers behind its fixed-point numbers: what generic code (firmware
/// frames, tests, conversions) uses where the numbers' types differ from input to input.
///
/// Generated models have it; a controller written by hand implements [`Controller`] alone.
pub trait RawStep<const I: usize, const O: usize>: Sealed + Sized {
    /// `i16` or `i32`.
    type RawInput: Number;
    /// `i16` or `i32`.
    type RawOutput: Number;
    /// Fractional bits of each input.
    const INPUT_FRAC: [u8; I];
    /// The smallest and the largest integer of each input's calibrated range, with its margin.
    const INPUT_RANGES: &'static [[i32; 2]; I];
    /// Fractional bits of each output.
    const OUTPUT_FRAC: [u8; O];

    /// Whether 1.0 is the largest integer below `2^frac`, as in circuits of unit fractions, and not
    /// `2^frac` itself.
    const FULL_SCALE: bool = false;

    /// The formats of inputs and outputs.
    const FORMATS: Formats<I, O> = Formats::of_integers::<Self::RawInput, Self::RawOutput>(
        &Self::INPUT_FRAC,
        &Self::OUTPUT_FRAC,
        Self::FULL_SCALE,
    );
    /// What `[guard]` in `nervecord.toml` says: what a guard in a control loop holds inputs and outputs to.
    const GUARD: Limits<I, O> = Limits::any(&Self::FORMATS);
    /// The tables that a guard checks, where `tables` in that section says so.
    const TABLES: Option<&'static Tables> = None;

    /// One control period.
    fn step_raw(&mut self, input: &[Self::RawInput; I]) -> [Self::RawOutput; O];

    /// The same, with the outputs where the caller wants them.
    fn step_raw_into(&mut self, input: &[Self::RawInput; I], output: &mut [Self::RawOutput; O]) {
        *output = self.step_raw(input);
    }

    /// Adds what was wrong with the last step's inputs before they were integers to its status.
    fn note(&mut self, status: Status);
}

/// A controller whose inputs and outputs are so many numbers, of formats that may differ: what a control loop
/// steps.
///
/// Every controller on arrays of [`Number`]s has it, and so has every generated model: one whose formats differ
/// from number to number takes and gives tuples, and its module says what lies behind them.
pub trait Ports<const I: usize, const O: usize>: Controller {
    /// The integers behind an input.
    fn input_to_raw(input: &Self::Input) -> [i32; I];

    /// The input of integers, each of which saturates in its format.
    fn input_from_raw(raw: &[i32; I]) -> Self::Input;

    /// The integers behind an output.
    fn output_to_raw(output: &Self::Output) -> [i32; O];

    /// The output of integers, each of which saturates in its format.
    fn output_from_raw(raw: &[i32; O]) -> Self::Output;
}

impl<C, X, Y, const I: usize, const O: usize> Ports<I, O> for C
where
    C: Controller<Input = [X; I], Output = [Y; O]>,
    X: Number,
    Y: Number,
{
    #[inline(always)]
    fn input_to_raw(input: &[X; I]) -> [i32; I] {
        input.map(Number::raw)
    }

    #[inline(always)]
    fn input_from_raw(raw: &[i32; I]) -> [X; I] {
        raw.map(Number::from_raw)
    }

    #[inline(always)]
    fn output_to_raw(output: &[Y; O]) -> [i32; O] {
        output.map(Number::raw)
    }

    #[inline(always)]
    fn output_from_raw(raw: &[i32; O]) -> [Y; O] {
        raw.map(Number::from_raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_at_its_end_is_told_apart_from_inputs() {
        let mut status = Status::new();
        status.note_state(false);
        assert!(!status.any());
        status.note_state(true);
        assert!(status.any() && status.state_saturated() && !status.any_invalid());
        assert_eq!((status.bits(), status.invalid_bits()), (0, 0));
        status.set_invalid(40);
        assert!(status.invalid(30) && status.invalid(99) && !status.invalid(29));
        assert!(Status::new().and(status).state_saturated());
    }
}
