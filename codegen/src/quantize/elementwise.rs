//! Sums, products, per-feature scales and copies.

use nervecord::elementwise::{Add, Affine, Line, Mul, Place, select};
use nervecord::tensor::Quad;

use super::{Format, Lowering, Value, multiplier};
use crate::emit::Items;
use crate::error::Result;
use crate::graph::Node;
use crate::program::Kernel;

#[derive(Debug)]
struct AffineKernel(Vec<Line>);

impl Kernel for AffineKernel {
    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Affine(&self.0).run(y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("elementwise::{Affine, Line}");
        let line = |Line { bias, weight, shift }: &Line| {
            format!("Line {{ bias: {bias}, weight: {weight}, shift: {shift} }}")
        };
        let lines: Vec<String> = self.0.iter().map(line).collect();
        items.array(&format!("static {name}_LINES"), "Line", &lines);
        items.constant(&format!("const {name}: Affine"), &format!("Affine(&{name}_LINES)"));
        format!("{name}.run(y);")
    }

    fn table_bytes(&self) -> usize {
        size_of_val(self.0.as_slice())
    }
}

impl Kernel for Add {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y, reads[0]);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("elementwise::Add");
        let ([a, b], shift) = (self.factors, self.shift);
        items.constant(
            &format!("const {name}: Add"),
            &format!("Add {{ factors: [{a}, {b}], shift: {shift} }}"),
        );
        format!("{name}.run(y, x0);")
    }

    fn table_bytes(&self) -> usize {
        0
    }
}

impl Kernel for Mul {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, y, reads[0]);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("elementwise::Mul");
        let Self { half, multiplier, shift } = self;
        let fields = format!("half: {half}, multiplier: {multiplier}, shift: {shift}");
        items.constant(&format!("const {name}: Mul"), &format!("Mul {{ {fields} }}"));
        format!("{name}.run(y, x0);")
    }

    fn table_bytes(&self) -> usize {
        0
    }
}

impl Kernel for Place {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("elementwise::Place");
        let Self { offset, features, factor, shift } = self;
        let fields =
            format!("offset: {offset}, features: {features}, factor: {factor}, shift: {shift}");
        items.constant(&format!("const {name}: Place"), &format!("Place {{ {fields} }}"));
        format!("{name}.run(x0, y);")
    }

    fn table_bytes(&self) -> usize {
        0
    }
}

#[derive(Debug)]
struct SelectKernel {
    indices: Vec<u16>,
}

impl Kernel for SelectKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        select(&self.indices, reads[0], y);
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        items.import("elementwise::select");
        items.array(&format!("static {name}"), "u16", &self.indices);
        format!("select(&{name}, x0, y);")
    }

    fn table_bytes(&self) -> usize {
        self.indices.len() * 2
    }
}

/// A copy of `features` activations as they are.
pub(super) fn copy(features: usize) -> Place {
    Place { offset: 0, features, factor: 1 << 14, shift: 14 }
}

/// `y = ratio x` into the features from `offset` on.
pub(super) fn rescaling_copy(offset: usize, features: usize, ratio: f64) -> Place {
    let shift = (32767.0 / ratio).log2().floor().clamp(1.0, 15.0) as u8;
    let factor = (ratio * f64::from(1 << shift)).round().min(32767.0) as i16;
    Place { offset, features, factor, shift }
}

/// `y_i = scale_i x_i + offset_i` in place, from `value`'s format to one scale for all.
pub(super) fn push_affine(
    lowering: &mut Lowering,
    name: &str,
    value: &Value,
    scale: &[f64],
    offset: &[f64],
    out_scale: f64,
) {
    let mut lines = vec![];
    for i in 0..value.features {
        let factor = scale[i] * value.format.scale(i) / out_scale;
        let addend = (scale[i] * value.format.offset(i) + offset[i]) / out_scale;
        // |factor| 2^shift < 2^15, and |addend| 2^shift + 2^30 < 2^31.
        let by_factor = (32767.0 / factor.abs().max(1e-9)).log2().floor();
        let by_addend = (f64::powi(2.0, 29) / addend.abs().max(1.0)).log2().floor();
        let shift = by_factor.min(by_addend).clamp(1.0, 15.0);
        let unit = f64::powi(2.0, shift as i32);
        let weight = (factor * unit).round().clamp(-32767.0, 32767.0) as i16;
        // With the rounding half.
        let bias = (addend * unit + unit / 2.0).round().clamp(-1e9, 1e9) as i32;
        lines.push(Line { bias, weight, shift: shift as u8 });
    }
    let kernel = AffineKernel(lines);
    lowering.push(name, Box::new(kernel), vec![], value.storage);
}

