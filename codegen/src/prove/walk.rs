//! A box of integers through a program, on affine forms over the inputs. Stands on machines and forms.

use crate::certify::form::{Enclosure, Form, Line, Symbols};
use crate::certify::interval::{EVERYWHERE, Interval};
use crate::certify::machine::{ACTIVATION, Machine};
use crate::program::PortWidth;
use crate::program::formula::{Edge, Finish, Formula, Step, Sum, table_at};

/// Symbols that are remembered.
const KEPT: usize = 1024;

/// The outputs over a box, in their units, and how much each input moves what is clamped.
pub struct Outputs {
    /// One an output.
    pub forms: Vec<Form>,
    /// One an input.
    pub moves: Vec<f64>,
}

/// Follows the integers `first..=last` of each input.
pub fn walk(machine: &Machine, limits: &[(i32, i32)]) -> Outputs {
    let symbols = Symbols::keeping(KEPT);
    let (port, first) = &machine.input;
    let anything = Form::constant(0.0).plus_slack(ACTIVATION);
    let mut memory = vec![anything; machine.start.len()];
    let activations = limits.iter().enumerate();
    let inputs: Vec<Form> = activations
        .map(|(i, (low, high))| {
            activation(&port.width, i, f64::from(*low), f64::from(*high), &symbols)
        })
        .collect();
    symbols.end_inputs();
    for (i, form) in inputs.into_iter().enumerate() {
        if let Some(lane) = memory.get_mut(first + i) {
            *lane = form;
        }
    }
    let mut walk = Walk { symbols, memory, moves: vec![0.0; limits.len()] };
    machine.steps.iter().for_each(|step| walk.step(step));
    let (port, first) = &machine.output;
    let output = |i: usize| {
        let (scale, offset) = port.line(i);
        walk.memory.get(first + i).map_or_else(
            || Form::constant(0.0).plus_slack(EVERYWHERE),
            |form| form.line(scale, offset),
        )
    };
    let forms = (0..port.features()).map(output).collect();
    Outputs { forms, moves: walk.moves }
}

/// An input's activation for the caller's integers from `low` to `high`.
fn activation(width: &PortWidth, i: usize, low: f64, high: f64, symbols: &Symbols) -> Form {
    match width {
        PortWidth::WideIn(channels) => {
            let channel = channels[i];
            let unit = f64::powi(2.0, -i32::from(channel.shift));
            let end = |x: f64| {
                ((x - f64::from(channel.offset)) * unit + 0.5).floor().clamp(-32768.0, 32767.0)
            };
            Form::of(Interval::new(end(low), end(high)), symbols)
        }
        _ => Form::of(Interval::new(low, high), symbols),
    }
}

struct Walk {
    symbols: Symbols,
    memory: Vec<Form>,
    moves: Vec<f64>,
}

impl Walk {
    fn step(&mut self, step: &Step) {
        let mut written = Vec::with_capacity(step.meaning.features.len());
        for (feature, formula) in &step.meaning.features {
            let form = match formula {
                Formula::Copy(lane) => self.memory[step.lane(*lane)].clone(),
                Formula::Constant(value) => Form::constant(*value as f64),
                Formula::Sum(sum) => self.sum(step, sum),
                Formula::Table(lane, table) => {
                    let pieces = &step.meaning.tables[*table];
                    self.table(&self.memory[step.lane(*lane)].clone(), pieces)
                }
                Formula::Extreme { largest, of } => {
                    let forms = of.iter().map(|lane| self.memory[step.lane(*lane)].range());
                    let all =
                        forms.reduce(|a, b| if *largest { a.larger(&b) } else { a.smaller(&b) });
                    Form::of(all.unwrap_or(ACTIVATION), &self.symbols)
                }
            };
            written.push((step.written(*feature), form));
        }
        for (_, _, writes) in &step.meaning.blocks {
            let any = |feature: &u32| (step.written(*feature), Form::of(ACTIVATION, &self.symbols));
            written.extend(writes.iter().map(any));
        }
        for (lane, form) in written {
            if let Some(own) = self.memory.get_mut(lane) {
                *own = form;
            }
        }
    }

    fn sum(&mut self, step: &Step, sum: &Sum) -> Form {
        let Finish { multiplier, shift, low, high } = sum.finish;
        let unit = multiplier as f64 * f64::powi(2.0, -(shift as i32));
        let read = |lane: &crate::program::formula::Lane| &self.memory[step.lane(*lane)];
        let products: Vec<(f64, Form)> = sum
            .products
            .iter()
            .map(|([a, b], w)| (*w as f64 * unit, read(a).times(read(b), &self.symbols)))
            .collect();
        let edges: Vec<(f64, Form)> =
            sum.edges.iter().map(|(lane, edge)| (unit, self.edge(read(lane), edge))).collect();
        let terms = sum.terms.iter().map(|(lane, w)| (*w as f64 * unit, read(lane)));
        let others = products.iter().chain(&edges).map(|(w, form)| (*w, form));
        let form = Form::sum(terms.chain(others), sum.constant as f64 * unit);
        // What is always at an end has no rounding. All else has a symbol of its own: through several layers little of it
        // is left, of magnitudes it would be the most.
        let range = form.range();
        let form = match range.high <= low as f64 || range.low >= high as f64 + 1.0 || shift == 0 {
            true => form,
            false => form.plus_any(Interval::new(-1.0, 0.0), &self.symbols),
        };
        self.clamped(form, low as f64, high as f64)
    }

