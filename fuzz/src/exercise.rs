//! What is done with a case: every phase that a user's file goes through, and what may not happen.

use std::fs;
use std::path::Path;

use nervecord_codegen::data::Data;
use nervecord_codegen::data::Vectors;
use nervecord_codegen::graph::Graph;
use nervecord_codegen::import::circuit::Circuit;
use nervecord_codegen::import::{self, Source};
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::verify::verify;
use nervecord_codegen::{Compiled, Compiler, reference, report};
use nervecord_tests::drawn::{FEW, Verdict, draw, extreme_rows, judge, prepared, relative_error};
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::seeds::Seed;

use crate::case::{Case, NETWORKS, Seeds, network as network_seed};
use crate::command;
use crate::outcome::{Outcome, Wrong, refused, wrong};
use crate::proofs;

/// Calibration rows of a mutated model; as many are drawn again, for it to be compared on.
const ROWS: usize = 64;
/// Largest error, in deviations of the output, on fresh rows of a model that is within the tolerance on its
/// calibration: mutated numbers are wild, and rows are few.
const NOTABLE: f64 = 0.1;

type Result<T> = std::result::Result<T, Wrong>;

/// Does all that is done with the case of this number.
///
/// # Errors
/// What may not happen.
pub fn run(
    target: &str,
    seeds: &Seeds,
    seed: u64,
    index: u64,
    without: &[usize],
    folder: &Path,
) -> Result<Outcome> {
    if target == NETWORKS {
        return random_network(network_seed(seed, index));
    }
    match seeds.case(target, seed, index, without) {
        Some(case) => exercise(target, case, folder),
        None => wrong("harness", "the target has no seeds"),
    }
}

/// Does all that is done with a case, in an empty folder.
///
/// # Errors
/// What may not happen.
pub fn exercise(target: &str, mut case: Case, folder: &Path) -> Result<Outcome> {
    if case.seed.write(folder).is_err() {
        return wrong("harness", "the files cannot be written");
    }
    match target {
        "cli" => command::run(&case.seed, folder),
        "csv" | "npy" => table(&case.seed, folder),
        "settings" => settings(&case.seed, folder),
        "certificate" => proofs::certificate(&case.seed, folder),
        "property" => proofs::property(&case.seed, folder),
        _ => model(&mut case, folder),
    }
}

fn random_network(seed: u64) -> Result<Outcome> {
    let drawn = draw(seed).or_else(|error| wrong("harness", error.to_string()))?;
    match judge(&drawn) {
        Ok(Verdict::Refused) => Ok(Outcome::Refused),
        Ok(Verdict::Good(compiled)) => written(&compiled).map(|()| Outcome::Accepted),
        Ok(Verdict::Missed(compiled)) => written(&compiled).map(|()| Outcome::Missed),
        Err(text) => wrong(
            "wrong",
            format!("{text} ({:?}, {:?}, {:?})", drawn.kind, drawn.weights, drawn.oddities),
        ),
    }
}

fn model(case: &mut Case, folder: &Path) -> Result<Outcome> {
    let path = folder.join(case.seed.model);
    let source = match import::load(&path) {
        Ok(source) => source,
        Err(error) => {
            // As `inspect` does with what cannot be loaded.
            let _ = report::inspect::survey(&path);
            return refused(&error);
        }
    };
    inspected(&source);
    let random = &mut case.random;
    let reach = *random.pick(&[1.0, 1.0, 1.0, 0.01, 30.0]);
    let mut rows = |count| -> Vec<Vec<f64>> {
        (0..count).map(|_| random.row(source.graph.input_len(), reach)).collect()
    };
    let (seen, fresh) = (rows(ROWS), rows(ROWS));
    let mut outcome = Outcome::Refused;
    for weights in [Weights::I8, Weights::I16, Weights::Auto] {
        if weights == Weights::Auto && !random.once_in(4) {
            continue;
        }
        let this = match network::compile(source.graph.clone(), weights, &seen) {
            Ok(compiled) => exercised(&compiled, &seen, &fresh, random)?,
            Err(error) => refused(&error)?,
        };
        if this != Outcome::Refused {
            outcome = this;
        }
    }
    Ok(outcome)
}

/// What `inspect` prints and draws.
fn inspected(source: &Source) {
    let _ = report::inspect::render(source);
    let own = source.circuit().ok().flatten().or_else(|| Circuit::of(&source.graph));
    if let Some(own) = &own {
        let _ = (report::circuit::render(own), report::svg(own));
    }
}

