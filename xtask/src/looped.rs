//! `cargo xtask loop`: an emulated core in a control loop whose plant is on the host.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use nervecord_codegen::emulate::Board;
use nervecord_codegen::{Compiled, Result};
use nervecord_tests::link::{
    self, CartPoleRig, Core, Emulated, Local, Plan, Plant, Rates, Run, SwimmerRig,
};

use crate::{boards, table};

/// Columns of the table.
const HEAD: [&str; 9] =
    ["board", "plant", "steps", "score", "as host", "faults", "bridged", "safe", "lost"];

/// What is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A pole on a cart, 50 periods a second
    Cartpole,
    /// The swimmer of six links with the bundled circuit, 33 periods a second
    Swimmer,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Cartpole => "cartpole",
            Self::Swimmer => "swimmer",
        }
    }

    fn controller(self) -> Result<Compiled> {
        match self {
            Self::Cartpole => CartPoleRig::controller(),
            Self::Swimmer => SwimmerRig::controller(),
        }
    }

    fn plant(self, seed: u32) -> Box<dyn Plant> {
        match self {
            Self::Cartpole => Box::new(CartPoleRig::new(seed)),
            Self::Swimmer => Box::new(SwimmerRig::new(seed)),
        }
    }

    fn local<'a>(self, compiled: &'a Compiled, plan: &Plan) -> Box<dyn Core + 'a> {
        match self {
            Self::Cartpole => Box::new(Local::<4, 1>::new(&compiled.program, &plan.settings)),
            Self::Swimmer => Box::new(Local::<5, 5>::new(&compiled.program, &plan.settings)),
        }
    }
}

/// What a person asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The plant.
    pub plant: Kind,
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
/// Something cannot be built or run.
pub fn run(board: &str, wish: &Wish) -> Result<bool> {
    let compiled = wish.plant.controller()?;
    let plan = Plan {
        rates: Rates::even(wish.faults),
        seed: wish.seed,
        resets: wish.reset.into_iter().collect(),
        ..Plan::clean(&compiled.program, wish.steps)
    };
    let start = || wish.plant.plant(wish.seed);
    let mut local = wish.plant.local(&compiled, &plan);
    let expected = link::run(&plan, &compiled.program, &mut *start(), &mut *local, |_, _| {})?;
    let sound = wish.faults > 0.0
        || wish.reset.is_some()
        || expected.trajectory == link::direct(&compiled.program, &mut *start(), wish.steps);
    let mut rows = Vec::new();
    let mut all = sound;
    for board in boards(board)? {
        let run = emulated(&board, wish, &plan, &compiled, &mut *start())?;
        all &= run == expected;
        rows.push(row(&board, wish, &run, run == expected));
    }
    println!("A run is as the host's when every state and output of it is, bit for bit.");
    table::print(&HEAD, &rows);
    if !sound {
        println!("The loop over the link is not the one without it.");
    }
    Ok(all)
}

fn emulated(
    board: &Board,
    wish: &Wish,
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
                wish.plant.name(),
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

fn row(board: &Board, wish: &Wish, run: &Run, equal: bool) -> Vec<String> {
    let faults = run.injected[0].total() + run.injected[1].total();
    vec![
        board.name.clone(),
        wish.plant.name().to_owned(),
        wish.steps.to_string(),
        format!("{:.3}", run.score),
        if equal { "yes" } else { "NO" }.to_owned(),
        faults.to_string(),
        run.bridged.to_string(),
        run.safe_answers.to_string(),
        run.counts.skipped.to_string(),
    ]
}
