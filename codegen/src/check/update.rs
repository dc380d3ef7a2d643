//! States that gates write: a GRU's and an LSTM's, in the units of their activations. Stands on memory.

use super::lane::{Lane, Name, Pair};
use super::line::{Line, Var};
use super::memory::Memory;
use super::span::{EVERYTHING, Span};
use super::tape::Rule;
use crate::program::FINE;
use crate::program::formula::Block;

/// What a block writes.
pub enum Written {
    /// A state in two halves.
    State(Pair),
    /// Numbers.
    Lanes(Vec<Lane>),
}

/// The largest gate, which stands for 1; the smallest is its negative.
const GATE: f64 = 32767.0;

/// Where a state's range ends, in an activation's units.
const LIMIT: Span = Span { low: -32768.0, high: 32768.0 };

/// What an update may be off, in units of a state. A GRU halves a sum (1/2 down), has a product's upper half (1 + 2^-15 down)
/// and a 2^15th of it (1 down), which leaves out 2^-30 of at most 2^29; its range ends a unit below 2^29. An LSTM cuts off
/// another unit.
const GRU_OFF: Span = Span { low: -4.1, high: 0.6 };
const LSTM_OFF: Span = Span { low: -5.1, high: 0.6 };

/// A gate as a share: `(q + 32767) / 65534`.
fn gate(lane: &Lane) -> Line {
    let unit = Span::at(1.0).over(Span::at(2.0 * GATE));
    lane.value.clone().plus(Span::at(GATE)).scaled(unit)
}

/// What a block makes of a state, beside what float makes of it: none where these are not the same.
pub fn state(
    memory: &mut Memory,
    block: &Block,
    reads: &[usize],
    names: &[&[Name]],
) -> Option<Pair> {
    let name = *names.first()?.first()?;
    let (e, off) = match block {
        Block::Gru { factor } => {
            let &[gate, candidate, high, _] = reads else { return None };
            (gru(memory, f64::from(*factor), [gate, candidate], high, name)?, GRU_OFF)
        }
        Block::Lstm { factor } => {
            let &[keep, add, candidate, high, _] = reads else { return None };
            (lstm(memory, f64::from(*factor), [keep, add, candidate], high, name)?, LSTM_OFF)
        }
        _ => return None,
    };
    let unit = Span::at(1.0 / FINE);
    let e = memory.tape.push(Rule::Line(e.plus(off * unit)));
    let lane = memory.finished(name, name.f, EVERYTHING, e, LIMIT, 0.0);
    lane.pair
}

/// `S' - (k h' - c)` of `S' = (1 - Z) N + Z S` and `h' = (1 - z) n + z h`: with what `N` and `S` are off,
/// `(1 - Z) eN + Z eS + (Z - z) k (h - n)`.
fn gru(
    memory: &mut Memory,
    factor: f64,
    [gate_lane, candidate]: [usize; 2],
    high: usize,
    name: Name,
) -> Option<Line> {
    let Some(Rule::Mix { share, from, to }) = memory.tape.rules.get(name.f as usize) else {
        return None;
    };
    let (z, n, h) = (*share, *from, *to);
    let state = memory.state(high).filter(|pair| pair.name == Name { f: h, ..name })?;
    let q = gate(&memory.lane(gate_lane));
    let candidate = memory.lane(candidate).value.scaled(Span::at(factor / FINE));
    let candidate_off = candidate.minus(Name { f: n, ..name }.line());
    let gate_off = q.clone().minus(Line::of(z));
    let apart = Line::sum([Line::times(h, Span::at(name.k)), Line::times(n, Span::at(-name.k))]);
    let [q, candidate_off, gate_off, apart] =
        [q, candidate_off, gate_off, apart].map(|line| memory.tape.var(line));
    let mix = memory.tape.push(Rule::Mix { share: q, from: candidate_off, to: state.e });
    let moved = memory.tape.push(Rule::Product(gate_off, apart));
    Some(Line::sum([Line::of(mix), Line::of(moved)]))
}

/// `S' - k c'` of `S' = F S + I G` and `c' = f c + i g`: `F eS + (F - f) k c + I eG + (I - i) k g`.
fn lstm(
    memory: &mut Memory,
    factor: f64,
    [keep, add, candidate]: [usize; 3],
    high: usize,
    name: Name,
) -> Option<Line> {
    let Some(Rule::Line(sum)) = memory.tape.rules.get(name.f as usize) else { return None };
    let [kept, more] = sum.terms.as_slice() else { return None };
    let product = |var: Var| match memory.tape.rules.get(var as usize) {
        Some(Rule::Product(a, b)) => Some((*a, *b)),
        _ => None,
    };
    let ((f, c), (i, g)) = (product(kept.var)?, product(more.var)?);
    let plain = |line: &Line| {
        line.at == Span::at(0.0) && line.terms.iter().all(|t| t.by == 1.0 && t.off == 0.0)
    };
    (plain(sum) && name.c == 0.0).then_some(())?;
    let state = memory.state(high).filter(|pair| pair.name == Name { f: c, ..name })?;
    let k = Span::at(name.k);
    let [keep, add] = [keep, add].map(|lane| gate(&memory.lane(lane)));
    let [keep_off, add_off] = [(&keep, f), (&add, i)].map(|(q, z)| q.clone().minus(Line::of(z)));
    let unit = Span::at(factor * 2.0 * GATE) * (1.0 / 65536.0) * (1.0 / FINE);
    let candidate = memory.lane(candidate).value.scaled(unit);
    let candidate_off = candidate.minus(Line::times(g, k));
    let tape = &mut memory.tape;
    let [keep, add, keep_off, add_off, candidate_off] =
        [keep, add, keep_off, add_off, candidate_off].map(|line| tape.var(line));
    let mut product = |a: Var, b: Var, by: Span| Line::times(tape.push(Rule::Product(a, b)), by);
    let one = Span::at(1.0);
    Some(Line::sum([
        product(keep, state.e, one),
        product(keep_off, c, k),
        product(add, candidate_off, one),
        product(add_off, g, k),
    ]))
}
