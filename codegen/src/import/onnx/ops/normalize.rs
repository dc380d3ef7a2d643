//! Normalisations and the reductions they are made of.

use super::super::array::DAMAGED;
use super::super::array::{self, Array};
use super::super::builder::Builder;
use super::super::node::{Call, Flow, Value};
use super::arithmetic::combine;
use super::groups::Groups;
use super::reduce;
use crate::error::{Error, Result};
use crate::graph::expr::{Expr, Function};
use crate::graph::{Layer, Reduction};

/// One value a feature, from an array of one value a channel.
fn per_channel(array: &Array, flow: &Flow, what: &str) -> Result<Vec<f64>> {
    let channels = flow.dims.get(1).or(flow.dims.first()).copied().unwrap_or(1);
    if array.data.len() != channels {
        return Err(misfit(array, channels, what));
    }
    let inner = array::volume(flow.dims.get(2..).unwrap_or_default())?;
    let rows = flow.dims.first().filter(|_| flow.dims.len() > 1).copied().unwrap_or(1);
    let row: Vec<f64> = array.data.iter().flat_map(|&v| std::iter::repeat_n(v, inner)).collect();
    array::volume(&[rows, row.len()])?;
    Ok(row.repeat(rows))
}

fn misfit(array: &Array, features: usize, what: &str) -> Error {
    Error::new("a normalisation does not fit its input")
        .expected(format!("{what} for {features} features"))
        .found(format!("shape {:?}", array.dims))
        .help(DAMAGED)
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
    // Before operator set 9 a node could have one value a feature, not one a channel.
    let spatial = node.int("spatial", 1) != 0;
    let vector = |k: usize, what: &str| {
        let array = node.constant(k, what)?;
        match spatial {
            true => per_channel(&array, &flow, what),
            false if array.data.len() == builder.len(flow.id) => Ok(array.data.clone()),
            false => Err(misfit(&array, builder.len(flow.id), what)),
        }
    };
    let (gain, bias) = (vector(1, "a gain")?, vector(2, "a bias")?);
    let (mean, variance) = (vector(3, "a mean")?, vector(4, "a variance")?);
    let scale: Vec<f64> =
        gain.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let offset =
        bias.iter().zip(&mean).zip(&scale).map(|((b, m), s)| b - m * s).collect::<Vec<_>>();
    let layer = Layer::Affine { scale, offset };
    Ok(vec![Value::Flow(builder.flow(node.name(), layer, &[flow.id], &flow.dims)?)])
}

