//! `cargo xtask board`: the image that is flashed onto a development board, executed with its devices on its bus and the
//! swimmer in its water, and held against the host's loop.

mod emulator;
mod firmware;
mod host;
mod ideal;
mod judge;
mod log;
mod picture;
mod plan;
mod run;
mod transfer;
mod water;

use std::io::{IsTerminal, Write};

use nervecord::control::{Fault, State};
use nervecord_codegen::output::write_atomic;
use nervecord_codegen::{Error, Result};

pub use emulator::set_up;

use crate::checkout::{root, say};
use crate::figures::Figures;
use crate::parts::Part;
use crate::table::{self, Place};
use firmware::body::{Joints, Unfelt};
use firmware::head::Head;
use host::PERIOD;
use judge::{Verdict, judge};
use plan::Plan;
use run::Run;

/// The one board whose images can be executed with their devices.
const EMULATED: &str = "pico";
/// What is left of the return of the host's swim where nothing goes wrong, in percent: until the first fault, and of the
/// whole swim with every fault, as over a bad link.
const KEPT: [f64; 2] = [95.0, 85.0];
/// Periods of the swim with every fault.
const PERIODS: u32 = 1_000;
/// The kinds of fault that it has counted.
const COUNTED: [Fault; 4] = [Fault::Sensor, Fault::Stuck, Fault::Stale, Fault::Actuator];
/// Milliseconds in which the bench says what a step takes.
const BENCH_MS: u64 = 50;

/// The page of the book that has the tables, under these names, and the picture's place: as a result, and in the book.
const PAGE: &str = "docs/emulated-pico.md";
const TABLES: [&str; 4] = ["runs", "faults", "returns", "cycles"];
const PICTURE: [&str; 2] = ["target/emulated-pico.svg", "docs/emulated-pico.svg"];

/// Columns of the tables.
const RUNS: [&str; 9] = [
    "image",
    "start",
    "periods",
    "transfers",
    "as host",
    "running",
    "faults",
    "late us",
    "servos us",
];
const COUNTS: [&str; 2] = ["faults of the swim with the sensor", "times"];
const RETURNS: [&str; 5] =
    ["return after periods", "board", "host, no fault", "kept %", "promised %"];
const CYCLES: [&str; 2] = ["a step on the Cortex-M0+", "number"];

/// A run that is what the host's loop does, life by life.
struct Judged {
    image: &'static str,
    run: Run,
    verdicts: Vec<Verdict>,
}

/// Executes a board's images; draws the run with every fault, into the book if asked.
///
/// # Errors
/// An image does something else than the host's loop, or nothing at all; or the board cannot be emulated.
pub fn board(name: &str, write: bool) -> Result<()> {
    let part = Part::all()?.into_iter().find(|part| part.id() == name && name == EMULATED);
    let part = part.ok_or_else(|| {
        Error::new("the board cannot be executed with its devices")
            .at(name)
            .expected(format!("`{EMULATED}`"))
            .help("boards/README.md says how far the others come")
    })?;
    let page = root().join(PAGE);
    if write {
        // Before there is anything to write.
        TABLES.iter().try_for_each(|name| Place::find(&page, name).map(|_| ()))?;
    }
    let plan = Plan::faults(PERIODS);
    let swim = judged(&part, "imu", &plan, Head::new)?;
    let resets = judged(&part, "swimmer", &Plan::resets(), || Unfelt)?;
    let tables = [
        table::render(&RUNS, &[swim.rows(), resets.rows()].concat()),
        table::render(&COUNTS, &counts(&swim)?),
        table::render(&RETURNS, &kept(&swim.run, &plan)?),
        table::render(&CYCLES, &cycles(&part)?),
    ];
    println!("{}", tables.join("\n"));
    let picture = root().join(PICTURE[usize::from(write)]);
    write_atomic(&picture, picture::draw(&swim.run, &plan, &swim.running()).as_bytes())?;
    println!("the swim with the sensor is drawn in {}", PICTURE[usize::from(write)]);
    if write {
        for (name, table) in TABLES.iter().zip(&tables) {
            Place::find(&page, name)?.fill(table)?;
        }
    }
    Ok(())
}

/// Runs a firmware of a part, and holds every life of it against the host's loop.
fn judged<J: Joints>(
    part: &Part,
    image: &'static str,
    plan: &Plan,
    joints: impl Fn() -> J,
) -> Result<Judged> {
    let at = |error: Error| error.at(format!("{} {image}", part.id()));
    let elf = part.firmware(image)?.image()?;
    say(&format!("{image} on an emulated {}", part.id()));
    let run = run::run(&elf, plan, progress).map_err(at)?;
    let causes: Vec<&str> = run.lives.iter().skip(1).map(|life| life.start.1.as_str()).collect();
    if causes != plan.resets {
        return Err(at(Error::new(
            "the chip was reset where it should not be, or not where it should",
        )
        .expected(format!("{:?}", plan.resets))
        .found(format!("{causes:?}"))));
    }
    let verdicts = run.lives.iter().map(|life| judge(life, joints()).map_err(at));
    let verdicts = verdicts.collect::<Result<_>>()?;
    Ok(Judged { image, run, verdicts })
}

