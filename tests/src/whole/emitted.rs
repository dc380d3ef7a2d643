//! Modules of whole networks as one program, which gives the interpreter's integers or panics.

use std::ops::Range;

use super::certified::certify;
use super::claims::{Held, hold_long};
use super::families::whole;
use crate::built;

/// Rows of calibration that each module is run on, beside the extreme ones.
const ROWS: usize = 20;

/// A program of the modules of these seeds; those with memory run for `steps` steps, in which the interpreter is held to
/// their certificates, or a tenth of these where no certificate speaks of as many.
///
/// # Errors
/// What is beyond its claim, with its seed.
pub fn program(seeds: Range<u64>, steps: usize) -> Result<(String, Held), String> {
    let (mut text, mut calls, mut all) = (built::head(), String::new(), Held::default());
    for seed in seeds {
        let about = |wrong: String| format!("seed {seed}: {wrong}");
        let whole = whole(seed).map_err(|error| about(error.to_string()))?;
        let Some(certified) = certify(&whole).map_err(about)? else { continue };
        let (name, compiled) = (format!("whole_{seed}"), &certified.compiled);
        let rows = &whole.rows[..whole.rows.len().min(ROWS)];
        text += &built::checked(&name, compiled, rows);
        calls += &format!("    {name}::check();\n");
        if !compiled.graph.states.is_empty() {
            // Where nothing is claimed of any step, integers are compared with integers alone.
            let always = certified.certificate.steps.as_ref().is_some_and(|s| s.always.is_some());
            let steps = if always { steps } else { steps / 10 };
            let (held, outputs) = hold_long(&certified, seed, steps).map_err(about)?;
            text += &built::long(&name, compiled, seed, steps, outputs);
            calls += &format!("    {name}_long();\n");
            all = all.and(held);
        }
    }
    text += &format!("fn main() {{\n{calls}}}\n");
    Ok((text, all))
}
