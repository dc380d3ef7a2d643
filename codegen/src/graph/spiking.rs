//! Neurons that accumulate integer weights, fire above a threshold and start again from 0.

/// A circuit of threshold-and-reset neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Spiking {
    /// The value above which each source fires.
    pub fires: Vec<f64>,
    /// The magnitude above which each neuron fires.
    pub thresholds: Vec<i32>,
    /// The synapses.
    pub links: Vec<Link>,
    /// Updates a step.
    pub updates: u8,
}

/// A synapse.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// The source, or the number of sources plus the neuron, in front of it.
    pub pre: usize,
    /// The neuron behind it.
    pub post: usize,
    /// What it adds.
    pub weight: i32,
}

impl Spiking {
    /// Every real number in it.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        self.fires.iter().copied()
    }

    /// The largest magnitude each neuron's sum can have after an update.
    pub fn bounds(&self) -> Vec<i64> {
        let mut bounds: Vec<i64> = self.thresholds.iter().map(|&t| i64::from(t)).collect();
        for link in &self.links {
            bounds[link.post] += i64::from(link.weight.abs());
        }
        bounds
    }

    /// The sums after a step from `sums` with the sources `x`.
    pub fn step(&self, x: &[f64], sums: &[f64]) -> Vec<f64> {
        let mut sums = sums.to_vec();
        for _ in 0..self.updates {
            let mut fired: Vec<bool> =
                x.iter().zip(&self.fires).map(|(x, limit)| x > limit).collect();
            for (sum, &threshold) in sums.iter_mut().zip(&self.thresholds) {
                let fires = sum.abs() > f64::from(threshold);
                fired.push(fires);
                if fires {
                    *sum = 0.0;
                }
            }
            for link in self.links.iter().filter(|link| fired[link.pre]) {
                sums[link.post] += f64::from(link.weight);
            }
        }
        sums
    }
}
