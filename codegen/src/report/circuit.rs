//! A circuit in words: neurons by kind, synapses by sign, degrees.

use std::collections::HashMap;
use std::fmt::Write;

use crate::import::circuit::Circuit;
use crate::text;

/// The circuit's neurons with their degrees, and its totals.
pub fn render(circuit: &Circuit) -> String {
    let kind = format!("{:?}", circuit.kind()).to_lowercase();
    let inhibitory = circuit.synapses.iter().filter(|s| s.inhibits(circuit)).count();
    let mut out = format!(
        "{} neurons, all {kind}; {} inputs, {} oscillators, {} outputs\n\
         {} chemical synapses: {} excitatory, {inhibitory} inhibitory; {} gap junctions\n\
         {} updates a step, all neurons together\n\n",
        circuit.neurons.len(),
        circuit.inputs.len(),
        circuit.oscillators.len(),
        circuit.outputs.len(),
        circuit.synapses.len(),
        circuit.synapses.len() - inhibitory,
        circuit.gap_junctions.len(),
        circuit.substeps,
    );
    let labels: Vec<String> = circuit.sources().map(text::label).collect();
    let width = labels.iter().map(|l| l.chars().count()).max().unwrap_or(0).max("neuron".len());
    let into = counts(circuit.synapses.iter().map(|s| s.to.as_str()));
    let from = counts(circuit.synapses.iter().map(|s| s.from.as_str()));
    // A junction has two different neurons: each counts it once.
    let gaps =
        counts(circuit.gap_junctions.iter().flat_map(|g| g.between.iter().map(String::as_str)));
    let _ = writeln!(out, "{:width$}  in  out  gaps", "neuron");
    for (name, label) in circuit.sources().zip(&labels) {
        let of = |counts: &HashMap<&str, usize>| counts.get(name).copied().unwrap_or(0);
        let (into, from, gaps) = (of(&into), of(&from), of(&gaps));
        let _ = writeln!(out, "{label:width$}  {into:>2}  {from:>3}  {gaps:>4}");
    }
    out
}

/// How often each name occurs.
fn counts<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    names.for_each(|name| *counts.entry(name).or_insert(0) += 1);
    counts
}
