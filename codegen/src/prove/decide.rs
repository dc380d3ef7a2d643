//! Branch and bound over boxes of integers: a box is safe if its outputs cannot be unsafe, unsafe if one of its inputs is,
//! and cut in two if neither is known. A single input is always known, so that this ends.
//!
//! Stands on the walk over a box and the interpreter.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::property::{Constraint, Property};
use super::walk::walk;
use crate::certify::form::{Form, Tape};
use crate::certify::machine::Machine;
use crate::interpret::Interpreter;
use crate::program::Program;

/// The integers from one to another of each input.
type Cell = Vec<(i32, i32)>;

/// What was found of a property.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// No integers that the inputs of the box become lead to unsafe outputs; so many boxes show it.
    Holds {
        /// Boxes that were looked at.
        boxes: usize,
    },
    /// These do.
    Violated {
        /// The caller's integers.
        integers: Vec<i32>,
        /// What they stand for.
        inputs: Vec<f64>,
        /// What the model answers.
        outputs: Vec<f64>,
    },
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
}

/// What is left to do.
struct Work {
    open: Mutex<Vec<Cell>>,
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
    let port = &program.input;
    let whole: Cell = property
        .inputs
        .iter()
        .enumerate()
        .map(|(i, (low, high))| (port.to_raw(i, *low), port.to_raw(i, *high)))
        .collect();
    let work = Work {
        open: Mutex::new(vec![whole]),
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
            scope.spawn(|| Decider { program, machine, property, work: &work, end, tell }.run());
        }
    });
    let boxes = work.seen.load(Ordering::Relaxed);
    let found = work.found.into_inner().ok().flatten();
    let left = work.pending.load(Ordering::Relaxed);
    match (found, left) {
        (Some(integers), _) => {
            let outputs = program.output.to_reals(&Interpreter::new(program).step_raw(&integers).0);
            let inputs = program.input.to_reals(&integers);
            Verdict::Violated { integers, inputs, outputs }
        }
        (None, 0) => Verdict::Holds { boxes },
        (None, left) => Verdict::Open { boxes, left },
    }
}

struct Decider<'a> {
    program: &'a Program,
    machine: &'a Machine,
    property: &'a Property,
    work: &'a Work,
    end: Option<Instant>,
    tell: &'a (dyn Fn(usize, usize) + Sync),
}

impl Decider<'_> {
    fn run(&self) {
        let mut interpreter = Interpreter::new(self.program);
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
            let parts = self.look(&own, &mut interpreter);
            self.work.pending.fetch_add(parts.len(), Ordering::AcqRel);
            if let Ok(mut open) = self.work.open.lock() {
                open.extend(parts);
            }
            let left = self.work.pending.fetch_sub(1, Ordering::AcqRel) - 1;
            let seen = self.work.seen.fetch_add(1, Ordering::Relaxed) + 1;
            if seen.is_multiple_of(256) {
                (self.tell)(seen, left);
            }
        }
    }

    /// The parts of a box that are not known to be safe.
    fn look(&self, own: &Cell, interpreter: &mut Interpreter) -> Vec<Cell> {
        let tape = Tape::new();
        let forms = walk(self.machine, own, &tape);
        let sets = self.property.unsafe_sets.iter();
        let differences = |set: &Vec<Constraint>| -> Vec<Form> {
            set.iter().map(|constraint| difference(constraint, &forms, &tape)).collect()
        };
        // No outputs meet all of a set's constraints if one of them cannot be met.
        let open: Vec<Vec<Form>> = sets
            .map(differences)
            .filter(|set| set.iter().all(|difference| difference.range().low <= 0.0))
            .collect();
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
        if few(own) {
            return self.each(own, interpreter);
        }
        cut(own, &open)
    }

    /// Looks at each input of a small box: nothing is left of it.
    fn each(&self, own: &Cell, interpreter: &mut Interpreter) -> Vec<Cell> {
        let mut point: Vec<i32> = own.iter().map(|(low, _)| *low).collect();
        loop {
            if self.violates(&point, interpreter) {
                return vec![];
            }
            // The next input, the first coordinate the fastest.
            let next = point.iter_mut().zip(own).find_map(|(x, (low, high))| {
                let more = *x < *high;
                *x = if more { *x + 1 } else { *low };
                more.then_some(())
            });
            if next.is_none() {
                return vec![];
            }
        }
    }

    /// Whether an input violates the property, which ends the search.
    fn violates(&self, point: &[i32], interpreter: &mut Interpreter) -> bool {
        interpreter.reset();
        let outputs = self.program.output.to_reals(&interpreter.step_raw(point).0);
        let violates = self.property.is_unsafe(&outputs);
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
const FEW: u64 = 64;

/// Whether a box has so few inputs that each can be looked at.
fn few(own: &Cell) -> bool {
    let count = own.iter().try_fold(1_u64, |all, (low, high)| {
        all.checked_mul(u64::try_from(i64::from(*high) - i64::from(*low) + 1).ok()?)
            .filter(|all| *all <= FEW)
    });
    count.is_some()
}

/// The difference of a constraint: at most 0 where it is met.
fn difference<'t>(constraint: &Constraint, forms: &[Form<'t>], tape: &'t Tape) -> Form<'t> {
    let terms = constraint.terms.iter().filter_map(|(i, factor)| Some((*factor, forms.get(*i)?)));
    tape.sum(terms, -constraint.most)
}

