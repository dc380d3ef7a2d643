//! The kernel in plain Rust, for any layout: what every other one is tested against.
//!
//! Stands on `layer`, `tables`, `spread` and `tensors`.

use super::layer::{Coefficient, SplineLayer};
use super::spread::spreads;
use super::tables::{fold, is_shared, low_offset, place};
use super::tensors::{Tensors, elements};
use crate::arch::dense::layout::Layout;
use crate::arch::memory::flat;
use crate::spline::shape::SplineShape;
use crate::tensor::Quad;
use core::marker::PhantomData;

impl<C: Coefficient> SplineLayer<'_, C> {
    /// Computes the layer; a slice that is too short leaves outputs as they were.
    #[inline(always)]
    pub(crate) fn portable<L: Layout>(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Self { shape, sections, grids, stream, .. } = self;
        let part = |from: usize| elements::<C>(stream.get(from..).unwrap_or_default());
        let Some(Tensors { x, base, y, acc }) = self.start(x, base, y) else { return };
        let (x, mut sum) = (flat(x), 0);
        let edges = |blocks, rest, taps, values| Edges::<L, C> {
            blocks: part(blocks),
            rest: part(rest),
            taps,
            shape,
            values,
            layout: PhantomData,
        };
        let own = edges(shape.outputs, sections.rest, shape.count(), false);
        for k in 0..shape.inputs {
            let shared = is_shared(grids);
            let Some(grid) = grids.get(if shared { 0 } else { k }) else { return };
            let Some(&x) = x.get(if shared { k } else { grid.input as usize }) else { return };
            let (start, weights) = shape.axis.locate(grid.coordinate(x));
            let weights = weights.map(i32::from);
            own.add(acc, k, start, weights);
            sum += if shape.axis.tails { weights.iter().sum() } else { 0 };
        }
        let own = edges(sections.factors, sections.rest_factors, 4, true);
        let low = low_offset::<L>(shape, size_of::<C>());
        for (k, quad) in base.iter().enumerate() {
            let weights = quad.0.map(|value| (value as i32 - low) << shape.base_shift);
            own.add(acc, k, 0, weights);
            sum = weights.iter().fold(sum, |sum, w| sum.wrapping_add(*w));
        }
        self.finish::<L>(acc, sum, y);
    }
}

/// The coefficients of edges, or the factors of the base function.
struct Edges<'a, L, C> {
    blocks: &'a [C],
    rest: &'a [C],
    /// Coefficients of an edge, or values of a quad.
    taps: usize,
    shape: &'a SplineShape,
    values: bool,
    layout: PhantomData<L>,
}

impl<L: Layout, C: Coefficient> Edges<'_, L, C> {
    /// Adds the edges from an input to all outputs, folded as layout `L` says:
    /// `acc[o] += weights . edge[o][start..][..4]`.
    #[inline(always)]
    fn add(&self, acc: &mut [i32], input: usize, start: usize, weights: [i32; 4]) {
        if spreads::<L>(self.shape) {
            return self.add_spread(acc, input, start, weights);
        }
        let (size, fold) = (size_of::<C>(), fold::<L>(self.shape, size_of::<C>()));
        let (fours, left) = acc.as_chunks_mut::<4>();
        let (blocks, rest) = (fours.len() * 4 * self.taps, left.len() * self.taps);
        let blocks = self.blocks.get(input * blocks..).unwrap_or_default();
        let rest = self.rest.get(input * rest..).unwrap_or_default();
        for (sums, edges) in fours.iter_mut().zip(blocks.chunks_exact(4 * self.taps)) {
            let taps = edges.as_chunks::<4>().0.iter().skip(start);
            for (four, w) in taps.zip(weights) {
                let mut above = 0;
                for (lane, (sum, &c)) in sums.iter_mut().zip(four).enumerate().rev() {
                    let top = (lane + 1).is_multiple_of(fold);
                    let own = if top { c.into() } else { c.unsigned() + (above << (8 * size)) };
                    *sum = sum.wrapping_add(own.wrapping_mul(w));
                    above = own;
                }
            }
        }
        for (sum, edge) in left.iter_mut().zip(rest.chunks_exact(self.taps)) {
            for (&c, w) in edge.iter().skip(start).zip(weights) {
                let own = if L::FOLD == 4 { c.unsigned() } else { c.into() };
                *sum = sum.wrapping_add(own.wrapping_mul(w));
            }
        }
    }

    /// The same where weights are spread over lanes.
    #[inline(always)]
    fn add_spread(&self, acc: &mut [i32], input: usize, start: usize, weights: [i32; 4]) {
        let rows = acc.len();
        for (o, sum) in acc.iter_mut().enumerate() {
            let list = if o < rows / 4 * 4 { self.blocks } else { self.rest };
            for (tap, w) in (start..self.taps).zip(weights) {
                let (set, row) = ([input, self.taps, tap], [o, rows]);
                let at = place::<L>(self.shape, set, row, self.values, size_of::<C>());
                let own = list.get(at).map_or(0, |&c| c.into());
                *sum = sum.wrapping_add(own.wrapping_mul(w));
            }
        }
    }
}
