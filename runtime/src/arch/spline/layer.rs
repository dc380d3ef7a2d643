//! A spline layer with what its kernel would otherwise compute in every step. Stands on the tables.

use core::marker::PhantomData;

#[cfg(nervecord_kernel = "helium")]
use super::plan::Kernel;
#[cfg(nervecord_dsp)]
use super::plan::Plan;
use super::tables::Sections;
#[cfg(not(nervecord_dsp))]
use super::tables::reads;
#[cfg(nervecord_kernel = "helium")]
use super::tables::{Native, is_shared};
#[cfg(nervecord_kernel = "helium")]
use super::{dsp, helium, spread::spreads};
use crate::spline::shape::{Grid, SplineShape};
use crate::tensor::quads;

/// A coefficient of a spline: i8 or i16. Its name is out of reach, so these are all there are.
pub trait Coefficient: Copy + Into<i32> + 'static {
    /// Its bits as a number that is not negative.
    fn unsigned(self) -> i32;
}

impl Coefficient for i8 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u8 as i32
    }
}

impl Coefficient for i16 {
    #[inline(always)]
    fn unsigned(self) -> i32 {
        self as u16 as i32
    }
}

/// A layer: what it is, and its tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplineLayer<'a, C> {
    #[cfg(not(nervecord_dsp))]
    pub(super) shape: SplineShape,
    #[cfg(not(nervecord_dsp))]
    pub(super) sections: Sections,
    /// Activations it may read.
    #[cfg(not(nervecord_dsp))]
    pub(super) reads: usize,
    #[cfg(nervecord_dsp)]
    pub(super) plan: Plan,
    #[cfg(nervecord_kernel = "helium")]
    pub(super) kernel: Kernel,
    pub(super) grids: &'a [Grid],
    pub(super) stream: &'a [u32],
    coefficient: PhantomData<C>,
}

impl<'a, C: Coefficient> SplineLayer<'a, C> {
    /// A layer over grids and a stream that belong to its shape.
    pub(crate) const fn new(shape: SplineShape, grids: &'a [Grid], stream: &'a [u32]) -> Self {
        assert!(stream.len() == Sections::new(&shape, size_of::<C>()).words);
        Self {
            #[cfg(not(nervecord_dsp))]
            shape,
            #[cfg(not(nervecord_dsp))]
            sections: Sections::new(&shape, size_of::<C>()),
            #[cfg(not(nervecord_dsp))]
            reads: reads(&shape, grids),
            #[cfg(nervecord_dsp)]
            plan: Plan::new(&shape, grids, size_of::<C>()),
            // A constant, so that firmware has the kernels of its layers and no other.
            #[cfg(nervecord_kernel = "helium")]
            kernel: match spreads::<Native>(&shape) {
                true => helium::kernel(&shape, !is_shared(grids), size_of::<C>()),
                false => dsp::kernel(size_of::<C>()),
            },
            grids,
            stream,
            coefficient: PhantomData,
        }
    }

    /// Whether all that a kernel reads and writes is in tensors of `x`, `base` and `y` quads.
    #[inline(always)]
    pub(crate) const fn fits(&self, x: usize, base: usize, y: usize) -> bool {
        #[cfg(nervecord_dsp)]
        let (reads, fours, outputs) = {
            let Plan { reads, fours, blocks, rest, .. } = self.plan;
            (reads, fours, 4 * blocks + rest)
        };
        #[cfg(not(nervecord_dsp))]
        let (reads, fours, outputs) = {
            let SplineShape { inputs, outputs, base, .. } = self.shape;
            (self.reads, if base { quads(inputs) } else { 0 }, outputs)
        };
        let memory = quads(SplineShape::memory(outputs));
        x >= quads(reads) && base >= fours && y >= memory
    }
}
