//! A control loop whose sensor and actuator are at the other end of a serial link.
//!
//! Once a period the far end sends a frame with the inputs; once a period this end answers with the
//! outputs its guard lets through, also when no frame has come. Both ends count what the link does
//! (see [`frame::Counts`]); a period without a sample in time is a fault like any other.
//!
//! ```text
//! to the core      inputs, 4 bytes each, as many as the model has
//! from the core    state, 1 | fault, 1 | number of the frame used, 2 | outputs, 4 bytes each
//! ```
//!
//! The core's frames are numbered by its periods, the others by theirs. State and fault are coded as
//! in [`telemetry`](super::telemetry).

use core::convert::Infallible;

use heapless::Vec;

use super::frame::{self, Counts, Order, Parser};
use super::period::Parts;
use super::telemetry::{code, state_code};
use super::{
    Actuator, ControlLoop, Faults, Guard, InputLimits, Number, OutputLimits, Recovery, Sample,
    Sensor, State, Step, Timing,
};
use crate::controller::Controller;

/// Longest frame: what 60 numbers take.
pub const LONGEST: usize = frame::OVERHEAD + 4 + 4 * 60;

/// What both ends agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Outputs lie in `-one..=one`, in raw integers.
    pub one: i32,
    /// The largest change of an output a period.
    pub slew: u32,
    /// Periods that a sample may be used for after the one it came in.
    pub max_age: u32,
    /// Sound samples on end before the controller is back in charge.
    pub healthy: u16,
}

impl Settings {
    /// Number of words.
    pub const WORDS: usize = 4;

    /// As words, to be sent.
    pub const fn to_words(self) -> [u32; Self::WORDS] {
        [self.one as u32, self.slew, self.max_age, self.healthy as u32]
    }

    /// From words.
    pub const fn from_words([one, slew, max_age, healthy]: [u32; Self::WORDS]) -> Self {
        Self { one: one as i32, slew, max_age, healthy: healthy as u16 }
    }

    /// The limits of an output.
    pub const fn output(&self) -> OutputLimits {
        OutputLimits { slew: self.slew, ..OutputLimits::symmetric(self.one) }
    }
}

/// The newest sample that has come.
#[derive(Clone, Debug)]
pub struct Mailbox<X, const I: usize> {
    newest: Option<Sample<[X; I]>>,
    sequence: u16,
}

/// There has been no sample yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty;

impl<X: Number, const I: usize> Sensor<[X; I]> for Mailbox<X, I> {
    type Error = Empty;

    fn sample(&mut self, _: u32) -> Result<Sample<[X; I]>, Empty> {
        self.newest.ok_or(Empty)
    }
}

/// The outputs go into the answer, which the step has already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer;

impl<Y, const O: usize> Actuator<[Y; O]> for Answer {
    type Error = Infallible;

    fn drive(&mut self, _: &[Y; O]) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A clock of one tick a period.
#[derive(Clone, Copy, Debug, Default)]
pub struct Periods(u32);

impl super::Clock for Periods {
    fn now(&mut self) -> u32 {
        self.0
    }
}

/// The core's end.
#[derive(Debug)]
pub struct Remote<C, X, const I: usize, const O: usize> {
    parser: Parser<LONGEST>,
    control: ControlLoop<C, Mailbox<X, I>, Answer, Periods, (), I, O>,
    sequence: u16,
}

impl<C, X, Y, const I: usize, const O: usize> Remote<C, X, I, O>
where
    C: Controller<Input = [X; I], Output = [Y; O]>,
    X: Number,
    Y: Number,
{
    /// A loop around a controller, before its first period.
    pub fn new(controller: C, settings: &Settings) -> Self {
        let sensor = Mailbox { newest: None, sequence: 0 };
        let clock = Periods::default();
        let parts = Parts { controller, sensor, actuator: Answer, clock, watchdog: () };
        let guard = Guard::new([InputLimits::ANY; I], [settings.output(); O], settings.max_age, 0);
        let timing = Timing { period: 1, deadline: 0 };
        let recovery = Recovery { healthy: settings.healthy, ..Recovery::default() };
        let control = ControlLoop::new(parts, guard, timing, recovery);
        Self { parser: Parser::new(), control, sequence: 0 }
    }

    /// One period: takes in what the link has brought, steps, and returns what to send.
    pub fn period(&mut self, received: &[u8]) -> (Option<Step<I, O>>, Vec<u8, LONGEST>) {
        let parts = self.control.parts();
        let (mailbox, now) = (&mut parts.sensor, parts.clock.0);
        self.parser.feed(received, |frame| {
            if frame.order == Order::Fresh
                && let Some(value) = numbers(frame.payload)
            {
                mailbox.newest = Some(Sample { value, taken: now });
                mailbox.sequence = frame.sequence;
            }
        });
        let used = mailbox.sequence;
        let step = self.control.poll();
        let clock = &mut self.control.parts().clock;
        clock.0 = clock.0.wrapping_add(1);
        let answer = step.and_then(|step| answer(self.sequence, used, &step));
        self.sequence = self.sequence.wrapping_add(1);
        (step, answer.unwrap_or_default())
    }

    /// What the link has brought so far.
    pub fn counts(&self) -> &Counts {
        self.parser.counts()
    }

    /// Faults of the loop so far.
    pub fn faults(&self) -> &Faults {
        self.control.faults()
    }

    /// Who is in charge.
    pub fn state(&self) -> State {
        self.control.state()
    }
}

/// The numbers of a payload, if it has exactly as many.
pub fn numbers<X: Number, const I: usize>(payload: &[u8]) -> Option<[X; I]> {
    let (words, rest) = payload.as_chunks::<4>();
    let mut numbers = [X::default(); I];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = X::from_raw(i32::from_le_bytes(*word));
    }
    (words.len() == I && rest.is_empty()).then_some(numbers)
}

/// The frame of the inputs.
pub fn inputs(sequence: u16, values: &[i32]) -> Option<Vec<u8, LONGEST>> {
    let mut payload = Vec::<u8, LONGEST>::new();
    for value in values {
        payload.extend_from_slice(&value.to_le_bytes()).ok()?;
    }
    frame::encode(sequence, &payload)
}

fn answer<const I: usize, const O: usize>(
    sequence: u16,
    used: u16,
    step: &Step<I, O>,
) -> Option<Vec<u8, LONGEST>> {
    let mut payload = Vec::<u8, LONGEST>::new();
    let [low, high] = used.to_le_bytes();
    payload.extend_from_slice(&[state_code(step.state), code(step.fault), low, high]).ok()?;
    for value in &step.output {
        payload.extend_from_slice(&value.to_le_bytes()).ok()?;
    }
    frame::encode(sequence, &payload)
}
