//! `cargo xtask book`: the pages of docs/ as a book. What makes it has crates of its own, apart from the workspace.

use std::fs;
use std::path::Path;
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
    link_to_checkout(&root().join("target/book"))?;
    match index.is_file() {
        true => {
            say("the book: target/book/index.html");
            Ok(())
        }
        false => Err(Error::new("the book has no first page").file(index)),
    }
}

/// Has links that leave the book lead to the files of the checkout: mdBook takes every page for one of its own.
fn link_to_checkout(book: &Path) -> Result<()> {
    let entries = fs::read_dir(book).map_err(|e| Error::io("read", book, &e))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.extension().is_none_or(|ending| ending != "html") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|e| Error::io("read", &path, &e))?;
        let mut parts = text.split("href=\"../");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (link, rest) = part.split_once('"').unwrap_or((part, ""));
            // A page that is taken from another folder names the book's own pages from there.
            out += &match link.strip_prefix("../docs/") {
                Some(page) => format!("href=\"{page}\"{rest}"),
                None => format!("href=\"../../{}\"{rest}", link.replace(".html", ".md")),
            };
        }
        fs::write(&path, out).map_err(|e| Error::io("write", &path, &e))?;
    }
    Ok(())
}
