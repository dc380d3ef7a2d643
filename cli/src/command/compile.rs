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
use crate::c::{self, Core, Package, check_name};

/// How long a property of the settings is looked at for a report.
const PROPERTY: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Target {
    /// The module to write; with --c, the folder of the files.
    #[arg(short, long = "out", value_name = "FILE")]
    output: PathBuf,
    /// Write one assembly file and its header for firmware in C or C++, for the core of --cpu.
    #[arg(long, conflicts_with = "certificate")]
    c: bool,
    /// With --c, also the assembled file as an archive for the linker.
    #[arg(long = "static", requires = "c")]
    archive: bool,
    /// With --c, lay the files out as a library of a build system.
    #[arg(long, value_name = "KIND", requires = "c", conflicts_with = "archive")]
    c_package: Option<Package>,
    /// A folder for report.html and report.json.
    #[arg(long)]
    report: Option<PathBuf>,
    /// A file for what is proved of every input: how far the integers can be from float.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Write nothing; fail if what would be written is not up to date.
    #[arg(long, conflicts_with_all = ["report", "certificate"])]
    check: bool,
    /// Exit 1 if the tolerance was not reached on calibration rows held out from every decision.
    #[arg(long)]
    strict: bool,
}

/// Writes the module, or the files for C, or compares them; whether they are current.
pub fn compile(model: &Model, target: &Target) -> Result<bool> {
    let core = target.core(model)?;
    if !target.check {
        let files = model.files()?;
        target.results().try_for_each(|path| spare(&path, &files))?;
    }
    let compiled = model.build()?;
    let results = match core {
        Some(core) => target.library(&compiled, core)?,
        None => vec![(target.output.clone(), compiled.module().into_bytes())],
    };
    if target.check {
        let current = results.iter().map(|(path, bytes)| is_current(path, bytes));
        let current = current.collect::<Result<Vec<_>>>()?;
        return Ok(current.into_iter().all(|current| current) & target.accepts(&compiled));
    }
    // What cannot be asked is told before somebody wants to know.
    asked(&compiled)?;
    // Together: if one of them cannot be written, none is left.
    let of_results = results.iter().filter_map(|(path, _)| path.parent()).filter(|_| target.c);
    let folders = target.report.as_deref().into_iter().chain(of_results);
    let _folders = folders.map(Folder::make).collect::<Result<Vec<_>>>()?;
    let certificate = target.certificate.as_ref().map(|_| {
        progress::during("bounding every input", || {
            Certificate::issue(&compiled, &compiled.module(), &Effort::default())
        })
    });
    let certificate = certificate.transpose()?;
    let mut summary = report::render(&compiled);
    let output = |(path, bytes): &(PathBuf, Vec<u8>)| Output::of(path, bytes);
    let mut outputs = results.iter().map(output).collect::<Result<Vec<_>>>()?;
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
    let written = results.iter().map(|(path, _)| path).chain(&target.certificate);
    written.map(PathBuf::as_path).try_for_each(print::wrote)?;
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
    /// The core that files for C are made for, if they are asked for.
    fn core(&self, model: &Model) -> Result<Option<Core>> {
        let core = self.c.then(|| Core::of(model.cpu())).transpose()?;
        if core.is_some() {
            check_name(&model.name())?;
        }
        Ok(core)
    }

    /// The files for C by their paths.
    fn library(&self, compiled: &Compiled, core: Core) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let make = || c::files(compiled, core, self.c_package, self.archive);
        let files = progress::during(format!("compiling for {}", core.name), make)?;
        let placed = |(path, bytes): (PathBuf, Vec<u8>)| (self.output.join(path), bytes);
        Ok(files.into_iter().map(placed).collect())
    }

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

fn is_current(path: &Path, wanted: &[u8]) -> Result<bool> {
    let mut bytes = Vec::new();
    let read = input::regular(path)?.read_to_end(&mut bytes);
    read.map_err(|e| Error::io("read", path, &e))?;
    let current = bytes == wanted;
    if !current {
        let name = text::path(path);
        print::message(&format!(
            "{name} is stale: run the same command without --check to write it"
        ));
    }
    Ok(current)
}
