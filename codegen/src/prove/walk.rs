//! A box of integers through a program. Stands on machines and forms.

use crate::certify::enclosure::Enclosure;
use crate::certify::form::{Form, Line, Tape};
use crate::certify::interval::{EVERYWHERE, Interval};
use crate::certify::machine::{ACTIVATION, Machine};
use crate::program::Port;
use crate::program::formula::{Edge, Finish, Formula, Step, Sum, table_at};

/// The outputs over a box, in their units.
pub struct Outputs<'t> {
    /// One an output.
    pub forms: Vec<Form<'t>>,
    /// What is known of each beside its form.
    pub known: Vec<Interval>,
}

/// Follows the integers `first..=last` of each input.
pub fn walk<'t>(machine: &Machine, limits: &[(i32, i32)], tape: &'t Tape) -> Outputs<'t> {
    walk_seen(machine, limits, tape, |_| {})
}

/// The same; `see` is given what each step writes, and to which lanes, in the order of its formulas.
pub fn walk_seen<'t>(
    machine: &Machine,
    limits: &[(i32, i32)],
    tape: &'t Tape,
    mut see: impl FnMut(&[(usize, Form<'t>)]),
) -> Outputs<'t> {
    let (port, first) = &machine.input;
    let anything = tape.any(ACTIVATION);
    let mut memory = vec![anything; machine.start.len()];
    for (i, ends) in limits.iter().enumerate() {
        let form = tape.input(activations(port, i, *ends));
        if let Some(lane) = memory.get_mut(first + i) {
            *lane = form;
        }
    }
    let mut walk = Walk { tape, memory };
    for step in &machine.steps {
        let written = walk.step(step);
        see(&written);
        walk.write(written);
    }
    let (port, first) = &machine.output;
    let output = |i: usize| {
        let (scale, offset) = port.line(i);
        walk.memory
            .get(first + i)
            .map_or_else(|| tape.any(EVERYWHERE), |form| form.line(scale, offset))
    };
    // What is within limits keeps them in no sum.
    let range = |i: usize| {
        let (scale, offset) = port.line(i);
        let range = walk.memory.get(first + i).map_or(ACTIVATION, Form::range).meet(&ACTIVATION);
        range.scaled(scale).plus(&Interval::at(offset))
    };
    let forms = (0..port.features()).map(output).collect();
    Outputs { forms, known: (0..port.features()).map(range).collect() }
}

/// An input's activations for the caller's integers from one to another.
pub fn activations(port: &Port, i: usize, (low, high): (i32, i32)) -> Interval {
    Interval::new(port.activation(i, low).into(), port.activation(i, high).into())
}

struct Walk<'t> {
    tape: &'t Tape,
    memory: Vec<Form<'t>>,
}

impl<'t> Walk<'t> {
    /// The lanes that a step writes, and what it writes there.
    fn step(&self, step: &Step) -> Vec<(usize, Form<'t>)> {
        let mut written = Vec::with_capacity(step.meaning.features.len());
        for (feature, formula) in &step.meaning.features {
            let form = match formula {
                Formula::Copy(lane) => self.memory[step.lane(*lane)],
                Formula::Constant(value) => self.tape.constant(*value as f64),
                Formula::Sum(sum) => self.sum(step, sum),
                Formula::Table(lane, table) => {
                    let pieces = &step.meaning.tables[*table];
                    self.table(&self.memory[step.lane(*lane)], pieces)
                }
                Formula::Extreme { largest, of } => {
                    let forms = of.iter().map(|lane| self.memory[step.lane(*lane)].range());
                    let all =
                        forms.reduce(|a, b| if *largest { a.larger(&b) } else { a.smaller(&b) });
                    self.tape.any(all.unwrap_or(ACTIVATION))
                }
            };
            written.push((step.written(*feature), form));
        }
        for (_, _, writes) in &step.meaning.blocks {
            let any = |feature: &u32| (step.written(*feature), self.tape.any(ACTIVATION));
            written.extend(writes.iter().map(any));
        }
        written
    }

