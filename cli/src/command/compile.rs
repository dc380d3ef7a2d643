//! `nervecord compile`.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nervecord_codegen::certify::{Certificate, Effort};
use nervecord_codegen::input;
use nervecord_codegen::output::{Folder, Output, ready, spare};
use nervecord_codegen::prove::{answers, asked};
use nervecord_codegen::report::Judged;
use nervecord_codegen::{Compiled, Error, Result, report, text};

use super::model::Model;
use super::{print, progress};

/// How long a property of the settings is looked at for a report.
const PROPERTY: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Target {
    /// The module to write.
    #[arg(short, long = "out", value_name = "FILE")]
    output: PathBuf,
    /// A folder for report.html and report.json.
    #[arg(long)]
    report: Option<PathBuf>,
    /// A file for what is proved of every input: how far the integers can be from float.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Write nothing; fail if the module is not up to date.
    #[arg(long, conflicts_with_all = ["report", "certificate"])]
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
    // What cannot be asked is told before somebody wants to know.
    asked(&compiled)?;
    // Together: if one of them cannot be written, none is left.
    let _folder = target.report.as_deref().map(Folder::make).transpose()?;
    let module = compiled.module();
    let certificate = target.certificate.as_ref().map(|_| {
        progress::during("bounding every input", || {
            Certificate::issue(&compiled, &module, &Effort::default())
        })
    });
    let certificate = certificate.transpose()?;
    let mut summary = report::render(&compiled);
    let mut outputs = vec![Output::of(&target.output, module.as_bytes())?];
    if let Some((path, certificate)) = target.certificate.as_ref().zip(certificate.as_ref()) {
        outputs.push(Output::of(path, certificate.text()?.as_bytes())?);
        summary += &report::certificate(certificate);
    }
    if let Some(folder) = &target.report {
        let decide = || answers(&compiled, PROPERTY);
        let properties = progress::during("deciding the properties", decide)?;
        let judged = Judged::on_calibration(&compiled).certified(certificate).decided(properties);
        outputs.extend(report_in(folder, &judged)?);
    }
    let ready = ready(outputs)?;
    print::beside(Some(&target.output), &summary)?;
    ready.commit()?;
    [Some(&target.output), target.certificate.as_ref()]
        .into_iter()
        .flatten()
        .try_for_each(|path| print::wrote(path))?;
    Ok(target.accepts(&compiled))
}

/// The files of a report in a folder, to be put in their places.
pub fn report_in(folder: &Path, judged: &Judged) -> Result<Vec<Output>> {
    let file = |(name, text): (&str, String)| Output::of(&folder.join(name), text.as_bytes());
    report::files(judged)?.into_iter().map(file).collect()
}

/// Where the files of a report in a folder will be.
pub fn reports(folder: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    folder.into_iter().flat_map(|folder| report::NAMES.map(|name| folder.join(name)))
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
        let own = std::iter::once(self.output.clone()).chain(self.certificate.clone());
        own.chain(reports(self.report.as_deref()))
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