    /// A number at both ends of its range.
    fn clamped(&mut self, form: Form, low: f64, high: f64) -> Form {
        let range = form.range();
        let limits = Interval::new(low, high);
        if limits.holds(&range) {
            return form;
        }
        self.note(&form, &range);
        // `max(x, low)` is below the line through its ends, and above that less its largest distance, at the kink.
        let form = match (range.high <= low, range.low < low) {
            (true, _) => return Form::constant(low),
            (_, true) => form.along(&bent(range, low), &self.symbols),
            _ => form,
        };
        let range = form.range().meet(&Interval::new(low, f64::INFINITY));
        let form = match (range.low >= high, range.high > high) {
            (true, _) => return Form::constant(high),
            (_, true) => {
                let mirrored = Interval::new(-range.high, -range.low);
                form.line(-1.0, 0.0).along(&bent(mirrored, -high), &self.symbols).line(-1.0, 0.0)
            }
            _ => form,
        };
        form.within(limits)
    }

    /// Takes note of how much each input moves a number that is bent.
    fn note(&mut self, form: &Form, range: &Interval) {
        let size = range.radius().max(1e-30);
        let moves = self.moves.iter_mut().enumerate();
        moves.for_each(|(i, moves)| *moves += form.of_input(i).abs() / size);
    }

    fn table(&mut self, form: &Form, pieces: &[u32]) -> Form {
        let range = form.range().meet(&ACTIVATION);
        self.note(form, &range);
        self.along(form, of_table(range, pieces))
    }

    fn edge(&self, form: &Form, edge: &Edge) -> Form {
        let range = form.range().meet(&ACTIVATION);
        let points = range.low.ceil() as i32..=range.high.floor() as i32;
        let value = |q: i32| edge.at(q.clamp(-32768, 32767) as i16) as f64;
        self.along(form, Enclosure::of_integers(points, value, 0.0))
    }

    /// A function near a line; anything where there is none.
    fn along(&self, form: &Form, near: Option<Enclosure>) -> Form {
        match near {
            Some(near) => form.along(&near, &self.symbols),
            None => Form::of(ACTIVATION, &self.symbols),
        }
    }
}

/// A function in straight pieces near a line: each piece is off by less than a unit from straight, as its ends are.
fn of_table(range: Interval, pieces: &[u32]) -> Option<Enclosure> {
    let (first, last) = (range.low.ceil() as i32, range.high.floor() as i32);
    let half = (pieces.len() as i32 / 2).max(1);
    // Piece k begins at the first q with q half >= 2^15 k.
    let begins = |k: i32| -((-k * 32768).div_euclid(half));
    let piece = |q: i32| (q * half).div_euclid(32768);
    let ends = (piece(first)..=piece(last)).flat_map(|k| [begins(k), begins(k + 1) - 1]);
    let points: Vec<i32> =
        ends.chain([first, last]).map(|q| q.clamp(first, last.max(first))).collect();
    let value = |q: i32| f64::from(table_at(pieces, q.clamp(-32768, 32767) as i16));
    Enclosure::of_integers(points, value, 2.0)
}

/// `max(x, low)` over a range that crosses `low`, near the line that has as far below as above.
fn bent(x: Interval, low: f64) -> Enclosure {
    let (below, above) = (low - x.low, x.high - low);
    let slope = (above / (below + above)).clamp(0.0, 1.0);
    // 0 <= max(x, low) - (low + slope (x - low)) <= slope below, but for rounding
    let most = (slope * below).max((1.0 - slope) * above) * (1.0 + 1e-12);
    let rounding = (low.abs() + x.magnitude()) * 8.0 * f64::EPSILON;
    let line =
        Line { slope, middle: low - slope * low + most / 2.0, radius: most / 2.0 + rounding };
    Enclosure { line, values: Interval::new(low, x.high.max(low)) }
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
                let Enclosure { line, values } = near.unwrap();
                for q in low..=high {
                    let y = f64::from(table_at(&pieces, q as i16));
                    let off = (y - line.slope * f64::from(q) - line.middle).abs();
                    assert!(off <= line.radius && values.holds(&Interval::at(y)), "{half}: {q}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_bent_line_is_near(a in -100.0..0.0_f64, b in 0.0..100.0_f64, low in -50.0..50.0_f64, at in 0.0..=1.0_f64) {
            let x = Interval::new(low + a - 1e-3, low + b + 1e-3);
            let Enclosure { line, values, .. } = bent(x, low);
            let point = x.low + at * (x.high - x.low);
            let y = point.max(low);
            prop_assert!((y - line.slope * point - line.middle).abs() <= line.radius + 1e-9);
            prop_assert!(values.low <= y && y <= values.high);
        }
    }
}
