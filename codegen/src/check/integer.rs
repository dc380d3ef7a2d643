//! The integers on a tape, each beside the float number it stands for where one is known. Hints say which: what an integer is
//! off from a number is followed where its formula is that of the number, and is otherwise the difference of both, so that a
//! wrong hint makes a bound wide and never false.
//!
//! Stands on formulas and the float network.

use std::collections::HashMap;
use std::sync::Arc;

use super::float::Float;
use super::formulas::{Formulas, Table};
use super::lane::{Lane, Name, Pair};
use super::line::{Line, Var};
use super::memory::Memory;
use super::span::{ACTIVATION, EVERYTHING, Span};
use super::tape::{Rule, Tape};
use super::update;
use crate::certify::machine::Machine;
use crate::graph::Graph;
use crate::program::PortWidth;
use crate::program::formula::Step;

/// Where the integers are on a tape.
#[derive(Debug, Default)]
pub struct Integers {
    /// What the caller reads, as activations.
    pub outputs: Vec<Line>,
    /// What each step writes.
    pub written: Vec<Vec<Line>>,
    /// What tensors' integers are off, in their units: the tensor, `k`, and the error.
    pub spots: Vec<(usize, f64, Line)>,
    /// Numbers of memory that are kept and stand for float states. What each is off before a step is a number of the box,
    /// behind the inputs and the float states.
    pub states: Vec<Kept>,
}

/// A state's number in memory.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is off after a reset.
    pub start: Span,
    /// What it is off after a step.
    pub next: Line,
}

/// Both networks; the errors of tables are still to be found.
pub fn read(
    machine: &Machine,
    both: Option<(&Graph, &Float)>,
    tape: &mut Tape,
) -> Option<(Integers, Vec<Table>)> {
    let formulas = Formulas::new(Memory::new(machine, tape), both.map(|both| both.1));
    let mut reader = Reader { formulas };
    reader.inputs()?;
    let mut found = Integers::default();
    let mut starts = match both {
        Some((graph, float)) => reader.starts(graph, float),
        None => vec![],
    };
    reader.name(0, &mut found);
    for (index, step) in machine.steps.iter().enumerate() {
        let written = reader.step(index + 1, step);
        found.written.push(written);
        reader.name(index + 1, &mut found);
    }
    let (port, first) = &machine.output;
    found.outputs =
        (0..port.features()).map(|i| reader.formulas.memory.lane(first + i).value).collect();
    if let Some((graph, float)) = both {
        let next: Vec<Var> =
            graph.states.iter().flat_map(|state| float.tensors[state.next].clone()).collect();
        for (lane, place, name, start) in starts.drain(..) {
            let name = Name { f: next[place], ..name };
            let next = match reader.formulas.memory.state(lane) {
                Some(pair) if pair.name == name => Line::of(pair.e),
                Some(pair) => pair.line().minus(name.line()),
                None => reader.formulas.memory.joined(lane).minus(name.line()),
            };
            found.states.push(Kept { start, next });
        }
    }
    Some((found, reader.formulas.tables))
}

/// Steps, as they are read.
struct Reader<'a> {
    formulas: Formulas<'a>,
}

