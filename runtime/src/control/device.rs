//! What stands around a controller: clock, sensor, actuator, watchdog. Stands on a controller's status, its
//! ports and its readings.

use crate::controller::{Ports, RawStep, Status};
use crate::input::Reading;
use crate::number::Number;

/// A monotonic counter of ticks that wraps at 2^32.
///
/// A period, a deadline or an age must be shorter than 2^31 ticks.
pub trait Clock {
    /// Ticks now.
    fn now(&mut self) -> u32;
}

impl<F: FnMut() -> u32> Clock for F {
    fn now(&mut self) -> u32 {
        self()
    }
}

/// What a sensor saw, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<X> {
    /// The controller's input.
    pub value: X,
    /// The tick at which it was true.
    pub taken: u32,
    /// What was wrong with it before it was a controller's number: clamped, no number, or not given.
    pub status: Status,
}

impl<X> Sample<X> {
    /// A sample of sound numbers.
    pub const fn new(value: X, taken: u32) -> Self {
        Self { value, taken, status: Status::new() }
    }

    /// A reading with its flags, for its model: an input that is missing in it sends the loop to the safe
    /// output.
    pub fn of<M, const I: usize, const O: usize>(reading: &Reading<M, I, O>, taken: u32) -> Self
    where
        M: RawStep<I, O> + Ports<I, O, Input = X>,
    {
        let value = M::input_from_raw(&reading.raw().map(Number::raw));
        Self { value, taken, status: reading.status() }
    }
}

/// Where a controller's input comes from.
pub trait Sensor<X> {
    /// Why there is none.
    type Error;

    /// The newest input; `now` is the tick of the call.
    ///
    /// # Errors
    /// The device does not answer or what it says makes no sense.
    fn sample(&mut self, now: u32) -> Result<Sample<X>, Self::Error>;
}

/// What a controller's output drives.
pub trait Actuator<Y> {
    /// Why it was not driven.
    type Error;

    /// Drives the output.
    ///
    /// # Errors
    /// The device does not answer.
    fn drive(&mut self, output: &Y) -> Result<(), Self::Error>;
}

/// Something that resets the core unless it is fed once a period.
///
/// A loop feeds it at the end of a period whose output, the controller's or the safe one, the
/// actuator took: a loop that hangs starves it, and so does an actuator that does not answer.
pub trait Watchdog {
    /// Another period has been brought to its end.
    fn feed(&mut self);
}

/// No watchdog.
impl Watchdog for () {
    fn feed(&mut self) {}
}

impl<F: FnMut()> Watchdog for F {
    fn feed(&mut self) {
        self();
    }
}

/// All that a loop has around its controller, whose input is an `X` and whose output a `Y`.
///
/// Either one thing of the caller's, or [`Parts`].
pub trait Devices<X, Y> {
    /// Ticks now.
    fn now(&mut self) -> u32;

    /// The newest input, as of a [`Sensor`]; `None` where that failed.
    fn sample(&mut self, now: u32) -> Option<Sample<X>>;

    /// Drives the output, as of an [`Actuator`]; whether it was taken.
    fn drive(&mut self, output: &Y) -> bool;

    /// Another period has been brought to its end, as of a [`Watchdog`].
    fn feed(&mut self);
}

/// [`Devices`] of parts.
#[derive(Clone, Debug)]
pub struct Parts<S, A, K, W = ()> {
    /// Where the controller's input comes from.
    pub sensor: S,
    /// Where its output goes.
    pub actuator: A,
    /// What time it is.
    pub clock: K,
    /// What resets the core if the loop stops, or `()`.
    pub watchdog: W,
}

impl<X, Y, S, A, K, W> Devices<X, Y> for Parts<S, A, K, W>
where
    S: Sensor<X>,
    A: Actuator<Y>,
    K: Clock,
    W: Watchdog,
{
    fn now(&mut self) -> u32 {
        self.clock.now()
    }

    fn sample(&mut self, now: u32) -> Option<Sample<X>> {
        self.sensor.sample(now).ok()
    }

    fn drive(&mut self, output: &Y) -> bool {
        self.actuator.drive(output).is_ok()
    }

    fn feed(&mut self) {
        self.watchdog.feed();
    }
}

/// A device of one channel for each of several numbers, in order.
#[derive(Clone, Copy, Debug)]
pub struct Each<D, const N: usize>(pub [D; N]);

impl<X: Copy + Default, D: Sensor<[X; 1]>, const N: usize> Sensor<[X; N]> for Each<D, N> {
    type Error = D::Error;

    /// The sample is as old as its oldest channel.
    fn sample(&mut self, now: u32) -> Result<Sample<[X; N]>, D::Error> {
        let mut all = Sample::new([X::default(); N], now);
        for (i, (device, value)) in self.0.iter_mut().zip(&mut all.value).enumerate() {
            let Sample { value: [one], taken, status } = device.sample(now)?;
            *value = one;
            if status.saturated(0) {
                all.status.set(i);
            }
            if status.invalid(0) {
                all.status.set_invalid(i);
            }
            if now.wrapping_sub(taken) > now.wrapping_sub(all.taken) {
                all.taken = taken;
            }
        }
        Ok(all)
    }
}

impl<Y: Copy, D: Actuator<[Y; 1]>, const N: usize> Actuator<[Y; N]> for Each<D, N> {
    type Error = D::Error;

    /// Drives every channel, also after one that failed; the last failure is returned.
    fn drive(&mut self, output: &[Y; N]) -> Result<(), D::Error> {
        let mut result = Ok(());
        for (device, &value) in self.0.iter_mut().zip(output) {
            if let Err(error) = device.drive(&[value]) {
                result = Err(error);
            }
        }
        result
    }
}
