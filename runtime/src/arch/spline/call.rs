//! Spline layers on cores with the DSP extension, whose kernels do a whole layer a call. Stands on `layer`, `plan`
//! and the kernels.

use super::layer::{Coefficient, SplineLayer};
use super::plan::Operands;
use crate::tensor::Quad;

/// Computes a layer; a slice that is too short leaves outputs as they were.
#[inline(always)]
pub(super) fn run<C: Coefficient>(
    layer: &SplineLayer<C>,
    x: &[Quad],
    base: &[Quad],
    y: &mut [Quad],
) {
    let SplineLayer { plan, stream, grids, .. } = layer;
    let fits = x.len() * 4 >= plan.reads
        && base.len() >= plan.fours
        && y.len() * 8 >= plan.output_bytes + plan.pairs * 8;
    if fits {
        let operands = Operands {
            y: y.as_mut_ptr(),
            stream: stream.as_ptr(),
            x: x.as_ptr(),
            base: base.as_ptr(),
            grids: grids.as_ptr(),
        };
        #[cfg(nervecord_kernel = "helium")]
        let kernel = layer.kernel;
        #[cfg(not(nervecord_kernel = "helium"))]
        let kernel = super::dsp::kernel(size_of::<C>());
        // SAFETY: the kernel reads the stream and the grids, to which the plan belongs by
        // `SplineLayer::new`, `reads` activations and `fours` quads of values, and writes outputs and a pair
        // of sums a pair of outputs, all inside by the lines above; everything is aligned by type.
        unsafe { kernel(plan, &operands) }
    }
}
