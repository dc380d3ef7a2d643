//! `cargo xtask python`: the wheel of the Python package, and its tests in a virtual environment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervecord_cli::c::Core;
use nervecord_cli::emulate::{install_package, process, set_up_program, setup};
use nervecord_codegen::options::Cpu;
use nervecord_codegen::{Error, Result};

use crate::checkout::{released, root, say};

/// Tests with the packages that they need.
#[derive(Clone, Copy, PartialEq)]
pub enum Suite {
    /// Of the package itself.
    Own,
    /// Of models of the training frameworks, and of a cluster.
    Frameworks,
}

impl Suite {
    /// The environment, the packages in it, and the folder of the tests.
    fn names(self) -> [&'static str; 3] {
        match self {
            Self::Own => ["own", "requirements.txt", "tests"],
            Self::Frameworks => ["frameworks", "frameworks.txt", "tests/frameworks"],
        }
    }
}

/// Installs Python, and what makes environments, where they are missing.
///
/// # Errors
/// They cannot or may not be installed.
pub fn set_up() -> Result<()> {
    set_up_program("Python", "python3", "python3", &say)?;
    let able = process::run("", Command::new("python3").args(["-c", "import venv, ensurepip"]));
    match able {
        Ok(_) => Ok(()),
        Err(_) => install_package("maker of Python environments", "python3-venv", &say),
    }
}

/// The interpreter of an environment of its own in `place`, made if it is not there yet.
///
/// # Errors
/// What is missing cannot or may not be installed, or the environment cannot be made.
pub fn environment(place: &Path) -> Result<PathBuf> {
    set_up()?;
    let python = place.join("bin/python");
    if !python.is_file() {
        let action = "the Python environment cannot be made";
        process::run(action, Command::new("python3").args(["-m", "venv"]).arg(place))?;
    }
    Ok(python)
}

/// Builds the wheel, installs it with what the tests need, and runs them.
///
/// # Errors
/// A package cannot be had, the wheel cannot be built, or a test fails.
pub fn python(suite: Suite) -> Result<()> {
    // A test makes files for C.
    let core = Core::of(Cpu::CortexM4)?;
    setup(&[], &[core.target.to_owned()], &say)?;
    let [name, requirements, tests] = suite.names();
    let package = root().join("python");
    let place = root().join("target/python").join(name);
    let requirements = package.join("tests").join(requirements);
    let program = |name: &str| place.join("bin").join(name);
    let python = environment(&place)?;
    let text =
        fs::read_to_string(&requirements).map_err(|e| Error::io("read", &requirements, &e))?;
    let wanted: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    say(&format!("installing in target/python/{name}: {}", wanted.join(" ")));
    let pip = || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip
    };
    process::run(
        "the tests' packages cannot be had",
        pip().arg("--requirement").arg(&requirements),
    )?;
    let wheel = wheel(&program("maturin"), &package)?;
    process::run(
        "the wheel cannot be installed",
        pip().args(["--force-reinstall", "--no-deps"]).arg(wheel),
    )?;
    let mut test = Command::new(program("pytest"));
    test.args(["-q", "--color=auto", "--durations=5"]).arg(package.join(tests));
    test.env("NERVECORD", released()?).current_dir(&package).stdin(Stdio::null());
    // A bytecode cache in the checkout would be one more thing to ignore.
    test.env("PYTHONDONTWRITEBYTECODE", "1");
    match test.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new("a test of the Python package fails")
            .at(process::line(&test))
            .found(status)
            .help("the lines above say which")),
        Err(error) => Err(Error::new("the tests cannot be started").found(error)),
    }
}

/// Builds the wheel over the target folder of the checkout.
fn wheel(maturin: &Path, package: &Path) -> Result<PathBuf> {
    let place = root().join("target/python/wheels");
    // One of another version would be found as well.
    if place.is_dir() {
        fs::remove_dir_all(&place).map_err(|e| Error::io("remove", &place, &e))?;
    }
    say("building the wheel");
    let mut build = Command::new(maturin);
    build.args(["build", "--release", "--quiet", "--locked", "--out"]).arg(&place);
    build.env("CARGO_TARGET_DIR", root().join("target")).current_dir(package);
    process::run("the wheel cannot be built", &mut build)?;
    let entries = fs::read_dir(&place).map_err(|e| Error::io("read", &place, &e))?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .find(|path| path.extension() == Some(OsStr::new("whl")))
        .ok_or_else(|| Error::new("no wheel was built").at(place.display()).expected("a file .whl"))
}
