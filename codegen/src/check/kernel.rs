//! Kernels that compute a function of several numbers, beside that function: what their integers cut off, as their sources
//! have it. Stands on memory.

use super::field::Field;
use super::lane::{Lane, Name, Pair};
use super::line::Var;
use super::memory::Memory;
use super::tape::{Fields, Rule};
use crate::program::formula::{Block, table_at};

/// A reciprocal or its root has a mantissa of 15 bits, rounded down at most: 2^-14, and Newton's rest.
const MANTISSA: f64 = 1.0 / 16000.0;

/// One, as a probability.
const ONE: f64 = 32768.0;

/// What a kernel is, over the float numbers that its integers stand for.
struct Kernel {
    field: Field,
    /// Units of the result.
    k: f64,
    /// What its integers cut off, in units.
    off: f64,
    /// How far a term under a root is from the float network's.
    term: f64,
}

/// The lanes a kernel writes, if float computes the same function of what the lanes read stand for.
pub fn lanes(
    memory: &mut Memory,
    block: &Block,
    reads: &[usize],
    names: &[&[Name]],
) -> Option<Vec<Lane>> {
    let own: Vec<Lane> = reads.iter().map(|lane| memory.lane(*lane)).collect();
    let mut lanes = Vec::new();
    for names in names {
        let is_field = |name: &&Name| {
            matches!(memory.tape.rules.get(name.f as usize), Some(Rule::Field { .. }))
        };
        let name = *names.iter().find(is_field)?;
        let Some(Rule::Field { field, i, of }) = memory.tape.rules.get(name.f as usize) else {
            return None;
        };
        let (field, i, of) = (*field, *i, of.clone());
        (of.len() == own.len()).then_some(())?;
        let pairs: Option<Vec<Pair>> =
            own.iter().zip(&of).map(|(lane, f)| lane.beside(*f, memory.tape)).collect();
        let pairs = pairs?;
        let kernel = kernel(block, field, &pairs)?;
        let fields = Fields {
            field: kernel.field,
            i,
            pairs: pairs.iter().map(|pair| ([pair.name.f, pair.e], pair.name.k)).collect(),
            kernel: kernel.k,
            k: name.k,
            c: name.c,
            off: kernel.off,
            share: MANTISSA,
            term: kernel.term,
        };
        let e: Var = memory.tape.push(Rule::Fields(fields));
        let id = memory.id();
        lanes.push(Lane::paired(id, Pair { name, e }));
    }
    Some(lanes)
}

fn kernel(block: &Block, field: Field, pairs: &[Pair]) -> Option<Kernel> {
    let Name { k, c, .. } = pairs.first()?.name;
    let alike = pairs.iter().all(|pair| (pair.name.k, pair.name.c) == (k, c));
    let plain = pairs.iter().all(|pair| pair.name.c == 0.0);
    let n = pairs.len() as f64;
    // What a kernel's contract asks for, without which its intermediates may not fit.
    let power = |frac: u8| {
        let power = f64::powi(2.0, frac.into());
        (n <= 8192.0 && n.sqrt() * power <= ONE).then_some(power)
    };
    let fits = |term: u64| term <= 1 << 62;
    // Terms under a root, in units of the float network's squares.
    let real = |term: u64| term as f64 / (n * n) / k / k;
    match (block, field) {
        (Block::Normalize { epsilon, frac }, Field::Normalize { epsilon: own }) if alike => {
            Some(Kernel { field, k: power(*frac)?, off: 2.6, term: (real(*epsilon) - own).abs() })
        }
        (
            Block::RootMeanSquare { epsilon, least, frac },
            Field::RootMeanSquare { epsilon: own, least: own_least },
        ) if alike && plain && fits(*epsilon) && fits(*least) => {
            let term = (real(*epsilon) - own).abs().max((real(*least) - own_least).abs());
            Some(Kernel { field, k: power(*frac)?, off: 2.6, term })
        }
        (Block::Softmax { exp }, Field::Softmax) if alike => {
            let worst = exponentials(exp, k);
            (n * worst < ONE / 2.0).then_some(())?;
            let off = (n + 1.0) * worst * ONE / (ONE - n * worst) + 3.0;
            Some(Kernel { field, k: ONE, off, term: 0.0 })
        }
        (
            Block::LogSoftmax { exp, log, ln2, log_frac, multiplier, shift, half },
            Field::LogSoftmax,
        ) if alike => {
            let worst = exponentials(exp, k);
            (n * worst < ONE / 2.0).then_some(())?;
            // Units of the result that a unit of its input is, and those of a logarithm of e.
            let step = f64::from(*multiplier) / f64::powi(2.0, 2 + i32::from(*shift));
            let e = step * k;
            (e > 0.0).then_some(())?;
            let unit = f64::powi(2.0, i32::from(*log_frac));
            let table = |u: u16| {
                let table = f64::from(table_at(log, (u ^ 0x8000) as i16)) / unit;
                (table - e * (1.0 + f64::from(u) / 65536.0).ln()).abs()
            };
            let table = (0..=u16::MAX).map(table).fold(0.0, f64::max);
            let two = (f64::from(*ln2) / unit - e * 2.0_f64.ln()).abs();
            // The sum's error, and its bits beyond the sixteenth, by the slope of the logarithm, which is 1 at most at 1.
            let sum = n * worst / (ONE - n * worst) + 1.0 / 65536.0;
            let half = step * f64::from(*half) / 16384.0;
            let off = table + 16.0 * two + e * sum + half.abs() + 3.0;
            Some(Kernel { field, k: e, off: off + 1e-9 * e, term: 0.0 })
        }
        (Block::Length { multiplier, shift }, Field::Length) if alike && plain => {
            let factor = f64::from(*multiplier) * f64::powi(2.0, -14 - i32::from(*shift));
            // A group of zeros counts as one of length 1.
            Some(Kernel { field, k: k * factor, off: 0.6 + factor.abs(), term: 0.0 })
        }
        (Block::Quotient { multiplier, shift }, Field::Quotient) if plain => {
            let factor = f64::from(*multiplier) * f64::powi(2.0, -i32::from(*shift));
            let below = pairs.get(1)?.name.k;
            Some(Kernel { field, k: factor * k / below, off: 3.1, term: 0.0 })
        }
        _ => None,
    }
}

/// How far the exponentials of a table are off at most, in units of `1 / ONE`; `k` is what one is in units of distance.
fn exponentials(exp: &[u32], k: f64) -> f64 {
    let off = |d: u16| match table_at(exp, (d ^ 0x8000) as i16) {
        // No exponential is below 0, nor does a kernel expect one.
        below if below < 0 => f64::INFINITY,
        table => (f64::from(table) - ONE * (-f64::from(d) / k).exp()).abs() + 1e-6,
    };
    (0..=u16::MAX).map(off).fold(0.0, f64::max)
}
