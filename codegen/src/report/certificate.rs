//! A certificate in words, for the terminal. Stands on certificates.

use std::fmt::Write;

use crate::certify::Certificate;
use crate::text;

/// Outputs that are named; of more, those whose bound is the largest.
const LISTED: usize = 8;

/// What is claimed of every input, a line a claim.
pub fn certificate(certificate: &Certificate) -> String {
    let mut out = String::from("  for every input whose status tells of nothing:\n");
    let mut bounded: Vec<_> =
        certificate.outputs.iter().filter_map(|output| Some((output, output.error?))).collect();
    bounded.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (output, error) in bounded.iter().take(LISTED) {
        let name = text::label(&output.name);
        // Writing into a string cannot fail.
        let _ = write!(out, "  {name} is within {error:.3e} of float");
        let _ = match output.seen > 0.0 {
            true => writeln!(
                out,
                " ({:.1} times the worst that a search found, {:.3e})",
                error / output.seen,
                output.seen
            ),
            false => writeln!(out, " (a search found no difference)"),
        };
    }
    if bounded.len() > LISTED {
        let _ = writeln!(out, "  and so on for {} outputs", bounded.len());
    }
    if let Some(margin) = certificate.margin.filter(|_| certificate.outputs.len() > 1) {
        let _ = writeln!(
            out,
            "  the largest output is float's largest where that leads by {margin:.3e}"
        );
    }
    if let Some(steps) = &certificate.steps {
        for after in &steps.after {
            let most = after.errors.iter().flatten().copied().fold(0.0, f64::max);
            let _ = match after.errors {
                Some(_) => writeln!(
                    out,
                    "  after {} steps from a reset, all outputs are within {most:.3e}",
                    after.steps
                ),
                None => {
                    writeln!(out, "  after {} steps from a reset, no bound was found", after.steps)
                }
            };
        }
        let _ = match &steps.always {
            Some(always) => {
                let most = always.iter().copied().fold(0.0, f64::max);
                writeln!(
                    out,
                    "  for all time, all outputs are within {most:.3e}: the two networks draw together"
                )
            }
            None => writeln!(out, "  for all time: none found"),
        };
    }
    if let Some(reason) = &certificate.unbounded {
        let _ = writeln!(out, "  not bounded: {}", text::plain(reason));
    }
    if !certificate.accumulators.is_empty() {
        let most = certificate.accumulators.iter().map(|sum| sum.share).fold(0.0, f64::max);
        let _ = writeln!(
            out,
            "  no sum overflows, in any order, for any integers: at most {:.2} % of 32 bits",
            100.0 * most
        );
    }
    out
}
