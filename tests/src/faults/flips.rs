//! Single bits of a controller's memory that turn over: how long it shows. Stands on rigs and the link's
//! memory.

use nervecord::generated::Quad;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::Program;

use super::rig::{Model, Rig};
use crate::link::flip;
use crate::random::Random;

/// Steps after a flip that are looked at.
pub const HORIZON: usize = 500;
/// As many of them, at the end, have to be those of the undisturbed run: more than any period of the models.
const QUIET: usize = 100;
/// Steps of an episode in which flips fall.
const WHEN: std::ops::Range<usize> = 50..200;
/// Episodes that flips fall in.
const EPISODES: u32 = 16;
/// Part of an output's range within which it is that of the undisturbed run.
const NEAR: f64 = 0.01;
/// Part of what the undisturbed plant earns that a plant has to.
const ENOUGH: f64 = 0.85;

/// Where a bit turned over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a state, between two steps.
    State,
    /// In the rest of the memory, between two steps.
    Scratch,
    /// Anywhere, between two operations of a step.
    Within,
}

impl Place {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::State, Self::Scratch, Self::Within];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::State => "state, between steps",
            Self::Scratch => "scratch, between steps",
            Self::Within => "anywhere, within a step",
        }
    }
}

/// What flips of one place came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Flips {
    /// How many there were.
    pub count: usize,
    /// Steps until the outputs were those of the undisturbed run for good, of each that showed and went.
    pub recovered: Vec<usize>,
    /// How many still showed at the end.
    pub never: usize,
    /// How many made the plant fail, or earn too little.
    pub lost: usize,
}

impl Flips {
    /// How many never showed.
    pub fn unseen(&self) -> usize {
        self.count - self.recovered.len() - self.never
    }

    /// The steps within which a part of those that showed and went had gone.
    pub fn within(&self, part: f64) -> Option<usize> {
        let mut sorted = self.recovered.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get((part * last as f64).ceil() as usize).copied()
    }
}

/// A controller and its plant between two steps.
#[derive(Clone)]
struct Moment<'a> {
    controller: Interpreter<&'a Program>,
    rig: Rig,
}

/// An episode as it goes undisturbed.
struct Episode<'a> {
    moments: Vec<Moment<'a>>,
    outputs: Vec<Vec<f64>>,
}

impl<'a> Moment<'a> {
    fn start(model: Model, program: &'a Program, seed: u32) -> Self {
        Self { controller: Interpreter::new(program), rig: Rig::new(model, seed) }
    }

    /// One step; the outputs.
    fn step(&mut self, program: &Program, before: impl FnMut(usize, &mut [Quad])) -> Vec<f64> {
        let raw = program.input.to_raws(&self.rig.observe());
        let (raw, _) = self.controller.step_disturbed(&raw, before);
        let outputs = program.output.to_reals(&raw);
        self.rig.drive(&outputs);
        outputs
    }
}

impl<'a> Episode<'a> {
    fn run(model: Model, program: &'a Program, seed: u32) -> Self {
        let mut now = Moment::start(model, program, seed);
        let (mut moments, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..WHEN.end + HORIZON {
            moments.push(now.clone());
            outputs.push(now.step(program, |_, _| {}));
        }
        moments.push(now);
        Self { moments, outputs }
    }
}

/// A bit of the memory, and when it turns over.
#[derive(Debug, Clone, Copy)]
struct Flip {
    step: usize,
    /// Before this operation of the step, or before the step.
    operation: Option<usize>,
    bit: usize,
}

impl Flip {
    fn draw(program: &Program, random: &mut Random) -> Self {
        let step = WHEN.start + random.below(WHEN.len());
        let within = random.below(2) == 1;
        let operation = within.then(|| random.below(program.ops.len()));
        Self { step, operation, bit: random.below(64 * program.scratch_quads) }
    }

    fn place(self, program: &Program) -> Place {
        match self.operation {
            Some(_) => Place::Within,
            None if self.bit < 64 * program.start.len() => Place::State,
            None => Place::Scratch,
        }
    }
}

/// Turns `count` bits over, one a run, half of them between two steps and half within one.
pub fn flips(model: Model, program: &Program, count: usize, seed: u64) -> [Flips; 3] {
    let episodes: Vec<_> =
        (0..EPISODES).map(|seed| Episode::run(model, program, 100 + seed)).collect();
    let ranges = ranges(&episodes);
    let mut random = Random::new(seed);
    let mut found = [(); 3].map(|()| Flips::default());
    for _ in 0..count {
        let episode = &episodes[random.below(episodes.len())];
        let flip = Flip::draw(program, &mut random);
        let (shown, lost) = run(program, episode, flip, &ranges);
        let flips = &mut found[flip.place(program) as usize];
        flips.count += 1;
        flips.lost += usize::from(lost);
        match shown {
            0 => {}
            steps if steps > HORIZON - QUIET => flips.never += 1,
            steps => flips.recovered.push(steps),
        }
    }
    found
}

/// What each output goes through in the undisturbed episodes.
fn ranges(episodes: &[Episode]) -> Vec<f64> {
    let outputs = episodes.first().and_then(|e| e.outputs.first()).map_or(0, Vec::len);
    let all = |o: usize| episodes.iter().flat_map(move |e| e.outputs.iter().map(move |y| y[o]));
    (0..outputs)
        .map(|o| all(o).fold(f64::MIN, f64::max) - all(o).fold(f64::MAX, f64::min))
        .collect()
}

/// Steps from the flip to the end of the last in which an output is not near the undisturbed one, and whether the
/// plant was lost.
fn run(program: &Program, episode: &Episode, bit: Flip, ranges: &[f64]) -> (usize, bool) {
    let mut now = episode.moments[bit.step].clone();
    if bit.operation.is_none() {
        flip(now.controller.memory(), bit.bit);
    }
    let mut shown = 0;
    for passed in 0..HORIZON {
        let outputs = now.step(program, |operation, memory| {
            if passed == 0 && bit.operation == Some(operation) {
                flip(memory, bit.bit);
            }
        });
        let wanted = &episode.outputs[bit.step + passed];
        let mut pairs = outputs.iter().zip(wanted).zip(ranges);
        if pairs.any(|((y, wanted), range)| (y - wanted).abs() > NEAR * range) {
            shown = passed + 1;
        }
    }
    let before = episode.moments[bit.step].rig.earned();
    let earned = now.rig.earned() - before;
    let wanted = episode.moments[bit.step + HORIZON].rig.earned() - before;
    (shown, now.rig.has_failed() || earned < ENOUGH * wanted)
}

/// Bits of the memory behind the states whose turning over before a step changes an output of it, or what a state
/// becomes in it: there should be none.
pub fn kept_in_scratch(model: Model, program: &Program) -> Vec<usize> {
    let mut moment = Moment::start(model, program, 1);
    for _ in 0..WHEN.start {
        moment.step(program, |_, _| {});
    }
    let states = program.start.len();
    let step = |mut moment: Moment| {
        let outputs = moment.step(program, |_, _| {});
        (outputs, moment.controller.memory()[..states].to_vec())
    };
    let wanted = step(moment.clone());
    let changes = |&bit: &usize| {
        let mut moment = moment.clone();
        flip(moment.controller.memory(), bit);
        step(moment) != wanted
    };
    (64 * states..64 * program.scratch_quads).filter(changes).collect()
}
