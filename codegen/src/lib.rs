//! From a trained network to one Rust module of proved fixed-point tables.
//!
//! ```text
//! trained file --import--> Graph (float, checked) --calibrate--> ranges --quantize--> Program (integers, proved)
//!                                                                                      |--emit--> one Rust module of tables
//!                                                                                      |--interpret (host, same kernels)
//!                                                                                      '--report (terminal, JSON, HTML)
//! ```

pub mod emulate;
pub mod error;
pub mod expr;
pub mod graph;
pub mod import;

pub use error::{Error, Result};
