//! Formulas beside the float numbers that they stand for: sums, functions and extremes, and blocks of several numbers. Stands
//! on memory, kernels and the float network.

use std::collections::HashMap;
use std::sync::Arc;

use super::curve::Curve;
use super::float::Float;
use super::lane::{Lane, Name, Pair, Stairs};
use super::line::{Line, Var};
use super::memory::Memory;
use super::span::{ACTIVATION, EVERYTHING, Span};
use super::tape::{Change, Rule};
use super::{kernel, update};
use crate::program::formula::{Block, Edge, Finish as Ends, Formula, Step, Sum};

/// The error of a function of an integer beside a float function, for each integer.
#[derive(Debug, Clone)]
pub struct Table {
    /// The function.
    pub stairs: Stairs,
    /// Its unit.
    pub unit: f64,
    /// The float function.
    pub map: usize,
    /// `k` and `c` of what is read.
    pub read: [f64; 2],
    /// `k` and `c` of what is written.
    pub written: [f64; 2],
}

/// Formulas, as they are read.
pub struct Formulas<'a> {
    /// What they read.
    pub memory: Memory<'a>,
    /// The float network, if it is beside.
    pub float: Option<&'a Float>,
    stairs: HashMap<Vec<u32>, usize>,
    /// Errors of tables that are still to be found.
    pub tables: Vec<Table>,
}

impl<'a> Formulas<'a> {
    /// Those over a memory.
    pub fn new(memory: Memory<'a>, float: Option<&'a Float>) -> Self {
        Self { memory, float, stairs: HashMap::new(), tables: vec![] }
    }
}

/// A whole number as a double, or what is around it.
fn whole(n: i64) -> Span {
    let x = n as f64;
    if x as i64 == n && x.abs() < 9e15 { Span::at(x) } else { Span::outward(x, x) }
}

