//! A proof of properties in words, for the terminal: what its numbers say, whatever its names do. Stands on proofs.

use std::fmt::Write;

use crate::prove::{Claim, Constraint, Found, Proof};
use crate::text;

/// Constraints that are written out.
const LISTED: usize = 8;

/// What is claimed, a few lines a claim.
pub fn proof(proof: &Proof) -> String {
    let mut out = String::new();
    for claim in &proof.claims {
        let never = unwanted(claim);
        let end = match &claim.found {
            Found::Holds(tree) => {
                let boxes = tree.iter().filter(|cut| **cut == 0).count();
                format!("for no integers of the box, shown by {boxes} parts of it")
            }
            Found::Violated(integers) => format!("for the integers {integers:?}"),
        };
        // Writing into a string cannot fail.
        let _ = writeln!(out, "  {}: {never} {end}", text::label(&claim.name));
    }
    if proof.claims.is_empty() {
        out += "  nothing is claimed\n";
    }
    out
}

/// The outputs that a claim is about.
fn unwanted(claim: &Claim) -> String {
    let letter = match claim.moved {
        Some(i) => format!("where x{i} rises, a change of y"),
        None => "y".to_owned(),
    };
    let term = |(output, factor): &(usize, f64)| format!("{factor} {letter}{output}");
    let constraint = |constraint: &Constraint| {
        let terms: Vec<String> = constraint.terms.iter().map(term).collect();
        format!("{} <= {}", terms.join(" + "), constraint.most)
    };
    let set = |set: &Vec<Constraint>| set.iter().map(constraint).collect::<Vec<_>>().join(" and ");
    let sets: Vec<String> = claim.never.iter().take(LISTED).map(set).collect();
    let more = if claim.never.len() > LISTED { " or .." } else { "" };
    sets.join(" or ") + more
}
