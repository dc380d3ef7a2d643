//! A program beside its float network: which lanes hold which tensors, and the functions of integers beside the real ones.
//!
//! Stands on the program's formulas, the graph and deviations.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::deviation::{Deviation, integers};
use super::edge::Curve;
use super::interval::Interval;
use super::machine::{Machine, Spot};
use crate::graph::{Graph, Layer, Node, TensorId};

/// What a lane holds: a feature of a tensor of the float network, as `scale q + offset`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Owner {
    /// The tensor.
    pub tensor: TensorId,
    /// The feature.
    pub feature: usize,
    /// Real number a unit.
    pub scale: f64,
    /// What 0 stands for.
    pub offset: f64,
}

/// A function of integers, and which real one it stands for: what a deviation is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The step.
    pub step: usize,
    /// Its table, or its feature.
    pub of: usize,
    /// The edge, of a feature that has several; the function, of a table.
    pub edge: usize,
    /// The formats on both sides, as bits.
    pub formats: [u64; 4],
}

/// A program beside its float network.
#[derive(Debug)]
pub struct Net<'a> {
    /// The float network.
    pub graph: &'a Graph,
    /// The integers.
    pub machine: &'a Machine,
    /// What lanes hold after so many steps.
    pub owners: Vec<Vec<(usize, Owner)>>,
    /// The same of each step, by the lanes that it writes.
    pub targets: Vec<HashMap<usize, Owner>>,
    /// The node that writes each tensor.
    writers: Vec<Option<usize>>,
    /// By the tensors that they lead from and to.
    edges: HashMap<(TensorId, TensorId), Edges>,
    deviations: Mutex<HashMap<Key, Arc<Deviation>>>,
    /// Of a step that ends in a softmax, and the scale that it reads.
    heads: Mutex<HashMap<(usize, u64), Option<f64>>>,
}

/// Features with their factors, and an addend.
pub type Linear = (Vec<((TensorId, usize), f64)>, f64);

/// The real functions that lead from the features of one tensor to those of another, which sums them.
#[derive(Debug)]
pub struct Edges {
    /// `[output][input]`.
    pub curves: Vec<Vec<Curve>>,
    /// What is added.
    pub bias: Vec<f64>,
}

impl<'a> Net<'a> {
    /// Both of a model.
    pub fn of(graph: &'a Graph, machine: &'a Machine) -> Self {
        let mut writers = vec![None; graph.tensors.len()];
        graph.nodes.iter().enumerate().for_each(|(k, node)| writers[node.output] = Some(k));
        let mut owners = vec![Vec::new(); machine.steps.len() + 1];
        for spot in &machine.spots {
            let Some(at) = owners.get_mut(spot.after) else { continue };
            at.extend(owned(graph, spot));
        }
        let targets = owners.iter().skip(1).map(|at| at.iter().copied().collect()).collect();
        let edges = HashMap::new();
        let (deviations, heads) = (Mutex::default(), Mutex::default());
        let mut net = Self { graph, machine, owners, targets, writers, edges, deviations, heads };
        net.edges = graph.nodes.iter().filter_map(|node| net.edges_into(node)).collect();
        net
    }

