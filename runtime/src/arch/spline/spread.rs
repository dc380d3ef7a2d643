//! Where the coefficients of a layer lie whose weights are spread over lanes. Stands on the layouts of dense
//! layers and the shapes of splines.
//!
//! A core that multiplies sixteen pairs of bytes at once need not look for the four coefficients that an
//! input's weights meet: it spreads the weights of the inputs over as many lanes as there are coefficients, zeros
//! where none is met, and the edges are a dense layer over these lanes.
//!
//! ```text
//! lane            0 .. count-1     count .. 2 count-1    ..
//! weight of input 0 0 w w w w 0    w w w w 0 0 0
//! ```
//!
//! So that the lanes take little memory, inputs go by chunks of at most [`LANES`] lanes. In the sections of
//! [`Sections`](super::tables::Sections) coefficients lie chunk after chunk, in a chunk block after block of four
//! outputs, or output after output of those left over; in a block group after group of as many lanes as sixteen
//! bytes hold coefficients, output after output, and what is left over of the lanes likewise. Values of the base
//! function are lanes themselves.

use crate::arch::dense::layout::Layout;
use crate::spline::shape::SplineShape;

/// Lanes of a chunk, at most.
pub(super) const LANES: usize = 128;
/// The largest number of coefficients an edge whose weights are spread: eight inputs fill the lanes.
const COEFFICIENTS: usize = LANES / 8;
/// Bytes of the coefficients that a vector holds.
const VECTOR: usize = 16;

/// Whether the kernel of layout `L` spreads the weights of a layer.
pub(super) const fn spreads<L: Layout>(shape: &SplineShape) -> bool {
    L::VECTORS && shape.count() <= COEFFICIENTS
}

/// Lanes in a row: `per_input` of each of `inputs` inputs, or of each value of the base function one.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    pub inputs: usize,
    pub per_input: usize,
}

impl Lanes {
    /// Those of the coefficients of a layer.
    pub(super) const fn of_inputs(shape: &SplineShape) -> Self {
        Self { inputs: shape.inputs, per_input: shape.count() }
    }

    /// Those of the values of the base function, which come in quads.
    pub(super) const fn of_values(shape: &SplineShape) -> Self {
        Self { inputs: shape.inputs.div_ceil(4) * 4, per_input: 1 }
    }

    /// Inputs of a chunk, a multiple of eight; none where weights are not spread.
    pub(super) const fn chunk(self) -> usize {
        LANES / (8 * self.per_input) * 8
    }

    /// Where the coefficient of lane `lane` of an input lies among `rows` rows, counted from the first of its
    /// section: those of blocks, or those left over.
    pub(super) const fn index(
        self,
        input: usize,
        lane: usize,
        [row, rows]: [usize; 2],
        blocks: bool,
        size: usize,
    ) -> usize {
        let before = input / self.chunk() * self.chunk();
        let inputs =
            if self.inputs - before < self.chunk() { self.inputs - before } else { self.chunk() };
        let (width, lane) = (inputs * self.per_input, (input - before) * self.per_input + lane);
        let first = before * self.per_input * rows;
        if !blocks {
            return first + row * width + lane;
        }
        let per_group = VECTOR / size;
        let (group, whole) = (lane - lane % per_group, width - width % per_group);
        let own = if group < whole { per_group } else { width - whole };
        first + row / 4 * 4 * width + group * 4 + row % 4 * own + lane - group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;

    #[test]
    fn every_coefficient_has_a_place_of_its_own() {
        for (inputs, per_input) in [(1, 4), (7, 16), (9, 13), (33, 8), (300, 1), (130, 5)] {
            for (size, rows, blocks) in [(1, 8, true), (2, 8, true), (1, 3, false), (2, 3, false)] {
                let lanes = Lanes { inputs, per_input };
                let mut taken = std::vec![false; inputs * per_input * rows];
                for k in 0..taken.len() {
                    let (input, lane, row) = (k / rows / per_input, k / rows % per_input, k % rows);
                    let index = lanes.index(input, lane, [row, rows], blocks, size);
                    assert!(!taken[index], "{input} {lane} {row}");
                    taken[index] = true;
                }
            }
        }
    }
}
