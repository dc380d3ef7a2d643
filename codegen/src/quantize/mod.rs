//! From ranges and real weights to integers with proved bounds.
//!
//! Each layer kind has one file here with its lowering and its [`Kernel`](crate::program::Kernel): tables, kind and
//! operands as data, and how the host runs them. They stand on `lowering`, which holds what they share: the storage
//! and the number format of each tensor. `lower` is the one place that knows them all.

mod cholesky;
mod dense;
mod elementwise;
mod format;
mod functions;
mod gates;
mod heads;
pub(crate) mod kan;
mod lattice;
mod lower;
mod lowering;
mod membrane;
mod memo;
mod moments;
mod ncap;
mod plan;
mod port;
mod precision;
mod quotient;
mod rearrange;
mod recurrent;
mod reduce;
mod refit;
mod rescale;
mod rows;
mod scale;
mod settle;
mod slopes;
mod spiking;
mod spread;
mod state;
mod table;

pub(crate) use self::lower::lower;
pub(crate) use self::memo::Known;
pub(crate) use self::precision::{Precision, has_width, narrowest};
pub(crate) use self::settle::Integers;
