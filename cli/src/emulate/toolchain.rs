//! The compiler that builds firmware, and the emulators: found, or set up on request.
//!
//! The compiler is the user's own if its library for the target is installed, else a private copy
//! of Debian's (see [`super::debian`]). `NERVECORD_TOOLCHAIN=installed|debian` forces one.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::board::Board;
use super::firmware_kind::Kind;
use super::rust::{cargo, sysroot};
use super::{debian, process};
use nervecord_codegen::{Error, Result};

/// What builds firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The user's compiler, with the target's library from rustup or a distribution.
    Installed,
    /// A private copy of Debian's compiler in this folder, which builds the target's library itself.
    Debian(PathBuf),
}

/// A preference from the environment, where both kinds are there or neither.
#[derive(Clone, Copy, PartialEq)]
enum Preference {
    Any,
    Installed,
    Debian,
}

impl Toolchain {
    /// What can build for a target now.
    ///
    /// # Errors
    /// None can; the message says what sets it up.
    pub fn find(target: &str) -> Result<Self> {
        let preference = preference()?;
        if preference != Preference::Debian && installed(target)? {
            return Ok(Self::Installed);
        }
        match debian::find()? {
            Some(folder) if preference != Preference::Installed => Ok(Self::Debian(folder)),
            _ => Err(Error::new("no compiler is set up for the board")
                .expected(format!("Rust's core library for {target}"))
                .found("neither rustup's nor a private copy of Debian's compiler")
                .help("run `cargo xtask setup`")),
        }
    }

