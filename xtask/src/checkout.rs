//! The checkout that every task works on: where it is, its boards, its cargo, and the word to who runs a task. Stands on
//! no other task.

use std::path::{Path, PathBuf};
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

/// Builds the command line as it is released; where it is.
///
/// # Errors
/// It cannot be built.
pub fn released() -> Result<PathBuf> {
    let mut cargo = Command::new(cargo_path());
    cargo.current_dir(root()).args(["build", "--quiet", "--release", "--package", "nervecord-cli"]);
    let built = output(cargo.args(["--bin", "nervecord", "--message-format", "json"]))?;
    let text = String::from_utf8_lossy(&built.stdout);
    executable(&text).ok_or_else(|| {
        Error::new("nervecord cannot be built")
            .at(format!("{cargo:?}"))
            .found(String::from_utf8_lossy(&built.stderr))
    })
}

/// The program that cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    let message = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let named = |message: serde_json::Value| message["executable"].as_str().map(PathBuf::from);
    messages.lines().filter_map(message).find_map(named)
}

/// The board of a name, or every board.
///
/// # Errors
/// There is none, or its description cannot be used.
pub fn boards(name: &str) -> Result<Vec<Board>> {
    if name == "all" { Board::all() } else { Ok(vec![Board::find(name)?]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_a_program_is() {
        let messages =
            "{\"reason\":\"a\",\"executable\":null}\nno json\n{\"executable\":\"/a/b\"}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("/a/b")));
        assert_eq!(executable(""), None);
    }
}
