//! From a trained network to one Rust module of proved fixed-point tables.
//!
//! ```text
//! trained file --import--> Graph (float, checked) --simplify, calibrate--> ranges --choose, quantize--> Program (integers, proved)
//!                                                                                      |--emit--> one Rust module of tables
//!                                                                                      |--interpret (host, same kernels)
//!                                                                                      '--report, verify (terminal, JSON, HTML)
//! ```
//!
//! Modules stand on one another in one direction, from the top:
//!
//! ```text
//! report   verify                                 what people are told; integers judged against float
//! certify   check   prove                         bounds for every input, and their check; properties decided on the integers
//! compiler                                        all phases in a row
//! emit   choose                                   a program as a Rust module; forms, widths and tables, tried
//! batch                                           many steps of a program at once
//! interpret   quantize                            a program on the host; one file a layer kind: lowering, kernel
//! calibrate   simplify   import                   values of tensors; exact rewrites; trained files
//! program                                         kernels as data: tables, kind, operands, memory, bounds
//! reference   graph                               the float network: layers, shapes, families, functions
//! settings   data   options   text   error        what is read, chosen and said
//! lanes                                           kernels of the host over many rows
//! ```
//!
//! [`Compiler`] is all of it in a row, for build scripts and programs; the command line, `nervecord-cli`, is
//! a thin layer over it.
//!
//! ```
//! use nervecord_codegen::Compiler;
//!
//! let compiled =
//!     Compiler::new("example/policy.onnx").calibration("example/inputs.csv").build()?;
//! assert!(compiled.program.table_bytes() < 8192 && compiled.program.ram_bytes() < 512);
//! assert!(compiled.module().contains("pub mod policy {"));
//! # Ok::<(), nervecord_codegen::Error>(())
//! ```

pub mod batch;
pub mod calibrate;
pub mod certify;
pub mod check;
pub mod choose;
pub mod cleanup;
pub mod compiler;
pub mod data;
pub mod emit;
pub mod error;
pub mod graph;
pub mod import;
pub mod input;
pub mod interpret;
pub mod lanes;
pub mod options;
pub mod output;
pub mod parallel;
pub mod program;
pub mod prove;
pub mod quantize;
pub mod reference;
pub mod report;
pub mod settings;
pub mod simplify;
pub mod text;
pub mod verify;

pub use compiler::{Compiled, Compiler};
pub use error::{Error, Kind, Result};
