//! A circuit in words: neurons by kind, synapses by sign, degrees.

use std::fmt::Write;

use super::Circuit;

/// The circuit's neurons with their degrees, and its totals.
pub fn render(circuit: &Circuit) -> String {
    let kind = format!("{:?}", circuit.kind()).to_lowercase();
    let inhibitory = circuit.synapses.iter().filter(|s| s.inhibits(circuit)).count();
    let mut text = format!(
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
    let width = circuit.sources().map(str::len).max().unwrap_or(0).max("neuron".len());
    let _ = writeln!(text, "{:width$}  in  out  gaps", "neuron");
    for name in circuit.sources() {
        let into = circuit.synapses.iter().filter(|s| s.to == name).count();
        let out = circuit.synapses.iter().filter(|s| s.from == name).count();
        let gaps = circuit.gap_junctions.iter().filter(|g| g.between.iter().any(|n| n == name));
        let _ = writeln!(text, "{name:width$}  {into:>2}  {out:>3}  {:>4}", gaps.count());
    }
    text
}
