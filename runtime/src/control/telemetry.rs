//! The last steps of a loop, kept in a ring and sent as frames when there is time.
//!
//! A record's payload is, integers low byte first:
//!
//! ```text
//! number, 4 | state, 1 | fault, 1 | latency, 4 | status, 4 | inputs, 4 each | outputs, 4 each
//! ```
//!
//! `state` and `fault` are 0xFF for "running" and "none", else the number of a [`Fault`].
//!
//! Stands on `supervisor` and `frame`.

use heapless::{Deque, Vec};

use super::fault::Fault;
use super::frame;
use super::supervisor::{State, Step};

/// Bytes of a record besides its inputs and outputs.
pub const FIXED: usize = 14;

/// A ring of the last `N` steps that have not been sent.
#[derive(Debug)]
pub struct Telemetry<const I: usize, const O: usize, const N: usize> {
    ring: Deque<Step<I, O>, N>,
    sequence: u16,
    lost: u32,
}

impl<const I: usize, const O: usize, const N: usize> Default for Telemetry<I, O, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const I: usize, const O: usize, const N: usize> Telemetry<I, O, N> {
    /// An empty ring.
    pub const fn new() -> Self {
        Self { ring: Deque::new(), sequence: 0, lost: 0 }
    }

    /// Keeps a step; in a full ring it takes the place of the oldest.
    pub fn push(&mut self, step: Step<I, O>) {
        if self.ring.is_full() && self.ring.pop_front().is_some() {
            self.lost = self.lost.saturating_add(1);
        }
        // Fails for a ring of no places only.
        if self.ring.push_back(step).is_err() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// The oldest step as a frame of at most `M` bytes, which leaves the ring.
    ///
    /// `None` for an empty ring, or a record that does not fit.
    pub fn frame<const M: usize>(&mut self) -> Option<Vec<u8, M>> {
        let step = self.ring.pop_front()?;
        let frame = frame::encode(self.sequence, &record::<I, O, M>(&step)?)?;
        self.sequence = self.sequence.wrapping_add(1);
        Some(frame)
    }

    /// Steps that were overwritten before they were sent.
    pub fn lost(&self) -> u32 {
        self.lost
    }

    /// Steps that wait.
    pub fn waiting(&self) -> usize {
        self.ring.len()
    }
}

/// The byte of a fault, if there is one.
pub(super) fn code(fault: Option<Fault>) -> u8 {
    fault.map_or(0xff, |fault| fault as u8)
}

/// The byte of a state.
pub(super) fn state_code(state: State) -> u8 {
    match state {
        State::Running => 0xff,
        State::Safe(fault) => fault as u8,
    }
}

fn record<const I: usize, const O: usize, const M: usize>(step: &Step<I, O>) -> Option<Vec<u8, M>> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&step.number.to_le_bytes()).ok()?;
    bytes.extend_from_slice(&[state_code(step.state), code(step.fault)]).ok()?;
    bytes.extend_from_slice(&step.latency.to_le_bytes()).ok()?;
    bytes.extend_from_slice(&step.status.bits().to_le_bytes()).ok()?;
    for value in step.input.unwrap_or([0; I]).iter().chain(&step.output) {
        bytes.extend_from_slice(&value.to_le_bytes()).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;
    use crate::control::frame::{Order, Parser};

    extern crate std;

    fn step(number: u32) -> Step<2, 1> {
        Step {
            number,
            state: State::Safe(Fault::Stale),
            fault: None,
            status: Status::new(),
            latency: 7,
            input: Some([1, -1]),
            output: [300],
        }
    }

    #[test]
    fn a_full_ring_drops_the_oldest_and_says_so() {
        let mut telemetry = Telemetry::<2, 1, 3>::new();
        (0..5).for_each(|number| telemetry.push(step(number)));
        assert_eq!((telemetry.waiting(), telemetry.lost()), (3, 2));
        let mut parser = Parser::<48>::new();
        let mut heard = std::vec::Vec::new();
        while let Some(frame) = telemetry.frame::<48>() {
            parser.feed(&frame, |f| heard.push((f.sequence, f.order, f.payload.to_vec())));
        }
        assert_eq!(heard.len(), 3);
        let (sequence, order, payload) = &heard[2];
        assert_eq!((*sequence, *order), (2, Order::Fresh));
        let expected = [
            4, 0, 0, 0, 3, 0xff, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 44, 1, 0,
            0,
        ];
        assert_eq!(payload[..], expected);
        assert_eq!(payload.len(), FIXED + 4 * 3);
    }

    #[test]
    fn a_record_that_does_not_fit_is_none() {
        let mut telemetry = Telemetry::<2, 1, 3>::new();
        telemetry.push(step(0));
        assert_eq!(telemetry.frame::<20>(), None);
    }
}
