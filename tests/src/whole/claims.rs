//! Integers and float side by side, held to a certificate: outputs, tensors and the integers of every operation.

use std::rc::Rc;

use nervecord::host::flat;
use nervecord_codegen::certify::Certificate;
use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::program::FINE;
use nervecord_codegen::reference::{Reference, evaluate, first_largest};

use super::certified::Certified;
use crate::long::{TURN, advance, folded, start};
use crate::random::Random;

/// What float itself rounds, of a number's size.
const FLOAT: f64 = 1e-12;

/// Inputs among which a search step of a network with memory chooses.
const CHOICES: usize = 4;

/// Steps after which something is claimed, at most.
const CLAIMED: usize = 1000;

/// What was tried and seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Held {
    /// Steps of the network.
    pub steps: u64,
    /// Numbers that were held to a claim.
    pub claims: u64,
    /// The largest share of a claimed bound that was seen.
    pub ratio: f64,
}

impl Held {
    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            steps: self.steps + other.steps,
            claims: self.claims + other.claims,
            ratio: self.ratio.max(other.ratio),
        }
    }
}

/// One comparison after another.
struct Claims<'a> {
    certified: &'a Certified,
    machine: Option<Rc<Machine>>,
    held: Held,
    wrong: Option<String>,
}

/// Holds a network to its certificate on about `steps` steps: rows that calibration saw, random inputs, corners, and a
/// search for the largest difference.
///
/// # Errors
/// What is beyond its claim, in a line.
pub fn hold(
    certified: &Certified,
    rows: &[Vec<f64>],
    seed: u64,
    steps: usize,
) -> Result<Held, String> {
    let mut random = Random::new(seed ^ 0x5eed);
    let mut claims = Claims::of(certified);
    claims.first_steps(rows, &mut random, steps);
    if !certified.compiled.graph.states.is_empty() {
        for (length, search) in [(CLAIMED, false), (CLAIMED / 4, true)] {
            claims.follow(length, search, &mut random);
        }
    }
    claims.done()
}

/// Holds a network with memory to what is claimed of any step, and says what its outputs fold to.
///
/// # Errors
/// What is beyond its claim, in a line.
pub fn hold_long(certified: &Certified, seed: u64, steps: usize) -> Result<(Held, u64), String> {
    let mut claims = Claims::of(certified);
    let program = &certified.compiled.program;
    let mut random = Random::new(seed);
    let (mut integers, mut float) =
        (Interpreter::new(program), Reference::new(&certified.compiled.graph));
    let (mut input, mut all) = (start(&program.input.ranges), 0);
    for step in 0..steps {
        advance(&mut random, &program.input.ranges, step, &mut input);
        let (output, _) = integers.step_raw(&input);
        all = folded(all, &output);
        let exact = float.step(&program.input.to_reals(&input));
        let exact = &exact[certified.compiled.graph.output];
        claims.after(step + 1, &program.output.to_reals(&output), exact);
        claims.held.steps += 1;
    }
    claims.done().map(|held| (held, all))
}

impl<'a> Claims<'a> {
    fn of(certified: &'a Certified) -> Self {
        let machine = Machine::of(&certified.compiled.program).ok().map(Rc::new);
        Self { certified, machine, held: Held::default(), wrong: None }
    }

    fn done(self) -> Result<Held, String> {
        self.wrong.map_or(Ok(self.held), Err)
    }

