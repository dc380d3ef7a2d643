//! Verdicts of a compiled model on what is asked of it. Stands on decisions.

use std::time::{Duration, Instant};

use super::asked::{Asked, asked};
use super::decide::{Limits, Verdict, decide};
use crate::certify::machine::Machine;
use crate::compiler::Compiled;
use crate::error::{Error, Result};

/// What was found of each box of a property that was asked; those behind one that is violated are not looked at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// One a box.
    pub verdicts: Vec<Verdict>,
}

impl Answer {
    /// The box that settles it: one that is violated, else one that is not decided; none where nothing was looked at.
    pub fn worst(&self) -> Option<&Verdict> {
        let rank = |verdict: &&Verdict| match verdict {
            Verdict::Violated(_) => 2,
            Verdict::Open { .. } => 1,
            Verdict::Holds { .. } => 0,
        };
        self.verdicts.iter().max_by_key(rank)
    }

    /// Boxes that were looked at, and that are left.
    pub fn boxes(&self) -> (usize, usize) {
        let of = |verdict: &Verdict| match verdict {
            Verdict::Holds { boxes, .. } => (*boxes, 0),
            Verdict::Open { boxes, left } => (*boxes, *left),
            Verdict::Violated(_) => (0, 0),
        };
        let all = self.verdicts.iter().map(of);
        all.fold((0, 0), |(boxes, left), (own, more)| (boxes + own, left + more))
    }
}

/// What `nervecord.toml` asks of a model, each decided in so much time at most; nothing is, where a model cannot be asked.
///
/// # Errors
/// As of [`asked`].
pub fn answers(compiled: &Compiled, time: Duration) -> Result<Vec<(Asked, Answer)>> {
    let limits = Limits { time: Some(time), threads: 0, leaves: false };
    let prover = Prover::new(compiled).ok();
    let decide = |asked: Asked| {
        let answer = prover.as_ref().map(|prover| prover.decide(&asked, &limits, &|_, _| {}));
        (asked, answer.unwrap_or_default())
    };
    Ok(asked(compiled)?.into_iter().map(decide).collect())
}

/// A model whose properties can be decided.
pub struct Prover<'a> {
    compiled: &'a Compiled,
    machine: Machine,
}

impl<'a> Prover<'a> {
    /// That of a compiled model.
    ///
    /// # Errors
    /// It has memory, so that its outputs are not those of one input, or an operation that has no formulas.
    pub fn new(compiled: &'a Compiled) -> Result<Self> {
        let path = &compiled.source.path;
        if !compiled.graph.states.is_empty() {
            return Err(Error::new("a network with memory has no outputs of a single input")
                .file(path)
                .expected("a network without memory")
                .found(format!("{} states", compiled.graph.states.len()))
                .help("see `compile --certificate` for what holds step after step"));
        }
        let machine = Machine::of(&compiled.program).map_err(|e| e.file(path))?;
        Ok(Self { compiled, machine })
    }

    /// Decides a property on the integers, box by box; the time is that of all. `tell` hears of boxes seen and left.
    pub fn decide(
        &self,
        asked: &Asked,
        limits: &Limits,
        tell: &(dyn Fn(usize, usize) + Sync),
    ) -> Answer {
        let end = limits.time.map(|time| Instant::now() + time);
        let mut verdicts = Vec::new();
        for (k, property) in asked.properties.iter().enumerate() {
            // What earlier boxes have left is shared out.
            let shares = (asked.properties.len() - k) as u32;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let time = left.map(|left: Duration| left / shares);
            let limits = Limits { time, ..*limits };
            let program = &self.compiled.program;
            verdicts.push(decide(program, &self.machine, property, &limits, tell));
            if matches!(verdicts.last(), Some(Verdict::Violated(_))) {
                break;
            }
        }
        Answer { verdicts }
    }
}