    /// A cargo call on a board's firmware, such as `build` or `clippy`, to be made in `boards/`.
    ///
    /// # Errors
    /// The linker cannot be found.
    pub fn cargo(&self, verb: &str, board: &Board, module: &Path, kind: Kind) -> Result<Command> {
        let mut cargo = cargo();
        cargo.args([verb, "--release", "--package", "nervecord-emulated"]);
        cargo.args(["--target", &board.target]);
        for feature in board.features.iter().map(String::as_str).chain(kind.feature()) {
            cargo.args(["--features", feature]);
        }
        cargo.env("NERVECORD_MODULE", module).env("NERVECORD_BOARD", &board.name);
        // The flags replace any the user set for their own programs.
        cargo.env_remove("RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
        let mut flags = board.rustflags.clone();
        // The compiler writes down what stack each function takes, in a section that is not loaded. The option is
        // not stable, and changes no code.
        flags.extend(["-Z", "emit-stack-sizes"].map(str::to_owned));
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")).env("RUSTC_BOOTSTRAP", "1");
        self.configure(&mut cargo)?;
        Ok(cargo)
    }

    /// Has any cargo call for the target use this toolchain.
    ///
    /// # Errors
    /// The linker cannot be found.
    pub fn configure(&self, cargo: &mut Command) -> Result<()> {
        match self {
            Self::Installed => Ok(()),
            Self::Debian(folder) => debian::configure(cargo, folder),
        }
    }
}

fn installed(target: &str) -> Result<bool> {
    Ok(sysroot()?.join("lib/rustlib").join(target).join("lib").is_dir())
}

fn preference() -> Result<Preference> {
    match env::var("NERVECORD_TOOLCHAIN").as_deref() {
        Err(_) | Ok("") => Ok(Preference::Any),
        Ok("installed") => Ok(Preference::Installed),
        Ok("debian") => Ok(Preference::Debian),
        Ok(other) => Err(Error::new("the environment asks for an unknown toolchain")
            .at("NERVECORD_TOOLCHAIN")
            .expected("`installed` or `debian`")
            .found(other)
            .help("unset it to take whichever is there")),
    }
}

/// Installs what is lacking: the targets of the boards and `others`, then the boards' emulators.
/// `say` hears every step.
///
/// # Errors
/// Something cannot or may not be installed; the message has the command for the user to run.
pub fn setup(boards: &[Board], others: &[String], say: &dyn Fn(&str)) -> Result<()> {
    let targets = boards.iter().map(|b| &b.target).chain(others);
    let targets: BTreeSet<&str> = targets.map(String::as_str).collect();
    set_up_targets(&targets, say)?;
    let emulators: BTreeSet<_> =
        boards.iter().map(|b| (b.qemu.command.as_str(), b.qemu.package.as_str())).collect();
    for (command, package) in emulators {
        set_up_program("emulator", command, package, say)?;
    }
    Ok(())
}

fn set_up_targets(targets: &BTreeSet<&str>, say: &dyn Fn(&str)) -> Result<()> {
    let preference = preference()?;
    let mut missing = Vec::new();
    for &target in targets {
        if preference == Preference::Debian || !installed(target)? {
            missing.push(target);
        }
    }
    if missing.is_empty() {
        say(&format!("targets: all {} are installed", targets.len()));
        return Ok(());
    }
    let by_rustup = format!("rustup target add {}", missing.join(" "));
    if preference != Preference::Debian {
        if process::find("rustup").is_some() {
            say(&format!("targets: installing with `{by_rustup}`"));
            let mut rustup = Command::new("rustup");
            match process::run("rustup failed", rustup.args(["target", "add"]).args(&missing)) {
                Ok(_) => return Ok(()),
                Err(error) => say(&format!("targets: {error}")),
            }
        }
        if preference == Preference::Installed {
            return Err(Error::new("the targets cannot be installed").help(by_rustup));
        }
    }
    match debian::find()? {
        Some(folder) => {
            say(&format!("targets: built by Debian's compiler in {}", folder.display()));
            Ok(())
        }
        None => debian::install(say)
            .map_err(|error| error.help(format!("where rustup can download, run `{by_rustup}`"))),
    }
}

/// Installs the Debian package of the program `command` if that is not there; `what` is what it is for us.
///
/// # Errors
/// It cannot or may not be installed; the message has the command for the user to run.
pub fn set_up_program(what: &str, command: &str, package: &str, say: &dyn Fn(&str)) -> Result<()> {
    if let Some(path) = process::find(command) {
        say(&format!("{what}: {}", path.display()));
        return Ok(());
    }
    install_package(what, package, say).map_err(|error| match process::may_install() {
        true => error,
        false => missing(what, command, package),
    })
}

/// Installs a Debian package; `what` is what it is for us.
///
/// # Errors
/// It cannot or may not be installed; the message has the command for the user to run.
pub fn install_package(what: &str, package: &str, say: &dyn Fn(&str)) -> Result<()> {
    let install = format!("apt-get install -y --no-install-recommends {package}");
    if !process::may_install() {
        return Err(Error::new(format!("the {what} is not installed"))
            .expected(format!("Debian's package {package}"))
            .help(format!("{}, or `cargo xtask setup` as root", by_apt(package))));
    }
    say(&format!("{what}: installing with `{install}`"));
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    let action = &format!("the {what} cannot be installed");
    let args = ["install", "-y", "--no-install-recommends", package];
    if process::run(action, apt().args(args)).is_err() {
        // A fresh image has no package lists, an old one stale lists.
        process::run("the package lists cannot be had", apt().arg("update"))?;
        process::run(action, apt().args(args)).map_err(|error| error.help(install))?;
    }
    Ok(())
}

/// What a user reads when QEMU is not there.
pub fn missing_emulator(command: &str, package: &str) -> Error {
    missing("emulator", command, package).help(format!(
        "{} (or `brew install qemu`), or `cargo xtask setup` as root",
        by_apt(package)
    ))
}

/// What a user reads when a program is not there.
fn missing(what: &str, command: &str, package: &str) -> Error {
    Error::new(format!("the {what} is not installed"))
        .expected(format!("{command} on PATH"))
        .help(format!("{}, or `cargo xtask setup` as root", by_apt(package)))
}

fn by_apt(package: &str) -> String {
    format!("run `sudo apt-get install -y {package}`")
}
