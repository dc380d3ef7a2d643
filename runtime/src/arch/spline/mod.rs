//! Spline layers: their tables in memory, and their kernels.
//!
//! For every input, four neighbouring coefficients of each edge meet the input's four weights.

use crate::spline::{Grid, Shape};
use crate::tensor::Quad;
use core::marker::PhantomData;

#[cfg(nervecord_dsp)]
mod dsp;
#[cfg(nervecord_walk)]
#[cfg_attr(nervecord_kernel = "armv6m", path = "armv6m.rs")]
#[cfg_attr(any(nervecord_kernel = "armv7m", nervecord_kernel = "helium"), path = "armv7m.rs")]
#[cfg_attr(nervecord_kernel = "riscv", path = "riscv.rs")]
mod kernel;
#[cfg(nervecord_dsp)]
mod plan;
#[cfg(any(test, not(nervecord_assembly)))]
mod portable;
mod tables;
#[cfg(not(nervecord_dsp))]
mod tensors;
#[cfg(nervecord_walk)]
mod walk;

pub(crate) use tables::Sections;
pub use tables::{pack_spline8, pack_spline16};

/// The layout of splines on the core this crate is built for: that of its dense layers.
#[cfg(nervecord_assembly)]
pub type Native = super::Native;
/// The layout of splines on hosts, which take the coefficients one by one.
#[cfg(not(nervecord_assembly))]
pub type Native = super::layout::RowMajor;

/// A coefficient of a spline: i8 or i16.
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
pub(crate) struct Layer<'a, C> {
    #[cfg(not(nervecord_dsp))]
    shape: Shape,
    #[cfg(not(nervecord_dsp))]
    sections: Sections,
    /// Activations it may read.
    #[cfg(not(nervecord_dsp))]
    reads: usize,
    #[cfg(nervecord_dsp)]
    plan: plan::Plan,
    grids: &'a [Grid],
    stream: &'a [u32],
    coefficient: PhantomData<C>,
}

impl<'a, C: Coefficient> Layer<'a, C> {
    /// A layer over grids and a stream that belong to its shape.
    pub(crate) const fn new(shape: Shape, grids: &'a [Grid], stream: &'a [u32]) -> Self {
        assert!(stream.len() == Sections::new(&shape, size_of::<C>()).words);
        Self {
            #[cfg(not(nervecord_dsp))]
            shape,
            #[cfg(not(nervecord_dsp))]
            sections: Sections::new(&shape, size_of::<C>()),
            #[cfg(not(nervecord_dsp))]
            reads: reads(&shape, grids),
            #[cfg(nervecord_dsp)]
            plan: plan::Plan::new(&shape, grids, size_of::<C>()),
            grids,
            stream,
            coefficient: PhantomData,
        }
    }

    /// Computes the layer; a slice that is too short leaves outputs as they were.
    #[inline(always)]
    pub(crate) fn run(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        #[cfg(nervecord_dsp)]
        dsp::run(self, x, base, y);
        #[cfg(nervecord_walk)]
        walk::run(self, x, base, y);
        #[cfg(not(nervecord_assembly))]
        self.portable::<Native>(x, base, y);
    }
}

/// Whether one grid serves the first activations, or each input has its own.
const fn is_shared(grids: &[Grid]) -> bool {
    grids.len() == 1 && grids[0].input == 0
}

/// Activations a layer may read.
const fn reads(shape: &Shape, grids: &[Grid]) -> usize {
    if is_shared(grids) {
        return shape.inputs;
    }
    let (mut most, mut k) = (0, 0);
    while k < grids.len() {
        most = if grids[k].input > most { grids[k].input } else { most };
        k += 1;
    }
    most as usize + 1
}
