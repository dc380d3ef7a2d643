//! The four dense networks that the project's speed is stated for.

use nervecord_codegen::Result;
use nervecord_codegen::expr::Expr;
use nervecord_codegen::graph::{Dense, Graph, Layer};

/// A shape: its letter and the width of every layer, inputs first.
pub struct Shape {
    /// The letter it goes by.
    pub letter: &'static str,
    /// Features of the input and of each layer.
    pub widths: &'static [usize],
}

/// From a small controller to MLPerf Tiny's anomaly detector (C) and a digit classifier (D).
pub const SHAPES: [Shape; 4] = [
    Shape { letter: "A", widths: &[4, 16, 16, 1] },
    Shape { letter: "B", widths: &[24, 64, 64, 6] },
    Shape { letter: "C", widths: &[640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640] },
    Shape { letter: "D", widths: &[784, 128, 10] },
];

/// Layers of many sizes, most no multiple of any block: what a kernel's edges are tested on.
pub const EDGES: Shape = Shape {
    letter: "edges",
    widths: &[
        13, 1, 1, 2, 3, 5, 4, 7, 6, 9, 8, 10, 11, 16, 15, 17, 12, 19, 24, 1, 33, 29, 40, 31, 64,
        65, 3, 43, 54, 100, 14,
    ],
};

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere and for ever.
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer in `-127..=127`.
    pub fn weight(&mut self) -> i64 {
        (self.next() % 255) as i64 - 127
    }

    /// A real number in `-1..1`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Rows of numbers in `-1..1`.
    pub fn rows(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        (0..rows).map(|_| (0..columns).map(|_| self.unit()).collect()).collect()
    }
}

impl Shape {
    /// A network of this shape: random i8 weights, ReLU between the layers, none after the last.
    ///
    /// # Errors
    /// The graph refuses a layer.
    pub fn graph(&self) -> Result<Graph> {
        let mut random = Random::new(self.widths.len() as u64);
        let name = format!("network_{}", self.letter.to_lowercase());
        let mut graph = Graph::new(name, "x", self.widths[0]);
        let mut tensor = graph.input;
        for (index, pair) in self.widths.windows(2).enumerate() {
            let layer = Layer::Dense(dense(&mut random, pair[0], pair[1]));
            tensor = graph.push(format!("dense{index}"), layer, &[tensor])?;
            if index + 2 < self.widths.len() {
                tensor = graph.push(format!("relu{index}"), Layer::Map(Expr::relu()), &[tensor])?;
            }
        }
        Ok(graph)
    }
}

fn dense(random: &mut Random, inputs: usize, outputs: usize) -> Dense {
    // Keeps the size of activations about the same from layer to layer.
    let unit = (6.0 / inputs as f64).sqrt() / 127.0;
    let mut row = || -> Vec<f64> {
        let mut weights: Vec<i64> = (0..inputs).map(|_| random.weight()).collect();
        // With a largest weight of 127 the row's integers are what the quantizer finds again.
        weights[0] = 127;
        weights.iter().map(|&w| w as f64 * unit).collect()
    };
    let weights = (0..outputs).map(|_| row()).collect();
    Dense { weights, bias: (0..outputs).map(|_| 0.1 * random.unit()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_stated_sizes_and_the_same_weights_each_time() {
        let macs = [336, 6_016, 264_192, 101_632];
        for (shape, macs) in SHAPES.iter().zip(macs) {
            let graph = shape.graph().unwrap();
            assert_eq!(graph.macs(), macs);
            assert_eq!(graph, shape.graph().unwrap());
        }
    }
}
