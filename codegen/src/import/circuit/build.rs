//! From a checked circuit to a graph.

use std::collections::{HashMap, HashSet};

use super::description::{Circuit, GapJunction, Input, Kind, Neuron, Oscillator, Output};
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::membrane::{self, Membrane};
use crate::graph::spiking::{Link, Spiking};
use crate::graph::{Dense, Graph, Layer, TensorId};

/// The network of a circuit.
///
/// # Errors
/// A table is too large for its format.
pub fn build(circuit: &Circuit, name: &str) -> Result<Graph> {
    let mut seen = HashSet::new();
    let column = |input: &Input| input.column.clone().unwrap_or_else(|| input.name.clone());
    let columns: Vec<String> =
        circuit.inputs.iter().map(column).filter(|c| seen.insert(c.clone())).collect();
    let mut graph = Graph::new(name, "x", columns.len());
    graph.input_ranges = columns.iter().map(|column| range(circuit, column)).collect();
    let (sources, phases) = sources(&mut graph, circuit, &columns)?;
    graph.input_names = columns;
    let neurons = match circuit.kind() {
        Kind::Clamp => clamp(&mut graph, circuit, sources),
        Kind::Sigmoid => sigmoid(&mut graph, circuit, sources),
        Kind::Threshold => threshold(&mut graph, circuit, sources),
    }?;
    if let Some(phases) = phases {
        let periods = circuit.oscillators.iter().map(|o| o.period as u16).collect();
        let next = graph.push("clock", Layer::Clock { periods }, &[phases])?;
        graph.close_state(phases, next)?;
    }
    outputs(&mut graph, circuit, neurons)?;
    graph.notes.push("all neurons change together, whatever their order".into());
    Ok(graph)
}

/// The range of a column in which none of its inputs saturates, widened to hold all of them.
fn range(circuit: &Circuit, column: &str) -> (f64, f64) {
    let mut range = (f64::INFINITY, f64::NEG_INFINITY);
    for input in &circuit.inputs {
        if input.column.as_ref().unwrap_or(&input.name) != column || input.scale == 0.0 {
            continue;
        }
        for end in input.saturation {
            let x = (end - input.offset) / input.scale;
            range = (range.0.min(x), range.1.max(x));
        }
    }
    if range.0 < range.1 { range } else { (-1.0, 1.0) }
}

/// The values of inputs and oscillators, each 0..1 within its saturation; and the oscillators' state.
fn sources(
    graph: &mut Graph,
    circuit: &Circuit,
    columns: &[String],
) -> Result<(TensorId, Option<TensorId>)> {
    let mut weights = Vec::new();
    let mut bias = Vec::new();
    for input in &circuit.inputs {
        let column = input.column.as_ref().unwrap_or(&input.name);
        let span = input.saturation[1] - input.saturation[0];
        weights.push(
            columns.iter().map(|c| if c == column { input.scale / span } else { 0.0 }).collect(),
        );
        bias.push((input.offset - input.saturation[0]) / span);
    }
    let unit = || Layer::Map(Expr::clamp(0.0, 1.0));
    let inputs = graph.push(
        "inputs",
        Layer::Dense(Dense { weights: weights.into(), bias, wiring: true }),
        &[graph.input],
    )?;
    let inputs = graph.push("saturation", unit(), &[inputs])?;
    if circuit.oscillators.is_empty() {
        return Ok((inputs, None));
    }
    let initial = circuit.oscillators.iter().map(|o| f64::from(o.phase)).collect();
    let phases = graph.push_counters("phases", initial);
    // On while phase < on: at whole numbers clamp(on - phase, 0, 1) is exactly that.
    let n = circuit.oscillators.len();
    let weights: Vec<_> =
        (0..n).map(|i| (0..n).map(|j| if i == j { -1.0 } else { 0.0 }).collect()).collect();
    let on = |o: &Oscillator| (f64::from(o.period) * o.duty).round();
    let bias = circuit.oscillators.iter().map(on).collect();
    let waves = graph.push(
        "waves",
        Layer::Dense(Dense { weights: weights.into(), bias, wiring: true }),
        &[phases],
    )?;
    let waves = graph.push("oscillators", unit(), &[waves])?;
    let all = graph.push("sources", Layer::Concat, &[inputs, waves])?;
    Ok((all, Some(phases)))
}

