//! A certificate held against its model and its module: what was changed, and whether every claim follows.
//!
//! Stands on certificates and modules read back. Nothing here asks the quantizer: tables, formats and the order of kernels
//! are those of the module's text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::bound::{Given, bound};
use super::certificate::{Certificate, integers, items, limits, margin, tensors};
use super::interval::Interval;
use super::module;
use super::net::Net;
use super::recurrent::{self, STEPS};
use super::split::halve;
use crate::data::sha256;
use crate::error::{Error, Kind, Result};
use crate::graph::Graph;
use crate::import;
use crate::parallel;
use crate::simplify::simplify;

/// What two computations of the same number may differ by.
const SLACK: f64 = 1e-9;

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
    let source = import::load_outputs(files.model, outputs).map_err(|e| e.of_kind(Kind::Model))?;
    if source.sha256 != certificate.model_sha256 {
        return Err(Error::new("the model is not the one that is certified")
            .file(files.model)
            .at("model_sha256")
            .expected(&certificate.model_sha256)
            .found(&source.sha256)
            .help("compile it again with --certificate"));
    }
    let graph = simplify(source.graph);
    let checker = Checker { certificate, graph: &graph, path: files.certificate };
    if certificate.outputs.is_empty() && certificate.unbounded.is_some() {
        // Nothing is claimed beyond the sums, which are part of the module's tables.
        return Ok(());
    }
    let machine = module::read(module_text, files.module, &certificate.proof.spots)?;
    checker.claims(&Net::of(&graph, &machine))
}

/// Whether the module is the one that is certified; else which of its items is not.
fn same_module(certificate: &Certificate, text: &str, files: &Files) -> Result<()> {
    let found = sha256(text.as_bytes());
    if found == certificate.module_sha256 {
        return Ok(());
    }
    let (own, theirs) = (items(text), &certificate.items);
    let changed = own
        .iter()
        .find(|item| !theirs.contains(item))
        .or_else(|| theirs.iter().find(|item| !own.contains(item)));
    let place =
        changed.map_or_else(|| "module_sha256".to_owned(), |item| format!("`{}`", item.name));
    Err(Error::new("the module is not the one that is certified")
        .file(files.module)
        .at(place)
        .expected(&certificate.module_sha256)
        .found(found)
        .help("compile it again with --certificate, or take the module that belongs to the certificate"))
}

struct Checker<'a> {
    certificate: &'a Certificate,
    graph: &'a Graph,
    path: &'a Path,
}

