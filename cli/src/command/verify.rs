//! `nervecord verify`.

use std::path::PathBuf;

use nervecord_codegen::data::Vectors;
use nervecord_codegen::output::{Folder, commit, spare};
use nervecord_codegen::report::{self, Judged};
use nervecord_codegen::verify::verify;
use nervecord_codegen::{Compiled, Result};

use super::compile::{report_in, reports};
use super::model::Model;
use super::print;

#[derive(clap::Args)]
pub struct Given {
    /// Inputs x0.., one row or more, and beside them, as far as known, the outputs y0.. and the states h0.. of the
    /// float network; without, the examples in the model's own file.
    #[arg(long)]
    vectors: Option<PathBuf>,
    /// True classes of the vectors: a column `label`.
    #[arg(long, requires = "vectors")]
    labels: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// A folder for report.html and report.json, judged on these vectors.
    #[arg(long, value_name = "FOLDER")]
    report: Option<PathBuf>,
}

/// Compares integers with float; whether they are near enough.
pub fn run(model: &Model, given: &Given) -> Result<bool> {
    let read = [&given.vectors, &given.labels].into_iter().flatten().cloned().collect();
    let read = [model.files()?, read].concat();
    reports(given.report.as_deref()).try_for_each(|path| spare(&path, &read))?;
    let compiled = model.build()?;
    let vectors = given.read(model, &compiled)?;
    let verdict = match &given.report {
        Some(folder) => {
            let judged = Judged::on_vectors(&compiled, vectors);
            let _folder = Folder::make(folder)?;
            commit(report_in(folder, &judged)?)?;
            judged.verification
        }
        None => verify(&compiled, &vectors),
    };
    print::results(&match given.json {
        true => report::json(&verdict)? + "\n",
        false => verdict.render(),
    })?;
    Ok(verdict.passed)
}

impl Given {
    fn read(&self, model: &Model, compiled: &Compiled) -> Result<Vectors> {
        match &self.vectors {
            Some(path) => Vectors::read(&compiled.graph, path, self.labels.as_deref()),
            None => model.examples(&compiled.graph),
        }
    }
}
