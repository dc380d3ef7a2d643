//! The formulas of an op on the numbers of both networks.
//!
//! Sums are exact but for their rounding; where a function is crossed, the difference to float is carried across by the
//! function's slopes between the two numbers and by the table's own error, which is known for every integer.
//!
//! Stands on the walk, and on blocks.

use std::collections::HashMap;

use super::blocks;
use super::deviation::{Deviation, integers};
use super::edge::Curve;
use super::enclosure::{Enclosure, slopes};
use super::form::Form;
use super::interval::{EVERYWHERE, Interval};
use super::machine::ACTIVATION;
use super::net::{Key, Owner};
use super::pair::Pair;
use super::walk::{Number, Walk};
use crate::graph::expr::Expr;
use crate::graph::{Layer, Reduction, TensorId};
use crate::program::formula::{Edge, Finish, Formula, Lane, Step, Sum, table_at};

/// All that a sum reads at one feature of float's tensor: one function of it.
struct Input<'s, 't> {
    number: &'s Number<'t>,
    splines: Vec<&'s Edge>,
    tables: Vec<(i64, &'s [u32])>,
}

impl<'s, 't> Input<'s, 't> {
    /// The place of what `number` stands for among others of the same tensor.
    fn among(
        all: &mut Vec<Self>,
        number: &'s Number<'t>,
        tensor: &mut Option<TensorId>,
    ) -> Option<usize> {
        let own = number.owner?;
        (*tensor.get_or_insert(own.tensor) == own.tensor).then_some(())?;
        let found = all.iter().position(|input| input.number.owner == number.owner);
        Some(found.unwrap_or_else(|| {
            all.push(Self { number, splines: vec![], tables: vec![] });
            all.len() - 1
        }))
    }
}

impl<'t> Walk<'_, 't> {
    /// Runs a step; the lanes that it writes.
    pub fn step(&mut self, k: usize) -> Vec<usize> {
        let net = self.net;
        let step = &net.machine.steps[k];
        let targets = &net.targets[k];
        let target = |lane: usize| targets.get(&lane).copied();
        let mut written = Vec::with_capacity(step.meaning.features.len());
        for (feature, formula) in &step.meaning.features {
            let lane = step.written(*feature);
            let number = match formula {
                Formula::Copy(from) => self.read(step, *from).clone(),
                Formula::Constant(value) => Number::new(self.tape.constant(*value as f64)),
                Formula::Sum(sum) => self.sum((k, *feature), step, sum, target(lane)),
                Formula::Table(from, table) => self.table(k, step, *from, *table, target(lane)),
                Formula::Extreme { largest, of } => self.extreme(step, of, *largest, target(lane)),
            };
            written.push((lane, number));
        }
        for (block, reads, writes) in &step.meaning.blocks {
            let reads: Vec<&Number<'t>> = reads.iter().map(|lane| self.read(step, *lane)).collect();
            let lanes: Vec<usize> = writes.iter().map(|feature| step.written(*feature)).collect();
            let owners: Vec<Option<Owner>> = lanes.iter().map(|lane| target(*lane)).collect();
            let forms = blocks::block(self, (k, block), &reads, &owners);
            let forms =
                forms.unwrap_or_else(|| lanes.iter().map(|_| self.tape.any(ACTIVATION)).collect());
            written.extend(lanes.into_iter().zip(forms.into_iter().map(Number::new)));
        }
        let lanes = written.iter().map(|(lane, _)| *lane).collect();
        for (lane, number) in written {
            if let Some(own) = self.memory.get_mut(lane) {
                *own = number;
            }
        }
        lanes
    }