/// Tells a person who watches how far a run is.
fn progress(microseconds: u64) {
    let mut out = std::io::stderr();
    if out.is_terminal() && (microseconds / 30_000).is_multiple_of(10) {
        // A terminal that is gone is no reason to stop.
        let _ = write!(out, "\r{:.1} s ", microseconds as f64 / 1e6);
    }
}

impl Judged {
    /// Rows of the table, a life each.
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |(life, verdict): (&run::Record, &Verdict)| {
            let faults = verdict.periods.last().map_or(0, |period| period.faults.total());
            let numbers = [
                verdict.periods.len().to_string(),
                life.transfers.len().to_string(),
                // Anything else is an error before there is a table.
                "yes".to_owned(),
                verdict
                    .periods
                    .iter()
                    .filter(|period| period.state == State::Running)
                    .count()
                    .to_string(),
                faults.to_string(),
                verdict.late.to_string(),
                verdict.longest.to_string(),
            ];
            [self.image.to_owned(), life.start.1.clone()].into_iter().chain(numbers).collect()
        };
        self.run.lives.iter().zip(&self.verdicts).map(row).collect()
    }

    /// Whether the circuit was in charge, period by period.
    fn running(&self) -> Vec<bool> {
        let periods = self.verdicts.iter().flat_map(|verdict| &verdict.periods);
        periods.map(|period| period.state == State::Running).collect()
    }
}

/// The faults of a run by kind, every kind that can be provoked on the wire among them, and no other.
fn counts(judged: &Judged) -> Result<Vec<Vec<String>>> {
    let last = judged.verdicts.last().and_then(|verdict| verdict.periods.last());
    let mut rows = Vec::new();
    for fault in Fault::ALL {
        let times = last.map_or(0, |period| period.faults.of(fault));
        if (times > 0) != COUNTED.contains(&fault) {
            return Err(Error::new("the faults on the wire were not counted by their kinds")
                .at(format!("{fault:?}"))
                .expected(format!("some of each of {COUNTED:?}, and none of another kind"))
                .found(times));
        }
        if times > 0 {
            rows.push(vec![format!("{fault:?}"), times.to_string()]);
        }
    }
    Ok(rows)
}

/// What is left of the return, until the first fault and at the end.
fn kept(run: &Run, plan: &Plan) -> Result<Vec<Vec<String>>> {
    let until = plan.faults.first().map_or(PERIODS, |fault| fault.periods[0]);
    let mut rows = Vec::new();
    for (periods, promised) in [until, PERIODS].into_iter().zip(KEPT) {
        let earned = run.earned(u64::from(PERIOD) * u64::from(periods));
        let (clean, _) = ideal::swim(Head::new(), periods, run::SEED);
        let kept = 100.0 * earned / clean;
        if kept < promised {
            return Err(Error::new("the swim on the board earns less than is promised")
                .at(format!("after {periods} periods"))
                .expected(format!("{promised} % of the host's {clean:.1}"))
                .found(format!("{earned:.1}")));
        }
        let numbers = [earned, clean, kept, promised].map(|number| format!("{number:.1}"));
        rows.push([periods.to_string()].into_iter().chain(numbers).collect());
    }
    Ok(rows)
}

/// What a step takes: by the image's own counter in the emulator, by the model of the core, and in QEMU.
fn cycles(part: &Part) -> Result<Vec<Vec<String>>> {
    let elf = part.firmware("bench")?.image()?;
    let run = run::run(&elf, &Plan::quiet(BENCH_MS), |_| {})?;
    let said = run.lives.first().and_then(|life| life.log.first()).cloned();
    let said = said.ok_or_else(|| {
        Error::new("the bench says nothing").expected(format!("a line within {BENCH_MS} ms"))
    })?;
    let figures = Figures::committed()?.get("ncap_swimmer", "qemu-cortex-m0").unwrap_or_default();
    let number = |figure: Option<u64>| figure.map_or("-".to_owned(), |figure| figure.to_string());
    let [instructions, modelled, ..] = figures;
    let own = said.strip_prefix("a step takes ").unwrap_or(&said).replace(" cycles, over", " over");
    Ok([
        ("cycles by SysTick, as rp2040js counts", own),
        ("cycles by the model of the core", number(modelled)),
        ("instructions in QEMU", number(instructions)),
    ]
    .map(|(name, number)| vec![name.to_owned(), number])
    .to_vec())
}
