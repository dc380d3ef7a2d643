//! Compiles networks A to E and K as modules in `OUT_DIR`.

use std::path::PathBuf;
use std::{env, fs};

use nervecord_codegen::options::Weights;
use nervecord_codegen::{Error, Result};
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::shapes::SHAPES;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = write() {
        println!("cargo::error={}", error.to_string().replace('\n', "; "));
    }
}

fn write() -> Result<()> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    for shape in &SHAPES {
        let rows = Random::new(7).rows(32, shape.widths[0]);
        let compiled = network::compile(shape.graph()?, Weights::I8, &rows)?;
        let path = folder.join(format!("{}.rs", compiled.program.name));
        fs::write(&path, compiled.module()).map_err(|e| Error::io("write", &path, &e))?;
    }
    Ok(())
}
