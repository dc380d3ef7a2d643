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
//! `fixed` alone is on by default.
//! - `fixed`: the fixed-point numbers of the crate of that name as inputs and outputs; without, modules step on bare
//!   integers, and nothing is taken from other crates.
//! - `f32`: conversions between `f32` and the fixed-point formats, for hosts and for parts with an FPU.
//! - `control`: the control loop over embedded-hal, in `control`, polled or async: guard, adapters, frames on a
//!   serial link.
//! - `defmt`: log lines of the control loop through defmt.
//! - `dsp`: fails the build of an Armv8-M mainline core unless it has the kernels of the DSP extension.
//! - `sources`: the crate's own source files as constants, for `nervecord compile --c`.
//!
//! # Rooms
//! Each file says what it may use. From below: `arch` (what differs from core to core) and [`rounding`], one
//! file or folder a kind of layer, [`input`], [`limits`], [`integrity`] and the ports, `control`, and on top `generated` and `host`, which
//! only list what generated modules and the code generator name.
#![no_std]
#![deny(unsafe_code)]

mod arch;
#[cfg(feature = "control")]
pub mod control;
mod controller;
mod dense;
mod elementwise;
#[cfg(feature = "f32")]
mod float;
mod functions;
#[doc(hidden)]
pub mod generated;
mod head;
#[doc(hidden)]
pub mod host;
pub mod input;
pub mod integrity;
pub mod limits;
mod membrane;
mod ncap;
mod norm;
mod number;
mod port;
mod quotient;
mod rearrange;
mod recurrent;
mod reduce;
pub mod rounding;
mod rows;
mod spiking;
mod spline;
mod table;
mod tensor;

pub use arch::KERNEL;
pub use controller::{Controller, Ports, RawStep, Status};
#[cfg(feature = "fixed")]
pub use fixed;
#[cfg(feature = "f32")]
pub use float::FloatStep;
pub use generated::{FORMAT, require_format};
pub use head::argmax;
pub use input::{Counts, Reading, WrongLength};
pub use limits::{InputLimits, Limits, OutputLimits, Tolerance};
pub use number::{Format, Formats, Number};
pub use tensor::{Quad, Scratch};
