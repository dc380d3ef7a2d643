//! What is asked: whether some input of a box leads to outputs that are not wanted. Stands on ports.

use crate::program::Port;

/// The integers from one to another of each input.
pub type Cell = Vec<(i32, i32)>;

/// `sum of factor output <= most`.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Of two inputs of the box that differ in this one alone, where that is what is asked: what stands for outputs are
    /// those at its larger value less those at its smaller one.
    pub moved: Option<usize>,
    /// Unsafe outputs: those of any of these that meet all of its constraints.
    pub unsafe_sets: Vec<Vec<Constraint>>,
}

/// Whether outputs are unsafe: those of any of some sets that meet all of its constraints.
pub fn is_unsafe(sets: &[Vec<Constraint>], outputs: &[f64]) -> bool {
    sets.iter().any(|set| set.iter().all(|constraint| constraint.is_met(outputs)))
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
        is_unsafe(&self.unsafe_sets, outputs)
    }

    /// The integers that the box becomes; behind them those of the other value of an input that moves.
    pub fn cell(&self, port: &Port) -> Cell {
        let ends =
            |(i, (low, high)): (usize, &(f64, f64))| (port.to_raw(i, *low), port.to_raw(i, *high));
        let mut cell: Cell = self.inputs.iter().enumerate().map(ends).collect();
        cell.extend(self.moved.and_then(|i| cell.get(i).copied()));
        cell
    }
}

/// The integer in the middle, rounded down, so that both halves of two are there.
pub fn middle(low: i32, high: i32) -> i32 {
    (i64::from(low) + i64::from(high)).div_euclid(2) as i32
}

/// Takes the half of a box that a cut names, the upper one of a single integer being empty; false if it has no such input.
pub fn halve(cell: &mut Cell, cut: u32) -> bool {
    let Some(own) = cell.get_mut(cut as usize / 2) else { return false };
    let middle = middle(own.0, own.1);
    match cut % 2 {
        0 => own.1 = middle,
        _ => own.0 = middle.saturating_add(1),
    }
    true
}

/// Inputs of a box that firmware tells apart: several of the caller's integers may be one activation.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    port: &'a Port,
    cell: &'a Cell,
    /// The input of the coordinate behind all inputs.
    moved: usize,
    next: Option<Vec<i16>>,
}

impl<'a> Inputs<'a> {
    /// Those of a box.
    pub fn of(cell: &'a Cell, port: &'a Port, moved: Option<usize>) -> Self {
        let mut inputs = Self { port, cell, moved: moved.unwrap_or(0), next: None };
        let first = (0..cell.len()).map(|k| inputs.ends(k).0).collect();
        inputs.next = cell.iter().all(|(low, high)| low <= high).then_some(first);
        inputs
    }

    /// The input whose format a coordinate has.
    fn input(&self, k: usize) -> usize {
        if k < self.port.features() { k } else { self.moved }
    }

    /// The activations of a coordinate.
    fn ends(&self, k: usize) -> (i16, i16) {
        let (low, high) = self.cell.get(k).copied().unwrap_or_default();
        let i = self.input(k);
        (self.port.activation(i, low), self.port.activation(i, high))
    }

    /// How many there are along each coordinate.
    pub fn sides(&self) -> Vec<f64> {
        let ends = (0..self.cell.len()).map(|k| self.ends(k));
        ends.map(|(low, high)| (f64::from(high) - f64::from(low) + 1.0).max(0.0)).collect()
    }

    /// How many there are.
    pub fn how_many(&self) -> f64 {
        self.sides().iter().product()
    }
}

impl Iterator for Inputs<'_> {
    type Item = Vec<i32>;

    /// The first coordinate is the fastest.
    fn next(&mut self) -> Option<Vec<i32>> {
        let mut own = self.next.take()?;
        let raw = |(k, (x, (low, high))): (usize, (&i16, &(i32, i32)))| {
            self.port.raw(self.input(k), *x).clamp(*low, *high)
        };
        let point = own.iter().zip(self.cell).enumerate().map(raw).collect();
        let more = own.iter_mut().enumerate().find_map(|(k, x)| {
            let (low, high) = self.ends(k);
            let more = *x < high;
            *x = if more { *x + 1 } else { low };
            more.then_some(())
        });
        self.next = more.map(|()| own);
        Some(point)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nervecord::generated::Channel;

    use super::*;
    use crate::graph::Shape;
    use crate::program::PortWidth;

    fn port(width: PortWidth) -> Port {
        let (fracs, ranges) = (vec![8, 8, 8], vec![]);
        Port { shape: Shape::vector(3), fracs, width, ranges, storage: 0, full_scale: false }
    }

    #[test]
    fn halves_are_the_whole_whatever_their_signs() {
        for low in -5..5 {
            for high in low..6 {
                let (mut lower, mut upper) = (vec![(low, high)], vec![(low, high)]);
                assert!(halve(&mut lower, 0) && halve(&mut upper, 1));
                assert!(lower[0].0 == low && low <= lower[0].1 && lower[0].1 + 1 == upper[0].0);
                assert!(upper[0].1 == high);
            }
        }
        assert_eq!(middle(i32::MIN, i32::MAX), -1);
        assert!(!halve(&mut vec![(0, 1)], 2));
    }

    #[test]
    fn every_input_of_a_box_is_counted_and_met_once() {
        let (cell, narrow) = (vec![(0, 2), (-1, 0), (7, 7)], port(PortWidth::Narrow));
        let inputs = Inputs::of(&cell, &narrow, None);
        let all: Vec<_> = inputs.clone().collect();
        assert_eq!(
            (all.len() as f64, &all[0][..], &all[5][..]),
            (inputs.how_many(), &[0, -1, 7][..], &[2, 0, 7][..])
        );
        assert_eq!(Inputs::of(&vec![(1, 0); 3], &narrow, None).how_many(), 0.0);
        assert_eq!(Inputs::of(&vec![(1, 0); 3], &narrow, None).next(), None);
    }

    #[test]
    fn one_of_the_integers_of_an_activation_stands_for_all() {
        let channel = |offset, shift| Channel { offset, shift };
        let wide = port(PortWidth::WideIn(vec![channel(5, 3), channel(-9, 8), channel(0, 1)]));
        // The other value of input 0 is a coordinate more.
        let cell = vec![(-20, 30), (1000, 1300), (i32::MAX - 1, i32::MAX), (0, 9)];
        let inputs = Inputs::of(&cell, &wide, Some(0));
        let met: BTreeSet<Vec<i16>> = inputs
            .clone()
            .map(|point| {
                assert!(point.iter().zip(&cell).all(|(x, (low, high))| low <= x && x <= high));
                (0..4).map(|k| wide.activation(k % 3, point[k])).collect()
            })
            .collect();
        let reached = |k: usize| {
            (cell[k].0..=cell[k].1)
                .map(|x| wide.activation(k % 3, x))
                .collect::<BTreeSet<_>>()
                .len()
        };
        let all = reached(0) * reached(1) * reached(2) * reached(3);
        assert_eq!((met.len(), inputs.how_many()), (all, all as f64));
    }
}
