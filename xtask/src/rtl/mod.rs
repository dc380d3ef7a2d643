//! `cargo xtask rtl`: the emulated board's firmware on the RTL of open cores, whose cycles are counted and not modelled.

mod bench;
mod core;
mod image;
mod run;

use std::path::PathBuf;

use nervecord_cli::emulate::{Board, Job, Measured};
use nervecord_codegen::{Error, Result};
use nervecord_tests::shapes::SHAPES;

use crate::checkout::{root, say};
use crate::documents::grouped;
use crate::table::{self, Place};
use crate::{emulate, subject};
use core::{Build, CORES, Core};

/// The board whose firmware it is.
const BOARD: &str = "qemu-riscv32";
/// Rows of a model; all take the same instructions.
const ROWS: usize = 16;
/// The page of the book that has a table for every build, and this one.
const PAGE: &str = "docs/rtl-cycles.md";
const VERSIONS: &str = "versions";

/// A core in a configuration, as a program.
struct Program {
    core: &'static Core,
    build: &'static Build,
    path: PathBuf,
    rows: Vec<Vec<String>>,
}

/// Runs models on cores, and prints a table a build; into the book if asked.
///
/// # Errors
/// Something cannot be had, built or run, or a core does not do what the emulator and the host do.
pub fn rtl(core: &str, models: &[PathBuf], write: bool) -> Result<()> {
    let cores: Vec<&Core> =
        CORES.iter().filter(|known| core == "all" || known.name == core).collect();
    if cores.is_empty() {
        let names = CORES.map(|core| core.name).join(", ");
        let unknown =
            Error::new("there is no RTL of such a core").expected(format!("all, {names}"));
        return Err(unknown.found(core).help("choose one of these; docs/rtl-cycles.md says more"));
    }
    let board = Board::find(BOARD)?;
    bench::set_up(&board)?;
    let mut programs = Vec::new();
    for core in cores {
        for build in core.builds {
            say(&format!("building {}", build.name));
            let path = bench::build(core, build)?;
            programs.push(Program { core, build, path, rows: Vec::new() });
        }
    }
    for path in if models.is_empty() { usual()? } else { models.to_vec() } {
        let job = short(subject::load(&path)?)?;
        let measured = emulate::measure(&board, &job)?;
        for program in &mut programs {
            say(&format!("{} on {}", job.name, program.build.name));
            let row = program.row(&job, &measured);
            program
                .rows
                .push(row.map_err(|e| e.at(format!("{} on {}", job.name, program.build.name)))?);
        }
    }
    let versions = versions()?;
    println!("{versions}");
    for program in &programs {
        println!("{}\n\n{}", program.build.words, program.table());
    }
    if write {
        Place::find(&root().join(PAGE), VERSIONS)?.fill(&versions)?;
        for program in &programs {
            Place::find(&root().join(PAGE), program.build.name)?.fill(&program.table())?;
        }
    }
    Ok(())
}

/// Networks A and B, and the bundled models.
fn usual() -> Result<Vec<PathBuf>> {
    let shapes = SHAPES.iter().take(2).map(|shape| shape.letter.into());
    Ok(shapes.chain(subject::bundled()?).collect())
}

/// A job of [`ROWS`] rows, with the host's word on them.
fn short(job: Job) -> Result<Job> {
    let rows = job.rows.into_iter().take(ROWS).collect();
    let expected: Option<Vec<_>> = job.expected.map(|rows| rows.into_iter().take(ROWS).collect());
    if expected.is_none() {
        return Err(Error::new("there are no outputs of the host to compare with")
            .at(&job.name)
            .expected("a trained file, or a name of a model")
            .found("a generated module")
            .help("name the model that the module was made of"));
    }
    Ok(Job { rows, expected, ..job })
}

impl Program {
    /// A model's line.
    fn row(&self, job: &Job, measured: &Measured) -> Result<Vec<String>> {
        let modelled = match self.build.model {
            Some(name) => measured.modelled(name)?,
            None => None,
        };
        let mut row = vec![job.name.clone(), grouped(measured.max())];
        let mut counted = Vec::new();
        for &memory in self.core.memories {
            counted.push(run::run(&self.path, memory, job, measured)?);
        }
        row.push(modelled.map_or_else(|| "-".to_owned(), grouped));
        row.push(
            modelled
                .zip(counted.first())
                .map_or_else(|| "-".to_owned(), |(model, &[_, most])| off(model, most)),
        );
        row.extend(counted.iter().map(|&range| cycles(range)));
        Ok(row)
    }

    fn table(&self) -> String {
        let memories = self.core.memories.iter().map(|memory| memory.name);
        let head =
            ["a step of", "instructions", "modelled", "model off by"].into_iter().chain(memories);
        table::render(&head.collect::<Vec<_>>(), &self.rows)
    }
}

/// By how much a model is beside what was counted.
fn off(model: u64, counted: u64) -> String {
    let share = 100.0 * (model as f64 / counted as f64 - 1.0);
    format!("{share:+.1}%")
}

/// Cycles of a step, or the fewest and the most.
fn cycles([fewest, most]: [u64; 2]) -> String {
    match fewest == most {
        true => grouped(most),
        false => format!("{} to {}", grouped(fewest), grouped(most)),
    }
}

/// Where the cores and the simulator come from.
fn versions() -> Result<String> {
    let mut rows = vec![vec!["Verilator".to_owned(), bench::verilator()?, "-".to_owned()]];
    for core in &CORES {
        let (version, commit) = bench::version(core)?;
        rows.push(vec![format!("`{}`", core.package), version, commit]);
    }
    Ok(table::render(&["from", "version", "commit of the core"], &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;

    #[test]
    fn the_page_has_a_place_for_every_table() {
        let builds = CORES.iter().flat_map(|core| core.builds).map(|build| build.name);
        for name in builds.chain([VERSIONS]) {
            Place::find(&root().join(PAGE), name).unwrap();
        }
    }

    /// Where the firmware has changed by more than figures may, its cycles are no longer those of the page.
    #[test]
    fn the_page_is_of_the_committed_instructions() {
        let figures = Figures::committed().unwrap();
        for build in CORES.iter().flat_map(|core| core.builds) {
            let place = Place::find(&root().join(PAGE), build.name).unwrap();
            for line in place.table().lines().skip(2) {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                let counted: u64 = cells[2].replace(',', "").parse().unwrap();
                let committed = figures.get(cells[1], BOARD).and_then(|row| row[0]).unwrap();
                let close = counted.abs_diff(committed) * 100 <= committed;
                assert!(close, "{line}: {committed} are committed, run `cargo xtask rtl --write`");
            }
        }
    }

    #[test]
    fn a_model_is_off_in_percent_and_cycles_may_be_a_range() {
        assert_eq!(off(103, 100), "+3.0%");
        assert_eq!(off(95, 100), "-5.0%");
        assert_eq!(cycles([1234, 1234]), "1,234");
        assert_eq!(cycles([1234, 1236]), "1,234 to 1,236");
    }
}
