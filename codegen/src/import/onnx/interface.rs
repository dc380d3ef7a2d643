//! What of a file's inputs and outputs the caller has: inputs that are read on the way to a chosen output, in the
//! file's order; states that are an input and an output; and the nodes between them. Nothing else is looked at.
//!
//! Stands on the file's inputs and outputs, the pairs among them, its recurrent nodes, and the order of nodes.

use std::collections::{HashMap, HashSet};

use super::cells::States;
use super::door::Door;
use super::history::{self, Window};
use super::order::Order;
use super::pairs::{self, Pair};
use super::proto::{GraphProto, TensorProto};
use crate::error::{Error, Kind, Result};
use crate::settings::StateSettings;

/// All inputs and outputs of a file.
pub struct Doors<'a> {
    proto: &'a GraphProto,
    /// Constants of the file.
    pub initializers: HashMap<&'a str, &'a TensorProto>,
    inputs: Vec<Door<'a>>,
    outputs: Vec<&'a str>,
    pairs: Vec<Pair<'a>>,
    windows: Vec<Window<'a>>,
}

/// What of a file is imported for some of its outputs.
pub struct Interface<'a> {
    /// Inputs that the caller writes, in the file's order.
    pub features: Vec<Door<'a>>,
    /// States, each with its input, in the file's order.
    pub states: Vec<(Door<'a>, Pair<'a>)>,
    /// Outputs that the caller reads.
    pub outputs: Vec<&'a str>,
    /// Indices of the nodes between them, each after those it reads from.
    pub nodes: Vec<usize>,
}

impl<'a> Doors<'a> {
    /// As the file declares them, with the states that `settings` and their names tell.
    ///
    /// # Errors
    /// It is not clear which inputs are states.
    pub fn of(proto: &'a GraphProto, settings: &StateSettings) -> Result<Self> {
        let initializers: HashMap<&str, &TensorProto> =
            proto.initializer.iter().map(|t| (t.name.as_deref().unwrap_or(""), t)).collect();
        let inputs = proto.input.iter().map(Door::of);
        let inputs: Vec<Door> = inputs.filter(|i| !initializers.contains_key(i.name)).collect();
        let outputs: Vec<Door> = proto.output.iter().map(Door::of).collect();
        let pairs = pairs::find(&inputs, &outputs, &States::of(proto), settings)?;
        let is_state = |name: &str| pairs.iter().any(|pair| pair.input == name);
        let features: Vec<Door> = inputs.iter().filter(|i| !is_state(i.name)).cloned().collect();
        let windows = history::find(proto, &features, settings)?;
        let outputs = outputs.iter().map(|output| output.name).collect();
        let doors = Self { proto, initializers, inputs, outputs, pairs, windows };
        doors.check_initial(settings)?;
        Ok(doors)
    }

    /// Refuses values after a reset of what keeps nothing.
    fn check_initial(&self, settings: &StateSettings) -> Result<()> {
        let states = self.pairs.iter().map(|pair| pair.input);
        let kept: Vec<&str> = states.chain(self.windows.iter().map(|w| w.name)).collect();
        match settings.initial.keys().find(|name| !kept.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Error::new("an initial value is declared for what is no state")
                .at(format!("[state.initial] {name}"))
                .expected(match kept.as_slice() {
                    [] => "a file with states as inputs and outputs, or a window".to_owned(),
                    some => some.join(", "),
                })
                .found(format!("`{name}`"))
                .help("name an input that is a state; `nervecord inspect` prints the states")),
        }
    }

    /// The window that the input `name` is, if it is one.
    pub fn window(&self, name: &str) -> Option<&Window<'a>> {
        self.windows.iter().find(|window| window.name == name)
    }

    /// Names of the outputs that are no states.
    pub fn outputs(&self) -> Vec<&'a str> {
        let is_state = |name: &&str| self.pairs.iter().any(|pair| pair.output == *name);
        self.outputs.iter().filter(|name| !is_state(name)).copied().collect()
    }

    /// The outputs of these names, states among them if they are named.
    ///
    /// # Errors
    /// There is no such output, or one is named twice.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<&'a str>> {
        let mut chosen = Vec::new();
        for name in names {
            let output = self.outputs.iter().find(|output| *output == name);
            let output = output.filter(|output| !chosen.contains(*output)).ok_or_else(|| {
                Error::new("an output is chosen that the file does not have, or twice")
                    .of_kind(Kind::Options)
                    .at("--output, or `outputs` or `widths` in nervecord.toml")
                    .expected(format!("outputs of the file: {}", self.outputs.join(", ")))
                    .found(format!("`{name}`"))
                    .help("name each output once, as the file does; -o names the file to write")
            })?;
            chosen.push(*output);
        }
        Ok(chosen)
    }

    /// What is needed for some outputs.
    ///
    /// # Errors
    /// The nodes cannot be ordered, or read no input.
    pub fn interface(&self, outputs: &[&'a str]) -> Result<Interface<'a>> {
        if self.inputs.is_empty() {
            return Err(self.without_input());
        }
        let inputs = self.inputs.iter().map(|input| input.name);
        let known = inputs.chain(self.initializers.keys().copied()).collect();
        let mut order = Order::of(self.proto, known)?;
        for output in outputs {
            order.reach(output)?;
        }
        // A state that is read is kept; what it becomes may read others.
        let mut kept = HashSet::new();
        while let Some(pair) =
            self.pairs.iter().find(|pair| order.reads(pair.input) && !kept.contains(pair.input))
        {
            kept.insert(pair.input);
            order.reach(pair.output)?;
        }
        let state = |pair: &Pair<'a>| {
            let input = self.inputs.iter().find(|input| input.name == pair.input)?;
            kept.contains(pair.input).then(|| (input.clone(), *pair))
        };
        let mut features = self.features(|name| order.reads(name));
        if features.is_empty() {
            // A network that gives a constant is told of by its output.
            let inputs = self.proto.node.iter().flat_map(|node| &node.input);
            let read: HashSet<&str> = inputs.map(String::as_str).collect();
            features = self.features(|name| read.contains(name));
        }
        if features.is_empty() {
            return Err(self.without_input());
        }
        let states = self.pairs.iter().filter_map(state).collect();
        Ok(Interface { features, states, outputs: outputs.to_vec(), nodes: order.nodes() })
    }

    /// The inputs that are no states and for which `read` says so.
    fn features(&self, read: impl Fn(&str) -> bool) -> Vec<Door<'a>> {
        let is_state = |name: &str| self.pairs.iter().any(|pair| pair.input == name);
        self.inputs.iter().filter(|i| read(i.name) && !is_state(i.name)).cloned().collect()
    }

    fn without_input(&self) -> Error {
        match self.inputs.first() {
            None => Error::new("the model has no input")
                .at("the inputs of the graph")
                .expected("an input")
                .found("none")
                .help("export the model with its input, not with the data of one example"),
            Some(first) => Error::new("the input is not read by any node")
                .at(format!("input `{}`", first.name))
                .expected("layers that read it on the way to an output")
                .found("none")
                .help("export the model in inference mode, traced with an input of its own"),
        }
    }
}
