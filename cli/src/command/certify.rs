//! `nervecord certify`.

use std::path::Path;

use nervecord_codegen::certify::Certificate;
use nervecord_codegen::check::{self, Files, check};
use nervecord_codegen::prove::Proof;
use nervecord_codegen::{Kind, Result, input, report};

use super::{print, progress};

/// Holds a certificate, or a proof of properties, against its model and its module; whether all of it follows.
pub fn certify(claims: &Path, model: &Path, module: &Path, outputs: &[String]) -> Result<bool> {
    let text = input::text(claims)?;
    let (checked, told) = match Proof::is_one(&text) {
        true => {
            let proof = Proof::read(&text, claims)?;
            let module_text = input::text(module)?;
            let files = check::proofs::Files { proof: claims, model, module };
            let check = || check::proofs::check(&proof, &module_text, &files, outputs);
            (progress::during("checking every box", check), report::proof(&proof))
        }
        false => {
            let certificate = Certificate::read(&text, claims)?;
            let module_text = input::text(module)?;
            let files = Files { certificate: claims, model, module };
            let check = || check(&certificate, &module_text, &files, outputs);
            (progress::during("checking every claim", check), report::certificate(&certificate))
        }
    };
    match checked {
        Ok(()) => {
            print::results(&format!("every claim follows\n{told}"))?;
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
