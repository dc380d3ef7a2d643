//! Dense layers that leave out what is zero: weights that were pruned, or activations that do not fire.
//!
//! Both compute [`Dense`](super::full::Dense)'s equation, term for term: a product with zero is all
//! that is missing. Codegen takes them only where `nervecord.toml` allows it and where they pay.
//!
//! Stands on `arch::nonzero` and the rounding rule.

use crate::arch::memory::{flat, flat_mut};
use crate::arch::nonzero::{Active, Links};
use crate::arch::scalar::negative;
use crate::rounding::requantize;
use crate::tensor::{Quad, quads};

/// How sums become outputs: `max(requantize(sum + bias, multiplier, shift), 0)`, the clamp only if
/// `relu`.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// One addend an output, with the rounding half.
    pub bias: &'a [i32],
    /// One an output; see [`requantize`].
    pub multiplier: &'a [i16],
    /// See [`requantize`].
    pub shift: u8,
    /// Clamp outputs at zero from below.
    pub relu: bool,
}

impl Finish<'_> {
    #[inline(always)]
    fn output(&self, acc: i32, multiplier: i16) -> i16 {
        let y = requantize(acc, multiplier, self.shift as u32) as i32;
        (if self.relu { y & !negative(y) } else { y }) as i16
    }
}

/// A layer that stores only weights other than zero; its time does not depend on the input.
///
/// With `WORDS` 1, a link is one word for an i8 weight: in its lower byte how many columns it lies past
/// the link before it (or past column 0), in the upper one the weight. With `WORDS` 2 it is two
/// words for an i16 weight, in this order. A distance too long for its byte is bridged by links of weight 0.
#[derive(Clone, Copy, Debug)]
pub struct Pruned<'a, const WORDS: usize> {
    links: Links<'a, WORDS>,
    finish: Finish<'a>,
}

/// A pruned layer with i8 weights.
pub type Pruned8<'a> = Pruned<'a, 1>;
/// A pruned layer with i16 weights.
pub type Pruned16<'a> = Pruned<'a, 2>;

impl<'a, const WORDS: usize> Pruned<'a, WORDS> {
    /// A layer over the rows' links, one row after the other.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together, or a link lies past the last column. In a
    /// constant, that is a build error.
    pub const fn new(
        inputs: usize,
        counts: &'a [u16],
        links: &'a [u16],
        finish: Finish<'a>,
    ) -> Self {
        assert!(finish.shift < 16 && finish.bias.len() == counts.len());
        assert!(finish.multiplier.len() == counts.len());
        Self { links: Links::new(inputs, counts, links), finish }
    }

    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if self.links.fit(*x * 4)) && written >= quads(self.finish.bias.len())
    }

    /// Computes the layer; an `x` or `y` that is too short leaves outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        let outputs = flat_mut(y).iter_mut().zip(self.finish.multiplier);
        let rows = outputs.zip(self.finish.bias.iter().copied());
        self.links.sums(flat(x), rows, |(y, &multiplier), acc| {
            *y = self.finish.output(acc, multiplier);
        });
    }
}

/// A layer that skips activations that are zero, for networks whose neurons are mostly silent.
///
/// Its time depends on how many activations are not zero: at most that of an input without any zero.
#[derive(Clone, Copy, Debug)]
pub struct Lazy<'a, W> {
    inputs: usize,
    /// `[output / 4][input][output % 4]`, zeros past the last output.
    weights: &'a [[W; 4]],
    finish: Finish<'a>,
}

/// A lazy layer with i8 weights.
pub type Lazy8<'a> = Lazy<'a, i8>;
/// A lazy layer with i16 weights.
pub type Lazy16<'a> = Lazy<'a, i16>;

/// Features of memory a lazy layer writes: its outputs, then a list of its inputs that are not zero.
pub const fn lazy_memory(inputs: usize, outputs: usize) -> usize {
    4 * (quads(outputs) + quads(inputs))
}

impl<'a, W: Copy + Into<i32>> Lazy<'a, W> {
    /// A layer over the weights of four outputs a block.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together, or there are more than 65,536 inputs. In a
    /// constant, that is a build error.
    pub const fn new(inputs: usize, weights: &'a [[W; 4]], finish: Finish<'a>) -> Self {
        let outputs = finish.bias.len();
        assert!(inputs > 0 && inputs <= 1 << 16 && outputs > 0);
        assert!(finish.shift < 16 && finish.multiplier.len() == outputs);
        assert!(weights.len() == quads(outputs) * inputs);
        Self { inputs, weights, finish }
    }

