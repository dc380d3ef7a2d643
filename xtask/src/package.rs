//! `cargo xtask package`: the crates that can be published, packed as a registry would get them, unpacked in an empty
//! folder and built there; the library's example compiles a model. Needs no network beyond what the workspace's build
//! has fetched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nervecord_codegen::{Error, Result};

use crate::checkout::{cargo_path, output, root, say};

/// The packages with their folders, those first that others stand on.
const PACKAGES: [(&str, &str); 3] =
    [("nervecord", "runtime"), ("nervecord-codegen", "codegen"), ("nervecord-cli", "cli")];

/// Files of the checkout's root that every package holds.
const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// What a registry shows of a package.
const SHOWN: [&str; 7] =
    ["description", "license", "readme", "keywords", "categories", "rust-version", "metadata"];

/// Packs, unpacks, builds, and runs the example.
///
/// # Errors
/// A package lacks something, or does not build by itself.
pub fn package() -> Result<()> {
    // The checkout's own, so that what others have written is not built again.
    let target = std::path::absolute(root().join("target"));
    let target = target.map_err(|e| Error::io("find", root(), &e))?;
    say("packing");
    let mut cargo = cargo(root(), &target);
    // What is not committed yet is packed too: a person tries before committing.
    cargo.args(["package", "--no-verify", "--allow-dirty"]);
    for (name, _) in PACKAGES {
        cargo.args(["--package", name]);
    }
    run(&mut cargo)?;
    let folder = target.join("unpacked");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| Error::io("empty", &folder, &e))?;
    }
    fs::create_dir_all(&folder).map_err(|e| Error::io("create", &folder, &e))?;
    let mut unpacked = Vec::new();
    for (name, source) in PACKAGES {
        let place = unpack(&target, name, &folder)?;
        check(name, &root().join(source), &place)?;
        unpacked.push((name, place));
    }
    let library = &unpacked[1].1;
    example(&library.join("example"), &folder.join("example"))?;
    workspace(&folder, &unpacked)?;
    say("building what was unpacked");
    run(cargo_in(&folder, &target).arg("build").arg("--workspace"))?;
    say("running the example");
    run(cargo_in(&folder, &target).args(["run", "--package", "nervecord-example"]))?;
    alone(&folder, &target)
}

/// The program outside a checkout: it works, and where it needs one it says so.
fn alone(folder: &Path, target: &Path) -> Result<()> {
    let program = target.join("debug").join(format!("nervecord{}", std::env::consts::EXE_SUFFIX));
    let call = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(folder.join("example")).env_remove("NERVECORD_BOARDS");
        output(&mut command)
    };
    let inspected = call(&["inspect", "policy.onnx"])?;
    let emulate =
        ["emulate", "policy.onnx", "--calibration", "inputs.csv", "--board", "qemu-cortex-m4"];
    for refused in [&emulate[..], &["demo"]] {
        let output = call(refused)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !said.contains("a checkout of nervecord") {
            return Err(Error::new("a command does not say that it needs a checkout")
                .at(format!("nervecord {}", refused.join(" ")))
                .found(said));
        }
    }
    match inspected.status.success() {
        true => Ok(()),
        false => Err(Error::new("the program does not work outside a checkout")
            .at("nervecord inspect policy.onnx")
            .found(String::from_utf8_lossy(&inspected.stderr))),
    }
}

/// Takes a package apart; its folder.
fn unpack(target: &Path, name: &str, folder: &Path) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let archive = target.join("package").join(format!("{name}-{version}.crate"));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder))?;
    Ok(folder.join(format!("{name}-{version}")))
}

/// Refuses a package without what a registry shows, or with another licence than the checkout's.
fn check(name: &str, source: &Path, place: &Path) -> Result<()> {
    for file in LICENCES {
        let (ours, theirs) = (read(&root().join(file))?, read(&place.join(file))?);
        if ours != theirs {
            return Err(Error::new("a package has another licence text than the checkout")
                .file(source.join(file))
                .help(format!("make it a link to ../{file}")));
        }
    }
    let text = String::from_utf8_lossy(&read(&place.join("Cargo.toml"))?).into_owned();
    let manifest: toml::Table = toml::from_str(&text).map_err(|error| {
        Error::new("a manifest cannot be read").file(place.join("Cargo.toml")).found(error)
    })?;
    let package = manifest.get("package").and_then(toml::Value::as_table);
    for key in SHOWN {
        if package.is_none_or(|package| !package.contains_key(key)) {
            return Err(Error::new("a package lacks what a registry shows")
                .file(source.join("Cargo.toml"))
                .at(key)
                .help(format!("say it in [package] of {name}")));
        }
    }
    read(&place.join("README.md")).map(drop)
}

/// The library's example as a package of its own, with the manifest that its page shows.
fn example(from: &Path, to: &Path) -> Result<()> {
    let page = String::from_utf8_lossy(&read(&from.join("README.md"))?).into_owned();
    let shown = page.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```"));
    let (manifest, _) = shown.ok_or_else(|| {
        Error::new("the example's page shows no manifest").file(from.join("README.md"))
    })?;
    let create = |e: &std::io::Error| Error::io("create", to, e);
    fs::create_dir_all(to.join("src")).map_err(|e| create(&e))?;
    for file in ["build.rs", "src/main.rs", "policy.onnx", "inputs.csv"] {
        fs::copy(from.join(file), to.join(file)).map_err(|e| Error::io("copy", from, &e))?;
    }
    fs::write(to.join("Cargo.toml"), manifest).map_err(|e| create(&e))
}

/// A workspace of the packages, each of which takes the others from beside it and all else in the versions that the
/// checkout has.
fn workspace(folder: &Path, unpacked: &[(&str, PathBuf)]) -> Result<()> {
    let mut text = String::from("[workspace]\nresolver = \"3\"\nmembers = [\"example\"");
    let name =
        |place: &PathBuf| place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    unpacked.iter().for_each(|(_, place)| text += &format!(", {:?}", name(place)));
    text += "]\n\n[profile.dev]\nopt-level = 1\n\n[patch.crates-io]\n";
    for (package, place) in unpacked {
        text += &format!("{package} = {{ path = {:?} }}\n", name(place));
    }
    let manifest = folder.join("Cargo.toml");
    fs::write(&manifest, text).map_err(|e| Error::io("write", &manifest, &e))?;
    let lock = folder.join("Cargo.lock");
    fs::copy(root().join("Cargo.lock"), &lock).map_err(|e| Error::io("write", &lock, &e))?;
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|e| Error::io("read", file, &e))
}

/// A cargo call that fetches nothing.
fn cargo(folder: &Path, target: &Path) -> Command {
    let mut cargo = Command::new(cargo_path());
    cargo.current_dir(folder).env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true");
    cargo
}

/// The same in another workspace, for which nothing is meant that cargo has set for a running task.
fn cargo_in(folder: &Path, target: &Path) -> Command {
    let mut cargo = cargo(folder, target);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs to the end and wants success.
fn run(command: &mut Command) -> Result<()> {
    let output = output(command)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Error::new("a package cannot be published as it is")
            .at(format!("{command:?}"))
            .found(String::from_utf8_lossy(&output.stderr))),
    }
}
