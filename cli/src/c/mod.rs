//! A network for C: one assembly file and one header.
//!
//! ```text
//! program --codegen--> crate for C --build--> the compiler's assembly --assembly--> policy.s
//!              '-----> policy.h                                                        |--build--> libpolicy.a
//!                                                                                      '--package--> a library for a build system
//! ```
//!
//! Stands on the library, and on the toolchains of `emulate`.

mod assembly;
mod build;
mod core;
mod library;
mod package;
mod spelling;

pub use self::core::{CORES, Core};
pub use library::{Library, check_name};
pub use package::{Package, files};
