//! Convolutions: over time as windows of rows; grouped ones and patches on a small grid as maps of its places.
//!
//! A dense layer over windows reads rows of channels, so that the channels of a tensor become its last axis
//! first. Images through stacks of dense two-dimensional convolutions stay out.

use super::super::array::{self, Array, DAMAGED};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::frame::{self, Axis};
use crate::error::{Error, Result};
use crate::graph::{Dense, Layer, TensorId, Windows};

/// Most weights of one group's map from all places to all places; above, only windows are taken.
const MOST_MAPPED: usize = 4096;

/// A convolution's kernel: `[group][output][channel][place]`, row-major.
struct Kernel<'a> {
    weights: &'a [f64],
    bias: Vec<f64>,
    groups: usize,
    /// Outputs of a group.
    outputs: usize,
    /// Channels of a group.
    channels: usize,
    /// Places.
    size: usize,
}

impl Kernel<'_> {
    /// The weight of a group's output for a channel at a place.
    fn at(&self, group: usize, output: usize, channel: usize, place: usize) -> f64 {
        let row = (group * self.outputs + output) * self.channels + channel;
        self.weights.get(row * self.size + place).copied().unwrap_or(0.0)
    }

    fn bias(&self, group: usize) -> Vec<f64> {
        self.bias.iter().skip(group * self.outputs).take(self.outputs).copied().collect()
    }
}

/// Conv of any rank whose structure is one of those above.
pub fn conv(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let x = node.flow(0)?.clone();
    let weights = node.constant(1, "weights")?;
    let bias = node.optional_constant(2, "a bias")?;
    let groups = usize::try_from(node.int("group", 1)).unwrap_or(0);
    let (&[batch, channels, ref space @ ..], &[outputs, own, ref size @ ..]) =
        (x.dims.as_slice(), weights.dims.as_slice())
    else {
        return Err(misfit(&x, &weights));
    };
    let fits = own.checked_mul(groups) == Some(channels) && groups > 0 && outputs > 0;
    let bias = bias.map_or_else(|| vec![0.0; outputs], |b| b.data.clone());
    if !fits
        || !outputs.is_multiple_of(groups)
        || bias.len() != outputs
        || size.len() != space.len()
    {
        return Err(misfit(&x, &weights));
    }
    let axes = frame::axes(node, space, Some(size))?;
    let kernel = Kernel {
        weights: &weights.data,
        bias,
        groups,
        outputs: outputs / groups,
        channels: own,
        size: array::volume(size)?,
    };
    let lengths = frame::lengths(&axes);
    let dims = [&[batch, outputs], lengths.as_slice()].concat();
    let id = Convolution { x: &x, batch, axes: &axes, kernel: &kernel }.lowered(builder, node)?;
    Ok(vec![Value::Flow(Flow { id, dims })])
}

fn misfit(x: &Flow, weights: &Array) -> Error {
    Error::new("a convolution does not fit its input")
        .expected(
            "weights [outputs, channels of a group, kernel] for an input [1, channels, places]",
        )
        .found(format!("weights {:?} for an input {:?}", weights.dims, x.dims))
        .help(DAMAGED)
}

struct Convolution<'a> {
    x: &'a Flow,
    batch: usize,
    axes: &'a [Axis],
    kernel: &'a Kernel<'a>,
}

