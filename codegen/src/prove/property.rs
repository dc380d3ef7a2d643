//! What is asked: whether some input of a box leads to outputs that are not wanted. Stands on nothing.

/// `sum of factor output <= most`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Constraint {
    /// Outputs and their factors.
    pub terms: Vec<(usize, f64)>,
    /// What the sum may be at most.
    pub most: f64,
}

/// A box of inputs, and outputs that none of them may have.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Property {
    /// The smallest and the largest value of each input.
    pub inputs: Vec<(f64, f64)>,
    /// Unsafe outputs: those of any of these that meet all of its constraints.
    pub unsafe_sets: Vec<Vec<Constraint>>,
}

impl Constraint {
    /// Whether outputs meet it.
    pub fn is_met(&self, outputs: &[f64]) -> bool {
        let sum: f64 = self
            .terms
            .iter()
            .map(|(i, factor)| factor * outputs.get(*i).copied().unwrap_or(0.0))
            .sum();
        sum <= self.most
    }
}

impl Property {
    /// Whether outputs are unsafe.
    pub fn is_unsafe(&self, outputs: &[f64]) -> bool {
        self.unsafe_sets.iter().any(|set| set.iter().all(|constraint| constraint.is_met(outputs)))
    }
}
