//! Rearrangements by tables of indices, and sequences of tensors.

use std::rc::Rc;

use super::super::array::{self, Array, DAMAGED, View};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use crate::error::{Error, Result};
use crate::graph::Layer;
use crate::graph::expr::Expr;

/// Whole tensors side by side.
pub fn tile(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let repeats = node.constant(1, "repeats")?.as_ints();
    if repeats.len() != dims.len() || repeats.iter().any(|&r| r < 1) {
        return Err(Error::new("the repeats do not fit their tensor")
            .expected(format!("{} numbers of at least 1", dims.len()))
            .found(format!("{repeats:?}"))
            .help(DAMAGED));
    }
    let out = dims.iter().zip(&repeats);
    let out: Vec<usize> = out.map(|(&d, &r)| d.saturating_mul(r as usize)).collect();
    array::volume(&out)?;
    let places = out.iter().zip(&dims).map(|(&n, &d)| (0..n).map(|i| Some(i % d)).collect());
    filled(builder, node, &places.collect::<Vec<_>>(), 0.0)
}

/// Features added around a tensor, or taken off where a number is negative.
pub fn pad(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let misfit = |found: String| {
        Error::new("a padding does not fit its tensor")
            .expected("two numbers an axis, before and behind")
            .found(found)
            .help(DAMAGED)
    };
    let pads = node.ints_or_input("pads", 1)?.unwrap_or_default();
    let axes = match node.optional_constant(3, "axes")? {
        Some(axes) => {
            let axes = axes.as_ints();
            axes.iter().map(|&a| array::axis_of(a, dims.len())).collect::<Result<Vec<_>>>()?
        }
        None => (0..dims.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(misfit(format!("{pads:?}")));
    }
    let mode = node.string("mode").unwrap_or_else(|| "constant".into());
    let value = match node.optional_float("value") {
        Some(value) => value,
        None => node.optional_constant(2, "value")?.and_then(|a| a.scalar()).unwrap_or(0.0),
    };
    if let (Value::Flow(flow), "constant") = (node.input(0)?, mode.as_str())
        && pads.iter().all(|n| *n >= 0)
    {
        return Ok(vec![Value::Flow(surrounded(builder, node.name(), flow, &axes, &pads, value)?)]);
    }
    let mut places: Vec<Vec<Option<usize>>> =
        dims.iter().map(|&d| (0..d).map(Some).collect()).collect();
    let (before, behind) = pads.split_at(axes.len());
    for ((&axis, &before), &behind) in axes.iter().zip(before).zip(behind) {
        let len = dims.get(axis).copied().unwrap_or(1) as i64;
        let end = len.saturating_add(behind);
        // Nothing larger can be made anyway.
        if before.saturating_add(end).max(before.saturating_abs()) > array::MAX_ELEMENTS as i64 {
            return Err(misfit(format!("{pads:?}")));
        }
        let at = |i: i64| outside(&mode, i, len).ok_or_else(|| misfit(format!("mode {mode:?}")));
        if let Some(places) = places.get_mut(axis) {
            *places = (-before..end).map(at).collect::<Result<_>>()?;
        }
    }
    filled(builder, node, &places, value)
}

/// Activations with `value` around them: zeros around what is less by it, to which it is added again.
fn surrounded(
    builder: &mut Builder,
    name: &str,
    flow: &Flow,
    axes: &[usize],
    pads: &[i64],
    value: f64,
) -> Result<Flow> {
    let mut dims = flow.dims.clone();
    let mut x = builder.map(name, Expr::X.add(Expr::Const(-value)), flow.id)?;
    for (&axis, around) in axes.iter().zip(pads.iter().zip(pads.iter().skip(axes.len()))) {
        let count = |n: &i64| usize::try_from(*n).unwrap_or(usize::MAX);
        let [before, after] = [around.0, around.1].map(count);
        let rows = array::volume(dims.get(..axis).unwrap_or_default())?;
        let inner = array::volume(dims.get(axis + 1..).unwrap_or_default())?;
        if let Some(len) = dims.get_mut(axis) {
            *len = len.saturating_add(before).saturating_add(after);
        }
        array::volume(&dims)?;
        if before + after > 0 {
            let layer = Layer::Pad { rows, before: before * inner, after: after * inner };
            x = builder.push(name, layer, &[x])?;
        }
    }
    let id = builder.map(name, Expr::X.add(Expr::Const(value)), x)?;
    Ok(Flow { id, dims })
}

/// The place of `len` that place `i`, which may be outside, repeats; none of a constant. `None` for an unknown mode.
#[allow(clippy::option_option)]
fn outside(mode: &str, i: i64, len: i64) -> Option<Option<usize>> {
    let inside = (0..len).contains(&i);
    let place = match mode {
        "constant" if !inside => return Some(None),
        "constant" => i,
        "edge" => i.clamp(0, len - 1),
        "wrap" => i.rem_euclid(len),
        "reflect" if len == 1 => 0,
        "reflect" => {
            let there_and_back = i.rem_euclid(2 * (len - 1));
            there_and_back.min(2 * (len - 1) - there_and_back)
        }
        _ => return None,
    };
    Some(Some(place as usize))
}

/// The tensor whose element at `(i, k, ..)` is that of the input at `(places[0][i], places[1][k], ..)`, or `value`
/// where one of them is none.
fn filled(
    builder: &mut Builder,
    node: &Call,
    places: &[Vec<Option<usize>>],
    value: f64,
) -> Result<Vec<Value>> {
    let dims: Vec<usize> = places.iter().map(Vec::len).collect();
    array::volume(&dims)?;
    let mut from = vec![Some(0)];
    for (places, &len) in places.iter().zip(&node.dims(0)?) {
        let next = |base: &Option<usize>| {
            let base = *base;
            places.iter().map(move |place| Some(base? * len + (*place)?))
        };
        from = from.iter().flat_map(next).collect();
    }
    let name = node.name();
    Ok(vec![match node.input(0)? {
        Value::Constant(a) => {
            let at = |i: &Option<usize>| i.and_then(|i| a.data.get(i).copied()).unwrap_or(value);
            let data = from.iter().map(at).collect();
            builder.constant(Array { dims, data, integer: a.integer })?
        }
        _ => {
            let x = node.flow(0)?.id;
            let (len, all) = (builder.len(x), from.iter().all(Option::is_some));
            let source = if all {
                x
            } else {
                let value = builder.fixed(name, &[value])?;
                builder.push(name, Layer::Concat, &[x, value])?
            };
            let from = from.into_iter().map(|i| i.unwrap_or(len)).collect();
            Value::Flow(Flow { id: builder.pick(name, source, from)?, dims })
        }
    }])
}

/// Elements at indices of one axis, one a place of the result.
pub fn gather_elements(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let axis = array::axis_of(node.int("axis", 0), dims.len())?;
    let index_dims = node.dims(1)?;
    if let Value::Flow(index) = node.input(1)? {
        return picked(builder, node, axis, index);
    }
    let indices = node.constant(1, "indices")?.as_ints();
    if index_dims.len() != dims.len() {
        return Err(misfit(&dims, &index_dims));
    }
    let places = places(&index_dims);
    let from = places.iter().zip(&indices).map(|(place, &index)| {
        let mut place = place.clone();
        if let (Some(at), Some(&len)) = (place.get_mut(axis), dims.get(axis)) {
            *at = wrapped(index, len)?;
        }
        position(&dims, &place)
    });
    let view = View { dims: index_dims, from: from.collect::<Result<_>>()? };
    Ok(vec![builder.view(node.name(), node.input(0)?, view)?])
}

/// Elements at computed indices of an axis that holds all features.
pub fn picked(builder: &mut Builder, node: &Call, axis: usize, index: &Flow) -> Result<Vec<Value>> {
    let x = node.flow(0)?;
    if x.dims.get(axis).copied() != Some(builder.len(x.id)) {
        return Err(Error::new("only some features are picked from by a computed index")
            .expected("an axis that holds all features")
            .found(format!("axis {axis} of shape {:?}", x.dims))
            .help("pick from a vector of features, one network a row"));
    }
    let id = builder.push(node.name(), Layer::Pick, &[x.id, index.id])?;
    Ok(vec![Value::Flow(Flow { id, dims: index.dims.clone() })])
}

/// Elements or slices at constant tuples of indices.
pub fn gather_nd(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    if node.int("batch_dims", 0) != 0 {
        return Err(Error::new("batches of indices are not supported")
            .expected("`batch_dims` 0")
            .found(node.int("batch_dims", 0))
            .help("export with a batch of 1"));
    }
    let dims = node.dims(0)?;
    let (indices, index_dims) = (node.constant(1, "indices")?.as_ints(), node.dims(1)?);
    let slices = tuples(&dims, &indices, &index_dims)?;
    let depth = index_dims.last().copied().unwrap_or(0);
    let lead = index_dims.len().saturating_sub(1);
    let out = [index_dims.get(..lead).unwrap_or_default(), dims.get(depth..).unwrap_or_default()];
    let view = View { dims: out.concat(), from: slices.into_iter().flatten().collect() };
    Ok(vec![builder.view(node.name(), node.input(0)?, view)?])
}

/// The elements that each tuple of the last axis of `indices` names.
fn tuples(dims: &[usize], indices: &[i64], index_dims: &[usize]) -> Result<Vec<Vec<usize>>> {
    let depth = index_dims.last().copied().unwrap_or(0);
    if depth == 0 || depth > dims.len() {
        return Err(misfit(dims, index_dims));
    }
    let inner = array::volume(dims.get(depth..).unwrap_or_default())?;
    array::volume(&[indices.len() / depth, inner])?;
    let slice = |tuple: &[i64]| {
        let place = tuple.iter().zip(dims).map(|(&i, &len)| wrapped(i, len));
        let place = place.collect::<Result<Vec<_>>>()?;
        let start = position(dims.get(..depth).unwrap_or_default(), &place)? * inner;
        Ok((start..start + inner).collect())
    };
    indices.chunks(depth).map(slice).collect()
}

/// Elements replaced at constant indices.
pub fn scatter(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    if let Some(reduction) = node.string("reduction").filter(|r| r != "none") {
        return Err(Error::new("elements are combined with what was there")
            .expected("`reduction` \"none\"")
            .found(format!("{reduction:?}"))
            .help("add or multiply tensors of the same shape instead"));
    }
    let (indices, index_dims) = (node.constant(1, "indices")?.as_ints(), node.dims(1)?);
    let targets: Vec<usize> = if node.op() == "ScatterND" {
        tuples(&dims, &indices, &index_dims)?.into_iter().flatten().collect()
    } else {
        let axis = array::axis_of(node.int("axis", 0), dims.len())?;
        let places = places(&index_dims);
        let target = |(mut place, &index): (Vec<usize>, &i64)| {
            if let (Some(at), Some(&len)) = (place.get_mut(axis), dims.get(axis)) {
                *at = wrapped(index, len)?;
            }
            position(&dims, &place)
        };
        places.into_iter().zip(&indices).map(target).collect::<Result<_>>()?
    };
    let len = array::volume(&dims)?;
    let mut from: Vec<usize> = (0..len).collect();
    for (k, target) in targets.iter().enumerate() {
        if let Some(place) = from.get_mut(*target) {
            *place = len + k;
        }
    }
    if array::volume(&node.dims(2)?)? != targets.len() {
        return Err(misfit(&dims, &node.dims(2)?));
    }
    let view = View { dims, from };
    let both = builder.joined(node.name(), &[node.input(0)?, node.input(2)?])?;
    Ok(vec![builder.view(node.name(), &both, view)?])
}

/// An index counted from the front.
fn wrapped(index: i64, len: usize) -> Result<usize> {
    array::from_front(index, len).ok_or_else(|| {
        Error::new("an index does not exist")
            .expected(format!("an index into {len} features"))
            .found(index)
            .help(DAMAGED)
    })
}

/// Every place of a tensor, in its order.
fn places(dims: &[usize]) -> Vec<Vec<usize>> {
    let longer = |place: &Vec<usize>, i: usize| [place.as_slice(), &[i]].concat();
    dims.iter().fold(vec![vec![]], |places, &len| {
        places.iter().flat_map(|place| (0..len).map(move |i| longer(place, i))).collect()
    })
}

/// The element at a place.
fn position(dims: &[usize], place: &[usize]) -> Result<usize> {
    if place.iter().zip(dims).any(|(i, len)| i >= len) {
        return Err(misfit(dims, place));
    }
    Ok(place.iter().zip(dims).fold(0, |at, (&i, &len)| at * len + i))
}

fn misfit(dims: &[usize], found: &[usize]) -> Error {
    Error::new("the indices do not fit their tensor")
        .expected(format!("places within shape {dims:?}"))
        .found(format!("shape {found:?}"))
        .help(DAMAGED)
}

/// Blocks of channels to blocks of places and back.
pub fn depth_space(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let block = usize::try_from(node.int("blocksize", 0)).unwrap_or(0);
    let to_space = node.op() == "DepthToSpace";
    let (&[n, c, h, w], true) = (dims.as_slice(), block > 0) else {
        return Err(misfit(&dims, &[block]));
    };
    let column_row = node.string("mode").is_some_and(|mode| mode == "CRD");
    let square = block.saturating_mul(block);
    let fits = if to_space { c % square == 0 } else { h % block == 0 && w % block == 0 };
    if !fits {
        return Err(misfit(&dims, &[block]));
    }
    let (split, order, out) = match (to_space, column_row) {
        (true, false) => {
            let c = c / square;
            (vec![n, block, block, c, h, w], [0, 3, 4, 1, 5, 2], vec![n, c, h * block, w * block])
        }
        (true, true) => {
            let c = c / square;
            (vec![n, c, block, block, h, w], [0, 1, 4, 2, 5, 3], vec![n, c, h * block, w * block])
        }
        (false, _) => {
            let (h, w) = (h / block, w / block);
            let order = if column_row { [0, 1, 3, 5, 2, 4] } else { [0, 3, 5, 1, 2, 4] };
            (vec![n, c, h, block, w, block], order, vec![n, c * square, h, w])
        }
    };
    let view = View { dims: out, ..array::transpose(&split, &order)? };
    Ok(vec![builder.view(node.name(), node.input(0)?, view)?])
}

/// The tensors of a sequence.
pub fn sequence(value: &Value) -> Result<&Rc<Vec<Value>>> {
    match value {
        Value::Sequence(values) => Ok(values),
        other => Err(Error::new("a sequence of tensors is read")
            .expected("a sequence")
            .found(other.kind())
            .help(DAMAGED)),
    }
}

/// A sequence of the tensors given.
pub fn sequence_construct(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let values = (0..node.inputs.len()).map(|k| node.input(k).cloned());
    Ok(vec![Value::Sequence(Rc::new(values.collect::<Result<_>>()?))])
}

/// Parts of one axis as a sequence: of the lengths given, or of one each.
pub fn split_to_sequence(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let axis = array::axis_of(node.int("axis", 0), dims.len())?;
    let len = dims.get(axis).copied().unwrap_or(1) as i64;
    let lengths = match node.optional_constant(1, "split")? {
        None => vec![1; len as usize],
        Some(length) if length.dims.is_empty() => {
            let length = length.as_ints().first().copied().unwrap_or(1).max(1);
            (0..len).step_by(length as usize).map(|start| length.min(len - start)).collect()
        }
        Some(lengths) => lengths.as_ints(),
    };
    let total = lengths.iter().fold(0_i64, |sum, &n| sum.saturating_add(n.max(0)));
    if total != len {
        return Err(Error::new("a split does not fit its tensor")
            .expected(format!("parts of {len} features in all"))
            .found(format!("{lengths:?}"))
            .help(DAMAGED));
    }
    let keep = node.int("keepdims", 1) != 0 || node.optional(1).is_some();
    let mut start = 0;
    let mut parts = Vec::with_capacity(lengths.len());
    for length in lengths {
        let mut view = array::slice(&dims, axis, start, start + length, 1)?;
        if !keep {
            view.dims.remove(axis);
        }
        parts.push(builder.view(node.name(), node.input(0)?, view)?);
        start += length;
    }
    Ok(vec![Value::Sequence(Rc::new(parts))])
}

/// One tensor of a sequence.
pub fn sequence_at(_: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let values = sequence(node.input(0)?)?;
    let index = node.constant(1, "index")?.as_ints().first().copied().unwrap_or(0);
    let at = wrapped(index, values.len())?;
    values.get(at).map(|value| vec![value.clone()]).ok_or_else(|| misfit(&[values.len()], &[at]))
}

/// How many tensors a sequence has.
pub fn sequence_length(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let count = sequence(node.input(0)?)?.len() as f64;
    Ok(vec![builder.constant(Array { dims: vec![], data: vec![count], integer: true })?])
}
