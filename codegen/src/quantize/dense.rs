//! Dense layers: per-row weight scales, and accumulators proved to stay inside `i32`.

use std::sync::OnceLock;

use nervecord::arch::{self, Native};
use nervecord::dense::{Dense8, Dense16, words8, words16};
use nervecord::tensor::Quad;

use super::rows::{Fit, LIMIT, Moments, Row};
use super::sparse::{self, Choice};
use super::{Format, Lowering, port};
use crate::emit::Items;
use crate::error::Result;
use crate::graph::{self, Layer, TensorId};
use crate::program::Kernel;

/// A dense layer's tables.
#[derive(Debug, Clone)]
pub(super) struct DenseKernel {
    pub inputs: usize,
    /// Row-major.
    pub weights: Vec<i32>,
    pub bits: u32,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    pub shift: u8,
    pub relu: bool,
    /// The same as the host's kernel wants them, once it has run.
    pub packed: OnceLock<Vec<u32>>,
}

impl Kernel for DenseKernel {
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let stream = self.packed.get_or_init(|| self.pack());
        let (outputs, mut x) = (self.bias.len(), reads[0].to_vec());
        if self.bits == 8 {
            Dense8::new(self.inputs, outputs, stream, self.relu).run(&mut x, y);
        } else {
            Dense16::new(self.inputs, outputs, stream, self.relu).run(&mut x, y);
        }
    }

    fn emit(&self, name: &str, items: &mut Items) -> String {
        let Self { inputs, bits, shift, relu, .. } = self;
        let outputs = self.bias.len();
        items.import(&format!("dense::{{Dense{bits}, pack{bits}}}"));
        items.matrix(
            &format!("static {name}_WEIGHTS"),
            &format!("i{bits}"),
            &self.weights,
            *inputs,
        );
        items.array(&format!("static {name}_BIAS"), "i32", &self.bias);
        items.array(&format!("static {name}_MULTIPLIER"), "i16", &self.multiplier);
        items.packed(
            &format!("static {name}_PACKED: [u32; {}]", self.words()),
            &format!("pack{bits}(&{name}_WEIGHTS, &{name}_BIAS, &{name}_MULTIPLIER, {shift})"),
        );
        items.constant(
            &format!("static {name}: Dense{bits}"),
            &format!("Dense{bits}::new({inputs}, {outputs}, &{name}_PACKED, {relu})"),
        );
        format!("{name}.run(x0, y);")
    }

    fn table_bytes(&self) -> usize {
        self.words() * 4
    }
}

impl DenseKernel {
    fn pack(&self) -> Vec<u32> {
        let (bias, multiplier, shift) = (&self.bias, &self.multiplier, self.shift);
        let mut stream = vec![0; self.words()];
        if self.bits == 8 {
            let weights: Vec<i8> = self.weights.iter().map(|&w| w as i8).collect();
            arch::pack8::<Native>(&weights, bias, multiplier, shift, &mut stream);
        } else {
            let weights: Vec<i16> = self.weights.iter().map(|&w| w as i16).collect();
            arch::pack16::<Native>(&weights, bias, multiplier, shift, &mut stream);
        }
        stream
    }

    fn words(&self) -> usize {
        match self.bits {
            8 => words8(self.inputs, self.bias.len()),
            _ => words16(self.inputs, self.bias.len()),
        }
    }
}

/// A layer as integers.
#[derive(Clone)]
pub(super) struct Quantized {
    kernel: DenseKernel,
    /// The scales of its outputs.
    scales: Vec<f64>,
    /// The proved bound on its accumulators.
    bound: f64,
}

/// What follows a dense layer in the graph and costs nothing to compute with it.
pub(super) struct Tail {
    /// The tensor the kernel writes.
    tensor: TensorId,
    /// Clamp at zero from below.
    relu: bool,
    /// A clamp from above that saturation will do, if the scale puts it at the end of the range.
    cap: Option<f64>,
}

