//! Build script of the boards: the linker gets the board's memory map and the two scripts.

use std::env;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-search={folder}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    // cortex-m-rt's script includes memory.x by itself; riscv-rt's leaves the map to the caller.
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("riscv32") {
        println!("cargo::rerun-if-changed=riscv.x");
        println!("cargo::rustc-link-arg-bins=-Triscv.x");
    } else {
        println!("cargo::rerun-if-changed=memory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
}
