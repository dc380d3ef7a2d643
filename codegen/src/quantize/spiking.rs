//! Threshold-and-reset neurons: exact integers, one word a synapse.

use nervecord::spiking::{Spiking, work};
use nervecord::tensor::{Quad, quads};

use super::{Format, Lowering};
use crate::emit::Items;
use crate::error::{Error, Result};
use crate::graph::Node;
use crate::program::Kernel;
use crate::spiking;

#[derive(Debug)]
struct SpikingKernel {
    fires: Vec<i16>,
    thresholds: Vec<i16>,
    counts: Vec<u16>,
    links: Vec<u16>,
    bits: u8,
    updates: u8,
}

impl Kernel for SpikingKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let Self { fires, thresholds, counts, links, bits, updates } = self;
        let circuit = Spiking { fires, thresholds, counts, links, bits: *bits, updates: *updates };
        let (sums, fired) = y.split_at_mut(quads(thresholds.len()));
        circuit.run(reads[0], sums, fired);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("spiking::Spiking");
        items.array(&format!("static {name}_FIRES"), "i16", &self.fires);
        items.array(&format!("static {name}_THRESHOLDS"), "i16", &self.thresholds);
        items.array(&format!("static {name}_COUNTS"), "u16", &self.counts);
        items.array(&format!("static {name}_LINKS"), "u16", &self.links);
        let fields = format!(
            "fires: &{name}_FIRES, thresholds: &{name}_THRESHOLDS, counts: &{name}_COUNTS, \
             links: &{name}_LINKS, bits: {}, updates: {}",
            self.bits, self.updates
        );
        items.constant(&format!("const {name}: Spiking"), &format!("Spiking {{ {fields} }}"));
        let at = quads(self.thresholds.len());
        format!(
            "if let Some((y, fired)) = y.split_at_mut_checked({at}) {{\n                \
             {name}.run(x0, y, fired);\n            }}"
        )
    }

    fn table_bytes(&self) -> usize {
        2 * (self.fires.len() + self.thresholds.len() + self.counts.len() + self.links.len())
    }
}

/// Lowers the circuit in the place of its state.
pub(super) fn lower(
    lowering: &mut Lowering,
    node: &Node,
    circuit: &spiking::Spiking,
) -> Result<()> {
    let n = circuit.thresholds.len();
    let count = circuit.fires.len() + n;
    let bits = (usize::BITS - count.saturating_sub(1).leading_zeros()).max(1) as u8;
    if bits > 13 {
        return Err(Error::new("the circuit has too many neurons")
            .at(format!("node `{}`", node.name))
            .expected("at most 8192 neurons, inputs and oscillators")
            .found(count)
            .help("split the circuit in two, each with its own outputs"));
    }
    let x = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    let limit = |(i, &limit): (usize, &f64)| {
        let integer = (limit - x.format.offset(i)) / x.format.scale(i);
        integer.floor().clamp(-32768.0, 32767.0) as i16
    };
    let mut kernel = SpikingKernel {
        fires: circuit.fires.iter().enumerate().map(limit).collect(),
        thresholds: circuit.thresholds.iter().map(|&t| t as i16).collect(),
        counts: vec![],
        links: vec![],
        bits,
        updates: circuit.updates,
    };
    for post in 0..n {
        let before = kernel.links.len();
        let mut own: Vec<_> = circuit.links.iter().filter(|link| link.post == post).collect();
        own.sort_by_key(|link| link.pre);
        for link in own {
            words(link, bits, &mut kernel.links);
        }
        kernel.counts.push((kernel.links.len() - before) as u16);
    }
    // The state's storage with a bit for each neuron after its sums.
    let state = node.inputs[1];
    let own = lowering.graph.states.iter().find(|s| s.previous == state);
    let in_place = own.is_some_and(|s| s.next == node.output) && lowering.readers[state] == 2;
    let value = match in_place {
        true => {
            lowering.readers[state] -= 1;
            lowering.value(state).clone()
        }
        false => lowering.take_in_place(state),
    };
    lowering.storages[value.storage] = 4 * (quads(n) + work(count));
    lowering.push(&node.name, Box::new(kernel), vec![x.storage], value.storage);
    lowering.define(node.output, value.storage, Format::uniform(1.0));
    lowering.report(node, "spiking".into(), String::new());
    Ok(())
}

/// A synapse as words whose weights sum to its own.
fn words(link: &spiking::Link, bits: u8, links: &mut Vec<u16>) {
    let most = (1_i32 << (15 - bits)) - 1;
    let mut rest = link.weight;
    while rest != 0 {
        let weight = rest.clamp(-most, most);
        links.push(((weight as i16) << bits) as u16 | link.pre as u16);
        rest -= weight;
    }
}
