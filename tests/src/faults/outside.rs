//! What sensors, clock and supply do to a guarded loop, and what the guard does about it. Stands on rigs and the
//! link's controller on the host.

use std::cell::RefCell;
use std::rc::Rc;

use nervecord::control::{
    ControlLoop, Devices, Fault, Limits, Sample, Settings, State, Supervisor, Tolerance,
};
use nervecord::{InputLimits, OutputLimits};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::{Program, StatedLimits};
use nervecord_codegen::{Error, Result};

use super::rig::{Model, Rig};
use crate::link::{BOOT, Host};
use crate::random::Random;

/// Ticks of the clock a period.
const PERIOD: u32 = 1000;
/// Periods that a fault of a sensor lasts.
pub const LASTS: usize = 20;
/// Periods in which faults begin.
const WHEN: std::ops::Range<usize> = 100..200;
/// Periods of a run.
const STEPS: usize = 600;
/// Half the width of a noisy sensor's noise, in the inputs' units.
const NOISY: f64 = 1.5;
/// Part of what an undisturbed plant earns that a plant has to.
const ENOUGH: f64 = 0.85;

/// What happens once in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing, as a check on the guard.
    Nothing,
    /// An input keeps its value.
    Stuck,
    /// An input has noise beyond its range.
    Noisy,
    /// An input is no number.
    NoNumber,
    /// The sensor answers with an error.
    Mute,
    /// The sensor repeats its last sample, and says so.
    Old,
    /// The clock is 7.3 periods ahead.
    Ahead,
    /// The clock is 7.3 periods behind.
    Behind,
    /// The clock wraps.
    Wrap,
    /// The supply fails for a moment, and the controller starts anew.
    BrownOut,
}

impl Disturbance {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Nothing,
        Self::Stuck,
        Self::Noisy,
        Self::NoNumber,
        Self::Mute,
        Self::Old,
        Self::Ahead,
        Self::Behind,
        Self::Wrap,
        Self::BrownOut,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Stuck => "an input stuck",
            Self::Noisy => "an input noisy",
            Self::NoNumber => "an input NaN",
            Self::Mute => "sensor mute",
            Self::Old => "samples old",
            Self::Ahead => "clock 7.3 periods ahead",
            Self::Behind => "clock 7.3 periods behind",
            Self::Wrap => "clock wraps",
            Self::BrownOut => "brown-out",
        }
    }
}

/// What runs with one disturbance each came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// How many there were.
    pub runs: usize,
    /// Faults by kind, over all runs.
    pub faults: Vec<(Fault, u32)>,
    /// Periods from the disturbance until the guard was in charge, of the runs in which it was; 0 is the same.
    pub acted: Vec<usize>,
    /// The most periods on end in which the controller was not in charge.
    pub out: usize,
    /// Outputs driven outside their limits, or other than the safe one while the guard was in charge.
    pub wrong: usize,
    /// Runs whose plant neither failed nor earned too little, with the guard, and with none.
    pub survived: [usize; 2],
}

/// All that is not the loop.
struct World {
    rig: Rig,
    /// What the clock says beside the time.
    skew: u32,
    now: u32,
    step: usize,
    kind: Disturbance,
    /// The period that it begins in, and the input it is about.
    begins: usize,
    input: usize,
    random: Random,
    held: Vec<f64>,
    driven: Vec<i32>,
}

impl World {
    fn is_disturbed(&self) -> bool {
        (self.begins..self.begins + LASTS).contains(&self.step)
    }
}

/// The world as a loop's devices.
struct Side<'a>(Rc<RefCell<World>>, &'a Program);

