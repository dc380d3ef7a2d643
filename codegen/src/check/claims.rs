//! A certificate held against its model and its module: what was changed, and whether every claim follows.
//!
//! Stands on this room's opinion, on certificates and on modules read back. Nothing here asks the quantizer or the prover:
//! tables, formats and the order of kernels are those of the module's text.

use std::path::Path;

use super::files::{self, Said, after, other_module, same_model};
use super::opinion::{Opinion, accumulator, inputs, is_of, opinion};
use super::steps::STEPS;
use crate::certify::certificate::{Certificate, margin, share};
use crate::certify::machine::Machine;
use crate::certify::module;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::simplify::simplify;
use crate::text;

/// What an accumulator has room for.
const ROOM: u64 = i32::MAX as u64;

/// Files that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The certificate.
    pub certificate: &'a Path,
    /// The trained model.
    pub model: &'a Path,
    /// The generated module.
    pub module: &'a Path,
}

/// Checks a certificate, given with the module's text.
///
/// # Errors
/// A file is not the one that is certified, or a claim does not follow from them: its name, what is claimed, and what
/// was found.
pub fn check(
    certificate: &Certificate,
    module_text: &str,
    files: &Files,
    outputs: &[String],
) -> Result<()> {
    same_module(certificate, module_text, files)?;
    let source = same_model(&certificate.model_sha256, files.model, outputs)?;
    follows(certificate, module_text, &simplify(source.graph), files)?;
    match certificate.changed() {
        None => Ok(()),
        Some(field) => Err(Error::new("the certificate was changed after it was written")
            .file(files.certificate)
            .at(text::label(&field))
            .expected("the field whose digest is in the certificate")
            .found("another")
            .help("compile the model again with --certificate")),
    }
}

/// Checks that a certificate follows from a module's text and a float network, as [`check`] does once it has read the
/// model's file.
///
/// # Errors
/// As of [`check`].
pub fn follows(
    certificate: &Certificate,
    module_text: &str,
    graph: &Graph,
    files: &Files,
) -> Result<()> {
    let checker = Checker { certificate, graph, path: files.certificate };
    let machine = match module::read(module_text, files.module, &certificate.proof.spots) {
        Ok(machine) => machine,
        // Nothing is claimed of kernels that have no formulas.
        Err(_) if checker.claims_nothing() => return Ok(()),
        Err(error) => return Err(error),
    };
    checker.claims(&machine)
}

/// Refuses a module that is not the one that is certified, or is not called so.
fn same_module(certificate: &Certificate, text: &str, files: &Files) -> Result<()> {
    let Certificate { module_sha256, calibration_sha256, items, .. } = certificate;
    files::same_module(&Said { module_sha256, calibration_sha256, items }, text, files.module)?;
    let name = after(text, "pub mod ").map(|rest| rest.trim_end_matches(['{', ' ']));
    match name.filter(|name| *name != certificate.model) {
        Some(name) => Err(other_module(files.module, "model", &certificate.model, name)),
        None => Ok(()),
    }
}

struct Checker<'a> {
    certificate: &'a Certificate,
    graph: &'a Graph,
    path: &'a Path,
}

