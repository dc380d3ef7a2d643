//! Sums, products, extremes, per-feature scales and copies.

use std::fmt::Debug;

use nervecord::generated::{Add, Extreme, GatedMul, Mul, Pick, Place, Quad};
use nervecord::host::quads;

use super::format::{Format, multiplier, rounding_half};
use super::lowering::{Lowering, Value};
use super::rescale::{copy, rescaling_copy};
use super::{gates, port, recurrent};
use crate::error::{Error, Result};
use crate::graph::{Node, TensorId};
use crate::lanes::{Lanes, Unit};
use crate::program::Kernel;
use crate::program::cost::Work;
use crate::program::kernel::{Data, Operand};
use crate::program::table::{Record, Value as Field};

/// A kernel of two tensors, the first in place.
trait OfTwo: Debug + Send + Sync + 'static {
    /// Its kind and fields.
    fn record(&self) -> Record;

    /// Computes all quads, of which both tensors have as many.
    fn run(&self, x: &mut [Quad], other: &[Quad]);
}

/// Such a kernel on tensors of `quads`.
#[derive(Debug)]
struct OnQuads<K> {
    kernel: K,
    quads: usize,
}

impl<K: OfTwo> Kernel for OnQuads<K> {
    fn data(&self) -> Data<'_> {
        let operands = vec![Operand::Written, Operand::Read(0)];
        let quads = Some(self.quads);
        Data { operands, quads, ..Data::new(self.kernel.record(), vec![], 1) }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        self.kernel.run(&mut y[..self.quads], &reads[0][..self.quads]);
    }

    fn work(&self) -> Work {
        Work::Each { features: 4 * self.quads }
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        // Quads of a feature, where there are quads of a row else.
        let features = y.iter_mut().zip(reads[0]).take(4 * self.quads);
        features.for_each(|(y, other)| self.kernel.run(&mut y.0, &other.0));
    }
}

impl OfTwo for Add {
    fn record(&self) -> Record {
        let factors = Field::Numbers(self.factors.map(i64::from).to_vec());
        Record::of("Add", [("factors", factors), ("shift", self.shift.into())])
    }

    fn run(&self, x: &mut [Quad], other: &[Quad]) {
        Self::run(self, x, other);
    }
}

impl OfTwo for Mul {
    fn record(&self) -> Record {
        let Self { half, multiplier, shift } = *self;
        let fields =
            [("half", half.into()), ("multiplier", multiplier.into()), ("shift", shift.into())];
        Record::of("Mul", fields)
    }

    fn run(&self, x: &mut [Quad], other: &[Quad]) {
        Self::run(self, x, other);
    }
}

impl OfTwo for GatedMul {
    fn record(&self) -> Record {
        let Self { half, multiplier, shift } = *self;
        let fields =
            [("half", half.into()), ("multiplier", multiplier.into()), ("shift", shift.into())];
        Record::of("GatedMul", fields)
    }

    fn run(&self, x: &mut [Quad], gates: &[Quad]) {
        Self::run(self, x, gates);
    }
}

impl OfTwo for Extreme {
    fn record(&self) -> Record {
        Record::of("Extreme", [("largest", self.largest.into())])
    }

    fn run(&self, x: &mut [Quad], other: &[Quad]) {
        Self::run(self, x, other);
    }
}

/// Appends a kernel that leaves in `x`, in units of `out_scale`, what `node` makes of `x` and `other`.
fn push_of_two(
    lowering: &mut Lowering,
    node: &Node,
    kernel: impl OfTwo,
    (x, other): (&Value, &Value),
    out_scale: f64,
) {
    let kernel = OnQuads { kernel, quads: quads(x.features) };
    lowering.push(&node.name, Box::new(kernel), vec![other.storage], x.storage);
    lowering.define(node.output, x.storage, Format::uniform(out_scale));
}

impl Kernel for Pick {
    fn data(&self) -> Data<'_> {
        let &Self { features, picks } = self;
        let fields = [("features", features.into()), ("picks", picks.into())];
        Data::new(Record::of("Pick", fields), vec![], 2)
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], reads[1], y);
    }
}

pub fn lower_affine(
    lowering: &mut Lowering,
    node: &Node,
    scale: &[f64],
    offset: &[f64],
) -> Result<()> {
    let value = lowering.take_in_place(node.inputs[0]);
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    lowering.push_affine(&node.name, &value, scale, offset, out_scale);
    lowering.define(node.output, value.storage, Format::uniform(out_scale));
    lowering.report(node, "affine".into(), String::new());
    Ok(())
}

