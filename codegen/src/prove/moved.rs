//! How far numbers move when one input does: forms of two inputs near one another have little left to cancel behind a
//! function, whose slope says what a form of each cannot.
//!
//! A number that is `x` for one input and `x + d` for the other has `d = slope delta + rest`, where `delta` is what the input
//! moves by and both `slope` and `rest` are of an interval; and `d` is a whole number of an interval of its own, which is 0
//! at one end as long as all that is crossed rises. A rounding moves by less than a unit, and not at all if what it rounds
//! does not.
//!
//! Stands on walks over a box.

use super::property::Cell;
use super::walk::{activations, begins};
use crate::certify::interval::Interval;
use crate::certify::machine::Machine;
use crate::program::formula::{Edge, Finish, Formula, Lane, Step, Sum, table_at};

const NOTHING: Interval = Interval { low: 0.0, high: 0.0 };

/// Whole numbers from one to another.
type Whole = [i128; 2];

/// What a number moves by: `slope delta + rest`, which is in `all`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Move {
    slope: Interval,
    rest: Interval,
    all: Whole,
}

/// It stays.
const STILL: Move = Move { slope: NOTHING, rest: NOTHING, all: [0, 0] };

/// The whole numbers of an interval.
fn whole(x: &Interval) -> Whole {
    [x.low.ceil() as i128, x.high.floor() as i128]
}

/// Those that are in both.
fn meet(a: Whole, b: Whole) -> Whole {
    [a[0].max(b[0]), a[1].min(b[1])]
}

/// All products of two.
fn products(a: Whole, b: Whole) -> Whole {
    let all = [a[0], a[1]].map(|a| b.map(|b| a.saturating_mul(b)));
    let all = all.as_flattened().iter();
    all.fold([i128::MAX, i128::MIN], |[low, high], x| [low.min(*x), high.max(*x)])
}

impl Move {
    /// Anything of an interval.
    fn any(all: Interval) -> Self {
        Self { slope: NOTHING, rest: all, all: whole(&all) }
    }

    fn plus(&self, other: &Self) -> Self {
        let all = [0, 1].map(|end| self.all[end].saturating_add(other.all[end]));
        Self { slope: self.slope.plus(&other.slope), rest: self.rest.plus(&other.rest), all }
    }

    /// The same whole number of an interval times all of it.
    fn times(&self, factor: Whole) -> Self {
        let real = Interval::new(factor[0] as f64, factor[1] as f64);
        Self { all: products(self.all, factor), ..self.scaled(&real) }
    }

    /// The same real number of an interval times slope and rest.
    fn scaled(&self, factor: &Interval) -> Self {
        Self { slope: self.slope.times(factor), rest: self.rest.times(factor), ..*self }
    }

    fn hull(&self, other: &Self) -> Self {
        let [(a, b), (c, d)] = [0, 1].map(|end| (self.all[end], other.all[end]));
        Self {
            slope: self.slope.hull(&other.slope),
            rest: self.rest.hull(&other.rest),
            all: [a.min(b), c.max(d)],
        }
    }

    /// With a rounding of either number.
    fn rounded(self, rounding: &Interval) -> Self {
        Self { rest: self.rest.plus(rounding), ..self }
    }

    /// All that it can be, known from both sides.
    fn settled(self, delta: &Interval, most: &Interval) -> Self {
        let real = self.slope.times(delta).plus(&self.rest).meet(most);
        Self { all: meet(self.all, whole(&real)), ..self }
    }
}

/// A number: all that it is for either input, and what it moves by.
#[derive(Debug, Clone, Copy)]
struct Number {
    range: Interval,
    moved: Move,
}

