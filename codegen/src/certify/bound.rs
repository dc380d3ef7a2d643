//! One box of inputs: what every tensor of the float network can be, and how far the integers can be from it.
//!
//! The float network is followed on forms, and the program beside it, op by op over its memory. Which lane stands for
//! which tensor is a hint: a wrong one makes bounds wide, not false.
//!
//! Stands on the walk and its ops.

use super::form::{Form, Tape};
use super::interval::Interval;
use super::net::{Net, Owner};
use super::pair::Pair;
pub use super::walk::Given;
use super::walk::Walk;

/// What is found.
#[derive(Debug, Clone)]
pub struct Found {
    /// How far the integers of each output can be from float.
    pub outputs: Vec<Interval>,
    /// What each state becomes, feature by feature: float's, and how far the integers are from it.
    pub states: Vec<Vec<[Interval; 2]>>,
    /// All that each tensor's features can be.
    pub tensors: Vec<Vec<Interval>>,
    /// How far the integers of each tensor can be from it, where they are in memory for a time.
    pub apart: Vec<Option<Vec<f64>>>,
    /// All integers that each op writes.
    pub integers: Vec<Interval>,
    /// What it took, in terms that were gone back over.
    pub work: u64,
}

impl Found {
    /// How far each output can be off.
    pub fn errors(&self) -> Vec<f64> {
        self.outputs.iter().map(Interval::magnitude).collect()
    }
}

/// Corners of a box at which features of the float network are as large or as small as its forms can tell.
pub fn corners(net: &Net, given: &Given) -> Vec<Vec<f64>> {
    let tape = Tape::new();
    let mut walk = Walk::new(net, &tape, given);
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

/// What a step has left: the walk, the lanes that it wrote, and how far what is noted of it is from what it stands for.
type Told<'w, 'n, 't> = (&'w Walk<'n, 't>, &'w [usize], &'w [(Owner, Form<'t>)]);

/// Follows a box through both networks, and tells of each step; none where something is not bounded at all.
fn follow<'n, 't>(
    net: &'n Net<'n>,
    given: &Given,
    tape: &'t Tape,
    tell: &mut dyn FnMut(Told<'_, 'n, 't>),
) -> Option<Walk<'n, 't>> {
    let mut walk = Walk::new(net, tape, given);
    walk.start(given);
    let noted = walk.note(0);
    tell((&walk, &[], &noted));
    for k in 0..net.machine.steps.len() {
        for owner in net.targets[k].values() {
            walk.float(net.number(owner.tensor))?;
        }
        let written = walk.step(k);
        let noted = walk.note(k + 1);
        tell((&walk, &written, &noted));
    }
    walk.float(net.graph.nodes.len())?;
    Some(walk)
}

/// How far the outputs can be off in a box.
#[derive(Debug, Clone)]
pub struct Errors {
    /// One an output.
    pub errors: Vec<f64>,
    /// How much each input has to do with how loose the bound of each output is.
    pub blame: Vec<Vec<f64>>,
    /// What it took, in terms that were gone back over.
    pub work: u64,
}

/// How far the outputs can be off in a box; none where something is not bounded at all.
pub fn errors(net: &Net, given: &Given) -> Option<Errors> {
    let tape = Tape::new();
    let walk = follow(net, given, &tape, &mut |_| {})?;
    let outputs = walk.outputs();
    Some(Errors {
        errors: outputs.iter().map(|pair| pair.off.range().magnitude()).collect(),
        blame: outputs.iter().map(|pair| pair.off.blame()).collect(),
        work: tape.work(),
    })
}

/// All that is found in a box; none where something is not bounded at all.
pub fn bound(net: &Net, given: &Given) -> Option<Found> {
    let tape = Tape::new();
    let mut apart: Vec<Option<Vec<f64>>> = vec![None; net.graph.tensors.len()];
    let mut integers = Vec::new();
    let walk = follow(net, given, &tape, &mut |(walk, written, noted)| {
        let reached = written.iter().filter_map(|lane| Some(walk.memory.get(*lane)?.range()));
        integers.push(reached.reduce(|a, b| a.hull(&b)).unwrap_or(Interval::at(0.0)));
        for (owner, off) in noted {
            let len = net.graph.tensors[owner.tensor].len();
            let own = apart[owner.tensor].get_or_insert_with(|| vec![0.0; len]);
            own[owner.feature] = off.range().magnitude();
        }
    })?;
    // Nothing is written before the first step.
    integers.remove(0);
    let range = |pair: &Pair| [pair.exact.range(), pair.off.range()];
    let states = walk.states().iter().map(|state| state.iter().map(range).collect()).collect();
    let tensors =
        walk.exact.iter().map(|tensor| tensor.iter().map(Form::range).collect()).collect();
    let outputs = walk.outputs().iter().map(|pair| pair.off.range()).collect();
    Some(Found { outputs, states, tensors, apart, integers, work: tape.work() })
}