impl<const I: usize, const O: usize> Devices<[i32; I], [i32; O]> for Side<'_> {
    fn now(&mut self) -> u32 {
        let world = self.0.borrow();
        world.now.wrapping_add(world.skew)
    }

    fn sample(&mut self, now: u32) -> Option<Sample<[i32; I]>> {
        let mut world = self.0.borrow_mut();
        let world = &mut *world;
        let mut seen = world.rig.observe();
        let (disturbed, input) = (world.is_disturbed(), world.input);
        if !disturbed {
            world.held.clone_from(&seen);
        }
        let (mut taken, mut missing) = (now, None);
        if disturbed {
            match world.kind {
                Disturbance::Stuck => seen[input] = world.held[input],
                Disturbance::Noisy => seen[input] += NOISY * world.random.unit(),
                Disturbance::NoNumber => (seen[input], missing) = (f64::NAN, Some(input)),
                Disturbance::Mute => return None,
                Disturbance::Old => {
                    seen.clone_from(&world.held);
                    let age = 1 + world.step - world.begins;
                    taken = now.wrapping_sub(PERIOD * age as u32);
                }
                _ => {}
            }
        }
        let raw = self.1.input.to_raws(&seen);
        let mut sample = Sample::new(std::array::from_fn(|i| raw[i]), taken);
        if let Some(input) = missing {
            sample.status.set_invalid(input);
        }
        let port = &self.1.input;
        for (i, (&x, &raw)) in seen.iter().zip(&raw).enumerate() {
            // Beyond its format.
            if (port.to_real(i, raw) - x).abs() > port.step(i) {
                sample.status.set(i);
            }
        }
        Some(sample)
    }

    fn drive(&mut self, output: &[i32; O]) -> bool {
        self.0.borrow_mut().driven = output.to_vec();
        true
    }

    fn feed(&mut self) {}
}

type Loop<'a, const I: usize, const O: usize> = ControlLoop<Host<'a, I, O>, Side<'a>, I, O>;

fn boot<'a, const I: usize, const O: usize>(
    world: &Rc<RefCell<World>>,
    program: &'a Program,
    limits: &Limits<I, O>,
) -> Loop<'a, I, O> {
    let (deadline, max_age) = (PERIOD / 2, PERIOD / 2);
    let settings = Settings { deadline, max_age, ..Settings::new(*limits, PERIOD) };
    let supervisor = Supervisor::new(Host::new(program), settings);
    ControlLoop::new(supervisor, Side(world.clone(), program))
}

/// What one run came to.
struct Run {
    faults: Vec<(Fault, u32)>,
    acted: Option<usize>,
    out: usize,
    wrong: usize,
    earned: f64,
    failed: bool,
}

fn run<const I: usize, const O: usize>(
    model: Model,
    program: &Program,
    limits: &Limits<I, O>,
    kind: Disturbance,
    seed: u32,
) -> Run {
    let mut random = Random::new(seed.into());
    let begins = WHEN.start + random.below(WHEN.len());
    let input = random.below(I);
    let start =
        if kind == Disturbance::Wrap { 0_u32.wrapping_sub(PERIOD * begins as u32) } else { 0 };
    let (rig, driven) = (Rig::new(model, 100 + seed), vec![0; O]);
    let (now, skew, step, held) = (start, 0, 0, Vec::new());
    let world = World { rig, skew, now, step, kind, begins, input, random, held, driven };
    let world = Rc::new(RefCell::new(world));
    let mut control: Loop<I, O> = boot(&world, program, limits);
    let mut counts = [0; Fault::KINDS];
    let (mut silent, mut acted, mut out, mut most, mut wrong) = (0, None, 0, 0, 0);
    for step in 0..STEPS {
        world.borrow_mut().step = step;
        if step == begins {
            let jump = 73 * PERIOD / 10;
            match kind {
                Disturbance::Ahead => world.borrow_mut().skew = jump,
                Disturbance::Behind => world.borrow_mut().skew = 0_u32.wrapping_sub(jump),
                Disturbance::BrownOut => {
                    silent = BOOT;
                    // Without supply nothing is driven.
                    world.borrow_mut().driven = vec![0; O];
                }
                _ => {}
            }
        }
        if kind == Disturbance::BrownOut && step == begins + BOOT {
            control = boot(&world, program, limits);
        }
        // A loop that looks at its clock ten times a period.
        let mut in_charge = silent == 0;
        for tick in 0..10 {
            world.borrow_mut().now = start.wrapping_add(PERIOD * step as u32 + tick * PERIOD / 10);
            let Some(found) = (silent == 0).then(|| control.poll()).flatten() else { continue };
            if let Some(fault) = found.fault {
                counts[fault as usize] += 1;
            }
            in_charge &= found.state == State::Running;
            let real = program.output.to_reals(&found.output);
            let is_safe = found.state == State::Running || found.output.iter().all(|&y| y == 0);
            wrong += usize::from(!is_safe || real.iter().any(|y| y.abs() > 1.0));
        }
        silent = silent.saturating_sub(1);
        if !in_charge && step >= begins {
            acted = acted.or(Some(step - begins));
        }
        // The way into service at the start is no fault.
        out = if in_charge || step < begins { 0 } else { out + 1 };
        most = most.max(out);
        let mut world = world.borrow_mut();
        let outputs = program.output.to_reals(&world.driven);
        world.rig.drive(&outputs);
    }
    let faults = Fault::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    let world = world.borrow();
    let (earned, failed) = (world.rig.earned(), world.rig.has_failed());
    Run { faults, acted, out: most, wrong, earned, failed }
}

