//! Poolings over places: means as dense layers shared by all channels, the largest as comparisons of places.

use super::super::array::{self, DAMAGED};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::arithmetic;
use super::frame::{self, Axis, Tap};
use crate::error::{Error, Result};
use crate::graph::{Dense, Layer};

/// Most weights of a mean over places.
const MOST_WEIGHTS: usize = 1 << 14;

/// The axes of places of a pooling's input.
fn space(x: &Flow) -> Result<&[usize]> {
    x.dims.get(2..).filter(|space| !space.is_empty()).ok_or_else(|| {
        Error::new("a pooling has nothing to pool")
            .expected("an input [1, channels, places]")
            .found(format!("shape {:?}", x.dims))
            .help(DAMAGED)
    })
}

/// Each axis under a kernel as long as it.
fn whole(space: &[usize]) -> Vec<Axis> {
    space.iter().map(|&n| Axis { length: n, kernel: n, ..Axis::default() }).collect()
}

/// AveragePool and GlobalAveragePool.
pub fn average(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let x = node.flow(0)?.clone();
    let axes = match node.op() {
        "GlobalAveragePool" => whole(space(&x)?),
        _ => frame::axes(node, space(&x)?, None)?,
    };
    let with_padding = node.int("count_include_pad", 0) != 0;
    let (places, results) = (frame::places(&axes)?, frame::results(&axes)?);
    if places.saturating_mul(results) > MOST_WEIGHTS {
        return Err(Error::new("a pooling has too many places")
            .expected(format!("at most {MOST_WEIGHTS} pairs of a place and a result"))
            .found(format!("{places} places, {results} results"))
            .help(
                "image networks are not for this program: pool a shorter window or a smaller grid",
            ));
    }
    let mut weights = vec![vec![0.0; places]; results];
    let taps = frame::taps(&axes);
    for under in taps.chunk_by(|a, b| a.result == b.result) {
        let Some(result) = under.first().map(|tap| tap.result) else { continue };
        let count = if with_padding { padded(&axes, result) } else { under.len() };
        let Some(row) = weights.get_mut(result) else { continue };
        for tap in under {
            if let Some(weight) = row.get_mut(tap.place) {
                *weight = 1.0 / count as f64;
            }
        }
    }
    let channels = builder.len(x.id) / places.max(1);
    let dense = Dense::new(weights, vec![0.0; results]);
    let id = builder.push(node.name(), Layer::Dense(dense).on_rows(channels), &[x.id])?;
    Ok(vec![Value::Flow(Flow { id, dims: pooled(&x, &axes) })])
}

/// Places under the kernel at a result, those of the padding included.
fn padded(axes: &[Axis], result: usize) -> usize {
    let (mut rest, mut count) = (result, 1);
    for axis in axes.iter().rev() {
        count *= axis.padded(rest % axis.result);
        rest /= axis.result;
    }
    count.max(1)
}

fn pooled(x: &Flow, axes: &[Axis]) -> Vec<usize> {
    [x.dims.get(..2).unwrap_or_default(), &frame::lengths(axes)].concat()
}

/// MaxPool and GlobalMaxPool, of their first output.
pub fn largest(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let x = node.flow(0)?.clone();
    let axes = match node.op() {
        "GlobalMaxPool" => whole(space(&x)?),
        _ => frame::axes(node, space(&x)?, None)?,
    };
    // How places are numbered in a second output, which nothing may read.
    node.int("storage_order", 0);
    let taps = frame::taps(&axes);
    let under: Vec<&[Tap]> = taps.chunk_by(|a, b| a.result == b.result).collect();
    let (places, results) = (frame::places(&axes)?, frame::results(&axes)?);
    if under.len() != results {
        return Err(Error::new("a pooling has nothing under its kernel")
            .expected("a place of the input under the kernel everywhere")
            .found(format!("{} of {results} results have one", under.len()))
            .help("pad less than the kernel is long"));
    }
    let channels = builder.len(x.id) / places.max(1);
    let most = under.iter().map(|taps| taps.len()).max().unwrap_or(0);
    builder.afford(most.saturating_mul(channels).saturating_mul(results))?;
    let mut largest: Option<Value> = None;
    for k in 0..most {
        // Where a kernel has fewer places, one of them counts again.
        let place = |taps: &&[Tap]| taps.get(k).or(taps.first()).map_or(0, |tap| tap.place);
        let of_channel: Vec<usize> = under.iter().map(place).collect();
        let from = (0..channels).flat_map(|c| of_channel.iter().map(move |p| c * places + p));
        let view = array::View { dims: pooled(&x, &axes), from: from.collect() };
        let part = builder.view(node.name(), &Value::Flow(x.clone()), view)?;
        largest = Some(match largest {
            None => part,
            Some(so_far) => arithmetic::combine(builder, node.name(), "Max", &so_far, &part)?,
        });
    }
    Ok(largest.into_iter().collect())
}
