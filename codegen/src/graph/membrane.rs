//! Conductance-based neurons on real numbers: LTC networks (Hasani et al. 2021) and synapse-level circuits.
//!
//! All neurons are updated together, `unfolds` times a step, by a semi-implicit Euler rule:
//!
//! ```text
//!        c v + leak + sum(w E s) + sum(g v_pre)
//! v' = -----------------------------------------     s = sigmoid(gain v_pre + offset)
//!         c + conductance + sum(w s) + sum(g)
//! ```

/// A circuit of conductance-based neurons.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Membrane {
    /// The neurons.
    pub neurons: Vec<Neuron>,
    /// Synapses from inputs.
    pub sensory: Vec<Synapse>,
    /// Synapses from neurons.
    pub synapses: Vec<Synapse>,
    /// Gap junctions, one entry a direction.
    pub gaps: Vec<Gap>,
    /// Number of inputs.
    pub inputs: usize,
    /// Updates a step.
    pub unfolds: u8,
}

/// A neuron without its synapses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Neuron {
    /// Membrane capacity over the time of an update.
    pub capacity: f64,
    /// Leak conductance.
    pub leak: f64,
    /// Potential that the leak pulls to.
    pub rest: f64,
    /// Added to the denominator, against a division by zero.
    pub epsilon: f64,
}

/// A chemical synapse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Synapse {
    /// The input or neuron in front of it.
    pub pre: usize,
    /// The neuron behind it.
    pub post: usize,
    /// Largest conductance, not negative.
    pub weight: f64,
    /// Factor of the potential in the sigmoid's argument.
    pub gain: f64,
    /// Addend of the sigmoid's argument.
    pub offset: f64,
    /// Potential that an active synapse pulls to.
    pub reversal: f64,
}

/// One direction of a gap junction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The neuron it conducts from.
    pub pre: usize,
    /// The neuron it conducts to.
    pub post: usize,
    /// Conductance, not negative.
    pub weight: f64,
}

impl Synapse {
    /// How open it is at a potential in front of it, 0..1.
    pub fn open(&self, v: f64) -> f64 {
        1.0 / (1.0 + (-(self.gain * v + self.offset)).exp())
    }
}

impl Membrane {
    /// The largest magnitude a potential can have when it starts within `start`.
    ///
    /// An update is an average, with positive weights, of the potentials that pull.
    pub fn bound(&self, start: f64) -> f64 {
        let rests = self.neurons.iter().map(|n| n.rest.abs());
        let reversals = self.sensory.iter().chain(&self.synapses).map(|s| s.reversal.abs());
        rests.chain(reversals).fold(start, f64::max)
    }

    /// Trained numbers.
    pub fn parameters(&self) -> usize {
        3 * self.neurons.len()
            + 4 * (self.sensory.len() + self.synapses.len())
            + self.gaps.len() / 2
    }

    /// Multiply-accumulates of one step.
    pub fn macs(&self) -> usize {
        3 * self.sensory.len()
            + usize::from(self.unfolds)
                * (3 * self.synapses.len() + self.gaps.len() + self.neurons.len())
    }

    /// Every number in it.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let neurons = self.neurons.iter().flat_map(|n| [n.capacity, n.leak, n.rest, n.epsilon]);
        let synapses = self.sensory.iter().chain(&self.synapses);
        let synapses = synapses.flat_map(|s| [s.weight, s.gain, s.offset, s.reversal]);
        neurons.chain(synapses).chain(self.gaps.iter().map(|g| g.weight))
    }

    /// The potentials after a step from `v` with inputs `x`.
    pub fn step(&self, x: &[f64], v: &[f64]) -> Vec<f64> {
        let mut sums: Vec<(f64, f64)> = self
            .neurons
            .iter()
            .map(|n| (n.leak * n.rest, n.capacity + n.leak + n.epsilon))
            .collect();
        let add = |sums: &mut [(f64, f64)], synapses: &[Synapse], potentials: &[f64]| {
            for s in synapses {
                let conductance = s.weight * s.open(potentials[s.pre]);
                sums[s.post].0 += conductance * s.reversal;
                sums[s.post].1 += conductance;
            }
        };
        add(&mut sums, &self.sensory, x);
        let mut now = v.to_vec();
        for _ in 0..self.unfolds {
            let mut sums = sums.clone();
            add(&mut sums, &self.synapses, &now);
            for gap in &self.gaps {
                sums[gap.post].0 += gap.weight * now[gap.pre];
                sums[gap.post].1 += gap.weight;
            }
            let update = |((v, n), (numerator, denominator)): ((&f64, &Neuron), &(f64, f64))| {
                (n.capacity * v + numerator) / denominator
            };
            now = now.iter().zip(&self.neurons).zip(&sums).map(update).collect();
        }
        now
    }
}
