//! What decides in a loop, as a value: time and samples in, what to drive and what happened out.
//!
//! It touches no device and no clock, so the same value serves a main loop, an interrupt, an async task, a
//! simulation and a test. A period is four calls, each of which takes what the one before returned:
//!
//! ```text
//! begin(now) --Due--> decide(sample, now) --Decision--> conclude(now) --Step--> finish(taken) --Step
//!     is it time?         guard, controller                deadline, guard          faults of the actuator
//! ```
//!
//! Stands on `device`, `fault`, `guard` and [`Controller`](crate::Controller)s.

use super::device::Sample;
use super::fault::{Fault, Faults};
use super::guard::Guard;
use crate::controller::{Ports, RawStep, Status};
use crate::input::WrongLength;
use crate::integrity::Tables;
use crate::limits::Limits;

/// The way back from the safe output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Periods on end with a sound sample before the controller is back in charge, at least 1.
    pub healthy: u16,
    /// Also wait for a call of [`Supervisor::rearm`].
    pub manual: bool,
    /// Start the controller again from its reset state, because its memory is of another time.
    pub reset: bool,
}

impl Recovery {
    /// Five sound samples, nobody to wait for, and a reset.
    pub const DEFAULT: Self = Self { healthy: 5, manual: false, reset: true };
}

impl Default for Recovery {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a [`Supervisor`] holds a controller to, field by field; times are in the clock's ticks.
///
/// ```
/// use nervecord::control::{InputLimits, Limits, OutputLimits, Recovery, Settings, Tolerance};
/// use nervecord::{Formats, fixed::types::I4F12};
///
/// // Radians in, newton metres out. Of a generated model: `Settings::of::<Policy>(20)`, with the limits of its
/// // `nervecord.toml`.
/// const LIMITS: Limits<1, 1> = Limits::new(
///     &Formats::of_numbers::<I4F12, I4F12>(),
///     &[InputLimits { min: -1.5, max: 1.5, stuck: 10 }],
///     &[OutputLimits { slew: 1.0, ..OutputLimits::symmetric(1.25) }],
///     Tolerance::DEFAULT,
/// );
/// const SETTINGS: Settings<1, 1> = Settings {
///     deadline: 5,
///     recovery: Recovery { healthy: 1, ..Recovery::DEFAULT },
///     ..Settings::new(LIMITS, 20)
/// };
/// assert_eq!(SETTINGS.max_age, 20);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Settings<const I: usize, const O: usize> {
    /// Ticks from one step to the next, at least 1 and below 2^31.
    pub period: u32,
    /// Ticks after the start of a period by which the output must be ready: by default a period.
    pub deadline: u32,
    /// Ticks beyond which a sample is stale: by default a period.
    pub max_age: u32,
    /// What inputs and outputs are held to.
    pub limits: Limits<I, O>,
    /// The tables that are checked, if any.
    pub tables: Option<&'static Tables>,
    /// The way back from the safe output.
    pub recovery: Recovery,
}

impl<const I: usize, const O: usize> Settings<I, O> {
    /// A step every so many ticks within these limits.
    pub const fn new(limits: Limits<I, O>, period: u32) -> Self {
        let recovery = Recovery::DEFAULT;
        Self { period, deadline: period, max_age: period, limits, tables: None, recovery }
    }

