//! Hands the generated module and the machine's memory map to the firmware.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

fn main() {
    let out = PathBuf::from(wanted("OUT_DIR", "set by cargo"));
    let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");

    let module = PathBuf::from(wanted("NERVECORD_MODULE", "the path of a generated module"));
    copy(&module, &out.join("model.rs"));

    let board = wanted("NERVECORD_BOARD", "the name of a folder in boards/ that has a memory.x");
    copy(&boards.join(board).join("memory.x"), &out.join("memory.x"));

    println!("cargo::rustc-link-search={}", out.display());
    // riscv-rt's script leaves the memory map to the caller, cortex-m-rt's includes it by name.
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("riscv32") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
}

fn wanted(name: &str, what: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| {
        fail(&format!("set {name} to {what}, or let `cargo xtask emulate` build the firmware"))
    })
}

fn copy(from: &Path, to: &Path) {
    println!("cargo::rerun-if-changed={}", from.display());
    if let Err(error) = fs::copy(from, to) {
        fail(&format!("cannot copy {}: {error}", from.display()));
    }
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    process::exit(1)
}
