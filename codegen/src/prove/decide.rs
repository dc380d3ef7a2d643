//! Branch and bound over boxes of integers: a box is safe if its outputs cannot be unsafe, unsafe if one of its inputs is,
//! and cut in two if neither is known. A single input is always known, so that this ends.
//!
//! Stands on subjects, properties and the interpreter.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::property::{Cell, Constraint, Inputs, Property, halve, middle};
use super::subject::{Point, Subject};
use super::walk::Outputs;
use crate::certify::form::{Form, Tape};
use crate::certify::interval::Interval;
use crate::certify::machine::Machine;
use crate::interpret::Interpreter;
use crate::program::Program;

/// What was found of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// No integers that the inputs of the box become lead to unsafe outputs; so many boxes show it.
    Holds {
        /// Boxes that were looked at.
        boxes: usize,
        /// Those that were not cut further, where they were to be kept: each as its cuts from the whole box on, the input,
        /// times two, and one more for the upper half.
        leaves: Vec<Vec<u32>>,
    },
    /// These inputs do: one, or the two that outputs are compared at.
    Violated(Vec<Point>),
    /// Neither was shown in time.
    Open {
        /// Boxes that were looked at.
        boxes: usize,
        /// Boxes that are left.
        left: usize,
    },
}

/// How long it may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time, if it is limited.
    pub time: Option<Duration>,
    /// Threads; those of the machine if 0.
    pub threads: usize,
    /// Whether the boxes that show that a property holds are kept.
    pub leaves: bool,
}

/// A box, and its cuts from the whole one on.
struct Part {
    cell: Cell,
    cuts: Vec<u32>,
}

/// What is left to do.
struct Work {
    open: Mutex<Vec<Part>>,
    /// Boxes that need not be cut, if they are kept.
    leaves: Mutex<Vec<Vec<u32>>>,
    /// Boxes that are open or being looked at.
    pending: AtomicUsize,
    seen: AtomicUsize,
    stop: AtomicBool,
    found: Mutex<Option<Vec<i32>>>,
}

/// Decides a property on the integers; `tell` hears of boxes seen and left from time to time.
pub fn decide(
    program: &Program,
    machine: &Machine,
    property: &Property,
    limits: &Limits,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> Verdict {
    let subject = Subject::of(program, machine, property.moved);
    let whole = Part { cell: property.cell(&program.input), cuts: vec![] };
    let work = Work {
        open: Mutex::new(vec![whole]),
        leaves: Mutex::new(vec![]),
        pending: AtomicUsize::new(1),
        seen: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        found: Mutex::new(None),
    };
    let threads = match limits.threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let end = limits.time.map(|time| Instant::now() + time);
    thread::scope(|scope| {
        for _ in 0..threads {
            let decider = Decider { subject: &subject, property, limits, work: &work, end, tell };
            scope.spawn(move || decider.run());
        }
    });
    let boxes = work.seen.load(Ordering::Relaxed);
    let found = work.found.into_inner().ok().flatten();
    let left = work.pending.load(Ordering::Relaxed);
    match (found, left) {
        (Some(integers), _) => Verdict::Violated(subject.points(&integers)),
        (None, 0) => {
            let mut leaves = work.leaves.into_inner().unwrap_or_default();
            // As they were found, the order would be another each time.
            leaves.sort_unstable();
            Verdict::Holds { boxes, leaves }
        }
        (None, left) => Verdict::Open { boxes, left },
    }
}

struct Decider<'a> {
    subject: &'a Subject<'a>,
    property: &'a Property,
    limits: &'a Limits,
    work: &'a Work,
    end: Option<Instant>,
    tell: &'a (dyn Fn(usize, usize) + Sync),
}

