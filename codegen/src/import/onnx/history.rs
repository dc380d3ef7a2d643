//! Inputs that are windows of the last rows: which axis of their shape is time. `nervecord.toml` says which inputs are
//! windows; what the nodes behind them do along their axes, or how many features a row has, says how they lie.
//!
//! Stands on the file's inputs, nodes and settings.

use std::collections::HashSet;

use super::array;
use super::door::Door;
use super::proto::{GraphProto, NodeProto};
use crate::error::{Error, Kind, Result};
use crate::settings::{StateSettings, Window as Setting};

/// An input that is a window of rows, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Window<'a> {
    /// The input's name.
    pub name: &'a str,
    /// How many rows it has.
    pub rows: usize,
    /// Features of each.
    pub features: usize,
    /// The place of each of the input's features in the rows, one after the other.
    pub places: Vec<usize>,
}

/// The windows among `inputs`, which are no states.
///
/// # Errors
/// A setting names no input, or it cannot be told which axis is time.
pub fn find<'a>(
    proto: &GraphProto,
    inputs: &[Door<'a>],
    settings: &StateSettings,
) -> Result<Vec<Window<'a>>> {
    let names = || inputs.iter().map(Door::describe).collect::<Vec<_>>().join(", ");
    let wrong = |what: &str| Error::new(what).of_kind(Kind::Settings).at("[state] window");
    let chosen: Vec<&Door> = match (&settings.window, inputs) {
        (None, _) => return Ok(Vec::new()),
        (Some(Setting::Only(_)), [one]) => vec![one],
        (Some(Setting::Only(_)), _) => {
            return Err(wrong("it is not clear which input is a window")
                .expected("its name, since the file has several inputs")
                .found(names())
                .help("write window = { NAME = \"history\" }"));
        }
        (Some(Setting::Named(named)), _) => {
            let door = |name: &String| {
                inputs.iter().find(|input| input.name == name).ok_or_else(|| {
                    wrong("the file has no such input")
                        .expected(names())
                        .found(format!("`{name}`"))
                        .help("name an input that is no state; `nervecord inspect` prints them")
                })
            };
            named.keys().map(door).collect::<Result<_>>()?
        }
    };
    let window = |door: &&Door<'a>| {
        let at = |e: Error| e.of_kind(Kind::Settings).at(format!("input `{}`", door.name));
        of(proto, door, settings.features_of(door.name)).map_err(at)
    };
    chosen.iter().map(window).collect()
}

/// The window that an input is, whose rows have so many features if that is declared.
fn of<'a>(proto: &GraphProto, door: &Door<'a>, features: Option<usize>) -> Result<Window<'a>> {
    let dims = door.features()?;
    let len = array::volume(&dims)?;
    // The first axis of several is the batch.
    let axes: Vec<usize> = (usize::from(dims.len() > 1)..dims.len()).collect();
    let told = time_of(proto, door.name, dims.len()).filter(|axis| axes.contains(axis));
    let fits = |axis: &usize| match features {
        Some(features) => dims[*axis].checked_mul(features) == Some(len),
        None => told == Some(*axis),
    };
    let long: Vec<usize> = axes.into_iter().filter(|&axis| dims[axis] > 1).collect();
    let fitting: Vec<usize> = long.iter().copied().filter(fits).collect();
    let axis = match fitting.as_slice() {
        [one] => Some(*one),
        several => told.filter(|axis| several.contains(axis)),
    };
    if let Some(axis) = axis {
        return Ok(along(door.name, &dims, axis));
    }
    let flat = features.filter(|&f| f > 0 && len.is_multiple_of(f) && f < len);
    match flat {
        Some(features) if long.len() < 2 => {
            let (rows, places) = (len / features, (0..len).collect());
            Ok(Window { name: door.name, rows, features, places })
        }
        _ => Err(unclear(door, features, fitting.len())),
    }
}

