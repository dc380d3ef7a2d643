//! Threshold-and-reset neurons at the scale of a connectome.
//!
//! Each update, a neuron whose sum is above its threshold in magnitude fires and starts again from 0;
//! then every neuron gains the weights of what fired. Who fires is settled for all neurons, as a bit
//! each, before any sum changes. Every synapse is visited in every update, whether it fires or not.
//!
//! Stands on `arch::scalar`.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::scalar::negative;
use crate::tensor::{Quad, quads};

/// A circuit with its synapses sorted by the neuron behind them.
///
/// A synapse is one word: what is in front of it in the lower `bits`, its weight in the others. Weights
/// too large for that take several words.
#[derive(Clone, Copy, Debug)]
pub struct Spiking<'a> {
    /// The largest activation of each source that does not fire.
    pub fires: &'a [i16],
    /// The magnitude above which each neuron fires.
    pub thresholds: &'a [i16],
    /// Number of synapses of each neuron.
    pub counts: &'a [u16],
    /// The synapses.
    pub links: &'a [u16],
    /// Bits of a synapse that say what is in front of it, below 16.
    pub bits: u8,
    /// Updates a step.
    pub updates: u8,
}

/// Quads of work memory for `count` sources and neurons: a bit each.
pub const fn spiking_work(count: usize) -> usize {
    count.div_ceil(64)
}

impl Spiking<'_> {
    /// Whether the tensor of sources and the sums `written`, with the memory behind them, are long enough, in
    /// quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let (sources, neurons) = (self.fires.len(), self.thresholds.len());
        matches!(reads, [x] if *x >= quads(sources))
            && written >= quads(neurons) + spiking_work(sources + neurons)
    }

    /// One step from the sources `x`, in place on the neurons' sums, with [`spiking_work`] memory behind them.
    #[inline(always)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        if let Some((sums, fired)) = y.split_at_mut_checked(quads(self.thresholds.len())) {
            self.update(x, sums, fired);
        }
    }

    #[inline(never)]
    fn update(&self, x: &[Quad], sums: &mut [Quad], fired: &mut [Quad]) {
        let (x, sums, fired) = (flat(x), flat_mut(sums), flat_mut(fired));
        for _ in 0..self.updates {
            fired.iter_mut().for_each(|word| *word = 0);
            for (i, (&x, &limit)) in x.iter().zip(self.fires).enumerate() {
                mark(fired, i, negative(limit as i32 - x as i32));
            }
            let neurons = sums.iter_mut().zip(self.thresholds);
            for (i, (sum, &threshold)) in neurons.enumerate() {
                let (x, threshold) = (*sum as i32, threshold as i32);
                let fires = negative(threshold - x) | negative(threshold + x);
                mark(fired, self.fires.len() + i, fires);
                *sum = (x & !fires) as i16;
            }
            self.gain(sums, fired);
        }
    }

    /// Adds to every sum the weights of what fired.
    fn gain(&self, sums: &mut [i16], fired: &[i16]) {
        let mut links = self.links;
        let index = (1_u32 << self.bits) - 1;
        for (sum, &count) in sums.iter_mut().zip(self.counts) {
            let Some((own, rest)) = links.split_at_checked(count as usize) else { return };
            links = rest;
            let mut gained = 0; // |sum + gained| <= 2^15 - 1, proved by codegen
            for &link in own {
                let pre = (link as u32 & index) as usize;
                let word = fired.get(pre >> 4).copied().unwrap_or(0) as u32;
                let fires = negative((word << (31 - (pre & 15))) as i32);
                gained += (link as i16 >> self.bits) as i32 & fires;
            }
            *sum = (*sum as i32 + gained) as i16;
        }
    }
}

/// Sets bit `i` if `mask` is all ones.
#[inline(always)]
fn mark(fired: &mut [i16], i: usize, mask: i32) {
    if let Some(word) = fired.get_mut(i >> 4) {
        *word |= (mask & (1 << (i & 15))) as i16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_travels_one_neuron_an_update() {
        // A source excites neuron 0 with 7, which excites 1 with 5, which inhibits 0 with -3.
        let circuit = Spiking {
            fires: &[100],
            thresholds: &[6, 4],
            counts: &[2, 1],
            links: &[7 << 2, (-3_i16 as u16) << 2 | 2, 5 << 2 | 1],
            bits: 2,
            updates: 1,
        };
        assert!(circuit.fits(&[1], 2) && !circuit.fits(&[0], 2) && !circuit.fits(&[1], 1));
        let mut y = [Quad::default(); 1 + spiking_work(3)];
        let mut seen = [[0; 2]; 4];
        for (seen, x) in seen.iter_mut().zip([101, 100, 0, 0]) {
            circuit.run(&[Quad([x, 0, 0, 0])], &mut y);
            *seen = [y[0].0[0], y[0].0[1]];
        }
        assert_eq!(seen, [[7, 0], [0, 5], [-3, 0], [-3, 0]]);
    }
}
