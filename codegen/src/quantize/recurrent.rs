//! The states of GRU and LSTM: gates as 16 bits of their own range, states wider than an activation.

use nervecord::generated::{GruUpdate, LstmUpdate, Quad};
use nervecord::host::quads;

use super::gates::{GATE_OFFSET, gate_format};
use super::lowering::{Lowering, Value};
use super::rescale;
use crate::error::{Error, Result};
use crate::graph::{Node, State, TensorId};
use crate::lanes::{LANES, Lanes, Unit};
use crate::program::kernel::{Data, Operand};
use crate::program::table::Record;
use crate::program::{FINE, Kernel};

impl Kernel for GruUpdate {
    fn data(&self) -> Data<'_> {
        let fields = [("units", self.units.into()), ("factor", self.factor.into())];
        of_state(Record::of("GruUpdate", fields), 2)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y, reads[0], reads[1]);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        let one = Self { units: LANES, ..*self };
        each_unit(y, reads, self.units, |h, [z, n]| one.run(h, &z.0, &n.0));
    }
}

impl Kernel for LstmUpdate {
    fn data(&self) -> Data<'_> {
        let fields = [("units", self.units.into()), ("factor", self.factor.into())];
        of_state(Record::of("LstmUpdate", fields), 3)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y, reads[0], reads[1], reads[2]);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        let one = Self { units: LANES, ..*self };
        each_unit(y, reads, self.units, |c, [f, i, g]| one.run(c, &f.0, &i.0, &g.0));
    }
}

/// Has `update` change the state of each unit of all rows, high and low halves one behind the other, by the unit's features
/// of the tensors read.
fn each_unit<const N: usize>(
    state: &mut [Lanes],
    reads: &[&[Lanes]],
    units: usize,
    update: impl Fn(&mut [Quad], [&Lanes; N]),
) {
    let (high, low) = state.split_at_mut(state.len() / 2);
    for (i, (high, low)) in high.iter_mut().zip(low).take(units).enumerate() {
        let mut both = [high.0, low.0];
        update(both.as_flattened_mut(), std::array::from_fn(|k| &reads[k][i]));
        [high.0, low.0] = both;
    }
}

/// A kernel that updates a state in place, from so many tensors.
fn of_state(record: Record, reads: usize) -> Data<'static> {
    let operands = std::iter::once(Operand::Written).chain((0..reads).map(Operand::Read)).collect();
    Data { operands, ..Data::new(record, vec![], reads) }
}

/// Lowers the update of a GRU's state.
pub fn lower_gru(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let gate = take_gate(lowering, node.inputs[0]);
    let (candidate, scale) = lowering.take_uniform(node.inputs[1]);
    let state = take_state(lowering, node, node.inputs[2])?;
    let ratio = scale / state.format.scale(0);
    let factor = (ratio * FINE).round().min(FINE) as i16;
    let update = GruUpdate { units: state.features, factor };
    finish(lowering, node, Box::new(update), vec![gate.storage, candidate.storage], &state);
    Ok(())
}

/// Lowers the update of an LSTM's cell.
pub fn lower_lstm(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let forget = take_gate(lowering, node.inputs[0]);
    let input = take_gate(lowering, node.inputs[2]);
    let (candidate, scale) = lowering.take_uniform(node.inputs[3]);
    let state = take_state(lowering, node, node.inputs[1])?;
    // (q + 32767) g has 65534 units a unit of g; the product keeps its upper half.
    let ratio = scale / state.format.scale(0) * 65536.0 / 65534.0;
    let factor = (ratio * FINE).round().min(FINE) as i16;
    let update = LstmUpdate { units: state.features, factor };
    let reads = vec![forget.storage, input.storage, candidate.storage];
    finish(lowering, node, Box::new(update), reads, &state);
    Ok(())
}

/// Reads a gate in its own format.
pub fn take_gate(lowering: &mut Lowering, tensor: TensorId) -> Value {
    let value = lowering.value(tensor).clone();
    let format = gate_format(value.features);
    if (&value.format.scale, &value.format.offset) == (&format.scale, &format.offset) {
        lowering.readers[tensor] -= 1;
        return value;
    }
    let value = lowering.take_in_place(tensor);
    let name = lowering.graph.tensors[tensor].name.clone();
    let (ones, halves) = (vec![1.0; value.features], vec![-GATE_OFFSET; value.features]);
    lowering.push_affine(&name, &value, &ones, &halves, format.scale(0));
    lowering.place(tensor, value.storage, &format);
    Value { format, ..value }
}

/// Reads the state that `node` updates: where it is, if nothing else reads it, else a copy.
fn take_state(lowering: &mut Lowering, node: &Node, tensor: TensorId) -> Result<Value> {
    let is_wide = |state: &State| state.previous == tensor && state.next == node.output;
    if !lowering.graph.states.iter().any(is_wide) {
        return Err(Error::new("a layer that updates a state has no state of its own")
            .at(format!("node `{}`", node.name))
            .expected("a state that becomes what the layer writes")
            .found(format!("`{}`", lowering.graph.tensors[tensor].name))
            .help("build the cell of products and sums where it is not kept from step to step"));
    }
    let value = lowering.value(tensor).clone();
    lowering.readers[tensor] -= 1;
    // One reader is the next step.
    if lowering.readers[tensor] == 1 {
        return Ok(value);
    }
    let both = state_features(value.features);
    let storage = lowering.new_storage(both);
    let copy = rescale::copy(both);
    lowering.push(&format!("{}_copy", node.name), Box::new(copy), vec![value.storage], storage);
    Ok(Value { storage, ..value })
}

/// Activations that a wide state of `features` takes: their upper halves, then their lower ones.
pub fn state_features(features: usize) -> usize {
    8 * quads(features)
}

fn finish(
    lowering: &mut Lowering,
    node: &Node,
    update: Box<dyn Kernel>,
    reads: Vec<usize>,
    state: &Value,
) {
    lowering.push(&node.name, update, reads, state.storage);
    lowering.define(node.output, state.storage, state.format.clone());
    lowering.report(node, node.layer.kind().into(), "a state of 30 bits".into());
}