/// A window of shape `dims` whose rows lie along `axis`.
fn along<'a>(name: &'a str, dims: &[usize], axis: usize) -> Window<'a> {
    let product = |dims: &[usize]| dims.iter().product::<usize>();
    let (rows, inner) = (dims[axis], product(&dims[axis + 1..]));
    let features = product(&dims[..axis]) * inner;
    let place = |i: usize| {
        let (outer, row, inside) = (i / (rows * inner), i / inner % rows, i % inner);
        row * features + outer * inner + inside
    };
    Window { name, rows, features, places: (0..rows * features).map(place).collect() }
}

fn unclear(door: &Door, features: Option<usize>, fitting: usize) -> Error {
    let error = match features {
        None => Error::new("it is not clear which axis of a window is time")
            .expected("[state] features = .., the number of features of a row"),
        Some(features) if fitting > 1 => {
            Error::new("it is not clear which axis of a window is time")
                .expected(format!("one axis beside which there are {features} features"))
        }
        Some(features) => Error::new("a window does not have rows of as many features")
            .expected(format!("rows of {features} features, two or more")),
    };
    error.found(door.describe()).help(
        "an input is [1, rows, features], [1, features, rows], or flat with the rows one after the other, the oldest \
         first; export the network with one of these shapes",
    )
}

/// Operators behind which the axes are the same, elementwise ones aside.
const THROUGH: [&str; 22] = [
    "Add",
    "BatchNormalization",
    "Cast",
    "CastLike",
    "Clip",
    "Div",
    "Dropout",
    "Elu",
    "Gelu",
    "HardSwish",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "Mul",
    "Pad",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softplus",
    "Sqrt",
    "Sub",
    "Tanh",
];

/// The axis of an input of so many axes along which nodes go through time, if they agree on one: a convolution, a
/// pooling or a recurrent layer, or else a product that takes the last axis for features.
fn time_of(proto: &GraphProto, input: &str, rank: usize) -> Option<usize> {
    let (mut told, mut assumed) = (HashSet::new(), HashSet::new());
    // Names, and of each axis there which axis of the input it is.
    let mut open = vec![(input, (0..rank).collect::<Vec<usize>>())];
    let mut seen = HashSet::new();
    while let Some((name, axes)) = open.pop() {
        if !seen.insert((name, axes.clone())) {
            continue;
        }
        let reads = |node: &&NodeProto| node.input.first().is_some_and(|first| first == name);
        let second = |node: &&NodeProto| {
            let commutes = matches!(node.op_type.as_deref(), Some("Add" | "Mul" | "Sub" | "Div"));
            commutes && node.input.get(1).is_some_and(|second| second == name)
        };
        for node in proto.node.iter().filter(|node| reads(node) || second(node)) {
            let behind = match node.op_type.as_deref().unwrap_or_default() {
                "Transpose" => transposed(node, &axes),
                op if THROUGH.contains(&op) => Some(axes.clone()),
                "Conv" | "AveragePool" | "MaxPool" if rank == 3 => {
                    told.extend(axes.last());
                    None
                }
                "GRU" | "LSTM" | "RNN" if rank == 3 => {
                    told.extend(axes.get(usize::from(int(node, "layout") == Some(1))));
                    None
                }
                "MatMul" if rank == 3 && axes.is_sorted() => {
                    assumed.extend(axes.get(1));
                    None
                }
                _ => None,
            };
            let outputs = node.output.iter().take(1).map(String::as_str);
            open.extend(
                behind.into_iter().flat_map(|axes| outputs.clone().map(move |o| (o, axes.clone()))),
            );
        }
    }
    let one = |axes: HashSet<usize>| match axes.len() {
        1 => axes.into_iter().next(),
        _ => None,
    };
    if told.is_empty() { one(assumed) } else { one(told) }
}

/// The axes behind a transposition, if it says an order that fits.
fn transposed(node: &NodeProto, axes: &[usize]) -> Option<Vec<usize>> {
    let order = node.attribute.iter().find(|a| a.name.as_deref() == Some("perm"));
    let Some(order) = order else { return Some(axes.iter().rev().copied().collect()) };
    order.ints.iter().map(|&k| axes.get(usize::try_from(k).ok()?).copied()).collect()
}

fn int(node: &NodeProto, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name.as_deref() == Some(name)).and_then(|a| a.i)
}
