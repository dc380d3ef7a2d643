//! A whole network, compiled and certified; the certificate is checked as it is once it was written.

use std::path::Path;

use nervecord_codegen::certify::{Certificate, Effort};
use nervecord_codegen::check::{Files, follows};
use nervecord_codegen::simplify::simplify;
use nervecord_codegen::{Compiled, Result};

use super::families::Whole;
use crate::network;
use crate::random::Random;

/// A network with what is claimed of it.
#[derive(Debug)]
pub struct Certified {
    /// The integers and the float network.
    pub compiled: Compiled,
    /// The module's text.
    pub module: String,
    /// What is claimed.
    pub certificate: Certificate,
}

/// What a certificate takes: few boxes, and for one network in eight as many steps as are claimed.
fn effort(seed: u64) -> Effort {
    // Families follow one another with the seed, and each is to have some of every effort.
    let mut random = Random::new(!seed);
    let work = if random.once_in(8) { 5e8 } else { 1e7 };
    Effort { work, boxes: 1 + 3 * random.below(5), tries: 200 }
}

/// Compiles a network and certifies it; none where it is refused.
///
/// # Errors
/// A refusal that does not help, or a certificate that does not follow from what it was issued for.
pub fn certify(whole: &Whole) -> std::result::Result<Option<Certified>, String> {
    let compiled = match network::compile(whole.graph.clone(), whole.weights, &whole.rows) {
        Ok(compiled) => compiled,
        Err(error) if error.to_string().contains("\n     help: ") => return Ok(None),
        Err(error) => return Err(format!("a refusal without help: {error}")),
    };
    let module = compiled.module();
    let issue = |compiled: &Compiled| -> Result<Certificate> {
        let certificate = Certificate::issue(compiled, &module, &effort(whole.seed))?;
        let written = Certificate::read(&certificate.text()?, Path::new("c.json"))?;
        let files = Files {
            certificate: Path::new("c.json"),
            model: Path::new("in memory"),
            module: Path::new("m.rs"),
        };
        follows(&written, &module, &simplify(whole.graph.clone()), &files)?;
        Ok(written)
    };
    let certificate = issue(&compiled).map_err(|error| error.to_string())?;
    Ok(Some(Certified { compiled, module, certificate }))
}