    fn certificate(&self) -> &'a Certificate {
        &self.certified.certificate
    }

    /// Holds a difference to a bound, and says what share of it it is.
    fn share(&mut self, off: f64, bound: f64, size: f64, what: impl FnOnce() -> String) -> f64 {
        self.held.claims += 1;
        // What is no number is beyond every claim.
        let within = off <= bound + FLOAT * (1.0 + size.abs());
        if !within && self.wrong.is_none() {
            self.wrong = Some(format!("{}: {off:e} where {bound:e} is claimed", what()));
        }
        if bound > 1e3 * FLOAT * (1.0 + size.abs()) { off / bound } else { 0.0 }
    }

    /// Holds outputs to bounds, and says the largest share.
    fn outputs(&mut self, bounds: &[f64], got: &[f64], exact: &[f64], what: &str) -> f64 {
        let mut most = 0.0_f64;
        for (i, ((got, exact), bound)) in got.iter().zip(exact).zip(bounds).enumerate() {
            let off = (got - exact).abs();
            let place = || format!("{what}, output {i}, {got} for {exact}");
            most = most.max(self.share(off, *bound, *exact, place));
        }
        self.held.ratio = self.held.ratio.max(most);
        most
    }

    /// The first step after a reset, with all that it computes; the largest share of an output's bound.
    fn first(&mut self, x: &[f64]) -> f64 {
        let Certified { compiled, certificate, .. } = self.certified;
        let mut interpreter = Interpreter::new(&compiled.program);
        let raws = compiled.program.input.to_raws(x);
        let mut memories: Vec<Vec<i16>> = Vec::with_capacity(compiled.program.ops.len() + 1);
        let (got, _) = interpreter.step_disturbed(&raws, |_, m| memories.push(flat(m).to_vec()));
        memories.push(flat(interpreter.memory()).to_vec());
        let got = compiled.program.output.to_reals(&got);
        let values = evaluate(&compiled.graph, x);
        self.held.steps += 1;
        let bounds: Vec<f64> =
            certificate.outputs.iter().map(|o| o.error.unwrap_or(f64::INFINITY)).collect();
        let exact = &values[compiled.graph.output];
        let share = self.outputs(&bounds, &got, exact, &format!("at {x:?}"));
        self.leads(&got, exact);
        self.tensors(&values);
        self.integers(&memories);
        self.spots(&memories, &values);
        share
    }

    /// The largest output, where float's leads by the margin.
    fn leads(&mut self, got: &[f64], exact: &[f64]) {
        let Some(margin) = self.certificate().margin else { return };
        let first = first_largest(exact);
        let others = exact.iter().enumerate().filter(|(i, _)| *i != first);
        let second = others.map(|(_, y)| *y).fold(f64::NEG_INFINITY, f64::max);
        let lead = exact[first] - second;
        if lead > margin {
            let off = if first_largest(got) == first { 0.0 } else { 1.0 };
            self.share(off, 0.0, 0.0, || format!("the largest output leads by {lead}"));
        }
    }

    fn tensors(&mut self, values: &[Vec<f64>]) {
        for (claim, values) in self.certificate().tensors.iter().zip(values) {
            let slack = 1e-9 * (1.0 + claim.low.abs().max(claim.high.abs()));
            for value in values {
                let off = (claim.low - value).max(value - claim.high);
                self.share(off, slack, 0.0, || format!("tensor `{}`, {value}", claim.name));
            }
        }
    }

    fn integers(&mut self, memories: &[Vec<i16>]) {
        let Some(machine) = self.machine.clone() else { return };
        let after = memories.iter().skip(1);
        for ((claim, step), memory) in
            self.certificate().integers.iter().zip(&machine.steps).zip(after)
        {
            let features = step.meaning.features.iter().map(|(feature, _)| *feature);
            let blocks =
                step.meaning.blocks.iter().flat_map(|(_, _, writes)| writes.iter().copied());
            for feature in features.chain(blocks) {
                let y = i32::from(memory[step.written(feature)]);
                let off = f64::from((claim.low - y).max(y - claim.high));
                self.share(off, 0.0, 0.0, || format!("integer {y} of `{}`", claim.op));
            }
        }
    }

    /// Integers that stand for a tensor, beside it.
    fn spots(&mut self, memories: &[Vec<i16>], values: &[Vec<f64>]) {
        let Some(machine) = self.machine.clone() else { return };
        let tensors = &self.certified.compiled.graph.tensors;
        for spot in &machine.spots {
            let Some(id) = tensors.iter().position(|t| t.name == spot.tensor) else { continue };
            let claim = self.certificate().tensors.get(id).and_then(|claim| claim.error);
            let (Some(bound), Some(memory)) = (claim, memories.get(spot.after)) else { continue };
            let of = |all: &[f64], i: usize| all.get(i).or(all.first()).copied().unwrap_or(0.0);
            for (i, exact) in values[id].iter().enumerate().take(spot.features) {
                let lane = spot.lane + i;
                let low = machine.lower(lane).map_or(0.0, |lane| f64::from(memory[lane]) / FINE);
                let y = (f64::from(memory[lane]) + low) * of(&spot.scale, i) + of(&spot.offset, i);
                let place = || format!("tensor `{}`, feature {i}, {y} for {exact}", spot.tensor);
                self.share((y - exact).abs(), bound, *exact, place);
            }
        }
    }

    /// First steps: rows, random inputs, corners, and climbing from the worst of them.
    fn first_steps(&mut self, rows: &[Vec<f64>], random: &mut Random, steps: usize) {
        let limits = &self.certificate().inputs;
        let mut best = (-1.0, Vec::new());
        for n in 0..steps / 2 {
            let x: Vec<f64> = match (n % 4, rows.get(n / 4)) {
                (0, Some(row)) => {
                    row.iter().zip(limits).map(|(x, l)| x.clamp(l.low, l.high)).collect()
                }
                (1, _) => limits.iter().map(|l| *random.pick(&[l.low, l.high])).collect(),
                (2, _) => {
                    let ends = |l: f64, h: f64, random: &mut Random| match random.below(3) {
                        0 => l,
                        1 => h,
                        _ => random.within(l, h),
                    };
                    limits.iter().map(|l| ends(l.low, l.high, random)).collect()
                }
                _ => limits.iter().map(|l| random.within(l.low, l.high)).collect(),
            };
            let share = self.first(&x);
            if share > best.0 {
                best = (share, x);
            }
        }
        for _ in 0..steps / 2 {
            let mut x = best.1.clone();
            // Steps from the whole range down to less than an integer.
            let size = 2_f64.powf(random.within(-17.0, 0.0));
            for _ in 0..1 + random.below(2) {
                let i = random.below(x.len());
                let (Some(x), Some(l)) = (x.get_mut(i), limits.get(i)) else { continue };
                *x = (*x + (l.high - l.low) * size * random.unit()).clamp(l.low, l.high);
            }
            let share = self.first(&x);
            if share >= best.0 {
                best = (share, x);
            }
        }
    }

    /// What is claimed of outputs after so many steps, and after any.
    fn after(&mut self, steps: usize, got: &[f64], exact: &[f64]) -> f64 {
        let Some(claim) = &self.certificate().steps else { return 0.0 };
        let own = claim.after.iter().find(|after| after.steps == steps);
        let own = own.and_then(|after| after.errors.as_ref());
        let mut most = 0.0_f64;
        for bounds in own.into_iter().chain(&claim.always) {
            most = most.max(self.outputs(bounds, got, exact, &format!("after {steps} steps")));
        }
        most
    }

    /// Step after step from a reset; a search takes of some inputs the one that leads furthest from float.
    fn follow(&mut self, length: usize, search: bool, random: &mut Random) {
        let Certified { compiled, .. } = self.certified;
        let (program, graph) = (&compiled.program, &compiled.graph);
        let (mut integers, mut float) = (Interpreter::new(program), Reference::new(graph));
        let mut input = start(&program.input.ranges);
        for step in 0..length {
            let tries = (0..if search { CHOICES } else { 1 }).map(|turn| {
                let mut own = input.clone();
                advance(random, &program.input.ranges, step + TURN * turn, &mut own);
                let (mut integers, mut float) = (integers.clone(), float.clone());
                let output = program.output.to_reals(&integers.step_raw(&own).0);
                let exact = float.step(&program.input.to_reals(&own)).swap_remove(graph.output);
                let off = output.iter().zip(&exact).map(|(a, b)| (a - b).abs()).sum::<f64>();
                (off, own, integers, float, output, exact)
            });
            let Some(best) = tries.max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
            let (output, exact);
            (_, input, integers, float, output, exact) = best;
            self.after(step + 1, &output, &exact);
            self.held.steps += 1;
        }
    }
}
