//! The command line of nervecord, as a library: the program is [`command::main`].
//!
//! ```text
//! command --> demo, emulate, project --> plants, nervecord_codegen
//! ```
//!
//! [`emulate`] runs generated modules on emulated cores, [`demo`] shows the bundled models with [`plants`] to control;
//! [`project`] makes a project of its own around a model;
//! [`command`] calls all three, as do the repository's own tasks and tests. Nothing of them is needed to compile a model: a
//! build script depends on `nervecord-codegen` alone.
//!
//! Stands on the library `nervecord-codegen`, whose phases it calls in their order.

pub mod c;
pub mod command;
pub mod demo;
pub mod emulate;
pub mod plants;
pub mod project;
pub mod signals;
