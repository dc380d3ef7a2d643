//! What gated recurrent networks keep from step to step, wider than an activation: the states of GRU and LSTM.
//!
//! A state `S` is a 30-bit number of 2^14 units an activation's unit, in two tensors behind one another: what a
//! product reads, `high = round(S / 2^14)`, and the rest, `low = S - 2^14 high`. In 16 bits an update of less than
//! half a unit would be lost, and slow neurons would freeze.
//!
//! The integer `q` of a gate stands for `(q + 32767) / 65534`: both 0 and 1 are exact, and a gate has 16 bits.
//!
//! Stands on the rounding rule.

use crate::arch::scalar::{clamp, opaque};
use crate::rounding::{mul_high, saturate16, scaler};
use crate::tensor::{Quad, quads};

/// Bits of a state below its activation.
const FINE: u32 = 14;

/// Largest magnitude of a state, in its own units.
const LIMIT: i32 = 1 << 29;

/// A state of `high` and `low`: `|S| <= 2^29 + 2^15`.
#[inline(always)]
fn join(high: i16, low: i16) -> i32 {
    ((high as i32) << FINE) + low as i32
}

/// The two parts of a state, clamped to its range: `|S| <= 2^30 + 2^15`.
#[inline(always)]
fn split(state: i32) -> (i16, i16) {
    let state = clamp(state, -LIMIT, LIMIT - 1);
    // At the upper end it is 32768, which saturates. A compiler that knows so much compares instead of saturating.
    let rounded = opaque((state + (1 << (FINE - 1))) as u32) as i32;
    let high = saturate16(rounded >> FINE);
    (high, (state - ((high as i32) << FINE)) as i16) // -2^13 <= low < 2^14
}

/// `x q / 32767 / 2`, within two units, for `|x| <= 2^31`.
#[inline(always)]
fn half_times(x: i32, q: i16) -> i32 {
    let part = mul_high(x, q); // x q / 2^16, |part| <= 2^30
    part + (part >> 15) // 1 / 32767 = (1 + 2^-15) / 2^15, but for 2^-30
}

/// `f` of each state in `y`, high and low, with the activations of `x` at its place.
#[inline(always)]
fn each<const N: usize>(y: &mut [Quad], x: [&[Quad]; N], f: impl Fn(i32, [i16; N]) -> i32) {
    let (high, low) = y.split_at_mut(y.len() / 2);
    let units = x.iter().fold(high.len(), |least, x| least.min(x.len()));
    let x = x.map(|x| &x[..units]);
    for (i, (high, low)) in high[..units].iter_mut().zip(low).enumerate() {
        let x = x.map(|x| x[i].0);
        for k in 0..4 {
            let state = join(high.0[k], low.0[k]);
            (high.0[k], low.0[k]) = split(f(state, x.map(|x| x[k])));
        }
    }
}

/// Whether `N` tensors are read that have `units` features, and the one `written` is a state of as many.
const fn fit<const N: usize>(units: usize, reads: &[usize], written: usize) -> bool {
    let mut k = 0;
    while k < reads.len() {
        if reads[k] < quads(units) {
            return false;
        }
        k += 1;
    }
    reads.len() == N && written == 2 * quads(units)
}

/// The state of a GRU: `h' = (1 - z) n + z h`, in place.
///
/// A convex combination: `h` never leaves the range of the candidates and of what it starts as.
#[derive(Clone, Copy, Debug)]
pub struct GruUpdate {
    /// Features of the state.
    pub units: usize,
    /// A unit of the candidate in units of the state, 0..=2^14.
    pub factor: i16,
}

impl GruUpdate {
    /// Whether gate and candidate are long enough, and the tensor `written` is a state, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        fit::<2>(self.units, reads, written)
    }

    /// Updates the state `h` with the gate `z` and the candidate `n`.
    #[inline(never)]
    pub fn run(&self, h: &mut [Quad], z: &[Quad], n: &[Quad]) {
        debug_assert!(self.fits(&[z.len(), n.len()], h.len()), "a tensor is too short");
        let factor = self.factor as i32;
        each(h, [z, n], |h, [z, n]| {
            let n = n as i32 * factor; // |n| <= 2^29
            // z = (1 + q / 32767) / 2: half of both, and q halves of their difference, |h - n| <= 2^30 + 2^15
            ((h + n) >> 1) + half_times(h - n, z) // |sum| <= 2^29 + 2^15
        });
    }
}

/// The state of an LSTM: `c' = f c + i g`, in place; it saturates.
#[derive(Clone, Copy, Debug)]
pub struct LstmUpdate {
    /// Features of the state.
    pub units: usize,
    /// A unit of `g` in units of the state, 0..=2^14.
    pub factor: i16,
}

impl LstmUpdate {
    /// Whether gates and candidate are long enough, and the tensor `written` is a state, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        fit::<3>(self.units, reads, written)
    }

    /// Updates the state `c` with the gates `f` and `i` and the candidate `g`.
    #[inline(never)]
    pub fn run(&self, c: &mut [Quad], f: &[Quad], i: &[Quad], g: &[Quad]) {
        debug_assert!(self.fits(&[f.len(), i.len(), g.len()], c.len()), "a tensor is too short");
        let scaled = scaler(self.factor, 0);
        each(c, [f, i, g], |c, [f, i, g]| {
            let kept = (c >> 1) + half_times(c, f); // f c, |f c| <= 2^29 + 2^15
            let added = (i as i32 + 32767) * g as i32; // |added| <= 65534 * 32768 < 2^31
            kept + scaled(added) // |sum| <= 2^30 + 2^15
        });
    }
}

