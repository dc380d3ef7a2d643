//! What the tests share: where the bundled models are, and models made on the spot.

pub mod browser;
pub mod built;
pub mod connectome;
pub mod dead;
pub mod drawn;
pub mod faults;
pub mod gated;
pub mod kinds;
pub mod link;
pub mod liquid;
pub mod long;
pub mod made;
pub mod network;
pub mod onnx;
pub mod random;
pub mod rltools;
pub mod seeds;

pub mod shapes;
pub mod state_dict;
pub mod tflite;
pub mod whole;
pub mod widths;

use std::path::PathBuf;

use nervecord_codegen::data::Data;
use nervecord_codegen::{Compiled, Compiler};

/// A file or folder of `models/`.
pub fn models(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models")).join(path)
}

/// A bundled model, compiled as its committed module was.
///
/// # Panics
/// The model does not compile.
pub fn bundled(name: &str) -> Compiled {
    let compiler =
        Compiler::new(models(name)).calibration(models(&format!("{name}/calibration.csv")));
    match compiler.build() {
        Ok(compiled) => compiled,
        Err(error) => panic!("{error}"),
    }
}

/// The inputs of a bundled model's test vectors.
///
/// # Panics
/// The vectors cannot be read.
pub fn vectors(compiled: &Compiled, name: &str) -> Vec<Vec<f64>> {
    let path = models(&format!("{name}/vectors.csv"));
    match Data::read(&path).and_then(|data| data.inputs(&compiled.graph, &path)) {
        Ok(rows) => rows,
        Err(error) => panic!("{error}"),
    }
}

/// The examples of the README, which compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// The examples of the book's pages, which compile.
#[cfg(doctest)]
pub mod book {
    #[doc = include_str!("../../docs/control-loop.md")]
    pub struct ControlLoop;
    #[doc = include_str!("../../docs/files.md")]
    pub struct Files;
    #[doc = include_str!("../../docs/rust-firmware.md")]
    pub struct RustFirmware;
}
