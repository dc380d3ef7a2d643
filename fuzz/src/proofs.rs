//! Certificates, modules read back and properties that were changed. Stands on outcomes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nervecord_codegen::certify::bound::{Given, bound};
use nervecord_codegen::certify::certificate::limits;
use nervecord_codegen::certify::machine::Machine;
use nervecord_codegen::certify::net::Net;
use nervecord_codegen::certify::{Certificate, module, recurrent};
use nervecord_codegen::check::{Files, check};
use nervecord_codegen::prove::{Limits, Verdict, decide, read};
use nervecord_codegen::simplify::simplify;
use nervecord_codegen::{Compiler, Error, import};
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
    }
    let files =
        Files { certificate: Path::new("c.json"), model: &model, module: Path::new("m.rs") };
    match check(&certificate, &code, &files, &[]) {
        Ok(()) => Ok(Outcome::Accepted),
        Err(error) => refused(&error),
    }
}

/// A property of a small network.
pub fn property(seed: &Seed, folder: &Path) -> Result<Outcome> {
    let compiler = Compiler::new(folder.join(seed.model)).calibration(folder.join("data.csv"));
    let compiled = match compiler.build() {
        Ok(compiled) => compiled,
        Err(error) => return refused(&error),
    };
    let program = &compiled.program;
    let (inputs, outputs) = (program.input.features(), program.output.features());
    let refused = |error: Error| refused(&error);
    let properties = match read(&text(folder, "p.vnnlib"), Path::new("p.vnnlib"), inputs, outputs) {
        Ok(properties) => properties,
        Err(error) => return refused(error),
    };
    let machine = match Machine::of(program) {
        Ok(machine) => machine,
        Err(error) => return refused(error),
    };
    let time = Limits { time: Some(Duration::from_millis(100)), threads: 1 };
    for property in properties.iter().take(8) {
        let verdict = decide(program, &machine, property, &time, &|_, _| {});
        if let Verdict::Violated { outputs, .. } = &verdict
            && !property.is_unsafe(outputs)
        {
            return wrong("wrong", format!("outputs {outputs:?} are not unsafe"));
        }
    }
    Ok(Outcome::Accepted)
}