    fn write(&mut self, written: Vec<(usize, Form<'t>)>) {
        for (lane, form) in written {
            if let Some(own) = self.memory.get_mut(lane) {
                *own = form;
            }
        }
    }

    fn sum(&self, step: &Step, sum: &Sum) -> Form<'t> {
        let Finish { multiplier, shift, low, high } = sum.finish;
        let unit = multiplier as f64 * f64::powi(2.0, -(shift as i32));
        let read = |lane: &crate::program::formula::Lane| &self.memory[step.lane(*lane)];
        let products: Vec<(f64, Form<'t>)> = sum
            .products
            .iter()
            .map(|([a, b], w)| (*w as f64 * unit, read(a).times(read(b))))
            .collect();
        let edges: Vec<(f64, Form<'t>)> =
            sum.edges.iter().map(|(lane, edge)| (unit, self.edge(read(lane), edge))).collect();
        let terms = sum.terms.iter().map(|(lane, w)| (*w as f64 * unit, read(lane)));
        let others = products.iter().chain(&edges).map(|(w, form)| (*w, form));
        let form = self.tape.sum(terms.chain(others), sum.constant as f64 * unit);
        // What is always at an end has no rounding. All else has a symbol of its own: through several layers little of it
        // is left, of magnitudes it would be the most.
        let range = form.range();
        let form = match range.high <= low as f64 || range.low >= high as f64 + 1.0 || shift == 0 {
            true => form,
            false => form.plus_any(Interval::new(-1.0, 0.0)),
        };
        self.clamped(form, low as f64, high as f64)
    }

    /// A number at both ends of its range.
    fn clamped(&self, form: Form<'t>, low: f64, high: f64) -> Form<'t> {
        let range = form.range();
        let limits = Interval::new(low, high);
        if limits.holds(&range) {
            return form;
        }
        // `max(x, low)` is below the line through its ends, and above that less its largest distance, at the kink.
        let form = match (range.high <= low, range.low < low) {
            (true, _) => return self.tape.constant(low),
            (_, true) => form.along(&bent(range, low)),
            _ => form,
        };
        let range = form.range().meet(&Interval::new(low, f64::INFINITY));
        let form = match (range.low >= high, range.high > high) {
            (true, _) => return self.tape.constant(high),
            (_, true) => {
                let mirrored = Interval::new(-range.high, -range.low);
                form.line(-1.0, 0.0).along(&bent(mirrored, -high)).line(-1.0, 0.0)
            }
            _ => form,
        };
        form.within(limits)
    }

    fn table(&self, form: &Form<'t>, pieces: &[u32]) -> Form<'t> {
        let range = form.range().meet(&ACTIVATION);
        self.along(form, of_table(range, pieces))
    }

    fn edge(&self, form: &Form<'t>, edge: &Edge) -> Form<'t> {
        let range = form.range().meet(&ACTIVATION);
        let points = range.low.ceil() as i32..=range.high.floor() as i32;
        let value = |q: i32| edge.at(q.clamp(-32768, 32767) as i16) as f64;
        self.along(form, Enclosure::of_integers(points, value, 0.0))
    }

    /// A function near a line; anything where there is none.
    fn along(&self, form: &Form<'t>, near: Option<Enclosure>) -> Form<'t> {
        match near {
            Some(near) => form.along(&near),
            None => self.tape.any(ACTIVATION),
        }
    }
}

/// Where piece `k` begins, of a table with `half` pieces on each side of 0: at the first `q` with `q half >= 2^15 k`.
pub fn begins(k: i32, half: i32) -> i32 {
    -((-k * 32768).div_euclid(half))
}

/// A function in straight pieces near a line: each piece is off by less than a unit from straight, as its ends are.
fn of_table(range: Interval, pieces: &[u32]) -> Option<Enclosure> {
    let (first, last) = (range.low.ceil() as i32, range.high.floor() as i32);
    let half = (pieces.len() as i32 / 2).max(1);
    let piece = |q: i32| (q * half).div_euclid(32768);
    let ends =
        (piece(first)..=piece(last)).flat_map(|k| [begins(k, half), begins(k + 1, half) - 1]);
    let points: Vec<i32> =
        ends.chain([first, last]).map(|q| q.clamp(first, last.max(first))).collect();
    let value = |q: i32| f64::from(table_at(pieces, q.clamp(-32768, 32767) as i16));
    Enclosure::of_integers(points, value, 2.0)
}

/// `max(x, low)` over a range that crosses `low`: below its chord, and above the constant or the rising part, whichever is
/// higher in the middle.
fn bent(x: Interval, low: f64) -> Enclosure {
    let (below, above) = (low - x.low, x.high - low);
    let slope = (above / (below + above)).clamp(0.0, 1.0);
    let rounding = (low.abs() + x.magnitude()) * 8.0 * f64::EPSILON;
    let upper = Line { slope, at_zero: low + slope * (below - low) + rounding };
    let lower = match above > below {
        true => Line { slope: 1.0, at_zero: 0.0 },
        false => Line { slope: 0.0, at_zero: low },
    };
    Enclosure { lower, upper, values: Interval::new(low, x.high.max(low)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tables of any number of pieces, whose ends are at no round numbers.
    #[test]
    fn a_table_is_near_its_line_at_every_integer() {
        for half in [1_i32, 3, 11, 22, 26, 60, 120] {
            // Steep pieces that go up and down, each from where the one before has ended.
            let height = |k: i32| if k % 2 == 0 { 9000 } else { -9000 - 50 * k };
            let piece = |k: i32| {
                let (own, next) = (height(k), height(k + 1));
                let value = if k.rem_euclid(2) == 0 { own } else { next };
                ((value as u32) << 16) | (2 * (next - own)) as u16 as u32
            };
            let pieces: Vec<u32> = (-half..half).map(piece).collect();
            for (low, high) in [(-32768, 32767), (-20_000, -3), (17, 30_001), (500, 1100)] {
                let near = of_table(Interval::new(f64::from(low), f64::from(high)), &pieces);
                let Enclosure { lower, upper, values } = near.unwrap();
                for q in low..=high {
                    let y = f64::from(table_at(&pieces, q as i16));
                    let x = f64::from(q);
                    assert!(lower.at(x) <= y && y <= upper.at(x), "{half}: {q}");
                    assert!(values.holds(&Interval::at(y)), "{half}: {q}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_bent_line_is_near(a in -100.0..0.0_f64, b in 0.0..100.0_f64, low in -50.0..50.0_f64, at in 0.0..=1.0_f64) {
            let x = Interval::new(low + a - 1e-3, low + b + 1e-3);
            let Enclosure { lower, upper, values } = bent(x, low);
            let point = x.low + at * (x.high - x.low);
            let y = point.max(low);
            prop_assert!(lower.at(point) <= y + 1e-9 && y <= upper.at(point) + 1e-9);
            prop_assert!(values.low <= y && y <= values.high);
        }
    }
}
