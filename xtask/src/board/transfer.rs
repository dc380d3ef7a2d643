//! Transfers on the bus and pulses of the servo driver, as the emulated board tells of them.

use nervecord_codegen::{Error, Result};

use super::firmware::body::JOINTS;

/// The driver's own clock, and the steps of a pulse's period.
const OSCILLATOR_MHZ: f64 = 25.0;
const STEPS: u16 = 4096;
/// In a channel's upper byte: never on.
const OFF: u16 = 0x1000;

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a stop behind the last byte.
    Done,
    /// Nobody acknowledged the address.
    Address,
    /// Nobody acknowledged a byte.
    Data,
    /// It never began, because a line was held low.
    Held,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// When it began, in microseconds.
    pub at: u64,
    /// The device.
    pub address: u8,
    /// The bytes to it, then those from it.
    pub written: Vec<u8>,
    /// See above.
    pub read: Vec<u8>,
    /// How it ended.
    pub outcome: Outcome,
}

/// What the servo driver puts out.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulses {
    /// Since when, in microseconds.
    pub at: u64,
    /// Microseconds of a pulse, by joint; `None` where it has none.
    pub widths: Option<[f64; JOINTS]>,
}

impl Transfer {
    /// Of the words behind `bus`; `None` if they are no transfer.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let &[at, address, written, read, outcome] = words else { return None };
        let outcome = match outcome {
            "ok" => Outcome::Done,
            "address" => Outcome::Address,
            "data" => Outcome::Data,
            "held" => Outcome::Held,
            _ => return None,
        };
        Some(Self {
            at: at.parse().ok()?,
            address: u8::from_str_radix(address, 16).ok()?,
            written: bytes(written)?,
            read: bytes(read)?,
            outcome,
        })
    }
}

impl Pulses {
    /// Of the words behind `servos`; `None` if they are no pulses.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let &[at, prescale, channels] = words else { return None };
        let prescale: u8 = prescale.parse().ok()?;
        let widths = match prescale {
            0 => None,
            _ => widths(prescale, &bytes(channels)?),
        };
        Some(Self { at: at.parse().ok()?, widths })
    }
}

/// Microseconds of the pulses on the first channels; `None` if one is off.
pub fn widths(prescale: u8, channels: &[u8]) -> Option<[f64; JOINTS]> {
    let mut widths = [0.0; JOINTS];
    let channels = channels.as_chunks::<4>().0;
    for (i, width) in widths.iter_mut().enumerate() {
        let [on, on_high, off, off_high] = *channels.get(i)?;
        let [on, off] = [[on, on_high], [off, off_high]].map(u16::from_le_bytes);
        if off & OFF != 0 {
            return None;
        }
        let steps = f64::from(off.wrapping_sub(on) % STEPS);
        *width = steps * f64::from(u16::from(prescale) + 1) / OSCILLATOR_MHZ;
    }
    Some(widths)
}

/// The bytes of a word in hexadecimal, or of `-`.
pub fn bytes(word: &str) -> Option<Vec<u8>> {
    if word == "-" {
        return Some(Vec::new());
    }
    let (pairs, rest) = word.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// What a person reads of the bytes of a transfer.
pub fn told(bytes: &[u8]) -> String {
    let words: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if words.is_empty() { "nothing".into() } else { words.join(" ") }
}

/// A line of the emulated board that says nothing we know.
pub fn unread(line: &str) -> Error {
    Error::new("the emulated board says what cannot be read")
        .at("a line of xtask/board/main.js")
        .expected("bus, servos, log, measure, reset or end, with its words")
        .found(line)
        .help("if you have changed xtask/board, say the same at both ends")
}

/// What `parse` makes of a line.
///
/// # Errors
/// It makes nothing of it.
pub fn read<T>(line: &str, parsed: Option<T>) -> Result<T> {
    parsed.ok_or_else(|| unread(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_transfers_are_read_and_others_are_not() {
        let parse = |line: &str| Transfer::parse(&line.split(' ').collect::<Vec<_>>());
        let transfer = parse("7 68 3a 0102 ok").unwrap();
        assert_eq!((transfer.at, transfer.address, transfer.outcome), (7, 0x68, Outcome::Done));
        assert_eq!((transfer.written, transfer.read), (vec![0x3a], vec![1, 2]));
        assert_eq!(parse("7 40 - - address").unwrap().outcome, Outcome::Address);
        for line in [
            "",
            "7 68 3a 0102",
            "x 68 - - ok",
            "7 168 - - ok",
            "7 68 3 - ok",
            "7 68 3é - ok",
            "7 68 - - gone",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn registers_of_the_driver_are_microseconds() {
        // 50 Hz: a step of 4.88 us; on at 0, off at 307; then the same from step 4000 on, across the end of the period.
        let mut channels = [0, 0, 0x33, 1].repeat(JOINTS);
        let widths = widths(121, &channels).unwrap();
        assert!(widths.iter().all(|width| (width - 1498.2).abs() < 0.1), "{widths:?}");
        let wrapped = [4000_u16.to_le_bytes(), 211_u16.to_le_bytes()].concat();
        channels.splice(..4, wrapped);
        assert_eq!(super::widths(121, &channels), Some(widths));
        channels[7] = 0x10;
        assert_eq!(super::widths(121, &channels), None);
        assert_eq!(super::widths(121, &channels[..8]), None);
        assert_eq!(Pulses::parse(&["5", "0", "-"]), Some(Pulses { at: 5, widths: None }));
    }
}