impl Convolution<'_> {
    /// The tensor `[batch, outputs, places]`.
    fn lowered(&self, builder: &mut Builder, node: &Call) -> Result<TensorId> {
        let name = node.name();
        let (places, results) = (frame::places(self.axes)?, frame::results(self.axes)?);
        let Kernel { groups, outputs, channels, .. } = *self.kernel;
        let mapped = channels
            .checked_mul(places)
            .and_then(|inputs| inputs.checked_mul(outputs)?.checked_mul(results))
            .is_some_and(|weights| weights <= MOST_MAPPED);
        let wide: Vec<usize> = (0..self.axes.len()).filter(|&k| !self.axes[k].is_point()).collect();
        if mapped && (groups > 1 || (channels == 1 && wide.len() > 1)) {
            return self.mapped(builder, name, places, results);
        }
        match wide.as_slice() {
            [] => self.over_time(builder, name, self.axes.len().saturating_sub(1)),
            [axis] => self.over_time(builder, name, *axis),
            _ if groups == 1 && self.axes.iter().all(Axis::is_patch) => self.patches(builder, name),
            _ => Err(Error::new("a dense convolution over two axes is not supported")
                .expected("a convolution over one axis, over patches that do not overlap, or of few channels a group on a small grid")
                .found(format!("{channels} channels a group on a grid of {places} places"))
                .help("image networks are not for this program: nervecord reads networks of vectors, windows of time and rows of tokens")),
        }
    }

    /// Each group as one dense layer from all its places to all.
    fn mapped(
        &self,
        builder: &mut Builder,
        name: &str,
        places: usize,
        results: usize,
    ) -> Result<TensorId> {
        let Kernel { groups, outputs, channels, .. } = *self.kernel;
        let taps = frame::taps(self.axes);
        let shape = [self.batch, groups, channels * places];
        let mut parts = Vec::with_capacity(groups);
        for group in 0..groups {
            let mut weights = vec![vec![0.0; channels * places]; outputs * results];
            builder.afford(outputs * results * channels * places)?;
            for output in 0..outputs {
                for tap in &taps {
                    let row = weights.get_mut(output * results + tap.result);
                    let Some(row) = row else { continue };
                    for channel in 0..channels {
                        let weight = self.kernel.at(group, output, channel, tap.kernel);
                        if let Some(sum) = row.get_mut(channel * places + tap.place) {
                            *sum += weight;
                        }
                    }
                }
            }
            let bias = self.kernel.bias(group);
            let bias = bias.iter().flat_map(|&b| std::iter::repeat_n(b, results)).collect();
            let view = array::slice(&shape, 1, group as i64, group as i64 + 1, 1)?;
            let x = builder.select(name, self.x.id, view)?;
            let layer = Layer::Dense(Dense::new(weights, bias)).on_rows(self.batch);
            parts.push(builder.push(name, layer, &[x])?);
        }
        self.joined(builder, name, &parts, &[self.batch], outputs * results)
    }

    /// Groups one after the other, each `[outer.., len]`, as `[batch, groups, len]`.
    fn joined(
        &self,
        builder: &mut Builder,
        name: &str,
        parts: &[TensorId],
        outer: &[usize],
        len: usize,
    ) -> Result<TensorId> {
        let all = match parts {
            [one] => *one,
            many => builder.push(name, Layer::Concat, many)?,
        };
        let dims = [&[parts.len()], outer, &[len]].concat();
        let order: Vec<usize> = [1, 0].into_iter().chain(2..dims.len()).collect();
        let view = array::transpose(&dims, &order)?;
        builder.select(name, all, view)
    }

    /// Patches that do not overlap: each becomes a row.
    fn patches(&self, builder: &mut Builder, name: &str) -> Result<TensorId> {
        let Kernel { outputs, channels, size, .. } = *self.kernel;
        // [batch, channel, result, kernel, ..] to [batch, results.., channel, kernels..]
        let mut dims = vec![self.batch, channels];
        let mut x = self.x.clone();
        for (k, axis) in self.axes.iter().enumerate() {
            let view = array::slice(&x.dims, k + 2, 0, (axis.result * axis.kernel) as i64, 1)?;
            x = Flow { dims: view.dims.clone(), id: builder.select(name, x.id, view)? };
            dims.extend([axis.result, axis.kernel]);
        }
        let count = self.axes.len();
        let results = (0..count).map(|k| 2 + 2 * k);
        let kernels = (0..count).map(|k| 3 + 2 * k);
        let order: Vec<usize> = [0].into_iter().chain(results).chain([1]).chain(kernels).collect();
        let view = array::transpose(&dims, &order)?;
        let id = builder.select(name, x.id, view)?;
        let row = |o: usize| {
            let at = move |i: usize| self.kernel.at(0, o, i / size, i % size);
            (0..channels * size).map(at).collect()
        };
        let dense = Dense::new((0..outputs).map(row).collect(), self.kernel.bias(0));
        let results = frame::results(self.axes)?;
        let id = builder.push(name, Layer::Dense(dense).on_rows(self.batch * results), &[id])?;
        let view = array::transpose(&[self.batch, results, outputs], &[0, 2, 1])?;
        builder.select(name, id, view)
    }

    /// A convolution over one axis; the others are as the batch.
    fn over_time(&self, builder: &mut Builder, name: &str, axis: usize) -> Result<TensorId> {
        let Kernel { groups, outputs, channels, .. } = *self.kernel;
        let own = [self.batch, groups, channels];
        let lengths: Vec<usize> = self.axes.iter().map(|axis| axis.length).collect();
        let dims = [&own, lengths.as_slice()].concat();
        let rank = dims.len();
        let others: Vec<usize> = (3..rank).filter(|&k| k != axis + 3).collect();
        let time = self.axes.get(axis).copied().unwrap_or_default();
        let outer: Vec<usize> =
            [0].iter().chain(&others).filter_map(|&k| dims.get(k).copied()).collect();
        let rows = outer.iter().product();
        let mut parts = Vec::with_capacity(groups);
        for group in 0..groups {
            let view = array::slice(&dims, 1, group as i64, group as i64 + 1, 1)?;
            let x = builder.select(name, self.x.id, view)?;
            let mut of_group = dims.clone();
            of_group[1] = 1;
            // A scalar kernel has no axis of its own.
            let along = (rank > 3).then_some(axis + 3);
            let order: Vec<usize> =
                [1, 0].iter().chain(&others).copied().chain(along).chain([2]).collect();
            let view = array::transpose(&of_group, &order)?;
            let x = builder.select(name, x, view)?;
            let row = |o: usize, k: usize, c: usize| self.kernel.at(group, o, c, k);
            let timed = Timed { rows, channels, outputs, time };
            parts.push(timed.lowered(builder, name, x, &row, self.kernel.bias(group))?);
        }
        // [group, batch, others.., result, output] to [batch, group, output, places..]
        let all = match parts.as_slice() {
            [one] => *one,
            many => builder.push(name, Layer::Concat, many)?,
        };
        let mut dims = [&[groups], outer.as_slice(), &[time.result, outputs]].concat();
        let last = dims.len() - 1;
        let mut order = vec![1, 0, last];
        // Where each place axis went: the others follow the batch, time comes behind them.
        let mut other = 2..;
        for k in 0..self.axes.len() {
            order.push(if k == axis { last - 1 } else { other.next().unwrap_or_default() });
        }
        if self.axes.is_empty() {
            dims.remove(last - 1);
            order[2] = last - 1;
        }
        let view = array::transpose(&dims, &order)?;
        builder.select(name, all, view)
    }
}

