//! Fully connected layers: `y = clamp(W x + b)`.
//!
//! Stands on `arch` and the caller's inputs.

use crate::arch::copy::copied;
use crate::arch::dense::layout::{self, I4, Native};
use crate::arch::dense::shape::{DenseShape, Stretch};
use crate::arch::dense::weight::Weight;
use crate::arch::memory::flat_mut;
use crate::port::Inlet;
use crate::tensor::{Quad, quads};

/// A fully connected layer over a packed stream of its tables.
///
/// Output `r` is [`requantize`](crate::rounding::requantize)`(bias[r] + sum_i w[r][i] x[i],
/// multiplier[r], shift)`, then `max(., 0)` if `relu`. The rounding half is part of the bias.
#[derive(Clone, Copy, Debug)]
#[repr(C)] // a layer's address is that of its shape
pub struct Dense<'a, W> {
    shape: DenseShape,
    stream: &'a [u32],
    weight: core::marker::PhantomData<W>,
}

/// A dense layer with weights of 4 bits, `-8..=7`; rows beyond a multiple of four take 8 bits a weight.
pub type Dense4<'a> = Dense<'a, I4>;
/// A dense layer with i8 weights.
pub type Dense8<'a> = Dense<'a, i8>;
/// A dense layer with i16 weights.
pub type Dense16<'a> = Dense<'a, i16>;

/// Words of a layer of weights of 4 bits.
pub const fn dense_words4(inputs: usize, outputs: usize) -> usize {
    layout::words::<I4>(inputs, outputs)
}

/// Words of a layer of i8 weights.
pub const fn dense_words8(inputs: usize, outputs: usize) -> usize {
    layout::words::<i8>(inputs, outputs)
}

/// Words of a layer of i16 weights.
pub const fn dense_words16(inputs: usize, outputs: usize) -> usize {
    layout::words::<i16>(inputs, outputs)
}

/// The stream of a layer of weights of 4 bits, a row an output, for the core this is built for.
///
/// # Panics
/// If a weight is not in `-8..=7`. In a constant, that is a build error.
pub const fn pack_dense4<const IN: usize, const OUT: usize, const N: usize>(
    rows: &[[i8; IN]; OUT],
    bias: &[i32; OUT],
    multiplier: &[i16; OUT],
    shift: u8,
) -> [u32; N] {
    let mut stream = [0; N];
    layout::pack4::<Native>(rows.as_flattened(), bias, multiplier, shift, &mut stream);
    stream
}

/// The stream of a layer of i8 weights, a row an output, for the core this is built for.
pub const fn pack_dense8<const IN: usize, const OUT: usize, const N: usize>(
    rows: &[[i8; IN]; OUT],
    bias: &[i32; OUT],
    multiplier: &[i16; OUT],
    shift: u8,
) -> [u32; N] {
    let mut stream = [0; N];
    layout::pack8::<Native>(rows.as_flattened(), bias, multiplier, shift, &mut stream);
    stream
}

/// The stream of a layer of i16 weights, a row an output, for the core this is built for.
pub const fn pack_dense16<const IN: usize, const OUT: usize, const N: usize>(
    rows: &[[i16; IN]; OUT],
    bias: &[i32; OUT],
    multiplier: &[i16; OUT],
    shift: u8,
) -> [u32; N] {
    let mut stream = [0; N];
    layout::pack16::<Native>(rows.as_flattened(), bias, multiplier, shift, &mut stream);
    stream
}

impl<'a, W: Weight> Dense<'a, W> {
    /// A layer over a `stream` packed for this core.
    ///
    /// # Panics
    /// If the stream has another length than the layer. In a constant, that is a build error.
    pub const fn new(inputs: usize, outputs: usize, stream: &'a [u32], relu: bool) -> Self {
        assert!(inputs > 0 && outputs > 0 && stream.len() == layout::words::<W>(inputs, outputs));
        let shape = DenseShape::new(quads(inputs), outputs, relu, W::QUARTER);
        Self { shape, stream, weight: core::marker::PhantomData }
    }

    /// Computes a stretch of windows, `WORDS` if they start and end on words, where this core has a kernel for them; else false, and nothing done.
    #[inline(always)]
    pub(super) fn stretch<const WORDS: bool>(
        &self,
        x: &mut [Quad],
        y: &mut [Quad],
        windows: &Stretch,
    ) -> bool {
        W::windows::<WORDS>(&self.shape, self.stream, x, y, windows)
    }

    /// Quads it reads.
    pub(super) const fn quads(&self) -> usize {
        self.shape.quads()
    }

    /// Features it writes.
    pub(super) const fn outputs(&self) -> usize {
        self.shape.rows()
    }

