//! `nervecord certify`.

use std::path::Path;

use nervecord_codegen::certify::Certificate;
use nervecord_codegen::check::{Files, check};
use nervecord_codegen::{Kind, Result, input, report};

use super::{print, progress};

/// Holds a certificate against its model and its module; whether all of it follows.
pub fn certify(
    certificate: &Path,
    model: &Path,
    module: &Path,
    outputs: &[String],
) -> Result<bool> {
    let claims = Certificate::read(&input::text(certificate)?, certificate)?;
    let module_text = input::text(module)?;
    let files = Files { certificate, model, module };
    let checked =
        progress::during("checking every claim", || check(&claims, &module_text, &files, outputs));
    match checked {
        Ok(()) => {
            print::results(&format!("every claim follows\n{}", report::certificate(&claims)))?;
            Ok(true)
        }
        // A file that cannot be read at all is misuse.
        Err(error) if [Kind::File, Kind::Model].contains(&error.kind()) => Err(error),
        Err(error) => {
            print::message(&format!("\x1b[1;31mrefused\x1b[0m: {error}"));
            Ok(false)
        }
    }
}