/// Runs a compiled model on rows it was calibrated with, on fresh ones and at the ends of its numbers.
fn exercised(
    compiled: &Compiled,
    seen: &[Vec<f64>],
    fresh: &[Vec<f64>],
    random: &mut Random,
) -> Result<Outcome> {
    written(compiled)?;
    let mut host = Interpreter::new(&compiled.program);
    for row in extreme_rows(compiled.program.input.bits(), compiled.graph.input_len(), random) {
        host.step_raw(&row);
    }
    let Some(promise) = &compiled.program.promise else { return wrong("wrong", "no promise") };
    let fresh = prepared(&compiled.graph, seen, fresh);
    let error = relative_error(compiled, &fresh, 0.0).or_else(|text| wrong("wrong", text))?;
    let sound = promise.is_kept() && promise.thin.is_none();
    if sound && fresh.len() >= FEW && error > NOTABLE {
        let text = format!("an error of {error:.4} on fresh rows, for {}", promise.describe());
        return wrong("wrong", text);
    }
    match promise.is_kept() {
        true => Ok(Outcome::Accepted),
        false => Ok(Outcome::Missed),
    }
}

/// What is written of a compiled model.
fn written(compiled: &Compiled) -> Result<()> {
    let module = compiled.module();
    if !module.ends_with("}\n") || !module.contains("pub fn step_raw") {
        return wrong("half-written", "the module has no end");
    }
    let _ = (report::render(compiled), report::edges::render(&compiled.program.layers));
    let files = report::files(&report::Judged::on_calibration(compiled));
    let Ok([_, (_, page)]) = files else { return wrong("unsound", "there is no report") };
    match page.contains("<script") {
        true => wrong("unsound", "the page holds a script"),
        false => Ok(()),
    }
}

/// A table as calibration data, as vectors and as labels.
fn table(seed: &Seed, folder: &Path) -> Result<Outcome> {
    let (path, net) = (folder.join(&seed.files[0].0), folder.join(seed.model));
    let data = match Data::read(&path) {
        Ok(data) => data,
        Err(error) => return refused(&error),
    };
    if data.rows.iter().flatten().any(|x| !x.is_finite()) {
        return wrong("wrong", "a value that is not finite was accepted");
    }
    match Compiler::new(&net).calibration(&path).build() {
        Ok(compiled) => {
            written(&compiled)?;
            judged(&compiled, &path)?;
            Ok(Outcome::Accepted)
        }
        Err(error) => refused(&error),
    }
}

/// The verdict on a table of vectors, which a number that is none may not pass.
fn judged(compiled: &Compiled, path: &Path) -> Result<()> {
    let vectors = match Vectors::read(&compiled.graph, path, None) {
        Ok(vectors) => vectors,
        Err(error) => return refused(&error).map(drop),
    };
    let verdict = verify(compiled, &vectors);
    let _ = (verdict.render(), Vectors::read(&compiled.graph, path, Some(path)));
    let mut numbers = [verdict.max_error].into_iter().chain(verdict.r2);
    match verdict.passed && numbers.any(|number| !number.is_finite()) {
        true => wrong("wrong", format!("verify passed what is no number: {}", verdict.render())),
        false => Ok(()),
    }
}

fn settings(seed: &Seed, folder: &Path) -> Result<Outcome> {
    let net = folder.join(seed.model);
    let data = folder.join("data.csv");
    let mut outcome = Outcome::Refused;
    for compiler in [Compiler::new(&net), Compiler::new(&net).calibration(&data)] {
        match compiler.build() {
            Ok(compiled) => {
                written(&compiled)?;
                finite(&compiled.graph, &compiled.calibration.rows)?;
                outcome = Outcome::Accepted;
            }
            Err(error) => drop(refused(&error)?),
        }
    }
    Ok(outcome)
}

/// Rows drawn from declared ranges are numbers.
fn finite(graph: &Graph, rows: &[Vec<f64>]) -> Result<()> {
    let good = rows
        .iter()
        .flatten()
        .chain(reference::run(graph, rows).iter().flatten())
        .all(|x| x.is_finite());
    if good { Ok(()) } else { wrong("wrong", "calibration rows that are not finite") }
}

/// Empties the folder of a case.
pub fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}
