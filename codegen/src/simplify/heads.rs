//! Heads on heads: what compares the same.

use super::links::Links;
use crate::graph::{Graph, Layer};

/// The largest probability is that of the largest logit, and the softmax of logarithms of probabilities is theirs:
/// both read the logits, which integers tell apart where probabilities round to one.
pub fn see_through(graph: &mut Graph) -> bool {
    let links = Links::of(graph);
    let mut changed = false;
    for index in 0..graph.nodes.len() {
        let Some(before) = links.before(graph, index) else { continue };
        let same = matches!(
            (&graph.nodes[index].layer, &graph.nodes[before].layer),
            (Layer::ArgMax, Layer::Softmax | Layer::LogSoftmax)
                | (Layer::Softmax | Layer::LogSoftmax, Layer::LogSoftmax)
        );
        if same {
            graph.nodes[index].inputs = graph.nodes[before].inputs.clone();
            changed = true;
        }
    }
    changed
}
