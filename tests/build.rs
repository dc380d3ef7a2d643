//! A build script as a firmware project has it: the module lands in `OUT_DIR` for `include!`. So do
//! modules of networks with dead parts, which are to build whatever the network.

use std::path::Path;

#[path = "src/dead.rs"]
mod dead;

fn main() {
    let made = nervecord_codegen::Compiler::new("../models/policy/model.onnx")
        .calibration("../models/policy/calibration.csv")
        .compile()
        .and_then(|()| write_dead());
    if let Err(error) = made {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}

fn write_dead() -> nervecord_codegen::Result<()> {
    println!("cargo::rerun-if-changed=src/dead.rs");
    let folder = std::env::var_os("OUT_DIR").unwrap_or_default();
    let path = Path::new(&folder).join("dead.rs");
    nervecord_codegen::data::write_atomic(&path, dead::modules()?.as_bytes())
}
