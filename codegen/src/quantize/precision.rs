//! How fine a network's integers are. Stands on the graph and the widths.

use crate::graph::Graph;
use crate::program::Width;

/// How fine a network's integers are.
#[derive(Debug, Clone)]
pub struct Precision {
    /// Width of each node's weights.
    pub widths: Vec<Width>,
    /// What a function table may be off by, as a multiple of its share of the tolerance.
    pub tables: f64,
}

impl Precision {
    /// One width for all of `graph`, and tables as large as their share of the tolerance asks for.
    pub fn of(graph: &Graph, width: Width) -> Self {
        Self { widths: vec![width; graph.nodes.len()], tables: 1.0 }
    }
}
