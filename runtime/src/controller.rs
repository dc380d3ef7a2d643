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
    /// Nothing saturated.
    pub const fn new() -> Self {
        Self(0)
    }

    /// Marks input `i` as saturated.
    #[inline(always)]
    pub fn set(&mut self, i: usize) {
        self.0 |= 1 << i.min(31);
    }

    /// Whether any input saturated.
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether input `i` saturated (for `i` from 31 on: whether any of those did).
    pub fn saturated(self, i: usize) -> bool {
        self.0 >> i.min(31) & 1 == 1
    }

    /// The word itself, for telemetry.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// Steps in `f32`, for hosts and for parts with an FPU.
///
/// Inputs are rounded to the model's format and saturate; NaN counts as 0.
#[cfg(feature = "f32")]
pub trait FloatStep<const I: usize, const O: usize> {
    /// One control period, on floats.
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O];
}

#[cfg(feature = "f32")]
impl<C, X, Y, const I: usize, const O: usize> FloatStep<I, O> for C
where
    C: Controller<Input = [X; I], Output = [Y; O]>,
    X: FromF32,
    Y: FromF32,
{
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O] {
        self.step(&input.map(X::from_f32)).map(Y::to_f32)
    }
}

/// A fixed-point number that converts from and to `f32`.
#[cfg(feature = "f32")]
pub trait FromF32 {
    /// The nearest representable number; halves up, saturating, NaN to 0.
    fn from_f32(x: f32) -> Self;
    /// The number as a float.
    fn to_f32(self) -> f32;
}

#[cfg(feature = "f32")]
macro_rules! from_f32 {
    ($type:ident, $bits:ty, $most:ident) => {
        impl<Frac: fixed::types::extra::$most> FromF32 for fixed::$type<Frac> {
            fn from_f32(x: f32) -> Self {
                // Two exact factors, so that 2^31 needs no special case.
                let scaled = x * (1_u64 << Frac::U32) as f32;
                // `floor` of std is missing in no_std; `as` saturates and takes NaN to 0.
                Self::from_bits(micromath::F32(scaled + 0.5).floor().0 as $bits)
            }
            fn to_f32(self) -> f32 {
                self.to_bits() as f32 / (1_u64 << Frac::U32) as f32
            }
        }
    };
}

#[cfg(feature = "f32")]
from_f32!(FixedI16, i16, LeEqU16);
#[cfg(feature = "f32")]
from_f32!(FixedI32, i32, LeEqU32);

#[cfg(all(test, feature = "f32"))]
mod tests {
    use super::FromF32;
    use fixed::types::{I1F31, I4F12, I16F16};

    #[test]
    fn floats_are_rounded_and_saturate() {
        assert_eq!(I4F12::from_f32(1.00012), I4F12::from_num(1));
        assert_eq!(I4F12::from_f32(-1.00013).to_bits(), -4097);
        assert_eq!(I4F12::from_f32(99.0), I4F12::MAX);
        assert_eq!(I4F12::from_f32(-99.0), I4F12::MIN);
        assert_eq!(I4F12::from_f32(f32::NAN), I4F12::ZERO);
        assert_eq!(I1F31::from_f32(0.25).to_f32(), 0.25);
        assert_eq!(I16F16::from_f32(-3.5).to_f32(), -3.5);
    }
}
