//! Functions that bend in a small part of the range of their inputs, as two tables one behind the other: a first of few
//! pieces spreads that part over more integers, and a second of pieces of equal length follows the function there with far
//! fewer of them. As if one table had short pieces where the function bends and long ones where a few inputs go.
//!
//! Stands on tables.

use nervecord::generated::Table;

use super::table::{FINEST, Fit, fit};

/// Tables of at most so many pieces stay one: what is proved of two is wider, for each is bounded by itself.
const LARGE: usize = 512;
/// Pieces of the first table.
const PIECES: usize = 64;
/// Integers that a piece of the first table has at least, of those that it reads: where the function is a line.
const LEAST: f64 = 65536.0 / PIECES as f64 / 4.0;
/// Integers that a piece may rise by.
const MOST: f64 = 16000.0;
/// The share of the squared error that the first table may leave, which tells apart what the second reads.
const SHARE: f64 = 0.25;

/// A function as two tables.
pub struct Spread {
    /// Of the integers between them.
    pub first: Vec<u32>,
    /// What both make of the input.
    pub second: Fit,
}

/// Two tables in place of the one in `whole`, if they are half of its size at most and as exact; see [`fit`].
pub fn spread(whole: &Fit, exact: &[f64], weight: &[f64], rms: f64) -> Option<Spread> {
    if whole.pieces.len() <= LARGE {
        return None;
    }
    let rms = rms.max(FINEST);
    let exact: Vec<f64> = exact.iter().map(|y| y.clamp(-32768.0, 32767.0)).collect();
    let first = Fit::of(&between(&exact, weight), &vec![1.0; 65536], PIECES / 2).pieces;
    let table = Table::new(&first);
    let place = |u: usize| (i32::from(table.at(u as u16)) + 32768) as usize;
    let places: Vec<usize> = (0..65536).map(place).collect();
    let behind = Behind::of(&exact, weight, &places);
    if behind.variance > SHARE * rms * rms {
        return None;
    }
    let left = (rms * rms - behind.variance).sqrt();
    let second = fit(&behind.exact, &behind.weight, left);
    if 2 * (first.len() + second.pieces.len()) > whole.pieces.len() {
        return None;
    }
    let second = second.read_at(&places, &exact, weight);
    (second.error <= rms).then_some(Spread { first, second })
}

/// The integer between both tables that each input is to become: in every piece of the first table as many as pieces
/// of the second are worth there, whose best length falls with the fifth root of `weight f''^2`.
fn between(exact: &[f64], weight: &[f64]) -> Vec<f64> {
    let cell = exact.len() / PIECES;
    let need: Vec<f64> =
        (0..PIECES).map(|k| need(exact, weight, k * cell..(k + 1) * cell)).collect();
    let codes = |by: f64| need.iter().map(move |need| (need * by).clamp(LEAST, MOST));
    // By how much all needs have to grow for the integers to be used up.
    let (mut low, mut high) = (0.0, 1e9 / need.iter().copied().fold(f64::MIN_POSITIVE, f64::max));
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if codes(middle).sum::<f64>() > 65000.0 { high = middle } else { low = middle }
    }
    let mut at = -codes(low).sum::<f64>() / 2.0;
    let mut between = Vec::with_capacity(exact.len());
    for codes in codes(low) {
        between.extend((0..cell).map(|i| at + codes * i as f64 / cell as f64));
        at += codes;
    }
    between
}

/// The mean of `(weight f''^2)^(1/5)` over some inputs.
fn need(exact: &[f64], weight: &[f64], inputs: std::ops::Range<usize>) -> f64 {
    /// Half the distance over which a bend is measured: not that of rounding.
    const STEP: usize = 64;
    let at = |u: usize| exact[u.min(exact.len() - 1)];
    let bend = |u: usize| at(u + STEP) - 2.0 * at(u) + at(u.saturating_sub(STEP));
    let count = inputs.len() as f64;
    inputs.map(|u| (weight[u] * bend(u).powi(2)).powf(0.2)).sum::<f64>() / count
}

/// What the second table has to be.
struct Behind {
    exact: Vec<f64>,
    weight: Vec<f64>,
    /// Of the inputs that become one integer.
    variance: f64,
}

