//! The largest partial sums that accumulators may hold, for any inputs and states whatever, from a module's own numbers. Stands
//! on machines.

use std::collections::HashMap;

use crate::certify::machine::Machine;
use crate::program::formula::{Formula, Step, Sum, table_at};

/// Smallest and largest integer.
type Range = (i128, i128);

/// Any activation.
const ANY: Range = (i16::MIN as i128, i16::MAX as i128);

/// Weights of a spline's four neighbours, together.
const ONE: i128 = 1 << 15;

/// The largest magnitude of any partial sum of each step, in any order; 0 where nothing is summed.
pub fn largest(machine: &Machine) -> Vec<u128> {
    let mut memory: HashMap<usize, Range> = HashMap::new();
    let step = |step: &Step| {
        let read =
            |memory: &HashMap<usize, Range>, lane: usize| memory.get(&lane).copied().unwrap_or(ANY);
        let (mut most, mut written) = (0, Vec::new());
        for (feature, formula) in &step.meaning.features {
            let range = match formula {
                Formula::Copy(lane) => read(&memory, step.lane(*lane)),
                Formula::Constant(value) => ((*value).into(), (*value).into()),
                Formula::Table(lane, table) => {
                    let (low, high) = read(&memory, step.lane(*lane));
                    let pieces =
                        step.meaning.tables.get(*table).map(Vec::as_slice).unwrap_or_default();
                    let values = (low..=high).map(|q| i128::from(table_at(pieces, q as i16)));
                    values.fold((i128::MAX, i128::MIN), |(a, b), y| (a.min(y), b.max(y)))
                }
                Formula::Extreme { largest, of } => {
                    let all = of.iter().map(|lane| read(&memory, step.lane(*lane)));
                    let either = |a: Range, b: Range| match largest {
                        true => (a.0.max(b.0), a.1.max(b.1)),
                        false => (a.0.min(b.0), a.1.min(b.1)),
                    };
                    all.reduce(either).unwrap_or(ANY)
                }
                Formula::Sum(sum) => {
                    let (low, high) = partial(sum, |lane| read(&memory, step.lane(lane)));
                    most = most.max(low.unsigned_abs()).max(high.unsigned_abs());
                    (sum.finish.low.into(), sum.finish.high.into())
                }
            };
            written.push((step.written(*feature), range));
        }
        let blocks = step.meaning.blocks.iter().flat_map(|(_, _, writes)| writes);
        written.extend(blocks.map(|feature| (step.written(*feature), ANY)));
        memory.extend(written);
        most
    };
    machine.steps.iter().map(step).collect()
}

/// The least and the most that part of a sum can be: all that is below 0, and all that is above.
fn partial(sum: &Sum, read: impl Fn(crate::program::formula::Lane) -> Range) -> Range {
    let corners = |a: Range, b: Range| {
        let all = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
        all.into_iter().fold((i128::MAX, i128::MIN), |(low, high), x| (low.min(x), high.max(x)))
    };
    let constant: i128 = sum.constant.into();
    let mut all = vec![(constant, constant)];
    let factor = |n: i64| (i128::from(n), i128::from(n));
    all.extend(sum.terms.iter().map(|(lane, weight)| corners(read(*lane), factor(*weight))));
    let product =
        |([a, b], weight): &([_; 2], i64)| corners(corners(read(*a), read(*b)), factor(*weight));
    all.extend(sum.products.iter().map(product));
    for (_, edge) in &sum.edges {
        let each = edge.coefficients.iter().map(|c| i128::from(*c) * ONE);
        let ends = each.fold((0, 0), |(low, high): Range, c| (low.min(c), high.max(c)));
        all.push(ends);
    }
    all.into_iter().fold((0, 0), |(low, high), (a, b)| (low + a.min(0), high + b.max(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::formula::{Finish, Lane};

    #[test]
    fn partial_sums_are_all_that_is_of_one_sign() {
        let lane = |feature| Lane { operand: 0, feature };
        let finish = Finish { multiplier: 1, shift: 0, low: -9, high: 9 };
        let mut sum = Sum::of(vec![(lane(0), 2), (lane(1), -3)], 5, finish);
        let read = |lane: Lane| if lane.feature == 0 { (0, 10) } else { (-4, 7) };
        assert_eq!(partial(&sum, read), (-21, 37));
        sum.products.push(([lane(0), lane(1)], 1));
        assert_eq!(partial(&sum, read), (-61, 107));
    }
}
