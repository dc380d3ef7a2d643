//! JSON and TOML: keys and values left out, doubled, renamed, exchanged, made extreme.

use nervecord_tests::random::Random;
use serde_json::{Map, Value};

use super::bytes;
use super::numbers::EXTREMES;

/// Keys of some format, for others to come across.
const KEYS: [&str; 36] = [
    "format",
    "layers",
    "width",
    "grid",
    "k",
    "grid_size",
    "spline_order",
    "degree",
    "gridsize",
    "groups",
    "order",
    "num_grids",
    "layernorm",
    "denominator",
    "file",
    "params",
    "n_joints",
    "oscillator_period",
    "n_turn_joints",
    "mode",
    "timespan",
    "ode_unfolds",
    "epsilon",
    "activation",
    "out_activation",
    "kind",
    "prefix",
    "weight",
    "parameter",
    "bias",
    "initial",
    "saturation",
    "scale",
    "offset",
    "substeps",
    "base_fun",
];

/// Words with a meaning somewhere.
const WORDS: [&str; 30] = [
    "",
    "onnx",
    "mlp",
    "mlp relu",
    "mlp tanh",
    "pykan",
    "efficient-kan",
    "fastkan",
    "chebykan",
    "fourierkan",
    "wavkan",
    "relu-kan",
    "gr-kan",
    "mixed-kan/1",
    "stack",
    "cfc_ncp",
    "cfc_dense",
    "ltc",
    "ncap-swimmer/1",
    "pure",
    "no_gate",
    "sigmoid",
    "clamp",
    "threshold",
    "softmax",
    "argmax",
    "x^2",
    "1/x",
    "log",
    "..",
];

pub fn json(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if random.once_in(4) {
        return bytes::replace_number(content, random);
    }
    let mut value = serde_json::from_slice(content).ok()?;
    change(&mut value, random);
    serde_json::to_vec(&value).ok()
}

pub fn toml(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if random.once_in(3) {
        return bytes::replace_number(content, random);
    }
    let mut value: Value = toml::from_str(std::str::from_utf8(content).ok()?).ok()?;
    change(&mut value, random);
    Some(toml::to_string(&value).ok()?.into_bytes())
}

/// Changes the tree in one place.
pub fn change(tree: &mut Value, random: &mut Random) {
    let other = nth(tree, random.below(count(tree))).cloned().unwrap_or_default();
    let at = random.below(count(tree));
    let Some(place) = nth(tree, at) else { return };
    match place {
        Value::Object(map) if !map.is_empty() && !random.once_in(8) => of_map(map, &other, random),
        Value::Array(list) if !list.is_empty() && !random.once_in(8) => {
            of_list(list, &other, random)
        }
        _ => *place = leaf(place, other, random),
    }
}

fn of_map(map: &mut Map<String, Value>, other: &Value, random: &mut Random) {
    let key = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
    let renamed = match random.below(4) {
        0 => format!("{key}s"),
        1 => format!("{key}_0"),
        2 => String::new(),
        _ => (*random.pick(&KEYS)).to_owned(),
    };
    match random.below(4) {
        0 => drop(map.remove(&key)),
        1 => {
            let value = map.get(&key).cloned().unwrap_or_default();
            map.insert(renamed, value);
        }
        2 => {
            let value = map.remove(&key).unwrap_or_default();
            map.insert(renamed, value);
        }
        _ => drop(map.insert(key, other.clone())),
    }
}

fn of_list(list: &mut Vec<Value>, other: &Value, random: &mut Random) {
    let at = random.below(list.len());
    let value = list[at].clone();
    match random.below(6) {
        0 => drop(list.remove(at)),
        1 => list.insert(at, value),
        2 => list.swap(at, 0),
        3 => list.extend(std::iter::repeat_n(value, random.below(300))),
        4 => list[at] = other.clone(),
        _ => list.clear(),
    }
}

fn leaf(value: &Value, other: Value, random: &mut Random) -> Value {
    match random.below(10) {
        0 => Value::Null,
        1 => Value::Bool(random.once_in(2)),
        2 => Value::String((*random.pick(&WORDS)).into()),
        3 => Value::String("a".repeat(1 + random.below(70_000))),
        4 => other,
        5 => (0..1 + random.below(200)).fold(value.clone(), |inner, _| Value::Array(vec![inner])),
        6 => match value.as_f64() {
            Some(x) => Value::from(x * 10_f64.powi(random.below(25) as i32 - 12)),
            None => Value::from(random.below(10)),
        },
        // Whole numbers stay whole: most keys want them so.
        7 => Value::from(*random.pick(&EXTREMES) as i64),
        8 => Value::from(random.below(20)),
        _ => Value::from(*random.pick(&EXTREMES)),
    }
}

/// Values in the tree, itself included.
fn count(tree: &Value) -> usize {
    1 + match tree {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// The value at a place in the order of reading.
fn nth(tree: &mut Value, at: usize) -> Option<&mut Value> {
    if at == 0 {
        return Some(tree);
    }
    let mut left = at - 1;
    let children: Vec<&mut Value> = match tree {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => return None,
    };
    for child in children {
        let size = count(child);
        if left < size {
            return nth(child, left);
        }
        left -= size;
    }
    None
}