/// Whether an activation of a tensor of `features` is within a unit of an end of its range; all are looked at.
#[inline(never)]
pub fn at_end(x: &[Quad], features: usize) -> bool {
    let beyond = |x: i16| {
        let size = x as i32 ^ (x as i32 >> 15); // |x|, or one less below 0
        32765 - size
    };
    let x = crate::arch::memory::flat(x).iter().take(features);
    x.fold(0, |any, &x| any | beyond(x)) < 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIT: f64 = 1.0 / (1 << FINE) as f64;

    fn gate(q: i16) -> f64 {
        (q as f64 + 32767.0) / 65534.0
    }

    fn value(high: i16, low: i16) -> f64 {
        high as f64 + low as f64 * UNIT
    }

    /// The first state after an update, in an activation's units.
    fn after(y: &[Quad]) -> f64 {
        value(y[0].0[0], y[1].0[0])
    }

    proptest! {
        #[test]
        fn a_gru_mixes_within_three_units_of_its_state(
            q in -32767_i16.., n in -32767_i16.., high in -32767_i16.., low in -8192_i16..8192, factor in 0_i16..=1 << 14,
        ) {
            let mut y = [Quad([high; 4]), Quad([low; 4])];
            let before = after(&y);
            GruUpdate { units: 4, factor }.run(&mut y, &[Quad([q; 4])], &[Quad([n; 4])]);
            let n = n as f64 * factor as f64 * UNIT;
            let exact = (1.0 - gate(q)) * n + gate(q) * before;
            prop_assert!((after(&y) - exact).abs() <= 3.0 * UNIT, "{} {exact}", after(&y));
        }

        #[test]
        fn an_lstm_sums_within_four_units_of_its_state(
            f in -32767_i16.., i in -32767_i16.., g: i16, high in -32767_i16.., low in -8192_i16..8192,
            factor in 0_i16..=1 << 14,
        ) {
            let mut y = [Quad([high; 4]), Quad([low; 4])];
            let before = after(&y);
            let update = LstmUpdate { units: 4, factor };
            update.run(&mut y, &[Quad([f; 4])], &[Quad([i; 4])], &[Quad([g; 4])]);
            let added = (i as f64 + 32767.0) * g as f64 * factor as f64 / 65536.0 * UNIT;
            let exact = (gate(f) * before + added).clamp(-32768.0, 32768.0);
            prop_assert!((after(&y) - exact).abs() <= 4.0 * UNIT, "{} {exact}", after(&y));
        }

        /// Whatever memory holds.
        #[test]
        fn a_broken_state_stays_in_its_range(q: i16, n: i16, high: i16, low: i16) {
            let mut y = [Quad([high; 4]), Quad([low; 4])];
            GruUpdate { units: 4, factor: 1 << 14 }.run(&mut y, &[Quad([q; 4])], &[Quad([n; 4])]);
            prop_assert!(after(&y).abs() <= 32768.0);
        }
    }

    #[test]
    fn a_closed_gate_keeps_and_a_slow_one_moves_by_less_than_a_unit() {
        let (closed, slow) = (Quad([32767; 4]), Quad([32766; 4]));
        let (update, n) = (GruUpdate { units: 4, factor: 1 << 14 }, [Quad([32767; 4])]);
        let mut y = [Quad([100; 4]), Quad([0; 4])];
        (0..1000).for_each(|_| update.run(&mut y, &[closed], &n));
        assert!((after(&y) - 100.0).abs() < 0.1, "{}", after(&y));
        let mut y = [Quad([32000; 4]), Quad([0; 4])];
        (0..1000).for_each(|_| update.run(&mut y, &[slow], &n));
        let exact = 32767.0 - 767.0 * (1.0 - 1.0 / 65534.0_f64).powi(1000);
        assert!((after(&y) - exact).abs() < 0.1, "{} {exact}", after(&y));
    }

    #[test]
    fn only_states_fit() {
        let update = GruUpdate { units: 5, factor: 1 };
        assert!(update.fits(&[2, 2], 4));
        assert!(!update.fits(&[1, 2], 4) && !update.fits(&[2, 2], 3) && !update.fits(&[2], 4));
        let update = LstmUpdate { units: 5, factor: 1 };
        assert!(update.fits(&[2, 3, 2], 4) && !update.fits(&[2, 2], 4));
    }

    #[test]
    fn the_ends_of_a_range_are_seen_and_what_lies_behind_is_not() {
        for (x, want) in [
            (32767, true),
            (32766, true),
            (-32767, true),
            (-32768, true),
            (32765, false),
            (-32766, false),
        ] {
            assert_eq!(at_end(&[Quad([0, x, 0, 0])], 2), want, "{x}");
        }
        assert!(!at_end(&[Quad([0, 0, 32767, 0])], 2));
    }
}
