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
//! The core's frames are numbered by its periods, the others by theirs. A sample is as old as its
//! number says, not as the look into the mailbox: against the frame that came the soonest after its
//! number, one that the link held back by a period is a period old. State and fault are coded as in
//! [`telemetry`](super::telemetry).
//!
//! Stands on `period`, `supervisor`, `frame` and the codes of `telemetry`.

use core::convert::Infallible;

use heapless::Vec;

use super::device::{Actuator, Clock, Parts, Sample, Sensor};
use super::fault::Faults;
use super::frame::{self, Counts, Order, Parser};
use super::period::ControlLoop;
use super::supervisor::{self, Recovery, State, Step, Supervisor};
use super::telemetry::{code, state_code};
use crate::controller::{Controller, Ports};

/// Longest frame: what 60 numbers take.
pub const LONGEST: usize = frame::OVERHEAD + 4 + 4 * 60;

/// What both ends agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Periods that a sample may be used for after the one it came in.
    pub max_age: u32,
    /// Sound samples on end before the controller is back in charge.
    pub healthy: u16,
}

impl Settings {
    /// Number of words.
    pub const WORDS: usize = 2;

    /// As words, to be sent.
    pub const fn to_words(self) -> [u32; Self::WORDS] {
        [self.max_age, self.healthy as u32]
    }

    /// From words.
    pub const fn from_words([max_age, healthy]: [u32; Self::WORDS]) -> Self {
        Self { max_age, healthy: healthy as u16 }
    }
}

/// Samples on end behind the soonest one before that one counts as a clock's drift: the two ends'
/// clocks may differ by a part in as many.
const DRIFT: u8 = 255;

/// The newest sample that has come.
#[derive(Clone, Debug)]
pub struct Mailbox<X> {
    newest: Option<Sample<X>>,
    sequence: u16,
    /// The sender's number less this end's period, of the sample that came the soonest.
    soonest: Option<u16>,
    behind_on_end: u8,
}

impl<X> Mailbox<X> {
    const fn new() -> Self {
        Self { newest: None, sequence: 0, soonest: None, behind_on_end: 0 }
    }

    /// Takes in a sample that has come in the period `now`.
    fn put(&mut self, value: X, sequence: u16, now: u32) {
        let lead = sequence.wrapping_sub(now as u16);
        let soonest = self.soonest.unwrap_or(lead);
        // Periods behind the soonest; of all numbers, half lie ahead of it.
        let behind = soonest.wrapping_sub(lead);
        let behind = if behind < 0x8000 { behind } else { 0 };
        let mut soonest = lead.wrapping_add(behind);
        self.behind_on_end = if behind > 0 { self.behind_on_end.saturating_add(1) } else { 0 };
        if self.behind_on_end == DRIFT {
            soonest = soonest.wrapping_sub(1);
            self.behind_on_end = 0;
        }
        self.soonest = Some(soonest);
        self.newest = Some(Sample::new(value, now.wrapping_sub(behind as u32)));
        self.sequence = sequence;
    }

    /// The sender counts anew.
    fn restart(&mut self) {
        self.soonest = None;
    }
}

/// There has been no sample yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty;

impl<X: Clone> Sensor<X> for Mailbox<X> {
    type Error = Empty;

    fn sample(&mut self, _: u32) -> Result<Sample<X>, Empty> {
        self.newest.clone().ok_or(Empty)
    }
}

/// The outputs go into the answer, which the step has already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Answer;

impl<Y> Actuator<Y> for Answer {
    type Error = Infallible;

    fn drive(&mut self, _: &Y) -> Result<(), Infallible> {
        Ok(())
    }
}

/// A clock of one tick a period.
#[derive(Clone, Copy, Debug, Default)]
pub struct Periods(u32);

impl Clock for Periods {
    fn now(&mut self) -> u32 {
        self.0
    }
}

/// The core's end.
#[derive(Debug)]
pub struct Remote<C: Controller, const I: usize, const O: usize> {
    parser: Parser<LONGEST>,
    control: ControlLoop<C, Parts<Mailbox<C::Input>, Answer, Periods>, I, O>,
    sequence: u16,
}

