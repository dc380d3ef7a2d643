//! Layers with their work. Stands on a compiled model.

use serde::Serialize;

use crate::compiler::Compiled;
use crate::program::LayerReport;

/// A layer.
#[derive(Debug, Serialize)]
pub struct Layer<'a> {
    /// What the quantizer says of it.
    #[serde(flatten)]
    pub report: &'a LayerReport,
    /// Multiply-accumulates of a step.
    pub macs: usize,
    /// The largest sum that can occur, as a share of what 32 bits hold.
    pub sum_share: Option<f64>,
}

/// The layers in their order.
pub fn of(compiled: &Compiled) -> Vec<Layer<'_>> {
    let nodes = &compiled.graph.nodes;
    let macs = |layer: &LayerReport| {
        let node = nodes.iter().find(|node| node.name == layer.name);
        node.map_or(0, |node| node.layer.macs())
    };
    let layers = compiled.program.layers.iter();
    layers
        .map(|report| Layer { report, macs: macs(report), sum_share: report.sum_share() })
        .collect()
}
