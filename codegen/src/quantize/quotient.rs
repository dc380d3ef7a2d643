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
    let (value, scale) = lowering.take_uniform_in_place(node.inputs[0]);
    // A feature's factor is below 2^15: a wider unit where the data would have it larger.
    let least = scale / unit / 32767.0;
    let format = format(lowering, node, value.features, least);
    let factors = (0..value.features).map(|i| ratio(scale / unit / format.scale(i))).collect();
    let kernel = QuotientKernel { factors, shared: divisor.features == 1 };
    lowering.push(&node.name, Box::new(kernel), vec![divisor.storage], value.storage);
    lowering.define(node.output, value.storage, format);
    lowering.report(node, "div".into(), String::new());
    Ok(())
}

/// One scale for all, but for the network's output and for what only dense layers read; none is below `least`.
fn format(lowering: &Lowering, node: &Node, features: usize, least: f64) -> Format {
    let (ranges, tensor) = (lowering.ranges, node.output);
    let spans = (0..features).map(|i| ranges.feature(tensor, i)).collect::<Vec<_>>();
    let is_output = tensor == lowering.graph.output;
    let mut scales = if is_output {
        port::output_scales(&spans, ranges.margin, false).of
    } else if lowering.only_dense_reads(tensor) {
        let whole = ranges.tensor(tensor).magnitude().max(1e-12);
        // A feature that is 0 on the data tells nothing of its size.
        let size = |span: &crate::calibrate::Span| match span.magnitude() {
            0.0 => whole,
            magnitude => magnitude,
        };
        spans.iter().map(|span| size(span) * ranges.margin / 32767.0).collect()
    } else {
        vec![lowering.magnitude(tensor).max(1e-12) / 32767.0]
    };
    for scale in &mut scales {
        while *scale < least {
            *scale *= 2.0;
        }
    }
    if scales.iter().all(|scale| *scale == scales[0]) {
        scales.truncate(1);
    }
    Format { scale: scales, offset: vec![], low: -32768, high: 32767 }
}

/// `factor = multiplier / 2^shift` as near as 15 bits allow.
fn ratio(factor: f64) -> Ratio {
    let shift = (32767.49 / factor).log2().floor().clamp(0.0, 31.0);
    let multiplier = (factor * f64::powi(2.0, shift as i32)).round().clamp(0.0, 32767.0);
    Ratio { multiplier: multiplier as i16, shift: shift as u8 }
}
