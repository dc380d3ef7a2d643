//! `cargo xtask fuzz`: builds the harness in `fuzz/` with every check on, and hands it its arguments.

use std::process::{Command, Stdio};

use nervecord_codegen::{Error, Result};

use crate::{cargo_path, root};

/// What CI runs: the same cases each time.
pub const IN_CI: &[&str] = &["--seconds", "20", "--seed", "1"];

/// Runs the harness; whether it found nothing.
///
/// # Errors
/// It cannot be built or started.
pub fn fuzz(arguments: &[String]) -> Result<bool> {
    let mut command = Command::new(cargo_path());
    command.args(["run", "--quiet", "--profile", "fuzz", "--package", "nervecord-fuzz", "--"]);
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    match command.status() {
        Ok(status) => Ok(status.success()),
        Err(error) => {
            Err(Error::new("a command cannot start").at(format!("{command:?}")).found(error))
        }
    }
}
