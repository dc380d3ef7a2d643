//! Tables in flash that are looked at while they are used: a CRC-32 made when the module was built, and checked
//! whole at the start and a slice of it in every period. Stands on `tensor`.

use core::hint::black_box;

use crate::tensor::Quad;

/// A table of a module, as the integers that it is made of.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Words {
    U8(&'static [u8]),
    I8(&'static [i8]),
    U16(&'static [u16]),
    I16(&'static [i16]),
    U32(&'static [u32]),
    I32(&'static [i32]),
    Quads(&'static [Quad]),
}

impl Words {
    /// The CRC after the first integer, the bytes it has, and what is left.
    const fn next(self, crc: u32) -> Option<(u32, u32, Self)> {
        Some(match self {
            Self::U8([x, rest @ ..]) => (more(crc, *x as u32, 1), 1, Self::U8(rest)),
            Self::I8([x, rest @ ..]) => (more(crc, *x as u32, 1), 1, Self::I8(rest)),
            Self::U16([x, rest @ ..]) => (more(crc, *x as u32, 2), 2, Self::U16(rest)),
            Self::I16([x, rest @ ..]) => (more(crc, *x as u32, 2), 2, Self::I16(rest)),
            Self::U32([x, rest @ ..]) => (more(crc, *x, 4), 4, Self::U32(rest)),
            Self::I32([x, rest @ ..]) => (more(crc, *x as u32, 4), 4, Self::I32(rest)),
            Self::Quads([Quad([a, b, c, d]), rest @ ..]) => {
                let crc = more(more(crc, *a as u32, 2), *b as u32, 2);
                (more(more(crc, *c as u32, 2), *d as u32, 2), 8, Self::Quads(rest))
            }
            _ => return None,
        })
    }
}

/// A CRC-32 (IEEE 802.3, reflected) after the lowest `bytes` bytes of a word.
const fn more(mut crc: u32, word: u32, bytes: u32) -> u32 {
    /// The CRC of each half of a byte.
    const HALVES: [u32; 16] = {
        let mut halves = [0; 16];
        let mut i = 0;
        while i < 16 {
            let (mut crc, mut bit) = (i as u32, 0);
            while bit < 4 {
                crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
                bit += 1;
            }
            halves[i] = crc;
            i += 1;
        }
        halves
    };
    let mut half = 0;
    while half < 2 * bytes {
        let next = (crc ^ (word >> (4 * half))) & 15; // an index below 16
        crc = (crc >> 4) ^ HALVES[next as usize];
        half += 1;
    }
    crc
}

/// The tables of a module and what their CRC was when it was built.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    parts: &'static [Words],
    crc: u32,
    a_period: u32,
}

impl Tables {
    /// Tables of which at least `a_period` bytes are checked in a period, in a static.
    pub const fn new(parts: &'static [Words], a_period: u32) -> Self {
        let (mut crc, mut open) = (START, parts);
        while let [part, rest @ ..] = open {
            let mut left = *part;
            while let Some((next, _, rest)) = left.next(crc) {
                (crc, left) = (next, rest);
            }
            open = rest;
        }
        Self { parts, crc, a_period }
    }

    /// The same sum for other tables: those of the module, damaged.
    pub const fn damaged(self, parts: &'static [Words]) -> Self {
        Self { parts, ..self }
    }

    /// What is checked, in its order.
    pub const fn parts(&self) -> &'static [Words] {
        self.parts
    }
}

/// What a CRC begins with.
const START: u32 = u32::MAX;

/// A check that goes through tables again and again.
#[derive(Clone, Debug)]
pub struct TableCheck {
    tables: Tables,
    open: &'static [Words],
    left: Words,
    crc: u32,
    is_sound: bool,
}

impl TableCheck {
    /// A check that has gone through all of them once.
    pub fn new(tables: &Tables) -> Self {
        let (open, left) = (tables.parts, Words::U8(&[]));
        let mut check = Self { tables: *tables, open, left, crc: START, is_sound: true };
        check.advance(u32::MAX);
        check
    }

    /// Goes on by a period's slice; whether all tables are what they were, as far as has been seen.
    ///
    /// Every single bit is looked at once a pass, and a pass that finds one turned over is the last.
    pub fn period(&mut self) -> bool {
        self.advance(self.tables.a_period);
        self.is_sound
    }

    /// Goes on by so many bytes, at most to the end.
    fn advance(&mut self, mut bytes: u32) {
        while bytes > 0 {
            // The compiler knows what is in the tables, and would not look.
            if let Some((crc, read, left)) = black_box(self.left).next(self.crc) {
                (self.crc, self.left) = (crc, left);
                bytes = bytes.saturating_sub(read);
            } else if let Some((part, open)) = self.open.split_first() {
                (self.left, self.open) = (*part, open);
            } else {
                self.is_sound &= self.crc == self.tables.crc;
                (self.open, self.crc) = (self.tables.parts, START);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BYTES: [u8; 9] = *b"123456789";
    static WORDS: [u32; 2] = [0x3433_3231, 0x3837_3635];
    static NINE: [i8; 1] = [b'9' as i8];

    #[test]
    fn the_sum_is_the_well_known_one() {
        let sum = |parts| !Tables::new(parts, 1).crc;
        assert_eq!(sum(const { &[Words::U8(&BYTES)] }), 0xcbf4_3926);
        assert_eq!(sum(const { &[Words::U32(&WORDS), Words::I8(&NINE)] }), 0xcbf4_3926);
        static QUADS: [Quad; 1] = [Quad([0x3231, 0x3433, 0x3635, 0x3837])];
        assert_eq!(sum(const { &[Words::Quads(&QUADS), Words::U8(b"9")] }), 0xcbf4_3926);
    }

    #[test]
    fn a_table_that_changes_is_found_at_the_end_of_a_pass() {
        static SOUND: Tables = Tables::new(&[Words::U8(&BYTES), Words::U32(&WORDS)], 4);
        static DAMAGED: [u8; 9] = *b"123456788";
        let mut check = TableCheck::new(&SOUND);
        assert!((0..100).all(|_| check.period()));
        let mut check = TableCheck::new(&SOUND);
        check.tables = SOUND.damaged(const { &[Words::U8(&DAMAGED), Words::U32(&WORDS)] });
        check.open = check.tables.parts;
        // 17 bytes, at least four a period: the fifth comes to the end.
        let found: [bool; 8] = core::array::from_fn(|_| check.period());
        assert_eq!(found, [true, true, true, true, false, false, false, false]);
        assert!(!TableCheck::new(&check.tables).is_sound);
    }
}
