//! Frames on a serial link, found again after garbage.
//!
//! ```text
//! 0xA5 | length n | !n | sequence number, 2 | payload, n | CRC-16, 2      integers low byte first
//! ```
//!
//! The CRC (CCITT, start 0xFFFF) covers everything between the first byte and itself, so any burst
//! of up to 16 wrong bits is found. Nothing is escaped: the first byte may occur inside a frame, and
//! a receiver that took such a byte for a start finds that out by the length's complement or by
//! the CRC, goes on behind that one byte, and loses no frame that follows.
//!
//! Stands on nothing.

use heapless::Vec;

/// First byte of a frame.
pub const START: u8 = 0xa5;

/// Bytes of a frame besides its payload.
pub const OVERHEAD: usize = 7;

/// Bytes before the payload.
const HEAD: usize = 5;

/// Frames in a row whose numbers lie in the past before the sender counts as restarted.
const RESTART: u8 = 3;

/// CRC-16/CCITT-FALSE, continued from `crc` (0xFFFF to begin).
pub fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, &byte| {
        // Eight steps of the polynomial x^16 + x^12 + x^5 + 1 at once.
        let x = (crc >> 8) ^ byte as u16; // 0 <= x <= 255
        let x = x ^ (x >> 4);
        (crc << 8) ^ (x << 12) ^ (x << 5) ^ x
    })
}

/// A frame of at most `N` bytes, or `None` if the payload is longer than `N - OVERHEAD` or 255.
pub fn encode<const N: usize>(sequence: u16, payload: &[u8]) -> Option<Vec<u8, N>> {
    let length = u8::try_from(payload.len()).ok()?;
    let mut frame = Vec::new();
    let [low, high] = sequence.to_le_bytes();
    frame.extend_from_slice(&[START, length, !length, low, high]).ok()?;
    frame.extend_from_slice(payload).ok()?;
    let crc = crc16(0xffff, frame.get(1..)?);
    frame.extend_from_slice(&crc.to_le_bytes()).ok()?;
    Some(frame)
}

/// How a frame follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is newer.
    Fresh,
    /// It is the newest of a sender that counts anew.
    Restart,
    /// It has the number of the newest.
    Duplicate,
    /// It is older than the newest.
    Late,
}

impl Order {
    /// Whether the frame is newer than all before it.
    pub const fn is_newest(self) -> bool {
        matches!(self, Self::Fresh | Self::Restart)
    }
}

/// A whole frame with a right CRC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The sender's number.
    pub sequence: u16,
    /// How it follows the one before.
    pub order: Order,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What a receiver has seen, by kind; every counter stops at its largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames newer than all before.
    pub fresh: u32,
    /// Numbers that were skipped: frames lost, corrupted, or yet to come as late ones.
    pub skipped: u32,
    /// Frames with the number of the newest.
    pub duplicate: u32,
    /// Frames older than the newest.
    pub late: u32,
    /// Times that the sender began to count anew.
    pub restarts: u32,
    /// Starts with an impossible length.
    pub length: u32,
    /// Starts with a wrong CRC.
    pub crc: u32,
    /// Bytes that belong to no frame.
    pub garbage: u32,
}

/// Finds frames of at most `N` bytes in a stream.
#[derive(Clone, Debug, Default)]
pub struct Parser<const N: usize> {
    /// What may still be a frame: empty, or begins with [`START`].
    buffer: Vec<u8, N>,
    newest: Option<u16>,
    past: (u16, u8),
    counts: Counts,
}

/// What the head of the buffer is.
enum Head {
    /// The beginning of a frame, so far.
    Incomplete,
    /// A frame of this many bytes.
    Whole(usize),
    /// No frame.
    Garbage,
}

impl<const N: usize> Parser<N> {
    /// A parser that has seen nothing.
    pub const fn new() -> Self {
        const { assert!(N >= OVERHEAD) };
        let counts = Counts {
            fresh: 0,
            skipped: 0,
            duplicate: 0,
            late: 0,
            restarts: 0,
            length: 0,
            crc: 0,
            garbage: 0,
        };
        Self { buffer: Vec::new(), newest: None, past: (0, 0), counts }
    }

