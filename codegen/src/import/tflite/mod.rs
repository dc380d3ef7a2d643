//! TensorFlow Lite files: float models, and integer ones whose weights are taken over as they are.
//!
//! A file is read as a flatbuffer (`buffer`), into the parts of its schema (`schema`); its operators are
//! written as those of ONNX (`ops`), whose importer makes the graph. Integer weights become their scale times the
//! integer, in double precision: rows of multiples of one number, which the quantizer recognises and leaves as they
//! are. Activations are real numbers, inputs and outputs in the units that their scales give them.
//!
//! Stands on the ONNX importer.

mod buffer;
mod constant;
mod ops;
mod schema;
mod translation;

pub use self::ops::SUPPORTED;

use std::path::Path;

use self::schema::Model;
use self::translation::Translation;
use super::file::read;
use super::onnx;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::settings::Settings;
use crate::text;

/// Reads the network in the file `path`, to be called `name`, and the digest of the file.
///
/// # Errors
/// The file is not a TensorFlow Lite model, is damaged, or computes something without a layer; or `settings` name inputs
/// or outputs that it does not have.
pub fn load(path: &Path, name: &str, settings: &Settings) -> Result<(Graph, String)> {
    let import = || {
        let bytes = read(path)?;
        let model = Model::parse(&bytes)?;
        let mut graph = Translation::new(&model);
        for operator in &model.operators {
            ops::translate(&mut graph, operator).map_err(|e| e.at(title(&graph, operator)))?;
        }
        onnx::import(&graph.finish()?, name, (path, &bytes), settings)
    };
    import().map_err(|e: Error| e.file(path))
}

/// What messages call an operator.
fn title(graph: &Translation, operator: &schema::Operator) -> String {
    let name = graph.output(operator, 0).map_or("operator", |tensor| &tensor.name);
    format!("node `{}` ({})", text::label(name), operator.kind)
}
