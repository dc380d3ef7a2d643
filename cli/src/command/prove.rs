//! `nervecord prove`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use nervecord_codegen::certify::module;
use nervecord_codegen::check::proofs::keep_shown;
use nervecord_codegen::output::{spare, write_atomic};
use nervecord_codegen::prove::{
    Answer, Asked, Limits, Point, Proof, Prover, Verdict, asked, of_file,
};
use nervecord_codegen::settings::Settings;
use nervecord_codegen::{Compiled, Error, Kind, Result, text};

use super::model::Model;
use super::{print, progress};

#[derive(clap::Args)]
pub struct Question {
    /// A VNNLIB file: a box of inputs, and outputs that none of them may have [default: every [[property]] of
    /// nervecord.toml]
    #[arg(long, value_name = "FILE")]
    property: Option<PathBuf>,
    /// Seconds after which a property is given up [default: none]
    #[arg(long, value_name = "S")]
    timeout: Option<f64>,
    /// A file for what shows the verdicts, which `certify` checks again.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

impl Question {
    fn limits(&self) -> Result<Limits> {
        if self.timeout.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 1e9)) {
            return Err(Error::new("the time is out of range")
                .of_kind(Kind::Options)
                .at("--timeout")
                .expected("above 0 seconds")
                .found(self.timeout.unwrap_or_default())
                .help("leave it out for no limit"));
        }
        let time = self.timeout.map(Duration::from_secs_f64);
        Ok(Limits { time, threads: 0, leaves: self.proof.is_some() })
    }

    /// What is asked: by the file, else by the settings.
    fn asked(&self, compiled: &Compiled, model: &Model) -> Result<Vec<Asked>> {
        if let Some(path) = &self.property {
            return Ok(vec![of_file(path, &compiled.program)?]);
        }
        let all = asked(compiled)?;
        match all.is_empty() {
            false => Ok(all),
            true => Err(Error::new("there is nothing to decide")
                .of_kind(Kind::Options)
                .file(Settings::file_beside(&model.model))
                .expected("--property with a VNNLIB file, or tables [[property]] in nervecord.toml")
                .found("neither")
                .help(
                    "write, for example: [[property]] name = \"small\", output = \"y0\", max = 1.0",
                )),
        }
    }
}

/// Decides what is asked; the exit code is the worst verdict's.
pub fn prove(model: &Model, question: &Question) -> Result<ExitCode> {
    let limits = question.limits()?;
    if let Some(proof) = &question.proof {
        spare(proof, &[model.files()?, question.property.clone().into_iter().collect()].concat())?;
    }
    let compiled = model.build()?;
    let all = question.asked(&compiled, model)?;
    let prover = Prover::new(&compiled)?;
    let (mut violated, mut open, mut answers) = (false, false, Vec::new());
    let many = all.len();
    for (k, asked) in all.into_iter().enumerate() {
        let what = match many {
            1 => "deciding".to_owned(),
            _ => format!("deciding {} ({} of {many})", text::label(&asked.name), k + 1),
        };
        let answer = progress::telling(what, |bar| {
            let tell = |seen, left| bar.tell(&format!("{seen} boxes seen, {left} left"));
            prover.decide(&asked, &limits, &tell)
        });
        violated |= matches!(answer.worst(), Some(Verdict::Violated(_)));
        open |= matches!(answer.worst(), Some(Verdict::Open { .. }) | None);
        print::beside(
            question.proof.as_deref(),
            &told(&compiled, &asked, &answer, question.timeout),
        )?;
        answers.push((asked, answer));
    }
    if let Some(path) = &question.proof {
        let module = compiled.module();
        let mut proof = Proof::of(&compiled, &module, &answers);
        let machine = module::read(&module, path, &[])?;
        let left_out =
            progress::during("checking every box", || keep_shown(&mut proof, &machine, path))?;
        write_atomic(path, proof.text()?.as_bytes())?;
        for name in left_out {
            let name = text::label(&name);
            print::message(&format!(
                "note: {name} is not in the proof: the bounds of the engine that checks it are too wide"
            ));
        }
        print::wrote(path)?;
    }
    Ok(ExitCode::from(match (violated, open) {
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    }))
}

/// A verdict, a block.
fn told(compiled: &Compiled, asked: &Asked, answer: &Answer, timeout: Option<f64>) -> String {
    let (boxes, left) = answer.boxes();
    let (name, says) = (text::label(&asked.name), &asked.says);
    match answer.worst() {
        Some(Verdict::Violated(points)) => {
            format!("violated: {name}\n  {says}\n{}", against(compiled, points))
        }
        Some(Verdict::Open { .. }) | None => {
            let seconds = timeout.unwrap_or_default();
            format!(
                "not decided in {seconds} s: {name}\n  {says}\n  {boxes} boxes seen, {left} left\n"
            )
        }
        Some(Verdict::Holds { .. }) => {
            format!("holds: {name}\n  {says}\n  {boxes} boxes seen\n")
        }
    }
}

/// Inputs that violate a property, with what they stand for and what the model answers.
fn against(compiled: &Compiled, points: &[Point]) -> String {
    let program = &compiled.program;
    let mut out = String::new();
    for (k, Point { integers, inputs, outputs }) in points.iter().enumerate() {
        out += if k == 0 { "  by these inputs\n" } else { "  beside these\n" };
        for (name, (raw, real)) in program.input_names.iter().zip(integers.iter().zip(inputs)) {
            out += &format!("    {} = {real} (the integer {raw})\n", text::label(name));
        }
        out += "  whose outputs are\n";
        for (name, y) in program.output_names.iter().zip(outputs) {
            out += &format!("    {} = {y}\n", text::label(name));
        }
    }
    out
}
