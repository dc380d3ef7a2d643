//! The user's own Rust: its cargo, and where its compiler is.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use nervecord_codegen::Result;

use super::process;

/// The cargo that runs us, or the one on PATH.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The folder of the user's compiler.
pub fn sysroot() -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = process::run(
        "the Rust compiler does not answer",
        Command::new(rustc).args(["--print", "sysroot"]),
    )?;
    Ok(PathBuf::from(String::from_utf8_lossy(&output).trim()))
}