/// Both operands of an elementwise layer: the first to be overwritten, the second to be read.
fn operands(lowering: &mut Lowering, node: &Node) -> ((Value, f64), (Value, f64)) {
    let second = lowering.take_uniform(node.inputs[1]);
    // Of one tensor twice, the one that is read stays as it is.
    let twice = usize::from(node.inputs[0] == node.inputs[1]);
    lowering.readers[node.inputs[0]] += twice;
    let first = lowering.take_uniform_in_place(node.inputs[0]);
    lowering.readers[node.inputs[0]] -= twice;
    (first, second)
}

pub fn lower_add(lowering: &mut Lowering, node: &Node, factors: [f64; 2]) -> Result<()> {
    let ((x, scale_x), (other, scale_other)) = operands(lowering, node);
    let reals = [factors[0] * scale_x, factors[1] * scale_other];
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let sum = (reals[0].abs() + reals[1].abs()) / out_scale;
    // Factors of up to 32,767 that sum to at most 65,534.
    let largest = reals[0].abs().max(reals[1].abs()) / out_scale;
    let shift = (32767.0 / largest.max(sum / 2.0)).log2().floor().clamp(1.0, 16.0);
    let factor = |real: f64| (real / out_scale * f64::powi(2.0, shift as i32)).round();
    let factors = reals.map(|real| factor(real).clamp(-32767.0, 32767.0) as i16);
    let add = Add { factors, shift: shift as u8 };
    push_of_two(lowering, node, add, (&x, &other), out_scale);
    lowering.report(node, "add".into(), String::new());
    Ok(())
}

pub fn lower_mul(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let gate = node.inputs.iter().position(|&id| lowering.gates.has(id));
    match gate {
        Some(gate) if node.inputs[0] != node.inputs[1] => lower_gated(lowering, node, gate),
        _ => lower_product(lowering, node),
    }
}

/// The product with a gate, which is the input `gate`.
fn lower_gated(lowering: &mut Lowering, node: &Node, gate: usize) -> Result<()> {
    let gates = recurrent::take_gate(lowering, node.inputs[gate]);
    let (x, scale) = lowering.take_uniform_in_place(node.inputs[1 - gate]);
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let (multiplier, shift) = multiplier(scale * gates::GATE_SCALE / out_scale);
    let half = rounding_half(multiplier, shift).round().min(65535.0) as i32;
    let mul = GatedMul { half, multiplier, shift };
    push_of_two(lowering, node, mul, (&x, &gates), out_scale);
    lowering.report(node, "mul".into(), "by gates".into());
    Ok(())
}

fn lower_product(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let ((x, scale_x), (other, scale_other)) = operands(lowering, node);
    let product = scale_x * scale_other;
    let mut out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    while product / out_scale >= 0.4999 {
        out_scale *= 2.0;
    }
    let (multiplier, shift) = multiplier(product / out_scale);
    let half = rounding_half(multiplier, shift).round().min(f64::powi(2.0, 29)) as i32;
    let mul = Mul { half, multiplier, shift };
    push_of_two(lowering, node, mul, (&x, &other), out_scale);
    lowering.report(node, "mul".into(), String::new());
    Ok(())
}

/// The larger or the smaller of two tensors, both brought to the scale of the result.
pub fn lower_extreme(lowering: &mut Lowering, node: &Node, largest: bool) -> Result<()> {
    let ((x, scale_x), (other, scale_other)) = operands(lowering, node);
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let mut brought = |tensor: TensorId, value: Value, scale: f64| {
        if scale == out_scale {
            return value;
        }
        let storage = lowering.new_storage(value.features);
        let kernel = rescaling_copy(0, value.features, scale / out_scale);
        lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
        lowering.place(tensor, storage, &Format::uniform(out_scale));
        Value { storage, ..value }
    };
    let x = brought(node.inputs[0], x, scale_x);
    let other = brought(node.inputs[1], other, scale_other);
    push_of_two(lowering, node, Extreme { largest }, (&x, &other), out_scale);
    lowering.report(node, node.layer.kind().into(), String::new());
    Ok(())
}

/// Features at computed indices, which are whole numbers of a scale of 1.
pub fn lower_pick(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (x, scale) = lowering.take_uniform(node.inputs[0]);
    let (index, unit) = lowering.take_uniform(node.inputs[1]);
    if x.features > 32768 {
        return Err(Error::new("an index does not fit its type")
            .at(format!("node `{}` ({})", node.name, node.layer.kind()))
            .expected("at most 32768 features to pick from")
            .found(x.features)
            .help("pick from a narrower tensor"));
    }
    let whole = if unit == 1.0 {
        index.storage
    } else {
        let whole = lowering.new_storage(index.features);
        let kernel = rescaling_copy(0, index.features, unit);
        lowering.push(&node.name, Box::new(kernel), vec![index.storage], whole);
        whole
    };
    let storage = lowering.new_storage(index.features);
    let kernel = Pick { features: x.features, picks: index.features };
    lowering.push(&node.name, Box::new(kernel), vec![x.storage, whole], storage);
    lowering.define(node.output, storage, Format { scale: vec![scale], ..x.format });
    lowering.report(node, "pick".into(), String::new());
    Ok(())
}

