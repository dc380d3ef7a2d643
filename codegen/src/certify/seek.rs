//! The largest difference of integers and float that a search finds: what a bound is held against.
//!
//! From random points and corners of the box, each coordinate is tried at both its ends, in the middle and a step aside,
//! and the best is kept until nothing helps; steps shrink from half the range to half a unit, so that a real input's own
//! rounding is searched as well.
//!
//! Stands on the interpreter and the float reference.

use super::interval::Interval;
use crate::graph::Graph;
use crate::interpret::Interpreter;
use crate::parallel;
use crate::program::Program;
use crate::reference;

/// Numbers from a seed (xorshift, Marsaglia 2003): a search finds the same again.
#[derive(Debug, Clone)]
pub struct Seed(u64);

impl Seed {
    /// A sequence of its own for each number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The differences found, one an output, each with the inputs that show it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The largest difference of each output.
    pub worst: Vec<f64>,
    /// Where it was.
    pub inputs: Vec<Vec<f64>>,
    /// Inputs that were tried.
    pub tried: usize,
}

/// One search: what is tried next, and what was found.
struct Search<'a> {
    graph: &'a Graph,
    interpreter: Interpreter<&'a Program>,
    seen: Seen,
}

impl Search<'_> {
    /// The difference of output `of` at `x`, in the first step after a reset; notes those of all outputs.
    fn at(&mut self, x: &[f64], of: usize) -> f64 {
        self.interpreter.reset();
        let (integers, _) = self.interpreter.step(x);
        let exact = reference::evaluate(self.graph, x).swap_remove(self.graph.output);
        self.seen.tried += 1;
        let mut own = 0.0;
        for (i, (y, exact)) in integers.iter().zip(&exact).enumerate() {
            let difference = (y - exact).abs();
            if difference > self.seen.worst[i] {
                self.seen.worst[i] = difference;
                self.seen.inputs[i] = x.to_vec();
            }
            if i == of {
                own = difference;
            }
        }
        own
    }

    /// Climbs from `x` for output `of`, with at most `most` tries.
    fn climb(
        &mut self,
        mut x: Vec<f64>,
        of: usize,
        limits: &[Interval],
        units: &[f64],
        most: usize,
    ) {
        let mut best = self.at(&x, of);
        let end = self.seen.tried + most;
        let mut share = 0.5;
        while self.seen.tried < end {
            let mut better = false;
            for i in 0..x.len() {
                let (own, limit) = (x[i], limits[i]);
                let step = ((limit.high - limit.low) * share).max(units[i] / 2.0);
                let tries = [own - step, own + step, limit.low, limit.high];
                for (k, value) in tries.into_iter().enumerate() {
                    // The ends are tried once a round of large steps.
                    if k > 1 && share < 0.5 || self.seen.tried >= end {
                        continue;
                    }
                    let kept = std::mem::replace(&mut x[i], value.clamp(limit.low, limit.high));
                    let found = self.at(&x, of);
                    match found > best {
                        true => (best, better) = (found, true),
                        false => x[i] = kept,
                    }
                }
            }
            if !better {
                let done =
                    (0..x.len()).all(|i| (limits[i].high - limits[i].low) * share < units[i] / 2.0);
                if done {
                    break;
                }
                share /= 4.0;
            }
        }
    }
}

/// Searches the box `limits` with about `tries` inputs.
pub fn seek(
    graph: &Graph,
    program: &Program,
    limits: &[Interval],
    corners: &[Vec<f64>],
    tries: usize,
) -> Seen {
    let outputs = program.output.features();
    let units: Vec<f64> = (0..limits.len()).map(|i| program.input.step(i)).collect();
    let none = Seen { worst: vec![0.0; outputs], inputs: vec![vec![]; outputs], tried: 0 };
    // One coordinate is tried twice a round; a handful of rounds a start.
    let each = (limits.len() * 40).max(200);
    let starts: Vec<u64> = (0..(tries / each).max(8) as u64).collect();
    // Each corner with every output, of which the best are climbed from.
    let mut first = Search { graph, interpreter: Interpreter::new(program), seen: none.clone() };
    let mut best: Vec<Vec<(f64, usize)>> = vec![vec![]; outputs];
    for (k, corner) in corners.iter().enumerate() {
        (0..outputs).for_each(|of| best[of].push((first.at(corner, of), k)));
    }
    best.iter_mut().for_each(|of| of.sort_by(|a, b| b.0.total_cmp(&a.0)));
    let from = |&start: &u64| {
        let mut seed = Seed::new(start + 1);
        let interpreter = Interpreter::new(program);
        let mut search = Search { graph, interpreter, seen: none.clone() };
        // Of every four starts one is a corner, one a mixture of ends and points inside.
        let ends = [0.0, 1.0, 0.5, 0.0][start as usize % 4];
        let (of, turn) = (start as usize % outputs, start as usize / outputs);
        if turn % 2 == 0
            && let Some((_, k)) = best[of].get(turn / 2)
        {
            search.climb(corners[*k].clone(), of, limits, &units, each);
            return search.seen;
        }
        let x = limits.iter().map(|limit| {
            let at = if seed.share() < ends { seed.share().round() } else { seed.share() };
            limit.low + at * (limit.high - limit.low)
        });
        search.climb(x.collect(), of, limits, &units, each);
        search.seen
    };
    parallel::map(&starts, from).into_iter().fold(first.seen.clone(), |mut all, seen| {
        all.tried += seen.tried;
        for (i, worst) in seen.worst.into_iter().enumerate() {
            if worst > all.worst[i] {
                all.worst[i] = worst;
                all.inputs[i].clone_from(&seen.inputs[i]);
            }
        }
        all
    })
}
