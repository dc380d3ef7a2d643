//! Layers whose features have one formula together: float's formula on the numbers of both networks, and what the
//! integers' own arithmetic may add to it.
//!
//! Each error is in units of the output and follows from the runtime's kernel: a mantissa of 15 bits is cut off, so that a
//! reciprocal or a root is short of the exact one by at most `2^-14` of itself and Newton's rest, which is below `2^-20`.
//!
//! Stands on the walk over a box, and on the float network on forms.

use std::f64::consts::LN_2;
use std::mem::discriminant;

use super::enclosure::Enclosure;
use super::float::together;
use super::form::Form;
use super::interval::Interval;
use super::machine::ACTIVATION;
use super::net::Owner;
use super::pair::Pair;
use super::walk::{Number, Walk};
use crate::graph::expr::Expr;
use crate::graph::{Layer, Reduction};
use crate::program::FINE;
use crate::program::formula::{Block, table_at};

/// What a mantissa of 15 bits is short of, relative.
const MANTISSA: f64 = 1.0 / 16384.0 + 1.0 / 1_048_576.0;

/// The integers that a block of a step writes; none where nothing is known but their type.
pub fn block<'t>(
    walk: &Walk<'_, 't>,
    (step, block): (usize, &Block),
    reads: &[&Number<'t>],
    targets: &[Option<Owner>],
) -> Option<Vec<Form<'t>>> {
    match block {
        Block::Gru { factor } => return gru(walk, *factor, reads, targets),
        Block::Lstm { factor } => return lstm(walk, *factor, reads, targets),
        Block::Clock { period } => {
            let last = f64::from(*period) - 1.0;
            return Some(vec![walk.tape.any(Interval::new(0.0, last.max(0.0)))]);
        }
        Block::ArgMax | Block::Pick => return None,
        _ => {}
    }
    let targets: Vec<Owner> = targets.iter().copied().collect::<Option<_>>()?;
    let mut pairs: Vec<Pair<'t>> =
        reads.iter().map(|read| walk.pair(read)).collect::<Option<_>>()?;
    let layer = match block {
        Block::Normalize { epsilon, frac } => {
            return normalized(walk, (*epsilon, None, *frac), reads, &targets);
        }
        Block::RootMeanSquare { epsilon, least, frac } => {
            return normalized(walk, (*epsilon, Some(*least), *frac), reads, &targets);
        }
        Block::Quotient { .. } => Layer::Div,
        Block::Length { .. } => Layer::Reduce { by: Reduction::Length, groups: 1 },
        Block::Softmax { .. } => Layer::Softmax,
        Block::LogSoftmax { .. } => Layer::LogSoftmax,
        _ => return None,
    };
    let head = match layer {
        Layer::Softmax | Layer::LogSoftmax => {
            same_format(reads)?;
            let scale = reads.first()?.owner?.scale;
            walk.net.head(step, scale, || head_error(block, scale, reads.len() as f64))?
        }
        _ => 0.0,
    };
    let divisors = match layer {
        Layer::Div => vec![pairs.pop()?],
        _ => vec![],
    };
    let results = together(&layer, &[&pairs, &divisors], walk.tape)?;
    let error = |size: f64| match block {
        // One unit before a shift of at least one bit, or up to two of the last where it is shifted up; a half.
        Block::Quotient { .. } => 2.6 + size * MANTISSA,
        // The same, and a length of 0 that counts as one of a unit.
        Block::Length { multiplier, shift } => {
            1.6 + size * MANTISSA + f64::from(*multiplier) * f64::powi(2.0, -14 - i32::from(*shift))
        }
        Block::Softmax { .. } => head + size * MANTISSA,
        Block::LogSoftmax { .. } => head,
        _ => f64::INFINITY,
    };
    targets.iter().all(|owner| owner.offset == 0.0).then_some(())?;
    let first = *targets.first()?;
    let own = walk.net.writer(first.tensor)?.layer.row();
    let alike = match (own, &layer) {
        (Layer::Reduce { by, .. }, Layer::Reduce { by: wanted, .. }) => by == wanted,
        (own, wanted) => discriminant(own) == discriminant(wanted),
    };
    (alike && walk.net.is_of(first, &owners(reads)?)).then_some(())?;
    let one = |(pair, owner): (Pair<'t>, &Owner)| {
        // Its multiplier may not be the exact ratio of the formats.
        let ratio = ratio(block, reads, *owner)?;
        let own = (pair.reached().magnitude() + owner.offset.abs()) * (ratio - 1.0).abs();
        let size = pair.reached().magnitude() / owner.scale;
        let error = Interval::around(0.0, error(size) * owner.scale + own);
        Some(walk.as_integers(&pair.off.plus_any(error), *owner))
    };
    let mut forms: Vec<Form<'t>> =
        results.into_iter().zip(&targets).map(one).collect::<Option<_>>()?;
    if layer == Layer::LogSoftmax {
        // Its end is that of its format; whatever is beyond stops there.
        forms.iter_mut().for_each(|form| *form = walk.clamped(*form, ACTIVATION));
    }
    // What saturates is another number.
    forms.iter().all(|form| ACTIVATION.holds(&form.range())).then_some(forms)
}