    /// Whether the tensor to read and the one `written` are long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        matches!(reads, [x] if self.shape.fits(*x, written))
    }

    /// Computes the layer; an `x` or `y` that is too short leaves outputs as they were.
    ///
    /// A kernel may rearrange `x` while it runs; afterwards `x` is as before.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn run(&self, x: &mut [Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        W::dense(&self.shape, self.stream, x, flat_mut(y));
    }

    /// Computes the layer on the caller's inputs.
    #[inline(always)]
    pub fn run_from<const QUADS: usize>(&self, inlet: &mut Inlet<QUADS>, y: &mut [Quad]) {
        debug_assert!(self.fits(&[QUADS], y.len()), "a tensor is too short");
        if !Inlet::<QUADS>::IN_PLACE {
            self.run(inlet.copy.quads(), y);
        } else if !W::dense_from(&self.shape, self.stream, inlet.input, flat_mut(y)) {
            self.run_from_copy(inlet, y);
        }
    }

    /// Computes the layer on a copy of the caller's inputs, which start within a word.
    #[cold]
    #[inline(never)]
    fn run_from_copy<const QUADS: usize>(&self, inlet: &Inlet<QUADS>, y: &mut [Quad]) {
        self.run(&mut copied::<QUADS>(inlet.input), y);
    }

    /// Computes the layer into the caller's outputs; where there are fewer than it has, they stay as they were.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn run_to<const N: usize>(&self, x: &mut [Quad], output: &mut [i16; N]) {
        debug_assert!(self.fits(&[x.len()], quads(N)), "a tensor is too short");
        if self.shape.can_write(output) {
            W::dense(&self.shape, self.stream, x, output);
        } else {
            self.run_to_copy(x, output);
        }
    }

    /// Computes the layer into a copy of the caller's outputs, which start within a word.
    #[cold]
    #[inline(never)]
    fn run_to_copy<const N: usize>(&self, x: &mut [Quad], output: &mut [i16; N]) {
        let mut copy = OnWord(*output);
        W::dense(&self.shape, self.stream, x, &mut copy.0);
        *output = copy.0;
    }
}

