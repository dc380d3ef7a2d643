//! Spline layers: their tables in memory, and their kernels.
//!
//! For every input, four neighbouring coefficients of each edge meet the input's four weights. `tables`
//! says what lies where, `spread` where vectors want it, `layer` holds it; a kernel is a file named after
//! its core, `dispatch` has the one of this build. They stand on `memory`, the layouts of dense layers, the
//! rounding rule and the shapes of splines; this file lists them and uses none.

#[cfg(nervecord_dsp)]
mod call;
pub(crate) mod dispatch;
#[cfg(nervecord_dsp)]
mod dsp;
#[cfg(nervecord_kernel = "helium")]
mod helium;
#[cfg(nervecord_walk)]
#[cfg_attr(nervecord_kernel = "armv6m", path = "armv6m.rs")]
#[cfg_attr(any(nervecord_kernel = "armv7m", nervecord_kernel = "helium"), path = "armv7m.rs")]
#[cfg_attr(nervecord_kernel = "riscv", path = "riscv.rs")]
mod kernel;
pub(crate) mod layer;
#[cfg(nervecord_dsp)]
mod plan;
#[cfg(any(test, not(nervecord_assembly)))]
mod portable;
mod spread;
pub(crate) mod tables;
#[cfg(not(nervecord_dsp))]
mod tensors;
#[cfg(nervecord_walk)]
mod walk;
#[cfg(nervecord_walk)]
mod walking;
