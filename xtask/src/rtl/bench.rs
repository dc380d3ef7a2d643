//! The bench: its tools, the packages with the cores, and the program that Verilator makes of both. Stands on the cores.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nervecord_cli::emulate::{Board, process, set_up_program, setup};
use nervecord_codegen::{Error, Result};

use super::core::{Build, Core};
use crate::checkout::{root, say};
use crate::python;

/// What is needed beside Python, with the package that has it.
const TOOLS: [(&str, &str, &str); 3] = [
    ("Verilator", "verilator", "verilator"),
    ("C++ compiler", "g++", "g++"),
    ("make", "make", "make"),
];
/// The packages and their versions.
const REQUIREMENTS: &str = "requirements.txt";

/// Our own files of the bench.
fn sources() -> PathBuf {
    root().join("xtask/rtl")
}

/// Where the packages and the programs are.
fn folder() -> PathBuf {
    root().join("target/rtl")
}

/// Installs what is missing, the packages in `target/rtl` among it.
///
/// # Errors
/// Something cannot or may not be installed.
pub fn set_up(board: &Board) -> Result<()> {
    setup(std::slice::from_ref(board), &[], &say)?;
    for (what, command, package) in TOOLS {
        set_up_program(what, command, package, &say)?;
    }
    let (wanted, done) = (requirements()?, folder().join(REQUIREMENTS));
    if fs::read_to_string(&done).ok().as_deref() == Some(&wanted) {
        return Ok(());
    }
    say(&format!("cores: installing in target/rtl what xtask/rtl/{REQUIREMENTS} names"));
    let mut pip = Command::new(python::environment(&folder().join("python"))?);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    let wish = sources().join(REQUIREMENTS);
    process::run("the cores cannot be had", pip.arg("--requirement").arg(wish))?;
    // Only now, so that what was interrupted is done again.
    fs::write(&done, wanted).map_err(|e| Error::io("write", &done, &e))
}

fn requirements() -> Result<String> {
    let path = sources().join(REQUIREMENTS);
    fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))
}

/// The version of a core's package, and the commit of its maker's repository that it holds.
///
/// # Errors
/// The package does not say.
pub fn version(core: &Core) -> Result<(String, String)> {
    let wanted = requirements()?;
    let pinned =
        wanted.lines().find_map(|line| line.split_once("==").filter(|pin| pin.0 == core.package));
    let path = package(core)?.join("__init__.py");
    let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
    pinned.map(|pin| pin.1.to_owned()).zip(commit(&text)).ok_or_else(|| {
        Error::new("the version of a core is not known")
            .at(core.package)
            .file(&path)
            .expected(format!(
                "a line `data_git_hash = \"..\"`, and one `{}==..` in {REQUIREMENTS}",
                core.package
            ))
            .found("not both")
            .help("remove target/rtl and run it again")
    })
}

/// The commit in the description of a package, as short as people write it.
fn commit(description: &str) -> Option<String> {
    let rest = description.lines().find_map(|line| line.strip_prefix("data_git_hash = \""))?;
    let hash = rest.trim_end().strip_suffix('"')?;
    let hexadecimal = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hexadecimal && hash.len() >= 12).then(|| hash[..12].to_owned())
}

/// The version of Verilator.
///
/// # Errors
/// It does not run.
pub fn verilator() -> Result<String> {
    let mut verilator = Command::new("verilator");
    let said = process::run("Verilator does not run", verilator.arg("--version"))?;
    let said = String::from_utf8_lossy(&said);
    Ok(said.split(' ').nth(1).unwrap_or(said.trim()).to_owned())
}

/// The folder of an installed package.
fn package(core: &Core) -> Result<PathBuf> {
    let library = folder().join("python/lib");
    let entries = fs::read_dir(&library).map_err(|e| Error::io("read", &library, &e))?;
    let name = core.package.replace('-', "_");
    let mut places =
        entries.filter_map(|entry| Some(entry.ok()?.path().join("site-packages").join(&name)));
    places.find(|place| place.is_dir()).ok_or_else(|| {
        Error::new("the package of a core is not installed")
            .file(&library)
            .expected(format!("a folder python*/site-packages/{name}"))
            .found("none")
            .help("remove target/rtl and run it again")
    })
}

/// Makes the program of a core on the bench.
///
/// # Errors
/// The package is not there, or Verilator or the compiler refuses something.
pub fn build(core: &Core, build: &Build) -> Result<PathBuf> {
    let place = folder().join(build.name);
    let package = package(core)?;
    let mut verilator = Command::new("verilator");
    verilator.args(["--cc", "--exe", "--build", "--prefix", "Vbench", "--top-module", "bench"]);
    // Others' style is theirs; ours has only ports left open.
    verilator.args(["-O3", "-MAKEFLAGS", "OPT_FAST=-O2", "-Wno-fatal", "-Wno-lint", "-Wno-style"]);
    verilator.arg("--Mdir").arg(&place).args(["-o", "bench"]).args(build.defines);
    verilator.arg(format!("-I{}", sources().display()));
    verilator.args(core.sources.iter().map(|source| argument(source, &package)));
    verilator.arg(sources().join(format!("{}.sv", core.name))).arg(sources().join("main.cpp"));
    process::run("a core cannot be built", &mut verilator)?;
    Ok(place.join("bench"))
}

fn argument(source: &str, package: &Path) -> String {
    source.replace('@', &package.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::super::core::CORES;
    use super::*;

    #[test]
    fn commits_are_read_and_what_is_none_is_not() {
        let hash = "data_git_hash = \"5da1679f360b00ae330aab33cc8d79d73dfabb98\"\n";
        assert_eq!(
            commit(&format!("version_str = \"1\"\n{hash}")).as_deref(),
            Some("5da1679f360b")
        );
        for line in
            ["", "data_git_hash = \"\"", "data_git_hash = \"ümlaut-ümlaut\"", "data_git_hash = 1"]
        {
            assert_eq!(commit(line), None, "{line}");
        }
    }

    #[test]
    fn every_core_is_pinned_and_has_its_file_and_no_registry_is_named() {
        let wanted = requirements().unwrap();
        assert!(!wanted.contains("://"), "{wanted}");
        for core in &CORES {
            assert!(wanted.lines().any(|line| line.starts_with(&format!("{}==", core.package))));
            assert!(sources().join(format!("{}.sv", core.name)).is_file());
        }
    }
}
