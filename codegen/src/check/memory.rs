//! Memory while steps are read. Stands on lanes and machines.

use std::collections::HashMap;

use super::lane::{Lane, Name, Pair};
use super::line::{Line, Var};
use super::span::{ACTIVATION, EVERYTHING, Span};
use super::tape::{Finish, Rule, Tape};
use crate::certify::machine::Machine;
use crate::program::FINE;

/// What each lane holds.
pub struct Memory<'a> {
    pub machine: &'a Machine,
    pub tape: &'a mut Tape,
    lanes: Vec<Option<Lane>>,
    /// States that are kept in two halves, by the lane of the upper one.
    wide: HashMap<usize, Pair>,
    ids: usize,
}

impl<'a> Memory<'a> {
    /// That of a machine, of which nothing is known.
    pub fn new(machine: &'a Machine, tape: &'a mut Tape) -> Self {
        let lanes = vec![None; machine.start.len()];
        Self { machine, tape, lanes, wide: HashMap::new(), ids: 0 }
    }

    /// How many lanes there are.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// A number for a lane that is no copy.
    pub fn id(&mut self) -> usize {
        self.ids += 1;
        self.ids
    }

    /// What is in memory: anything, where nothing was written.
    pub fn lane(&mut self, lane: usize) -> Lane {
        if let Some(Some(own)) = self.lanes.get(lane) {
            return own.clone();
        }
        let any = self.tape.push(Rule::Anything(ACTIVATION));
        let own = Lane::new(self.id(), Line::of(any));
        if let Some(slot) = self.lanes.get_mut(lane) {
            *slot = Some(own.clone());
        }
        own
    }

    /// A lane with the lower half that belongs to it, if there is one.
    pub fn joined(&mut self, lane: usize) -> Line {
        let high = self.lane(lane).value;
        match self.machine.lower(lane) {
            Some(low) => {
                let low = self.lane(low).value.scaled(Span::at(1.0 / FINE));
                Line::sum([high, low])
            }
            None => high,
        }
    }

    /// The lane of `floor(clamp(k f - c + e))`, which stands for a float number that is `f`, clamped.
    pub fn finished(
        &mut self,
        name: Name,
        f: Var,
        float: Span,
        e: Var,
        to: Span,
        floor: f64,
    ) -> Lane {
        let rule = Finish { f, e, scale: [name.k, name.c], clamped: name.f, float, to, floor };
        let e = self.tape.push(Rule::Finish(rule));
        let id = self.id();
        Lane::paired(id, Pair { name, e })
    }

    /// A state in two halves: the nearest activation, and the rest.
    pub fn halves(&mut self, high: usize, low: usize, pair: Pair) {
        let nearest = self.tape.push(Rule::Line(Line::of(pair.e).plus(Span::at(0.5))));
        let upper = self.finished(pair.name, pair.name.f, EVERYTHING, nearest, ACTIVATION, 1.0);
        let rest = self.tape.push(Rule::Anything(Span::new(-8192.0, 16384.0)));
        let lower = Lane::new(self.id(), Line::of(rest));
        for (lane, own) in [(high, upper), (low, lower)] {
            self.write(lane, own);
        }
        self.wide.insert(high, pair);
    }

    /// Says of a lane what it stands for.
    pub fn name(&mut self, lane: usize, name: Name) {
        if let Some(Some(slot)) = self.lanes.get_mut(lane)
            && !slot.names.contains(&name)
        {
            slot.names.push(name);
        }
    }

    /// A state that is kept in two halves.
    pub fn state(&self, lane: usize) -> Option<Pair> {
        self.wide.get(&lane).copied()
    }

    /// Puts a number into a lane.
    pub fn write(&mut self, lane: usize, new: Lane) {
        self.wide.retain(|high, _| *high != lane && self.machine.lower(*high) != Some(lane));
        if let Some(slot) = self.lanes.get_mut(lane) {
            *slot = Some(new);
        }
    }
}
