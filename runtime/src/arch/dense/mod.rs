//! Dense layers: their tables in memory, and a kernel a core.
//!
//! This file lists the rooms and uses none: `layout` and `shape` say what lies where, a kernel is a file
//! named after its core, `weight` has the one of this build. They stand on `memory`, `scalar` and the
//! rounding rule.

#[cfg(nervecord_assembly)]
mod assembly;
#[cfg(nervecord_kernel = "armv6m")]
#[path = "armv6m.rs"]
mod kernel;
#[cfg(nervecord_kernel = "armv7m")]
#[path = "armv7m.rs"]
mod kernel;
#[cfg(nervecord_kernel = "dsp")]
#[path = "dsp.rs"]
mod kernel;
#[cfg(nervecord_kernel = "helium")]
#[path = "helium.rs"]
mod kernel;
#[cfg(nervecord_kernel = "riscv")]
#[path = "riscv.rs"]
mod kernel;
#[cfg(nervecord_kernel = "sse2")]
#[path = "sse2.rs"]
mod kernel;
#[cfg_attr(not(test), allow(dead_code, reason = "a build has one layout, tests have all"))]
pub(crate) mod layout;
#[cfg(any(test, nervecord_kernel = "portable"))]
pub(crate) mod portable;
pub(crate) mod shape;
pub(crate) mod weight;