impl Tail {
    /// Nothing.
    pub(super) fn none(tensor: TensorId) -> Self {
        Self { tensor, relu: false, cap: None }
    }
}

/// Lowers a dense layer, together with a clamp that is its only reader.
pub(super) fn lower(lowering: &mut Lowering, index: usize, layer: &graph::Dense) -> Result<()> {
    let node = &lowering.graph.nodes[index];
    let tail = tail(lowering, node.output);
    let input = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    let mut scales = output_scales(lowering, &tail, layer.bias.len());
    coarsen(&mut scales, layer, &input.format);
    let bits = lowering.widths[index];
    let numbers = [f64::from(bits), f64::from(u8::from(tail.relu))];
    let numbers = numbers.into_iter().chain(scales.iter().copied()).chain(input.format.numbers());
    let quantized = lowering.known.dense.get(&node.name, numbers, || {
        let moments = Moments::of(lowering.ranges.fitted(node.inputs[0]), &input.format, bits);
        quantize(layer, &input.format, &moments, scales.clone(), bits, tail.relu)
            .map_err(|e| e.at(format!("node `{}`", node.name)))
    })?;
    let Quantized { kernel, scales, bound } = (*quantized).clone();
    let headroom = (LIMIT / bound.max(1.0)).log2();
    let values = lowering.ranges.fitted(node.inputs[0]);
    let Choice { kernel, memory, kind, why } = match lowering.graph.wiring {
        true => sparse::wired(kernel),
        false => {
            let active = || active(values, &input.format);
            sparse::choose(kernel, active, lowering.sparsity, lowering.cpu)
        }
    };
    let kind = format!("dense i{bits}{kind}{}", if tail.relu { " relu" } else { "" });

    let uniform = scales.windows(2).all(|pair| pair[0] == pair[1]);
    let format = Format {
        scale: if uniform { scales[..1].to_vec() } else { scales },
        offset: vec![],
        low: if tail.relu { 0 } else { -32768 },
        high: 32767,
    };
    let storage = lowering.new_storage(memory);
    lowering.push(&node.name, kernel, vec![input.storage], storage);
    lowering.define(tail.tensor, storage, format);
    let row = lowering.report(node, kind, String::new());
    row.choice = why;
    row.accumulator_bound = Some(bound as u64);
    row.headroom_bits = Some((headroom * 100.0).round() / 100.0);
    Ok(())
}

/// How many integers of a tensor are not zero, on average over its rows of `values`.
fn active<'a>(rows: impl ExactSizeIterator<Item = &'a Vec<f64>>, format: &Format) -> f64 {
    let total = rows.len().max(1) as f64;
    let silent = |(i, x): (usize, &f64)| ((x - format.offset(i)) / format.scale(i)).round() == 0.0;
    let count = |row: &Vec<f64>| row.iter().enumerate().filter(|&x| !silent(x)).count();
    rows.map(count).sum::<usize>() as f64 / total
}

/// Finds a clamp that saturation can do, and marks its node as done.
fn tail(lowering: &mut Lowering, output: TensorId) -> Tail {
    let plain = Tail::none(output);
    if lowering.readers[output] != 1 || output == lowering.graph.output {
        return plain;
    }
    let reader = lowering.graph.nodes.iter().position(|n| n.inputs.contains(&output));
    let Some((index, node)) = reader.map(|i| (i, &lowering.graph.nodes[i])) else { return plain };
    let Layer::Map(function) = &node.layer else { return plain };
    let Some((low, high)) = function.as_clamp() else { return plain };
    let relu = low == 0.0;
    if !relu && low != -high {
        return plain;
    }
    let cap = high.is_finite().then_some(high);
    if let Some(cap) = cap {
        // The output's scale is a power of two: the cap must be the end of that range.
        let end = 32768.0 * port::power_of_two(cap);
        if cap <= 0.0 || node.output == lowering.graph.output && end != cap {
            return plain;
        }
    }
    lowering.readers[output] -= 1;
    lowering.fused[index] = true;
    Tail { tensor: node.output, relu, cap }
}

