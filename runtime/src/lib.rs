//! Integer inference for small trained networks: the same bits on every core.
//!
//! The module that `nervecord compile` generates from a trained file holds tables and calls the
//! kernels here; see [`Controller`] for how firmware uses it. Nothing here allocates, panics or
//! touches a float (the `f32` feature adds conversions at the edge, outside the inference path).
//!
//! # Numbers
//! Activations are `i16`: a tensor has one real scale, and value = integer * scale. Weights are `i8`
//! or `i16`, symmetric, with a scale an output row; biases and accumulators are `i32`, and the code
//! generator has proved from the actual integers that no partial sum, in any order, leaves `i32`.
//! There is one rounding rule, [`rounding::requantize`]:
//!
//! ```
//! use nervecord::rounding::requantize;
//!
//! // An accumulator of 3000 units of 1/4096 as activations of 1/256: 187.5, which rounds up. The
//! // factor is 16384 / 2^(16+2); the half, 2^(15+2) / 16384, is in the bias already.
//! let (multiplier, shift, half) = (16384, 2, 8);
//! assert_eq!(requantize(3000 + half, multiplier, shift), 188);
//! assert_eq!(requantize(1 << 30, multiplier, shift), i16::MAX); // saturates, never wraps
//! ```
//!
//! # Layout
//! Tensors are slices of [`Quad`]s, four activations each, so that every kernel may load aligned
//! words and never needs a remainder loop over inputs. Features past the end are multiplied by
//! zero weights and may hold anything.
//!
//! # Features
//! None is on by default.
//! - `f32`: conversions between `f32` and the fixed-point formats, for hosts and for parts with an FPU.
//! - `control`: the control loop over embedded-hal, in `control`: guard, adapters, frames on a serial link.
//! - `defmt`: log lines of the control loop through defmt.
//! - `dsp`: fails the build of an Armv8-M mainline core unless it has the kernels of the DSP extension.
#![no_std]
#![deny(unsafe_code)]

mod arch;
#[cfg(feature = "control")]
pub mod control;
pub mod controller;
pub mod dense;
pub mod elementwise;
#[cfg(feature = "f32")]
mod float;
mod functions;
#[doc(hidden)]
pub mod generated;
pub mod head;
#[doc(hidden)]
pub mod host;
pub mod input;
pub mod membrane;
pub mod ncap;
pub mod norm;
mod number;
pub mod port;
pub mod rounding;
pub mod spiking;
pub mod spline;
pub mod table;
pub mod tensor;

pub use arch::KERNEL;
pub use controller::{Controller, RawModel, RawStep, Status};
pub use fixed;
#[cfg(feature = "f32")]
pub use float::FloatStep;
pub use generated::{FORMAT, require_format};
pub use head::argmax;
pub use input::{Counts, Reading};
pub use number::Number;
pub use tensor::{Quad, Scratch};

// Paths that the code generator and its modules name until they name `generated` and `host`.
#[doc(hidden)]
pub mod edges {
    pub use crate::functions::Functions;
    pub use crate::spline::{
        SparseSpline as Sparse, SparseSpline8 as Sparse8, SparseSpline16 as Sparse16,
        SparseSplineTables as Tables,
    };
    pub use crate::table::FunctionRun as Run;
}
#[doc(hidden)]
pub mod sparse {
    pub use crate::dense::{Finish, Lazy8, Lazy16, Pruned8, Pruned16, lazy_memory as memory};
}
