//! One box on its way through both networks: float's tensors, and memory as numbers that know what they stand for.
//!
//! Stands on forms, the net, and the float network on forms.

use super::float;
use super::form::{Form, Tape};
use super::interval::{EVERYWHERE, Interval};
use super::machine::ACTIVATION;
use super::net::{Net, Owner};
use super::pair::Pair;
use crate::graph::{Layer, Node, TensorId};
use crate::program::formula::{Lane, Step};
use crate::program::{FINE, PortWidth};

/// What is given: the inputs, and of each state what float has and how far the integers are from it.
#[derive(Debug, Clone)]
pub struct Given {
    /// One an input, in its unit.
    pub inputs: Vec<Interval>,
    /// One a state of the graph, each with its features.
    pub states: Vec<Vec<[Interval; 2]>>,
}

/// Integers as they are in memory.
#[derive(Debug, Clone)]
pub struct Number<'t> {
    /// As a form, in their own unit.
    pub form: Form<'t>,
    /// What they stand for.
    pub owner: Option<Owner>,
    /// How far they are from that.
    pub off: Option<Form<'t>>,
    /// What they were before they were brought within 16 bits: a function that is flat there forgives it.
    pub wide: Option<Form<'t>>,
    /// Of the values of a table that stand for no tensor: the number it was read at, and the table.
    pub origin: Option<(Box<Number<'t>>, Vec<u32>)>,
}

impl<'t> Number<'t> {
    pub fn new(form: Form<'t>) -> Self {
        Self { form, owner: None, off: None, wide: None, origin: None }
    }

    pub fn with_off(self, off: Form<'t>) -> Self {
        Self { off: Some(off), ..self }
    }

    /// As it was before it was brought within 16 bits.
    pub fn free(&self) -> &Form<'t> {
        self.wide.as_ref().unwrap_or(&self.form)
    }

    pub fn range(&self) -> Interval {
        self.form.range().meet(&ACTIVATION)
    }
}

/// What one box is followed with.
pub struct Walk<'n, 't> {
    pub net: &'n Net<'n>,
    pub tape: &'t Tape,
    /// Of every tensor.
    pub exact: Vec<Vec<Form<'t>>>,
    /// Nodes whose tensors are there.
    pub computed: usize,
    pub memory: Vec<Number<'t>>,
    /// What is in memory that nothing has written.
    pub anything: Number<'t>,
}

impl<'n, 't> Walk<'n, 't> {
    pub fn new(net: &'n Net<'n>, tape: &'t Tape, given: &Given) -> Self {
        let mut exact = vec![Vec::new(); net.graph.tensors.len()];
        exact[net.graph.input] = given.inputs.iter().map(|x| tape.input(*x)).collect();
        for (state, given) in net.graph.states.iter().zip(&given.states) {
            exact[state.previous] = given.iter().map(|[exact, _]| tape.input(*exact)).collect();
        }
        let anything = Number::new(tape.constant(0.0).plus_slack(ACTIVATION));
        let memory = vec![anything.clone(); net.machine.start.len()];
        Self { net, tape, exact, computed: 0, memory, anything }
    }