/// What each output moves by, in its units, from the first to the second input of any pair of a box that is in order.
/// `ranges` is what each step of the machine of pairs writes.
pub fn outputs(
    machine: &Machine,
    cell: &Cell,
    i: usize,
    ranges: &[Vec<Interval>],
) -> Vec<Interval> {
    let (port, first) = &machine.input;
    let ends = |k: usize, at: usize| cell.get(at).map(|ends| activations(port, k, *ends));
    let (own, other) = (ends(i, i), ends(i, cell.len().saturating_sub(1)));
    let (own, other) = (own.unwrap_or(NOTHING), other.unwrap_or(NOTHING));
    let delta = Interval::new((other.low - own.high).max(0.0), (other.high - own.low).max(0.0));
    let mut memory = vec![Number { range: NOTHING, moved: STILL }; machine.start.len()];
    for k in 0..port.features() {
        let range = ends(k, k).unwrap_or(NOTHING);
        let Some(lane) = memory.get_mut(first + k) else { continue };
        *lane = match k == i {
            true => Number {
                range: range.hull(&other),
                moved: Move { slope: Interval::at(1.0), rest: NOTHING, all: whole(&delta) },
            },
            false => Number { range, moved: STILL },
        };
    }
    let mut walk = Walk { memory, delta };
    // The first step copies the inputs; then each runs for the first input and for the second.
    for (step, both) in machine.steps.iter().zip(ranges.get(1..).unwrap_or_default().chunks(2)) {
        let [own, other] = both else { continue };
        let ranges: Vec<Interval> =
            own.iter().zip(other).map(|(own, other)| own.hull(other)).collect();
        walk.step(step, &ranges);
    }
    let (port, first) = &machine.output;
    let output = |k: usize| {
        let [low, high] = walk.memory.get(first + k).map_or([0, 0], |number| number.moved.all);
        Interval::new(low as f64, high as f64).scaled(port.line(k).0)
    };
    (0..port.features()).map(output).collect()
}

struct Walk {
    memory: Vec<Number>,
    delta: Interval,
}

impl Walk {
    fn at(&self, step: &Step, lane: &Lane) -> Number {
        let number = self.memory.get(step.lane(*lane)).copied();
        number.unwrap_or(Number { range: NOTHING, moved: STILL })
    }

    fn step(&mut self, step: &Step, ranges: &[Interval]) {
        let mut ranges = ranges.iter().copied();
        let mut written = Vec::new();
        for ((feature, formula), range) in step.meaning.features.iter().zip(ranges.by_ref()) {
            let apart = range.minus(&range);
            let moved = self.formula(step, formula, &range).settled(&self.delta, &apart);
            written.push((step.written(*feature), Number { range, moved }));
        }
        for (_, reads, writes) in &step.meaning.blocks {
            let still = reads.iter().all(|lane| self.at(step, lane).moved == STILL);
            for (feature, range) in writes.iter().zip(ranges.by_ref()) {
                let moved = if still { STILL } else { Move::any(range.minus(&range)) };
                written.push((step.written(*feature), Number { range, moved }));
            }
        }
        for (lane, number) in written {
            if let Some(own) = self.memory.get_mut(lane) {
                *own = number;
            }
        }
    }

    fn formula(&self, step: &Step, formula: &Formula, range: &Interval) -> Move {
        match formula {
            Formula::Copy(lane) => self.at(step, lane).moved,
            Formula::Constant(_) => STILL,
            Formula::Sum(sum) => finished(self.sum(step, sum), &sum.finish, range),
            Formula::Table(lane, table) => {
                let pieces = step.meaning.tables.get(*table).map_or(&[][..], Vec::as_slice);
                through_table(&self.at(step, lane), pieces)
            }
            // The largest moves by no more than the one that moves the most.
            Formula::Extreme { of, .. } => {
                let moves = of.iter().map(|lane| self.at(step, lane).moved);
                moves.reduce(|a, b| a.hull(&b)).unwrap_or(STILL)
            }
        }
    }

    /// What a sum moves by before it is finished.
    fn sum(&self, step: &Step, sum: &Sum) -> Move {
        let weighted = |moved: Move, weight: i64| moved.times([weight.into(); 2]);
        let term = |(lane, weight): &(Lane, i64)| weighted(self.at(step, lane).moved, *weight);
        let product = |([a, b], weight): &([Lane; 2], i64)| {
            // (a + d)(b + e) - a b = d (b + e) + a e
            let (a, b) = (self.at(step, a), self.at(step, b));
            let moved = a.moved.times(whole(&b.range)).plus(&b.moved.times(whole(&a.range)));
            weighted(moved, *weight)
        };
        let edge = |(lane, edge): &(Lane, Edge)| along_edge(&self.at(step, lane), edge);
        let (terms, products) = (sum.terms.iter().map(term), sum.products.iter().map(product));
        let all = terms.chain(products).chain(sum.edges.iter().map(edge));
        all.filter(|moved| *moved != STILL).fold(STILL, |sum, own| sum.plus(&own))
    }
}