/// What the integers' factor is of the formats' own.
fn ratio<'t>(block: &Block, reads: &[&Number<'t>], to: Owner) -> Option<f64> {
    let from = reads.first()?.owner?;
    match block {
        Block::Quotient { multiplier, shift } => {
            let below = reads.get(1)?.owner?;
            (from.offset == 0.0 && below.offset == 0.0).then_some(())?;
            Some(
                f64::from(*multiplier)
                    * f64::powi(2.0, -i32::from(*shift))
                    * to.scale
                    * below.scale
                    / from.scale,
            )
        }
        Block::Length { multiplier, shift } => {
            same_format(reads)?;
            (from.offset == 0.0).then_some(())?;
            Some(
                f64::from(*multiplier) * f64::powi(2.0, -14 - i32::from(*shift)) * to.scale
                    / from.scale,
            )
        }
        Block::Softmax { .. } => Some(PROBABILITY * to.scale),
        Block::LogSoftmax { multiplier, shift, .. } => {
            Some(distance(*multiplier, *shift) * to.scale / from.scale)
        }
        _ => None,
    }
}

/// Units of a probability of 1.
const PROBABILITY: f64 = 32768.0;

/// Outputs that one input is, of logarithms.
fn distance(multiplier: i16, shift: u8) -> f64 {
    f64::from(multiplier) * f64::powi(2.0, -2 - i32::from(shift))
}

/// How far a head's integers are from its function of the `count` integers that it reads, in its own units, but for what a
/// mantissa is short of; none where its exponentials are too far off for their sum.
fn head_error(block: &Block, scale: f64, count: f64) -> Option<f64> {
    let exponential = |exp: &[u32]| {
        let off = |d: u16| {
            let own = f64::from(table_at(exp, (d ^ 0x8000) as i16));
            // The kernel adds them as numbers without a sign.
            let off = (own - PROBABILITY * (-f64::from(d) * scale).exp()).abs();
            if own < 0.0 { f64::INFINITY } else { off + 1e-6 }
        };
        let all = (0..=u16::MAX).map(off).fold(0.0, f64::max) * count;
        // The sum is that of the largest at least, which is 1.
        (all < PROBABILITY / 2.0).then_some(all / PROBABILITY)
    };
    match block {
        Block::Softmax { exp } => {
            // Of p = e / s: e is off by no more than s is, and the largest p has half a unit to round, and one to saturate.
            let sum = exponential(exp)?;
            Some((sum + sum / count) / (1.0 - sum) * PROBABILITY + 2.6)
        }
        Block::LogSoftmax { exp, log, ln2, log_frac, multiplier, shift, half } => {
            let sum = exponential(exp)?;
            let real = distance(*multiplier, *shift) / scale;
            (real > 0.0).then_some(())?;
            let fine = f64::powi(2.0, -i32::from(*log_frac));
            let off = |u: u16| {
                let own = f64::from(table_at(log, (u ^ 0x8000) as i16)) * fine;
                (own - real * (f64::from(u) / 65536.0).ln_1p()).abs() + 1e-9 * real
            };
            let table = (0..=u16::MAX).map(off).fold(0.0, f64::max);
            // A 16-bit fraction of the sum is cut off, and at most 16 times the logarithm of 2 is added.
            let cut = real * (-(-sum).ln_1p() + 1.0 / 65536.0);
            let powers = 16.0 * (f64::from(*ln2) * fine - real * LN_2).abs();
            // The logarithm is rounded to half a unit, the distance by what is added to it, and a unit more if it is twice, or
            // stops at its own end before the sum does.
            let added = distance(*multiplier, *shift) * f64::from(*half) / 16384.0;
            Some(table + cut + powers + 0.5 + added.max(1.0 - added) + 2.0)
        }
        _ => None,
    }
}