impl Checker<'_> {
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
            .expected(format!("at least {found}"))
            .found(claimed)
            .help("compile the model again with --certificate")
    }

    /// Refuses a claim below what was found.
    fn covers(&self, place: &str, claimed: f64, found: f64) -> Result<()> {
        match claimed >= found - SLACK * (found.abs() + 1e-3) {
            true => Ok(()),
            false => Err(self.refuse(place, claimed, found)),
        }
    }

    fn claims(&self, net: &Net) -> Result<()> {
        let inputs = limits(net.machine);
        let claimed = &self.certificate.inputs;
        if claimed.len() != inputs.len() || self.graph.input_len() != inputs.len() {
            return Err(self.refuse("inputs", claimed.len(), inputs.len()));
        }
        for (i, (claim, own)) in claimed.iter().zip(&inputs).enumerate() {
            let integers = net.machine.input.0.ranges.get(i);
            if (claim.low, claim.high) != (own.low, own.high) || Some(&claim.integers) != integers {
                let range = |low: f64, high: f64| format!("{low} to {high}");
                let place = format!("inputs, `{}`", claim.name);
                return Err(self.refuse(
                    &place,
                    range(claim.low, claim.high),
                    range(own.low, own.high),
                ));
            }
        }
        let given = Given { inputs, states: recurrent::start(net) };
        let Some(found) = bound(net, &given) else {
            return Err(self.refuse("outputs", "a bound", "none"));
        };
        for (claim, own) in self.certificate.tensors.iter().zip(&tensors(net, &found)) {
            let place = |what: &str| format!("tensors, `{}`, {what}", claim.name);
            self.covers(&place("high"), claim.high, own.high)?;
            self.covers(&place("low"), -claim.low, -own.low)?;
            if let Some(claimed) = claim.error {
                self.covers(&place("error"), claimed, own.error.unwrap_or(f64::INFINITY))?;
            }
        }
        for (claim, own) in self.certificate.integers.iter().zip(&integers(net, &found)) {
            let place = format!("integers, `{}`", claim.op);
            self.covers(&place, claim.high.into(), own.high.into())?;
            self.covers(&place, -f64::from(claim.low), -f64::from(own.low))?;
        }
        self.boxes(net, &given)?;
        self.steps(net, &given.inputs)
    }

    /// The boxes cover the whole, and in none an output is further off than claimed.
    fn boxes(&self, net: &Net, whole: &Given) -> Result<()> {
        let boxes = &self.certificate.proof.boxes;
        if !is_whole(boxes) {
            return Err(self.refuse("proof, boxes", "some of the inputs' box", "all of it"));
        }
        // Each box that was cut is looked at once, and what holds for a box holds for its parts.
        let nodes: BTreeSet<&[u32]> =
            boxes.iter().flat_map(|cuts| (0..=cuts.len()).map(|depth| &cuts[..depth])).collect();
        let nodes: Vec<&[u32]> = nodes.into_iter().collect();
        let errors = |cuts: &&[u32]| {
            let mut given = whole.clone();
            let cut = cuts.iter().all(|cut| halve(&mut given.inputs, *cut));
            bound(net, &given).filter(|_| cut).map(|found| found.errors())
        };
        let of_node: BTreeMap<&[u32], Option<Vec<f64>>> =
            nodes.iter().copied().zip(parallel::map(&nodes, errors)).collect();
        let least = |cuts: &Vec<u32>, i: usize| {
            let own = |depth: usize| of_node.get(&cuts[..depth])?.as_ref()?.get(i).copied();
            (0..=cuts.len()).filter_map(own).fold(f64::INFINITY, f64::min)
        };
        for (i, claim) in self.certificate.outputs.iter().enumerate() {
            let Some(claimed) = claim.error else { continue };
            let place = format!("outputs, `{}`, error", claim.name);
            boxes.iter().try_for_each(|cuts| self.covers(&place, claimed, least(cuts, i)))?;
        }
        if let Some(claimed) = self.certificate.margin {
            let own = margin(&self.certificate.outputs).unwrap_or(f64::INFINITY);
            self.covers("margin", claimed, own)?;
        }
        Ok(())
    }

    fn steps(&self, net: &Net, inputs: &[Interval]) -> Result<()> {
        let Some(claim) = &self.certificate.steps else { return Ok(()) };
        let found = recurrent::steps(net, inputs, self.certificate.proof.followed);
        let all = |place: &str, claimed: &[f64], found: Option<&Vec<f64>>| {
            claimed.iter().enumerate().try_for_each(|(i, claimed)| {
                let found = found.and_then(|found| found.get(i)).copied().unwrap_or(f64::INFINITY);
                self.covers(place, *claimed, found)
            })
        };
        for after in &claim.after {
            let Some(errors) = &after.errors else { continue };
            // The first step is bounded by the outputs' claims, box by box.
            let outputs: Vec<Option<f64>> =
                self.certificate.outputs.iter().map(|o| o.error).collect();
            if after.steps == 1 && errors.iter().map(|e| Some(*e)).eq(outputs) {
                continue;
            }
            let place = STEPS.iter().position(|steps| *steps == after.steps);
            let found = place.and_then(|place| found.after[place].as_ref());
            all(&format!("steps, after {}", after.steps), errors, found)?;
        }
        match &claim.always {
            Some(always) => all("steps, always", always, found.always.as_ref()),
            None => Ok(()),
        }
    }
}

/// Whether boxes, each given by its cuts, are all of the whole: each cut has both its halves.
fn is_whole(boxes: &[Vec<u32>]) -> bool {
    let mut all: Vec<&[u32]> = boxes.iter().map(Vec::as_slice).collect();
    all.sort_unstable();
    whole(&all, 0)
}

/// Whether sorted boxes that share their first `depth` cuts are all of what these leave.
fn whole(boxes: &[&[u32]], depth: usize) -> bool {
    match boxes {
        [] => false,
        [one] if one.len() == depth => true,
        _ => {
            let Some(first) = boxes.first().and_then(|cuts| cuts.get(depth)) else { return false };
            let lower = boxes.partition_point(|cuts| cuts.get(depth) <= Some(first));
            let (low, high) = boxes.split_at(lower);
            let upper = |cuts: &&[u32]| cuts.get(depth) == Some(&(first + 1));
            first % 2 == 0
                && high.iter().all(upper)
                && whole(low, depth + 1)
                && whole(high, depth + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_the_whole_if_no_half_is_missing() {
        let whole =
            |boxes: &[&[u32]]| is_whole(&boxes.iter().map(|b| b.to_vec()).collect::<Vec<_>>());
        assert!(whole(&[&[]]));
        assert!(whole(&[&[0], &[1]]));
        assert!(whole(&[&[3], &[2, 0, 4], &[2, 1], &[2, 0, 5]]));
        assert!(!whole(&[]));
        assert!(!whole(&[&[0]]));
        assert!(!whole(&[&[0], &[0]]));
        assert!(!whole(&[&[0], &[3]]));
        assert!(!whole(&[&[1], &[2]]));
        assert!(!whole(&[&[], &[0]]));
        assert!(!whole(&[&[3], &[2, 0, 4], &[2, 0, 5]]));
    }
}