pub fn lower_concat(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let len = lowering.graph.tensors[node.output].len();
    // A dense layer takes features of any scale, so that nothing is lost on the way to one.
    if lowering.any_scale_reads(node.output) {
        let value = |&input: &TensorId| {
            lowering.readers[input] -= 1;
            lowering.value(input).clone()
        };
        let values = node.inputs.iter().map(value).collect();
        return concat_as_is(lowering, node, len, values);
    }
    // Outputs of one network may be of any size beside each other, so each keeps its own format.
    if node.output == lowering.graph.output {
        let values = node.inputs.iter().map(|&input| port::take(lowering, input));
        let values = values.collect::<Result<Vec<_>>>()?;
        match port::shared_scale(values.iter().map(|value| &value.format)) {
            Some(scale) => return concat_at(lowering, node, len, scale, values),
            None => return concat_as_is(lowering, node, len, values),
        }
    }
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let values = node.inputs.iter().map(|&input| lowering.take_uniform(input).0).collect();
    concat_at(lowering, node, len, out_scale, values)
}

/// Each width writes the output in one format for all.
pub fn lower_anytime(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let largest = node.inputs.iter().map(|&input| lowering.magnitude(input)).fold(0.0, f64::max);
    let out_scale = lowering.scale_for(node.output, largest);
    let storage = lowering.new_storage(lowering.graph.tensors[node.output].len());
    let all = lowering.needed;
    for (k, &input) in node.inputs.iter().enumerate() {
        lowering.needed = all & 1 << k;
        let (value, scale) = lowering.take_uniform(input);
        let kernel = rescaling_copy(0, value.features, scale / out_scale);
        lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    }
    lowering.needed = all;
    lowering.define(node.output, storage, Format::uniform(out_scale));
    lowering.report(node, "anytime".into(), String::new());
    Ok(())
}

/// Copies the inputs of a concatenation, each of one scale, to one scale for all.
fn concat_at(
    lowering: &mut Lowering,
    node: &Node,
    len: usize,
    out_scale: f64,
    values: Vec<Value>,
) -> Result<()> {
    let storage = lowering.new_storage(len);
    let mut offset = 0;
    for value in values {
        let ratio = value.format.scale(0) / out_scale;
        let kernel = rescaling_copy(offset, value.features, ratio);
        lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
        offset += value.features;
    }
    lowering.define(node.output, storage, Format::uniform(out_scale));
    lowering.report(node, "concat".into(), String::new());
    Ok(())
}

/// Copies the inputs of a concatenation with the formats they have.
fn concat_as_is(
    lowering: &mut Lowering,
    node: &Node,
    len: usize,
    values: Vec<Value>,
) -> Result<()> {
    let storage = lowering.new_storage(len);
    let mut format = Format { scale: vec![], offset: vec![], low: 0, high: 0 };
    for value in values {
        let kernel = Place { offset: format.scale.len(), ..copy(value.features) };
        lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
        for i in 0..value.features {
            format.scale.push(value.format.scale(i));
            format.offset.push(value.format.offset(i));
        }
        format.low = format.low.min(value.format.low);
        format.high = format.high.max(value.format.high);
    }
    if format.offset.iter().all(|offset| *offset == 0.0) {
        format.offset.clear();
    }
    lowering.define(node.output, storage, format);
    lowering.report(node, "concat".into(), String::new());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::calibrate::Calibration;
    use crate::choose::quantize;
    use crate::graph::{Graph, Layer};
    use crate::options::Options;

    #[test]
    fn a_tensor_and_itself_are_not_written_where_they_are_read() {
        for layer in [Layer::Mul, Layer::Add { factors: [1.0, 0.5] }] {
            let mut graph = Graph::new("net", "x", 3);
            graph.push("twice", layer, &[0, 0]).unwrap();
            let rows =
                (0..64).map(|k| (0..3).map(|i| f64::from(k * (i + 2) % 31) / 31.0).collect());
            let program = quantize(&graph, &Calibration::of(rows.collect()), &Options::default());
            let program = program.unwrap();
            assert!(
                program.ops.iter().all(|op| !op.reads.contains(&op.write)),
                "{:?}",
                program.ops
            );
        }
    }
}