impl Behind {
    /// Where inputs are at `places`.
    fn of(exact: &[f64], weight: &[f64], places: &[usize]) -> Self {
        let (mut sums, mut squares) = (vec![0.0; 65536], 0.0);
        // What no input becomes still has to be somewhere.
        let total: f64 = weight.iter().sum();
        let mut of = vec![0.0; 65536];
        for ((&y, &w), &place) in exact.iter().zip(weight).zip(places) {
            sums[place] += w * y;
            of[place] += w;
        }
        let mean: Vec<Option<f64>> =
            sums.iter().zip(&of).map(|(sum, &w)| (w > 0.0).then(|| sum / w)).collect();
        for ((&y, &w), &place) in exact.iter().zip(weight).zip(places) {
            squares += w * (y - mean[place].unwrap_or(y)).powi(2);
        }
        of.iter_mut().for_each(|w| *w = w.max(1e-3 * total / 65536.0));
        Self { exact: filled(&mean), weight: of, variance: squares / total }
    }
}

/// Numbers on the lines between those that are there.
fn filled(numbers: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<(usize, f64)> =
        numbers.iter().enumerate().filter_map(|(i, y)| y.map(|y| (i, y))).collect();
    let mut next = 0;
    let at = |i: usize| {
        while next + 1 < known.len() && known[next].0 < i {
            next += 1;
        }
        let (after, last) = (known.get(next), known.get(next.saturating_sub(1)));
        match (last, after) {
            (Some(&(a, y)), Some(&(b, z))) if a < i && i <= b => {
                y + (z - y) * (i - a) as f64 / (b - a) as f64
            }
            (_, Some(&(_, z))) => z,
            _ => 0.0,
        }
    };
    (0..numbers.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x sigmoid(x)` over a range that only a few inputs reach.
    fn swish(range: f64) -> (Vec<f64>, Vec<f64>) {
        let real = |u: usize| (u as f64 - 32768.0) / 32768.0 * range;
        let exact = (0..65536).map(|u| real(u) / (1.0 + (-real(u)).exp()) / range * 32767.0);
        let weight = (0..65536).map(|u| (-real(u).powi(2) / 8.0).exp() + 1e-4);
        (exact.collect(), weight.collect())
    }

    #[test]
    fn a_bend_in_a_small_part_of_the_range_takes_a_fraction_of_the_pieces() {
        let (exact, weight) = swish(230.0);
        let whole = fit(&exact, &weight, 0.6);
        let Spread { first, second } = spread(&whole, &exact, &weight, 0.6).unwrap();
        let both = first.len() + second.pieces.len();
        assert!(whole.pieces.len() > 600 && both < whole.pieces.len() / 2, "{both}");
        // By the tables alone.
        let tables = [Table::new(&first), Table::new(&second.pieces)];
        let off = |u: usize| f64::from(tables[1].eval(tables[0].at(u as u16))) - exact[u];
        let sum: f64 = (0..65536).map(|u| weight[u] * off(u).powi(2)).sum();
        assert!((sum / weight.iter().sum::<f64>()).sqrt() <= 0.6);
        let worst = (0..65536).map(|u| off(u).abs()).fold(0.0, f64::max);
        assert_eq!(worst, second.worst);
    }

    #[test]
    fn a_function_that_bends_everywhere_stays_one_table() {
        let (exact, weight) = swish(8.0);
        assert!(spread(&fit(&exact, &weight, 0.6), &exact, &weight, 0.6).is_none());
        let sine: Vec<f64> = (0..65536).map(|u| 32000.0 * (f64::from(u) / 300.0).sin()).collect();
        let weight = vec![1.0; 65536];
        let whole = fit(&sine, &weight, 4.0);
        assert!(whole.pieces.len() > LARGE);
        assert!(spread(&whole, &sine, &weight, 4.0).is_none());
    }

    #[test]
    fn gaps_are_filled_by_lines() {
        let numbers = [None, Some(1.0), None, None, Some(4.0), Some(6.0), None];
        assert_eq!(filled(&numbers), [1.0, 1.0, 2.0, 3.0, 4.0, 6.0, 6.0]);
    }
}