/// Layer normalisation, or division by the root mean square where `least` is given.
fn normalized<'t>(
    walk: &Walk<'_, 't>,
    (epsilon, least, frac): (u64, Option<u64>, u8),
    reads: &[&Number<'t>],
    targets: &[Owner],
) -> Option<Vec<Form<'t>>> {
    let own = reads.first()?.owner?;
    // The kernel knows integers alone: all of one format, without an offset where their size matters.
    same_format(reads)?;
    (own.offset == 0.0 || least.is_none()).then_some(())?;
    let pairs: Vec<Pair<'t>> = reads.iter().map(|read| walk.pair(read)).collect::<Option<_>>()?;
    let node = walk.net.writer(targets.first()?.tensor)?;
    targets
        .iter()
        .all(|target| walk.net.is_of(*target, &owners(reads).unwrap_or_default()))
        .then_some(())?;
    let n = pairs.len() as f64;
    let sum = |x: &[Pair<'t>]| Pair::sum(walk.tape, x.iter().map(|x| (1.0 / n, x)), 0.0);
    // In squares of the real unit: whole numbers, so that they are not quite float's.
    let real = |whole: u64| whole as f64 * (own.scale / n) * (own.scale / n);
    let (centred, exact, floor) = match node.layer.row() {
        Layer::Normalize { epsilon } => {
            let mean = sum(&pairs);
            let centred = |x: &Pair<'t>| Pair::sum(walk.tape, [(1.0, x), (-1.0, &mean)], 0.0);
            (pairs.iter().map(centred).collect::<Vec<_>>(), *epsilon, None)
        }
        Layer::RootMeanSquare { epsilon, least } => (pairs, *epsilon, Some(least * least)),
        _ => return None,
    };
    let square = |x: &Pair<'t>| x.through(&|x| Expr::X.pow(2.0).jet(x));
    let squares: Vec<Pair<'t>> = centred.iter().map(square).collect::<Option<_>>()?;
    let mut mean = sum(&squares);
    let rounded = Interval::around(real(epsilon) - exact, real(epsilon) * 1e-12 + 1e-300);
    mean.exact = mean.exact.line(1.0, exact);
    mean.off = mean.off.plus_any(rounded);
    let curve = match floor {
        Some(floor) => Expr::X.max(Expr::Const(floor)).pow(-0.5),
        None => Expr::X.pow(-0.5),
    };
    let limits = Interval::new(exact.min(real(epsilon)) * (1.0 - 1e-9), f64::INFINITY);
    let mut root = mean.through_within(limits, &|x| curve.jet(x))?;
    if let (Some(floor), Some(least)) = (floor, least) {
        // The smallest divisors of both differ by their rounding.
        let apart = (1.0 / real(least).sqrt() - 1.0 / floor.sqrt()).abs() * 1.001;
        if apart.is_finite() && floor > 0.0 {
            root.off = root.off.plus_any(Interval::around(0.0, apart));
        }
    }
    // The kernel's own unit, whatever the tensor's is said to be.
    let unit = f64::powi(2.0, -i32::from(frac));
    let one = |(x, owner): (&Pair<'t>, &Owner)| {
        let owner = Owner { scale: unit, offset: 0.0, ..*owner };
        let most = n.sqrt() * (1.0 + 1e-9);
        let z = x.times(&root).inside(most, 2.1 * most);
        let size = z.reached().magnitude() / owner.scale;
        // A quarter of a unit that is cut off, and a half that rounds.
        let error = Interval::around(0.0, (0.76 + size * MANTISSA) * owner.scale);
        walk.as_integers(&z.off.plus_any(error), owner)
    };
    let forms: Vec<Form<'t>> = centred.iter().zip(targets).map(one).collect();
    forms.iter().all(|form| ACTIVATION.holds(&form.range())).then_some(forms)
}

/// What all of some numbers stand for.
fn owners<'t>(reads: &[&Number<'t>]) -> Option<Vec<Owner>> {
    reads.iter().map(|read| read.owner).collect()
}

/// Whether integers stand for numbers in one and the same way.
fn same_format<'t>(reads: &[&Number<'t>]) -> Option<()> {
    let format = |read: &&Number<'t>| read.owner.map(|owner| (owner.scale, owner.offset));
    let first = format(reads.first()?)?;
    reads.iter().all(|read| format(read) == Some(first)).then_some(())
}

/// A gate as the kernel reads it, `(q + 32767) / 65534`, beside float's.
fn gate<'t>(walk: &Walk<'_, 't>, read: &Number<'t>) -> Option<Pair<'t>> {
    let owner = read.owner?;
    let exact = *walk.exact[owner.tensor].get(owner.feature)?;
    let off = walk.tape.sum([(1.0 / 65534.0, &read.form), (-1.0, &exact)], 0.5);
    Some(Pair { exact, off })
}

