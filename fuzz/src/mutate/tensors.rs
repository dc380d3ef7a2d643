//! Safetensors files: tensors left out, renamed, of another shape or type, with other numbers.

use nervecord_tests::random::Random;
use serde_json::{Map, Value, json};

use super::numbers::float;
use super::tree;

/// A tensor as the file has it.
struct Tensor {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    data: Vec<u8>,
}

/// Element types with their bytes.
const TYPES: [(&str, usize); 9] = [
    ("F32", 4),
    ("F64", 8),
    ("F16", 2),
    ("BF16", 2),
    ("I64", 8),
    ("I32", 4),
    ("U8", 1),
    ("BOOL", 1),
    ("I8", 1),
];

pub fn change(content: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let (length, rest) = content.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (header, data) = (rest.get(..length)?, rest.get(length..)?);
    let mut header: Value = serde_json::from_slice(header).ok()?;
    if random.once_in(6) {
        // The header alone: its promises are not kept.
        tree::change(&mut header, random);
        return Some(file(&header, data));
    }
    let mut tensors = read(header.as_object()?, data)?;
    if tensors.is_empty() {
        return None;
    }
    let at = random.below(tensors.len());
    match random.below(9) {
        0 => drop(tensors.remove(at)),
        1 => {
            let other = tensors[random.below(tensors.len())].name.clone();
            let name = &mut tensors[at].name;
            match random.below(4) {
                0 => *name = other + "_1",
                1 => *name += "s",
                2 => *name = name.replace(['0', '1'], "7"),
                _ => *name = format!("module.{name}"),
            }
        }
        2 => reshape(&mut tensors[at], random),
        3 => tensors[at].shape.rotate_left(1),
        4 => retype(&mut tensors[at], random),
        _ => numbers(&mut tensors[at], random),
    }
    Some(write(&tensors))
}

fn read(header: &Map<String, Value>, data: &[u8]) -> Option<Vec<Tensor>> {
    let tensor = |(name, entry): (&String, &Value)| {
        let end =
            |i: usize| entry["data_offsets"][i].as_u64().and_then(|n| usize::try_from(n).ok());
        Some(Tensor {
            name: name.clone(),
            dtype: entry["dtype"].as_str()?.to_owned(),
            shape: entry["shape"].as_array()?.iter().map(Value::as_u64).collect::<Option<_>>()?,
            data: data.get(end(0)?..end(1)?)?.to_vec(),
        })
    };
    header.iter().filter(|(name, _)| *name != "__metadata__").map(tensor).collect()
}

fn write(tensors: &[Tensor]) -> Vec<u8> {
    let (mut header, mut data) = (Map::new(), Vec::new());
    for tensor in tensors {
        let start = data.len();
        data.extend(&tensor.data);
        let entry = json!({
            "dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, data.len()],
        });
        header.insert(tensor.name.clone(), entry);
    }
    file(&Value::Object(header), &data)
}

fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// How many elements a tensor has by its shape, a million at most: what is claimed beyond that is the
/// header's affair.
fn elements(tensor: &Tensor) -> usize {
    tensor.shape.iter().fold(1_u64, |n, &m| n.saturating_mul(m)).min(1 << 20) as usize
}

/// Another length along an axis, with as much data as that takes.
fn reshape(tensor: &mut Tensor, random: &mut Random) {
    let before = elements(tensor).max(1);
    let element = (tensor.data.len() / before).max(1);
    if tensor.shape.is_empty() || random.once_in(8) {
        tensor.shape.insert(0, 1 + random.below(3) as u64);
    } else {
        let axis = random.below(tensor.shape.len());
        let n = tensor.shape[axis];
        tensor.shape[axis] = *random.pick(&[0, 1, 2, n + 1, n.saturating_sub(1), 2 * n, 300]);
    }
    let count = elements(tensor);
    let bytes = element * count;
    let data = std::mem::take(&mut tensor.data);
    tensor.data =
        data.iter().copied().cycle().take(if data.is_empty() { 0 } else { bytes }).collect();
}

fn retype(tensor: &mut Tensor, random: &mut Random) {
    let count = elements(tensor);
    let (name, bytes) = *random.pick(&TYPES);
    tensor.dtype = name.into();
    tensor.data.resize(count * bytes, 0);
}

/// Other numbers in the same place: one, many, or all the same.
fn numbers(tensor: &mut Tensor, random: &mut Random) {
    if tensor.dtype != "F32" || tensor.data.is_empty() {
        tensor.data.iter_mut().for_each(|byte| *byte = random.bits() as u8);
        return;
    }
    let mut values: Vec<f32> =
        tensor.data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let n = values.len();
    match random.below(7) {
        0 => values.fill(0.0),
        1 => values.fill(float(random)),
        2 => {
            let factor = 10_f32.powi(random.below(13) as i32 - 6);
            values.iter_mut().for_each(|v| *v *= factor);
        }
        3 => values.reverse(),
        4 => {
            let (at, length) = (random.below(n), 1 + random.below(n));
            values.iter_mut().skip(at).take(length).for_each(|v| *v = 0.0);
        }
        _ => values[random.below(n)] = float(random),
    }
    tensor.data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
}
