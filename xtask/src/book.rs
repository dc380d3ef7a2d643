//! `cargo xtask book`: the pages of docs/ as a book. What makes it has crates of its own, apart from the workspace.

use std::process::Command;

use nervecord_cli::emulate::process;
use nervecord_codegen::{Error, Result};

use crate::checkout::{cargo_path, root, say};

/// Writes the book to target/book.
///
/// # Errors
/// A page cannot be read.
pub fn book() -> Result<()> {
    let mut cargo = Command::new(cargo_path());
    cargo.args(["run", "--quiet", "--locked", "--manifest-path"]);
    cargo.arg(root().join("xtask/book/Cargo.toml"));
    cargo.arg("--target-dir").arg(root().join("target/mdbook"));
    cargo.arg("--").arg(root().join("docs"));
    process::run("the book cannot be written", &mut cargo)?;
    let index = root().join("target/book/index.html");
    match index.is_file() {
        true => {
            say("the book: target/book/index.html");
            Ok(())
        }
        false => Err(Error::new("the book has no first page").file(index)),
    }
}