impl Reader<'_> {
    fn inputs(&mut self) -> Option<()> {
        let (port, first) = &self.formulas.memory.machine.input;
        let paired = self.formulas.float.is_some();
        for i in 0..port.features() {
            let given = match paired {
                // The float network's inputs are the first variables.
                true => i as Var,
                false => self.formulas.memory.tape.push(Rule::Given(i)),
            };
            let one = port.one(i);
            let (unit, offset) = match &port.width {
                PortWidth::WideIn(channels) => {
                    let channel = channels.get(i)?;
                    let centred = |end: &i32| end.checked_sub(channel.offset).is_some();
                    let fits = !paired || port.ranges.get(i)?.iter().all(centred);
                    ((1..32).contains(&channel.shift) && fits).then_some(())?;
                    (f64::powi(2.0, -i32::from(channel.shift)), f64::from(channel.offset))
                }
                _ => (1.0, 0.0),
            };
            // floor(x one + 1/2), then floor((r - offset) / 2^shift + 1/2)
            let half = 0.5 * unit;
            let name =
                Name { f: given, k: if paired { one * unit } else { unit }, c: offset * unit };
            let e = match (paired, unit == 1.0) {
                (true, true) => Span::at(0.5),
                (true, false) => Span::new(0.5 - half, 0.5 + half),
                (false, true) => Span::at(0.0),
                (false, false) => Span::at(0.5),
            };
            let floor = if unit == 1.0 && !paired { 0.0 } else { 1.0 };
            let e = self.formulas.memory.tape.push(Rule::Line(Line::constant(e)));
            let lane =
                self.formulas.memory.finished(name, name.f, EVERYTHING, e, ACTIVATION, floor);
            self.formulas.memory.write(first + i, lane);
        }
        Some(())
    }

    /// States' lanes before a step: their lane, their number, what they stand for, and what they are off after a reset.
    fn starts(&mut self, graph: &Graph, float: &Float) -> Vec<(usize, usize, Name, Span)> {
        let (mut all, mut before) = (Vec::new(), 0);
        let numbers: usize = graph.states.iter().map(|state| state.initial.len()).sum();
        let machine = self.formulas.memory.machine;
        for state in &graph.states {
            let tensor = &graph.tensors[state.previous];
            let spot = machine.spots.iter().find(|spot| {
                spot.after == 0 && spot.tensor == tensor.name && spot.features == tensor.len()
            });
            for (i, &initial) in state.initial.iter().enumerate() {
                let Some(spot) = spot else { continue };
                let Some(name) = name(spot, i, float.tensors[state.previous][i]) else { continue };
                let (lane, place) = (spot.lane.saturating_add(i), before + i);
                let Some(high) = machine.start.get(lane) else { continue };
                let low = machine.lower(lane).and_then(|low| machine.start.get(low)).copied();
                let fine = f64::from(low.unwrap_or(0)) / crate::program::FINE;
                let start = Span::at(f64::from(*high) + fine) - Span::at(initial) * name.k
                    + Span::at(name.c);
                let given = graph.input_len() + numbers + all.len();
                let e = self.formulas.memory.tape.push(Rule::Given(given));
                let pair = Pair { name, e };
                let own = match machine.lower(lane) {
                    Some(low) => {
                        self.formulas.memory.halves(lane, low, pair);
                        all.push((lane, place, name, start));
                        continue;
                    }
                    None => Lane::paired(self.formulas.memory.id(), pair),
                };
                self.formulas.memory.write(lane, own);
                all.push((lane, place, name, start));
            }
            before += state.initial.len();
        }
        all
    }

    /// Notes what lanes stand for from here on, and what they are off.
    fn name(&mut self, after: usize, found: &mut Integers) {
        let all = self.named(after);
        for (lane, name, tensor) in &all {
            let own = self.formulas.memory.lane(*lane);
            let pair = self.formulas.memory.state(*lane).or(own.pair);
            let is_found = |name: &Name| pair.is_some_and(|pair| pair.name == *name);
            // Of tensors of one name, that which was found.
            let other = all.iter().any(|(of, other, _)| of == lane && is_found(other));
            if is_found(name) || !other {
                let off = match pair.filter(|pair| pair.name == *name) {
                    Some(pair) => Line::of(pair.e),
                    None => pair.map_or(own.value, |pair| pair.line()).minus(name.line()),
                };
                found.spots.push((*tensor, name.k, off));
            }
            self.formulas.memory.name(*lane, *name);
        }
    }

    /// Lanes that are said to stand for float numbers from a step on, each with the number's tensor.
    fn named(&self, after: usize) -> Vec<(usize, Name, usize)> {
        let Some(float) = self.formulas.float else { return vec![] };
        let spots = self.formulas.memory.machine.spots.iter().filter(|spot| spot.after == after);
        let each = spots.flat_map(|spot| {
            let ids = float.named.get(&spot.tensor).map(Vec::as_slice).unwrap_or_default();
            // The last of several of a name, then those before.
            let own = ids.iter().rev().filter_map(|id| Some((*id, float.tensors.get(*id)?)));
            own.filter(|(_, own)| own.len() == spot.features).flat_map(move |(id, own)| {
                let one = move |(i, f): (usize, &Var)| {
                    Some((spot.lane.checked_add(i)?, name(spot, i, *f)?, id))
                };
                own.iter().enumerate().filter_map(one)
            })
        });
        each.filter(|(lane, ..)| *lane < self.formulas.memory.len()).collect()
    }

    /// One step: what it writes.
    fn step(&mut self, after: usize, step: &Step) -> Vec<Line> {
        let mut names: HashMap<usize, Vec<Name>> = HashMap::new();
        for (lane, name, _) in self.named(after) {
            names.entry(lane).or_default().push(name);
        }
        let none = Vec::new();
        let tables: Vec<Arc<Vec<u32>>> =
            step.meaning.tables.iter().map(|pieces| Arc::new(pieces.clone())).collect();
        let mut written = Vec::new();
        for (feature, formula) in &step.meaning.features {
            let lane = step.written(*feature);
            let own = names.get(&lane).unwrap_or(&none);
            let mut new = self.formulas.formula(step, formula, &tables, own);
            if new.pair.is_none()
                && let Some(name) = own.first()
            {
                new.pair = Some(new.off(*name, self.formulas.memory.tape));
            }
            written.push((lane, new));
        }
        let mut blocks = Vec::new();
        for (block, reads, writes) in &step.meaning.blocks {
            let reads: Vec<usize> = reads.iter().map(|lane| step.lane(*lane)).collect();
            let writes: Vec<usize> = writes.iter().map(|feature| step.written(*feature)).collect();
            let own: Vec<&[Name]> =
                writes.iter().map(|lane| names.get(lane).unwrap_or(&none).as_slice()).collect();
            blocks.push((self.formulas.block(block, &reads, &own), writes));
        }
        let mut all = Vec::new();
        for (lane, new) in written {
            self.formulas.memory.write(lane, new);
            all.push(lane);
        }
        for (new, writes) in blocks {
            match new {
                update::Written::State(pair) => {
                    if let [high, low] = writes[..] {
                        self.formulas.memory.halves(high, low, pair);
                    }
                }
                update::Written::Lanes(lanes) => {
                    for (lane, mut new) in writes.iter().zip(lanes) {
                        let name = names.get(lane).and_then(|names| names.first());
                        if let Some(name) = name.filter(|_| new.pair.is_none()) {
                            new.pair = Some(new.off(*name, self.formulas.memory.tape));
                        }
                        self.formulas.memory.write(*lane, new);
                    }
                }
            }
            all.extend(writes);
        }
        all.into_iter().map(|lane| self.formulas.memory.lane(lane).value).collect()
    }
}

/// What a spot says of its number `i`, if that makes sense.
fn name(spot: &crate::certify::machine::Spot, i: usize, f: Var) -> Option<Name> {
    let pick = |all: &[f64]| match all {
        [one] => Some(*one),
        all => all.get(i).copied(),
    };
    let (scale, offset) = (pick(&spot.scale)?, pick(&spot.offset)?);
    let name = Name { f, k: 1.0 / scale, c: offset / scale };
    (scale > 0.0 && name.k.is_normal() && name.c.is_finite()).then_some(name)
}
