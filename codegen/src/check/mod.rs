//! Certificates held against their files by an engine of its own: nothing here is the prover's but the formats of files and
//! what integers mean.
//!
//! ```text
//! claims   proofs                   a certificate, or a proof of properties, held against a model and a module, read back
//! files                             whether files are those that something was issued for
//! opinion                           all that is shown, in the order of claims
//! boxes   steps   sums              parts of a box; memory, step after step; accumulators
//! engine                            both networks over boxes of inputs; the integers alone
//! integer                           memory, step by step, beside the float network
//! formulas                          sums, functions, extremes
//! update   kernel                   states that gates write; kernels of several numbers
//! memory   lane   float             what steps read and write; a number of it; the float network
//! sweep                             a box through a tape: lines, substituted backwards
//! tape   relax                      variables and their rules; straight bounds of what is not straight
//! curve   line                      functions on cells; sums with known rounding
//! map   field   span                values and slopes of functions; intervals
//! ```

pub mod boxes;
pub mod claims;
mod curve;
pub mod engine;
mod field;
mod files;
mod float;
mod formulas;
mod integer;
mod kernel;
mod lane;
mod line;
mod map;
mod memory;
pub mod opinion;
pub mod proofs;
mod relax;
pub mod span;
pub mod steps;
mod sums;
pub mod sweep;
mod tape;
mod update;

pub use self::claims::{Files, check, follows};
