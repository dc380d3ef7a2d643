//! From a trained network to one Rust module of proved fixed-point tables.
//!
//! ```text
//! trained file --import--> Graph (float, checked) --calibrate--> ranges --quantize--> Program (integers, proved)
//!                                                                                      |--emit--> one Rust module of tables
//!                                                                                      |--interpret (host, same kernels)
//!                                                                                      '--report (terminal, JSON, HTML)
//! ```
//!
//! [`Compiler`] is all of it in a row, for build scripts and programs; the command line, `nervecord-cli`, is
//! a thin layer over it.
//!
//! ```
//! use nervecord_codegen::Compiler;
//!
//! let compiled = Compiler::new("../models/policy/model.onnx")
//!     .calibration("../models/policy/calibration.csv")
//!     .build()?;
//! assert!(compiled.program.table_bytes() < 8192 && compiled.program.ram_bytes() < 512);
//! assert!(compiled.module().contains("pub mod policy {"));
//! # Ok::<(), nervecord_codegen::Error>(())
//! ```

pub mod calibrate;
pub mod circuit;
pub mod cleanup;
pub mod compiler;
pub mod data;
pub mod draw_kan;
pub mod emit;
pub mod error;

pub mod graph;
pub mod import;
pub mod input;
pub mod inspect;
pub mod interpret;

pub mod options;
pub mod output;
pub mod parallel;
pub mod program;
pub mod quantize;
pub mod reference;
pub mod report;
mod sample;
pub mod settings;
pub mod simplify;

pub mod split;
pub mod text;
pub mod verify;

pub use compiler::{Compiled, Compiler};
pub use error::{Error, Result};
