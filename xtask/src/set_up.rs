//! `cargo xtask setup`: the targets, the emulators, the compilers and the browser that are missing.

use nervecord_cli::c::CORES;
use nervecord_cli::emulate::{Board, set_up_program, setup};
use nervecord_codegen::Result;
use nervecord_tests::browser;

use crate::checkout::say;
use crate::{board, c, parts, python};

/// Installs whatever any board, or the test of the report, is missing.
///
/// # Errors
/// Something cannot or may not be installed.
pub fn set_up() -> Result<()> {
    let parts = parts::Part::all()?;
    let targets = parts.iter().flat_map(parts::Part::targets).map(str::to_owned);
    let targets: Vec<String> = targets.chain(CORES.map(|core| core.target.to_owned())).collect();
    setup(&Board::all()?, &targets, &say)?;
    c::set_up()?;
    python::set_up()?;
    board::set_up()?;
    match browser::find() {
        Some(path) => {
            say(&format!("browser: {}", path.display()));
            Ok(())
        }
        None => set_up_program("browser", browser::DEBIAN, browser::DEBIAN, &say),
    }
}
