//! Faults on a link, and how many of each kind were made.

use nervecord_plants::RandomState;

/// How likely a frame meets each fault, as a part of 1; a frame meets one at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// It is lost.
    pub dropped: f64,
    /// Up to 16 bits in a row are changed.
    pub corrupted: f64,
    /// It comes twice.
    pub duplicated: f64,
    /// It comes one to three periods later, behind that period's frame.
    pub late: f64,
    /// Random bytes come before it.
    pub garbage: f64,
}

impl Rates {
    /// `rate` faults a frame, every kind as often.
    pub const fn even(rate: f64) -> Self {
        let part = rate / 5.0;
        Self { dropped: part, corrupted: part, duplicated: part, late: part, garbage: part }
    }
}

/// Faults that were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injected {
    /// Frames lost.
    pub dropped: u32,
    /// Frames changed.
    pub corrupted: u32,
    /// Frames that came twice.
    pub duplicated: u32,
    /// Frames that came periods later.
    pub late: u32,
    /// Bursts of random bytes.
    pub garbage: u32,
}

impl Injected {
    /// Faults of all kinds.
    pub fn total(&self) -> u32 {
        self.dropped + self.corrupted + self.duplicated + self.late + self.garbage
    }
}

/// One way of a link.
#[derive(Debug)]
pub struct Injector {
    rates: Rates,
    random: RandomState,
    /// A frame on its way, and the periods until it comes.
    held: Option<(usize, Vec<u8>)>,
    /// What was done so far.
    pub injected: Injected,
}

impl Injector {
    /// A way with faults of its own for every seed.
    pub fn new(rates: Rates, seed: u32) -> Self {
        let (random, injected) = (RandomState::new(seed), Injected::default());
        Self { rates, random, held: None, injected }
    }

    /// What comes out at the other end in a period; no new faults in a `calm` one.
    pub fn pass(&mut self, frame: &[u8], calm: bool) -> Vec<u8> {
        if let Some((periods, _)) = &mut self.held {
            *periods -= 1;
        }
        let held = self.held.take_if(|(periods, _)| *periods == 0);
        let mut out = if calm || frame.is_empty() { frame.to_vec() } else { self.spoil(frame) };
        out.extend(held.into_iter().flat_map(|(_, frame)| frame));
        out
    }

    fn spoil(&mut self, frame: &[u8]) -> Vec<u8> {
        let Rates { dropped, corrupted, duplicated, late, garbage } = self.rates;
        let injected = &mut self.injected;
        let mut dice = self.random.unit();
        let mut meets = |rate: f64| {
            let met = (0.0..rate).contains(&dice);
            dice -= rate;
            met
        };
        if meets(dropped) {
            injected.dropped += 1;
            return Vec::new();
        }
        if meets(corrupted) {
            injected.corrupted += 1;
            return self.corrupt(frame);
        }
        if meets(duplicated) {
            injected.duplicated += 1;
            return [frame, frame].concat();
        }
        // One on its way at a time, so that what comes late is still in the order it was sent.
        if meets(late) && self.held.is_none() {
            injected.late += 1;
            self.held = Some((1 + self.below(3), frame.to_vec()));
            return Vec::new();
        }
        if meets(garbage) {
            injected.garbage += 1;
            let count = 1 + self.below(20);
            let mut bytes: Vec<u8> = (0..count).map(|_| self.below(256) as u8).collect();
            bytes.extend_from_slice(frame);
            return bytes;
        }
        frame.to_vec()
    }

    /// A burst of up to 16 wrong bits somewhere in the frame.
    fn corrupt(&mut self, frame: &[u8]) -> Vec<u8> {
        let mut bytes = frame.to_vec();
        let burst = (1 + self.below(0xffff)) as u16;
        let at = self.below(bytes.len() - 1);
        let [low, high] = burst.to_le_bytes();
        bytes[at] ^= low;
        bytes[at + 1] ^= high;
        bytes
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.unit() * bound as f64) as usize
    }
}
