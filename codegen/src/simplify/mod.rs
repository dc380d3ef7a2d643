//! The same function with fewer layers: what a table or a dense layer can take over costs nothing.
//!
//! Every rewrite is exact in real arithmetic.
//!
//! Stands on the graph, and on its float reference for what windows hold before their first step.

mod affine;
mod anytime;
mod bounds;
mod elementwise;
mod heads;
mod links;
mod permute;
mod rearrange;
mod states;
mod streaming;

use crate::graph::Graph;

/// A rewrite of the whole graph; true if it changed anything.
type Pass = fn(&mut Graph) -> bool;

/// Run to a standstill before [`elementwise::fuse`], so that a scale goes into a dense layer where it can.
const LINEAR: &[Pass] = &[
    affine::recognize,
    affine::silence,
    affine::merge,
    affine::fold_forward,
    affine::fold_backward,
    affine::fold_into_sum,
    affine::merge_dense,
    affine::merge_sum,
    heads::see_through,
    rearrange::compose,
    rearrange::regroup,
    rearrange::pick_rows,
    rearrange::bypass,
    states::split,
    permute::behind_functions,
    permute::behind_pairs,
    permute::into_columns,
];

/// Rewrites `graph` until nothing can be taken out.
///
/// Chains of elementwise layers on one tensor become one function; affine layers disappear into dense ones;
/// layers that change nothing, or that nothing reads, are removed.
pub fn simplify(mut graph: Graph) -> Graph {
    graph.remove_unread();
    if streaming::stream(&mut graph) {
        graph.remove_unread();
    }
    // Every rewrite brings a layer nearer to the input or removes one, so this ends; the bound is for safety.
    for _ in 0..16 + graph.nodes.len() {
        let mut changed = LINEAR.iter().fold(false, |changed, pass| pass(&mut graph) | changed);
        graph.remove_unread();
        if !changed {
            changed = elementwise::fuse(&mut graph) || states::expand(&mut graph);
            graph.remove_unread();
        }
        if !changed {
            break;
        }
    }
    anytime::cut(&mut graph);
    rearrange::bypass(&mut graph);
    graph.remove_unread();
    bounds::of_states(&mut graph);
    graph.name_apart();
    graph
}

#[cfg(test)]
mod tests;
