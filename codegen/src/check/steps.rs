//! A network with memory, step after step from a reset: boxes of its states and of what their integers are off. Stands on the
//! engine.

use super::engine::{Engine, States};
use super::span::Span;

/// After how many steps something is claimed.
pub const STEPS: [usize; 4] = [1, 10, 100, 1000];

/// Tries to find a box of states that a step leaves in itself.
const TRIES: usize = 40;

/// How much a box is widened in a try, of its width.
const WIDER: f64 = 1.0 / 32.0;

/// How far outputs can be off.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Steps {
    /// After each of [`STEPS`]; none where nothing bounds them.
    pub after: [Option<Vec<f64>>; STEPS.len()],
    /// After any number of steps.
    pub always: Option<Vec<f64>>,
}

/// All numbers finite, or none.
fn finite(errors: Vec<f64>) -> Option<Vec<f64>> {
    errors.iter().all(|e| e.is_finite()).then_some(errors)
}

fn each(a: &States, b: &States, f: impl Fn(&Span, &Span) -> Span) -> States {
    let all = |a: &[Span], b: &[Span]| a.iter().zip(b).map(|(a, b)| f(a, b)).collect();
    States { float: all(&a.float, &b.float), off: all(&a.off, &b.off) }
}

fn is_inside(a: &States, b: &States) -> bool {
    let all =
        |a: &[Span], b: &[Span]| a.iter().zip(b).all(|(a, b)| b.low <= a.low && a.high <= b.high);
    all(&a.float, &b.float) && all(&a.off, &b.off)
}

/// Follows a network for some steps, with any of the inputs at each.
pub fn follow(engine: &Engine, inputs: &[Span], followed: usize) -> Steps {
    let mut steps = Steps::default();
    let mut states = engine.start();
    let mut all = states.clone();
    for step in 1..=followed.min(STEPS[STEPS.len() - 1]) {
        let mut sweep = engine.run(inputs, &states, None);
        let errors = finite(engine.errors(&mut sweep));
        let lost = errors.is_none();
        if let Some(place) = STEPS.iter().position(|steps| *steps == step) {
            steps.after[place] = errors;
        }
        states = engine.next(&mut sweep);
        all = each(&all, &states, |a, b| a.hull(*b));
        if lost {
            break;
        }
    }
    steps.always = always(engine, inputs, all);
    for after in steps.after.iter_mut().skip(1) {
        *after = after.take().or_else(|| steps.always.clone());
    }
    steps
}

/// Errors in any step: of a box that holds the states after a reset, and all that a step makes of its states.
fn always(engine: &Engine, inputs: &[Span], mut all: States) -> Option<Vec<f64>> {
    for _ in 0..TRIES {
        let mut sweep = engine.run(inputs, &all, None);
        let next = engine.next(&mut sweep);
        if is_inside(&next, &all) {
            return finite(engine.errors(&mut sweep));
        }
        let wider = |a: &Span, b: &Span| {
            let both = a.hull(*b);
            let more = both.width() * WIDER;
            // What stays where it is needs no room.
            if *b == *a { *a } else { Span::new(both.low - more, both.high + more) }
        };
        all = each(&all, &next, wider);
        if !all.float.iter().chain(&all.off).all(|x| x.is_finite()) {
            return None;
        }
    }
    None
}
