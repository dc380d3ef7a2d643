//! Heads of classifiers: probabilities, the largest score, and its class.

use std::rc::Rc;

use super::super::array;
use super::super::array::DAMAGED;
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Label, Value};
use super::groups::Groups;
use crate::error::{Error, Result};
use crate::graph::expr::Expr;
use crate::graph::{Layer, TensorId};

/// Softmax and LogSoftmax.
pub fn softmax(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    // Before operator set 13 all axes from `axis` on were one.
    let (old, rank) = (node.opset < 13, flow.dims.len());
    let axis = array::axis_of(node.int("axis", if old { 1 } else { -1 }), rank)?;
    let axes: Vec<usize> = if old { (axis..rank).collect() } else { vec![axis] };
    let groups = Groups::of(&flow.dims, &axes)?;
    let log = node.op() == "LogSoftmax";
    let layer = if log { Layer::LogSoftmax } else { Layer::Softmax };
    let id = groups.map(builder, node.name(), &layer, flow.id)?;
    Ok(vec![Value::Flow(Flow { id, dims: flow.dims })])
}

/// What a softmax that writes `id` reads: its logarithm is a layer, where two functions in a row would lose
/// every probability below a step.
pub(super) fn logits_of(builder: &Builder, id: TensorId) -> Option<TensorId> {
    let writer = builder.writer(id)?;
    match writer.layer {
        Layer::Softmax => writer.inputs.first().copied(),
        _ => None,
    }
}

/// The index of the largest or the smallest feature, the first or the last of equals.
pub fn arg_max(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let axis = array::axis_of(node.int("axis", 0), flow.dims.len())?;
    let keep = node.int("keepdims", 1) != 0;
    let kept = flow.dims.iter().enumerate().filter(|(k, _)| keep || *k != axis);
    let dims: Vec<usize> = kept.map(|(k, &d)| if k == axis { 1 } else { d }).collect();
    let (name, groups) = (node.name(), Groups::of(&flow.dims, &[axis])?);
    let last = node.int("select_last_index", 0) != 0;
    let groups = if last { groups.backwards() } else { groups };
    let scores = match node.op() {
        "ArgMin" => builder.map(name, Expr::X.mul(Expr::Const(-1.0)), flow.id)?,
        _ => flow.id,
    };
    let first = groups.map_in_order(builder, name, &Layer::ArgMax, scores)?;
    // The first from behind is the last.
    let from_end = || Expr::Const(groups.members as f64 - 1.0).sub(Expr::X);
    let id = if last { builder.map(name, from_end(), first)? } else { first };
    Ok(vec![Value::Flow(Flow { id, dims })])
}

/// The scores a tensor is the index of the largest of.
pub fn scores_of(builder: &Builder, argmax: TensorId) -> Option<TensorId> {
    let writer = builder.writer(argmax)?;
    match writer.layer {
        Layer::ArgMax => writer.inputs.first().copied(),
        _ => None,
    }
}

fn label(builder: &Builder, argmax: TensorId, names: Vec<String>) -> Result<Value> {
    let wrong = || {
        Error::new("class names are picked by something other than the largest score")
            .expected("the index an ArgMax gives")
            .found("a computed tensor")
            .help("export the probabilities only, without the label")
    };
    let scores = scores_of(builder, argmax).ok_or_else(wrong)?;
    let classes = builder.len(scores);
    if names.len() != classes {
        return Err(Error::new("the class names do not fit the scores")
            .expected(format!("{classes} names"))
            .found(names.len())
            .help(DAMAGED));
    }
    Ok(Value::Label(Label { scores, argmax, names: Rc::new(names) }))
}

/// A list of constants as class names; whole numbers are written without a point.
fn names_of(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Text(text) => Some(text.to_vec()),
        Value::Constant(a) => Some(a.data.iter().map(|v| v.to_string()).collect()),
        _ => None,
    }
}

/// Class names, or elements of a tensor, at the indices of the second input.
pub fn array_feature_extractor(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let data = node.input(0)?;
    if let (Some(names), Value::Flow(index)) = (names_of(data), node.input(1)?) {
        return Ok(vec![label(builder, index.id, names)?]);
    }
    let indices = node.constant(1, "indices")?;
    let dims = node.flow(0)?.dims.clone();
    let view = array::gather(
        &dims,
        dims.len().saturating_sub(1),
        &indices.as_ints(),
        &[indices.data.len()],
    )?;
    Ok(vec![builder.view(node.name(), data, view)?])
}

/// Index to class name, as a table of keys and values.
pub fn label_encoder(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let table = |kind: &str| {
        let numbers = |name: String| {
            node.ints(&name).map(|v| v.iter().map(i64::to_string).collect::<Vec<_>>())
        };
        node.strings(&format!("{kind}_strings"))
            .or_else(|| numbers(format!("{kind}_int64s")))
            .or_else(|| {
                let floats = node.floats(&format!("{kind}_floats"))?;
                Some(floats.iter().map(f64::to_string).collect())
            })
            .unwrap_or_default()
    };
    let (keys, values) = (table("keys"), table("values"));
    let translate = |name: &String| {
        let pair = keys.iter().zip(&values).find(|(key, _)| *key == name);
        pair.map(|(_, value)| value.clone()).ok_or_else(|| {
            Error::new("a class has no entry in the label table")
                .expected(format!("one of {keys:?}"))
                .found(format!("`{name}`"))
                .help(DAMAGED)
        })
    };
    let (argmax, names) = match node.input(0)? {
        Value::Label(known) => (known.argmax, known.names.to_vec()),
        _ => {
            let index = node.flow(0)?.id;
            let classes = scores_of(builder, index).map_or(0, |scores| builder.len(scores));
            (index, (0..classes).map(|k| k.to_string()).collect())
        }
    };
    let names = names.iter().map(translate).collect::<Result<Vec<_>>>()?;
    Ok(vec![label(builder, argmax, names)?])
}

/// The list of dictionaries scikit-learn models may end with: its probabilities pass through.
pub fn zip_map(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    builder.graph.notes.push(format!(
        "ZipMap `{}` is left out: the output is the plain vector of probabilities",
        node.name()
    ));
    Ok(vec![Value::Flow(flow)])
}
