//! A dense layer over windows of its input: convolutions, layers applied to each row, mixing of rows.
//!
//! Stands on the fully connected layer.

use super::full::Dense;
use crate::arch::dense::layout::I4;
use crate::arch::dense::shape::Stretch;
use crate::arch::dense::weight::Weight;
use crate::arch::memory::{flat, flat_mut};
use crate::tensor::{Quad, quads};

/// A dense layer applied at many places of its input's memory, its weights stored once.
///
/// Window `(o, i)` starts at feature `o step[0] + i step[1]`; the outputs of the windows follow one another, `i`
/// the inner index. A core with a kernel over several windows reads and writes where they lie; another where they start at
/// whole quads and have whole quads of outputs, and copies others to work memory behind the outputs and back.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a, W> {
    inputs: usize,
    dense: Dense<'a, W>,
    step: [usize; 2],
    count: [usize; 2],
}

/// Windows of a dense layer with weights of 4 bits.
pub type Windows4<'a> = Windows<'a, I4>;
/// Windows of a dense layer with i8 weights.
pub type Windows8<'a> = Windows<'a, i8>;
/// Windows of a dense layer with i16 weights.
pub type Windows16<'a> = Windows<'a, i16>;

/// Whether all windows start at whole quads.
const fn starts_whole(step: [usize; 2], count: [usize; 2]) -> bool {
    (count[0] < 2 || step[0].is_multiple_of(4)) && (count[1] < 2 || step[1].is_multiple_of(4))
}

/// Features of memory that the windows of a layer write: their outputs, then, where windows have to be copied,
/// one window and its outputs.
pub const fn windows_memory(
    inputs: usize,
    outputs: usize,
    step: [usize; 2],
    count: [usize; 2],
) -> usize {
    let all = quads(outputs * count[0] * count[1]);
    let window = if starts_whole(step, count) { 0 } else { quads(inputs) };
    let result = if outputs.is_multiple_of(4) { 0 } else { quads(outputs) };
    4 * (all + window + result)
}

impl<'a, W: Weight> Windows<'a, W> {
    /// `dense`, of so many `inputs`, over `count` windows, `step` features apart.
    ///
    /// # Panics
    /// If there is no window, or the layer has another number of inputs. In a constant, that is a build error.
    pub const fn new(
        inputs: usize,
        dense: Dense<'a, W>,
        step: [usize; 2],
        count: [usize; 2],
    ) -> Self {
        assert!(count[0] > 0 && count[1] > 0 && quads(inputs) == dense.quads());
        Self { inputs, dense, step, count }
    }

    /// Whether the tensor to read has all windows, and the memory `written` is long enough, in quads.
    pub const fn fits(&self, reads: &[usize], written: usize) -> bool {
        let &[x] = reads else { return false };
        let (inputs, outputs) = (self.inputs, self.dense.outputs());
        let last = self.step[0] * (self.count[0] - 1) + self.step[1] * (self.count[1] - 1);
        x >= quads(last + inputs)
            && written >= quads(windows_memory(inputs, outputs, self.step, self.count))
    }

    /// Computes the layer; `y` holds [`windows_memory`] features. What of an `x` or `y` is too short leaves
    /// outputs as they were.
    ///
    /// A kernel may rearrange `x` while it runs; afterwards `x` is as before.
    #[inline(always)]
    pub fn run(&self, x: &mut [Quad], y: &mut [Quad]) {
        debug_assert!(self.fits(&[x.len()], y.len()), "a tensor is too short");
        // Known when it is compiled.
        match (self.step[0] | self.step[1] | self.dense.outputs()) & 1 == 0 {
            true => self.steps::<true>(x, y),
            false => self.steps::<false>(x, y),
        }
    }

    /// Computes the layer, whose windows start and end on words if `WORDS` says so.
    #[inline(never)]
    fn steps<const WORDS: bool>(&self, x: &mut [Quad], y: &mut [Quad]) {
        let (inputs, outputs) = (self.inputs, self.dense.outputs());
        let all = quads(outputs * self.count[0] * self.count[1]);
        let Some((y, work)) = y.split_at_mut_checked(all) else { return };
        let window = if starts_whole(self.step, self.count) { 0 } else { quads(inputs) };
        let Some((window, result)) = work.split_at_mut_checked(window) else { return };
        let mut at = 0;
        for o in 0..self.count[0] {
            let first = o * self.step[0];
            let step = self.step[1];
            // A kernel reads whole quads: the last windows may not have them.
            let mut count = self.count[1];
            while count > 0 && first + (count - 1) * step + 4 * self.dense.quads() > 4 * x.len() {
                count -= 1;
            }
            let stretch = Stretch { first, step, count, at };
            let done = match count > 0 && self.dense.stretch::<WORDS>(x, y, &stretch) {
                true => count,
                false => 0,
            };
            at += outputs * done;
            for i in done..self.count[1] {
                let start = first + i * step;
                let x = match window.is_empty() {
                    true => x.get_mut(start / 4..).unwrap_or_default(),
                    false => {
                        copy(flat(x).get(start..).unwrap_or_default(), flat_mut(window), inputs);
                        &mut *window
                    }
                };
                if outputs.is_multiple_of(4) {
                    self.dense.run(x, y.get_mut(at / 4..).unwrap_or_default());
                } else {
                    self.dense.run(x, result);
                    copy(flat(result), flat_mut(y).get_mut(at..).unwrap_or_default(), outputs);
                }
                at += outputs;
            }
        }
    }
}

