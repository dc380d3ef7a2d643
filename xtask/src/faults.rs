//! `cargo xtask faults`: what faults in a controller and around it come to, in closed loop.

use nervecord_cli::emulate::Board;
use nervecord_codegen::{Compiled, Error, Result};
use nervecord_tests::faults::{Disturbance, Flips, Model, Outcome, Place, Rig, flips, outcome};
use nervecord_tests::link::{self, Core, Emulated, Local, Plan};
use nervecord_tests::random::Random;

use crate::checkout::{boards, root, say};
use crate::table::{self, Place as Spot};

/// The document with the figures.
const DOCUMENT: &str = "docs/faults.md";

/// Columns of the table of flips.
const FLIPS: [&str; 10] =
    ["flips in", "model", "flips", "unseen", "median", "90%", "99%", "longest", "stays", "lost"];
/// Columns of the table of faults from outside.
const OUTSIDE: [&str; 8] =
    ["fault", "model", "kinds", "seen in", "after", "out for", "survived", "unguarded"];
/// Columns of the table of boards.
const BOARDS: [&str; 5] = ["board", "model", "periods", "flips", "as host"];

/// Periods of a run on a board, and from one flip to the next.
const PERIODS: usize = 1000;
const EVERY: usize = 5;

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct FaultOptions {
    /// Bits that turn over, a model.
    pub flips: usize,
    /// Runs of each fault from outside.
    pub runs: usize,
    /// Seed of the flips.
    pub seed: u64,
    /// A board whose memory is disturbed as well, or all.
    pub board: Option<String>,
    /// Whether the tables go into the document.
    pub write: bool,
}

/// Measures; whether every promise was kept.
///
/// # Errors
/// A model does not compile, a board cannot be run, or the document cannot be written.
pub fn faults(options: &FaultOptions) -> Result<bool> {
    let mut kept = true;
    let (mut flip_rows, mut outside_rows) = (Vec::new(), Vec::new());
    for model in Model::ALL {
        say(&format!("{}: {} flips", model.name(), options.flips));
        let program = model.compile()?.program;
        for (place, found) in
            Place::ALL.iter().zip(flips(model, &program, options.flips, options.seed))
        {
            // Nothing in scratch outlives the step it was written in.
            kept &= *place != Place::Scratch || found.unseen() == found.count;
            flip_rows.extend((found.count > 0).then(|| flip_row(model, *place, &found)));
        }
        for kind in Disturbance::ALL {
            let found = outcome(model, &program, kind, options.runs)?;
            kept &= found.wrong == 0;
            outside_rows.push(outside_row(model, kind, &found));
        }
    }
    println!("Bits that turn over in a controller's memory; steps until all outputs are back:");
    table::print(&FLIPS, &flip_rows);
    println!("Faults from outside, each {} times; periods:", options.runs);
    table::print(&OUTSIDE, &outside_rows);
    let mut board_rows = Vec::new();
    if let Some(board) = &options.board {
        for board in boards(board)? {
            kept &= on_board(&board, options.seed, &mut board_rows)?;
        }
        println!("Flips between periods on emulated cores, against the host:");
        table::print(&BOARDS, &board_rows);
    }
    if options.write {
        let document = root().join(DOCUMENT);
        let mut tables =
            vec![("flips", &FLIPS[..], &flip_rows), ("outside", &OUTSIDE, &outside_rows)];
        if !board_rows.is_empty() {
            tables.push(("boards", &BOARDS, &board_rows));
        }
        for (name, head, rows) in tables {
            Spot::find(&document, name)?.fill(&table::render(head, rows))?;
        }
    }
    if !kept {
        println!(
            "A flip in scratch outlived its step, a guard drove what it should not, or a core is not as the host."
        );
    }
    Ok(kept)
}

fn flip_row(model: Model, place: Place, flips: &Flips) -> Vec<String> {
    let share = |count: usize| format!("{:.2}%", 100.0 * count as f64 / flips.count as f64);
    let steps = |part: f64| flips.within(part).map_or("-".to_owned(), |steps| steps.to_string());
    vec![
        place.name().to_owned(),
        model.name().to_owned(),
        flips.count.to_string(),
        share(flips.unseen()),
        steps(0.5),
        steps(0.9),
        steps(0.99),
        steps(1.0),
        share(flips.never),
        share(flips.lost),
    ]
}

fn outside_row(model: Model, kind: Disturbance, found: &Outcome) -> Vec<String> {
    let kinds: Vec<String> = found.faults.iter().map(|(fault, _)| format!("{fault:?}")).collect();
    let mut acted = found.acted.clone();
    acted.sort_unstable();
    let after = match (acted.get(acted.len() / 2), acted.last()) {
        (Some(median), Some(last)) if median == last => median.to_string(),
        (Some(median), Some(last)) => format!("{median}, at most {last}"),
        _ => "-".to_owned(),
    };
    let [guarded, bare] = found.survived.map(|count| format!("{count} of {}", found.runs));
    vec![
        kind.name().to_owned(),
        model.name().to_owned(),
        if kinds.is_empty() { "-".to_owned() } else { kinds.join(", ") },
        format!("{} of {}", acted.len(), found.runs),
        after,
        if acted.is_empty() { "-".to_owned() } else { found.out.to_string() },
        guarded,
        bare,
    ]
}

/// Every model on a board, its memory disturbed: whether each run is the host's.
fn on_board(board: &Board, seed: u64, rows: &mut Vec<Vec<String>>) -> Result<bool> {
    let mut all = true;
    for model in Model::ALL {
        let compiled = model.compile()?;
        let mut random = Random::new(seed);
        let bits = 64 * compiled.program.scratch_quads;
        let flips = (EVERY..PERIODS).step_by(EVERY).map(|step| (step, random.below(bits)));
        let plan = Plan { flips: flips.collect(), ..Plan::clean(PERIODS) };
        let run = |core: &mut dyn Core| {
            let mut rig = Rig::new(model, 100);
            link::run(&plan, &compiled.program, &mut rig, core, |_, _| {})
        };
        let host = run(&mut *local(model, &compiled, &plan)?)?;
        let core = run(&mut Emulated::start(board, &compiled.module(), &plan.settings)?)?;
        let equal = core == host;
        all &= equal;
        rows.push(vec![
            board.name.clone(),
            model.name().to_owned(),
            PERIODS.to_string(),
            plan.flips.len().to_string(),
            if equal { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    Ok(all)
}

/// The loop on the host.
fn local<'a>(model: Model, compiled: &'a Compiled, plan: &Plan) -> Result<Box<dyn Core + 'a>> {
    let (program, settings) = (&compiled.program, &plan.settings);
    Ok(match model {
        Model::Liquid | Model::Splines => Box::new(Local::<4, 1>::new(program, settings)?),
        Model::Gated => Box::new(Local::<3, 2>::new(program, settings)?),
        Model::Circuit => Box::new(Local::<5, 5>::new(program, settings)?),
    })
}

/// A short run for `cargo xtask test`.
///
/// # Errors
/// A promise was not kept.
pub fn check() -> Result<()> {
    let board = Some("qemu-riscv32".to_owned());
    let options = FaultOptions { flips: 500, runs: 10, seed: 1, board, write: false };
    match faults(&options)? {
        true => Ok(()),
        false => Err(Error::new("a fault comes to more than is promised")
            .help("run `cargo xtask faults` and read what it says")),
    }
}
