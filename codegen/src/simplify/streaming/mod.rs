//! Windows of time that are fed a row a step: what an earlier step has computed is kept and not computed anew.
//!
//! A feature that is computed of the past as another of its tensor was computed of what was then the past, is what
//! that other was so many steps ago. The newest of such features alone is computed, and a delay line keeps it for as
//! long as something reads an older one: a causal convolution computes one row a step. Where a window's edge enters, in
//! the zeros around it, features are no others' past, and are computed as the file says. What nothing reads is not
//! computed at all. Before the first step, delay lines hold what the network makes of its inputs' first values.
//!
//! Stands on the graph and its float reference.

mod groups;
mod moments;
mod needs;
mod rebuild;

use self::moments::Moments;
use self::needs::Needs;
use self::rebuild::Rebuild;
use crate::graph::Graph;

/// Rewrites `graph` so that each step computes what is new; true if it has delay lines of its inputs.
pub fn stream(graph: &mut Graph) -> bool {
    let has_lines = graph.states.iter().any(|state| graph.delay_line(state).is_some());
    let streamed = has_lines.then(|| Moments::of(graph)).flatten();
    let streamed = streamed.and_then(|moments| {
        let needs = Needs::of(graph, &moments);
        Rebuild::new(graph, &moments, &needs)?.finish()
    });
    let changed = streamed.is_some();
    if let Some(streamed) = streamed {
        *graph = streamed;
    }
    changed
}

#[cfg(test)]
mod tests;
