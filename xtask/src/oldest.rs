//! The runtime and the committed modules on the oldest compiler that the runtime says it builds with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nervecord_codegen::{Error, Result};

use crate::checkout::{output, root, say};

/// A target for every kernel in assembly.
const TARGETS: [&str; 5] = [
    "thumbv6m-none-eabi",
    "thumbv7m-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv8m.main-none-eabihf",
    "riscv32imac-unknown-none-elf",
];

/// Every feature but `dsp`, which refuses cores without that extension.
const FEATURES: &str = "f32,control,defmt";

/// Checks the runtime for every kind of core and the modules on the host, with all features that every core
/// has; says so where the compiler is not there.
///
/// # Errors
/// Something does not build, or cannot be read or written.
pub fn oldest() -> Result<()> {
    let version = version()?;
    let installed = rustup(&["target", "list", "--installed", "--toolchain", &version]);
    let installed = installed.unwrap_or_default();
    let missing: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| !installed.lines().any(|line| line == *target))
        .collect();
    if !missing.is_empty() {
        say(&format!(
            "not checked: the runtime on Rust {version}, its oldest. `rustup toolchain install {version} \
             --profile minimal --target {}` makes it so",
            missing.join(",")
        ));
        return Ok(());
    }
    let runtime = root().join("runtime/Cargo.toml");
    let of_runtime =
        |target| check(&version, &runtime, &["--features", FEATURES, "--target", target]);
    TARGETS.into_iter().try_for_each(of_runtime)?;
    check(&version, &modules()?, &[])
}

/// `rust-version` of the runtime.
fn version() -> Result<String> {
    let path = root().join("runtime/Cargo.toml");
    let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
    let version = text.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.map(|version| version.trim_matches('"').to_owned());
    version.ok_or_else(|| {
        Error::new("the runtime does not say its oldest compiler").at(path.display())
    })
}

/// What rustup says, if it can do what it is told.
fn rustup(arguments: &[&str]) -> Option<String> {
    let output = output(Command::new("rustup").args(arguments)).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Writes a package that includes every committed module, with the workspace's versions of what the runtime
/// depends on; returns its manifest.
fn modules() -> Result<PathBuf> {
    let folder = root().join("target/oldest/modules");
    let sources = folder.join("src");
    fs::create_dir_all(&sources).map_err(|e| Error::io("make", &sources, &e))?;
    let runtime = root().join("runtime");
    let manifest = format!(
        "[package]\nname = \"modules\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n\
         nervecord = {{ path = {runtime:?}, features = {:?} }}\n",
        FEATURES.split(',').collect::<Vec<_>>()
    );
    let mut library = String::from("#![no_std]\n");
    let models = root().join("models");
    let mut paths = Vec::new();
    for entry in fs::read_dir(&models).map_err(|e| Error::io("read", &models, &e))? {
        let folder = entry.map_err(|e| Error::io("read", &models, &e))?.path();
        if let Some(name) = folder.file_name() {
            paths.push(folder.join(Path::new(name).with_extension("rs")));
        }
    }
    paths.sort();
    for path in paths.iter().filter(|path| path.is_file()) {
        library += &format!("include!({path:?});\n");
    }
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&sources.join("lib.rs"), &library)?;
    let lock = root().join("Cargo.lock");
    let text = fs::read_to_string(&lock).map_err(|e| Error::io("read", &lock, &e))?;
    write(&folder.join("Cargo.lock"), &text)?;
    Ok(folder.join("Cargo.toml"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|e| Error::io("write", path, &e))
}

fn check(version: &str, manifest: &Path, arguments: &[&str]) -> Result<()> {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", version, "cargo", "check", "--quiet", "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(root().join("target/oldest"));
    cargo.args(arguments);
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.env_remove("CARGO_BUILD_TARGET").env_remove("RUSTC").env_remove("CARGO");
    let output = output(&mut cargo)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::new("the runtime or a module does not build with the oldest compiler")
            .at(format!("{cargo:?}"))
            .expected(format!("a build with Rust {version}"))
            .found(String::from_utf8_lossy(&output.stderr))
            .help("raise `rust-version` in runtime/Cargo.toml if the code needs a newer one")),
    }
}