/// Where each source and neuron is among the values, by name.
fn positions(circuit: &Circuit) -> HashMap<&str, usize> {
    circuit.sources().enumerate().map(|(i, name)| (name, i)).collect()
}

/// Value of source `i` for its 0..1: an addend and a factor.
fn extent(circuit: &Circuit, i: usize) -> (f64, f64) {
    match circuit.inputs.get(i) {
        Some(input) => (input.saturation[0], input.saturation[1] - input.saturation[0]),
        None => (0.0, 1.0),
    }
}

/// Each update as a dense layer clamped to 0..1, on the sources and the values before it.
fn clamp(graph: &mut Graph, circuit: &Circuit, sources: TensorId) -> Result<TensorId> {
    let positions = positions(circuit);
    let count = circuit.inputs.len() + circuit.oscillators.len();
    let n = circuit.neurons.len();
    let mut weights = vec![vec![0.0; count + n]; n];
    let mut bias: Vec<f64> = circuit.neurons.iter().map(|n| n.bias.unwrap_or(0.0)).collect();
    for synapse in &circuit.synapses {
        let (pre, post) =
            (positions[synapse.from.as_str()], positions[synapse.to.as_str()] - count);
        let (low, span) = extent(circuit, pre);
        let (low, span) = if pre < count { (low, span) } else { (0.0, 1.0) };
        weights[post][pre] += synapse.value(circuit) * span;
        bias[post] += synapse.value(circuit) * low;
    }
    let initial = circuit.neurons.iter().map(|n| n.initial.unwrap_or(0.0)).collect();
    let state = graph.push_bounded_state("activity", initial, 1.0);
    let mut activity = state;
    for step in 0..circuit.substeps {
        let all = graph.push(format!("all{step}"), Layer::Concat, &[sources, activity])?;
        let dense = Layer::Dense(Dense {
            weights: weights.clone().into(),
            bias: bias.clone(),
            wiring: true,
        });
        let sum = graph.push(format!("sum{step}"), dense, &[all])?;
        activity = graph.push(format!("clamp{step}"), Layer::Map(Expr::clamp(0.0, 1.0)), &[sum])?;
    }
    graph.close_state(state, activity)?;
    Ok(activity)
}

fn sigmoid(graph: &mut Graph, circuit: &Circuit, sources: TensorId) -> Result<TensorId> {
    let positions = positions(circuit);
    let count = circuit.inputs.len() + circuit.oscillators.len();
    let rest = |n: &Neuron| n.rest.unwrap_or(-70.0);
    let neurons = circuit.neurons.iter().map(|n| membrane::Neuron {
        capacity: n.capacity.unwrap_or(1.0) / circuit.time_step,
        leak: n.leak.unwrap_or(1.0),
        rest: rest(n),
        epsilon: 0.0,
    });
    let mut layer = Membrane {
        neurons: neurons.collect(),
        inputs: count,
        unfolds: circuit.substeps as u8,
        ..Membrane::default()
    };
    for synapse in &circuit.synapses {
        let (pre, post) =
            (positions[synapse.from.as_str()], positions[synapse.to.as_str()] - count);
        let reversal = if synapse.inhibits(circuit) { -90.0 } else { 0.0 };
        let (sigma, mu) = (synapse.sigma.unwrap_or(1.0), synapse.mu.unwrap_or(-40.0));
        let (low, span) = if pre < count { extent(circuit, pre) } else { (0.0, 1.0) };
        let line = membrane::Synapse {
            pre: if pre < count { pre } else { pre - count },
            post,
            weight: synapse.value(circuit),
            gain: sigma * span,
            offset: sigma * (low - mu),
            reversal: synapse.reversal.unwrap_or(reversal),
        };
        if pre < count { &mut layer.sensory } else { &mut layer.synapses }.push(line);
    }
    for gap in &circuit.gap_junctions {
        let GapJunction { between: [a, b], weight, parameter } = gap;
        let weight = circuit.weight(*weight, parameter.as_deref()).unwrap_or(0.0);
        let [a, b] = [a, b].map(|name| positions[name.as_str()] - count);
        layer.gaps.extend([(a, b), (b, a)].map(|(pre, post)| membrane::Gap { pre, post, weight }));
    }
    let initial: Vec<f64> =
        circuit.neurons.iter().map(|n| n.initial.unwrap_or_else(|| rest(n))).collect();
    let bound = layer.bound(initial.iter().fold(0.0, |m, v| m.max(v.abs())));
    let v = graph.push_bounded_state("potentials", initial, bound);
    let next = graph.push("circuit", Layer::Membrane(layer), &[sources, v])?;
    graph.close_state(v, next)?;
    Ok(next)
}

