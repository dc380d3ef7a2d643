//! One box of inputs: what every tensor of the float network can be, and how far the integers can be from it.
//!
//! The float network is followed on affine forms, and the program beside it, op by op over its memory. Which lane stands for
//! which tensor is a hint: a wrong one makes bounds wide, not false.
//!
//! Stands on the walk and its ops.

use super::form::{Form, Pair};
use super::interval::Interval;
use super::net::Net;
pub use super::walk::Given;
use super::walk::Walk;
use crate::graph::{Layer, Node};

/// What is found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The outputs.
    pub outputs: Vec<Pair>,
    /// What each state becomes, feature by feature.
    pub states: Vec<Vec<Pair>>,
    /// All that each tensor's features can be.
    pub tensors: Vec<Vec<Interval>>,
    /// How far the integers of each tensor can be from it, where they are in memory for a time.
    pub apart: Vec<Option<Vec<f64>>>,
    /// All integers that each op writes.
    pub integers: Vec<Interval>,
    /// How much each input moves the numbers that functions are taken of.
    pub moves: Vec<f64>,
}

impl Found {
    /// How far each output can be off.
    pub fn errors(&self) -> Vec<f64> {
        self.outputs.iter().map(|pair| pair.off.range().magnitude()).collect()
    }
}

/// Corners of a box at which features of the float network are as large or as small as its forms can tell.
pub fn corners(net: &Net, given: &Given) -> Vec<Vec<f64>> {
    let mut walk = Walk::new(net, given);
    if walk.float(net.graph.nodes.len()).is_none() {
        return vec![];
    }
    let corner = |form: &Form, sign: f64| -> Vec<f64> {
        let end =
            |(i, x): (usize, &Interval)| if form.of_input(i) * sign < 0.0 { x.low } else { x.high };
        given.inputs.iter().enumerate().map(end).collect()
    };
    let forms = walk.exact.iter().skip(1).flatten();
    forms.flat_map(|form| [1.0, -1.0].map(|sign| corner(form, sign))).collect()
}

/// Follows a box through both networks; none where something is not bounded at all.
pub fn bound(net: &Net, given: &Given) -> Option<Found> {
    let mut walk = Walk::new(net, given);
    walk.start(given);
    let mut apart = vec![None; net.graph.tensors.len()];
    let mut reached = Vec::new();
    walk.note(0, &mut apart);
    for k in 0..net.machine.steps.len() {
        // Float's tensors as they are needed, so that what is new in both is remembered together.
        for owner in net.targets[k].values() {
            walk.float(net.number(owner.tensor))?;
        }
        reached.push(walk.step(k));
        walk.note(k + 1, &mut apart);
    }
    walk.float(net.graph.nodes.len())?;
    let outputs = walk.outputs();
    let states = walk.states();
    let tensors =
        walk.exact.iter().map(|tensor| tensor.iter().map(Form::range).collect()).collect();
    let moves = moves(&walk, given);
    Some(Found { outputs, states, tensors, apart, integers: reached, moves })
}

/// How much each input moves the numbers that functions are taken of: what makes lines of them loose.
fn moves(walk: &Walk, given: &Given) -> Vec<f64> {
    let mut all = vec![0.0; given.inputs.len()];
    let linear = |node: &&Node| {
        !matches!(
            node.layer,
            Layer::Dense(_)
                | Layer::Windows(_)
                | Layer::Affine { .. }
                | Layer::Add { .. }
                | Layer::Concat
                | Layer::Select(_)
                | Layer::Pad { .. }
                | Layer::DelayLine
                | Layer::Anytime { .. }
        )
    };
    let curved = walk.net.graph.nodes.iter().filter(|node| linear(node));
    let forms = curved.flat_map(|node| node.inputs.iter().flat_map(|&id| &walk.exact[id]));
    for form in forms {
        let size = form.range().radius().max(1e-30);
        all.iter_mut().enumerate().for_each(|(i, all)| *all += form.of_input(i).abs() / size);
    }
    all
}