/// The scale of each output feature: one for all, but for a wide output of the network.
pub(super) fn output_scales(lowering: &Lowering, tail: &Tail, features: usize) -> Vec<f64> {
    let tensor = tail.tensor;
    let margin = lowering.ranges.margin;
    if tensor == lowering.graph.output && tail.cap.is_none() {
        let magnitude = |i| (lowering.ranges.feature(tensor, i).magnitude() * margin).max(1e-12);
        return port::output_scales(&(0..features).map(magnitude).collect::<Vec<_>>());
    }
    let scale = match tail.cap {
        // A power of two, exactly: `tail` has checked.
        Some(cap) if tensor == lowering.graph.output => cap / 32768.0,
        // Past the calibrated range the cap still has to hold, so it is the range.
        Some(cap) => cap / 32767.0,
        None => lowering.scale_for(tensor, lowering.magnitude(tensor)),
    };
    vec![scale; features]
}

/// Widens the scales of outputs that are much finer than what one integer of an input moves them by, as
/// where nothing moved on the calibration data: they would take the bits of the other rows' multipliers.
fn coarsen(scales: &mut [f64], layer: &graph::Dense, input: &Format) {
    if scales.windows(2).all(|pair| pair[0] == pair[1]) {
        return;
    }
    for (scale, row) in scales.iter_mut().zip(&layer.weights) {
        let steps = row.iter().enumerate().map(|(i, w)| (w * input.scale(i)).abs());
        let step = steps.fold(0.0, f64::max);
        while *scale < step / 4.0 {
            *scale *= 2.0; // a power of two stays one
        }
    }
}

/// Integers for a layer whose outputs have the given scales: the kernel, the scales (wider where a
/// multiplier would reach 1/2), and the proved accumulator bound.
fn quantize(
    layer: &graph::Dense,
    input: &Format,
    moments: &Moments,
    scales: Vec<f64>,
    bits: u32,
    relu: bool,
) -> Result<Quantized> {
    let bound = |weights: &[i32], bias: f64| partial_sum_bound(weights, bias, input);
    let row = |r, room| row(layer, r, input, moments, bits, room);
    let Fit { rows, finish, bound } = Fit::of(layer.bias.len(), &scales, &row, &bound)?;
    let kernel = DenseKernel {
        inputs: layer.weights[0].len(),
        weights: rows.into_iter().flat_map(|row| row.weights).collect(),
        bits,
        bias: finish.bias,
        multiplier: finish.multiplier,
        shift: finish.shift,
        relu,
        packed: OnceLock::new(),
    };
    Ok(Quantized { kernel, scales: finish.scales, bound })
}

/// Row `r` of a layer, with `room` beside its bias.
fn row(
    layer: &graph::Dense,
    r: usize,
    input: &Format,
    moments: &Moments,
    bits: u32,
    room: f64,
) -> Row {
    let given = &layer.weights[r];
    let reals: Vec<f64> = given.iter().enumerate().map(|(i, w)| w * input.scale(i)).collect();
    let real_bias =
        layer.bias[r] + given.iter().enumerate().map(|(i, w)| w * input.offset(i)).sum::<f64>();
    let bound = |weights: &[i32], bias: f64| partial_sum_bound(weights, bias, input);
    Row::of(&reals, real_bias, bits, Some(moments), room, &bound)
}

/// The largest magnitude any partial sum can have, in any order, for any input in the format's range.
///
/// A partial sum is at most the sum of all positive terms and at least that of all negative ones.
fn partial_sum_bound(weights: &[i32], bias: f64, input: &Format) -> f64 {
    let (mut high, mut low) = (bias.max(0.0), bias.min(0.0));
    for &w in weights {
        let ends = [f64::from(w) * f64::from(input.low), f64::from(w) * f64::from(input.high)];
        high += ends[0].max(ends[1]).max(0.0);
        low += ends[0].min(ends[1]).min(0.0);
    }
    high.max(-low)
}