impl Decider<'_> {
    fn run(&self) {
        let mut interpreter = Interpreter::new(self.subject.program);
        while !self.work.stop.load(Ordering::Relaxed) {
            let next = self.work.open.lock().ok().and_then(|mut open| open.pop());
            let Some(own) = next else {
                match self.work.pending.load(Ordering::Acquire) {
                    0 => return,
                    _ => thread::yield_now(),
                }
                continue;
            };
            if self.end.is_some_and(|end| Instant::now() >= end) {
                self.work.stop.store(true, Ordering::Relaxed);
                return;
            }
            let parts = self.look(&own.cell, &mut interpreter);
            if parts.is_empty()
                && self.limits.leaves
                && let Ok(mut leaves) = self.work.leaves.lock()
            {
                leaves.push(own.cuts.clone());
            }
            let with = |(cut, cell): (u32, Cell)| Part {
                cell,
                cuts: [own.cuts.as_slice(), &[cut]].concat(),
            };
            let parts: Vec<Part> = parts.into_iter().map(with).collect();
            self.work.pending.fetch_add(parts.len(), Ordering::AcqRel);
            if let Ok(mut open) = self.work.open.lock() {
                open.extend(parts);
            }
            let left = self.work.pending.fetch_sub(1, Ordering::AcqRel) - 1;
            let seen = self.work.seen.fetch_add(1, Ordering::Relaxed) + 1;
            // Those of large networks take long, those of small ones would do little else.
            if seen < 256 || seen.is_multiple_of(64) {
                (self.tell)(seen, left);
            }
        }
    }

    /// The parts of a box that are not known to be safe, each with the cut that makes it.
    fn look(&self, own: &Cell, interpreter: &mut Interpreter<&Program>) -> Vec<(u32, Cell)> {
        let tape = Tape::new();
        let Some(outputs) = self.subject.walk(own, &tape) else { return vec![] };
        let sets = self.property.unsafe_sets.iter();
        let open: Vec<Vec<Form>> = sets.filter_map(|set| possible(set, &outputs, &tape)).collect();
        if open.is_empty() {
            return vec![];
        }
        // The middle, and where a constraint is met the soonest.
        let middle: Vec<i32> = own.iter().map(|(low, high)| middle(*low, *high)).collect();
        let corners = open.iter().flatten().map(|difference| corner(difference, own));
        for point in std::iter::once(middle).chain(corners) {
            if self.violates(&point, interpreter) {
                return vec![];
            }
        }
        let mut each = Inputs::of(own, &self.subject.program.input, self.property.moved);
        if each.how_many() <= FEW {
            // One that does ends the search.
            let _ = each.find(|point| self.violates(point, interpreter));
            return vec![];
        }
        cut(own, &each.sides(), &open)
    }

    /// Whether an input violates the property, which ends the search.
    fn violates(&self, point: &[i32], interpreter: &mut Interpreter<&Program>) -> bool {
        let outputs = self.subject.outputs(point, interpreter);
        let violates = outputs.is_some_and(|outputs| self.property.is_unsafe(&outputs));
        if violates {
            if let Ok(mut found) = self.work.found.lock() {
                *found = Some(point.to_vec());
            }
            self.work.stop.store(true, Ordering::Relaxed);
        }
        violates
    }
}

/// Inputs that are looked at one by one.
const FEW: f64 = 64.0;

/// The differences of a set's constraints, each at most 0 where it is met; none if no outputs meet all of them, since one
/// cannot be met, by its form or by what is known beside it.
pub fn possible<'t>(
    set: &[Constraint],
    outputs: &Outputs<'t>,
    tape: &'t Tape,
) -> Option<Vec<Form<'t>>> {
    let known = |constraint: &Constraint| {
        let terms = constraint.terms.iter();
        let terms = terms.map(|(i, factor)| Some(outputs.known.get(*i)?.scaled(*factor)));
        let start = Some(Interval::at(-constraint.most));
        terms.fold(start, |sum, term| Some(sum?.plus(&term?)))
    };
    let difference = |constraint: &Constraint| {
        let terms = constraint.terms.iter();
        let terms = terms.filter_map(|(i, factor)| Some((*factor, outputs.forms.get(*i)?)));
        tape.sum(terms, -constraint.most)
    };
    if set.iter().any(|constraint| known(constraint).is_some_and(|sum| sum.low > 0.0)) {
        return None;
    }
    let all: Vec<Form> = set.iter().map(difference).collect();
    all.iter().all(|difference| difference.range().low <= 0.0).then_some(all)
}

/// The corner of a box at which a constraint is met the soonest.
fn corner(difference: &Form, own: &Cell) -> Vec<i32> {
    let end = |(i, (low, high)): (usize, &(i32, i32))| {
        if difference.of_input(i) > 0.0 { *low } else { *high }
    };
    own.iter().enumerate().map(end).collect()
}

/// Both halves of a box, across the input that has most to do with how loose what is asked for is, and moves it; none of a
/// single input. `sides` is how many activations each has.
fn cut(own: &Cell, sides: &[f64], open: &[Vec<Form>]) -> Vec<(u32, Cell)> {
    let mut all = vec![0.0; own.len()];
    // Of each set the constraint that is closest to be refuted.
    let nearest = open
        .iter()
        .filter_map(|set| set.iter().max_by(|a, b| a.range().low.total_cmp(&b.range().low)));
    for difference in nearest {
        let moves = |i: usize| difference.of_input(i).abs() * (sides[i] - 1.0);
        let blame = difference.blame();
        all.iter_mut()
            .zip(blame)
            .enumerate()
            .for_each(|(i, (all, blame))| *all += blame + 0.1 * moves(i));
    }
    // The widest, where none has to do with it.
    let larger =
        |a: &usize, b: &usize| all[*a].total_cmp(&all[*b]).then(sides[*a].total_cmp(&sides[*b]));
    let place = (0..own.len()).filter(|i| sides[*i] > 1.0).max_by(larger);
    let Some(place) = place else { return vec![] };
    let half = |cut: u32| {
        let mut half = own.clone();
        halve(&mut half, cut);
        (cut, half)
    };
    let cut = 2 * place as u32;
    vec![half(cut), half(cut + 1)]
}
