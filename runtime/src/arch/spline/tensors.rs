//! How a layer's sums start and end where the kernel in between is another's. Stands on the layer.

use super::layer::{Coefficient, SplineLayer};
use super::tables::fold;
use crate::arch::dense::layout::Layout;
use crate::arch::memory::{flat_mut, words_mut};
use crate::rounding::requantize;
use crate::spline::shape::SplineShape;
use crate::tensor::{Quad, quads};

/// What a layer reads and writes, all of it long enough.
pub(super) struct Tensors<'t> {
    pub x: &'t [Quad],
    pub base: &'t [Quad],
    pub y: &'t mut [Quad],
    pub acc: &'t mut [i32],
}

impl<C: Coefficient> SplineLayer<'_, C> {
    /// The slices as the layer needs them, its sums started; none if one is too short.
    #[inline(always)]
    pub(super) fn start<'t>(
        &self,
        x: &'t [Quad],
        base: &'t [Quad],
        y: &'t mut [Quad],
    ) -> Option<Tensors<'t>> {
        let SplineShape { inputs, outputs, base: has_base, .. } = self.shape;
        let x = x.get(..quads(self.reads))?;
        let base = base.get(..if has_base { quads(inputs) } else { 0 })?;
        let (y, memory) = y.split_at_mut_checked(quads(outputs))?;
        let acc = words_mut(memory).get_mut(..outputs)?;
        acc.iter_mut().zip(self.stream).for_each(|(acc, &bias)| *acc = bias as i32);
        Some(Tensors { x, base, y, acc })
    }

    /// Requantizes the sums; `sum` is that of all weights whose offsets are not part of the bias.
    #[inline(always)]
    pub(super) fn finish<L: Layout>(&self, acc: &[i32], sum: i32, y: &mut [Quad]) {
        let (size, shift) = (size_of::<C>(), self.shape.shift as u32);
        let fold = fold::<L>(&self.shape, size);
        let offset = sum.wrapping_shl(8 * size as u32 - 1);
        let multiplier: &[i16] =
            elements(self.stream.get(self.sections.multiplier..).unwrap_or_default());
        let (fours, left) = acc.as_chunks::<4>();
        let (own, rest) = multiplier.as_chunks::<4>();
        for ((y, sums), multiplier) in y.iter_mut().zip(fours).zip(own) {
            let mut above = 0;
            for lane in (0..4).rev() {
                let sum = sums[lane];
                let own = match (lane + 1) % fold {
                    0 => sum,
                    _ => sum.wrapping_sub(above << (8 * size)).wrapping_sub(offset),
                };
                above = sum;
                y.0[lane] = requantize(own, multiplier[lane], shift);
            }
        }
        let own = if fours.len() < own.len() { own[fours.len()].as_slice() } else { rest };
        let places = flat_mut(y).get_mut(4 * fours.len()..).unwrap_or_default();
        for ((y, &sum), &multiplier) in places.iter_mut().zip(left).zip(own) {
            let own = if L::FOLD == 4 { sum.wrapping_sub(offset) } else { sum };
            *y = requantize(own, multiplier, shift);
        }
    }
}

/// Words as coefficients, or as multipliers.
#[inline(always)]
pub(super) fn elements<C: Coefficient>(words: &[u32]) -> &[C] {
    // SAFETY: `Coefficient` is i8 or i16: any bits are one, words are aligned for it, and the slice
    // covers the same bytes for as long.
    unsafe {
        core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words) / size_of::<C>())
    }
}
