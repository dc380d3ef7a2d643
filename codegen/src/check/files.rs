//! Whether files are those that something was issued for. Stands on the names of a module's items.

use std::path::Path;

use crate::certify::certificate::{Item, items};
use crate::data::sha256;
use crate::error::{Error, Kind, Result};
use crate::import::{self, Source};
use crate::settings::Settings;

/// What was said of a module and the data it comes from.
pub struct Said<'a> {
    /// Digest of the module's text.
    pub module_sha256: &'a str,
    /// Digest of the calibration data.
    pub calibration_sha256: &'a str,
    /// The module's tables and constants.
    pub items: &'a [Item],
}

/// A line of a module's text behind its head.
pub fn after<'t>(text: &'t str, head: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(head))
}

/// A module that is not the one that something was issued for.
pub fn other_module(module: &Path, place: &str, expected: &str, found: &str) -> Error {
    Error::new("the module is not the one that this was issued for")
        .file(module)
        .at(place)
        .expected(expected)
        .found(found)
        .help("take the module that belongs to it, or issue it anew")
}

/// Refuses a module that is not the one that is meant: which of its items, or its calibration, is another.
///
/// # Errors
/// It is another module.
pub fn same_module(said: &Said, text: &str, module: &Path) -> Result<()> {
    let found = sha256(text.as_bytes());
    if found != said.module_sha256 {
        let (own, theirs) = (items(text), said.items);
        let changed = own
            .iter()
            .find(|item| !theirs.contains(item))
            .or_else(|| theirs.iter().find(|item| !own.contains(item)));
        let place =
            changed.map_or_else(|| "module_sha256".to_owned(), |item| format!("`{}`", item.name));
        return Err(other_module(module, &place, said.module_sha256, &found));
    }
    let data = after(text, "// calibration sha256 ").map(str::trim);
    match data.filter(|data| *data != said.calibration_sha256) {
        Some(data) => {
            Err(other_module(module, "calibration_sha256", said.calibration_sha256, data))
        }
        None => Ok(()),
    }
}

/// A trained model, if it is the one of this digest.
///
/// # Errors
/// It cannot be read, or is another.
pub fn same_model(said: &str, model: &Path, outputs: &[String]) -> Result<Source> {
    let settings = Settings::beside(model).map_err(|e| e.of_kind(Kind::Settings))?;
    let source = import::load_with(model, &settings.with_outputs(outputs));
    let source = source.map_err(|e| e.of_kind(Kind::Model))?;
    match source.sha256 == said {
        true => Ok(source),
        false => Err(Error::new("the model is not the one that this was issued for")
            .file(model)
            .at("model_sha256")
            .expected(said)
            .found(&source.sha256)
            .help("take the model that belongs to it, or issue it anew")),
    }
}