    /// The node that writes a tensor.
    pub fn writer(&self, tensor: TensorId) -> Option<&'a Node> {
        self.writers.get(tensor).copied().flatten().map(|k| &self.graph.nodes[k])
    }

    /// How many nodes there are up to the one that writes a tensor.
    pub fn number(&self, tensor: TensorId) -> usize {
        self.writers.get(tensor).copied().flatten().map_or(0, |k| k + 1)
    }

    /// A feature that is a sum of others, each times a factor, and of a number.
    pub fn linear(&self, tensor: TensorId, feature: usize) -> Option<Linear> {
        let node = self.writer(tensor)?;
        let x = node.inputs.first().copied()?;
        let row = |weights: &[f64], bias: f64, from: usize| {
            let terms = weights.iter().enumerate().filter(|(_, w)| **w != 0.0);
            (terms.map(|(i, w)| ((x, from + i), *w)).collect(), bias)
        };
        Some(match &node.layer {
            Layer::Dense(dense) => row(dense.weights.get(feature)?, *dense.bias.get(feature)?, 0),
            Layer::Windows(windows) => {
                let outputs = windows.dense.weights.len();
                let start = windows.starts().nth(feature / outputs)?;
                let (weights, bias) = (&windows.dense.weights, &windows.dense.bias);
                row(weights.get(feature % outputs)?, *bias.get(feature % outputs)?, start)
            }
            Layer::Affine { scale, offset } => {
                (vec![((x, feature), *scale.get(feature)?)], *offset.get(feature)?)
            }
            Layer::Add { factors: [a, b] } => {
                (vec![((x, feature), *a), ((*node.inputs.get(1)?, feature), *b)], 0.0)
            }
            Layer::Select(indices) => (vec![((x, *indices.get(feature)?), 1.0)], 0.0),
            Layer::Concat => {
                let mut at = feature;
                let own = node.inputs.iter().find(|&&id| {
                    let len = self.graph.tensors[id].len();
                    let inside = at < len;
                    at -= if inside { 0 } else { len };
                    inside
                })?;
                (vec![((*own, at), 1.0)], 0.0)
            }
            Layer::Anytime { .. } => (vec![((*node.inputs.last()?, feature), 1.0)], 0.0),
            _ => return None,
        })
    }

    /// Whether float makes a feature of just these numbers, in this order: elementwise, of a group, or of a row.
    pub fn is_of(&self, target: Owner, reads: &[Owner]) -> bool {
        let Some(node) = self.writer(target.tensor) else { return false };
        let own: Vec<(TensorId, usize)> =
            reads.iter().map(|read| (read.tensor, read.feature)).collect();
        let first = || node.inputs.first().copied().unwrap_or(target.tensor);
        let len = |id: TensorId| self.graph.tensors[id].len();
        let several = |from: usize, count: usize| {
            (from..from + count).map(|i| (first(), i)).collect::<Vec<_>>()
        };
        let wanted = match &node.layer {
            Layer::Reduce { groups, .. } => {
                let members = len(first()) / groups.max(&1);
                several(target.feature * members, members)
            }
            Layer::Normalize { .. }
            | Layer::RootMeanSquare { .. }
            | Layer::Softmax
            | Layer::LogSoftmax => several(0, len(first())),
            Layer::Rows { count, .. } => {
                let row = (len(first()) / count.max(&1)).max(1);
                several(target.feature / row * row, row)
            }
            // The one divisor of all is its only feature.
            _ => node.inputs.iter().map(|&id| (id, target.feature.min(len(id) - 1))).collect(),
        };
        own == wanted
    }

    /// The lanes of a state when a step begins, and what they hold.
    pub fn state_owners(&self, tensor: TensorId) -> Vec<(usize, Owner)> {
        // The last word on it: a delay line's format is known once its layer is.
        let own = |at: &&Vec<(usize, Owner)>| at.iter().any(|(_, owner)| owner.tensor == tensor);
        let last = self.owners.iter().rev().find(own).into_iter().flatten();
        last.filter(|(_, owner)| owner.tensor == tensor).copied().collect()
    }

    /// The function that makes feature `to` of a tensor of feature `from` of another, and its number among the layer's.
    pub fn function(&self, from: Owner, to: Owner) -> Option<(Curve, usize)> {
        let node = self.writer(to.tensor)?;
        let reads = node.inputs.first() == Some(&from.tensor);
        match &node.layer {
            Layer::Map(f) if reads && from.feature == to.feature => Some((Curve::of(1.0, f), 0)),
            Layer::Functions { functions, picks } if reads => {
                let &(feature, k) = picks.get(to.feature)?;
                (feature == from.feature).then(|| (Curve::of(1.0, &functions[k]), k))
            }
            _ => None,
        }
    }

    /// The edges that lead from tensor `from` to `to`, if it is a sum of functions of single features.
    pub fn edges(&self, from: TensorId, to: TensorId) -> Option<&Edges> {
        self.edges.get(&(from, to))
    }

    /// Those that lead to what a node writes.
    fn edges_into(&self, node: &Node) -> Option<((TensorId, TensorId), Edges)> {
        let own = *node.inputs.first()?;
        match &node.layer {
            Layer::Kan(kan) => {
                let row = |row: &Vec<crate::graph::kan::Edge>| {
                    row.iter().map(|edge| Curve::of_edge(edge, &kan.base)).collect()
                };
                let curves = kan.edges.iter().map(row).collect();
                Some(((own, node.output), Edges { curves, bias: kan.bias.clone() }))
            }
            Layer::Dense(dense) => {
                let before = self.writer(own)?;
                let Layer::Functions { functions, picks } = &before.layer else { return None };
                let from = *before.inputs.first()?;
                let inputs = self.graph.tensors[from].len();
                let row = |weights: &Vec<f64>| {
                    let mut curves = vec![Curve::default(); inputs];
                    for (w, &(i, k)) in weights.iter().zip(picks).filter(|(w, _)| **w != 0.0) {
                        curves[i].add(*w, &functions[k]);
                    }
                    curves
                };
                let curves = dense.weights.iter().map(row).collect();
                Some(((from, node.output), Edges { curves, bias: dense.bias.clone() }))
            }
            _ => None,
        }
    }

    /// The deviation of a function of integers over some activations; `make` makes it over those from one to another
    /// where it is not known.
    pub fn deviation(
        &self,
        key: &Key,
        x: Interval,
        make: impl FnOnce(i32, i32) -> Deviation,
    ) -> Option<Interval> {
        let known = self.deviations.lock().ok().and_then(|known| known.get(key).cloned());
        if let Some(over) = known.as_ref().and_then(|known| known.over(x)) {
            return Some(over);
        }
        // A little more than is asked for, since others of its kind will ask as well.
        let (low, high) = integers(x);
        let more = (high - low) / 8 + 64;
        let (first, last) = known.map_or((low, high), |known| known.known());
        let made = make((low.min(first) - more).max(-32768), (high.max(last) + more).min(32767));
        let over = made.over(x);
        if let Ok(mut known) = self.deviations.lock() {
            known.insert(key.clone(), Arc::new(made));
        }
        over
    }

    /// How far the softmax of a step is from its function of what it reads in a scale; found once, at every integer.
    pub fn head(&self, step: usize, scale: f64, find: impl FnOnce() -> Option<f64>) -> Option<f64> {
        match self.heads.lock() {
            Ok(mut known) => *known.entry((step, scale.to_bits())).or_insert_with(find),
            Err(_) => find(),
        }
    }
}

/// The lanes of a spot, each with what it holds; none if the float network has no such tensor.
fn owned(graph: &Graph, spot: &Spot) -> Vec<(usize, Owner)> {
    let same = |(_, tensor): &(usize, &crate::graph::Tensor)| {
        tensor.name == spot.tensor && tensor.len() == spot.features
    };
    let found = graph.tensors.iter().enumerate().rfind(same);
    let of = |list: &[f64], i: usize| list.get(if list.len() == 1 { 0 } else { i }).copied();
    let owner = |feature: usize| {
        let (scale, offset) = (of(&spot.scale, feature)?, of(&spot.offset, feature)?);
        // A scale of 0 stands for nothing.
        let owner = Owner { tensor: found?.0, feature, scale, offset };
        let lane = spot.lane.checked_add(feature)?;
        (scale > 0.0 && offset.is_finite()).then_some((lane, owner))
    };
    (0..found.map_or(0, |_| spot.features)).filter_map(owner).collect()
}
