//! The edges of Kolmogorov-Arnold layers that matter most. Stands on the program.

use serde::Serialize;

use crate::program::{Curve, LayerReport};

/// Edges that a page shows.
const SHOWN: usize = 24;

/// Trained functions of one number.
#[derive(Debug, Clone, Serialize)]
pub struct Edges {
    /// How many there are.
    pub count: usize,
    /// Those that move their output most, in that order.
    pub shown: Vec<Edge>,
}

/// An edge.
#[derive(Debug, Clone, Serialize)]
pub struct Edge {
    /// Its layer.
    pub layer: String,
    /// Its ends, its function and what the integers make of it.
    #[serde(flatten)]
    pub curve: Curve,
}

impl Edges {
    /// The edges of some layers; none of layers of other kinds.
    pub fn of(layers: &[LayerReport]) -> Option<Self> {
        let of_layer = |layer: &LayerReport| -> Vec<Edge> {
            let edge = |curve: &Curve| Edge { layer: layer.name.clone(), curve: curve.clone() };
            layer.curves.iter().map(edge).collect()
        };
        let mut shown: Vec<Edge> = layers.iter().flat_map(of_layer).collect();
        let count = shown.len();
        shown.sort_by(|a, b| b.curve.importance.total_cmp(&a.curve.importance));
        shown.truncate(SHOWN);
        (count > 0).then_some(Self { count, shown })
    }
}
