//! `nervecord compile`.

use std::path::{Path, PathBuf};

use crate::data::stage;
use crate::{Error, Result, report};

use super::Model;

#[derive(clap::Args)]
pub struct Target {
    /// The module to write.
    #[arg(short, long)]
    output: PathBuf,
    /// A folder for report.html and report.json.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Write nothing; fail if the module is not up to date.
    #[arg(long, conflicts_with = "report")]
    check: bool,
    /// Exit 1 if the tolerance was not reached on calibration rows held out from every decision.
    #[arg(long)]
    strict: bool,
}

/// Writes the module, or compares it; whether it is current.
pub fn compile(model: &Model, target: &Target) -> Result<bool> {
    let compiled = model.build()?;
    let module = compiled.module();
    if target.check {
        return is_current(&target.output, &module);
    }
    // In place when the report is: if one of them cannot be written, neither is left.
    let staged = stage(&target.output, module.as_bytes())?;
    if let Some(folder) = &target.report {
        report::write(&compiled, folder)?;
    }
    staged.commit()?;
    anstream::print!("{}", report::render(&compiled));
    anstream::println!("wrote {}", target.output.display());
    let missed = compiled.program.promise.as_ref().filter(|promise| !promise.is_kept());
    if let Some(promise) = missed {
        anstream::eprintln!(
            "\x1b[1;33mwarning\x1b[0m: the tolerance was not reached: {}\n     help: {}",
            promise.describe(),
            compiled.remedy()
        );
    }
    Ok(missed.is_none() || !target.strict)
}

fn is_current(path: &Path, module: &str) -> Result<bool> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
    let current = bytes == module.as_bytes();
    if !current {
        let name = path.display();
        anstream::eprintln!("{name} is stale: run the same command without --check to write it");
    }
    Ok(current)
}
