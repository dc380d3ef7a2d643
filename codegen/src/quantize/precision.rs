//! How fine a network's integers are. Stands on the graph and the widths.

use crate::graph::{Graph, Layer};
use crate::program::Width;

/// How fine a network's integers are.
#[derive(Debug, Clone, PartialEq)]
pub struct Precision {
    /// Width of each node's weights.
    pub widths: Vec<Width>,
    /// What a function table may be off by, as a multiple of its share of the tolerance.
    pub tables: f64,
    /// Whether layers with the same function share its table, and so their formats.
    pub shared: bool,
}

impl Precision {
    /// One width for all of `graph`, or what is next to it where a layer cannot have that, and tables as large as their
    /// share of the tolerance asks for.
    pub fn of(graph: &Graph, width: Width) -> Self {
        let widths = graph.nodes.iter().map(|node| width.max(narrowest(&node.layer))).collect();
        Self { widths, tables: 1.0, shared: false }
    }
}

/// Whether a layer has weights whose width is chosen for itself.
pub fn has_width(layer: &Layer) -> bool {
    matches!(layer, Layer::Dense(_) | Layer::Windows(_) | Layer::Kan(_))
}

/// The narrowest weights that a layer can have.
pub fn narrowest(layer: &Layer) -> Width {
    match layer {
        Layer::Dense(_) | Layer::Windows(_) => Width::I4,
        _ => Width::I8,
    }
}
