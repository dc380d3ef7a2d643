//! The circuit behind a trained network, for drawing.

use std::collections::BTreeMap;

use crate::graph::membrane::{self, Membrane};
use crate::graph::ncap::Ncap;
use crate::graph::{Graph, Layer};
use crate::import::circuit::{Circuit, Input, Kind, Neuron, Oscillator, Output, Sign, Synapse};

impl Circuit {
    /// The neurons and synapses of an NCAP or an LTC; none for networks of layers.
    pub fn of(graph: &Graph) -> Option<Self> {
        graph.nodes.iter().find_map(|node| match &node.layer {
            Layer::Ncap(ncap) => Some(of_ncap(ncap, graph)),
            Layer::Membrane(membrane) => Some(of_membrane(membrane, graph)),
            _ => None,
        })
    }

    fn empty() -> Self {
        Self {
            substeps: 1,
            time_step: 1.0,
            parameters: BTreeMap::new(),
            inputs: vec![],
            oscillators: vec![],
            neurons: vec![],
            synapses: vec![],
            gap_junctions: vec![],
            outputs: vec![],
        }
    }

    fn input(&mut self, name: String, scale: f64) {
        let (column, offset, saturation) = (None, 0.0, [0.0, 1.0]);
        self.inputs.push(Input { name, column, scale, offset, saturation });
    }

    fn neuron(&mut self, name: String, kind: Kind) {
        self.neurons.push(Neuron {
            name,
            kind,
            capacity: None,
            leak: None,
            rest: None,
            initial: None,
            bias: None,
            threshold: None,
        });
    }

    /// A synapse, unless its weight is 0; without a sign the weight's says it.
    fn synapse(&mut self, from: &str, to: &str, weight: f64, sign: Option<Sign>) {
        if weight != 0.0 {
            let (from, to) = (from.to_owned(), to.to_owned());
            let (sigma, mu, reversal, parameter) = (None, None, None, None);
            let weight = Some(weight);
            self.synapses.push(Synapse { from, to, sign, weight, parameter, sigma, mu, reversal });
        }
    }

    fn output(&mut self, i: usize, plus: Vec<String>, minus: Vec<String>) {
        let (name, scale, offset) = (format!("y{i}"), 1.0, 0.0);
        self.outputs.push(Output { name, plus, minus, scale, offset });
    }
}

fn of_ncap(ncap: &Ncap, graph: &Graph) -> Circuit {
    let mut circuit = Circuit::empty();
    for (i, _) in ncap.joints.iter().enumerate().skip(1) {
        for (side, scale) in [("d", 1.0), ("v", -1.0)] {
            circuit.input(format!("{} {side}", graph.input_name(i - 1)), scale);
        }
    }
    if ncap.controls {
        crate::graph::ncap::CONTROLS.into_iter().for_each(|name| circuit.input(name.into(), 1.0));
    }
    for (name, phase) in [("head d", 0), ("head v", u32::from(ncap.dorsal))] {
        let period = 2 * u32::from(ncap.dorsal.max(1));
        circuit.oscillators.push(Oscillator { name: name.into(), period, duty: 0.5, phase });
    }
    for (i, joint) in ncap.joints.iter().enumerate() {
        for side in ["d", "v"] {
            circuit.neuron(format!("B{side}{i}"), Kind::Clamp);
            circuit.neuron(format!("M{side}{i}"), Kind::Clamp);
        }
        let sides = [("d", "v", "right", &joint.dorsal), ("v", "d", "left", &joint.ventral)];
        for (side, other, turn, weights) in sides {
            let (b, m) = (format!("B{side}{i}"), format!("M{side}{i}"));
            let source = match i {
                0 => format!("head {side}"),
                _ => format!("{} {side}", graph.input_name(i - 1)),
            };
            circuit.synapse(&source, &b, weights.drive, None);
            circuit.synapse("speed", &b, weights.speed, None);
            circuit.synapse(turn, &b, weights.turn, None);
            circuit.synapse(&b, &m, weights.ipsi, None);
            circuit.synapse(&format!("B{other}{i}"), &m, weights.contra, None);
        }
        circuit.output(i, vec![format!("Md{i}")], vec![format!("Mv{i}")]);
    }
    circuit
}

fn of_membrane(membrane: &Membrane, graph: &Graph) -> Circuit {
    let mut circuit = Circuit { substeps: membrane.unfolds.into(), ..Circuit::empty() };
    (0..membrane.inputs).for_each(|i| circuit.input(graph.input_name(i), 1.0));
    let name = |i: usize| format!("n{i}");
    (0..membrane.neurons.len()).for_each(|i| circuit.neuron(name(i), Kind::Sigmoid));
    let sign = |synapse: &membrane::Synapse| {
        Some(if synapse.reversal < 0.0 { Sign::Inhibitory } else { Sign::Excitatory })
    };
    for synapse in &membrane.sensory {
        let from = graph.input_name(synapse.pre);
        circuit.synapse(&from, &name(synapse.post), synapse.weight, sign(synapse));
    }
    for synapse in &membrane.synapses {
        circuit.synapse(&name(synapse.pre), &name(synapse.post), synapse.weight, sign(synapse));
    }
    for i in 0..graph.output_len().min(membrane.neurons.len()) {
        circuit.output(i, vec![name(i)], vec![]);
    }
    circuit
}
