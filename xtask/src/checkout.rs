//! The checkout that every task works on: where it is, its boards, its cargo, and the word to who runs a task. Stands on
//! no other task.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use nervecord_cli::emulate::Board;
use nervecord_codegen::{Error, Result};

/// Tells what is going on, apart from the results.
pub fn say(message: &str) {
    eprintln!("{message}");
}

/// The cargo that runs us, or the one on PATH.
pub fn cargo_path() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs a command to its end, without input; what it said and whether it succeeded.
///
/// # Errors
/// It cannot start.
pub fn output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::new("a command cannot start").at(format!("{command:?}")).found(e))
}

/// The board of a name, or every board.
///
/// # Errors
/// There is none, or its description cannot be used.
pub fn boards(name: &str) -> Result<Vec<Board>> {
    if name == "all" { Board::all() } else { Ok(vec![Board::find(name)?]) }
}