    /// A step every so many ticks of the model `M`, with the limits that `nervecord.toml` stated when it was
    /// compiled, and its tables if that asked for it.
    pub const fn of<M: RawStep<I, O>>(period: u32) -> Self {
        Self { tables: M::TABLES, ..Self::new(M::GUARD, period) }
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

/// A period that has begun: a sample is due.
#[derive(Debug)]
#[must_use = "a period that is not finished begins again"]
pub struct Due {
    fault: Option<Fault>,
}

/// A period in which the controller has been stepped, or not: an output is due.
#[derive(Debug)]
#[must_use = "a period that is not finished begins again"]
pub struct Decision<const I: usize, const O: usize> {
    fault: Option<Fault>,
    status: Status,
    input: Option<[i32; I]>,
    output: Option<[i32; O]>,
}

/// A controller and what decides whether its output is driven.
///
/// ```
/// use nervecord::control::{Fault, Limits, Recovery, Sample, Settings, State, Supervisor};
/// use nervecord::{Formats, fixed::types::I4F12};
/// # use nervecord::{Controller, Status};
/// # struct Policy;
/// # impl Controller for Policy {
/// #     type Input = [I4F12; 1];
/// #     type Output = [I4F12; 1];
/// #     fn reset(&mut self) {}
/// #     fn step(&mut self, [x]: &[I4F12; 1]) -> [I4F12; 1] { [-2 * *x] }
/// #     fn status(&self) -> Status { Status::new() }
/// # }
/// const LIMITS: Limits<1, 1> = Limits::any(&Formats::of_numbers::<I4F12, I4F12>());
/// let recovery = Recovery { healthy: 1, ..Recovery::DEFAULT };
/// let settings = Settings { deadline: 5, recovery, ..Settings::new(LIMITS, 20) };
/// let mut supervisor = Supervisor::new(Policy, settings);
///
/// let mut period = |now, sample| {
///     let due = supervisor.begin(now)?; // `None`: not yet
///     let decision = supervisor.decide(due, sample, now);
///     let step = supervisor.conclude(decision, now + 2);
///     // Here `step.output` is driven.
///     Some(supervisor.finish(step, true))
/// };
/// let sample = |now| Some(Sample::new([I4F12::from_num(0.5)], now));
/// let step = period(1000, sample(1000)).unwrap();
/// assert_eq!((step.state, step.output), (State::Running, [-4096])); // -1.0
/// assert_eq!(period(1019, sample(1019)), None);
/// let step = period(1020, None).unwrap(); // the sensor has failed
/// assert_eq!((step.state, step.output), (State::Safe(Fault::Sensor), [0]));
/// ```
///
/// A sample of another shape does not compile:
///
/// ```compile_fail,E0308
/// # use nervecord::control::{Limits, Sample, Settings, Supervisor};
/// # use nervecord::{Controller, Formats, Status, fixed::types::I4F12};
/// # struct Policy;
/// # impl Controller for Policy {
/// #     type Input = [I4F12; 1];
/// #     type Output = [I4F12; 1];
/// #     fn reset(&mut self) {}
/// #     fn step(&mut self, [x]: &[I4F12; 1]) -> [I4F12; 1] { [-2 * *x] }
/// #     fn status(&self) -> Status { Status::new() }
/// # }
/// # let limits = Limits::any(&Formats::of_numbers::<I4F12, I4F12>());
/// # let mut supervisor = Supervisor::new(Policy, Settings::<1, 1>::new(limits, 20));
/// # let due = supervisor.begin(0).unwrap();
/// let sample = Sample::new([I4F12::ZERO; 2], 0); // the policy has one input
/// let decision = supervisor.decide(due, Some(sample), 0);
/// ```
///
/// Nor do limits of another shape, which a model of another shape would need:
///
/// ```compile_fail,E0271
/// # use nervecord::control::{Limits, Sample, Settings, Supervisor};
/// # use nervecord::{Controller, Formats, Status, fixed::types::I4F12};
/// # struct Policy;
/// # impl Controller for Policy {
/// #     type Input = [I4F12; 1];
/// #     type Output = [I4F12; 1];
/// #     fn reset(&mut self) {}
/// #     fn step(&mut self, [x]: &[I4F12; 1]) -> [I4F12; 1] { [-2 * *x] }
/// #     fn status(&self) -> Status { Status::new() }
/// # }
/// let limits: Limits<2, 1> = Limits::any(&Formats::of_numbers::<I4F12, I4F12>());
/// let supervisor = Supervisor::new(Policy, Settings::new(limits, 20));
/// ```
#[derive(Clone, Debug)]
pub struct Supervisor<C, const I: usize, const O: usize> {
    controller: C,
    pub(super) guard: Guard<I, O>,
    period: u32,
    deadline: u32,
    recovery: Recovery,
    /// When the next period begins; `None` before the first.
    due: Option<u32>,
    number: u32,
    state: State,
    healthy: u16,
    rearmed: bool,
    faults: Faults,
}

impl<C: Ports<I, O>, const I: usize, const O: usize> Supervisor<C, I, O> {
    /// A supervisor before its first period, with the guard in charge; it has checked the tables if there are
    /// any to check.
    pub fn new(controller: C, settings: Settings<I, O>) -> Self {
        let Settings { period, deadline, max_age, limits, tables, recovery } = settings;
        let guard = Guard::new(&limits, max_age);
        Self {
            controller,
            guard: match tables {
                Some(tables) => guard.with_tables(tables),
                None => guard,
            },
            period: period.max(1),
            deadline,
            recovery,
            due: None,
            number: 0,
            // As if there had been no sample yet: the way into service is the way back into it.
            state: State::Safe(Fault::Sensor),
            healthy: 0,
            rearmed: true,
            faults: Faults::new(),
        }
    }

    /// Has the first period begin at a tick, where it would begin with the first call of [`begin`](Self::begin).
    pub fn start(&mut self, now: u32) {
        self.due = Some(now);
    }

    /// Ticks until the next period; 0 where it is due, or the clock went astray.
    pub fn wait(&self, now: u32) -> u32 {
        let ahead = self.due.unwrap_or(now).wrapping_sub(now);
        if ahead <= self.period { ahead } else { 0 }
    }

    /// Begins a period if it is due, and checks a slice of the tables.
    ///
    /// A period that is not brought to its [end](Self::finish), as when a task is cancelled, begins again, or is
    /// one that was missed.
    pub fn begin(&mut self, now: u32) -> Option<Due> {
        let due = *self.due.get_or_insert(now);
        let mut late = now.wrapping_sub(due); // below 2^31, or the period lies ahead
        let mut fault = None;
        if late >= 1 << 31 {
            // No sound clock is further from the next period than a whole one.
            if due.wrapping_sub(now) <= self.period {
                return None;
            }
            self.note(&mut fault, Fault::Clock);
            self.due = Some(now);
            late = 0;
        }
        if late >= self.period {
            // The period is at least 1, which the compiler does not know.
            let missed = late.checked_div(self.period).unwrap_or(0);
            self.due = Some(due.wrapping_add(missed.wrapping_mul(self.period)));
            self.number = self.number.wrapping_add(missed);
            self.faults.count(Fault::Overrun, missed);
            fault = Some(Fault::Overrun);
        }
        if let Err(damage) = self.guard.check_tables() {
            self.note(&mut fault, damage);
        }
        Some(Due { fault })
    }

    /// A sample of integers whose number is known at run time only, such as what a link has brought; each
    /// saturates in its input's format.
    ///
    /// # Errors
    /// There are not as many as the controller has inputs.
    pub fn sample(&self, raw: &[i32], taken: u32) -> Result<Sample<C::Input>, WrongLength> {
        Ok(Sample::new(C::input_from_raw(WrongLength::check(raw)?), taken))
    }

    /// Takes the sample in, or that the sensor gave none, and steps the controller if that is sound.
    ///
    /// `now` is the tick against which the sample's age is measured.
    pub fn decide(
        &mut self,
        due: Due,
        sample: Option<Sample<C::Input>>,
        now: u32,
    ) -> Decision<I, O> {
        let Due { fault } = due;
        let mut decision = Decision { fault, status: Status::new(), input: None, output: None };
        let Some(sample) = sample else {
            self.note(&mut decision.fault, Fault::Sensor);
            return decision;
        };
        let raw = C::input_to_raw(&sample.value);
        decision.input = Some(raw);
        if let Err(fault) = self.guard.check(&raw, sample.status, now.wrapping_sub(sample.taken)) {
            self.note(&mut decision.fault, fault);
        } else if decision.fault.is_none() && self.in_charge() {
            self.step(&sample, &mut decision);
        }
        decision
    }

    /// Steps the controller on a sound sample.
    fn step(&mut self, sample: &Sample<C::Input>, decision: &mut Decision<I, O>) {
        let output = self.controller.step(&sample.value);
        let own = self.controller.status();
        decision.status = own.and(sample.status);
        // What was no number in the sample the guard has borne already.
        let clamped = Status::from_bits(sample.status.bits());
        // Whatever stood in for it: an output made of no number is not for the actuator.
        match self.guard.status(own.and(clamped)) {
            Ok(()) => decision.output = Some(C::output_to_raw(&output)),
            Err(fault) => self.note(&mut decision.fault, fault),
        }
    }

    /// What to drive, the controller's output or the safe one; `now` is the tick at which it is ready.
    pub fn conclude(&mut self, decision: Decision<I, O>, now: u32) -> Step<I, O> {
        let Decision { mut fault, status, input, output } = decision;
        let mut latency = now.wrapping_sub(self.due.unwrap_or(now));
        // A period that was due in the clock's future cannot be late.
        if latency >= 1 << 31 {
            latency = 0;
        }
        if latency > self.deadline {
            self.note(&mut fault, Fault::Deadline);
        }
        if let Some(fault) = fault {
            self.fall_back(fault);
        }
        let output = match (output, fault) {
            (Some(output), None) => self.guard.output(&output),
            _ => self.guard.safe(),
        };
        Step { number: self.number, state: self.state, fault, status, latency, input, output }
    }

    /// The period's end: whether the actuator has taken the output.
    pub fn finish(&mut self, mut step: Step<I, O>, taken: bool) -> Step<I, O> {
        if !taken {
            self.note(&mut step.fault, Fault::Actuator);
            self.fall_back(Fault::Actuator);
        }
        self.due = self.due.map(|due| due.wrapping_add(self.period));
        self.number = self.number.wrapping_add(1);
        step
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

    /// The controller, to talk to it between periods.
    pub fn controller(&mut self) -> &mut C {
        &mut self.controller
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
            self.controller.reset();
        }
        true
    }

    /// Counts a fault, which is the period's if there was none before.
    fn note(&mut self, first: &mut Option<Fault>, fault: Fault) {
        self.faults.count(fault, 1);
        *first = first.or(Some(fault));
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
#[path = "supervisor_tests.rs"]
mod tests;
