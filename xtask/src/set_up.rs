//! `cargo xtask setup`: the targets and emulators that are missing.

use nervecord_cli::emulate::{Board, setup};
use nervecord_codegen::Result;

use crate::checkout::say;
use crate::parts;

/// Installs whatever any board is missing.
///
/// # Errors
/// Something cannot or may not be installed.
pub fn set_up() -> Result<()> {
    let parts = parts::Part::all()?;
    let targets = parts.iter().flat_map(parts::Part::targets).map(str::to_owned);
    let targets: Vec<String> = targets.collect();
    setup(&Board::all()?, &targets, &say)
}