pub(super) fn lower_affine(
    lowering: &mut Lowering,
    node: &Node,
    scale: &[f64],
    offset: &[f64],
) -> Result<()> {
    let value = lowering.take_in_place(node.inputs[0]);
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    push_affine(lowering, &node.name, &value, scale, offset, out_scale);
    lowering.define(node.output, value.storage, Format::uniform(out_scale));
    lowering.report(node, "affine".into(), String::new());
    Ok(())
}

/// Both operands of an elementwise layer: the first to be overwritten, the second to be read.
fn operands(lowering: &mut Lowering, node: &Node) -> ((Value, f64), (Value, f64)) {
    let second = lowering.take_uniform(node.inputs[1]);
    let first = lowering.take_uniform_in_place(node.inputs[0]);
    (first, second)
}

pub(super) fn lower_add(lowering: &mut Lowering, node: &Node, factors: [f64; 2]) -> Result<()> {
    let ((x, scale_x), (other, scale_other)) = operands(lowering, node);
    let reals = [factors[0] * scale_x, factors[1] * scale_other];
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let sum = (reals[0].abs() + reals[1].abs()) / out_scale;
    // Factors of up to 32,767 that sum to at most 65,534.
    let largest = reals[0].abs().max(reals[1].abs()) / out_scale;
    let shift = (32767.0 / largest.max(sum / 2.0)).log2().floor().clamp(1.0, 16.0);
    let factor = |real: f64| (real / out_scale * f64::powi(2.0, shift as i32)).round();
    let factors = reals.map(|real| factor(real).clamp(-32767.0, 32767.0) as i16);
    let kernel = Add { factors, shift: shift as u8 };
    lowering.push(&node.name, Box::new(kernel), vec![other.storage], x.storage);
    lowering.define(node.output, x.storage, Format::uniform(out_scale));
    lowering.report(node, "add".into(), String::new());
    Ok(())
}

pub(super) fn lower_mul(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let ((x, scale_x), (other, scale_other)) = operands(lowering, node);
    let product = scale_x * scale_other;
    let mut out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    while product / out_scale >= 0.4999 {
        out_scale *= 2.0;
    }
    let (m, shift) = multiplier(product / out_scale);
    let half = f64::powi(2.0, 15 + i32::from(shift)) / f64::from(m.max(1));
    let half = half.round().min(f64::powi(2.0, 29)) as i32;
    let kernel = Mul { half, multiplier: m, shift };
    lowering.push(&node.name, Box::new(kernel), vec![other.storage], x.storage);
    lowering.define(node.output, x.storage, Format::uniform(out_scale));
    lowering.report(node, "mul".into(), String::new());
    Ok(())
}

pub(super) fn lower_concat(lowering: &mut Lowering, node: &Node) -> Result<()> {
    let len = lowering.graph.tensors[node.output].len;
    // A dense layer takes features of any scale, so that nothing is lost on the way to one.
    if lowering.only_dense_reads(node.output) {
        return concat_as_is(lowering, node, len);
    }
    let out_scale = lowering.scale_for(node.output, lowering.magnitude(node.output));
    let storage = lowering.new_storage(len);
    let mut offset = 0;
    for &input in &node.inputs {
        let (value, scale) = lowering.take_uniform(input);
        let kernel = rescaling_copy(offset, value.features, scale / out_scale);
        lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
        offset += value.features;
    }
    lowering.define(node.output, storage, Format::uniform(out_scale));
    lowering.report(node, "concat".into(), String::new());
    Ok(())
}

/// Copies the inputs of a concatenation with the formats they have.
fn concat_as_is(lowering: &mut Lowering, node: &Node, len: usize) -> Result<()> {
    let storage = lowering.new_storage(len);
    let mut format = Format { scale: vec![], offset: vec![], low: 0, high: 0 };
    for &input in &node.inputs {
        let value = lowering.value(input).clone();
        lowering.readers[input] -= 1;
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

pub(super) fn lower_select(lowering: &mut Lowering, node: &Node, indices: &[usize]) -> Result<()> {
    let value = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    let of = |list: &[f64]| match list.len() {
        0 | 1 => list.to_vec(),
        _ => indices.iter().map(|&i| list[i]).collect(),
    };
    let format =
        Format { scale: of(&value.format.scale), offset: of(&value.format.offset), ..value.format };
    let storage = lowering.new_storage(indices.len());
    let kernel = SelectKernel { indices: indices.iter().map(|&i| i as u16).collect() };
    lowering.push(&node.name, Box::new(kernel), vec![value.storage], storage);
    lowering.define(node.output, storage, format);
    lowering.report(node, "select".into(), String::new());
    Ok(())
}