    /// Takes bytes in; `hear` gets every whole frame, late ones and duplicates too.
    pub fn feed(&mut self, bytes: &[u8], mut hear: impl FnMut(Frame<'_>)) {
        for &byte in bytes {
            if self.buffer.push(byte).is_err() {
                // Unreachable: a buffer that is full has been judged and emptied.
                self.discard(1);
                continue;
            }
            loop {
                match self.head() {
                    Head::Incomplete => break,
                    Head::Whole(length) => {
                        self.deliver(length, &mut hear);
                        self.drop_front(length);
                    }
                    Head::Garbage => self.discard(1),
                }
            }
        }
    }

    /// What has been seen.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn head(&mut self) -> Head {
        let &[first, ref rest @ ..] = &self.buffer[..] else { return Head::Incomplete };
        if first != START {
            return Head::Garbage;
        }
        let &[length, complement, ..] = rest else { return Head::Incomplete };
        let total = OVERHEAD + length as usize;
        if complement != !length || total > N {
            add(&mut self.counts.length, 1);
            return Head::Garbage;
        }
        let Some(body) = rest.get(..total - 1) else { return Head::Incomplete };
        // Over a right CRC of its own, low byte first, the sum is not 0: so compare.
        let Some((body, crc)) = body.split_last_chunk::<2>() else { return Head::Garbage };
        if crc16(0xffff, body) != u16::from_le_bytes(*crc) {
            add(&mut self.counts.crc, 1);
            return Head::Garbage;
        }
        Head::Whole(total)
    }

    fn deliver(&mut self, total: usize, hear: &mut impl FnMut(Frame<'_>)) {
        let head = self.buffer.get(3..HEAD).and_then(|bytes| bytes.first_chunk::<2>());
        let payload = self.buffer.get(HEAD..total.saturating_sub(2));
        let (Some(head), Some(payload)) = (head, payload) else { return };
        let sequence = u16::from_le_bytes(*head);
        let ahead = self.newest.map_or(1, |newest| sequence.wrapping_sub(newest));
        let mut order = match ahead {
            0 => Order::Duplicate,
            1..0x8000 => Order::Fresh,
            _ => Order::Late,
        };
        // A sender that was reset counts up again from the past.
        let (expected, seen) = self.past;
        self.past = match order {
            Order::Late if seen > 0 && sequence == expected => (sequence.wrapping_add(1), seen + 1),
            Order::Late => (sequence.wrapping_add(1), 1),
            Order::Fresh | Order::Restart => (0, 0),
            Order::Duplicate => self.past,
        };
        if self.past.1 >= RESTART {
            add(&mut self.counts.restarts, 1);
            order = Order::Restart;
            self.past = (0, 0);
        } else if order == Order::Fresh {
            add(&mut self.counts.skipped, ahead as u32 - 1); // ahead >= 1
        }
        match order {
            Order::Fresh | Order::Restart => {
                self.newest = Some(sequence);
                add(&mut self.counts.fresh, 1);
            }
            Order::Duplicate => add(&mut self.counts.duplicate, 1),
            Order::Late => add(&mut self.counts.late, 1),
        }
        hear(Frame { sequence, order, payload });
    }

    fn discard(&mut self, bytes: usize) {
        add(&mut self.counts.garbage, bytes as u32);
        self.drop_front(bytes);
    }

    fn drop_front(&mut self, bytes: usize) {
        let kept = self.buffer.len().saturating_sub(bytes);
        for at in 0..kept {
            let byte = self.buffer.get(at + bytes).copied().unwrap_or(0);
            if let Some(slot) = self.buffer.get_mut(at) {
                *slot = byte;
            }
        }
        self.buffer.truncate(kept);
    }
}

fn add(count: &mut u32, n: u32) {
    *count = count.saturating_add(n);
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
