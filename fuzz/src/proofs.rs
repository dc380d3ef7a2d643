//! Certificates, modules read back and properties that were changed. Stands on outcomes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nervecord_codegen::certify::bound::{Given, bound};
use nervecord_codegen::certify::certificate::limits;
use nervecord_codegen::certify::net::Net;
use nervecord_codegen::certify::{Certificate, module, recurrent};
use nervecord_codegen::check::boxes::is_whole;
use nervecord_codegen::check::opinion::{accumulator, opinion};
use nervecord_codegen::check::proofs::{self, follows};
use nervecord_codegen::check::{Files, check};
use nervecord_codegen::prove::{Asked, Limits, Proof, Prover, asked, of_file};
use nervecord_codegen::simplify::simplify;
use nervecord_codegen::{Compiled, Compiler, import, report};
use nervecord_tests::seeds::Seed;

use crate::outcome::{Outcome, Wrong, refused, wrong};

type Result<T> = std::result::Result<T, Wrong>;

/// Text of a file; what is none is replaced.
fn text(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(folder.join(name)).unwrap_or_default()).into_owned()
}

/// A certificate and a module, either of which may have been changed.
pub fn certificate(seed: &Seed, folder: &Path) -> Result<Outcome> {
    let (claims, code, model) =
        (text(folder, "c.json"), text(folder, "m.rs"), folder.join(seed.model));
    let certificate = match Certificate::read(&claims, Path::new("c.json")) {
        Ok(certificate) => certificate,
        Err(error) => return refused(&error),
    };
    // As if its hash were right.
    if let (Ok(source), Ok(machine)) =
        (import::load(&model), module::read(&code, Path::new("m.rs"), &certificate.proof.spots))
    {
        let graph = simplify(source.graph);
        let (inputs, net) = (limits(&machine), Net::of(&graph, &machine));
        if inputs.len() == graph.input_len() && machine.output.0.features() == graph.output_len() {
            let _ = bound(&net, &Given { inputs, states: recurrent::start(&net) });
        }
        let boxes = if is_whole(&certificate.proof.boxes) {
            &certificate.proof.boxes
        } else {
            &vec![vec![]]
        };
        let _ = opinion(&graph, &machine, boxes, certificate.proof.followed.min(3));
        let _ = certificate
            .accumulators
            .iter()
            .filter_map(|sum| accumulator(&machine, &sum.layer))
            .max();
    }
    let files =
        Files { certificate: Path::new("c.json"), model: &model, module: Path::new("m.rs") };
    match check(&certificate, &code, &files, &[]) {
        Ok(()) => Ok(Outcome::Accepted),
        Err(error) => refused(&error),
    }
}

/// Boxes that are decided.
const BOXES: usize = 8;

/// A proof, or properties of a small network: in a file of their own or in its settings.
pub fn property(seed: &Seed, folder: &Path) -> Result<Outcome> {
    let (model, proof) = (folder.join(seed.model), folder.join("p.json"));
    if proof.is_file() {
        return checked(&text(folder, "p.json"), &text(folder, "m.rs"), &model);
    }
    let compiled = match Compiler::new(&model).calibration(folder.join("data.csv")).build() {
        Ok(compiled) => compiled,
        Err(error) => return refused(&error),
    };
    let file = folder.join("p.vnnlib");
    let all = match file.is_file() {
        true => of_file(&file, &compiled.program).map(|asked| vec![asked]),
        false => asked(&compiled),
    };
    let prover = Prover::new(&compiled).and_then(|prover| Ok((prover, all?)));
    match prover {
        Ok((prover, all)) => decided(&compiled, &prover, all),
        Err(error) => refused(&error),
    }
}

/// What is decided, whose proof is written, read and checked again.
fn decided(compiled: &Compiled, prover: &Prover, all: Vec<Asked>) -> Result<Outcome> {
    let limits = Limits { time: Some(Duration::from_millis(100)), threads: 1, leaves: true };
    let decide = |mut asked: Asked| {
        asked.properties.truncate(BOXES);
        let answer = prover.decide(&asked, &limits, &|_, _| {});
        (asked, answer)
    };
    let answers: Vec<_> = all.into_iter().take(BOXES).map(decide).collect();
    let module = compiled.module();
    let mut proof = Proof::of(compiled, &module, &answers);
    let path = Path::new("p.json");
    let followed = module::read(&module, Path::new("m.rs"), &[]).and_then(|machine| {
        let left_out = proofs::keep_shown(&mut proof, &machine, path)?;
        follows(&Proof::read(&proof.text()?, path)?, &machine, path)?;
        Ok(left_out)
    });
    match followed {
        // The engine that checks sees less than the prover: the claim is in no proof.
        Ok(left_out) if !left_out.is_empty() => Ok(Outcome::Missed),
        Ok(_) => Ok(Outcome::Accepted),
        Err(error) => wrong("wrong", format!("a proof does not follow: {error}")),
    }
}

/// A proof and a module, either of which may have been changed.
fn checked(claims: &str, code: &str, model: &Path) -> Result<Outcome> {
    let path = Path::new("p.json");
    let proof = match Proof::read(claims, path) {
        Ok(proof) => proof,
        Err(error) => return refused(&error),
    };
    let _ = report::proof(&proof);
    // As if its hash were right.
    if let Ok(machine) = module::read(code, Path::new("m.rs"), &[]) {
        let _ = follows(&proof, &machine, path);
    }
    let files = proofs::Files { proof: path, model, module: Path::new("m.rs") };
    match proofs::check(&proof, code, &files, &[]) {
        Ok(()) => Ok(Outcome::Accepted),
        Err(error) => refused(&error),
    }
}
