//! Which kernel computes a layer on the core this crate is built for. Stands on all of the room.

#[cfg(nervecord_dsp)]
use super::call;
use super::layer::{Coefficient, SplineLayer};
#[cfg(not(nervecord_assembly))]
use super::tables::Native;
#[cfg(nervecord_walk)]
use super::walking;
use crate::tensor::Quad;

/// Computes a layer by the kernel of this build; a slice that is too short leaves outputs as they were.
///
/// Where each layer has its own kernel, calls are inlined, so that they name it: the stack of any other
/// could not be told.
#[cfg_attr(nervecord_kernel = "helium", inline(always))]
#[cfg_attr(not(nervecord_kernel = "helium"), inline(never))]
pub(crate) fn run<C: Coefficient>(
    layer: &SplineLayer<C>,
    x: &[Quad],
    base: &[Quad],
    y: &mut [Quad],
) {
    #[cfg(nervecord_dsp)]
    call::run(layer, x, base, y);
    #[cfg(nervecord_walk)]
    walking::run(layer, x, base, y);
    #[cfg(not(nervecord_assembly))]
    layer.portable::<Native>(x, base, y);
}
