//! The loop of an async task, for any executor: sensor and actuator are awaited, all else is the same.
//!
//! ```
//! use nervecord::control::task::{self, Actuator, Sensor, Timer};
//! use nervecord::control::{Clock, Parts, Sample, Settings, Step, Supervisor};
//! # use nervecord::control::Limits;
//! # use nervecord::{Controller, Formats, Status, fixed::types::I4F12};
//! # struct Policy;
//! # impl Controller for Policy {
//! #     type Input = [I4F12; 1];
//! #     type Output = [I4F12; 1];
//! #     fn reset(&mut self) {}
//! #     fn step(&mut self, [x]: &[I4F12; 1]) -> [I4F12; 1] { [-2 * *x] }
//! #     fn status(&self) -> Status { Status::new() }
//! # }
//! # mod policy {
//! #     pub use nervecord::fixed::types::I4F12;
//! #     pub type Input = [I4F12; 1];
//! #     pub type Output = [I4F12; 1];
//! # }
//! struct Time; // of the executor
//!
//! impl Clock for Time {
//!     fn now(&mut self) -> u32 {
//!         0 // with embassy: `Instant::now().as_ticks() as u32`
//!     }
//! }
//!
//! impl Timer for Time {
//!     async fn wait(&mut self, ticks: u32) {
//!         // with embassy: `Timer::after_ticks(ticks.into()).await`
//!     }
//! }
//!
//! struct Angle;
//!
//! impl Sensor<policy::Input> for Angle {
//!     type Error = ();
//!     async fn sample(&mut self, now: u32) -> Result<Sample<policy::Input>, ()> {
//!         Ok(Sample::new([I4F12::from_num(0.75)], now)) // or `Sample::of(&reading, now)`
//!     }
//! }
//!
//! struct Motor;
//!
//! impl Actuator<policy::Output> for Motor {
//!     type Error = ();
//!     async fn drive(&mut self, torque: &policy::Output) -> Result<(), ()> {
//!         Ok(())
//!     }
//! }
//!
//! async fn control() -> ! {
//! #   let limits = Limits::any(&Formats::of_numbers::<I4F12, I4F12>());
//! #   let settings = Settings::new(limits, 20);
//! #   /*
//!     let settings = Settings { deadline: 5, ..Settings::of::<Policy>(20) };
//! #   */
//!     let mut supervisor = Supervisor::new(Policy, settings);
//!     let mut devices = Parts { sensor: Angle, actuator: Motor, clock: Time, watchdog: () };
//!     task::run(&mut supervisor, &mut devices, |step, supervisor| {
//!         // Look at `step.fault`, call `supervisor.stop` or `supervisor.rearm`.
//!     })
//!     .await
//! }
//! ```
//!
//! A sensor or an actuator that may not answer at all waits no longer than it should by itself, and answers with an
//! error then.
//!
//! Nothing here panics, but the compiler gives the future of every async function, those of the caller included, a
//! panic for an executor that polls it after its end.
//!
//! Stands on `device` and `supervisor`.

// The tasks of embedded executors stay on their core: nobody needs these futures to be `Send`.
#![allow(async_fn_in_trait)]

use super::device::{Clock, Parts, Sample, Watchdog};
use super::supervisor::{Step, Supervisor};
use crate::controller::Ports;

/// Where a controller's input comes from, in time.
pub trait Sensor<X> {
    /// Why there is none.
    type Error;

    /// The newest input; `now` is the tick of the call.
    ///
    /// # Errors
    /// The device does not answer or what it says makes no sense.
    async fn sample(&mut self, now: u32) -> Result<Sample<X>, Self::Error>;
}

/// What a controller's output drives, in time.
pub trait Actuator<Y> {
    /// Why it was not driven.
    type Error;

    /// Drives the output.
    ///
    /// # Errors
    /// The device does not answer.
    async fn drive(&mut self, output: &Y) -> Result<(), Self::Error>;
}

/// A clock that can be waited for.
pub trait Timer: Clock {
    /// Returns when so many ticks have gone by, or somewhat earlier or later.
    async fn wait(&mut self, ticks: u32);
}

/// Does one period if it is due, for a task that has a ticker of its own.
///
/// A period whose future is dropped before it is done begins again with the next call, or is missed. A ticker that
/// is at times earlier than the clock says skips a period: [`run`] does not.
pub async fn period<C, S, A, K, W, const I: usize, const O: usize>(
    supervisor: &mut Supervisor<C, I, O>,
    devices: &mut Parts<S, A, K, W>,
) -> Option<Step<I, O>>
where
    C: Ports<I, O>,
    S: Sensor<C::Input>,
    A: Actuator<C::Output>,
    K: Clock,
    W: Watchdog,
{
    let now = devices.clock.now();
    let due = supervisor.begin(now)?;
    let sample = devices.sensor.sample(now).await.ok();
    // As old as it is by now: it has been waited for.
    let decision = supervisor.decide(due, sample, devices.clock.now());
    let step = supervisor.conclude(decision, devices.clock.now());
    let taken = devices.actuator.drive(&C::output_from_raw(&step.output)).await.is_ok();
    if taken {
        devices.watchdog.feed();
    }
    Some(supervisor.finish(step, taken))
}

/// Does one period after another for ever; `after` hears of each.
pub async fn run<C, S, A, K, W, const I: usize, const O: usize>(
    supervisor: &mut Supervisor<C, I, O>,
    devices: &mut Parts<S, A, K, W>,
    mut after: impl FnMut(&Step<I, O>, &mut Supervisor<C, I, O>),
) -> !
where
    C: Ports<I, O>,
    S: Sensor<C::Input>,
    A: Actuator<C::Output>,
    K: Timer,
    W: Watchdog,
{
    loop {
        let ticks = supervisor.wait(devices.clock.now());
        devices.clock.wait(ticks).await;
        if let Some(step) = period(supervisor, devices).await {
            after(&step, supervisor);
        }
    }
}

#[cfg(test)]
#[path = "task_tests.rs"]
mod tests;
