//! Fully connected layers: `y = clamp(W x + b)`.

use crate::arch::{self, Group, Layout, Native, W8, W16};
use crate::number::requantize;
use crate::tensor::{Quad, quads};

/// A fully connected layer of `bias.len()` outputs over packed weights.
///
/// Output `r` is [`requantize`]`(bias[r] + sum_i w[r][i] x[i], multiplier[r], shift)`, then
/// `max(., 0)` if `relu`. The rounding half is part of the bias.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, G> {
    weights: &'a [G],
    bias: &'a [i32],
    multiplier: &'a [i16],
    quads: usize,
    shift: u8,
    relu: bool,
}

/// A dense layer with i8 weights.
pub type Dense8<'a> = Dense<'a, W8>;
/// A dense layer with i16 weights.
pub type Dense16<'a> = Dense<'a, W16>;

/// Number of weight groups of a matrix.
pub const fn groups(inputs: usize, outputs: usize) -> usize {
    quads(inputs) * outputs
}

/// Packs a matrix of i8 weights, a row an output, for the core this is built for.
pub const fn pack8<const IN: usize, const OUT: usize, const N: usize>(
    rows: &[[i8; IN]; OUT],
) -> [W8; N] {
    let mut packed = [W8([0; 4]); N];
    arch::pack8::<Native>(rows.as_flattened(), IN, &mut packed);
    packed
}

/// Packs a matrix of i16 weights, a row an output, for the core this is built for.
pub const fn pack16<const IN: usize, const OUT: usize, const N: usize>(
    rows: &[[i16; IN]; OUT],
) -> [W16; N] {
    let mut packed = [W16([0; 4]); N];
    arch::pack16::<Native>(rows.as_flattened(), IN, &mut packed);
    packed
}

impl<'a, G: Group> Dense<'a, G> {
    /// A layer over `weights` packed for this core.
    ///
    /// # Panics
    /// If the tables' lengths do not belong together. In a constant, that is a build error.
    pub const fn new(
        inputs: usize,
        weights: &'a [G],
        bias: &'a [i32],
        multiplier: &'a [i16],
        shift: u8,
        relu: bool,
    ) -> Self {
        assert!(bias.len() == multiplier.len() && shift < 16);
        assert!(weights.len() == groups(inputs, bias.len()));
        Self { weights, bias, multiplier, quads: quads(inputs), shift, relu }
    }

    /// Computes the layer; an `x` or `y` that is too short leaves outputs as they were.
    #[inline(never)]
    pub fn run(&self, x: &[Quad], y: &mut [Quad]) {
        let Some(x) = x.get(..self.quads) else { return };
        let mut weights = self.weights;
        let finish = |acc, multiplier| {
            let y = requantize(acc, multiplier, self.shift as u32);
            if self.relu { y.max(0) } else { y }
        };
        let mut done = 0;
        if Native::ROWS == 4 {
            let rows = self.bias.as_chunks::<4>().0.iter().zip(self.multiplier.as_chunks::<4>().0);
            for ((bias, multiplier), y) in rows.zip(y.iter_mut()) {
                let Some((block, rest)) = weights.split_at_checked(4 * self.quads) else { return };
                weights = rest;
                let acc = G::dot4(*bias, x, block);
                for r in 0..4 {
                    y.0[r] = finish(acc[r], multiplier[r]);
                }
                done += 4;
            }
        }
        let y = arch::flat_mut(y).iter_mut().skip(done);
        let rows = self.bias.iter().zip(self.multiplier).skip(done);
        for ((&bias, &multiplier), y) in rows.zip(y) {
            let Some((row, rest)) = weights.split_at_checked(self.quads) else { return };
            weights = rest;
            *y = finish(G::dot1(bias, x, row), multiplier);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{Interleaved, RowMajor, portable, position};
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    fn quads_of(x: &[i16]) -> Vec<Quad> {
        let mut padded: Vec<Quad> = std::vec![Quad([-7; 4]); quads(x.len())];
        arch::flat_mut(&mut padded)[..x.len()].copy_from_slice(x);
        padded
    }

    fn plain(x: &[i16], w: &[i8], bias: &[i32]) -> Vec<i32> {
        let row = |r: usize| w[r * x.len()..].iter().zip(x).map(|(&w, &x)| w as i32 * x as i32);
        (0..bias.len()).map(|r| bias[r] + row(r).sum::<i32>()).collect()
    }

    fn case() -> impl Strategy<Value = (Vec<i16>, Vec<i8>, Vec<i32>)> {
        (1_usize..40, 1_usize..14).prop_flat_map(|(inputs, outputs)| {
            (
                prop::collection::vec(any::<i16>(), inputs),
                prop::collection::vec(any::<i8>(), inputs * outputs),
                prop::collection::vec(-1_000_000_i32..1_000_000, outputs),
            )
        })
    }

    proptest! {
        /// Padding, blocks and remainders of every layout give the plain sums.
        #[test]
        fn every_layout_gives_the_plain_sums((x, w, bias) in case()) {
            fn sums<L: Layout>(x: &[i16], w: &[i8], bias: &[i32]) -> Vec<i32> {
                let (q, rows) = (quads(x.len()), bias.len());
                let mut packed = std::vec![W8([0; 4]); q * rows];
                arch::pack8::<L>(w, x.len(), &mut packed);
                let x = quads_of(x);
                let mut out = Vec::new();
                while out.len() + 4 <= rows && L::ROWS == 4 {
                    let r = out.len();
                    let acc = [bias[r], bias[r + 1], bias[r + 2], bias[r + 3]];
                    out.extend(portable::dot4::<L, _>(acc, &x, &packed[r * q..][..4 * q]));
                }
                for (r, &bias) in bias.iter().enumerate().skip(out.len()) {
                    let start = position::<L>(r, 0, rows, q);
                    out.push(portable::dot1::<L, _>(bias, &x, &packed[start..][..q]));
                }
                out
            }
            prop_assert_eq!(sums::<RowMajor>(&x, &w, &bias), plain(&x, &w, &bias));
            prop_assert_eq!(sums::<Interleaved>(&x, &w, &bias), plain(&x, &w, &bias));
        }

        #[test]
        fn a_layer_is_its_sums_requantized((x, w, bias) in case(), m in 1_i16.., shift in 0_u8..12, relu: bool) {
            let mut packed = std::vec![W8([0; 4]); groups(x.len(), bias.len())];
            arch::pack8::<Native>(&w, x.len(), &mut packed);
            let multiplier = std::vec![m; bias.len()];
            let layer = Dense::new(x.len(), &packed, &bias, &multiplier, shift, relu);
            let mut y = std::vec![Quad::default(); quads(bias.len())];
            layer.run(&quads_of(&x), &mut y);
            for (r, sum) in plain(&x, &w, &bias).into_iter().enumerate() {
                let want = requantize(sum, m, shift as u32);
                prop_assert_eq!(arch::flat(&y)[r], if relu { want.max(0) } else { want });
            }
        }
    }

    #[test]
    fn short_tensors_are_left_alone() {
        let layer = Dense::new(5, &[W8([1; 4]); 2], &[0], &[1], 0, false);
        let mut y = [Quad([9; 4])];
        layer.run(&[Quad::default()], &mut y);
        assert_eq!(y, [Quad([9; 4])]);
        layer.run(&[Quad::default(); 2], &mut []);
    }
}
