//! The random networks that the project's speed is stated for.

use std::path::Path;
use std::sync::Arc;

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::kan::{DEGREE, Edge, Kan, Spline};
use nervecord_codegen::graph::{Dense, Graph, Layer};

use crate::random::Random;

/// A shape: its letter, what its layers are, and the width of every layer, inputs first.
pub struct Shape {
    /// The letter it goes by.
    pub letter: &'static str,
    /// What its layers are.
    pub layers: Layers,
    /// Features of the input and of each layer.
    pub widths: &'static [usize],
}

/// What the layers of a network are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Layers {
    /// Fully connected, ReLU between them.
    Dense,
    /// Cubic splines on five intervals over [-1, 1].
    Splines,
}

/// A to D are dense, from a small controller to MLPerf Tiny's anomaly detector (C) and a digit
/// classifier (D); E is the one that the makers of another generator of code publish cycles of; K is a
/// Kolmogorov-Arnold network of 768 edges.
pub const SHAPES: [Shape; 6] = [
    Shape { letter: "A", layers: Layers::Dense, widths: &[4, 16, 16, 1] },
    Shape { letter: "B", layers: Layers::Dense, widths: &[24, 64, 64, 6] },
    Shape {
        letter: "C",
        layers: Layers::Dense,
        widths: &[640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640],
    },
    Shape { letter: "D", layers: Layers::Dense, widths: &[784, 128, 10] },
    Shape { letter: "E", layers: Layers::Dense, widths: &[32, 16, 4] },
    Shape { letter: "K", layers: Layers::Splines, widths: &[16, 32, 8] },
];

/// What batches on hosts are measured on, from a small policy to a wide one.
pub const BATCHES: [Shape; 4] = [
    Shape { letter: "8-64-64-2", layers: Layers::Dense, widths: &[8, 64, 64, 2] },
    Shape { letter: "24-64-64-6", layers: Layers::Dense, widths: &[24, 64, 64, 6] },
    Shape { letter: "48-512-256-128-12", layers: Layers::Dense, widths: &[48, 512, 256, 128, 12] },
    Shape { letter: "784-128-10", layers: Layers::Dense, widths: &[784, 128, 10] },
];

/// Rows of such a batch.
pub const ROWS_OF_A_BATCH: usize = 4096;

/// Layers of many sizes, most no multiple of any block: what a kernel's edges are tested on.
pub const EDGES: Shape = Shape {
    letter: "edges",
    layers: Layers::Dense,
    widths: &[
        13, 1, 1, 2, 3, 5, 4, 7, 6, 9, 8, 10, 11, 16, 15, 17, 12, 19, 24, 1, 33, 29, 40, 31, 64,
        65, 3, 43, 54, 100, 14,
    ],
};

impl Shape {
    /// The network of [`SHAPES`] that goes by this name.
    pub fn named(name: &Path) -> Option<&'static Self> {
        SHAPES.iter().find(|shape| name == Path::new(shape.letter))
    }

    /// Bytes of its i8 weights, the least it takes of flash.
    pub fn flash(&self) -> u64 {
        self.widths.windows(2).map(|pair| (pair[0] * pair[1]) as u64).sum()
    }

    /// A network of this shape: random i8 weights, ReLU between dense layers, none after the last.
    ///
    /// # Errors
    /// The graph refuses a layer.
    pub fn graph(&self) -> Result<Graph> {
        let mut random = Random::new(self.widths.len() as u64);
        let name = format!("network_{}", self.letter.to_lowercase());
        let mut graph = Graph::new(name, "x", self.widths[0]);
        let mut tensor = graph.input;
        for (index, pair) in self.widths.windows(2).enumerate() {
            if self.layers == Layers::Splines {
                let layer = Layer::Kan(splines(&mut random, pair[0], pair[1]));
                tensor = graph.push(format!("kan{index}"), layer, &[tensor])?;
                continue;
            }
            let layer = Layer::Dense(dense(&mut random, pair[0], pair[1]));
            tensor = graph.push(format!("dense{index}"), layer, &[tensor])?;
            if index + 2 < self.widths.len() {
                tensor = graph.push(format!("relu{index}"), Layer::Map(Expr::relu()), &[tensor])?;
            }
        }
        Ok(graph)
    }
}

fn splines(random: &mut Random, inputs: usize, outputs: usize) -> Kan {
    const INTERVALS: usize = 5;
    let place = |knot: usize| (knot as f64 - DEGREE as f64) * 2.0 / INTERVALS as f64 - 1.0;
    let knots: Arc<[f64]> = (0..=INTERVALS + 2 * DEGREE).map(place).collect();
    // Keeps activations inside the knots of the next layer.
    let unit = 1.0 / inputs as f64;
    let mut edge = || {
        let coefficients = (0..INTERVALS + DEGREE).map(|_| unit * random.unit()).collect();
        let spline = Some(Spline { knots: Arc::clone(&knots), coefficients });
        Edge { spline, ..Edge::default() }
    };
    let edges = (0..outputs).map(|_| (0..inputs).map(|_| edge()).collect()).collect();
    Kan { base: Expr::Const(0.0), edges, bias: vec![0.0; outputs] }
}

/// A dense layer of random weights, each row's largest one 127 units.
pub fn dense(random: &mut Random, inputs: usize, outputs: usize) -> Dense {
    // Keeps the size of activations about the same from layer to layer.
    let unit = (6.0 / inputs as f64).sqrt() / 127.0;
    let mut row = || -> Vec<f64> {
        let mut weights: Vec<i64> = (0..inputs).map(|_| random.weight()).collect();
        // With a largest weight of 127 the row's integers are what the quantizer finds again.
        weights[0] = 127;
        weights.iter().map(|&w| w as f64 * unit).collect()
    };
    let weights = (0..outputs).map(|_| row()).collect();
    Dense::new(weights, (0..outputs).map(|_| 0.1 * random.unit()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_stated_sizes_and_the_same_weights_each_time() {
        // A spline has four live coefficients at an input.
        let macs = [336, 6_016, 264_192, 101_632, 576, 4 * 768];
        for (shape, macs) in SHAPES.iter().zip(macs) {
            let graph = shape.graph().unwrap();
            assert_eq!(graph.macs(), macs);
            assert_eq!(graph, shape.graph().unwrap());
        }
    }
}