/// `clamp(floor(sum multiplier / 2^shift), low, high)`, which is in `range`, of a sum that moves.
fn finished(sum: Move, finish: &Finish, range: &Interval) -> Move {
    let Finish { multiplier, shift, low, high } = finish;
    let (low, high) = (*low as f64, *high as f64);
    if sum == STILL || range.low >= high || range.high <= low {
        return STILL;
    }
    let unit = Interval::at(*multiplier as f64 * f64::powi(2.0, -(*shift as i32)));
    // floor(x + d) - floor(x) is from floor(d) to ceil(d).
    let scaled = sum.all.map(|end| end.saturating_mul((*multiplier).into()));
    let all = [scaled[0] >> shift, -(scaled[1].saturating_neg() >> shift)];
    let moved = Move { all, ..sum.scaled(&unit) };
    let moved = if *shift > 0 { moved.rounded(&Interval::new(-1.0, 1.0)) } else { moved };
    let inside = low < range.low && range.high < high;
    if inside { moved } else { moved.times([0, 1]) }
}

/// A function in straight pieces, each off by less than a unit from straight.
fn through_table(x: &Number, pieces: &[u32]) -> Move {
    let [first, last] = meet(whole(&x.range), [-32768, 32767]).map(|end| end as i32);
    if x.moved == STILL || first >= last {
        return STILL;
    }
    let half = (pieces.len() as i32 / 2).max(1);
    let piece = |q: i32| (q * half).div_euclid(32768);
    let value = |q: i32| f64::from(table_at(pieces, q.clamp(-32768, 32767) as i16));
    // The line from where each piece begins to where the next does: its slopes, how far the table is from it where the
    // piece ends, and which way the table goes.
    let (mut slopes, mut off) = (None, NOTHING);
    let (mut rises, mut falls) = (true, true);
    for k in piece(first)..=piece(last) {
        let (start, end) = (begins(k, half), begins(k + 1, half));
        let (a, inner, b) = (value(start), value(end - 1), value(end));
        let slope = Interval::around((b - a) / f64::from(end - start), 0.0);
        slopes = Some(slopes.map_or(slope, |all: Interval| all.hull(&slope)));
        let line = slope.scaled(f64::from(end - 1 - start)).plus(&Interval::at(a));
        off = off.hull(&Interval::at(inner).minus(&line));
        rises &= a <= inner && inner <= b;
        falls &= a >= inner && inner >= b;
    }
    let off = Interval::new(off.low - 1.0, off.high + 1.0);
    let slopes = slopes.unwrap_or(NOTHING);
    let [low, high] = x.moved.all.map(|end| Interval::at(end as f64).times(&slopes));
    let all = whole(&low.hull(&high).plus(&off.minus(&off)));
    let all = meet(all, direction(x.moved.all, rises, falls));
    Move { all, ..x.moved.scaled(&slopes).rounded(&off.minus(&off)) }
}

/// Which way a function goes that never falls, or never rises, where its argument moves.
fn direction([low, high]: Whole, rises: bool, falls: bool) -> Whole {
    let up = (rises && low >= 0) || (falls && high <= 0);
    let down = (rises && high <= 0) || (falls && low >= 0);
    [if up { 0 } else { i128::MIN }, if down { 0 } else { i128::MAX }]
}

/// A spline of integers: what it moves by a unit is between the least and the most that it does anywhere.
fn along_edge(x: &Number, edge: &Edge) -> Move {
    let [first, last] = meet(whole(&x.range), [-32768, 32767]).map(|end| end as i32);
    if x.moved == STILL || first >= last {
        return STILL;
    }
    let steps = (first..last).map(|q| i128::from(edge.at(q as i16 + 1) - edge.at(q as i16)));
    let slopes = steps.fold([i128::MAX, i128::MIN], |[low, high], x| [low.min(x), high.max(x)]);
    x.moved.times(slopes)
}
