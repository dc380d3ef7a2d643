//! Conductance-based neurons: chemical synapses with sigmoid activation, gap junctions and leaks, as in
//! LTC networks (Hasani et al. 2021) and tap-withdrawal circuits.
//!
//! Potentials follow, several times a step and all neurons at once,
//!
//! ```text
//!        C v + K + sum(w E s) + sum(G v_pre)
//! v' = --------------------------------------      s = sigmoid(gain v_pre + offset)
//!          C + Kd + sum(w s) + sum(G)
//! ```
//!
//! Numerator and denominator of a neuron share one real factor, which codegen chooses so that no
//! denominator exceeds 2^30; the numerator is kept 2^15 times smaller. A potential is an average of
//! leak, reversal and neighbouring potentials, so it never leaves the range they span: no sum
//! overflows and nothing saturates, for any input.
//!
//! Stands on `norm`, `table` and the rounding rule.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::leading_zeros;
use crate::norm::reciprocal_q30;
use crate::rounding::{saturate16, shift_round};
use crate::table::Table;
use crate::tensor::{Quad, quads};

/// A chemical synapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synapse {
    /// The input or neuron in front of it.
    pub pre: u16,
    /// Argument of the sigmoid: `(gain x + offset) / 2^shift`, with `shift` that of the circuit.
    pub gain: i16,
    /// The rounding half is part of it; `|offset| <= 2^30`.
    pub offset: i32,
    /// Conductance: what it adds to the denominator, over 2^15.
    pub weight: i16,
    /// Conductance times reversal potential: what it adds to the numerator.
    pub current: i16,
}

/// A gap junction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The neuron at its other end.
    pub pre: u16,
    /// Conductance.
    pub weight: i16,
}

/// A neuron, and how many of each table's entries are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neuron {
    /// Capacity: the factor of its own potential.
    pub capacity: i16,
    /// Numerator without any synapse.
    pub numerator: i32,
    /// Denominator without any synapse, at least 2^18.
    pub denominator: i32,
    /// Synapses from inputs.
    pub sensory: u16,
    /// Synapses from neurons.
    pub synapses: u16,
    /// Gap junctions.
    pub gaps: u16,
}

/// A circuit: tables sorted by the neuron behind each synapse.
#[derive(Clone, Copy, Debug)]
pub struct Membrane<'a> {
    /// The neurons.
    pub neurons: &'a [Neuron],
    /// Synapses from inputs, computed once a step.
    pub sensory: &'a [Synapse],
    /// Synapses between neurons.
    pub synapses: &'a [Synapse],
    /// Gap junctions.
    pub gaps: &'a [Gap],
    /// The logistic function with 15 fractional bits.
    pub sigmoid: Table<'a>,
    /// Bits dropped from the sigmoids' arguments, 1..=15.
    pub shift: u8,
    /// How often the potentials are updated a step.
    pub unfolds: u8,
}

/// Bits of a potential below its integer, kept from one update of a step to the next: a slow neuron
/// moves by less than one integer an update.
const FINE: u32 = 2;

/// Quads of work memory for `neurons` of them: two rows of potentials and one of their fine bits, then
/// two sums a neuron.
pub const fn membrane_work(neurons: usize) -> usize {
    3 * quads(neurons) + neurons
}

/// Two 32-bit words in a quad.
#[inline(always)]
fn join(quad: Quad) -> (i32, i32) {
    let word = |low: i16, high: i16| (low as u16 as i32) | ((high as i32) << 16);
    (word(quad.0[0], quad.0[1]), word(quad.0[2], quad.0[3]))
}

#[inline(always)]
fn split((a, b): (i32, i32)) -> Quad {
    Quad([a as i16, (a >> 16) as i16, b as i16, (b >> 16) as i16])
}

