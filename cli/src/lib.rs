//! The command line of nervecord, as a library: the program is [`command::main`].
//!
//! ```text
//! command --> demo, emulate --> nervecord_codegen
//! ```
//!
//! [`emulate`] runs generated modules on emulated cores, [`demo`] shows the bundled models; both are called by
//! [`command`], and by this repository's own tasks and tests. Nothing of them is needed to compile a model: a build
//! script depends on `nervecord-codegen` alone.

pub mod command;
pub mod demo;
pub mod emulate;
pub mod signals;
