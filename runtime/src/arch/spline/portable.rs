//! The kernel in plain Rust, for any layout: what every other one is tested against.
//!
//! Stands on `layer`, `tables` and `tensors`.

use super::layer::{Coefficient, SplineLayer};
use super::tables::{fold, is_shared};
use super::tensors::{Tensors, elements};
use crate::arch::dense::layout::Layout;
use crate::arch::memory::flat;
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
        let mut edges = Edges::<L, C> {
            blocks: part(shape.outputs),
            rest: part(sections.rest),
            count: shape.count(),
            layout: PhantomData,
        };
        for k in 0..shape.inputs {
            let shared = is_shared(grids);
            let Some(grid) = grids.get(if shared { 0 } else { k }) else { return };
            let Some(&x) = x.get(if shared { k } else { grid.input as usize }) else { return };
            let (start, weights) = shape.axis.locate(grid.coordinate(x));
            let weights = weights.map(i32::from);
            edges.add(acc, start, weights);
            sum += if shape.axis.tails { weights.iter().sum() } else { 0 };
        }
        let (blocks, rest) = (part(sections.factors), part(sections.rest_factors));
        let mut edges = Edges::<L, C> { blocks, rest, count: 4, layout: PhantomData };
        for quad in base {
            let weights = quad.0.map(|value| (value as i32) << shape.base_shift);
            edges.add(acc, 0, weights);
            sum = weights.iter().fold(sum, |sum, w| sum.wrapping_add(*w));
        }
        self.finish::<L>(acc, sum, y);
    }
}

/// The edges of the inputs to come.
struct Edges<'a, L, C> {
    blocks: &'a [C],
    rest: &'a [C],
    /// Coefficients of an edge.
    count: usize,
    layout: PhantomData<L>,
}

impl<L: Layout, C: Coefficient> Edges<'_, L, C> {
    /// Adds the edges from the next input to all outputs, folded as layout `L` says:
    /// `acc[o] += weights . edge[o][start..][..4]`.
    #[inline(always)]
    fn add(&mut self, acc: &mut [i32], start: usize, weights: [i32; 4]) {
        let (size, fold) = (size_of::<C>(), fold::<L>(size_of::<C>()));
        let (fours, left) = acc.as_chunks_mut::<4>();
        let (blocks, rest) = (fours.len() * 4 * self.count, left.len() * self.count);
        let edges = self.blocks.chunks_exact(4 * self.count);
        for (sums, edges) in fours.iter_mut().zip(edges) {
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
        for (sum, edge) in left.iter_mut().zip(self.rest.chunks_exact(self.count)) {
            for (&c, w) in edge.iter().skip(start).zip(weights) {
                let own = if L::FOLD == 4 { c.unsigned() } else { c.into() };
                *sum = sum.wrapping_add(own.wrapping_mul(w));
            }
        }
        self.blocks = self.blocks.get(blocks..).unwrap_or_default();
        self.rest = self.rest.get(rest..).unwrap_or_default();
    }
}
