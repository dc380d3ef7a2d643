//! One period after another: sample, check, step, check, drive.
//!
//! Stands on `device`, `fault`, `guard` and [`Controller`]s.

use super::device::{Actuator, Clock, Sample, Sensor, Watchdog};
use super::fault::{Fault, Faults};
use super::guard::Guard;
use crate::controller::{Controller, Status};
use crate::number::Number;

/// When a period starts and when its output must be ready, in the clock's ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Ticks from one step to the next, at least 1 and below 2^31.
    pub period: u32,
    /// Ticks after the start of a period by which the output must be ready.
    pub deadline: u32,
}

/// The way back from the safe output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Periods on end with a sound sample before the controller is back in charge, at least 1.
    pub healthy: u16,
    /// Also wait for a call of [`ControlLoop::rearm`].
    pub manual: bool,
    /// Start the controller again from its reset state, because its memory is of another time.
    pub reset: bool,
}

impl Default for Recovery {
    fn default() -> Self {
        Self { healthy: 5, manual: false, reset: true }
    }
}

/// Who is in charge of the actuator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum State {
    /// The controller.
    Running,
    /// The guard, because of this fault (the latest, if there were several).
    Safe(Fault),
}

/// What happened in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<const I: usize, const O: usize> {
    /// Counts periods from 0, those that were missed included.
    pub number: u32,
    /// Who was in charge of the output below.
    pub state: State,
    /// The first fault of the period, if it had any.
    pub fault: Option<Fault>,
    /// The controller's status, if it was stepped.
    pub status: Status,
    /// Ticks from the start of the period until the output was ready.
    pub latency: u32,
    /// The raw input, if there was any.
    pub input: Option<[i32; I]>,
    /// The raw output that was driven.
    pub output: [i32; O],
}

/// What a loop is made of.
#[derive(Clone, Debug)]
pub struct Parts<C, S, A, K, W = ()> {
    /// What decides.
    pub controller: C,
    /// Where its input comes from.
    pub sensor: S,
    /// Where its output goes.
    pub actuator: A,
    /// What time it is.
    pub clock: K,
    /// What resets the core if the loop stops, or `()`.
    pub watchdog: W,
}

/// A controller in its loop.
///
/// ```
/// use nervecord::control::{ControlLoop, Guard, InputLimits, Limits, OutputLimits, Tolerance};
/// use nervecord::control::{Recovery, Sample, State, Timing, period::Parts};
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
/// let parts = Parts { controller: Policy, sensor: Angle, actuator: Motor, clock, watchdog: () };
/// // Radians and newton metres. Of a generated model: `Guard::of::<Policy>(3)`, with the limits of its
/// // `nervecord.toml`.
/// const LIMITS: Limits<1, 1> = Limits::new(
///     &Formats::of_numbers::<I4F12, I4F12>(),
///     &[InputLimits { min: -1.5, max: 1.5, stuck: 0 }],
///     &[OutputLimits { slew: 1.0, ..OutputLimits::symmetric(1.25) }],
///     Tolerance::DEFAULT,
/// );
/// let guard = Guard::new(&LIMITS, 3);
/// let timing = Timing { period: 20, deadline: 5 };
/// let recovery = Recovery { healthy: 1, ..Recovery::default() };
/// let mut control = ControlLoop::new(parts, guard, timing, recovery);
/// let steps: Vec<_> = (0..50).filter_map(|_| control.poll()).collect();
/// assert_eq!(steps[0].output, [-4096]); // -1.0, as far as the slew limit lets it
/// assert_eq!(steps[1].output, [-5120]); // -1.25, the clamp; the controller wants -1.5
/// assert_eq!(steps[1].state, State::Running);
/// ```
#[derive(Clone, Debug)]
pub struct ControlLoop<C, S, A, K, W, const I: usize, const O: usize> {
    parts: Parts<C, S, A, K, W>,
    guard: Guard<I, O>,
    timing: Timing,
    recovery: Recovery,
    due: u32,
    number: u32,
    state: State,
    healthy: u16,
    rearmed: bool,
    faults: Faults,
}

/// What a period has come to so far.
struct Period<const I: usize, const O: usize> {
    fault: Option<Fault>,
    status: Status,
    input: Option<[i32; I]>,
    output: Option<[i32; O]>,
}

