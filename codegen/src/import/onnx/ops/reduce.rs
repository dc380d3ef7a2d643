//! Reductions over features: sums are dense layers; extremes and lengths have a layer of their own.

use super::super::array::{self, Array};
use super::super::builder::{Builder, Statistic};
use super::super::node::{Call, Flow, Value};
use super::groups::Groups;
use crate::error::Result;
use crate::graph::expr::{Expr, Function};
use crate::graph::{Dense, Layer, Reduction, TensorId};

/// Reduce*: `noop_with_empty_axes` has every feature be a group of its own.
pub fn reduce(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let dims = node.dims(0)?;
    let axes = axes(node, dims.len())?;
    let groups = Groups::of(&dims, &axes)?;
    let keep = node.int("keepdims", 1) != 0;
    let kept = dims.iter().enumerate().filter(|(k, _)| keep || !axes.contains(k));
    let dims = kept.map(|(k, &d)| if axes.contains(&k) { 1 } else { d }).collect();
    Ok(vec![match node.input(0)? {
        Value::Constant(a) => {
            let group = |of: &[usize]| of.iter().filter_map(|&i| a.data.get(i).copied()).collect();
            let data = groups.each().map(group).map(|g: Vec<f64>| folded(node.op(), &g)).collect();
            builder.constant(Array { dims, data, integer: a.integer })?
        }
        _ => {
            let x = node.flow(0)?.id;
            let id = reduced(builder, node, x, &groups)?;
            learn(builder, node.op(), x, id, &groups);
            Value::Flow(Flow { id, dims })
        }
    }])
}

/// The axes to reduce over: those named, else all, or none where `noop_with_empty_axes` asks for that.
fn axes(node: &Call, rank: usize) -> Result<Vec<usize>> {
    let noop = node.int("noop_with_empty_axes", 0) != 0;
    match node.ints_or_input("axes", 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|&a| array::axis_of(a, rank)).collect(),
        None if noop => Ok(vec![]),
        None => Ok((0..rank).collect()),
    }
}

/// The reduction of one group of constants.
fn folded(op: &str, group: &[f64]) -> f64 {
    let sum = |f: &dyn Fn(f64) -> f64| group.iter().copied().map(f).sum::<f64>();
    let largest = group.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match op {
        "ReduceMean" => sum(&|v| v) / group.len() as f64,
        "ReduceMax" => largest,
        "ReduceMin" => group.iter().copied().fold(f64::INFINITY, f64::min),
        "ReduceProd" => group.iter().product(),
        "ReduceL1" => sum(&f64::abs),
        "ReduceL2" => sum(&|v| v * v).sqrt(),
        "ReduceSumSquare" => sum(&|v| v * v),
        "ReduceLogSum" => sum(&|v| v).ln(),
        "ReduceLogSumExp" => largest + sum(&|v| (v - largest).exp()).ln(),
        _ => sum(&|v| v),
    }
}

fn reduced(builder: &mut Builder, node: &Call, x: TensorId, groups: &Groups) -> Result<TensorId> {
    let name = node.name();
    let by = |builder: &mut Builder, by: Reduction, x: TensorId| {
        let x = groups.gathered(builder, name, x)?;
        match groups.members {
            1 if by != Reduction::Length => Ok(x),
            _ => builder.push(name, Layer::Reduce { by, groups: groups.count }, &[x]),
        }
    };
    match node.op() {
        "ReduceMean" => sum(builder, name, x, groups, 1.0 / groups.members as f64),
        "ReduceL1" => {
            let sizes = builder.map(name, Expr::call(Function::Abs), x)?;
            sum(builder, name, sizes, groups, 1.0)
        }
        "ReduceMax" => by(builder, Reduction::Max, x),
        "ReduceMin" => by(builder, Reduction::Min, x),
        "ReduceL2" => by(builder, Reduction::Length, x),
        "ReduceSumSquare" => {
            // A table of squares of the length keeps what squares one by one would lose.
            let length = by(builder, Reduction::Length, x)?;
            builder.map(name, Expr::X.pow(2.0), length)
        }
        "ReduceLogSum" => {
            let sum = sum(builder, name, x, groups, 1.0)?;
            builder.map(name, Expr::call(Function::Log), sum)
        }
        "ReduceLogSumExp" => {
            // ln sum exp x = x_i - (x_i - ln sum exp x), here for the largest x.
            let logs = groups.map(builder, name, &Layer::LogSoftmax, x)?;
            let (most, least) =
                (by(builder, Reduction::Max, x)?, by(builder, Reduction::Max, logs)?);
            builder.push(name, Layer::Add { factors: [1.0, -1.0] }, &[most, least])
        }
        "ReduceProd" => product(builder, name, x, groups),
        _ => sum(builder, name, x, groups, 1.0),
    }
}

/// `weight` times the sum of each group.
pub fn sum(
    builder: &mut Builder,
    name: &str,
    x: TensorId,
    groups: &Groups,
    weight: f64,
) -> Result<TensorId> {
    let x = groups.gathered(builder, name, x)?;
    if groups.members == 1 {
        return builder.map(name, Expr::X.mul(Expr::Const(weight)), x);
    }
    let dense = Dense::new(vec![vec![weight; groups.members]], vec![0.0]);
    builder.push(name, Layer::Dense(dense).on_rows(groups.count), &[x])
}

/// The product of each group, one member after the other.
fn product(builder: &mut Builder, name: &str, x: TensorId, groups: &Groups) -> Result<TensorId> {
    let mut result = None;
    for k in 0..groups.members {
        let member = groups.each().filter_map(|group| group.get(k).copied()).collect();
        let member = builder.pick(name, x, member)?;
        result = Some(match result {
            None => member,
            Some(so_far) => builder.push(name, Layer::Mul, &[so_far, member])?,
        });
    }
    Ok(result.unwrap_or(x))
}

/// Notes what a reduction of rows is, for normalisations made of it.
fn learn(builder: &mut Builder, op: &str, x: TensorId, id: TensorId, groups: &Groups) {
    if !groups.are_rows() {
        return;
    }
    let known = builder.statistic(x).filter(|(_, what)| {
        !matches!(what, Statistic::Squared) || builder.statistic_rows(x) == groups.count
    });
    let weight = 1.0 / groups.members as f64;
    let power = |weight| Statistic::Power { weight, epsilon: 0.0, least: 0.0 };
    let learnt = match (op, known) {
        ("ReduceMean", Some((of, Statistic::Squared))) => (of, Statistic::Variance),
        ("ReduceMean", Some((of, Statistic::Square))) => (of, power(weight)),
        ("ReduceSum", Some((of, Statistic::Square))) => (of, power(1.0)),
        ("ReduceMean", _) => (x, Statistic::Mean),
        ("ReduceSumSquare", _) => (x, power(1.0)),
        ("ReduceL2", _) => (x, Statistic::Root { weight: 1.0, epsilon: 0.0, least: 0.0 }),
        ("ReduceLogSumExp", _) => (x, Statistic::LogSumExp),
        _ => return,
    };
    builder.learn_on_rows(id, learnt.0, learnt.1, groups.count);
}