/// Copies the first `count` activations.
#[inline(always)]
fn copy(from: &[i16], to: &mut [i16], count: usize) {
    let count = count.min(from.len()).min(to.len());
    let (from, to) = (&from[..count], &mut to[..count]);
    let ((from, last_from), (to, last_to)) = (from.as_chunks::<4>(), to.as_chunks_mut::<4>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    last_to.iter_mut().zip(last_from).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::dense::layout::{self, Native};
    use crate::dense::case::Case;
    use crate::dense::{Dense8, dense_words8};
    use proptest::prelude::*;
    extern crate std;
    use std::vec::Vec;

    /// A layer's tables, an input for all windows, the steps and the counts.
    type Grid = (Case, Vec<i16>, [usize; 2], [usize; 2]);

    fn grids() -> impl Strategy<Value = Grid> {
        let shapes = (1_usize..40, 1_usize..11, [0_usize..30, 0..20], [1_usize..4, 1..6]);
        shapes.prop_flat_map(|(inputs, outputs, step, count)| {
            let reach = inputs + step[0] * (count[0] - 1) + step[1] * (count[1] - 1);
            let x = prop::collection::vec(any::<i16>(), reach);
            let weights = prop::collection::vec(-128_i16..128, inputs * outputs);
            let bias = prop::collection::vec(-1_000_000_i32..1_000_000, outputs);
            let multiplier = prop::collection::vec(0_i16.., outputs);
            (x, weights, bias, multiplier, any::<bool>()).prop_map(
                move |(x, weights, bias, multiplier, relu)| {
                    let window = x[..inputs].to_vec();
                    let case = Case { x: window, weights, bias, multiplier, shift: 3, relu };
                    (case, x, step, count)
                },
            )
        })
    }

    fn run(case: &Case, x: &[i16], step: [usize; 2], count: [usize; 2]) -> (Vec<i16>, Vec<i16>) {
        let (inputs, outputs) = (case.x.len(), case.bias.len());
        let weights: Vec<i8> = case.weights.iter().map(|&w| w as i8).collect();
        let mut stream = std::vec![0; dense_words8(inputs, outputs)];
        let Case { bias, multiplier, shift, .. } = case;
        layout::pack8::<Native>(&weights, bias, multiplier, *shift, &mut stream);
        let dense = Dense8::new(inputs, outputs, &stream, case.relu);
        let windows = Windows::new(inputs, dense, step, count);
        let mut all = Case { x: x.to_vec(), ..case.clone() }.quads();
        let mut y = std::vec![Quad([99; 4]); windows_memory(inputs, outputs, step, count) / 4];
        assert!(windows.fits(&[all.len()], y.len()) && !windows.fits(&[all.len()], y.len() - 1));
        windows.run(&mut all, &mut y);
        let outputs = outputs * count[0] * count[1];
        (flat(&all)[..x.len()].to_vec(), flat(&y)[..outputs].to_vec())
    }

    proptest! {
        /// Whatever the steps, each window gives what the layer gives for it alone, and the input stays.
        #[test]
        fn each_window_is_a_dense_layer((case, x, step, count) in grids()) {
            let (left, found) = run(&case, &x, step, count);
            prop_assert_eq!(&left, &x);
            let starts = (0..count[0]).flat_map(|o| (0..count[1]).map(move |i| o * step[0] + i * step[1]));
            let expected: Vec<i16> = starts
                .flat_map(|start| {
                    let window = x[start..start + case.x.len()].to_vec();
                    Case { x: window, ..case.clone() }.expected()
                })
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "too short")]
    fn short_tensors_are_refused() {
        let stream = [0; dense_words8(4, 4)];
        let windows = Windows::new(4, Dense8::new(4, 4, &stream, false), [0, 4], [1, 2]);
        windows.run(&mut [Quad::default()], &mut [Quad::default(); 2]);
    }
}
