//! Tables of numbers, and command lines.

use nervecord_tests::random::Random;

use super::bytes;
use super::numbers::number;

pub fn csv(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let mut rows: Vec<Vec<String>> =
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    if rows.is_empty() || rows[0].is_empty() {
        return None;
    }
    let (row, column) = (random.below(rows.len()), random.below(rows[0].len()));
    let mut ends = "\n";
    match random.below(14) {
        0 => rows.iter_mut().for_each(|r| drop((column < r.len()).then(|| r.remove(column)))),
        1 => rows.iter_mut().for_each(|r| r.extend(r.get(column).cloned())),
        2 => rows[0].rotate_left(1),
        3 => drop(rows.remove(0)),
        4 => rows.truncate(1 + random.below(3)),
        5 => rows[row].clear(),
        6 => rows[row].push(number(random)),
        7 => ends = *random.pick(&["\r\n", "\r", "\n\n", ";\n"]),
        8 => {
            let name = *random.pick(&[
                "x0",
                "x1",
                "x2",
                "x9999999999",
                "y0",
                "h0",
                "speed",
                "label",
                "\"",
                "",
                "\u{feff}x0",
            ]);
            rows[0][column] = name.to_owned();
        }
        9 => {
            let value = rows.last().and_then(|r| r.get(column).cloned()).unwrap_or_default();
            rows.iter_mut().skip(1).for_each(|r| {
                r.get_mut(column).into_iter().for_each(|cell| cell.clone_from(&value));
            });
        }
        10 => {
            let factor = 10_f64.powi(random.below(40) as i32 - 20);
            rows.iter_mut().skip(1).filter_map(|r| r.get_mut(column)).for_each(|cell| {
                *cell =
                    cell.parse::<f64>().map_or_else(|_| cell.clone(), |x| (x * factor).to_string());
            });
        }
        _ => {
            let value = number(random);
            rows[row].get_mut(column).into_iter().for_each(|cell| cell.clone_from(&value));
        }
    }
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    Some((lines.join(ends) + ends).into_bytes())
}

/// The header of a `.npy` file, with or without its length corrected.
pub fn npy(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let (magic, rest) = content.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_le_bytes(*length));
    let (header, data) = (rest.get(..length)?, rest.get(length..)?);
    let text = std::str::from_utf8(header).ok()?;
    let changed = match random.below(7) {
        0 => bytes::replace_number(header, random)?,
        1 => bytes::change(header, random),
        2 => text.replace("False", "True").into_bytes(),
        3 => {
            let kind = *random.pick(&[
                "<f2",
                ">f4",
                "<i8",
                "|u1",
                "|b1",
                "<c8",
                "|O",
                "<f16",
                "|S5",
                "[('a', '<f4')]",
            ]);
            text.replace("<f4", kind).replace("<f8", kind).into_bytes()
        }
        4 => {
            let open = "(".repeat(random.below(40));
            text.replace("(", &open).into_bytes()
        }
        5 => {
            let shape = *random.pick(&[
                "()",
                "(48,)",
                "[24, 2]",
                "(24, 2, 1)",
                "(2, 24)",
                "(0, 2)",
                "(-1, 2)",
                "(4294967296, 4294967296)",
                "(24L, 2L)",
            ]);
            text.replace("(24, 2)", shape).into_bytes()
        }
        _ => return Some([content, &vec![random.bits() as u8; random.below(9)]].concat()),
    };
    let length = if random.once_in(6) { length } else { changed.len() };
    Some([&magic[..], &(length as u16).to_le_bytes(), &changed, data].concat())
}

/// An argument a line. Nothing but names in the folder is written to: no path leads out of it.
pub fn arguments(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let mut words: Vec<String> = text.lines().map(str::to_owned).collect();
    if words.is_empty() {
        return None;
    }
    let (at, other) = (random.below(words.len()), random.below(words.len()));
    match random.below(7) {
        0 => drop(words.remove(at)),
        1 => words.swap(at, other),
        2 => words.insert(at, words[other].clone()),
        3 => words[at] = number(random),
        4 => words[at] = "n".repeat(1 + random.below(70_000)),
        _ => {
            let word = *random.pick(&[
                "",
                "-",
                "--",
                "--help",
                "--version",
                "-o",
                "--out",
                "--output",
                "--calibration",
                "--weights",
                "auto",
                "8",
                "16",
                "32",
                "--tolerance",
                "--optimize",
                "speed",
                "size",
                "--cpu",
                "any",
                "cortex-m0",
                "--name",
                "fn",
                "--check",
                "--report",
                "--raw",
                "--float",
                "--states",
                "--json",
                "--labels",
                "--vectors",
                "--svg",
                "--input",
                "net.onnx",
                "data.csv",
                "vectors.csv",
                "labels.csv",
                "arguments",
                ".",
                "missing",
                "missing/out.rs",
                "out.svg",
                "report",
                "compile",
                "run",
                "verify",
                "inspect",
            ]);
            words[at] = word.to_owned();
        }
    }
    Some(words.join("\n").into_bytes())
}
