//! Changes that know nothing of a format.

use nervecord_tests::random::Random;

use super::numbers::number;

/// Flips, inserts, removes, repeats or exchanges bytes; in a text, numbers too.
pub fn change(content: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = content.to_vec();
    let n = out.len();
    if n == 0 {
        return vec![random.bits() as u8];
    }
    let (at, length) = (random.below(n), 1 + random.below(16));
    let end = (at + length).min(n);
    match random.below(11) {
        0 => out[at] ^= 1 << random.below(8),
        1 => out[at] = random.bits() as u8,
        2 => out[at] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
        3 => drop(out.drain(at..end)),
        4 => out.truncate(at),
        5 => {
            let piece = out[at..end].to_vec();
            let to = random.below(n);
            out.splice(to..to, piece);
        }
        6 => {
            let noise: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
            out.splice(at..at, noise);
        }
        7 => {
            let piece = out[at..end].to_vec();
            out.splice(at..at, piece.repeat(1 + random.below(200)));
        }
        8 => {
            // A whole number where a format may have a length.
            let value = random.pick(&[0_u64, 1, 0x7fff_ffff, 0x8000_0000, u64::MAX, 1 << 40]);
            let bytes = value.to_le_bytes();
            let width = *random.pick(&[2, 4, 8]);
            for (to, byte) in out[at..].iter_mut().zip(&bytes[..width]) {
                *to = *byte;
            }
        }
        _ => return replace_number(&out, random).unwrap_or(out),
    }
    out
}

/// Puts another number in the place of one in a text.
pub fn replace_number(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E');
    let mut places = Vec::new();
    let mut start = None;
    for (i, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(c), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                if text[from..i].parse::<f64>().is_ok() {
                    places.push(from..i);
                }
                start = None;
            }
            _ => {}
        }
    }
    if places.is_empty() {
        return None;
    }
    let place = random.pick(&places).clone();
    Some([&text[..place.start], &number(random), &text[place.end..]].concat().into_bytes())
}