fn threshold(graph: &mut Graph, circuit: &Circuit, sources: TensorId) -> Result<TensorId> {
    let positions = positions(circuit);
    let count = circuit.inputs.len() + circuit.oscillators.len();
    let links = circuit.synapses.iter().map(|synapse| Link {
        pre: positions[synapse.from.as_str()],
        post: positions[synapse.to.as_str()] - count,
        weight: synapse.value(circuit) as i32,
    });
    let fires = (0..count).map(|i| {
        let (low, span) = extent(circuit, i);
        (0.5 - low) / span
    });
    let layer = Spiking {
        fires: fires.collect(),
        thresholds: circuit.neurons.iter().map(|n| n.threshold.unwrap_or(30.0) as i32).collect(),
        links: links.collect(),
        updates: circuit.substeps as u8,
    };
    let bounds = layer.bounds();
    if let Some(i) = bounds.iter().position(|bound| *bound > 32767) {
        return Err(Error::new("a neuron's weights are too large together")
            .at(format!("neuron `{}`", circuit.neurons[i].name))
            .expected("a threshold and weights whose magnitudes sum to at most 32767")
            .found(bounds[i])
            .help("scale the threshold and all weights down by the same factor"));
    }
    let initial: Vec<f64> = circuit.neurons.iter().map(|n| n.initial.unwrap_or(0.0)).collect();
    let state = graph.push_counters("sums", initial);
    let next = graph.push("circuit", Layer::Spiking(layer), &[sources, state])?;
    graph.close_state(state, next)?;
    Ok(next)
}

fn outputs(graph: &mut Graph, circuit: &Circuit, neurons: TensorId) -> Result<()> {
    let places: HashMap<&str, usize> =
        circuit.neurons.iter().enumerate().map(|(i, n)| (n.name.as_str(), i)).collect();
    let index = |name: &String| places.get(name.as_str()).copied();
    let mut read: Vec<usize> = circuit
        .outputs
        .iter()
        .flat_map(|o| o.plus.iter().chain(&o.minus).filter_map(index))
        .collect();
    read.sort_unstable();
    read.dedup();
    let row = |output: &Output| -> Vec<f64> {
        let mut row = vec![0.0; read.len()];
        for (names, sign) in [(&output.plus, 1.0), (&output.minus, -1.0)] {
            let columns =
                names.iter().filter_map(index).filter_map(|i| read.binary_search(&i).ok());
            columns.for_each(|column| row[column] += sign);
        }
        row.iter().map(|count| output.scale * count).collect()
    };
    let weights = circuit.outputs.iter().map(row).collect();
    let bias = circuit.outputs.iter().map(|o| o.offset).collect();
    let muscles = graph.push("muscles", Layer::Select(read), &[neurons])?;
    graph.push("outputs", Layer::Dense(Dense { weights, bias, wiring: true }), &[muscles])?;
    Ok(())
}
