//! One period after another: sample, check, step, check, drive.
//!
//! Stands on `device` and `supervisor`.

use super::device::Devices;
use super::supervisor::{Step, Supervisor};
use crate::controller::Ports;

/// A controller in its loop.
///
/// ```
/// use nervecord::control::{ControlLoop, InputLimits, Limits, OutputLimits, Parts, Recovery};
/// use nervecord::control::{Sample, Settings, State, Supervisor, Tolerance};
/// use nervecord::{Formats, fixed::types::I4F12};
/// # use nervecord::control::{Actuator, Sensor};
/// # use nervecord::{Controller, Status};
/// # struct Angle;
/// # impl Sensor<[I4F12; 1]> for Angle {
/// #     type Error = ();
/// #     fn sample(&mut self, now: u32) -> Result<Sample<[I4F12; 1]>, ()> {
/// #         Ok(Sample::new([I4F12::from_num(0.75)], now))
/// #     }
/// # }
/// # struct Motor;
/// # impl Actuator<[I4F12; 1]> for Motor {
/// #     type Error = ();
/// #     fn drive(&mut self, _: &[I4F12; 1]) -> Result<(), ()> { Ok(()) }
/// # }
/// # struct Policy;
/// # impl Controller for Policy {
/// #     type Input = [I4F12; 1];
/// #     type Output = [I4F12; 1];
/// #     fn reset(&mut self) {}
/// #     fn step(&mut self, [x]: &[I4F12; 1]) -> [I4F12; 1] { [-2 * *x] }
/// #     fn status(&self) -> Status { Status::new() }
/// # }
/// # let mut ticks = 0;
/// # let clock = move || { ticks += 1; ticks };
/// // Radians and newton metres. Of a generated model: `Settings::of::<Policy>(20)`, with the limits of its
/// // `nervecord.toml`.
/// const LIMITS: Limits<1, 1> = Limits::new(
///     &Formats::of_numbers::<I4F12, I4F12>(),
///     &[InputLimits { min: -1.5, max: 1.5, stuck: 0 }],
///     &[OutputLimits { slew: 1.0, ..OutputLimits::symmetric(1.25) }],
///     Tolerance::DEFAULT,
/// );
/// const SETTINGS: Settings<1, 1> = Settings {
///     deadline: 5,
///     max_age: 3,
///     recovery: Recovery { healthy: 1, ..Recovery::DEFAULT },
///     ..Settings::new(LIMITS, 20)
/// };
/// let devices = Parts { sensor: Angle, actuator: Motor, clock, watchdog: () };
/// let mut control = ControlLoop::new(Supervisor::new(Policy, SETTINGS), devices);
/// let steps: Vec<_> = (0..50).filter_map(|_| control.poll()).collect();
/// assert_eq!(steps[0].output, [-4096]); // -1.0, as far as the slew limit lets it
/// assert_eq!(steps[1].output, [-5120]); // -1.25, the clamp; the controller wants -1.5
/// assert_eq!(steps[1].state, State::Running);
/// ```
#[derive(Clone, Debug)]
pub struct ControlLoop<C, D, const I: usize, const O: usize> {
    /// What decides, for its counters, to stop it and to rearm it.
    pub supervisor: Supervisor<C, I, O>,
    /// What is around it, to talk to a device between periods.
    pub devices: D,
}

impl<C, D, const I: usize, const O: usize> ControlLoop<C, D, I, O>
where
    C: Ports<I, O>,
    D: Devices<C::Input, C::Output>,
{
    /// A loop whose first period starts now, with the guard in charge.
    pub fn new(mut supervisor: Supervisor<C, I, O>, mut devices: D) -> Self {
        supervisor.start(devices.now());
        Self { supervisor, devices }
    }

    /// Does one period if it is due.
    pub fn poll(&mut self) -> Option<Step<I, O>> {
        let now = self.devices.now();
        let due = self.supervisor.begin(now)?;
        let sample = self.devices.sample(now);
        let decision = self.supervisor.decide(due, sample, now);
        let step = self.supervisor.conclude(decision, self.devices.now());
        let taken = self.devices.drive(&C::output_from_raw(&step.output));
        if taken {
            self.devices.feed();
        }
        Some(self.supervisor.finish(step, taken))
    }
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
