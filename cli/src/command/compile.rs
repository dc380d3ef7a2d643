//! `nervecord compile`.

use std::io::Read;
use std::path::{Path, PathBuf};

use nervecord_codegen::input;
use nervecord_codegen::output::{Folder, Output, ready, spare};
use nervecord_codegen::{Compiled, Error, Result, report, text};

use super::model::Model;
use super::print;

#[derive(clap::Args)]
pub struct Target {
    /// The module to write.
    #[arg(short, long = "out", value_name = "FILE")]
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
    if target.check {
        let compiled = model.build()?;
        return Ok(is_current(&target.output, &compiled.module())? & target.accepts(&compiled));
    }
    let files = model.files()?;
    target.results().try_for_each(|path| spare(&path, &files))?;
    let compiled = model.build()?;
    // Together: if one of them cannot be written, none is left.
    let _folder = target.report.as_deref().map(Folder::make).transpose()?;
    let mut outputs = Vec::new();
    if let Some(path) = &target.report {
        for (name, text) in report::files(&compiled)? {
            outputs.push(Output::of(&path.join(name), text.as_bytes())?);
        }
    }
    outputs.push(Output::of(&target.output, compiled.module().as_bytes())?);
    let (ready, summary) = (ready(outputs)?, report::render(&compiled));
    print::beside(Some(&target.output), &summary)?;
    ready.commit()?;
    print::wrote(&target.output)?;
    Ok(target.accepts(&compiled))
}

impl Target {
    /// Warns where the tolerance was not reached; whether that is good enough.
    fn accepts(&self, compiled: &Compiled) -> bool {
        let missed = compiled.program.promise.as_ref().filter(|promise| !promise.is_kept());
        if let Some(promise) = missed {
            print::message(&format!(
                "\x1b[1;33mwarning\x1b[0m: the tolerance was not reached: {}\n     help: {}",
                promise.describe(),
                compiled.remedy()
            ));
        }
        missed.is_none() || !self.strict
    }

    /// All files that are written.
    fn results(&self) -> impl Iterator<Item = PathBuf> {
        let reports = self.report.iter().flat_map(|f| report::NAMES.map(|name| f.join(name)));
        std::iter::once(self.output.clone()).chain(reports)
    }
}

fn is_current(path: &Path, module: &str) -> Result<bool> {
    let mut bytes = Vec::new();
    let read = input::regular(path)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::io("read", path, &e))?;
    let current = bytes == module.as_bytes();
    if !current {
        let name = text::path(path);
        print::message(&format!(
            "{name} is stale: run the same command without --check to write it"
        ));
    }
    Ok(current)
}
