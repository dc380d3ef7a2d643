//! What an image says by defmt, in words: its strings are in the ELF file, the image sends their numbers.

use std::collections::BTreeMap;

use defmt_parser::{Fragment, ParserMode, Type, parse};
use nervecord_codegen::{Error, Result};
use object::{Object, ObjectSection, ObjectSymbol};
use serde::Deserialize;

/// An end of a frame.
const END: u8 = 0;

/// What marks the string of a type that derives its format.
const DERIVED: &str = "defmt_derived";

/// The strings of an image by their numbers, and what has come of a frame.
#[derive(Debug, Default)]
pub struct Log {
    strings: BTreeMap<u16, Text>,
    frame: Vec<u8>,
}

/// A string, as the name of its symbol has it.
#[derive(Debug, Deserialize)]
struct Text {
    tag: String,
    data: String,
}

impl Log {
    /// The log of an image.
    ///
    /// # Errors
    /// It is no ELF file, or says nothing by defmt.
    pub fn of(image: &[u8]) -> Result<Self> {
        let file = object::File::parse(image)
            .map_err(|e| Error::new("the firmware is not an ELF file").found(e))?;
        let section = file.section_by_name(".defmt").map(|section| section.index());
        let strings: BTreeMap<u16, Text> = file
            .symbols()
            .filter(|symbol| symbol.section_index() == section && section.is_some())
            .filter_map(|symbol| {
                let text = serde_json::from_str(symbol.name().ok()?).ok()?;
                Some((u16::try_from(symbol.address()).ok()?, text))
            })
            .collect();
        if strings.is_empty() {
            return Err(Error::new("the image has no text of defmt")
                .expected("symbols in its section .defmt")
                .found("none")
                .help(
                    "build it with its symbols, and with DEFMT_LOG as in boards/.cargo/config.toml",
                ));
        }
        Ok(Self { strings, frame: Vec::new() })
    }

    /// Takes bytes in, and gives the lines that end in them.
    ///
    /// # Errors
    /// They are no log of this image.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte != END {
                self.frame.push(byte);
            } else if !self.frame.is_empty() {
                let frame = std::mem::take(&mut self.frame);
                let line = unpacked(&frame).and_then(|frame| self.line(&mut frame.iter().copied()));
                lines.push(line.ok_or_else(|| garbled(&frame))?);
            }
        }
        Ok(lines)
    }

    /// Forgets a frame that has not ended.
    pub fn forget(&mut self) {
        self.frame.clear();
    }

    /// A string with its values, by the number that begins a frame or stands for a value; `None` if it ends too soon.
    fn line(&self, bytes: &mut dyn Iterator<Item = u8>) -> Option<String> {
        let Text { tag, data } = self.strings.get(&u16::from_le_bytes(take(bytes)?))?;
        let mut text = data.as_str();
        if tag == DERIVED && text.contains('|') {
            let [variant] = take(bytes)?;
            text = text.split('|').nth(variant.into())?;
        }
        let mut line = String::new();
        for fragment in parse(text, ParserMode::Strict).ok()? {
            match fragment {
                Fragment::Literal(words) => line += &words,
                Fragment::Parameter(parameter) => line += &self.value(&parameter.ty, bytes)?,
            }
        }
        Some(line)
    }

    fn value(&self, kind: &Type, bytes: &mut dyn Iterator<Item = u8>) -> Option<String> {
        Some(match kind {
            Type::U8 => u8::from_le_bytes(take(bytes)?).to_string(),
            Type::U16 => u16::from_le_bytes(take(bytes)?).to_string(),
            Type::U32 => u32::from_le_bytes(take(bytes)?).to_string(),
            Type::I32 => i32::from_le_bytes(take(bytes)?).to_string(),
            Type::Str => {
                let length = u32::from_le_bytes(take(bytes)?);
                let text: Vec<u8> = bytes.take(usize::try_from(length).ok()?).collect();
                String::from_utf8_lossy(&text).into_owned()
            }
            Type::Format => self.line(bytes)?,
            _ => return None,
        })
    }
}

fn take<const N: usize>(bytes: &mut dyn Iterator<Item = u8>) -> Option<[u8; N]> {
    let mut taken = [0; N];
    for byte in &mut taken {
        *byte = bytes.next()?;
    }
    Some(taken)
}

fn garbled(frame: &[u8]) -> Error {
    Error::new("the image's log cannot be read")
        .expected("frames of the strings in its section .defmt")
        .found(super::transfer::told(frame))
        .help("xtask/src/board/log.rs knows whole numbers, strings and enums without fields")
}

/// A frame without its zeros taken out (rzCOBS): every run of bytes is followed by what tells of the zeros in it, so it is
/// read from the end; zeros at its own end may be too many.
fn unpacked(frame: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = frame.iter().rev().copied();
    let mut unpacked = Vec::new();
    while let Some(code) = bytes.next() {
        match code {
            0x00 => return None,
            0x01..=0x7f => {
                for bit in (0..7).rev() {
                    unpacked.push(if code >> bit & 1 == 1 { 0 } else { bytes.next()? });
                }
            }
            0x80..=0xfe => {
                unpacked.push(0);
                unpacked.extend(bytes.by_ref().take(usize::from(code & 0x7f) + 7));
            }
            0xff => unpacked.extend(bytes.by_ref().take(134)),
        }
    }
    unpacked.reverse();
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(strings: &[(u16, &str, &str)]) -> Log {
        let text = |tag: &str, data: &str| Text { tag: tag.into(), data: data.into() };
        let strings = strings.iter().map(|&(number, tag, data)| (number, text(tag, data)));
        Log { strings: strings.collect(), frame: Vec::new() }
    }

    #[test]
    fn frames_come_apart_and_are_put_into_words() {
        let mut log = log(&[
            (4, "defmt_warn", "period {=u32}: safe, {}"),
            (8, DERIVED, "Sensor|Range|Stuck"),
            (9, "defmt_error", "panic in {=str}, line {=u32}"),
        ]);
        // As an image has sent them: the last zeros are in the bits of the last byte.
        let line = [0, 4, 8, 0x3e, 0x7f, 0, 4, 10, 0x7a, 0];
        assert_eq!(log.read(&line[..3]).unwrap(), Vec::<String>::new());
        assert!(log.read(&line[3..]).is_err(), "the second has the number of another string");
        let mut log = log_of_panic();
        let text = [9, 0, 1, 0, 0, 0, b'x', 7, 0, 0, 0];
        assert_eq!(log.line(&mut text.into_iter()).unwrap(), "panic in x, line 7");
        assert_eq!(log.line(&mut text[..9].iter().copied()), None);
        assert!(log.read(&[3, 0]).is_err());
    }

    fn log_of_panic() -> Log {
        log(&[(9, "defmt_error", "panic in {=str}, line {=u32}")])
    }

    #[test]
    fn zeros_come_back_from_the_bits_behind_a_run() {
        assert_eq!(unpacked(&[4, 8, 0x3e, 0x7f]).unwrap()[..8], [4, 0, 0, 0, 0, 0, 8, 0]);
        // Seven and more bytes without a zero, and one behind them.
        assert_eq!(unpacked(&[1, 2, 3, 4, 5, 6, 7, 8, 0x81]).unwrap(), [1, 2, 3, 4, 5, 6, 7, 8, 0]);
        assert_eq!(unpacked(&[1, 0]), None);
        assert_eq!(unpacked(&[0x3e]), None);
    }
}