/// A wide state in float's numbers, and its format: its halves are the last two that are read.
fn state<'t>(walk: &Walk<'_, 't>, reads: &[&Number<'t>]) -> Option<(Pair<'t>, Owner)> {
    let [.., high, low] = reads else { return None };
    let owner = high.owner?;
    let form = walk.tape.sum([(1.0, &high.form), (1.0 / FINE, &low.form)], 0.0);
    let exact = *walk.exact[owner.tensor].get(owner.feature)?;
    let off = walk.tape.sum([(owner.scale, &form), (-1.0, &exact)], owner.offset);
    Some((Pair { exact, off }, owner))
}

/// A candidate as a state takes it, with the factor's rounding.
fn candidate<'t>(walk: &Walk<'_, 't>, read: &Number<'t>, unit: f64) -> Option<Pair<'t>> {
    let owner = read.owner?;
    let exact = *walk.exact[owner.tensor].get(owner.feature)?;
    let off = walk.tape.sum([(unit, &read.form), (-1.0, &exact)], 0.0);
    (owner.offset == 0.0).then_some(Pair { exact, off })
}

/// The halves of a state, from its difference to float's.
fn finished<'t>(
    walk: &Walk<'_, 't>,
    next: &Pair<'t>,
    error: Interval,
    owner: Owner,
    target: Owner,
) -> Option<Vec<Form<'t>>> {
    let rounding = error.scaled(owner.scale / FINE);
    let off = next.off.clone().plus_any(rounding);
    // At the ends of its range it saturates, a fine unit below the upper one.
    let (limit, top) = (32768.0 * owner.scale, (32768.0 - 1.0 / FINE) * owner.scale);
    let exact = *walk.exact[target.tensor].get(target.feature)?;
    let pair = Pair { exact, off };
    let limits = Interval::new(-limit, top);
    let off = match pair.is_within(limits) {
        true => pair.off,
        false => {
            let clamp = Expr::clamp(-limit, top);
            let reached = pair.exact.plus(&pair.off);
            let enclosure = Enclosure::of(&|x| clamp.jet(x), reached.range())?;
            reached.along(&enclosure).minus(&exact)
        }
    };
    let (high, low) = walk.split(walk.as_integers(&off, owner_of(target, owner)));
    Some(vec![high, low])
}

/// What a state becomes has the state's format.
fn owner_of(target: Owner, own: Owner) -> Owner {
    Owner { scale: own.scale, offset: own.offset, ..target }
}

/// `h + n` cut off at one bit, and a product that is good to three units.
const GRU: Interval = Interval { low: -4.0, high: 3.0 };
/// The same, and another product that is cut off.
const LSTM: Interval = Interval { low: -5.0, high: 3.0 };

fn gru<'t>(
    walk: &Walk<'_, 't>,
    factor: i16,
    reads: &[&Number<'t>],
    targets: &[Option<Owner>],
) -> Option<Vec<Form<'t>>> {
    let target = targets.first().copied().flatten()?;
    let (h, owner) = state(walk, reads)?;
    let z = gate(walk, reads.first()?)?;
    let n = candidate(walk, reads.get(1)?, f64::from(factor) * owner.scale / FINE)?;
    let from = [reads.first()?.owner?, reads.get(1)?.owner?, owner];
    walk.net.is_of(target, &from).then_some(())?;
    let next = together(&Layer::GruUpdate, &[&[z], &[n], &[h]], walk.tape)?.pop()?;
    finished(walk, &next, GRU, owner, target)
}

fn lstm<'t>(
    walk: &Walk<'_, 't>,
    factor: i16,
    reads: &[&Number<'t>],
    targets: &[Option<Owner>],
) -> Option<Vec<Form<'t>>> {
    let target = targets.first().copied().flatten()?;
    let (c, owner) = state(walk, reads)?;
    let (f, i) = (gate(walk, reads.first()?)?, gate(walk, reads.get(1)?)?);
    let g = candidate(
        walk,
        reads.get(2)?,
        f64::from(factor) * owner.scale / FINE * (65534.0 / 65536.0),
    )?;
    let from = [reads.first()?.owner?, owner, reads.get(1)?.owner?, reads.get(2)?.owner?];
    walk.net.is_of(target, &from).then_some(())?;
    let next = together(&Layer::LstmUpdate, &[&[f], &[c], &[i], &[g]], walk.tape)?.pop()?;
    finished(walk, &next, LSTM, owner, target)
}
