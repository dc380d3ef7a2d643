//! A build script as a firmware project has it: the module lands in `OUT_DIR` for `include!`. Beside it
//! go modules of random networks, for `tests/drawn.rs`.

// What the tests use of these is more than is needed here.
#[allow(dead_code)]
#[path = "src/built.rs"]
mod built;
#[allow(dead_code, unused_imports)]
#[path = "src/drawn/mod.rs"]
mod drawn;
#[allow(dead_code)]
#[path = "src/network.rs"]
mod network;
#[allow(dead_code)]
#[path = "src/random.rs"]
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use nervecord_codegen::{Error, Result};

/// Seeds of the networks whose modules are built.
const SEEDS: std::ops::Range<u64> = 0..27;

fn main() {
    let compiled = nervecord_codegen::Compiler::new("../models/policy/model.onnx")
        .calibration("../models/policy/calibration.csv")
        .compile();
    if let Err(error) = compiled.and_then(|()| modules()) {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}

/// Writes those of the networks that can be compiled, and a list of their checks.
fn modules() -> Result<()> {
    println!("cargo::rerun-if-changed=src");
    let (mut text, mut names) = (String::new(), Vec::new());
    for seed in SEEDS {
        let drawn = drawn::draw(seed)?;
        // A panic is for the test to tell, which judges the same networks.
        let compile = || network::compile(drawn.graph, drawn.weights, &drawn.rows);
        let Ok(Ok(compiled)) = catch_unwind(AssertUnwindSafe(compile)) else { continue };
        let name = format!("drawn_{seed}");
        text += &built::checked(&name, &compiled, &drawn.fresh[..20]);
        names.push(format!("{name}::check"));
    }
    text += &format!("static DRAWN: &[fn()] = &[{}];\n", names.join(", "));
    let path = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("drawn.rs");
    std::fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
}
