//! Generated modules on emulated cores: firmware is built, run under QEMU, and measured.
//!
//! ```text
//! module + board --firmware--> ELF --machine--> outputs, summary, executed addresses --measure--> Measured
//! ```
//!
//! [`emulate`] is all of it. [`setup`] gets what a machine is missing; nothing else installs.
//!
//! Stands on the library; `board` and `firmware` have what the others share.

mod board;
mod code;
mod cycles;
mod debian;
mod executed;
mod firmware;
mod firmware_kind;
mod link;
mod machine;
mod measure;
pub mod process;
mod reach;
pub mod rust;
mod toolchain;
mod trace;

pub use board::{Board, Qemu, boards_folder};
pub use executed::{Counting, Executed};
pub use firmware::{Firmware, Function, forbidden};
pub use firmware_kind::{Kind, Seed};
pub use link::{Link, PERIOD};
pub use machine::execute;
pub use measure::{Job, Measured, STEP, emulate, encode};
pub use reach::Reach;
pub use toolchain::{Toolchain, install_package, set_up_program, setup};