    /// Whether the tensor to read and the memory `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if *x >= quads(self.inputs))
            && written >= quads(lazy_memory(self.inputs, self.finish.bias.len()))
    }

    /// Computes the layer; `y` holds [`lazy_memory`] features. An `x` or `y` that is too short leaves
    /// outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        let Finish { bias, multiplier, .. } = self.finish;
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        let Some(x) = flat(x).get(..self.inputs) else { return };
        let Some((y, memory)) = y.split_at_mut_checked(quads(bias.len())) else { return };
        let Some(active) = Active::of(x, flat_mut(memory)) else { return };
        let blocks = self.weights.chunks_exact(self.inputs);
        let tables = bias.chunks(4).zip(multiplier.chunks(4));
        for ((y, columns), (bias, multiplier)) in y.iter_mut().zip(blocks).zip(tables) {
            let sums = active.sums(columns);
            let outputs = y.0.iter_mut().zip(sums);
            for ((y, sum), (&bias, &multiplier)) in outputs.zip(bias.iter().zip(multiplier)) {
                *y = self.finish.output(sum + bias, multiplier);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dense::case::Case;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    /// A layer with zeros among its weights and inputs.
    fn case(largest: i16) -> impl Strategy<Value = Case> {
        let shapes = (1_usize..40, 1_usize..10, any::<bool>());
        shapes.prop_flat_map(move |(inputs, outputs, relu)| {
            let x = prop_oneof![Just(0), any::<i16>()];
            let weight = prop_oneof![4 => Just(0), 1 => -largest..largest];
            let x = prop::collection::vec(x, inputs);
            let weights = prop::collection::vec(weight, inputs * outputs);
            let bias = prop::collection::vec(-1_000_000_i32..1_000_000, outputs);
            let multiplier = prop::collection::vec(0_i16.., outputs);
            (x, weights, bias, multiplier).prop_map(move |(x, weights, bias, multiplier)| Case {
                x,
                weights,
                bias,
                multiplier,
                shift: 3,
                relu,
            })
        })
    }

    impl Case {
        fn finish(&self) -> Finish<'_> {
            let (bias, multiplier) = (&self.bias, &self.multiplier);
            Finish { bias, multiplier, shift: self.shift, relu: self.relu }
        }

        fn pruned<const WORDS: usize>(&self) -> Vec<i16> {
            let (mut counts, mut links) = (std::vec![], std::vec![]);
            for row in self.weights.chunks(self.x.len()) {
                let (before, mut last) = (links.len(), 0);
                for (column, &w) in row.iter().enumerate().filter(|(_, w)| **w != 0) {
                    let distance = (column - last) as u16;
                    last = column;
                    match WORDS {
                        1 => links.push(distance | (w as u16) << 8),
                        _ => links.extend([distance, w as u16]),
                    }
                }
                counts.push(((links.len() - before) / WORDS) as u16);
            }
            let layer = Pruned::<WORDS>::new(self.x.len(), &counts, &links, self.finish());
            let mut y = std::vec![Quad([99; 4]); quads(counts.len())];
            layer.run(&self.quads(), &mut y);
            flat(&y)[..counts.len()].to_vec()
        }

        fn lazy<W: Copy + Into<i32>>(&self, narrow: impl Fn(i16) -> W) -> Vec<i16> {
            let (inputs, outputs) = (self.x.len(), self.bias.len());
            let weight =
                |o: usize, i| narrow(if o < outputs { self.weights[o * inputs + i] } else { 0 });
            let weights: Vec<[W; 4]> = (0..quads(outputs))
                .flat_map(|b| (0..inputs).map(move |i| (b, i)))
                .map(|(b, i)| [0, 1, 2, 3].map(|k| weight(4 * b + k, i)))
                .collect();
            let mut y = std::vec![Quad([99; 4]); lazy_memory(inputs, outputs) / 4];
            Lazy::new(inputs, &weights, self.finish()).run(&self.quads(), &mut y);
            flat(&y)[..outputs].to_vec()
        }
    }

    proptest! {
        #[test]
        fn leaving_out_zeros_changes_nothing_with_i8_weights(case in case(128)) {
            prop_assert_eq!(case.pruned::<1>(), case.expected());
            prop_assert_eq!(case.lazy(|w| w as i8), case.expected());
        }

        #[test]
        fn leaving_out_zeros_changes_nothing_with_i16_weights(case in case(1500)) {
            prop_assert_eq!(case.pruned::<2>(), case.expected());
            prop_assert_eq!(case.lazy(|w| w), case.expected());
        }
    }

    #[test]
    fn tensors_fit_if_they_have_every_input_and_output() {
        let pruned = Pruned8::new(5, &[1], &[4 | 1 << 8], FINISH);
        assert!(pruned.fits(&[2], 1) && !pruned.fits(&[1], 1) && !pruned.fits(&[2], 0));
        // An output and a list of five inputs.
        let lazy = Lazy8::new(5, &[[1; 4]; 5], FINISH);
        assert!(lazy.fits(&[2], 3) && !lazy.fits(&[1], 3) && !lazy.fits(&[2], 2));
    }

    const FINISH: Finish = Finish { bias: &[0], multiplier: &[1], shift: 0, relu: false };

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn a_pruned_layer_refuses_short_tensors() {
        let pruned = Pruned8::new(5, &[1], &[4 | 1 << 8], FINISH);
        pruned.run(&[Quad::default()], &mut [Quad::default()]);
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn a_lazy_layer_refuses_short_tensors() {
        let lazy = Lazy8::new(5, &[[1; 4]; 5], FINISH);
        lazy.run(&[Quad::default(); 2], &mut [Quad::default()]);
    }
}