impl Checker<'_> {
    /// Whether it only says that nothing is bounded.
    fn claims_nothing(&self) -> bool {
        let own = self.certificate;
        let empty =
            own.accumulators.is_empty() && own.tensors.is_empty() && own.integers.is_empty();
        empty
            && own.outputs.is_empty()
            && own.steps.is_none()
            && own.margin.is_none()
            && own.unbounded.is_some()
    }

    /// A claim that does not follow.
    fn refuse(
        &self,
        place: &str,
        claimed: impl std::fmt::Display,
        found: impl std::fmt::Display,
    ) -> Error {
        Error::new("a claim does not follow from the model and the module")
            .file(self.path)
            .at(place)
            .expected(found)
            .found(claimed)
            .help("compile the model again with --certificate")
    }

    /// Refuses a claim below what was found.
    fn covers(&self, place: &str, claimed: f64, found: f64) -> Result<()> {
        match claimed >= found {
            true => Ok(()),
            false => Err(self.refuse(place, claimed, format!("at least {found}"))),
        }
    }

    /// Refuses names that are not all there are, in their order.
    fn same_names(&self, place: &str, claimed: &[String], own: &[String]) -> Result<()> {
        if claimed.len() != own.len() {
            return Err(self.refuse(
                place,
                format!("{} of them", claimed.len()),
                format!("{} of them", own.len()),
            ));
        }
        match claimed.iter().zip(own).find(|(claimed, own)| claimed != own) {
            Some((claimed, own)) => {
                Err(self.refuse(place, format!("`{claimed}`"), format!("`{own}`")))
            }
            None => Ok(()),
        }
    }

    fn claims(&self, machine: &Machine) -> Result<()> {
        self.accumulators(machine)?;
        self.inputs(machine)?;
        self.names(machine)?;
        if self.claims_no_bound() {
            return Ok(());
        }
        let proof = &self.certificate.proof;
        let Some(found) = opinion(self.graph, machine, &proof.boxes, proof.followed) else {
            return Err(self.refuse("proof, boxes", "some of the inputs' box", "all of it"));
        };
        self.ranges(&found)?;
        self.outputs(&found)?;
        self.steps(&found)
    }

    /// Whether no bound of anything but sums is claimed.
    fn claims_no_bound(&self) -> bool {
        let own = self.certificate;
        let open = own.outputs.iter().all(|output| output.error.is_none());
        let empty = own.tensors.is_empty() && own.integers.is_empty();
        open && empty && own.steps.is_none() && own.margin.is_none() && own.unbounded.is_some()
    }

    /// Every sum fits, and none is larger than claimed.
    fn accumulators(&self, machine: &Machine) -> Result<()> {
        for claim in &self.certificate.accumulators {
            let place = format!("accumulators, `{}`", claim.layer);
            let Some(found) = accumulator(machine, &claim.layer) else {
                return Err(self.refuse(&place, claim.bound, "a layer of the module"));
            };
            if claim.bound < found || found > ROOM || claim.bound > ROOM {
                return Err(self.refuse(&place, claim.bound, format!("{found} to {ROOM}")));
            }
            if claim.share != share(claim.bound) {
                return Err(self.refuse(
                    &format!("{place}, share"),
                    claim.share,
                    share(claim.bound),
                ));
            }
        }
        Ok(())
    }

    fn inputs(&self, machine: &Machine) -> Result<()> {
        let claimed = &self.certificate.inputs;
        let names: Vec<String> = claimed.iter().map(|claim| claim.name.clone()).collect();
        let own: Vec<String> =
            (0..self.graph.input_len()).map(|i| self.graph.input_name(i)).collect();
        self.same_names("inputs", &names, &own)?;
        for (i, (claim, own)) in claimed.iter().zip(&inputs(machine)).enumerate() {
            let integers = machine.input.0.ranges.get(i);
            if (claim.low, claim.high) != (own.low, own.high) || Some(&claim.integers) != integers {
                let range = |low: f64, high: f64| format!("{low} to {high}");
                let place = format!("inputs, `{}`", claim.name);
                let (claimed, found) = (range(claim.low, claim.high), range(own.low, own.high));
                return Err(self.refuse(&place, claimed, found));
            }
        }
        Ok(())
    }

    /// Nothing was taken out.
    fn names(&self, machine: &Machine) -> Result<()> {
        let Certificate { tensors, integers, outputs, steps, .. } = self.certificate;
        let names = |all: &mut dyn Iterator<Item = &String>| all.cloned().collect::<Vec<String>>();
        let own: Vec<String> =
            (0..self.graph.output_len()).map(|i| self.graph.output_name(i)).collect();
        self.same_names("outputs", &names(&mut outputs.iter().map(|claim| &claim.name)), &own)?;
        if self.claims_no_bound() {
            return Ok(());
        }
        let own = names(&mut self.graph.tensors.iter().map(|tensor| &tensor.name));
        self.same_names("tensors", &names(&mut tensors.iter().map(|claim| &claim.name)), &own)?;
        let ops = names(&mut integers.iter().map(|claim| &claim.op));
        let own = names(&mut machine.steps.iter().map(|step| &step.name));
        let alike = ops.iter().zip(&own).all(|(op, step)| is_of(step, op, false));
        if !alike || ops.len() != own.len() {
            self.same_names("integers", &ops, &own)?;
        }
        let after: Option<Vec<usize>> =
            steps.as_ref().map(|steps| steps.after.iter().map(|after| after.steps).collect());
        let own = (!self.graph.states.is_empty()).then(|| STEPS.to_vec());
        match after == own {
            true => Ok(()),
            false => Err(self.refuse("steps", format!("{after:?}"), format!("{own:?}"))),
        }
    }

    /// Of tensors and integers.
    fn ranges(&self, found: &Opinion) -> Result<()> {
        for (claim, (own, apart)) in self.certificate.tensors.iter().zip(&found.tensors) {
            let place = |what: &str| format!("tensors, `{}`, {what}", claim.name);
            self.covers(&place("high"), claim.high, own.high)?;
            self.covers(&place("low"), -claim.low, -own.low)?;
            if let Some(claimed) = claim.error {
                self.covers(&place("error"), claimed, apart.unwrap_or(f64::INFINITY))?;
            }
        }
        for (claim, [low, high]) in self.certificate.integers.iter().zip(&found.integers) {
            let place = format!("integers, `{}`", claim.op);
            self.covers(&place, claim.high.into(), (*high).into())?;
            self.covers(&place, -f64::from(claim.low), -f64::from(*low))?;
        }
        Ok(())
    }

    fn outputs(&self, found: &Opinion) -> Result<()> {
        let indices: Vec<usize> =
            self.graph.indices().into_iter().map(|(feature, _)| feature).collect();
        for (i, claim) in self.certificate.outputs.iter().enumerate() {
            let Some(claimed) = claim.error else { continue };
            let place = format!("outputs, `{}`, error", claim.name);
            if indices.contains(&i) {
                return Err(self.refuse(&place, claimed, "no claim: it is an index"));
            }
            self.covers(&place, claimed, found.outputs.get(i).copied().unwrap_or(f64::INFINITY))?;
        }
        let open = self.certificate.outputs.iter().any(|claim| claim.error.is_none());
        if open != self.certificate.unbounded.is_some() {
            let why = self.certificate.unbounded.as_deref().unwrap_or("nothing");
            return Err(self.refuse("unbounded", why, if open { "why" } else { "nothing" }));
        }
        if let Some(claimed) = self.certificate.margin {
            let own = margin(&self.certificate.outputs).unwrap_or(f64::INFINITY);
            self.covers("margin", claimed, own)?;
        }
        Ok(())
    }

    fn steps(&self, found: &Opinion) -> Result<()> {
        let (Some(claim), Some(found)) = (&self.certificate.steps, &found.steps) else {
            return Ok(());
        };
        let count = self.certificate.outputs.len();
        let all = |place: &str, claimed: &[f64], found: Option<&Vec<f64>>| {
            if claimed.len() != count {
                return Err(self.refuse(place, format!("{} outputs", claimed.len()), count));
            }
            claimed.iter().enumerate().try_for_each(|(i, claimed)| {
                let found = found.and_then(|found| found.get(i)).copied().unwrap_or(f64::INFINITY);
                self.covers(place, *claimed, found)
            })
        };
        let outputs: Vec<Option<f64>> = self.certificate.outputs.iter().map(|o| o.error).collect();
        for (after, found) in claim.after.iter().zip(&found.after) {
            let Some(errors) = &after.errors else { continue };
            // The first step is bounded by the outputs' claims, box by box.
            let first = after.steps == STEPS[0]
                && errors.iter().map(|e| Some(*e)).eq(outputs.iter().copied());
            if !first {
                all(&format!("steps, after {}", after.steps), errors, found.as_ref())?;
            }
        }
        match &claim.always {
            Some(always) => all("steps, always", always, found.always.as_ref()),
            None => Ok(()),
        }
    }
}
