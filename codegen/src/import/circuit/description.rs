//! A circuit as its author wrote it. Stands on nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A `circuit.toml`, checked.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Circuit {
    /// Updates a step.
    #[serde(default = "one")]
    pub substeps: u32,
    /// Seconds of an update.
    #[serde(default = "unity")]
    pub time_step: f64,
    /// Shared weights.
    #[serde(default)]
    pub parameters: BTreeMap<String, f64>,
    /// What comes from outside.
    #[serde(default)]
    pub inputs: Vec<Input>,
    /// What drives itself.
    #[serde(default)]
    pub oscillators: Vec<Oscillator>,
    /// The neurons.
    #[serde(default)]
    pub neurons: Vec<Neuron>,
    /// The chemical synapses.
    #[serde(default)]
    pub synapses: Vec<Synapse>,
    /// The gap junctions.
    #[serde(default)]
    pub gap_junctions: Vec<GapJunction>,
    /// What goes outside.
    #[serde(default)]
    pub outputs: Vec<Output>,
}

/// An input with its scale and saturation.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What synapses call it.
    pub name: String,
    /// The column it reads.
    pub column: Option<String>,
    /// Factor of the column.
    #[serde(default = "unity")]
    pub scale: f64,
    /// Addend after it.
    #[serde(default)]
    pub offset: f64,
    /// Smallest and largest value.
    #[serde(default = "unit_range")]
    pub saturation: [f64; 2],
}

/// A square wave.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Oscillator {
    /// What synapses call it.
    pub name: String,
    /// Steps of a period.
    pub period: u32,
    /// Share of the period in which it is 1.
    #[serde(default = "half")]
    pub duty: f64,
    /// Step within the period after a reset.
    #[serde(default)]
    pub phase: u32,
}

/// How a neuron becomes active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Kind {
    Clamp,
    Sigmoid,
    Threshold,
}

/// A neuron.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Neuron {
    /// What synapses call it.
    pub name: String,
    /// Its dynamics.
    pub kind: Kind,
    /// Membrane capacity.
    pub capacity: Option<f64>,
    /// Leak conductance.
    pub leak: Option<f64>,
    /// Resting potential.
    pub rest: Option<f64>,
    /// Value after a reset.
    pub initial: Option<f64>,
    /// Addend of a clamp neuron.
    pub bias: Option<f64>,
    /// Limit of a threshold neuron.
    pub threshold: Option<f64>,
}

/// Whether a synapse excites or inhibits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Sign {
    Excitatory,
    Inhibitory,
}

/// A chemical synapse.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Synapse {
    /// The source.
    pub from: String,
    /// The neuron it acts on.
    pub to: String,
    /// Whether it excites.
    pub sign: Option<Sign>,
    /// Its own weight.
    pub weight: Option<f64>,
    /// The shared weight it has.
    pub parameter: Option<String>,
    /// Steepness.
    pub sigma: Option<f64>,
    /// Middle.
    pub mu: Option<f64>,
    /// Reversal potential.
    pub reversal: Option<f64>,
}

/// A gap junction.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct GapJunction {
    /// Its two neurons.
    pub between: [String; 2],
    /// Its own weight.
    pub weight: Option<f64>,
    /// The shared weight it has.
    pub parameter: Option<String>,
}

/// An output: a difference of sums.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Its name, for readers.
    pub name: String,
    /// Neurons added.
    #[serde(default)]
    pub plus: Vec<String>,
    /// Neurons subtracted.
    #[serde(default)]
    pub minus: Vec<String>,
    /// Factor.
    #[serde(default = "unity")]
    pub scale: f64,
    /// Addend.
    #[serde(default)]
    pub offset: f64,
}

fn one() -> u32 {
    1
}

fn unity() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn unit_range() -> [f64; 2] {
    [0.0, 1.0]
}

impl Synapse {
    /// Its weight in `circuit`; checked circuits have one.
    pub fn value(&self, circuit: &Circuit) -> f64 {
        circuit.weight(self.weight, self.parameter.as_deref()).unwrap_or(0.0)
    }

    /// Whether it inhibits, by its sign or its weight's.
    pub fn inhibits(&self, circuit: &Circuit) -> bool {
        match self.sign {
            Some(sign) => sign == Sign::Inhibitory,
            None => self.value(circuit) < 0.0,
        }
    }

    /// What messages call it.
    pub fn title(&self) -> String {
        format!("synapse {} -> {}", self.from, self.to)
    }
}

impl Circuit {
    pub(crate) fn weight(&self, own: Option<f64>, parameter: Option<&str>) -> Option<f64> {
        own.or_else(|| self.parameters.get(parameter?).copied())
    }

    /// The kind of all its neurons.
    pub fn kind(&self) -> Kind {
        self.neurons.first().map_or(Kind::Clamp, |n| n.kind)
    }

    /// All sources: inputs, oscillators, then neurons.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let inputs = self.inputs.iter().map(|i| i.name.as_str());
        let oscillators = self.oscillators.iter().map(|o| o.name.as_str());
        inputs.chain(oscillators).chain(self.neurons.iter().map(|n| n.name.as_str()))
    }
}