impl<C, const I: usize, const O: usize> Remote<C, I, O>
where
    C: Ports<I, O, Input: Clone>,
{
    /// A loop around a controller, before its first period.
    ///
    /// Its limits and tables are those of `around`, and its times what both ends agreed on.
    pub fn new(controller: C, around: supervisor::Settings<I, O>, agreed: &Settings) -> Self {
        let Settings { max_age, healthy } = *agreed;
        let recovery = Recovery { healthy, ..Recovery::DEFAULT };
        let settings = supervisor::Settings { period: 1, deadline: 0, max_age, recovery, ..around };
        let (sensor, clock) = (Mailbox::new(), Periods::default());
        let devices = Parts { sensor, actuator: Answer, clock, watchdog: () };
        let control = ControlLoop::new(Supervisor::new(controller, settings), devices);
        Self { parser: Parser::new(), control, sequence: 0 }
    }

    /// One period: takes in what the link has brought, steps, and returns what to send.
    pub fn period(&mut self, received: &[u8]) -> (Option<Step<I, O>>, Vec<u8, LONGEST>) {
        let Parts { sensor: mailbox, clock: Periods(now), .. } = &mut self.control.devices;
        self.parser.feed(received, |frame| {
            if frame.order.is_newest()
                && let Some(raw) = numbers(frame.payload)
            {
                if frame.order == Order::Restart {
                    mailbox.restart();
                }
                mailbox.put(C::input_from_raw(&raw), frame.sequence, *now);
            }
        });
        let used = mailbox.sequence;
        let step = self.control.poll();
        let Periods(now) = &mut self.control.devices.clock;
        *now = now.wrapping_add(1);
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
        self.control.supervisor.faults()
    }

    /// The controller, for a test to disturb.
    pub fn controller(&mut self) -> &mut C {
        self.control.supervisor.controller()
    }

    /// Who is in charge.
    pub fn state(&self) -> State {
        self.control.supervisor.state()
    }
}

/// The integers of a payload, if it has exactly as many.
pub fn numbers<const I: usize>(payload: &[u8]) -> Option<[i32; I]> {
    let (words, rest) = payload.as_chunks::<4>();
    let mut numbers = [0; I];
    for (number, word) in numbers.iter_mut().zip(words) {
        *number = i32::from_le_bytes(*word);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use crate::control::Fault;
    use crate::limits::Limits;
    use crate::number::Formats;

    extern crate std;
    use std::vec::Vec as List;

    /// Its output is its input.
    struct Echo;

    impl Controller for Echo {
        type Input = [i32; 1];
        type Output = [i32; 1];
        fn reset(&mut self) {}
        fn step(&mut self, input: &[i32; 1]) -> [i32; 1] {
            *input
        }
        fn status(&self) -> Status {
            Status::new()
        }
    }

    /// A core that takes samples up to two periods old, after some undisturbed periods.
    fn running(periods: u16) -> Remote<Echo, 1, 1> {
        const LIMITS: Limits<1, 1> = Limits::any(&Formats::of_numbers::<i32, i32>());
        let around = supervisor::Settings::new(LIMITS, 1);
        let mut remote = Remote::new(Echo, around, &Settings { max_age: 2, healthy: 1 });
        for number in 0..periods {
            assert_eq!(period(&mut remote, Some(number)), (None, number.into()));
        }
        remote
    }

    /// The fault and the output of a period in which the frame of a number comes, or none.
    fn period(remote: &mut Remote<Echo, 1, 1>, number: Option<u16>) -> (Option<Fault>, i32) {
        let frame = number.and_then(|number| inputs(number, &[number.into()]));
        let (step, _) = remote.period(&frame.unwrap_or_default());
        let step = step.unwrap();
        (step.fault, step.output[0])
    }

    #[test]
    fn a_sample_serves_for_as_long_as_it_is_young() {
        let mut remote = running(10);
        let found: List<_> = (0..4).map(|_| period(&mut remote, None)).collect();
        let stale = (Some(Fault::Stale), 0);
        assert_eq!(found, [(None, 9), (None, 9), stale, stale]);
    }

    #[test]
    fn a_sample_that_comes_late_is_as_old_as_its_number_says() {
        let mut remote = running(10);
        for _ in 10..13 {
            period(&mut remote, None);
        }
        // Number 10 in period 13: newer than all before, and three periods old.
        assert_eq!(period(&mut remote, Some(10)), (Some(Fault::Stale), 0));
        // Two periods old, and good for the period it comes in alone.
        assert_eq!(period(&mut remote, Some(12)), (None, 12));
        assert_eq!(period(&mut remote, None), (Some(Fault::Stale), 0));
        assert_eq!(period(&mut remote, Some(16)), (None, 16));
    }

    #[test]
    fn a_sender_that_counts_anew_is_as_young_as_it_says() {
        let mut remote = running(10);
        let found: List<_> = (0..4).map(|number| period(&mut remote, Some(number))).collect();
        let stale = (Some(Fault::Stale), 0);
        // Two are taken for late ones while the last sample ages; the third is believed.
        assert_eq!(found, [(None, 9), (None, 9), (None, 2), (None, 3)]);
        let found: List<_> = (0..3).map(|_| period(&mut remote, None)).collect();
        assert_eq!(found, [(None, 3), (None, 3), stale]);
    }

    #[test]
    fn a_clock_that_drifts_makes_no_sample_old() {
        let mut remote = running(10);
        // A sender that skips a period in every 300 of the core's.
        let mut number = 10;
        for now in 10..5000_u16 {
            let silent = now % 300 == 0;
            let (fault, _) = period(&mut remote, (!silent).then_some(number));
            number += u16::from(!silent);
            assert_eq!(fault, None, "period {now}");
        }
    }
}