/// What the plant of a seed earns under the controller alone.
fn undisturbed(model: Model, program: &Program, seed: u32) -> f64 {
    let mut rig = Rig::new(model, 100 + seed);
    let mut controller = Interpreter::new(program);
    for _ in 0..STEPS {
        let (outputs, _) = controller.step(&rig.observe());
        rig.drive(&outputs);
    }
    rig.earned()
}

/// So many runs with one disturbance each.
///
/// # Errors
/// The program has other inputs or outputs, or its formats cannot hold its limits.
fn runs<const I: usize, const O: usize>(
    model: Model,
    program: &Program,
    kind: Disturbance,
    count: usize,
) -> Result<Outcome> {
    let refused = |e: nervecord::limits::LimitError| Error::new(e.message());
    let limits: Limits<I, O> = program.limits().map_err(refused)?;
    let always = Tolerance::ALWAYS;
    let free = StatedLimits {
        inputs: vec![InputLimits::ANY; I],
        outputs: vec![OutputLimits::ANY; O],
        tolerance: Tolerance { saturated: always, invalid: always, stale: always },
        tables: None,
    };
    let none: Limits<I, O> = free.convert(&program.input, &program.output).map_err(refused)?;
    let mut outcome = Outcome { runs: count, ..Outcome::default() };
    let mut counts = [0; Fault::KINDS];
    for seed in 0..count as u32 {
        let calm = undisturbed(model, program, seed);
        let survives = |run: &Run| !run.failed && run.earned >= ENOUGH * calm;
        let guarded = run(model, program, &limits, kind, seed);
        let bare = run(model, program, &none, kind, seed);
        for (fault, count) in &guarded.faults {
            counts[*fault as usize] += count;
        }
        outcome.acted.extend(guarded.acted);
        outcome.out = outcome.out.max(guarded.out);
        outcome.wrong += guarded.wrong;
        outcome.survived[0] += usize::from(survives(&guarded));
        outcome.survived[1] += usize::from(survives(&bare));
    }
    outcome.faults = Fault::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect();
    Ok(outcome)
}

/// So many runs of a model with one disturbance each.
///
/// # Errors
/// Its formats cannot hold its limits.
pub fn outcome(
    model: Model,
    program: &Program,
    kind: Disturbance,
    count: usize,
) -> Result<Outcome> {
    match model {
        Model::Liquid | Model::Splines => runs::<4, 1>(model, program, kind, count),
        Model::Gated => runs::<3, 2>(model, program, kind, count),
        Model::Circuit => runs::<5, 5>(model, program, kind, count),
    }
}
