//! Dense layers: per-row weight scales, and accumulators proved to stay inside `i32`.

mod kernel;
mod sparse;
pub mod windows;

use std::rc::Rc;
use std::sync::OnceLock;

use self::kernel::DenseKernel;
use self::sparse::Choice;
use super::format::Format;
use super::lowering::Lowering;
use super::moments::Moments;
use super::port;
use super::rows::{Fit, Frame, LIMIT, Row, Scales, Widening};
use super::settle::Integers;
use crate::calibrate::Span;
use crate::error::Result;
use crate::graph::{self, Layer, TensorId};
use crate::program::{LayerReport, Width};

/// A layer as integers.
#[derive(Clone)]
pub struct Quantized {
    kernel: DenseKernel,
    /// The scales of its outputs.
    scales: Scales,
    /// The proved bound on its accumulators.
    bound: f64,
}

impl Quantized {
    /// The integers of node `node`, of inputs of a format.
    fn integers(&self, node: usize, input: &Format) -> Integers {
        let DenseKernel { inputs, weights, bias, multiplier, shift, .. } = &self.kernel;
        let unit = |o: usize| {
            let unit = self.scales.of.get(o).or(self.scales.of.first()).copied().unwrap_or(0.0);
            // A half is for rounding.
            let half = 0.5 * unit;
            (unit / f64::powi(2.0, 16 + i32::from(*shift)), self.scales.offset(o) - half)
        };
        let row = |o: usize| (0..*inputs).map(|i| weights.at(o * inputs + i)).collect();
        Integers {
            node,
            weights: (0..bias.len()).map(row).collect(),
            most: self.kernel.width().largest(),
            bias: bias.clone(),
            multiplier: multiplier.clone(),
            units: (0..bias.len()).map(unit).collect(),
            inputs: (0..*inputs).map(|i| (input.scale(i), input.offset(i))).collect(),
        }
    }

    /// The same layer with other integers; none where their sums may leave `i32`.
    fn of_integers(&self, integers: &Integers, input: &Format) -> Option<Self> {
        let rows = integers.weights.iter().zip(&integers.bias);
        let bounds = rows.map(|(row, bias)| partial_sum_bound(row, f64::from(*bias), input));
        let bound = bounds.fold(0.0, f64::max);
        let weights = self.kernel.width().narrow(integers.weights.iter().flatten().copied());
        let kernel = DenseKernel {
            weights,
            bias: integers.bias.clone(),
            multiplier: integers.multiplier.clone(),
            packed: OnceLock::new(),
            lanes: OnceLock::new(),
            ..self.kernel.clone()
        };
        (bound <= LIMIT).then(|| Self { kernel, bound, ..self.clone() })
    }
}

/// What follows a dense layer in the graph and costs nothing to compute with it.
pub struct Tail {
    /// The tensor the kernel writes.
    tensor: TensorId,
    /// The node of the clamp that the kernel does.
    clamp: Option<usize>,
    /// Clamp at zero from below.
    relu: bool,
    /// A clamp from above that saturation does, as long as its end has exactly this value.
    cap: Option<f64>,
}

impl Tail {
    /// Nothing.
    pub fn none(tensor: TensorId) -> Self {
        Self { tensor, clamp: None, relu: false, cap: None }
    }
}

/// A layer's integers, and what is computed with it.
struct Fitted {
    tail: Tail,
    quantized: Rc<Quantized>,
}

