//! Threshold-and-reset neurons: exact integers, one word a synapse.

use nervecord::generated::{Quad, Spiking};
use nervecord::host::{quads, spiking_work};

use super::format::Format;
use super::lowering::Lowering;
use crate::error::{Error, Result};
use crate::graph::{Node, spiking};
use crate::program::Kernel;
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value};

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
    fn data(&self) -> Data<'_> {
        let tables = vec![
            Table::list("FIRES", Array::I16(&self.fires)),
            Table::list("THRESHOLDS", Array::I16(&self.thresholds)),
            Table::list("COUNTS", Array::U16(&self.counts)),
            Table::list("LINKS", Array::U16(&self.links)),
        ];
        let fields = [
            ("fires", Value::table("FIRES")),
            ("thresholds", Value::table("THRESHOLDS")),
            ("counts", Value::table("COUNTS")),
            ("links", Value::table("LINKS")),
            ("bits", self.bits.into()),
            ("updates", self.updates.into()),
        ];
        Data::new(Record::of("Spiking", fields), tables, 1)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let Self { fires, thresholds, counts, links, bits, updates } = self;
        let circuit = Spiking { fires, thresholds, counts, links, bits: *bits, updates: *updates };
        circuit.run(reads[0], y);
    }
}

/// Lowers the circuit in the place of its state.
pub fn lower(lowering: &mut Lowering, node: &Node, circuit: &spiking::Spiking) -> Result<()> {
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
    lowering.storages[value.storage] = 4 * (quads(n) + spiking_work(count));
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
