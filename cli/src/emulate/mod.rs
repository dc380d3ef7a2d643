//! Generated modules on emulated cores: firmware is built, run under QEMU, and measured.
//!
//! ```text
//! module + board --firmware--> ELF --machine--> outputs, summary, executed addresses --measure--> Measured
//! ```
//!
//! [`emulate`] is all of it. [`setup`] gets what a machine is missing; nothing else installs.

mod board;
mod code;
mod cycles;
mod debian;
mod firmware;
mod link;
mod machine;
mod measure;
mod process;
mod toolchain;
mod trace;

pub use board::{Board, Qemu};
pub use firmware::{Firmware, Function, Kind};
pub use link::Link;
pub use machine::{Counting, Executed};
pub use measure::{Job, Measured, emulate};
pub use toolchain::{Toolchain, setup};

use std::path::PathBuf;

use nervecord_codegen::{Error, Result};

/// The folder of the boards: `NERVECORD_BOARDS`, else beside the sources this library was built from.
///
/// # Errors
/// There is no such folder.
pub fn boards_folder() -> Result<PathBuf> {
    let folder = std::env::var_os("NERVECORD_BOARDS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../boards")),
        PathBuf::from,
    );
    folder.canonicalize().map_err(|error| {
        Error::new("the folder of the emulated boards is not there")
            .file(&folder)
            .expected("the `boards` folder of a nervecord checkout")
            .found(error)
            .help("set NERVECORD_BOARDS to the `boards` folder of a nervecord checkout")
    })
}
