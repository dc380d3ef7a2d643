//! Valid files, tables, settings and command lines with small changes, and networks drawn at random, through
//! every phase of the compiler.
//!
//! ```text
//! seed, target, number --case--> files --exercise--> accepted, refused, or a finding
//!                                         worker: a process that may die, watched by `supervise`
//! ```
//!
//! `cargo xtask fuzz` is the front; the package in `libfuzzer/` has the same cases guided by coverage.

pub mod case;
pub mod command;
pub mod coverage;
pub mod exercise;
pub mod modules;
pub mod mutate;
pub mod outcome;
pub mod places;
mod proofs;
pub mod save;
pub mod supervise;
pub mod worker;