/// Integers for the layer of node `index` on inputs of format `input`, of which `rows()` are some, together with
/// a clamp that is its only reader.
fn fit<'a>(
    lowering: &mut Lowering,
    index: usize,
    layer: &graph::Dense,
    input: &Format,
    rows: &dyn Fn() -> Vec<&'a Vec<f64>>,
) -> Result<Fitted> {
    let node = &lowering.graph.nodes[index];
    let width = lowering.widths[index];
    let refits = matches!(node.layer, Layer::Dense(_));
    let made = |lowering: &Lowering, tail: &Tail| {
        let scales = output_scales(lowering, tail, layer.bias.len());
        let numbers = [f64::from(width.bits()), f64::from(u8::from(tail.relu))].into_iter();
        let numbers = numbers.chain(scales.numbers()).chain(input.numbers());
        let made = lowering.made.as_ref().filter(|_| refits);
        let tensor = node.inputs[0];
        let numbers = numbers.chain(made.map(|made| made.print(tensor)));
        let moments = |rows: Vec<&Vec<f64>>| Moments::of(rows.into_iter(), input, width);
        let of = |layer: &graph::Dense, moments: &Moments| {
            quantize(layer, input, moments, &scales, width, tail.relu)
                .map_err(|e| e.at(format!("node `{}`", node.name)))
        };
        let quantized = lowering.known.get(&node.name, numbers, || {
            let Some(made) = made else { return of(layer, &moments(rows())) };
            let error = |q: &Quantized| {
                made.error(&q.integers(index, input).stand_for(layer), layer, tensor)
            };
            let moments = moments(made.fitted(tensor));
            let own = of(layer, &moments)?;
            let Some(fit) = made.fit(layer, tensor) else { return Ok(own) };
            let fitted = of(&fit, &moments)?;
            Ok(if error(&fitted) < error(&own) { fitted } else { own })
        })?;
        // A wider scale moves the end of its range away from the cap.
        let exact = tail.cap.is_none() || quantized.scales.of == scales.of;
        Ok((exact, quantized))
    };
    let mut tail = tail(lowering, node.output);
    let (exact, mut quantized) = made(lowering, &tail)?;
    if !exact {
        tail = Tail::none(node.output);
        quantized = made(lowering, &tail)?.1;
    }
    if let Some(made) = &mut lowering.made {
        let integers = quantized.integers(index, input);
        made.stand(index, integers.stand_for(layer));
        if width == Width::I4 && refits {
            made.may_move(integers);
        }
    }
    let settled = lowering.settled.iter().find(|integers| integers.node == index);
    if let Some(settled) = settled.and_then(|settled| quantized.of_integers(settled, input)) {
        quantized = Rc::new(settled);
    }
    if let Some(clamp) = tail.clamp {
        lowering.readers[node.output] -= 1;
        lowering.fused[clamp] = true;
    }
    Ok(Fitted { tail, quantized })
}

/// The row of a layer whose accumulators are proved to stay within `bound`.
fn report<'a>(
    lowering: &'a mut Lowering,
    index: usize,
    kind: String,
    note: String,
    bound: f64,
) -> &'a mut LayerReport {
    let row = lowering.report(&lowering.graph.nodes[index], kind, note);
    row.accumulator_bound = Some(bound as u64);
    row
}

/// Lowers a dense layer, together with a clamp that is its only reader.
pub fn lower(lowering: &mut Lowering, index: usize, layer: &graph::Dense) -> Result<()> {
    let node = &lowering.graph.nodes[index];
    let input = lowering.value(node.inputs[0]).clone();
    lowering.readers[node.inputs[0]] -= 1;
    let ranges = lowering.ranges;
    let rows = || ranges.fitted(node.inputs[0]).collect();
    let Fitted { tail, quantized } = fit(lowering, index, layer, &input.format, &rows)?;
    let Quantized { kernel, scales, bound } = (*quantized).clone();
    let (width, relu) = (kernel.width(), kernel.relu);
    let values = lowering.ranges.fitted(node.inputs[0]);
    let Choice { kernel, memory, kind, why } = match layer.wiring {
        true => sparse::wired(kernel),
        false => {
            let active = || active(values, &input.format);
            sparse::choose(kernel, active, lowering.sparsity, (lowering.optimize, lowering.cpu))
        }
    };
    let kind = format!("dense {}{kind}{}", width.name(), if relu { " relu" } else { "" });

    let format = scales.format(if relu { 0 } else { -32768 });
    let storage = lowering.new_storage(memory);
    lowering.push(&node.name, kernel, vec![input.storage], storage);
    lowering.define(tail.tensor, storage, format);
    report(lowering, index, kind, String::new(), bound).choice = why;
    Ok(())
}

