//! Modules of random networks, built together as one program and run on the host.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nervecord_tests::built;
use nervecord_tests::drawn::draw;
use nervecord_tests::network;

use crate::case::network as network_seed;
use crate::outcome::{Outcome, Wrong, wrong};

/// Networks in a program.
const TOGETHER: u64 = 24;
/// Rows that each is run on, beside the extreme ones.
const ROWS: usize = 40;

/// Builds and runs the modules of a batch of networks.
///
/// # Errors
/// One does not build, or gives other integers or another status than the interpreter.
pub fn run(seed: u64, batch: u64) -> Result<Outcome, Wrong> {
    let folder = crate::places::target_folder().join("modules");
    let (mut text, mut calls) = (String::from("#![allow(dead_code)]\n"), String::new());
    for index in batch * TOGETHER..(batch + 1) * TOGETHER {
        let drawn =
            draw(network_seed(seed, index)).or_else(|error| wrong("harness", error.to_string()))?;
        // What cannot be compiled is for the target of networks to tell.
        let compile = || network::compile(drawn.graph, drawn.weights, &drawn.rows);
        let Ok(Ok(compiled)) = catch_unwind(AssertUnwindSafe(compile)) else { continue };
        text += &built::checked(&format!("network_{index}"), &compiled, &drawn.fresh[..ROWS]);
        calls += &format!("    network_{index}::check();\n");
    }
    text += &format!("fn main() {{\n{calls}}}\n");
    if write(&folder, &text).is_err() {
        return wrong("harness", format!("{} cannot be written", folder.display()));
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--offline"]).current_dir(&folder).stdin(Stdio::null());
    match command.env_remove("CARGO_TARGET_DIR").output() {
        Ok(output) if output.status.success() => Ok(Outcome::Accepted),
        Ok(output) => wrong(
            "module",
            String::from_utf8_lossy(&output.stderr).chars().take(2000).collect::<String>(),
        ),
        Err(error) => wrong("harness", error.to_string()),
    }
}

fn write(folder: &Path, program: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let runtime = root.join("runtime").canonicalize()?;
    let manifest = format!(
        "[package]\nname = \"modules\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         nervecord = {{ path = {runtime:?} }}\n\n[profile.dev]\nopt-level = 1\n\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    // The versions that the workspace has.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    fs::write(folder.join("src/main.rs"), program)
}
