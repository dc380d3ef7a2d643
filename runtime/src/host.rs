//! What the code generator needs on the host beside [`generated`](crate::generated): it runs a program
//! through the same kernels, and packs tables at run time that a generated module packs in constants.
//!
//! Firmware never names this, and its names may change with any version. This file re-exports and
//! fixes layouts to the host's own; it may name every room of the crate, and none may name it.

pub use crate::arch::memory::{flat, flat_mut};
pub use crate::dense::{dense_words4, dense_words8, dense_words16, lazy_memory, windows_memory};
pub use crate::head::argmax;
pub use crate::input::Fit;
pub use crate::membrane::membrane_work;
pub use crate::port::{fill_limits16, fill_limits32};
pub use crate::rows::rows_memory;
pub use crate::spiking::spiking_work;
pub use crate::tensor::quads;

use crate::arch::dense::layout::{self, Native};
use crate::arch::spline::tables;
use crate::spline::SplineShape;

/// The files of this crate, by their paths in its folder: what `cargo` builds it of, with no other crate, where the
/// feature `fixed` is off.
#[cfg(feature = "sources")]
pub const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The stream of a dense layer of weights of 4 bits, row by row, for the host's kernel.
///
/// # Panics
/// If the tables' lengths do not belong together, or a weight is not in `-8..=7`.
pub fn pack_dense4(
    weights: &[i8],
    bias: &[i32],
    multiplier: &[i16],
    shift: u8,
    stream: &mut [u32],
) {
    layout::pack4::<Native>(weights, bias, multiplier, shift, stream);
}

/// The stream of a dense layer of i8 weights, row by row, for the host's kernel.
///
/// # Panics
/// If the tables' lengths do not belong together.
pub fn pack_dense8(
    weights: &[i8],
    bias: &[i32],
    multiplier: &[i16],
    shift: u8,
    stream: &mut [u32],
) {
    layout::pack8::<Native>(weights, bias, multiplier, shift, stream);
}

/// The stream of a dense layer of i16 weights, row by row, for the host's kernel.
///
/// # Panics
/// If the tables' lengths do not belong together.
pub fn pack_dense16(
    weights: &[i16],
    bias: &[i32],
    multiplier: &[i16],
    shift: u8,
    stream: &mut [u32],
) {
    layout::pack16::<Native>(weights, bias, multiplier, shift, stream);
}

/// The stream of a spline layer of i8 coefficients `[input][output][interval + 3]` for the host's
/// kernel; factors of the base function, if it has one, are `[input / 4][output][input % 4]`.
///
/// # Panics
/// If the tables' lengths do not belong together.
pub fn pack_spline8(
    shape: &SplineShape,
    coefficients: &[i8],
    factors: &[i8],
    bias: &[i32],
    multiplier: &[i16],
    stream: &mut [u32],
) {
    tables::pack_spline8::<tables::Native>(shape, coefficients, factors, bias, multiplier, stream);
}

/// The stream of a spline layer of i16 coefficients for the host's kernel; tables are ordered as those
/// of [`pack_spline8`].
///
/// # Panics
/// If the tables' lengths do not belong together.
pub fn pack_spline16(
    shape: &SplineShape,
    coefficients: &[i16],
    factors: &[i16],
    bias: &[i32],
    multiplier: &[i16],
    stream: &mut [u32],
) {
    tables::pack_spline16::<tables::Native>(shape, coefficients, factors, bias, multiplier, stream);
}
