//! A plant on the host and a controller at the other end of a serial link, with faults on the way.
//!
//! ```text
//! plant --inputs--> frame --faults--> core: loop, guard, model
//!   ^                                    |
//!   '-- guard <-- outputs <--faults-- frame
//! ```
//!
//! The core is an emulated one or [`Local`], the same loop in this process: both must give the same
//! trajectory, bit for bit. The host's end has a guard of its own, as a motor driver would: in a
//! period without an answer, or with one that comes of too old a sample, it drives the safe output.

mod core;
mod faults;
mod plant;

pub use self::core::{Core, Emulated, Host, Local, flip};
pub use faults::{Injected, Injector, Rates};
pub use plant::{CartPoleRig, Plant, SwimmerRig};

use nervecord::control::Guard;
use nervecord::control::frame::{Counts, Parser};
use nervecord::control::remote::{self, LONGEST, Settings};
use nervecord_codegen::program::Program;
use nervecord_codegen::{Error, Result};

/// Periods at either end of a run that have no faults, so that every fault has an outcome.
const CALM: usize = 50;

/// As many before a reset and after the core's start, so that no fault falls between two counters.
const SETTLED: usize = 5;

/// Periods that a core takes to start after a reset.
pub const BOOT: usize = 10;

/// What to do in a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Periods.
    pub steps: usize,
    /// What both ends agree on.
    pub settings: Settings,
    /// Faults on the link, each way.
    pub rates: Rates,
    /// Seed of the faults.
    pub seed: u32,
    /// Periods in which the core loses its power for a moment.
    pub resets: Vec<usize>,
    /// Bits of the model's memory that turn over, each before the period beside it.
    pub flips: Vec<(usize, usize)>,
}

impl Plan {
    /// Whether a period has no faults on the link.
    fn is_calm(&self, step: usize) -> bool {
        let near = |&reset: &usize| {
            (reset.saturating_sub(SETTLED)..reset + BOOT + SETTLED).contains(&step)
        };
        step < CALM || step + CALM >= self.steps || self.resets.iter().any(near)
    }

    /// A run without faults, a sample good for two periods after its own.
    pub fn clean(steps: usize) -> Self {
        let settings = Settings { max_age: 2, healthy: 1 };
        Self {
            steps,
            settings,
            rates: Rates::default(),
            seed: 0,
            resets: Vec::new(),
            flips: Vec::new(),
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The plant's state after every period, as the bits of its floats.
    pub trajectory: Vec<Vec<u64>>,
    /// The raw outputs that were driven.
    pub driven: Vec<Vec<i32>>,
    /// What the plant earned.
    pub score: f64,
    /// Periods that the host's guard bridged, because there was no answer.
    pub bridged: usize,
    /// Answers in which the core's own guard was in charge.
    pub safe_answers: usize,
    /// Answers that came of a sample older than allowed; the host's guard bridged them too.
    pub old_answers: usize,
    /// What was done to the frames on the way to the core, and back.
    pub injected: [Injected; 2],
    /// What the host's end counted.
    pub counts: Counts,
}

/// Runs a plant over a link; `progress` hears of every period.
///
/// # Errors
/// The core has stopped.
pub fn run(
    plan: &Plan,
    program: &Program,
    plant: &mut dyn Plant,
    core: &mut dyn Core,
    mut progress: impl FnMut(usize, &Run),
) -> Result<Run> {
    let mut run = Run::default();
    let mut down = Injector::new(plan.rates, plan.seed);
    let mut up = Injector::new(plan.rates, plan.seed.wrapping_add(1));
    let outputs = program.output.features();
    let guard = |o| program.limits_of_output(o).map(|limits| Guard::new(&limits, 0));
    let guards: std::result::Result<Vec<Guard<0, 1>>, _> = (0..outputs).map(guard).collect();
    let mut guards = guards.map_err(|e| Error::new(e.message()))?;
    let mut parser = Parser::<LONGEST>::new();
    let mut silent = 0;
    for step in 0..plan.steps {
        if plan.resets.contains(&step) {
            core.reset()?;
            silent = BOOT;
        }
        for (_, bit) in plan.flips.iter().filter(|(when, _)| *when == step) {
            core.flip(*bit)?;
        }
        let calm = plan.is_calm(step);
        let raw = program.input.to_raws(&plant.observe());
        let frame = remote::inputs(step as u16, &raw);
        let frame = frame.ok_or_else(|| Error::new("the inputs do not fit a frame"))?;
        let received = down.pass(&frame, calm);
        let answer = match silent {
            0 => core.period(&received)?,
            _ => Vec::new(),
        };
        silent = silent.saturating_sub(1);
        let mut newest = None;
        parser.feed(&up.pass(&answer, calm), |frame| {
            if frame.order.is_newest() {
                newest = answered(frame.payload, outputs);
            }
        });
        let raw: Vec<i32> = match newest {
            Some(answer) if answer.age(step) <= plan.settings.max_age => {
                run.safe_answers += usize::from(!answer.running);
                let values = guards.iter_mut().zip(answer.values);
                values.map(|(guard, value)| guard.output(&[value])[0]).collect()
            }
            unusable => {
                run.old_answers += usize::from(unusable.is_some());
                run.bridged += usize::from(unusable.is_none());
                guards.iter_mut().map(|guard| guard.safe()[0]).collect()
            }
        };
        plant.drive(&program.output.to_reals(&raw));
        run.trajectory.push(plant.state().iter().map(|x| x.to_bits()).collect());
        run.driven.push(raw);
        run.score = plant.score();
        run.injected = [down.injected, up.injected];
        run.counts = *parser.counts();
        progress(step, &run);
    }
    Ok(run)
}

/// What the core says.
struct Answer {
    /// Whether its controller is in charge.
    running: bool,
    /// The number of the sample it used.
    used: u16,
    values: Vec<i32>,
}

impl Answer {
    /// Periods from the sample until now; none for a safe output, which no sample is behind.
    fn age(&self, step: usize) -> u32 {
        if self.running { (step as u16).wrapping_sub(self.used).into() } else { 0 }
    }
}

fn answered(payload: &[u8], outputs: usize) -> Option<Answer> {
    let (&[state, _, low, high], values) = payload.split_first_chunk::<4>()?;
    let (words, rest) = values.as_chunks::<4>();
    let values: Vec<i32> = words.iter().map(|word| i32::from_le_bytes(*word)).collect();
    let answer = Answer { running: state == 0xff, used: u16::from_le_bytes([low, high]), values };
    (answer.values.len() == outputs && rest.is_empty()).then_some(answer)
}

/// The same loop with neither link nor guard: plant, model, plant.
pub fn direct(program: &Program, plant: &mut dyn Plant, steps: usize) -> Vec<Vec<u64>> {
    let mut model = nervecord_codegen::interpret::Interpreter::new(program);
    let mut trajectory = Vec::new();
    for _ in 0..steps {
        let (raw, _) = model.step_raw(&program.input.to_raws(&plant.observe()));
        plant.drive(&program.output.to_reals(&raw));
        trajectory.push(plant.state().iter().map(|x| x.to_bits()).collect());
    }
    trajectory
}
