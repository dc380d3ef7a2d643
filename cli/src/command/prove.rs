//! `nervecord prove`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::prove::{Limits, Property, Verdict, decide, read};
use nervecord_codegen::{Compiled, Error, Kind, Result, input, text};

use super::model::Model;
use super::{print, progress};

#[derive(clap::Args)]
pub struct Question {
    /// A VNNLIB file: a box of inputs, and outputs that none of them may have.
    #[arg(long, value_name = "FILE")]
    property: PathBuf,
    /// Seconds after which it is given up [default: none]
    #[arg(long, value_name = "S")]
    timeout: Option<f64>,
}

/// Decides the property; the exit code says how.
pub fn prove(model: &Model, question: &Question) -> Result<ExitCode> {
    if question.timeout.is_some_and(|seconds| !(seconds > 0.0 && seconds <= 1e9)) {
        return Err(Error::new("the time is out of range")
            .of_kind(Kind::Options)
            .at("--timeout")
            .expected("above 0 seconds")
            .found(question.timeout.unwrap_or_default())
            .help("leave it out for no limit"));
    }
    let text = input::text(&question.property)?;
    let compiled = model.build()?;
    let program = &compiled.program;
    let properties =
        read(&text, &question.property, program.input.features(), program.output.features())?;
    if !compiled.graph.states.is_empty() {
        return Err(Error::new("a network with memory has no outputs of a single input")
            .file(&compiled.source.path)
            .expected("a network without memory")
            .found(format!("{} states", compiled.graph.states.len()))
            .help("see `compile --certificate` for what holds step after step"));
    }
    let machine = Machine::of(program).map_err(|e| e.file(&compiled.source.path))?;
    for (k, property) in properties.iter().enumerate() {
        let verdict = decided(&compiled, &machine, property, question, (k + 1, properties.len()));
        match verdict {
            Verdict::Holds { boxes } => {
                let which =
                    if properties.len() > 1 { format!(" of box {}", k + 1) } else { String::new() };
                print::results(&format!(
                    "holds{which}: no integers of the box lead to such outputs ({boxes} boxes)\n"
                ))?;
            }
            Verdict::Violated { integers, inputs, outputs } => {
                print::results(&told(&compiled, &integers, &inputs, &outputs))?;
                return Ok(ExitCode::from(1));
            }
            Verdict::Open { boxes, left } => {
                let seconds = question.timeout.unwrap_or_default();
                print::results(&format!(
                    "not decided in {seconds} s: {boxes} boxes seen, {left} left\n"
                ))?;
                return Ok(ExitCode::from(3));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn decided(
    compiled: &Compiled,
    machine: &Machine,
    property: &Property,
    question: &Question,
    (number, all): (usize, usize),
) -> Verdict {
    let limits = Limits { time: question.timeout.map(Duration::from_secs_f64), threads: 0 };
    let what = if all > 1 { format!("deciding box {number} of {all}") } else { "deciding".into() };
    progress::telling(what, |bar| {
        let tell = |seen: usize, left: usize| bar.tell(&format!("{seen} boxes seen, {left} left"));
        decide(&compiled.program, machine, property, &limits, &tell)
    })
}

/// An input that violates the property, with what it stands for and what the model answers.
fn told(compiled: &Compiled, integers: &[i32], inputs: &[f64], outputs: &[f64]) -> String {
    let program = &compiled.program;
    let mut out = String::from("violated by these inputs\n");
    let rows = program.input_names.iter().zip(integers.iter().zip(inputs));
    for (name, (raw, real)) in rows {
        out += &format!("  {} = {real} (the integer {raw})\n", text::label(name));
    }
    out += "whose outputs are\n";
    for (name, y) in program.output_names.iter().zip(outputs) {
        out += &format!("  {} = {y}\n", text::label(name));
    }
    out
}
