//! Normalisations and the reductions they are made of.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::{Builder, Statistic};
use super::super::node::{Call, Flow, Value};
use crate::error::{Error, Result};
use crate::graph::{Dense, Layer};

/// One value a feature, from an array of one value a channel.
fn per_channel(array: &Array, flow: &Flow, what: &str) -> Result<Vec<f64>> {
    let channels = flow.dims.get(1).or(flow.dims.first()).copied().unwrap_or(1);
    if array.data.len() != channels {
        return Err(Error::new("a normalisation does not fit its input")
            .expected(format!("{what} for {channels} features"))
            .found(format!("shape {:?}", array.dims))
            .help(DAMAGED));
    }
    let inner = array::volume(flow.dims.get(2..).unwrap_or_default())?;
    Ok(array.data.iter().flat_map(|&v| std::iter::repeat_n(v, inner)).collect())
}

/// BatchNormalization with its trained statistics: `(x - mean) / sqrt(var + epsilon) gain + bias`.
pub fn batch(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    if node.int("training_mode", 0) != 0 {
        return Err(Error::new("a batch normalisation is in training mode")
            .expected("training_mode 0")
            .found(node.int("training_mode", 0))
            .help("export the model in inference mode (`model.eval()`)"));
    }
    let epsilon = node.float("epsilon", 1e-5);
    let vector = |k: usize, what: &str| per_channel(&*node.constant(k, what)?, &flow, what);
    let (gain, bias) = (vector(1, "a gain")?, vector(2, "a bias")?);
    let (mean, variance) = (vector(3, "a mean")?, vector(4, "a variance")?);
    let scale: Vec<f64> =
        gain.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let offset =
        bias.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect::<Vec<_>>();
    let layer = Layer::Affine { scale, offset };
    Ok(vec![Value::Flow(builder.flow(node.name(), layer, &[flow.id], &flow.dims)?)])
}

/// LayerNormalization over all features, its gain and bias.
pub fn layer(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let axis = array::axis_of(node.int("axis", -1), flow.dims.len())?;
    check_all_features(flow.dims.get(..axis).unwrap_or_default(), &flow)?;
    let epsilon = node.float("epsilon", 1e-5);
    let name = node.name();
    let normal = builder.push(name, Layer::Normalize { epsilon }, &[flow.id])?;
    let vector = |k: usize, what: &str| -> Result<Option<Vec<f64>>> {
        let Some(array) = node.optional_constant(k, what)? else { return Ok(None) };
        let view = array::broadcast(&array.dims, &array::broadcast_dims(&array.dims, &flow.dims)?)?;
        Ok(Some(array.pick(&view).data))
    };
    let len = builder.len(flow.id);
    let scale = vector(1, "a gain")?.unwrap_or_else(|| vec![1.0; len]);
    let offset = vector(2, "a bias")?.unwrap_or_else(|| vec![0.0; len]);
    let gain = Layer::Affine { scale, offset };
    Ok(vec![Value::Flow(builder.flow(name, gain, &[normal], &flow.dims)?)])
}

fn check_all_features(outer: &[usize], flow: &Flow) -> Result<()> {
    if outer.iter().all(|&d| d == 1) {
        return Ok(());
    }
    Err(Error::new("only some axes of a tensor are reduced")
        .expected("a mean over all features")
        .found(format!("shape {:?} with {outer:?} left over", flow.dims))
        .help("normalise over the whole feature vector"))
}

/// ReduceMean and ReduceSum over all features, or over none where `noop_with_empty_axes` asks for that.
pub fn reduce(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let rank = flow.dims.len();
    let noop = node.int("noop_with_empty_axes", 0) != 0;
    let keep = node.int("keepdims", 1) != 0;
    let axes = match node.ints_or_input("axes", 1)?.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|&a| array::axis_of(a, rank)).collect::<Result<Vec<_>>>()?,
        None if noop => return Ok(vec![Value::Flow(flow)]),
        None => (0..rank).collect(),
    };
    let outer: Vec<usize> =
        flow.dims.iter().enumerate().filter(|(k, _)| !axes.contains(k)).map(|(_, &d)| d).collect();
    check_all_features(&outer, &flow)?;
    let dims = if keep { vec![1; rank] } else { vec![1; outer.len()] };
    let len = builder.len(flow.id);
    let mean = node.op() == "ReduceMean";
    let weight = if mean { 1.0 / len as f64 } else { 1.0 };
    let dense = Dense::new(vec![vec![weight; len]], vec![0.0]);
    let reduced = builder.flow(node.name(), Layer::Dense(dense), &[flow.id], &dims)?;
    if mean {
        let (of, what) = match builder.statistic(flow.id) {
            Some((of, Statistic::Squared)) => (of, Statistic::Variance),
            _ => (flow.id, Statistic::Mean),
        };
        builder.learn(reduced.id, of, what);
    }
    Ok(vec![Value::Flow(reduced)])
}

/// scikit-learn's scalers: `(x - offset) scale`.
pub fn scaler(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let len = builder.len(flow.id);
    let vector = |name: &str, default: f64| {
        let values = node.floats(name).unwrap_or_default();
        match values.as_slice() {
            [] => Ok(vec![default; len]),
            [one] => Ok(vec![*one; len]),
            many if many.len() == len => Ok(values),
            many => Err(Error::new("a scaler does not fit its input")
                .expected(format!("1 or {len} values as `{name}`"))
                .found(many.len())
                .help(DAMAGED)),
        }
    };
    let (scale, shift) = (vector("scale", 1.0)?, vector("offset", 0.0)?);
    let offset = shift.iter().zip(&scale).map(|(o, s)| -o * s).collect();
    let layer = Layer::Affine { scale, offset };
    Ok(vec![Value::Flow(builder.flow(node.name(), layer, &[flow.id], &flow.dims)?)])
}
