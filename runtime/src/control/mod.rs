//! The control loop: a sensor is sampled, a [`Controller`](crate::Controller) stepped and an
//! actuator driven at a fixed period, with a guard between them.
//!
//! ```text
//! Clock --due--> Sensor --sample--> Guard --> Controller --> Guard --> Actuator
//!                                   range       saturated    clamp     safe output
//!                                   stuck, age  steps        slew      on a fault
//! ```
//!
//! [`ControlLoop::poll`] does one period when it is due and nothing otherwise, so it may sit in a
//! main loop, a timer interrupt or a task. What may happen in a period is one of [`Fault`]'s kinds:
//! each is counted, and any of them sends the actuator to the safe output until the input has been
//! sound for a stated number of periods (see [`Recovery`]).
//!
//! Everything here is generic over the embedded-hal 1.0 traits, works on the integers behind the
//! fixed-point numbers, allocates nothing and has no panic path. Floats appear in one place, the
//! attitude filter of [`imu`], which is on the sensor's side.
//!
//! | module | what it has |
//! |---|---|
//! | [`guard`] | limits on inputs and outputs, and the checks against them |
//! | [`period`] | the loop itself |
//! | [`actuators`], [`pca9685`] | PWM servo, motor and plain duty; the I2C driver of up to 16 servos |
//! | [`joint`], [`imu`] | analog and quadrature joint angles; an MPU-6050 with its filter |
//! | [`frame`] | frames on a serial link, found again after garbage |
//! | [`telemetry`] | the last steps, as frames |
//! | [`remote`] | a whole loop whose sensor and actuator are at the other end of a link |

#[macro_use]
mod log;

pub mod actuators;
pub mod fault;
pub mod frame;
pub mod guard;
pub mod imu;
pub mod joint;
pub mod pca9685;
pub mod period;
pub mod remote;
pub mod telemetry;

#[cfg(test)]
mod device_tests;

pub use crate::raw::{Number, RawModel};
pub use fault::{Fault, Faults};
pub use guard::{Guard, InputLimits, OutputLimits};
pub use period::{ControlLoop, Recovery, State, Step, Timing};

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

/// A device of one channel for each of several numbers, in order.
#[derive(Clone, Copy, Debug)]
pub struct Each<D, const N: usize>(pub [D; N]);

impl<X: Copy + Default, D: Sensor<[X; 1]>, const N: usize> Sensor<[X; N]> for Each<D, N> {
    type Error = D::Error;

    /// The sample is as old as its oldest channel.
    fn sample(&mut self, now: u32) -> Result<Sample<[X; N]>, D::Error> {
        let mut all = Sample { value: [X::default(); N], taken: now };
        for (device, value) in self.0.iter_mut().zip(&mut all.value) {
            let Sample { value: [one], taken } = device.sample(now)?;
            *value = one;
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