impl<C, S, A, K, W, X, Y, const I: usize, const O: usize> ControlLoop<C, S, A, K, W, I, O>
where
    C: Controller<Input = [X; I], Output = [Y; O]>,
    S: Sensor<[X; I]>,
    A: Actuator<[Y; O]>,
    K: Clock,
    W: Watchdog,
    X: Number,
    Y: Number,
{
    /// A loop whose first period starts now, with the guard in charge.
    pub fn new(
        mut parts: Parts<C, S, A, K, W>,
        guard: Guard<I, O>,
        timing: Timing,
        recovery: Recovery,
    ) -> Self {
        let due = parts.clock.now();
        Self {
            parts,
            guard,
            timing: Timing { period: timing.period.max(1), ..timing },
            recovery,
            due,
            number: 0,
            // As if there had been no sample yet: the way into service is the way back into it.
            state: State::Safe(Fault::Sensor),
            healthy: 0,
            rearmed: true,
            faults: Faults::new(),
        }
    }

    /// Does one period if it is due.
    pub fn poll(&mut self) -> Option<Step<I, O>> {
        let now = self.parts.clock.now();
        let mut late = now.wrapping_sub(self.due); // below 2^31, or the period lies ahead
        let mut period = Period { fault: None, status: Status::new(), input: None, output: None };
        if late >= 1 << 31 {
            // No sound clock is further from the next period than a whole one.
            if self.due.wrapping_sub(now) <= self.timing.period {
                return None;
            }
            self.note(&mut period, Fault::Clock);
            self.due = now;
            late = 0;
        }
        if late >= self.timing.period {
            // The period is at least 1, which the compiler does not know.
            let missed = late.checked_div(self.timing.period).unwrap_or(0);
            self.due = self.due.wrapping_add(missed.wrapping_mul(self.timing.period));
            self.number = self.number.wrapping_add(missed);
            self.faults.count(Fault::Overrun, missed);
            period.fault = Some(Fault::Overrun);
        }
        let step = self.period(now, period);
        self.due = self.due.wrapping_add(self.timing.period);
        self.number = self.number.wrapping_add(1);
        Some(step)
    }

    /// Lets the controller back in charge after a fault, if [`Recovery::manual`] says to wait.
    pub fn rearm(&mut self) {
        self.rearmed = true;
    }

    /// Takes the controller out of charge until it is rearmed, as after a press of a stop button.
    pub fn stop(&mut self, fault: Fault) {
        self.fall_back(fault);
        self.recovery.manual = true;
        self.rearmed = false;
    }

    /// Faults so far, by kind.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Who is in charge.
    pub fn state(&self) -> State {
        self.state
    }

    /// The guard, for its counters.
    pub fn guard(&self) -> &Guard<I, O> {
        &self.guard
    }

    /// The parts, to talk to a device between periods.
    pub fn parts(&mut self) -> &mut Parts<C, S, A, K, W> {
        &mut self.parts
    }

    fn period(&mut self, now: u32, mut period: Period<I, O>) -> Step<I, O> {
        if let Err(fault) = self.guard.check_tables() {
            self.note(&mut period, fault);
        }
        let sample = self.sample(now, &mut period);
        if let Some(sample) = sample
            && period.fault.is_none()
            && self.in_charge()
        {
            let output = self.parts.controller.step(&sample.value);
            let own = self.parts.controller.status();
            period.status = own.and(sample.status);
            // What was no number in the sample the guard has borne already.
            let clamped = Status::from_bits(sample.status.bits());
            // Whatever stood in for it: an output made of no number is not for the actuator.
            match self.guard.status(own.and(clamped)) {
                Ok(()) => period.output = Some(output.map(Number::raw)),
                Err(fault) => self.note(&mut period, fault),
            }
        }
        let mut latency = self.parts.clock.now().wrapping_sub(self.due);
        if latency > self.timing.deadline && latency < 1 << 31 {
            self.note(&mut period, Fault::Deadline);
        }
        if let Some(fault) = period.fault {
            self.fall_back(fault);
        }
        let raw = match (period.output, period.fault) {
            (Some(output), None) => self.guard.output(&output),
            _ => self.guard.safe(),
        };
        let driven = self.parts.actuator.drive(&raw.map(Y::from_raw));
        // A period that was due in the clock's future cannot be late.
        if latency >= 1 << 31 {
            latency = 0;
        }
        let state = self.state;
        match driven {
            Ok(()) => self.parts.watchdog.feed(),
            Err(_) => {
                self.note(&mut period, Fault::Actuator);
                self.fall_back(Fault::Actuator);
            }
        }
        let Period { fault, status, input, .. } = period;
        Step { number: self.number, state, fault, status, latency, input, output: raw }
    }

    /// The controller's input, if it is sound.
    fn sample(&mut self, now: u32, period: &mut Period<I, O>) -> Option<Sample<[X; I]>> {
        let Ok(sample) = self.parts.sensor.sample(now) else {
            self.note(period, Fault::Sensor);
            return None;
        };
        let raw = sample.value.map(Number::raw);
        period.input = Some(raw);
        match self.guard.check(&raw, sample.status, now.wrapping_sub(sample.taken)) {
            Ok(()) => Some(sample),
            Err(fault) => {
                self.note(period, fault);
                None
            }
        }
    }

    /// After a sound sample: whether the controller decides this period.
    fn in_charge(&mut self) -> bool {
        if self.state == State::Running {
            return true;
        }
        self.healthy = self.healthy.saturating_add(1);
        if self.healthy < self.recovery.healthy || (self.recovery.manual && !self.rearmed) {
            return false;
        }
        self.state = State::Running;
        if self.recovery.reset {
            self.parts.controller.reset();
        }
        true
    }

    fn note(&mut self, period: &mut Period<I, O>, fault: Fault) {
        self.faults.count(fault, 1);
        period.fault = period.fault.or(Some(fault));
    }

    fn fall_back(&mut self, fault: Fault) {
        if self.state == State::Running {
            warning!("control: safe output in period {=u32}", self.number);
            self.rearmed = false;
        }
        self.state = State::Safe(fault);
        self.healthy = 0;
    }
}

#[cfg(test)]
#[path = "period_tests.rs"]
mod tests;
