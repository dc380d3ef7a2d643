//! Steps in `f32`. Stands on the controller and its readings.

use crate::controller::RawStep;
use crate::input::Reading;
use crate::number::Number;

/// Steps in `f32`, for hosts and for parts with an FPU.
pub trait FloatStep<const I: usize, const O: usize> {
    /// One control period, on floats: each input becomes what [`Reading::set`] makes of it, and what
    /// did not fit or was NaN is in the status.
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O];
}

impl<C: RawStep<I, O>, const I: usize, const O: usize> FloatStep<I, O> for C {
    fn step_f32(&mut self, input: &[f32; I]) -> [f32; O] {
        let reading = Reading::<C, I, O>::of(input);
        let output = self.step_raw(reading.raw());
        self.note(reading.status());
        let mut formats = C::FORMATS.outputs.iter();
        // There are as many formats as outputs.
        output.map(|y| y.raw() as f32 / formats.next().map_or(1.0, |format| format.one() as f32))
    }
}
