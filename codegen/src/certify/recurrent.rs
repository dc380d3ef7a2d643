//! Step after step: how far the integers of a network with memory can be from float after so many, and for all time where
//! the two draw together.
//!
//! What a step leaves in each state, float's number and the integers' difference, is a box for the next. A box that a step
//! maps into itself holds for all time: the step contracts there, in the norm whose unit ball the box is, a maximum
//! weighted by feature.
//!
//! Stands on the bound of one box.

use super::bound::{Found, Given, bound};
use super::interval::{EVERYWHERE, Interval};
use super::machine::ACTIVATION;
use super::net::Net;
use crate::program::FINE;

/// Steps after which something is said.
pub const STEPS: [usize; 4] = [1, 10, 100, 1000];

/// Steps after which a box for all time is looked for.
const TRIES: [usize; 5] = [4, 16, 60, 200, 600];

/// Rounds in which a box may grow until a step stays in it.
const ROUNDS: usize = 24;

/// How far each output can be off.
pub type Errors = Vec<f64>;

/// What is known of a network with memory.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// After as many steps from a reset as [`STEPS`] says; none where nothing bounds it.
    pub after: [Option<Errors>; 4],
    /// After any number of steps, if the two networks draw together.
    pub always: Option<Errors>,
}

/// All states when a network starts.
pub fn start(net: &Net) -> Vec<Vec<[Interval; 2]>> {
    let of = |state: &crate::graph::State| {
        let owners = net.state_owners(state.previous);
        let one = |(i, exact): (usize, &f64)| {
            let own = owners.iter().find(|(_, owner)| owner.feature == i);
            let value = own.map(|(lane, owner)| {
                let read =
                    |lane: usize| f64::from(net.machine.start.get(lane).copied().unwrap_or(0));
                let low = net.machine.lower(*lane).map_or(0.0, read) / FINE;
                Interval::at(read(*lane) + low)
                    .scaled(owner.scale)
                    .plus(&Interval::at(owner.offset))
            });
            let exact = Interval::at(*exact);
            let off = value.map_or(EVERYWHERE, |value| value.minus(&exact));
            [exact, if off.magnitude() < 1e-300 { Interval::at(0.0) } else { off }]
        };
        state.initial.iter().enumerate().map(one).collect()
    };
    net.graph.states.iter().map(of).collect()
}

/// The states that a step leaves.
fn left(net: &Net, found: &Found) -> Option<Vec<Vec<[Interval; 2]>>> {
    let of = |(state, numbers): (&crate::graph::State, &Vec<[Interval; 2]>)| {
        if numbers.len() != state.initial.len() {
            return None;
        }
        let owners = net.state_owners(state.previous);
        let bound = state.bound.map_or(EVERYWHERE, |most| Interval::new(-most, most));
        let one = |([exact, off], (_, owner)): (&[Interval; 2], &(usize, super::net::Owner))| {
            let exact = exact.meet(&bound);
            let integers = ACTIVATION.scaled(owner.scale).plus(&Interval::at(owner.offset));
            let off = off.meet(&integers.minus(&exact));
            (exact.is_finite() && off.is_finite()).then_some([exact, off])
        };
        numbers.iter().zip(&owners).map(one).collect()
    };
    net.graph.states.iter().zip(&found.states).map(of).collect()
}

fn errors(found: &Found) -> Option<Errors> {
    let all = found.errors();
    all.iter().all(|error| error.is_finite()).then_some(all)
}

/// A box that a step maps into itself, grown from `first`: the errors in it.
fn invariant(net: &Net, inputs: &[Interval], first: &[Vec<[Interval; 2]>]) -> Option<Errors> {
    let wider = |x: &Interval| {
        let more = 0.05 * x.radius() + 1e-9 * (1.0 + x.magnitude());
        Interval::new(x.low - more, x.high + more)
    };
    let mut given = Given { inputs: inputs.to_vec(), states: first.to_vec() };
    for _ in 0..ROUNDS {
        given.states.iter_mut().flatten().flatten().for_each(|x| *x = wider(x));
        let found = bound(net, &given)?;
        let next = left(net, &found)?;
        let mut inside = true;
        for (own, next) in
            given.states.iter_mut().flatten().flatten().zip(next.iter().flatten().flatten())
        {
            inside &= own.holds(next);
            *own = own.hull(next);
        }
        if inside {
            return errors(&found);
        }
    }
    None
}

/// Follows a network with memory over at most `most` steps.
pub fn steps(net: &Net, inputs: &[Interval], most: usize) -> Steps {
    let mut steps = Steps::default();
    let mut states = start(net);
    let mut seen = states.clone();
    for step in 1..=most.min(STEPS[3]) {
        let Some(found) = bound(net, &Given { inputs: inputs.to_vec(), states }) else { break };
        let (Some(errors), Some(next)) = (errors(&found), left(net, &found)) else { break };
        if let Some(place) = STEPS.iter().position(|own| *own == step) {
            steps.after[place] = Some(errors);
        }
        let both = seen.iter_mut().flatten().flatten().zip(next.iter().flatten().flatten());
        both.for_each(|(seen, next)| *seen = seen.hull(next));
        if TRIES.contains(&step) {
            steps.always = invariant(net, inputs, &seen);
        }
        if let Some(always) = &steps.always {
            // What holds for all time holds after all other numbers of steps.
            let others = steps.after.iter_mut().filter(|own| own.is_none());
            others.for_each(|own| *own = Some(always.clone()));
            break;
        }
        states = next;
    }
    steps
}