    fn sum(&self, at: (usize, u32), step: &Step, sum: &Sum, target: Option<Owner>) -> Number<'t> {
        let Finish { multiplier, shift, low, high } = sum.finish;
        // A power of two, exactly.
        let unit = multiplier as f64 * f64::powi(2.0, -(shift as i32));
        let rounding = if shift > 0 { Interval::new(-1.0, 0.0) } else { Interval::at(0.0) };
        let limits = Interval::new(low as f64, high as f64);
        let Some(owner) = target else {
            let form = self.plain(step, sum, unit).plus_any(rounding);
            return Number::new(self.clamped(form, limits));
        };
        // A clamp that float has as a layer of its own may be part of the sum.
        let clamp = self.net.writer(owner.tensor).and_then(|node| match &node.layer {
            Layer::Map(f) => f.as_clamp().map(|ends| (node.inputs[0], ends)),
            _ => None,
        });
        let (tensor, ends) = clamp.unwrap_or((owner.tensor, (f64::NEG_INFINITY, f64::INFINITY)));
        let before = Owner { tensor, ..owner };
        let Some(exact) = self.exact[tensor].get(owner.feature) else {
            return Number::new(self.tape.any(limits));
        };
        let off = match (sum.edges.is_empty(), sum.products.is_empty()) {
            (false, _) => self.edges(at, step, sum, before, unit),
            (_, false) => self.product(step, sum, before, unit),
            _ => self.linear(step, sum, before, unit),
        };
        let off = off.unwrap_or_else(|| self.off_of(&self.plain(step, sum, unit), before));
        let off = off.plus_any(rounding.scaled(owner.scale));
        let pair = Pair { exact: *exact, off };
        // As integers before they are clamped, for a function that is flat there.
        let real = |q: f64| q * owner.scale + owner.offset;
        let inside = Interval::new(real(low as f64), real(high as f64));
        let outside = !pair.is_within(inside);
        let wide = (outside && low == -32768).then(|| self.as_integers(&pair.off, before));
        let off = match clamp.is_none() && !outside {
            true => Some(pair.off),
            false => self.limited(&pair, inside, ends),
        };
        match off {
            Some(off) => Number { wide, ..self.owned(off, owner) },
            None => Number::new(self.tape.any(limits)),
        }
    }

    /// A sum by itself, before it is rounded.
    fn plain(&self, step: &Step, sum: &Sum, unit: f64) -> Form<'t> {
        let product = |([a, b], w): &([Lane; 2], i64)| {
            let (a, b) = (self.read(step, *a), self.read(step, *b));
            (*w as f64 * unit, a.form.times(&b.form))
        };
        let products: Vec<(f64, Form<'t>)> = sum.products.iter().map(product).collect();
        let edge = |(lane, edge): &(Lane, Edge)| (unit, self.edge(self.read(step, *lane), edge));
        let edges: Vec<(f64, Form<'t>)> = sum.edges.iter().map(edge).collect();
        let terms =
            sum.terms.iter().map(|(lane, w)| (*w as f64 * unit, &self.read(step, *lane).form));
        let others = products.iter().chain(&edges).map(|(w, form)| (*w, form));
        self.tape.sum(terms.chain(others), sum.constant as f64 * unit)
    }

    /// A number at the ends of a range.
    pub fn clamped(&self, form: Form<'t>, limits: Interval) -> Form<'t> {
        if limits.holds(&form.range()) {
            return form;
        }
        let clamp = Expr::clamp(limits.low, limits.high);
        match Enclosure::of(&|x| clamp.jet(x), form.range()) {
            Some(enclosure) => form.along(&enclosure),
            None => self.tape.any(limits),
        }
    }

    /// The difference where the integers stop at the ends of `inside`, and float at ends of its own.
    fn limited(
        &self,
        pair: &Pair<'t>,
        inside: Interval,
        (least, most): (f64, f64),
    ) -> Option<Form<'t>> {
        let clamp = Expr::clamp(inside.low, inside.high);
        let moved = pair.moved(&|x| clamp.jet(x))?;
        // Both clamps are straight between their ends: the difference is largest at one of these.
        let x = pair.exact.range();
        let ends = [x.low, x.high, inside.low, inside.high, least, most];
        let apart = ends.map(|end| {
            let x = end.clamp(x.low, x.high);
            let own = Interval::at(x.clamp(inside.low, inside.high));
            own.minus(&Interval::at(x.max(least).min(most)))
        });
        let apart = apart.into_iter().reduce(|a, b| a.hull(&b))?;
        Some(moved.plus_any(apart))
    }

    /// A sum of numbers of which float's network sums the same: what it is off, before it is rounded.
    fn linear(&self, step: &Step, sum: &Sum, owner: Owner, unit: f64) -> Option<Form<'t>> {
        if !sum.products.is_empty() || !sum.edges.is_empty() {
            return None;
        }
        // Real number of a unit of the sum.
        let real = unit * owner.scale;
        let mut constant =
            Interval::at(sum.constant as f64).scaled(real).plus(&Interval::at(owner.offset));
        let mut factors: HashMap<(TensorId, usize), f64> = HashMap::with_capacity(sum.terms.len());
        let mut offs = Vec::with_capacity(sum.terms.len());
        let mut all = 0.0;
        for (lane, weight) in &sum.terms {
            let number = self.read(step, *lane);
            let (from, off) = (number.owner?, number.off.as_ref()?);
            let factor = *weight as f64 * real / from.scale;
            offs.push((factor, off));
            *factors.entry((from.tensor, from.feature)).or_default() += factor;
            constant = constant.minus(&Interval::at(factor).scaled(from.offset));
            all += factor.abs()
                * (self.exact[from.tensor][from.feature].limits().magnitude() + from.offset.abs());
        }
        let own = self.net.linear(owner.tensor, owner.feature);
        let whole = [((owner.tensor, owner.feature), 1.0)];
        let (terms, bias) = match &own {
            Some((terms, bias)) if factors.keys().any(|key| key.0 != owner.tensor) => {
                (terms.as_slice(), *bias)
            }
            // The same tensor in another format.
            _ => (whole.as_slice(), 0.0),
        };
        terms.iter().for_each(|(key, factor)| *factors.entry(*key).or_default() -= factor);
        constant = constant.minus(&Interval::at(bias));
        // In one order, whatever the map's: sums are rounded.
        let mut factors: Vec<_> = factors.into_iter().collect();
        factors.sort_unstable_by_key(|(key, _)| *key);
        let exact = factors
            .iter()
            .map(|((tensor, feature), factor)| Some((*factor, self.exact[*tensor].get(*feature)?)));
        let exact: Vec<(f64, &Form<'t>)> = exact.collect::<Option<_>>()?;
        // Factors are rounded a few times, and those of float's sum are taken from them.
        let rounding = 16.0 * f64::EPSILON * all;
        let off = self.tape.sum(exact.into_iter().chain(offs), constant.middle());
        Some(off.plus_slack(Interval::around(0.0, constant.radius() + rounding)))
    }

    /// A product of two numbers, and what is added to it, before it is rounded: beside float's product.
    fn product(&self, step: &Step, sum: &Sum, owner: Owner, unit: f64) -> Option<Form<'t>> {
        let &[([a, b], factor)] = sum.products.as_slice() else { return None };
        let node = self.net.writer(owner.tensor)?;
        let (a, b) = (self.read(step, a), self.read(step, b));
        let (of_a, of_b) = (a.owner?, b.owner?);
        let inputs = [of_a.tensor, of_b.tensor];
        let same = node.inputs == inputs || node.inputs == [inputs[1], inputs[0]];
        let here = of_a.feature == owner.feature && of_b.feature == owner.feature;
        (node.layer == Layer::Mul && same && here).then_some(())?;
        let pairs = [self.pair(a)?, self.pair(b)?];
        let product = pairs[0].times(&pairs[1]);
        // q_a q_b = (A - o_a) (B - o_b) / (s_a s_b) of real numbers A and B: AB less what is linear in them.
        let real = unit * owner.scale;
        let gain = real * factor as f64 / (of_a.scale * of_b.scale);
        let exact = &self.exact[owner.tensor][owner.feature];
        let terms: Vec<(f64, &Form<'t>)> = sum
            .terms
            .iter()
            .map(|(lane, w)| (*w as f64 * real, &self.read(step, *lane).form))
            .chain([
                (-gain * of_b.offset * of_a.scale, &a.form),
                (-gain * of_a.offset * of_b.scale, &b.form),
            ])
            .collect();
        let constant = sum.constant as f64 * real - gain * of_a.offset * of_b.offset + owner.offset;
        let parts = [(gain, &product.off), (gain - 1.0, exact)];
        let off = self.tape.sum(parts.into_iter().chain(terms), constant);
        // The gain is rounded a few times.
        let rounding = 32.0 * f64::EPSILON * gain.abs() * self.rounding_of(a, b, of_a, of_b);
        Some(off.plus_slack(Interval::around(0.0, rounding)))
    }

    /// The size of a product's terms in real numbers.
    fn rounding_of(&self, a: &Number<'t>, b: &Number<'t>, of_a: Owner, of_b: Owner) -> f64 {
        let size = |number: &Number<'t>, owner: Owner| {
            number.form.limits().magnitude() * owner.scale + owner.offset.abs()
        };
        4.0 * size(a, of_a) * size(b, of_b)
    }

    /// A sum of edges beside float's: what it is off, before it is rounded; none where they do not belong together.
    fn edges(
        &self,
        at: (usize, u32),
        step: &Step,
        sum: &Sum,
        owner: Owner,
        unit: f64,
    ) -> Option<Form<'t>> {
        let mut inputs: Vec<Input> = Vec::new();
        let mut tensor = None;
        for (lane, edge) in &sum.edges {
            let place = Input::among(&mut inputs, self.read(step, *lane), &mut tensor)?;
            inputs[place].splines.push(edge);
        }
        for (lane, factor) in &sum.terms {
            let (read, pieces) = self.read(step, *lane).origin.as_ref()?;
            let place = Input::among(&mut inputs, read, &mut tensor)?;
            inputs[place].tables.push((*factor, pieces));
        }
        let tensor = tensor?;
        let edges = self.net.edges(tensor, owner.tensor)?;
        let (curves, bias) = (edges.curves.get(owner.feature)?, *edges.bias.get(owner.feature)?);
        // Real number of a unit of the sum.
        let real = unit * owner.scale;
        let mut parts: Vec<Form<'t>> = Vec::new();
        for (feature, curve) in curves.iter().enumerate() {
            let own = inputs
                .iter()
                .find(|input| input.number.owner.is_some_and(|o| o.feature == feature));
            match own {
                Some(input) => {
                    let from = input.number.owner?;
                    let at_integer = |q: i16| {
                        let splines: i64 = input.splines.iter().map(|edge| edge.at(q)).sum();
                        let tables = input
                            .tables
                            .iter()
                            .map(|(w, pieces)| w * i64::from(table_at(pieces, q)));
                        splines + tables.sum::<i64>()
                    };
                    let formats = [from.scale, from.offset, real, 0.0].map(f64::to_bits);
                    let key = Key { step: at.0, of: at.1 as usize, edge: feature, formats };
                    let off = self.across(input.number, from, curve, &key, &|q| {
                        Interval::at(at_integer(q) as f64).scaled(real)
                    })?;
                    parts.push(off);
                }
                // An edge that the integers leave out.
                None if !curve.is_zero() => {
                    let exact = &self.exact[tensor][feature];
                    let all = Enclosure::of(&|x| curve.jet(x), exact.range())?;
                    parts.push(self.tape.any(all.values.scaled(-1.0)));
                }
                None => {}
            }
        }
        let constant = Interval::at(sum.constant as f64).scaled(real);
        let constant = constant.plus(&Interval::at(owner.offset)).minus(&Interval::at(bias));
        Some(self.tape.sum(parts.iter().map(|part| (1.0, part)), 0.0).plus_slack(constant))
    }

    /// The difference of a function of an integer to the real one of what it stands for.
    fn across(
        &self,
        number: &Number<'t>,
        from: Owner,
        curve: &Curve,
        key: &Key,
        integer: &dyn Fn(i16) -> Interval,
    ) -> Option<Form<'t>> {
        let owner = number.owner?;
        let exact = *self.exact[owner.tensor].get(owner.feature)?;
        let form = number.free();
        let off = match (&number.off, number.wide.is_some()) {
            (Some(off), false) => *off,
            _ => self.off_of(form, owner),
        };
        let moved = Pair { exact, off }.moved(&|x| curve.jet(x))?;
        let real = |x: Interval| x.scaled(from.scale).plus(&Interval::at(from.offset));
        let range = form.range();
        let ends = [range.low, range.high].map(|end| end.clamp(-32768.0, 32767.0));
        let ends = Interval::new(ends[0], ends[1]);
        let make = |first: i32, last: i32| {
            Deviation::of(first, last, |q| {
                integer(q as i16).minus(&curve.jet(real(Interval::at(q.into()))).value)
            })
        };
        let mut error = self.net.deviation(key, ends, make)?;
        // Beyond 16 bits the function of the integers is what it is at the end.
        for (end, beyond) in [
            (i16::MIN, Interval::new(range.low.min(-32768.0), -32768.0)),
            (i16::MAX, Interval::new(32767.0, range.high.max(32767.0))),
        ] {
            if beyond.low < beyond.high {
                let values = slopes(&|x| curve.jet(x), real(beyond))?.value;
                error = error.hull(&integer(end).minus(&values));
            }
        }
        error.is_finite().then(|| moved.plus_any(error))
    }

    fn table(
        &self,
        k: usize,
        step: &Step,
        lane: Lane,
        table: usize,
        target: Option<Owner>,
    ) -> Number<'t> {
        let read = self.read(step, lane);
        let pieces = &step.meaning.tables[table];
        if let (Some(from), Some(to)) = (read.owner, target)
            && let Some((curve, function)) = self.net.function(from, to)
        {
            let formats = [from.scale, from.offset, to.scale, to.offset].map(f64::to_bits);
            let key = Key { step: k, of: table, edge: function, formats };
            let off = self.across(read, from, &curve, &key, &|q| {
                let y = Interval::at(table_at(pieces, q).into());
                y.scaled(to.scale).plus(&Interval::at(to.offset))
            });
            if let Some(off) = off {
                return self.owned(off, to);
            }
        }
        // All its values: whoever reads it as part of an edge looks at the table itself.
        let key = Key { step: k, of: table, edge: usize::MAX, formats: [0; 4] };
        let values = |first, last| {
            Deviation::of(first, last, |q| Interval::at(table_at(pieces, q as i16).into()))
        };
        let values = self.net.deviation(&key, read.range(), values).unwrap_or(ACTIVATION);
        let form = self.tape.any(values);
        Number { origin: Some((Box::new(read.clone()), pieces.clone())), ..Number::new(form) }
    }

    /// A spline by itself, near a line.
    fn edge(&self, read: &Number<'t>, edge: &Edge) -> Form<'t> {
        let (first, last) = integers(read.range());
        match Enclosure::of_integers(first..=last, |q| edge.at(q as i16) as f64, 0.0) {
            Some(near) => read.form.along(&near),
            None => self.tape.any(EVERYWHERE),
        }
    }

    fn extreme(
        &self,
        step: &Step,
        of: &[Lane],
        largest: bool,
        target: Option<Owner>,
    ) -> Number<'t> {
        let reads: Vec<&Number<'t>> = of.iter().map(|lane| self.read(step, *lane)).collect();
        let pairs: Option<Vec<Pair<'t>>> = reads.iter().map(|read| self.pair(read)).collect();
        // The largest integer is the largest number where all stand for numbers in one and the same way.
        let same = reads.iter().all(|read| {
            let format = |owner: Owner| (owner.scale, owner.offset);
            read.owner.map(format) == target.map(format)
        });
        let owners: Option<Vec<Owner>> = reads.iter().map(|read| read.owner).collect();
        let same = same
            && target.zip(owners).is_some_and(|(target, owners)| {
                let by = self.net.writer(target.tensor).map(|node| &node.layer);
                let kind = match by {
                    Some(Layer::Extreme { largest: own }) => *own == largest,
                    Some(Layer::Reduce { by: Reduction::Max, .. }) => largest,
                    Some(Layer::Reduce { by: Reduction::Min, .. }) => !largest,
                    _ => false,
                };
                kind && self.net.is_of(target, &owners)
            });
        if let (Some(pairs), Some(owner), true) = (pairs, target, same) {
            let all = pairs.into_iter().reduce(|a, b| a.extreme(&b, largest));
            if let Some(all) = all {
                return self.owned(all.off, owner);
            }
        }
        let all = reads.into_iter().map(|read| Pair::same(read.form));
        let all = all.reduce(|a, b| a.extreme(&b, largest));
        Number::new(all.map_or_else(|| self.tape.constant(0.0), |pair| pair.exact))
    }
}