impl Formulas<'_> {
    /// What a formula writes, beside the float numbers that it is said to stand for.
    pub fn formula(
        &mut self,
        step: &Step,
        formula: &Formula,
        tables: &[Arc<Vec<u32>>],
        names: &[Name],
    ) -> Lane {
        match formula {
            Formula::Copy(lane) => self.memory.lane(step.lane(*lane)),
            Formula::Constant(value) => Lane::new(self.memory.id(), Line::constant(whole(*value))),
            Formula::Table(lane, table) => {
                let x = self.memory.lane(step.lane(*lane));
                self.table(x, &tables[*table], names)
            }
            Formula::Extreme { largest, of } => {
                let of = of.iter().map(|lane| self.memory.lane(step.lane(*lane))).collect();
                self.extreme(*largest, of, names)
            }
            Formula::Sum(sum) => self.sum(step, sum, names),
        }
    }

    /// A table at a number: the change of a function where float has that function there.
    fn table(&mut self, x: Lane, pieces: &Arc<Vec<u32>>, names: &[Name]) -> Lane {
        for name in names {
            let Some(Rule::Curve(f, map)) = self.memory.tape.rules.get(name.f as usize) else {
                continue;
            };
            let (f, map) = (*f, *map);
            let Some(pair) = x.beside(f, self.memory.tape) else { continue };
            let stairs = Stairs::Table(pieces.clone());
            let e = self.changed(pair, map, stairs, 1.0, [name.k, name.c], Some(name.f));
            let id = self.memory.id();
            return Lane::paired(id, Pair { name: *name, e });
        }
        let stairs = match self.stairs.get(pieces.as_slice()) {
            Some(known) => *known,
            None => {
                let own = Stairs::Table(pieces.clone());
                let known = self.stair(&own);
                self.stairs.insert(pieces.to_vec(), known);
                known
            }
        };
        let q = self.memory.tape.var(x.value.clone());
        let y = self.memory.tape.push(Rule::Stairs(q, stairs));
        let id = self.memory.id();
        Lane { table: Some((Arc::new(x), pieces.clone())), ..Lane::new(id, Line::of(y)) }
    }

    fn stair(&mut self, stairs: &Stairs) -> usize {
        let curve = Curve::of_integers(|q| stairs.at(q));
        self.memory.tape.stairs.extend(curve);
        self.memory.tape.stairs.len().saturating_sub(1)
    }

    /// What a function of an integer is off from a float function of what the integer stands for.
    fn changed(
        &mut self,
        pair: Pair,
        map: usize,
        stairs: Stairs,
        unit: f64,
        written: [f64; 2],
        of: Option<Var>,
    ) -> Var {
        let read = [pair.name.k, pair.name.c];
        let same = |table: &Table| {
            let both = matches!((&table.stairs, &stairs), (Stairs::Table(a), Stairs::Table(b)) if Arc::ptr_eq(a, b));
            both && (table.unit, table.map, table.read, table.written) == (unit, map, read, written)
        };
        let table = match self.tables.iter().position(same) {
            Some(known) => known,
            None => {
                self.tables.push(Table { stairs, unit, map, read, written });
                self.tables.len() - 1
            }
        };
        let (f, e, k) = (pair.name.f, pair.e, written[0]);
        let alone = of.map(|of| (written[1], of));
        self.memory.tape.push(Rule::Change(Change { f, e, read, curve: map, k, alone, table }))
    }

    fn extreme(&mut self, largest: bool, of: Vec<Lane>, names: &[Name]) -> Lane {
        for name in names {
            let own = self.float.and_then(|float| float.extremes.get(&name.f));
            let Some((_, numbers)) = own.filter(|own| own.0 == largest) else { continue };
            let pairs: Option<Vec<Pair>> = of.iter().map(|lane| lane.pair).collect();
            let Some(pairs) = pairs else { continue };
            let alike = |pair: &Pair| {
                (pair.name.k, pair.name.c) == (name.k, name.c) && numbers.contains(&pair.name.f)
            };
            let all = numbers.iter().all(|f| pairs.iter().any(|pair| pair.name.f == *f));
            if all && pairs.iter().all(alike) {
                let pairs = pairs.iter().map(|pair| [pair.name.f, pair.e]).collect();
                let e = self.memory.tape.push(Rule::Apart { pairs, k: name.k, largest });
                let id = self.memory.id();
                return Lane::paired(id, Pair { name: *name, e });
            }
        }
        let to = match largest {
            true => Span::new(0.0, f64::INFINITY),
            false => Span::new(f64::NEG_INFINITY, 0.0),
        };
        let value = of.into_iter().map(|lane| lane.value).reduce(|a, b| {
            let apart = self.memory.tape.push(Rule::Line(a.minus(b.clone())));
            let more = self.memory.tape.push(Rule::Clamp { of: apart, to, floor: false });
            Line::sum([b, Line::of(more)])
        });
        Lane::new(self.memory.id(), value.unwrap_or_else(|| Line::constant(ACTIVATION)))
    }

    /// A sum, beside a float sum or any other float number.
    fn sum(&mut self, step: &Step, sum: &Sum, names: &[Name]) -> Lane {
        let Ends { multiplier, shift, low, high } = sum.finish;
        let unit = whole(multiplier) * f64::powi(2.0, -(shift as i32));
        let unit = if unit.low == unit.high || multiplier.unsigned_abs() < 1 << 52 {
            multiplier as f64 * f64::powi(2.0, -(shift as i32))
        } else {
            // No kernel has such a factor.
            return Lane::new(self.memory.id(), Line::constant(Span::new(low as f64, high as f64)));
        };
        let to = Span::new(low as f64, high as f64);
        let floor = if shift == 0 { 0.0 } else { 1.0 };
        let lanes: Vec<Lane> =
            sum.terms.iter().map(|(lane, _)| self.memory.lane(step.lane(*lane))).collect();
        let Some(name) = self.likely(&lanes, names) else {
            let parts = self.parts(step, sum, unit, None);
            let z = self.memory.tape.push(Rule::Line(parts.z));
            let q = self.memory.tape.push(Rule::Clamp { of: z, to, floor: floor > 0.0 });
            return Lane::new(self.memory.id(), Line::of(q));
        };
        let (f, clamp) = match &self.memory.tape.rules[name.f as usize] {
            Rule::Curve(f, map) => match self.memory.tape.maps[*map].clamp() {
                Some(clamp) => (*f, clamp),
                None => (name.f, EVERYTHING),
            },
            _ => (name.f, EVERYTHING),
        };
        let parts = self.parts(step, sum, unit, Some((f, name.k)));
        let float = parts.float.unwrap_or_else(|| Line::of(f));
        let e = parts.z.minus(float.scaled(Span::at(name.k))).plus(Span::at(name.c));
        let e = self.memory.tape.push(Rule::Line(e));
        self.memory.finished(name, f, clamp, e, to, floor)
    }

    /// Of all float numbers that a sum is said to stand for, the first that is made of what its lanes stand for.
    fn likely(&self, lanes: &[Lane], names: &[Name]) -> Option<Name> {
        let stand_for = |f: Var| {
            lanes.iter().any(|lane| {
                let pair = lane.pair.iter().map(|pair| pair.name.f);
                pair.chain(lane.names.iter().map(|name| name.f)).any(|own| own == f)
            })
        };
        let made = |name: &&Name| {
            let inner = match self.memory.tape.rules.get(name.f as usize) {
                Some(Rule::Curve(f, _)) => *f,
                _ => name.f,
            };
            let line = self.memory.tape.line(inner);
            line.terms.iter().any(|term| stand_for(term.var))
        };
        names.iter().find(made).or(names.first()).copied()
    }

    /// All that is summed, in units of the result, and what is left of a float number `f` whose parts were taken out of both.
    fn parts(&mut self, step: &Step, sum: &Sum, unit: f64, float: Option<(Var, f64)>) -> Parts {
        let mut left = float.map(|(f, _)| self.memory.tape.line(f));
        let mut all = vec![Line::constant(whole(sum.constant))];
        let mut inputs: Vec<Input> = Vec::new();
        let mut terms = Vec::new();
        for (lane, weight) in &sum.terms {
            let own = self.memory.lane(step.lane(*lane));
            match (&own.table, &own.pair) {
                (Some((x, pieces)), None) => {
                    let input = input(&mut inputs, x);
                    input.tables.push((pieces.clone(), *weight));
                }
                _ => terms.push((own, *weight)),
            }
        }
        for (lane, edge) in &sum.edges {
            let x = self.memory.lane(step.lane(*lane));
            input(&mut inputs, &x).edges.push(edge.clone());
        }
        if let ([(pair, factor)], Some((f, k)), [] | [_]) =
            (sum.products.as_slice(), float, terms.as_slice())
        {
            let lanes = pair.map(|lane| self.memory.lane(step.lane(lane)));
            let found = self.product(&lanes, *factor, &terms, f);
            if let Some((line, scale)) = found {
                let z =
                    Line::sum([Line::constant(whole(sum.constant)), line]).scaled(Span::at(unit));
                // What both products share is as large in both, but for the rounding of scales.
                let rest = scale * unit - Span::at(k);
                let own = Line::sum([z, Line::times(f, rest)]);
                return Parts { z: own, float: Some(Line::constant(Span::at(0.0))) };
            }
        }
        for (pair, factor) in &sum.products {
            let [a, b] = pair.map(|lane| self.memory.lane(step.lane(lane)).value);
            let (a, b) = (self.memory.tape.var(a), self.memory.tape.var(b));
            let product = self.memory.tape.push(Rule::Product(a, b));
            all.push(Line::times(product, whole(*factor)));
        }
        all.extend(terms.into_iter().map(|(lane, weight)| lane.value.scaled(whole(weight))));
        let mut matched = Vec::new();
        for Input { x, edges, tables } in inputs {
            let stairs = Stairs::Input(edges, tables);
            let known = left.as_mut().zip(float).and_then(|(left, (_, k))| {
                let (at, pair, map) = self.edge(left, &x)?;
                left.terms.remove(at);
                Some((pair, map, k))
            });
            match known {
                Some((pair, map, k)) => {
                    let e = self.changed(pair, map, stairs, unit, [k, 0.0], None);
                    matched.push(Line::of(e));
                }
                None => {
                    let curve = self.stair(&stairs);
                    let q = self.memory.tape.var(x.value);
                    all.push(Line::of(self.memory.tape.push(Rule::Stairs(q, curve))));
                }
            }
        }
        let mut z = Line::sum(all).scaled(Span::at(unit));
        // A matched edge's float part is gone from both.
        z = Line::sum([z].into_iter().chain(matched));
        Parts { z, float: left }
    }

    /// The term of a float sum that is a function of what a lane stands for.
    fn edge(&mut self, left: &Line, x: &Lane) -> Option<(usize, Pair, usize)> {
        for (at, term) in left.terms.iter().enumerate() {
            if term.off != 0.0 || term.by != 1.0 {
                continue;
            }
            let Some(Rule::Curve(f, map)) = self.memory.tape.rules.get(term.var as usize) else {
                continue;
            };
            let (f, map) = (*f, *map);
            if let Some(pair) = x.beside(f, self.memory.tape) {
                return Some((at, pair, map));
            }
        }
        None
    }

    /// `factor X B` of two integers, where `B` has an addend of its own, beside the float product `f` of what they stand for:
    /// what is left of it, and how often `f` it is in all.
    fn product(
        &mut self,
        lanes: &[Lane; 2],
        factor: i64,
        terms: &[(Lane, i64)],
        f: Var,
    ) -> Option<(Line, Span)> {
        let Some(Rule::Product(a, b)) = self.memory.tape.rules.get(f as usize) else { return None };
        let (a, b) = (*a, *b);
        (factor == 1).then_some(())?;
        // Which of both has the term, if there is one.
        let [mut x, mut y] = lanes.clone();
        let mut addend = 0;
        if let [(lane, weight)] = terms {
            addend = *weight;
            if lane.id == y.id {
                std::mem::swap(&mut x, &mut y);
            }
            (lane.id == x.id).then_some(())?;
        }
        let mut both =
            |f: Var, g: Var| Some((x.beside(f, self.memory.tape)?, y.beside(g, self.memory.tape)?));
        let (x, y) = both(a, b).or_else(|| both(b, a))?;
        let rest = |pair: &Pair, more: i64| {
            Line::of(pair.e).plus(-Span::at(pair.name.c)).plus(whole(more))
        };
        // X Y - kx fx ky fy = (X - kx fx) Y + kx fx (Y - ky fy)
        let whole_y = y.line().plus(whole(addend));
        let (x_off, y_off) = (rest(&x, 0), rest(&y, addend));
        let [x_off, y_off, whole_y] =
            [x_off, y_off, whole_y].map(|line| self.memory.tape.var(line));
        let first = self.memory.tape.push(Rule::Product(x_off, whole_y));
        let second = self.memory.tape.push(Rule::Product(x.name.f, y_off));
        let line = Line::sum([Line::of(first), Line::times(second, Span::at(x.name.k))]);
        Some((line, Span::at(x.name.k) * y.name.k))
    }

    /// A block: what it writes.
    pub fn block(&mut self, block: &Block, reads: &[usize], names: &[&[Name]]) -> update::Written {
        if let Some(pair) = update::state(&mut self.memory, block, reads, names) {
            return update::Written::State(pair);
        }
        if let Some(lanes) = kernel::lanes(&mut self.memory, block, reads, names) {
            return update::Written::Lanes(lanes);
        }
        let range = match block {
            Block::ArgMax => Span::new(0.0, (reads.len() as f64 - 1.0).max(0.0)),
            Block::Softmax { .. } => Span::new(0.0, 32767.0),
            _ => ACTIVATION,
        };
        let among = match block {
            Block::Pick => reads.split_last().map(|(_, of)| of.to_vec()),
            _ => None,
        };
        let rule = match among {
            Some(of) => {
                let of = of.into_iter().map(|lane| {
                    let value = self.memory.lane(lane).value;
                    self.memory.tape.var(value)
                });
                Rule::Among(of.collect())
            }
            None => Rule::Anything(range),
        };
        let lanes = names.iter().map(|_| {
            let y = self.memory.tape.push(rule.clone());
            Lane::new(self.memory.id(), Line::of(y))
        });
        update::Written::Lanes(lanes.collect())
    }
}

/// A sum's parts.
struct Parts {
    z: Line,
    float: Option<Line>,
}

/// What one input adds to the sum of a layer of functions.
struct Input {
    x: Lane,
    edges: Vec<Edge>,
    tables: Vec<(Arc<Vec<u32>>, i64)>,
}

/// The input of a layer of functions that a lane is.
fn input<'a>(inputs: &'a mut Vec<Input>, x: &Lane) -> &'a mut Input {
    let at = inputs.iter().position(|input| input.x.id == x.id).unwrap_or(inputs.len());
    if at == inputs.len() {
        inputs.push(Input { x: x.clone(), edges: vec![], tables: vec![] });
    }
    &mut inputs[at]
}
