//! `cargo xtask supply`: what comes from others, by its licence, its source, its versions and its number.
//!
//! `cargo deny` looks at it where it is installed; what must hold everywhere is checked here, by the same `deny.toml`.
//! Stands on the checkout.

mod licence;
mod policy;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervecord_codegen::{Error, Result};

use self::policy::Policy;
use self::tree::{Crate, crates};
use crate::checkout::{cargo_path, output, root, say};

/// How many crates the runtime brings into firmware, by its features. A new one is a decision: change it here.
const RUNTIME: [(&str, usize); 4] =
    [("", 0), ("fixed", 8), ("control", 14), ("f32,control,defmt", 16)];
/// The crates that cargo builds firmware of: neither tests nor build scripts nor procedural macros.
const LINKED: [&str; 2] = ["--edges", "no-dev,no-build,no-proc-macro"];

/// Checks licences, sources, versions and numbers, and has `cargo deny` do so where it is installed; `advisories` asks
/// that for known faults as well, which takes a network.
///
/// # Errors
/// Something is not allowed; the message names it.
pub fn supply(advisories: bool) -> Result<()> {
    let policy = Policy::read()?;
    let own = crates(&root().join("Cargo.toml"), &["--workspace", "--all-features"])?;
    allowed(&own, &policy)?;
    let versions = versions(&own);
    let twice = |(name, versions): (&&str, &Vec<&str>)| {
        let left = versions.iter().filter(|version| !policy.skips(name, version));
        (left.count() > 1).then(|| format!("{name} {}", versions.join(", ")))
    };
    none_twice("the workspace", versions.iter().filter_map(twice).collect())?;
    let mut all = own.len();
    for manifest in boards()? {
        let found = crates(&manifest, &["--workspace"])?;
        allowed(&found, &policy)?;
        all += found.len();
    }
    say(&format!(
        "licences and sources: {all} crates of this workspace and the boards' are allowed"
    ));
    RUNTIME.into_iter().try_for_each(runtime)?;
    deny(advisories)
}

/// Holds that the runtime with `features` is made of as many crates as it was, each of them once.
fn runtime((features, expected): (&str, usize)) -> Result<()> {
    let manifest = root().join("runtime/Cargo.toml");
    let arguments = ["--package", "nervecord", "--no-default-features", "--features", features];
    let mut found = crates(&manifest, &[&arguments[..], &LINKED].concat())?;
    found.retain(|c| c.name != "nervecord");
    let twice = versions(&found).into_iter().filter(|(_, versions)| versions.len() > 1);
    none_twice("the runtime", twice.map(|(name, v)| format!("{name} {}", v.join(", "))).collect())?;
    let names: Vec<&str> = found.iter().map(|c| c.name.as_str()).collect();
    let with = if features.is_empty() { "no features" } else { features };
    if names.len() != expected {
        return Err(Error::new("the runtime is made of another number of crates than before")
            .at(format!("nervecord with {with}"))
            .expected(expected)
            .found(format!("{}: {}", names.len(), names.join(", ")))
            .help("leave the new one out; or, if it is worth it, change RUNTIME in xtask/src/supply/mod.rs"));
    }
    say(&format!("the runtime with {with}: {expected} crates, none twice"));
    Ok(())
}

/// Holds that each crate has an allowed licence and is from crates.io or this checkout.
fn allowed(crates: &BTreeSet<Crate>, policy: &Policy) -> Result<()> {
    let here = root().canonicalize().map_err(|e| Error::io("find", root(), &e))?;
    for Crate { name, version, source, licence } in crates {
        let refused = |what: &str| Error::new(what).at(format!("{name} {version}"));
        if !licence::is_allowed(licence, &policy.licences) {
            return Err(refused("a crate has a licence that is not allowed")
                .expected(policy.licences.join(", "))
                .found(if licence.is_empty() { "none" } else { licence })
                .help("do without it; or allow its licence in deny.toml"));
        }
        if let Some(source) = source.as_ref().filter(|source| !Path::new(source).starts_with(&here))
        {
            return Err(refused("a crate comes from elsewhere")
                .expected("crates.io, or this checkout")
                .found(source)
                .help("take a published version"));
        }
    }
    Ok(())
}

/// The versions of each crate.
fn versions(crates: &BTreeSet<Crate>) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    crates.iter().for_each(|c| versions.entry(&c.name).or_default().push(&c.version));
    versions
}

fn none_twice(of: &str, twice: Vec<String>) -> Result<()> {
    if twice.is_empty() {
        return Ok(());
    }
    Err(Error::new(format!("{of} has a crate in several versions"))
        .expected("one version of each")
        .found(twice.join("; "))
        .help("`cargo update` where that brings them together; else [bans] skip in deny.toml, if it is of the host alone"))
}

/// The manifests of the boards' workspaces: those with a lock file of their own.
fn boards() -> Result<Vec<PathBuf>> {
    let boards = root().join("boards");
    let entries = fs::read_dir(&boards).map_err(|e| Error::io("read", &boards, &e))?;
    let mut folders = vec![boards.clone()];
    for entry in entries {
        folders.push(entry.map_err(|e| Error::io("read", &boards, &e))?.path());
    }
    folders.sort();
    let locked = folders.into_iter().filter(|folder| folder.join("Cargo.lock").is_file());
    Ok(locked.map(|folder| folder.join("Cargo.toml")).collect())
}

/// Has `cargo deny` check, where it is installed.
fn deny(advisories: bool) -> Result<()> {
    let there = output(Command::new(cargo_path()).args(["deny", "--version"]))?.status.success();
    if !there {
        let install = "`cargo install --locked cargo-deny` has it";
        if advisories {
            return Err(Error::new("known faults cannot be looked up")
                .expected("cargo deny")
                .found("none")
                .help(install));
        }
        say(&format!(
            "cargo deny is not installed: what is above was checked without it; {install} look as well"
        ));
        return Ok(());
    }
    let mut deny = Command::new(cargo_path());
    deny.args(["deny", "check", "licenses", "bans", "sources"]).current_dir(root());
    if advisories {
        deny.arg("advisories");
    }
    let status = deny.stdin(Stdio::null()).status();
    match status.map_err(|e| Error::new("cargo deny cannot start").found(e))?.success() {
        true => Ok(()),
        false => Err(Error::new("cargo deny refuses something").help("it says above what")),
    }
}
