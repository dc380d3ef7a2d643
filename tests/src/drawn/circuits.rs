//! Circuits with random weights, as their importers build them.

use nervecord_codegen::Result;
use nervecord_codegen::graph::expr::Expr;
use nervecord_codegen::graph::membrane::{Gap, Membrane, Neuron, Synapse};
use nervecord_codegen::graph::ncap::{CONTROLS, Joint, Ncap, Side};
use nervecord_codegen::graph::spiking::{Link, Spiking};
use nervecord_codegen::graph::{Dense, Graph, Layer, TensorId};

use super::network::Span;
use crate::random::Random;

/// The swimming circuit.
pub(super) fn swimmer(random: &mut Random) -> Result<Graph> {
    let joints = 1 + random.below(8);
    let controls = random.once_in(2);
    let period = 2 + random.below(90) as u16;
    let side = |random: &mut Random| {
        let mut weight = || random.within(-2.5, 3.5);
        let [drive, ipsi, contra] = [weight(), weight(), weight()];
        let [speed, turn] = if controls { [weight(), weight()] } else { [0.0; 2] };
        Side { drive, speed, turn, ipsi, contra }
    };
    let joints: Vec<Joint> =
        (0..joints).map(|_| Joint { dorsal: side(random), ventral: side(random) }).collect();
    let circuit = Ncap { joints, controls, dorsal: period / 2, parameters: 0 };
    let mut graph = Graph::new("net", "x", circuit.inputs());
    if controls {
        graph.optional_inputs = vec![1.0, 0.0, 0.0];
        graph.input_names = (0..circuit.joints.len()).map(|i| format!("x{i}")).collect();
        graph.input_names.extend(CONTROLS.map(str::to_owned));
    }
    let phase = graph.push_counters("phase", vec![0.0]);
    let torque = graph.push("ncap", Layer::Ncap(circuit), &[graph.input, phase])?;
    let next = graph.push("clock", Layer::Clock { periods: vec![period] }, &[phase])?;
    graph.close_state(phase, next)?;
    graph.output = torque;
    Ok(graph)
}

/// Each input, as a source from 0 to 1.
fn sources(graph: &mut Graph, spans: &[Span]) -> Result<TensorId> {
    let n = spans.len();
    let weight = |i: usize, j: usize| if i == j { 0.5 * spans[i].unit() } else { 0.0 };
    let weights = (0..n).map(|i| (0..n).map(|j| weight(i, j)).collect()).collect();
    let bias = spans.iter().map(|s| 0.5 - 0.5 * s.centre * s.unit()).collect();
    let inputs = graph.push("inputs", Layer::Dense(Dense::new(weights, bias)), &[graph.input])?;
    graph.push("saturation", Layer::Map(Expr::clamp(0.0, 1.0)), &[inputs])
}

/// A circuit of conductance-based neurons, of which some are outputs.
pub(super) fn membrane(random: &mut Random, graph: &mut Graph, spans: &[Span]) -> Result<()> {
    let sources = sources(graph, spans)?;
    let next = potentials(random, graph, sources)?;
    let n = graph.tensors[next].len();
    let picks: Vec<usize> = (0..1 + random.below(n)).map(|_| random.below(n)).collect();
    let scale = picks.iter().map(|_| random.within(0.5, 2.0)).collect();
    let offset = random.row(picks.len(), 0.2);
    let motor = graph.push("motor", Layer::Select(picks), &[next])?;
    graph.push("output", Layer::Affine { scale, offset }, &[motor])?;
    Ok(())
}

/// Conductance-based neurons that read `sources`, with synapses of both signs and gap junctions: their potentials.
pub(super) fn potentials(
    random: &mut Random,
    graph: &mut Graph,
    sources: TensorId,
) -> Result<TensorId> {
    let (inputs, n) = (graph.tensors[sources].len(), 1 + random.below(8));
    let neuron = |random: &mut Random| Neuron {
        capacity: random.within(0.5, 20.0),
        leak: random.within(0.1, 2.0),
        rest: random.within(-0.5, 0.5),
        epsilon: 1e-8,
    };
    let synapse = |random: &mut Random, pre: usize, post: usize| {
        let gain = random.within(2.0, 8.0);
        Synapse {
            pre,
            post,
            weight: random.within(0.05, 1.5),
            gain,
            offset: -gain * random.within(0.2, 0.8),
            reversal: random.within(-1.0, 1.0),
        }
    };
    let mut circuit = Membrane {
        neurons: (0..n).map(|_| neuron(random)).collect(),
        inputs,
        unfolds: 1 + random.below(6) as u8,
        ..Membrane::default()
    };
    for pre in 0..inputs {
        let post = random.below(n);
        circuit.sensory.push(synapse(random, pre, post));
    }
    for _ in 0..random.below(2 * n + 1) {
        let (pre, post) = (random.below(n), random.below(n));
        circuit.synapses.push(synapse(random, pre, post));
    }
    for _ in 0..if n > 1 { random.below(3) } else { 0 } {
        let (a, weight) = (random.below(n), random.within(0.05, 0.5));
        let b = (a + 1 + random.below(n - 1)) % n;
        circuit.gaps.extend([(a, b), (b, a)].map(|(pre, post)| Gap { pre, post, weight }));
    }
    let v = graph.push_bounded_state("v", vec![0.0; n], circuit.bound(0.0));
    let next = graph.push("circuit", Layer::Membrane(circuit), &[sources, v])?;
    graph.close_state(v, next)?;
    Ok(next)
}

/// A circuit of threshold-and-reset neurons, whose sums are whole numbers.
pub(super) fn spiking(random: &mut Random, graph: &mut Graph, spans: &[Span]) -> Result<()> {
    let sources = sources(graph, spans)?;
    let next = sums(random, graph, sources)?;
    let (n, outputs) = (graph.tensors[next].len(), 1 + random.below(3));
    let weights =
        (0..outputs).map(|_| (0..n).map(|_| f64::from(random.below(3) as i32 - 1)).collect());
    let weights = weights.collect();
    let dense = Dense::new(weights, vec![0.0; outputs]);
    graph.push("outputs", Layer::Dense(dense), &[next])?;
    Ok(())
}

/// Threshold-and-reset neurons that read `sources`: their sums.
pub(super) fn sums(random: &mut Random, graph: &mut Graph, sources: TensorId) -> Result<TensorId> {
    let (count, n) = (graph.tensors[sources].len(), 1 + random.below(12));
    let links = (0..1 + random.below(4 * n)).map(|_| Link {
        pre: random.below(count + n),
        post: random.below(n),
        weight: random.below(61) as i32 - 30,
    });
    let links = links.collect();
    let circuit = Spiking {
        fires: vec![0.5; count],
        thresholds: (0..n).map(|_| 1 + random.below(60) as i32).collect(),
        links,
        updates: 1 + random.below(3) as u8,
    };
    let sums = graph.push_counters("sums", vec![0.0; n]);
    let next = graph.push("circuit", Layer::Spiking(circuit), &[sources, sums])?;
    graph.close_state(sums, next)?;
    Ok(next)
}
