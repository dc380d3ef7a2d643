//! Fully connected layers. Stands on nothing.

/// A fully connected layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// One row of weights an output, one weight an input.
    pub weights: Vec<Vec<f64>>,
    /// One addend an output.
    pub bias: Vec<f64>,
    /// Whether it is the wiring of a circuit, of which only the synapses are stored.
    pub wiring: bool,
}

impl Dense {
    /// A layer of trained weights.
    pub fn new(weights: Vec<Vec<f64>>, bias: Vec<f64>) -> Self {
        Self { weights, bias, wiring: false }
    }

    /// Inputs, of a layer that has outputs.
    pub fn inputs(&self) -> usize {
        self.weights.first().map_or(0, Vec::len)
    }

    /// The outputs for `x`, as many features as it has inputs.
    pub fn eval(&self, x: &[f64]) -> Vec<f64> {
        let dot = |row: &Vec<f64>| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        self.weights.iter().zip(&self.bias).map(|(row, bias)| bias + dot(row)).collect()
    }

    /// Whether its tables belong together and take `n` inputs, or what was expected.
    pub(super) fn check(&self, n: usize) -> Result<(), String> {
        if self.weights.is_empty() || n == 0 {
            return Err("at least one weight".into());
        }
        if self.bias.len() != self.weights.len() {
            return Err(format!("{} biases, found {}", self.weights.len(), self.bias.len()));
        }
        match self.weights.iter().find(|row| row.len() != n) {
            Some(row) => Err(format!("{} weights a row, found {n} features", row.len())),
            None => Ok(()),
        }
    }
}