/// How many integers of a tensor are not zero, on average over its rows of `values`.
fn active<'a>(rows: impl ExactSizeIterator<Item = &'a Vec<f64>>, format: &Format) -> f64 {
    let total = rows.len().max(1) as f64;
    let silent = |(i, x): (usize, &f64)| ((x - format.offset(i)) / format.scale(i)).round() == 0.0;
    let count = |row: &Vec<f64>| row.iter().enumerate().filter(|&x| !silent(x)).count();
    rows.map(count).sum::<usize>() as f64 / total
}

/// Finds a clamp that saturation can do.
fn tail(lowering: &Lowering, output: TensorId) -> Tail {
    let plain = Tail::none(output);
    if lowering.readers[output] != 1 || lowering.is_port(output) {
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
    // The network's output has a power-of-two scale, whose range ends beside any cap.
    if cap.is_some_and(|cap| cap <= 0.0 || lowering.is_port(node.output)) {
        return plain;
    }
    Tail { tensor: node.output, clamp: Some(index), relu, cap }
}

/// The scale of each output feature: one for all, but for a wide output of the network and for what only
/// dense layers read, which take features of any scale.
pub fn output_scales(lowering: &Lowering, tail: &Tail, features: usize) -> Scales {
    let tensor = tail.tensor;
    let margin = lowering.ranges.margin;
    if lowering.is_port(tensor) {
        // An output's range is that of all its windows.
        let len = lowering.graph.tensors[tensor].len();
        let windows =
            |i: usize| (i..len).step_by(features).map(|i| lowering.ranges.feature(tensor, i));
        let spans: Vec<_> = (0..features).filter_map(|i| windows(i).reduce(Span::joined)).collect();
        // What is clamped at its own zero has none elsewhere.
        return port::output_scales(&spans, margin, !tail.relu);
    }
    let scale = match tail.cap {
        // Past the calibrated range the cap still has to hold, so it is the range.
        Some(cap) => cap / 32767.0,
        None => lowering.scale_for(tensor, lowering.magnitude(tensor)),
    };
    let apart = lowering.any_scale_reads(tensor);
    let widening = if apart { Widening::Own } else { Widening::Shared };
    let of = match apart && tail.cap.is_none() && lowering.is_divided(tensor) {
        true => lowering.own_scales(tensor),
        false => vec![scale; features],
    };
    Scales { of, offset: vec![], widening }
}

/// Integers for a layer whose outputs have the given scales: the kernel, the scales (wider where a
/// multiplier would reach 1/2), and the proved accumulator bound.
fn quantize(
    layer: &graph::Dense,
    input: &Format,
    moments: &Moments,
    scales: &Scales,
    width: Width,
    relu: bool,
) -> Result<Quantized> {
    let bound = |weights: &[i32], bias: f64| partial_sum_bound(weights, bias, input);
    let row = |r, frame| row(layer, (r, scales.offset(r)), input, moments, width, frame);
    let Fit { rows, finish, bound } = Fit::of(scales, &row, &bound)?;
    let kernel = DenseKernel {
        inputs: layer.weights[0].len(),
        weights: width.narrow(rows.into_iter().flat_map(|row| row.weights)),
        bias: finish.bias,
        multiplier: finish.multiplier,
        shift: finish.shift,
        relu,
        packed: OnceLock::new(),
        lanes: OnceLock::new(),
    };
    Ok(Quantized { kernel, scales: finish.scales, bound })
}

/// Row `r` of a layer, whose output's 0 stands for `offset`.
fn row(
    layer: &graph::Dense,
    (r, offset): (usize, f64),
    input: &Format,
    moments: &Moments,
    width: Width,
    frame: Frame,
) -> Row {
    let given = &layer.weights[r];
    let reals: Vec<f64> = given.iter().enumerate().map(|(i, w)| w * input.scale(i)).collect();
    let real_bias = layer.bias[r] - offset
        + given.iter().enumerate().map(|(i, w)| w * input.offset(i)).sum::<f64>();
    let bound = |weights: &[i32], bias: f64| partial_sum_bound(weights, bias, input);
    Row::of(&reals, real_bias, width, Some(moments), frame, &bound)
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