    /// Computes float's tensors up to those of the first `nodes` nodes.
    pub fn float(&mut self, nodes: usize) -> Option<()> {
        while self.computed < nodes {
            let node = &self.net.graph.nodes[self.computed];
            self.computed += 1;
            let between = self.between(node);
            let inputs: Vec<&[Form<'t>]> =
                node.inputs.iter().map(|&id| self.exact[id].as_slice()).collect();
            let features = self.net.graph.tensors[node.output].len();
            let edges = self.net.edges(*node.inputs.first()?, node.output);
            let forms = match (&node.layer, edges) {
                (Layer::Kan(_), Some(edges)) => {
                    float::sums(&edges.curves, &edges.bias, inputs[0], self.tape)
                }
                _ => float::layer(&node.layer, &inputs, self.tape),
            };
            let forms =
                forms.or_else(|| float::anything(&node.layer, &inputs, features, self.tape))?;
            self.exact[node.output] = match between {
                Some(limits) => {
                    let inside = |(form, limit): (Form<'t>, Interval)| form.inside(limit);
                    forms.into_iter().zip(limits).map(inside).collect()
                }
                None => forms,
            };
        }
        Some(())
    }

    /// Of `a + g (b - a)` with a gate `g`: between `a` and `b`, which the sum's own form does not know.
    pub fn between(&self, sum: &Node) -> Option<Vec<Interval>> {
        let (Layer::Add { factors: [1.0, 1.0] }, &[p, q]) = (&sum.layer, sum.inputs.as_slice())
        else {
            return None;
        };
        let mixed = |a: TensorId, m: TensorId| {
            let product = self.net.writer(m).filter(|node| node.layer == Layer::Mul)?;
            let of = |g: TensorId, d: TensorId| {
                let apart = self.net.writer(d)?;
                let b = match (&apart.layer, apart.inputs.as_slice()) {
                    (Layer::Add { factors: [1.0, -1.0] }, &[b, other]) if other == a => b,
                    (Layer::Add { factors: [-1.0, 1.0] }, &[other, b]) if other == a => b,
                    _ => return None,
                };
                let gates = self.exact[g].iter().map(Form::range);
                gates.clone().all(|g| float::GATE.holds(&g)).then_some(())?;
                let ends = self.exact[a].iter().zip(&self.exact[b]);
                Some(ends.map(|(a, b)| a.range().hull(&b.range())).collect())
            };
            let &[x, y] = product.inputs.as_slice() else { return None };
            of(x, y).or_else(|| of(y, x))
        };
        mixed(p, q).or_else(|| mixed(q, p))
    }

    /// Inputs and states as they are in memory when a step begins.
    pub fn start(&mut self, given: &Given) {
        let (input, first) = &self.net.machine.input;
        let half = Interval::new(-0.5, 0.5);
        for i in 0..input.features() {
            let exact = &self.exact[self.net.graph.input][i];
            // The caller's integer is the nearest; a wide one loses its last bits, rounded once more.
            let caller = exact.line(input.one(i), 0.0).plus_any(half);
            let form = match &input.width {
                PortWidth::WideIn(channels) => {
                    let unit = f64::powi(2.0, -i32::from(channels[i].shift));
                    let centred = caller.line(unit, -f64::from(channels[i].offset) * unit);
                    centred.plus_any(half)
                }
                _ => caller,
            };
            if let Some(lane) = self.memory.get_mut(first + i) {
                *lane = Number::new(form);
            }
        }
        for (state, given) in self.net.graph.states.iter().zip(&given.states) {
            for ((lane, owner), [_, off]) in
                self.net.state_owners(state.previous).into_iter().zip(given)
            {
                let exact = &self.exact[state.previous][owner.feature];
                let real = exact.clone().plus_any(*off);
                let form = real.line(1.0 / owner.scale, -owner.offset / owner.scale);
                let (high, rest) = match self.net.machine.lower(lane) {
                    Some(low) => {
                        let (high, rest) = self.split(form);
                        (high, Some((low, rest)))
                    }
                    None => (form, None),
                };
                let high = Number { owner: Some(owner), ..Number::new(high) };
                let rest = rest.map(|(lane, form)| (lane, Number::new(form)));
                for (lane, number) in [(lane, high)].into_iter().chain(rest) {
                    if let Some(own) = self.memory.get_mut(lane) {
                        *own = number;
                    }
                }
            }
        }
    }

    /// A wide state as its two halves: the nearest activation, and what is left, which shares the rounding.
    pub fn split(&self, form: Form<'t>) -> (Form<'t>, Form<'t>) {
        // The upper end is an activation further from its number.
        let rounding = self.tape.any(Interval::new(-0.5001, 1.0));
        let low = rounding.line(FINE, 0.0);
        (form.minus(&rounding), low)
    }

    /// Owners of lanes once `after` steps have run; of each how far it is from what it stands for.
    pub fn note(&mut self, after: usize) -> Vec<(Owner, Form<'t>)> {
        let mut noted = Vec::new();
        let net = self.net;
        for &(lane, owner) in net.owners.get(after).into_iter().flatten() {
            // A hint may name what float has not computed yet.
            if self.exact[owner.tensor].get(owner.feature).is_none() {
                continue;
            }
            let Some(number) = self.memory.get_mut(lane) else { continue };
            if number.owner != Some(owner) {
                number.owner = Some(owner);
                number.off = None;
            }
            let off = self.off(lane, owner);
            self.memory[lane].off = Some(off);
            noted.push((owner, off));
        }
        noted
    }

    /// How far the number in a lane is from what it stands for.
    pub fn off(&self, lane: usize, owner: Owner) -> Form<'t> {
        match self.memory.get(lane) {
            Some(Number { off: Some(off), owner: Some(own), .. }) if *own == owner => *off,
            Some(number) => self.off_of(&number.form, owner),
            _ => self.tape.any(EVERYWHERE),
        }
    }

    pub fn off_of(&self, form: &Form<'t>, owner: Owner) -> Form<'t> {
        let exact = &self.exact[owner.tensor][owner.feature];
        self.tape.sum([(owner.scale, form), (-1.0, exact)], owner.offset)
    }

    /// A number with what it stands for.
    pub fn pair(&self, number: &Number<'t>) -> Option<Pair<'t>> {
        let owner = number.owner?;
        let exact = *self.exact[owner.tensor].get(owner.feature)?;
        let off = number.off.unwrap_or_else(|| self.off_of(&number.form, owner));
        Some(Pair { exact, off })
    }

    /// What a lane holds.
    pub fn read(&self, step: &Step, lane: Lane) -> &Number<'t> {
        self.memory.get(step.lane(lane)).unwrap_or(&self.anything)
    }

    /// A number of the float network plus a difference, in memory.
    pub fn owned(&self, off: Form<'t>, owner: Owner) -> Number<'t> {
        Number { owner: Some(owner), ..Number::new(self.as_integers(&off, owner)) }.with_off(off)
    }

    /// A number of the float network plus a difference, as integers of `owner`.
    pub fn as_integers(&self, off: &Form<'t>, owner: Owner) -> Form<'t> {
        let exact = &self.exact[owner.tensor][owner.feature];
        let unit = 1.0 / owner.scale;
        let form = self.tape.sum([(unit, exact), (unit, off)], -owner.offset * unit);
        // The division of a scale is rounded.
        let rounding = (form.limits().magnitude() + owner.offset.abs() * unit) * 4.0 * f64::EPSILON;
        form.plus_slack(Interval::around(0.0, rounding))
    }

    /// The outputs as the caller reads them.
    pub fn outputs(&self) -> Vec<Pair<'t>> {
        let (output, first) = &self.net.machine.output;
        let one = |i: usize| {
            let exact = self.exact[self.net.graph.output][i];
            let form = &self.memory.get(first + i).unwrap_or(&self.anything).form;
            let (scale, offset) = output.line(i);
            Pair { off: self.tape.sum([(scale, form), (-1.0, &exact)], offset), exact }
        };
        (0..output.features()).map(one).collect()
    }

    /// What each state becomes.
    pub fn states(&self) -> Vec<Vec<Pair<'t>>> {
        let of = |state: &crate::graph::State| {
            let one = |(lane, owner): (usize, Owner)| {
                let exact = self.exact[state.next][owner.feature];
                let read = |lane: usize| &self.memory.get(lane).unwrap_or(&self.anything).form;
                let form = match self.net.machine.lower(lane) {
                    Some(low) => self.tape.sum([(1.0, read(lane)), (1.0 / FINE, read(low))], 0.0),
                    None => *read(lane),
                };
                Pair {
                    off: self.tape.sum([(owner.scale, &form), (-1.0, &exact)], owner.offset),
                    exact,
                }
            };
            self.net.state_owners(state.previous).into_iter().map(one).collect()
        };
        self.net.graph.states.iter().map(of).collect()
    }
}
