#![doc = include_str!("circuit.md")]
//!
//! Stands on the graph; `description` has what is read, built and drawn.

mod build;
mod check;
mod description;

use std::path::Path;

pub use self::build::build;
pub use self::description::{
    Circuit, GapJunction, Input, Kind, Neuron, Oscillator, Output, Sign, Synapse,
};
use super::file::read;
use crate::data::sha256;
use crate::error::{Error, Result};
use crate::graph::Graph;

/// Reads the circuit at `path`, and its digest.
///
/// # Errors
/// It cannot be read, or contradicts itself.
pub fn load(path: &Path, name: &str) -> Result<(Graph, String)> {
    let (circuit, sha256) = read_circuit(path)?;
    let graph = build(&circuit, name).map_err(|e| e.file(path))?;
    Ok((graph, sha256))
}

/// The circuit itself, and its digest.
pub(super) fn read_circuit(path: &Path) -> Result<(Circuit, String)> {
    let bytes = read(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        Error::new("the circuit is not text")
            .file(path)
            .expected("UTF-8")
            .found(e)
            .help("save the file as UTF-8")
    })?;
    let circuit = Circuit::parse(text).map_err(|e| e.file(path))?;
    Ok((circuit, sha256(&bytes)))
}