/// LayerNormalization over the axes from `axis` on, its gain and bias.
pub fn layer(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let axis = array::axis_of(node.int("axis", -1), flow.dims.len())?;
    let groups = Groups::of(&flow.dims, &(axis..flow.dims.len()).collect::<Vec<_>>())?;
    let epsilon = node.float("epsilon", 1e-5);
    let name = node.name();
    let normal = groups.map(builder, name, &Layer::Normalize { epsilon }, flow.id)?;
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

/// RMSNormalization over the axes from `axis` on, and its gain.
pub fn root_mean_square(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let rank = flow.dims.len();
    let axis = array::axis_of(node.int("axis", -1), rank)?;
    let groups = Groups::of(&flow.dims, &(axis..rank).collect::<Vec<_>>())?;
    let layer = Layer::RootMeanSquare { epsilon: node.float("epsilon", 1e-5), least: 0.0 };
    let name = node.name();
    let normal = Flow { id: groups.map(builder, name, &layer, flow.id)?, dims: flow.dims };
    let gain = node.input(1)?;
    Ok(vec![combine(builder, name, "Mul", &Value::Flow(normal), gain)?])
}

/// InstanceNormalization and GroupNormalization: each group of channels by its own mean and deviation.
pub fn by_channels(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let &[batch, channels, ..] = flow.dims.as_slice() else {
        return Err(misfit(&*node.constant(1, "a gain")?, 1, "channels and a gain"));
    };
    let groups = match node.op() {
        "InstanceNormalization" => channels,
        _ => usize::try_from(node.int("num_groups", 0)).unwrap_or(0),
    };
    if groups == 0 || channels % groups != 0 {
        return Err(Error::new("the channels are not a multiple of the groups")
            .expected(format!("a divisor of {channels} as `num_groups`"))
            .found(groups)
            .help(DAMAGED));
    }
    let len = builder.len(flow.id);
    let rows = batch * groups;
    let split = Groups::of(&[rows, len / rows], &[1])?;
    let name = node.name();
    let layer = Layer::Normalize { epsilon: node.float("epsilon", 1e-5) };
    let normal = split.map(builder, name, &layer, flow.id)?;
    // Before operator set 21 a group had one gain, else a channel has.
    let spread = |array: &Array, what: &str| -> Result<Vec<f64>> {
        let each = match array.data.len() {
            n if n == channels => 1,
            n if n == groups && node.op() == "GroupNormalization" && node.opset < 21 => {
                channels / groups
            }
            _ => return Err(misfit(array, channels, what)),
        };
        let a_channel = array.data.iter().flat_map(|&v| std::iter::repeat_n(v, each));
        let channels = Array { dims: vec![channels], data: a_channel.collect(), integer: false };
        per_channel(&channels, &flow, what)
    };
    let scale = spread(&*node.constant(1, "a gain")?, "a gain")?;
    let offset = spread(&*node.constant(2, "a bias")?, "a bias")?;
    let gain = Layer::Affine { scale, offset };
    Ok(vec![Value::Flow(builder.flow(name, gain, &[normal], &flow.dims)?)])
}

/// MeanVarianceNormalization over its axes.
pub fn mean_variance(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    /// Added to the deviation by the operator's definition; here to the variance.
    const EPSILON: f64 = 1e-9;
    let flow = node.flow(0)?.clone();
    let rank = flow.dims.len();
    let axes = node.ints("axes").unwrap_or(&[0, 2, 3]);
    let axes = axes.iter().map(|&a| array::axis_of(a, rank)).collect::<Result<Vec<_>>>()?;
    let groups = Groups::of(&flow.dims, &axes)?;
    let layer = Layer::Normalize { epsilon: EPSILON };
    let id = groups.map(builder, node.name(), &layer, flow.id)?;
    Ok(vec![Value::Flow(Flow { id, dims: flow.dims })])
}

/// LpNormalization over one axis, and scikit-learn's Normalizer of each row: by the sum of magnitudes, by the length,
/// or by the largest.
pub fn by_norm(builder: &mut Builder, node: &Call) -> Result<Vec<Value>> {
    let flow = node.flow(0)?.clone();
    let norm = match node.op() {
        "Normalizer" => node.string("norm").unwrap_or_else(|| "MAX".into()),
        _ => format!("L{}", node.int("p", 2)),
    };
    let rank = flow.dims.len();
    let axis = array::axis_of(node.int("axis", -1), rank)?;
    let groups = Groups::of(&flow.dims, &[axis])?;
    let name = node.name();
    let id = match norm.as_str() {
        "L2" => {
            let root = (groups.members as f64).sqrt();
            // A row of zeros stays one.
            let layer = Layer::RootMeanSquare { epsilon: 0.0, least: f64::from(f32::MIN_POSITIVE) };
            let normal = groups.map(builder, name, &layer, flow.id)?;
            builder.map(name, Expr::X.mul(Expr::Const(1.0 / root)), normal)?
        }
        "L1" | "MAX" => {
            let sizes = builder.map(name, Expr::call(Function::Abs), flow.id)?;
            let sizes = if norm == "L1" {
                reduce::sum(builder, name, sizes, &groups, 1.0)?
            } else {
                let sizes = groups.gathered(builder, name, sizes)?;
                let largest = Layer::Reduce { by: Reduction::Max, groups: groups.count };
                builder.push(name, largest, &[sizes])?
            };
            let sizes =
                builder.map(name, Expr::X.max(Expr::Const(f64::from(f32::MIN_POSITIVE))), sizes)?;
            let mut divisor = vec![0; builder.len(flow.id)];
            for (g, group) in groups.each().enumerate() {
                for place in group {
                    if let Some(divisor) = divisor.get_mut(*place) {
                        *divisor = g;
                    }
                }
            }
            let divisors = builder.pick(name, sizes, divisor)?;
            builder.push(name, Layer::Div, &[flow.id, divisors])?
        }
        other => {
            return Err(Error::new("a norm is not supported")
                .expected("`p` 1 or 2, or `norm` \"L1\", \"L2\" or \"MAX\"")
                .found(other)
                .help("normalise by the length or by the sum of magnitudes"));
        }
    };
    Ok(vec![Value::Flow(Flow { id, dims: flow.dims })])
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
