//! `cargo xtask loop`: an emulated core in a control loop whose plant is on the host.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use nervecord_cli::emulate::Board;
use nervecord_codegen::{Compiled, Error, Result};
use nervecord_tests::link::{
    self, CartPoleRig, Core, Emulated, Local, Plan, Plant, Rates, Run, SwimmerRig,
};

use crate::checkout::boards;
use crate::table;

/// Columns of the table.
const HEAD: [&str; 10] =
    ["board", "plant", "steps", "score", "as host", "faults", "bridged", "old", "safe", "lost"];

/// What is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlantKind {
    /// A pole on a cart, 50 periods a second
    #[value(name = "cart-pole", alias = "cartpole")]
    CartPole,
    /// The swimmer of six links with the bundled circuit, 33 periods a second
    Swimmer,
}

impl PlantKind {
    fn name(self) -> &'static str {
        match self {
            Self::CartPole => "cart-pole",
            Self::Swimmer => "swimmer",
        }
    }

    fn controller(self) -> Result<Compiled> {
        match self {
            Self::CartPole => CartPoleRig::controller(),
            Self::Swimmer => SwimmerRig::controller(),
        }
    }

    fn plant(self, seed: u32) -> Box<dyn Plant> {
        match self {
            Self::CartPole => Box::new(CartPoleRig::new(seed)),
            Self::Swimmer => Box::new(SwimmerRig::new(seed)),
        }
    }

    fn local<'a>(self, compiled: &'a Compiled, plan: &Plan) -> Result<Box<dyn Core + 'a>> {
        let (program, settings) = (&compiled.program, &plan.settings);
        Ok(match self {
            Self::CartPole => Box::new(Local::<4, 1>::new(program, settings)?),
            Self::Swimmer => Box::new(Local::<5, 5>::new(program, settings)?),
        })
    }
}

/// A number of periods, at least 1.
pub fn steps(text: &str) -> std::result::Result<usize, String> {
    let steps = text.parse().ok().filter(|&steps| steps > 0);
    steps.ok_or_else(|| "expected a number of periods, 1 or more".to_owned())
}

/// A part of 1.
pub fn rate(text: &str) -> std::result::Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0 to 1, such as 0.2 for a frame in five".to_owned())
}

/// What a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct LoopOptions {
    /// The plant.
    pub plant: PlantKind,
    /// Periods.
    pub steps: usize,
    /// Faults a frame, each way.
    pub faults: f64,
    /// A reset of the core in this period.
    pub reset: Option<usize>,
    /// Seed of plant and faults.
    pub seed: u32,
}

/// Runs the loop on boards; whether every trajectory is the one of the host alone.
///
/// # Errors
/// Something cannot be built or run, or is asked for after the end.
pub fn run(board: &str, options: &LoopOptions) -> Result<bool> {
    if let Some(reset) = options.reset.filter(|&reset| reset >= options.steps) {
        return Err(Error::new("the core is reset after the end of the run")
            .at("--reset")
            .expected(format!("a period below {}, the number of --steps", options.steps))
            .found(reset));
    }
    let compiled = options.plant.controller()?;
    let plan = Plan {
        rates: Rates::even(options.faults),
        seed: options.seed,
        resets: options.reset.into_iter().collect(),
        ..Plan::clean(options.steps)
    };
    let start = || options.plant.plant(options.seed);
    let mut local = options.plant.local(&compiled, &plan)?;
    let expected = link::run(&plan, &compiled.program, &mut *start(), &mut *local, |_, _| {})?;
    let sound = options.faults > 0.0
        || options.reset.is_some()
        || expected.trajectory == link::direct(&compiled.program, &mut *start(), options.steps);
    let mut rows = Vec::new();
    let mut all = sound;
    for board in boards(board)? {
        let run = emulated(&board, options, &plan, &compiled, &mut *start())?;
        all &= run == expected;
        rows.push(row(&board, options, &run, run == expected));
    }
    println!("A run is as the host's when every state and output of it is, bit for bit.");
    table::print(&HEAD, &rows);
    if options.faults > 0.0 || options.reset.is_some() {
        print_faults(&expected);
    }
    if !sound {
        println!("The loop over the link is not the one without it.");
    }
    Ok(all)
}

fn emulated(
    board: &Board,
    options: &LoopOptions,
    plan: &Plan,
    compiled: &Compiled,
    plant: &mut dyn Plant,
) -> Result<Run> {
    let mut core = Emulated::start(board, &compiled.module(), &plan.settings)?;
    let live = std::io::stderr().is_terminal();
    let mut out = std::io::stderr();
    let run = link::run(plan, &compiled.program, plant, &mut core, |step, run| {
        if live && (step + 1) % 10 == 0 {
            let faults = run.injected[0].total() + run.injected[1].total();
            // A terminal that is gone is no reason to stop.
            let _ = write!(
                out,
                "\r{} on {}: {:>5} of {} periods, score {:.1}, {faults} faults, {} bridged ",
                options.plant.name(),
                board.name,
                step + 1,
                plan.steps,
                run.score,
                run.bridged,
            );
        }
    });
    if live {
        let _ = writeln!(out);
    }
    run
}

/// Prints what was done to the frames, and what the host's end counted.
fn print_faults(run: &Run) {
    let [down, up] = &run.injected;
    println!("injected into frames on the way to the core, and back:");
    for (name, down, up) in [
        ("dropped", down.dropped, up.dropped),
        ("corrupted", down.corrupted, up.corrupted),
        ("duplicated", down.duplicated, up.duplicated),
        ("late", down.late, up.late),
        ("garbage", down.garbage, up.garbage),
    ] {
        println!("  {name:<12} {down:>6} {up:>6}");
    }
    println!("counted at the host's end:");
    for (name, count) in [
        ("fresh", run.counts.fresh),
        ("skipped", run.counts.skipped),
        ("duplicate", run.counts.duplicate),
        ("late", run.counts.late),
        ("restarts", run.counts.restarts),
        ("false starts", run.counts.length),
        ("wrong CRCs", run.counts.crc),
        ("stray bytes", run.counts.garbage),
    ] {
        println!("  {name:<12} {count:>6}");
    }
}

fn row(board: &Board, options: &LoopOptions, run: &Run, equal: bool) -> Vec<String> {
    let faults = run.injected[0].total() + run.injected[1].total();
    vec![
        board.name.clone(),
        options.plant.name().to_owned(),
        options.steps.to_string(),
        format!("{:.3}", run.score),
        if equal { "yes" } else { "NO" }.to_owned(),
        faults.to_string(),
        run.bridged.to_string(),
        run.old_answers.to_string(),
        run.safe_answers.to_string(),
        run.counts.skipped.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_run_is_refused_in_words() {
        assert_eq!((steps("1"), rate("0"), rate("0.2")), (Ok(1), Ok(0.0), Ok(0.2)));
        for text in ["0", "-1", "x", "", "1e3"] {
            assert!(steps(text).unwrap_err().contains("1 or more"), "{text}");
        }
        for text in ["-0.1", "1.1", "nan", "inf", "x", ""] {
            assert!(rate(text).unwrap_err().contains("0 to 1"), "{text}");
        }
        let plant = PlantKind::Swimmer;
        let options = LoopOptions { plant, steps: 10, faults: 0.0, reset: Some(10), seed: 1 };
        let message = run("all", &options).unwrap_err().to_string();
        assert!(message.contains("--reset") && message.contains("below 10"), "{message}");
    }
}