impl Membrane<'_> {
    /// Whether tensors of inputs, of potentials and of the memory written are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x, v] = reads else { return false };
        let (mut inputs, mut k) = (0, 0);
        while k < self.sensory.len() {
            let end = self.sensory[k].pre as usize + 1;
            inputs = if end > inputs { end } else { inputs };
            k += 1;
        }
        let neurons = self.neurons.len();
        x >= quads(inputs) && v >= quads(neurons) && written >= membrane_work(neurons)
    }

    /// One step from the inputs `x` and the potentials `v`; `y` is [`membrane_work`] quads and begins with the
    /// new potentials after it.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], v: &[Quad], y: &mut [Quad]) {
        let n = quads(self.neurons.len());
        debug_assert!(self.fits(&[x.len(), v.len()], y.len()), "a tensor is too short");
        let Some((now, rest)) = y.split_at_mut_checked(n) else { return };
        let Some((next, rest)) = rest.split_at_mut_checked(n) else { return };
        let Some((fine, sums)) = rest.split_at_mut_checked(n) else { return };
        for ((now, fine), v) in now.iter_mut().zip(fine.iter_mut()).zip(v) {
            (*now, *fine) = (*v, Quad([0; 4]));
        }
        let mut sensory = self.sensory;
        for (neuron, sum) in self.neurons.iter().zip(sums.iter_mut()) {
            let start = (neuron.numerator, neuron.denominator);
            *sum = split(self.currents(&mut sensory, neuron.sensory, flat(x), start));
        }
        for _ in 0..self.unfolds {
            self.unfold(flat(now), sums, flat_mut(next), flat_mut(fine));
            now.copy_from_slice(next); // both are n quads
        }
    }

    /// Adds the next `count` synapses of `table` to a numerator and a denominator.
    #[inline(always)]
    fn currents(
        &self,
        table: &mut &[Synapse],
        count: u16,
        x: &[i16],
        start: (i32, i32),
    ) -> (i32, i32) {
        let (mut numerator, mut denominator) = start;
        let Some((own, rest)) = table.split_at_checked(count as usize) else { return start };
        *table = rest;
        for synapse in own {
            let x = x.get(synapse.pre as usize).copied().unwrap_or(0) as i32;
            // |x gain| <= 2^30 and |offset| <= 2^30, not both at once.
            let argument = (x * synapse.gain as i32 + synapse.offset) >> self.shift;
            let s = self.sigmoid.eval(saturate16(argument)) as i32; // 0..=32767
            // Over all synapses at most 2^30, by the choice of the neuron's factor.
            denominator += s * synapse.weight as i32;
            numerator += s * synapse.current as i32; // |current| <= weight
        }
        (numerator, denominator)
    }

    fn unfold(&self, now: &[i16], sums: &[Quad], next: &mut [i16], fine: &mut [i16]) {
        let (mut synapses, mut gaps) = (self.synapses, self.gaps);
        let neurons = self.neurons.iter().zip(now).zip(sums).zip(next.iter_mut().zip(fine));
        for (((neuron, &v), &sum), (next, fine)) in neurons {
            let (mut numerator, denominator) =
                self.currents(&mut synapses, neuron.synapses, now, join(sum));
            let capacity = neuron.capacity as i32;
            // |v + fine / 2^FINE| <= 2^15
            numerator += v as i32 * capacity + ((*fine as i32 * capacity) >> FINE);
            let Some((own, rest)) = gaps.split_at_checked(neuron.gaps as usize) else { return };
            gaps = rest;
            for gap in own {
                let v = now.get(gap.pre as usize).copied().unwrap_or(0) as i32;
                numerator += v * gap.weight as i32;
            }
            let v = quotient(numerator, denominator); // -2^17..=2^17
            *next = saturate16(shift_round(v, FINE));
            *fine = (v - ((*next as i32) << FINE)) as i16; // -2..=4
        }
    }
}

/// `2^(15 + FINE) n / d` to the nearest, for `2^18 <= d <= 2^30` and `|n| <= d`.
#[inline(always)]
fn quotient(n: i32, d: i32) -> i32 {
    let zeros = leading_zeros(d as u32); // 1..=13
    // 1/d = y 2^(zeros - 62), with y/2^30 in (1, 2]
    let y = reciprocal_q30((d as u32) << zeros);
    // n y / 2^31 = (2^17 n / d) 2^(14 - zeros), at most 2^30; the product is below 2^61.
    let t = ((n as i64 * (y >> 1) as i64) >> (32 - FINE)) as i32;
    shift_round(t, 14 - zeros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quotients_are_nearest(d in 1_i32 << 18..=1 << 30, part in -1.0_f64..=1.0) {
            let n = (part * d as f64) as i32;
            let exact = n as f64 * 131072.0 / d as f64;
            prop_assert!((quotient(n, d) as f64 - exact).abs() <= 0.502, "{} {}", quotient(n, d), exact);
        }

        #[test]
        fn sums_pass_through_memory(a: i32, b: i32) {
            prop_assert_eq!(join(split((a, b))), (a, b));
        }
    }

    #[test]
    fn a_leak_pulls_the_potential_to_rest() {
        let neuron = Neuron {
            capacity: 1 << 13,  // a quarter of the denominator
            numerator: 3 << 27, // 3/4 of it, for a rest at half the range
            denominator: 1 << 30,
            sensory: 0,
            synapses: 0,
            gaps: 0,
        };
        let membrane = Membrane {
            neurons: &[neuron],
            sensory: &[],
            synapses: &[],
            gaps: &[],
            sigmoid: Table::new(&[0x3fff_7fff; 2]),
            shift: 1,
            unfolds: 8,
        };
        let right = membrane_work(1);
        assert!(membrane.fits(&[0, 1], right));
        assert!(!membrane.fits(&[0, 0], right) && !membrane.fits(&[0, 1], right - 1));
        let sensory = [Synapse { pre: 4, gain: 0, offset: 0, weight: 0, current: 0 }];
        let sensing = Membrane { sensory: &sensory, ..membrane };
        assert!(sensing.fits(&[2, 1], right) && !sensing.fits(&[1, 1], right));
        let mut y = [Quad::default(); membrane_work(1)];
        membrane.run(&[], &[Quad::default()], &mut y);
        assert_eq!(y[0].0[0], 16384, "half the range after eight steps of 3/4 each");
    }
}
