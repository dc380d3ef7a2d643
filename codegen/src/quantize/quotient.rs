//! Quotients of two tensors.

use nervecord::generated::{Quad, Quotient, Ratio};

use super::format::Format;
use super::lowering::Lowering;
use super::port;
use crate::error::Result;
use crate::graph::Node;
use crate::program::Kernel;
use crate::program::kernel::{Data, Operand};
use crate::program::table::{Record, Table, Value};

/// Every feature over its divisor, or over the one of all, in place.
#[derive(Debug)]
struct QuotientKernel {
    factors: Vec<Ratio>,
    shared: bool,
}

impl Kernel for QuotientKernel {
    fn data(&self) -> Data<'_> {
        let ratio = |&Ratio { multiplier, shift }: &Ratio| {
            Record::of("Ratio", [("multiplier", multiplier.into()), ("shift", shift.into())])
        };
        let rows = self.factors.iter().map(ratio);
        let factors = Table::records("FACTORS", "Ratio", size_of::<Ratio>(), rows);
        let fields = [("factors", Value::table("FACTORS")), ("shared", self.shared.into())];
        let operands = vec![Operand::Written, Operand::Read(0)];
        Data { operands, ..Data::new(Record::of("Quotient", fields), vec![factors], 1) }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Quotient { factors: &self.factors, shared: self.shared }.run(y, reads[0]);
    }
}

pub fn lower(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let (divisor, unit) = lowering.take_uniform(node.inputs[1]);
    let centred = lowering.value(node.inputs[0]).format.offset.is_empty();
    let value = match centred {
        true => lowering.take_in_place(node.inputs[0]),
        false => lowering.take_uniform_in_place(node.inputs[0]).0,
    };
    let mut scales = scales(lowering, node, value.features);
    let own = |i: usize| value.format.scale(i) / unit;
    for (i, scale) in scales.iter_mut().enumerate() {
        // A feature's factor is below 2^15: a wider unit where the data would have it larger.
        while own(i) / *scale > 32767.0 {
            *scale *= 2.0;
        }
    }
    let factors = scales.iter().enumerate().map(|(i, scale)| ratio(own(i) / scale)).collect();
    if scales.iter().all(|scale| *scale == scales[0]) {
        scales.truncate(1);
    }
    let format = Format { scale: scales, offset: vec![], low: -32768, high: 32767 };
    let kernel = QuotientKernel { factors, shared: divisor.features == 1 };
    lowering.push(&node.name, Box::new(kernel), vec![divisor.storage], value.storage);
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "div".into(), String::new());
    Ok(())
}

/// One scale for all, but for the network's output and for what takes features of any scale.
fn scales(lowering: &Lowering, node: &Node, features: usize) -> Vec<f64> {
    let (ranges, tensor) = (lowering.ranges, node.output);
    if lowering.is_port(tensor) {
        let spans = (0..features).map(|i| ranges.feature(tensor, i)).collect::<Vec<_>>();
        return port::output_scales(&spans, ranges.margin, false).of;
    }
    if lowering.any_scale_reads(tensor) {
        return lowering.own_scales(tensor);
    }
    vec![lowering.magnitude(tensor).max(1e-12) / 32767.0; features]
}

/// `factor = multiplier / 2^shift` as near as 15 bits allow.
fn ratio(factor: f64) -> Ratio {
    let shift = (32767.49 / factor).log2().floor().clamp(0.0, 31.0);
    let multiplier = (factor * f64::powi(2.0, shift as i32)).round().clamp(0.0, 32767.0);
    Ratio { multiplier: multiplier as i16, shift: shift as u8 }
}
