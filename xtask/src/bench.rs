//! `cargo xtask bench`: what a step of the four reference networks takes on each core.

use std::path::Path;

use nervecord_codegen::Result;
use nervecord_codegen::quantize::Weights;

use crate::figures::Figures;
use crate::networks::{Random, SHAPES, Shape};
use crate::table::{self, Place};
use crate::{boards, emulate, say, subject};

/// Rows of calibration and of each run.
const ROWS: usize = 32;

/// The instructions of a step to stay below, for networks A to D on a core.
const BARS: [(&str, [u64; 4]); 7] = [
    ("Cortex-M0", [2_900, 28_000, 1_040_000, 380_000]),
    ("Cortex-M3", [2_000, 18_500, 770_000, 295_000]),
    ("Cortex-M4F", [700, 8_400, 335_000, 127_000]),
    ("Cortex-M7", [700, 8_400, 335_000, 127_000]),
    ("Cortex-M33", [700, 8_400, 335_000, 127_000]),
    ("Cortex-M55", [700, 2_900, 58_000, 18_300]),
    ("RV32IMAC", [2_000, 23_000, 940_000, 355_000]),
];

const HEAD: [&str; 9] = [
    "network",
    "board",
    "instructions",
    "a MAC",
    "of the bar",
    "code B",
    "tables B",
    "RAM B",
    "stack B",
];

/// What to do with the committed figures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// Replace them by the measured ones.
    Save,
    /// Compare the measured ones with them.
    Check,
}

/// Prints the table for boards, and puts it into `document` if one is given; whether every output is
/// the host's, and every figure below its bar or, where `figures` says so, not worse than the
/// committed one.
///
/// # Errors
/// Something cannot be built or run, or the document has no place for the table.
pub fn bench(
    board: &str,
    profile: bool,
    figures: Option<Committed>,
    document: Option<&Path>,
) -> Result<bool> {
    // Before the long work, so that a wrong name does not cost it.
    let place = document.map(|path| Place::find(path, "bench")).transpose()?;
    let mut committed = Figures::committed()?;
    let mut worse = Vec::new();
    let mut rows = Vec::new();
    let mut good = true;
    for board in boards(board)? {
        let bars = BARS.iter().find(|(core, _)| *core == board.core).map(|(_, bars)| bars);
        for (index, shape) in SHAPES.iter().enumerate() {
            say(&format!("network {} on {}", shape.letter, board.name));
            if shape.flash() > board.flash_bytes {
                let fits = "does not fit".to_owned();
                let dashes = std::iter::repeat_n("-".to_owned(), HEAD.len() - 3);
                let words = [shape.letter.to_owned(), board.name.clone(), fits];
                rows.push(words.into_iter().chain(dashes).collect());
                continue;
            }
            let graph = shape.graph()?;
            let macs = graph.macs();
            let inputs = Random::new(7).rows(ROWS, shape.widths[0]);
            let measured =
                emulate::check(&board, &subject::from_graph(graph, &inputs, Weights::I8)?)?;
            if profile {
                emulate::print_profile(&measured);
            }
            match figures {
                Some(Committed::Save) => committed.set(shape.letter, &board.name, &measured),
                Some(Committed::Check) => {
                    worse.extend(committed.worse(shape.letter, &board.name, &measured));
                }
                None => {}
            }
            let ratio = bars.map(|bars| measured.max() as f64 / bars[index] as f64);
            good &= ratio.is_none_or(|ratio| ratio <= 1.0);
            rows.push(vec![
                shape.letter.to_owned(),
                board.name.clone(),
                measured.max().to_string(),
                format!("{:.3}", measured.max() as f64 / macs as f64),
                ratio.map_or_else(|| "-".into(), |ratio| format!("{ratio:.3}")),
                measured.code_bytes.to_string(),
                measured.table_bytes.to_string(),
                measured.ram_bytes.to_string(),
                measured.stack_bytes.to_string(),
            ]);
        }
    }
    println!("Executed instructions of a step under emulation, not cycles of hardware.");
    table::print(&HEAD, &rows);
    if let Some(place) = place {
        place.fill(&for_readers(&rows))?;
    }
    match figures {
        Some(Committed::Save) => committed.save().map(|()| true),
        Some(Committed::Check) => {
            worse.iter().for_each(|line| println!("worse than committed: {line}"));
            Ok(worse.is_empty())
        }
        None => Ok(good),
    }
}

/// The table for readers, who need no bars.
fn for_readers(rows: &[Vec<String>]) -> String {
    const BAR: usize = 4;
    let head: Vec<&str> = (0..HEAD.len()).filter(|&i| i != BAR).map(|i| HEAD[i]).collect();
    let mut rows = rows.to_vec();
    rows.iter_mut().for_each(|row| drop(row.remove(BAR)));
    table::render(&head, &rows)
}

impl Shape {
    /// Bytes of its i8 weights, the least it takes of flash.
    fn flash(&self) -> u64 {
        self.widths.windows(2).map(|pair| (pair[0] * pair[1]) as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_no_bars() {
        let cells: Vec<String> = (0..HEAD.len()).map(|i| i.to_string()).collect();
        let table = for_readers(&[cells]);
        assert!(table.starts_with("| network | board |") && table.ends_with("8 |\n"), "{table}");
        assert!(!table.contains("bar"), "{table}");
    }
}
