//! The checkout that every task works on: where it is, its boards, its cargo, and the word to who runs a task. Stands on
//! no other task.

use std::path::Path;

use nervecord_cli::emulate::Board;
use nervecord_codegen::Result;

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

/// The board of a name, or every board.
///
/// # Errors
/// There is none, or its description cannot be used.
pub fn boards(name: &str) -> Result<Vec<Board>> {
    if name == "all" { Board::all() } else { Ok(vec![Board::find(name)?]) }
}