/// Outputs that start on a word.
#[repr(align(4))]
struct OnWord<const N: usize>([i16; N]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::dense::layout::{
        Blocked, Lanes, LanesShort, Layout, Pairs, RowMajor, Vectors,
    };
    use crate::arch::dense::portable;
    use crate::arch::memory::flat;
    use crate::dense::case::Case;
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    fn case(largest: i16) -> impl Strategy<Value = Case> {
        let shapes = (1_usize..90, 1_usize..14, 0_u8..12, any::<bool>());
        shapes.prop_flat_map(move |(inputs, outputs, shift, relu)| {
            let x = prop::collection::vec(any::<i16>(), inputs);
            let weights = prop::collection::vec(-largest..largest, inputs * outputs);
            let bias = prop::collection::vec(-1_000_000_i32..1_000_000, outputs);
            let multiplier = prop::collection::vec(0_i16.., outputs);
            (x, weights, bias, multiplier).prop_map(move |(x, weights, bias, multiplier)| Case {
                x,
                weights,
                bias,
                multiplier,
                shift,
                relu,
            })
        })
    }

    impl Case {
        fn found<L: Layout, W: Weight>(&self, pack: impl Fn(&mut [u32])) -> Vec<i16> {
            let (inputs, rows) = (self.x.len(), self.bias.len());
            let words = layout::words::<W>(inputs, rows);
            // What was in the stream before must not matter.
            let mut stream = std::vec![0xdead_beef; words];
            pack(&mut stream);
            let shape = DenseShape::new(quads(inputs), rows, self.relu, 0);
            let mut y = std::vec![Quad([99; 4]); quads(rows)];
            portable::dense::<L, W>(&shape, &stream, &self.quads(), flat_mut(&mut y));
            flat(&y)[..rows].to_vec()
        }

        /// The kernel that this host runs.
        fn native<W: Weight>(&self, pack: impl Fn(&mut [u32])) -> Vec<i16> {
            let (inputs, rows) = (self.x.len(), self.bias.len());
            let mut stream = std::vec![0; layout::words::<W>(inputs, rows)];
            pack(&mut stream);
            let shape = DenseShape::new(quads(inputs), rows, self.relu, W::QUARTER);
            let mut y = std::vec![Quad([99; 4]); quads(rows)];
            W::dense(&shape, &stream, &mut self.quads(), flat_mut(&mut y));
            flat(&y)[..rows].to_vec()
        }

        fn found4<L: Layout>(&self) -> Vec<i16> {
            let weights: Vec<i8> = self.weights.iter().map(|&w| w as i8).collect();
            self.found::<L, I4>(|stream| {
                layout::pack4::<L>(&weights, &self.bias, &self.multiplier, self.shift, stream);
            })
        }

        fn found8<L: Layout>(&self) -> Vec<i16> {
            let weights: Vec<i8> = self.weights.iter().map(|&w| w as i8).collect();
            self.found::<L, i8>(|stream| {
                layout::pack8::<L>(&weights, &self.bias, &self.multiplier, self.shift, stream);
            })
        }

        fn found16<L: Layout>(&self) -> Vec<i16> {
            self.found::<L, i16>(|stream| {
                layout::pack16::<L>(
                    &self.weights,
                    &self.bias,
                    &self.multiplier,
                    self.shift,
                    stream,
                );
            })
        }
    }

    proptest! {
        /// Padding, blocks, rests and multiplier words of every layout give the plain result.
        #[test]
        fn every_layout_gives_the_same_with_weights_of_4_bits(case in case(8)) {
            let expected = case.expected();
            prop_assert_eq!(case.found4::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found4::<Blocked>(), &expected[..]);
            prop_assert_eq!(case.found4::<Lanes>(), &expected[..]);
            prop_assert_eq!(case.found4::<LanesShort>(), &expected[..]);
            prop_assert_eq!(case.found4::<Vectors>(), &expected[..]);
            prop_assert_eq!(case.found4::<Pairs>(), &expected[..]);
        }

        #[test]
        fn every_layout_gives_the_same_with_i8_weights(case in case(128)) {
            let expected = case.expected();
            prop_assert_eq!(case.found8::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found8::<Blocked>(), &expected[..]);
            prop_assert_eq!(case.found8::<Lanes>(), &expected[..]);
            prop_assert_eq!(case.found8::<LanesShort>(), &expected[..]);
            prop_assert_eq!(case.found8::<Vectors>(), &expected[..]);
            prop_assert_eq!(case.found8::<Pairs>(), &expected[..]);
        }

        /// The host's kernel gives the plain result, for every width of weights.
        #[test]
        fn the_hosts_kernel_gives_the_same(case4 in case(8), case8 in case(128), case16 in case(1500)) {
            let weights: Vec<i8> = case4.weights.iter().map(|&w| w as i8).collect();
            let found = case4.native::<I4>(|stream| {
                layout::pack4::<Native>(&weights, &case4.bias, &case4.multiplier, case4.shift, stream);
            });
            prop_assert_eq!(found, case4.expected());
            let weights: Vec<i8> = case8.weights.iter().map(|&w| w as i8).collect();
            let found = case8.native::<i8>(|stream| {
                layout::pack8::<Native>(&weights, &case8.bias, &case8.multiplier, case8.shift, stream);
            });
            prop_assert_eq!(found, case8.expected());
            let found = case16.native::<i16>(|stream| {
                let Case { weights, bias, multiplier, shift, .. } = &case16;
                layout::pack16::<Native>(weights, bias, multiplier, *shift, stream);
            });
            prop_assert_eq!(found, case16.expected());
        }

        #[test]
        fn every_layout_gives_the_same_with_i16_weights(case in case(1500)) {
            let expected = case.expected();
            prop_assert_eq!(case.found16::<RowMajor>(), &expected[..]);
            prop_assert_eq!(case.found16::<Blocked>(), &expected[..]);
            prop_assert_eq!(case.found16::<Lanes>(), &expected[..]);
            prop_assert_eq!(case.found16::<LanesShort>(), &expected[..]);
            prop_assert_eq!(case.found16::<Vectors>(), &expected[..]);
            prop_assert_eq!(case.found16::<Pairs>(), &expected[..]);
        }
    }

    /// What a layer makes of the caller's arrays is what it makes of tensors.
    #[test]
    fn the_callers_arrays_are_as_good_as_tensors() {
        const ROWS: [[i8; 8]; 5] = [[3, -5, 7, 11, -13, 17, -19, 23]; 5];
        let bias = [1000, -2000, 0, 70_000, -70_000];
        let stream: [u32; dense_words8(8, 5)] = pack_dense8(&ROWS, &bias, &[1 << 14; 5], 2);
        let dense = Dense8::new(8, 5, &stream, true);
        let input = [100, -200, 300, i16::MAX, i16::MIN, 5, -6, 7];
        let mut x = [Quad::default(); 2];
        flat_mut(&mut x).copy_from_slice(&input);
        let (mut y, mut from, mut to) = ([Quad::default(); 2], [Quad::default(); 2], [0; 5]);
        dense.run(&mut x, &mut y);
        dense.run_to(&mut x, &mut to);
        let mut inlet = Inlet::<2>::new(&input);
        let limits = [Quad([i16::MIN; 4]), Quad([0; 4]), Quad([i16::MAX; 4]), Quad([i16::MAX; 4])];
        assert_eq!(inlet.read16(&limits).bits(), 0b0101_0000);
        dense.run_from(&mut inlet, &mut from);
        assert_eq!((from, &to[..]), (y, &flat(&y)[..5]));
    }

    #[test]
    fn tensors_fit_if_they_have_every_input_and_output() {
        let stream: [u32; dense_words8(5, 5)] = pack_dense8(&[[1; 5]; 5], &[0; 5], &[1; 5], 0);
        let dense = Dense8::new(5, 5, &stream, false);
        assert!(dense.fits(&[2], 2) && !dense.fits(&[1], 2) && !dense.fits(&[2], 1));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn short_tensors_are_refused() {
        let stream: [u32; 4] = pack_dense8(&[[1; 5]], &[0], &[1], 0);
        Dense8::new(5, 1, &stream, false).run(&mut [Quad::default()], &mut [Quad::default()]);
    }
}
