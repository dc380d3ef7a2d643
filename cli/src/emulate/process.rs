//! Other programs: called without a terminal, and quoted when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use nervecord_codegen::cleanup::{self, Litter, Promise};
use nervecord_codegen::{Error, Result};

use crate::signals;

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Starts a program that does not outlive this one, if a signal ends it.
pub fn spawn(command: &mut Command) -> Result<(Child, Promise)> {
    signals::spawn(command).map_err(|error| not_started(command, &error))
}

/// Runs to the end; both streams are captured.
pub fn output(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, _promise) = spawn(command)?;
    child.wait_with_output().map_err(|error| not_started(command, &error))
}

fn not_started(command: &Command, error: &std::io::Error) -> Error {
    Error::new("a program cannot be started")
        .at(line(command))
        .expected("a program that runs")
        .found(error)
        .help("install it, or put it on PATH")
}

/// A folder in `place` for files that are not needed any more when this process ends.
pub fn temporary_folder(place: &Path) -> Result<(TempDir, Promise)> {
    let litter = |folder: &TempDir| Litter::Folder(folder.path().to_owned());
    let made = cleanup::promised(|| tempfile::tempdir_in(place), litter);
    made.map_err(|e| Error::io("create", place, &e))
}

/// Runs to the end and wants success; `action` is what did not work otherwise.
pub fn run(action: &str, command: &mut Command) -> Result<Vec<u8>> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Error::new(action)
        .at(line(command))
        .expected("an end without errors")
        .found(format!("{}\n{}", output.status, tail(&output.stderr)))
        .help("run the command by itself; `cargo xtask setup` installs what is missing"))
}

/// The end of what a program said, indented as errors are.
pub fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    if lines.is_empty() {
        return "           nothing".into();
    }
    let kept = &lines[lines.len().saturating_sub(20)..];
    kept.iter().map(|l| format!("           {l}")).collect::<Vec<_>>().join("\n")
}

/// Where a program is on PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether packages may be installed for everyone: Debian's installer is here and we are root.
pub fn may_install() -> bool {
    let root = || run("", Command::new("id").arg("-u")).is_ok_and(|id| id.trim_ascii() == b"0");
    find("apt-get").is_some() && root()
}

/// Whether a folder holds something.
pub fn has(folder: &Path, name: impl AsRef<Path>) -> bool {
    folder.join(name).exists()
}