/// A convolution of `rows` sequences `[time, channels]`.
struct Timed {
    rows: usize,
    channels: usize,
    outputs: usize,
    time: Axis,
}

impl Timed {
    /// `[rows, results, outputs]`, of weights by output, place of the kernel and channel.
    fn lowered(
        &self,
        builder: &mut Builder,
        name: &str,
        x: TensorId,
        weight: &dyn Fn(usize, usize, usize) -> f64,
        bias: Vec<f64>,
    ) -> Result<TensorId> {
        let Self { rows, channels, time, .. } = *self;
        let Axis { kernel, stride, dilation, .. } = time;
        let padded = time.length + time.before + time.after;
        let phases = if stride == 1 && kernel > 1 { dilation } else { 1 };
        // Each phase of a dilated kernel gets as many rows as the others.
        let whole = padded.div_ceil(phases) * phases;
        let x =
            pad(builder, name, x, [rows, channels], [time.before, whole - padded + time.after])?;
        if phases > 1 {
            return self.in_phases(builder, name, x, whole, weight, bias);
        }
        let reach = (kernel - 1) * dilation + 1;
        let of = |o: usize| -> Vec<f64> {
            let at = |i: usize| {
                let (t, c) = (i / channels, i % channels);
                if t.is_multiple_of(dilation) { weight(o, t / dilation, c) } else { 0.0 }
            };
            (0..reach * channels).map(at).collect()
        };
        let dense = self.dense(builder, reach, &of, bias)?;
        let windows = Windows {
            dense,
            step: [whole * channels, stride * channels],
            count: [rows, time.result],
        };
        builder.push(name, layer_of(windows, rows * whole * channels), &[x])
    }

    /// A dilated kernel as a plain one on every `dilation`-th row: the rows of a phase become neighbours.
    fn in_phases(
        &self,
        builder: &mut Builder,
        name: &str,
        x: TensorId,
        whole: usize,
        weight: &dyn Fn(usize, usize, usize) -> f64,
        bias: Vec<f64>,
    ) -> Result<TensorId> {
        let Self { rows, channels, outputs, time } = *self;
        let (phases, each) = (time.dilation, whole / time.dilation);
        let view = array::transpose(&[rows, each, phases, channels], &[0, 2, 1, 3])?;
        let x = builder.select(name, x, view)?;
        let of = |o: usize| -> Vec<f64> {
            (0..time.kernel * channels).map(|i| weight(o, i / channels, i % channels)).collect()
        };
        let dense = self.dense(builder, time.kernel, &of, bias)?;
        let count = each + 1 - time.kernel;
        let windows =
            Windows { dense, step: [each * channels, channels], count: [rows * phases, count] };
        let y = builder.push(name, Layer::Windows(windows), &[x])?;
        let view = array::transpose(&[rows, phases, count, outputs], &[0, 2, 1, 3])?;
        let y = builder.select(name, y, view)?;
        let view = array::slice(&[rows, count * phases, outputs], 1, 0, time.result as i64, 1)?;
        builder.select(name, y, view)
    }

    fn dense(
        &self,
        builder: &Builder,
        reach: usize,
        row: &dyn Fn(usize) -> Vec<f64>,
        bias: Vec<f64>,
    ) -> Result<Dense> {
        // Before rows of zeros are made: a small file can ask for many.
        builder.afford(reach.saturating_mul(self.channels).saturating_mul(self.outputs))?;
        Ok(Dense::new((0..self.outputs).map(row).collect(), bias))
    }
}

/// A single window of all `len` features is a dense layer.
fn layer_of(windows: Windows, len: usize) -> Layer {
    match windows.windows() == 1 && windows.dense.inputs() == len {
        true => Layer::Dense(windows.dense),
        false => Layer::Windows(windows),
    }
}

/// Rows of zeros around each of `rows` sequences of rows of `channels`.
fn pad(
    builder: &mut Builder,
    name: &str,
    x: TensorId,
    [rows, channels]: [usize; 2],
    around: [usize; 2],
) -> Result<TensorId> {
    if around == [0, 0] {
        return Ok(x);
    }
    let [before, after] = around.map(|n| n.saturating_mul(channels));
    builder.push(name, Layer::Pad { rows, before, after }, &[x])
}