/// The corner of a box at which a constraint is met the soonest.
fn corner(difference: &Form, own: &Cell) -> Vec<i32> {
    let end = |(i, (low, high)): (usize, &(i32, i32))| {
        if difference.of_input(i) > 0.0 { *low } else { *high }
    };
    own.iter().enumerate().map(end).collect()
}

/// The integer in the middle, rounded down, so that both halves of two are there.
fn middle(low: i32, high: i32) -> i32 {
    (i64::from(low) + i64::from(high)).div_euclid(2) as i32
}

/// Both halves of a box, across the input that has most to do with how loose what is asked for is, and moves it; none of a
/// single input.
fn cut(own: &Cell, open: &[Vec<Form>]) -> Vec<Cell> {
    let mut all = vec![0.0; own.len()];
    // Of each set the constraint that is closest to be refuted.
    let nearest = open
        .iter()
        .filter_map(|set| set.iter().max_by(|a, b| a.range().low.total_cmp(&b.range().low)));
    for difference in nearest {
        let moves = |i: usize| difference.of_input(i).abs() * f64::from(own[i].1 - own[i].0);
        let blame = difference.blame();
        all.iter_mut()
            .zip(blame)
            .enumerate()
            .for_each(|(i, (all, blame))| *all += blame + 0.1 * moves(i));
    }
    let wide = |i: &usize| own[*i].0 < own[*i].1;
    let place = (0..own.len()).filter(wide).max_by(|a, b| all[*a].total_cmp(&all[*b]));
    let Some(place) = place else { return vec![] };
    let (low, high) = own[place];
    let middle = middle(low, high);
    let part = |ends: (i32, i32)| {
        let mut part = own.clone();
        part[place] = ends;
        part
    };
    vec![part((low, middle)), part((middle + 1, high))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_whole_whatever_their_signs() {
        for low in -5..5 {
            for high in low + 1..6 {
                let middle = middle(low, high);
                assert!(low <= middle && middle < high, "{low} {middle} {high}");
            }
        }
        assert_eq!(middle(i32::MIN, i32::MAX), -1);
    }

    #[test]
    fn few_inputs_are_counted() {
        assert!(few(&vec![(0, 7), (-4, 3)]));
        assert!(!few(&vec![(0, 7), (-4, 4)]));
        assert!(!few(&vec![(i32::MIN, i32::MAX); 5]));
    }
}
