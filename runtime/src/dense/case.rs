//! A dense layer to test kernels with: its tables in their plain order, an input, and what comes of it.

extern crate std;
use std::vec::Vec;

use crate::arch::memory::flat_mut;
use crate::rounding::requantize;
use crate::tensor::{Quad, quads};

#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) x: Vec<i16>,
    pub(crate) weights: Vec<i16>,
    pub(crate) bias: Vec<i32>,
    pub(crate) multiplier: Vec<i16>,
    pub(crate) shift: u8,
    pub(crate) relu: bool,
}

impl Case {
    pub(crate) fn quads(&self) -> Vec<Quad> {
        // What lies behind the last feature must not matter.
        let mut padded: Vec<Quad> = std::vec![Quad([-7; 4]); quads(self.x.len())];
        flat_mut(&mut padded)[..self.x.len()].copy_from_slice(&self.x);
        padded
    }

    pub(crate) fn expected(&self) -> Vec<i16> {
        let row = |r: usize| {
            let weights = &self.weights[r * self.x.len()..];
            let sum: i32 = weights.iter().zip(&self.x).map(|(&w, &x)| w as i32 * x as i32).sum();
            let y = requantize(self.bias[r] + sum, self.multiplier[r], self.shift as u32);
            if self.relu { y.max(0) } else { y }
        };
        (0..self.bias.len()).map(row).collect()
    }
}
