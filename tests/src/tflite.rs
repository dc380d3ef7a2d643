//! TensorFlow Lite models made in memory: a writer of flatbuffers, and the few tables of their schema.

/// What a field of a table holds.
#[derive(Debug, Clone)]
pub enum Field {
    /// 8 bits: enumerations and truth values.
    Byte(i8),
    /// 32 bits.
    Int(i32),
    /// 32 bits.
    Float(f32),
    /// A vector: the bytes of an element, and of all of them.
    Vector(usize, Vec<u8>),
    /// A table.
    Table(Fields),
    /// A vector of tables.
    Tables(Vec<Fields>),
}

/// A table: fields with their numbers in the schema.
pub type Fields = Vec<(usize, Field)>;

impl Field {
    /// A vector of 32-bit integers.
    pub fn ints(data: &[i32]) -> Self {
        Self::Vector(4, data.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A vector of 32-bit floats.
    pub fn floats(data: &[f32]) -> Self {
        Self::Vector(4, data.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A vector of 64-bit integers.
    pub fn longs(data: &[i64]) -> Self {
        Self::Vector(8, data.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// A string.
    pub fn text(text: &str) -> Self {
        Self::Vector(1, text.as_bytes().to_vec())
    }
}

/// Integers of 8 bits and the real numbers they stand for.
#[derive(Debug, Clone)]
pub struct Quantized {
    /// The integers.
    pub integers: Vec<i8>,
    /// Real numbers a unit: one, or one an index of the first axis.
    pub scales: Vec<f32>,
}

/// A model under construction.
#[derive(Debug, Clone, Default)]
pub struct Net {
    tensors: Vec<Fields>,
    buffers: Vec<Fields>,
    codes: Vec<Fields>,
    operators: Vec<Fields>,
}

/// The types of tensors.
const FLOAT32: i8 = 0;
const INT32: i8 = 2;
const INT64: i8 = 4;
const INT16: i8 = 7;
const INT8: i8 = 9;

impl Net {
    /// A tensor of real activations, and its number.
    pub fn flow(&mut self, name: &str, shape: &[i32]) -> i32 {
        self.tensor(name, shape, FLOAT32, vec![], None)
    }

    /// A tensor of quantized activations.
    pub fn quantized_flow(&mut self, name: &str, shape: &[i32], scale: f32, zero: i64) -> i32 {
        let quantization = vec![(2, Field::floats(&[scale])), (3, Field::longs(&[zero]))];
        self.tensor(name, shape, INT8, vec![], Some(quantization))
    }

    /// A tensor of activations of 16 bits, whose zero point is 0.
    pub fn quantized_flow16(&mut self, name: &str, shape: &[i32], scale: f32) -> i32 {
        let quantization = vec![(2, Field::floats(&[scale])), (3, Field::longs(&[0]))];
        self.tensor(name, shape, INT16, vec![], Some(quantization))
    }

    /// The bias of a layer whose activations have 16 bits, in units of `scale`.
    pub fn bias64(&mut self, name: &str, data: &[i64], scale: f32) -> i32 {
        let bytes = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        let quantization = vec![(2, Field::floats(&[scale])), (3, Field::longs(&[0]))];
        self.tensor(name, &[data.len() as i32], INT64, bytes, Some(quantization))
    }

    /// Real constants.
    pub fn floats(&mut self, name: &str, shape: &[i32], data: &[f32]) -> i32 {
        let bytes = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, shape, FLOAT32, bytes, None)
    }

    /// Whole numbers, as shapes and axes are.
    pub fn ints(&mut self, name: &str, data: &[i32]) -> i32 {
        let bytes = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, &[data.len() as i32], INT32, bytes, None)
    }

    /// Quantized constants with zero points of 0.
    pub fn quantized(&mut self, name: &str, shape: &[i32], data: &Quantized) -> i32 {
        let bytes = data.integers.iter().map(|&q| q as u8).collect();
        let zeros = vec![0; data.scales.len()];
        let scales = vec![(2, Field::floats(&data.scales)), (3, Field::longs(&zeros))];
        self.tensor(name, shape, INT8, bytes, Some(scales))
    }

    fn tensor(
        &mut self,
        name: &str,
        shape: &[i32],
        kind: i8,
        data: Vec<u8>,
        quantization: Option<Fields>,
    ) -> i32 {
        let buffer = self.buffers.len() as i32;
        self.buffers.push(if data.is_empty() { vec![] } else { vec![(0, Field::Vector(1, data))] });
        let mut tensor = vec![
            (0, Field::ints(shape)),
            (1, Field::Byte(kind)),
            (2, Field::Int(buffer)),
            (3, Field::text(name)),
        ];
        tensor.extend(quantization.map(|q| (4, Field::Table(q))));
        self.tensors.push(tensor);
        self.tensors.len() as i32 - 1
    }

    /// An operator by its code, with its options.
    pub fn operator(&mut self, code: i32, inputs: &[i32], outputs: &[i32], options: Fields) {
        let index = self.codes.len() as i32;
        let byte = code.min(127) as i8;
        self.codes.push(vec![(0, Field::Byte(byte)), (3, Field::Int(code))]);
        self.operators.push(vec![
            (0, Field::Int(index)),
            (1, Field::ints(inputs)),
            (2, Field::ints(outputs)),
            (4, Field::Table(options)),
        ]);
    }

    /// The file of the network from `input` to `output`.
    pub fn file(self, input: i32, output: i32) -> Vec<u8> {
        let graph = vec![
            (0, Field::Tables(self.tensors)),
            (1, Field::ints(&[input])),
            (2, Field::ints(&[output])),
            (3, Field::Tables(self.operators)),
        ];
        let model = vec![
            (0, Field::Int(3)),
            (1, Field::Tables(self.codes)),
            (2, Field::Tables(vec![graph])),
            (4, Field::Tables(self.buffers)),
        ];
        let mut out = b"\0\0\0\0TFL3".to_vec();
        let root = table(&mut out, &model);
        out[..4].copy_from_slice(&(root as u32).to_le_bytes());
        out
    }
}

fn align(out: &mut Vec<u8>, to: usize) {
    out.resize(out.len().next_multiple_of(to), 0);
}

/// Appends a table behind the list of its fields' places, what its fields lead to behind it, and returns where it is.
fn table(out: &mut Vec<u8>, fields: &Fields) -> usize {
    align(out, 4);
    let count = fields.iter().map(|(number, _)| number + 1).max().unwrap_or(0);
    let list = out.len();
    let mut places = vec![0u16; count];
    for (k, (number, _)) in fields.iter().enumerate() {
        places[*number] = 4 + 4 * k as u16;
    }
    let sizes = [4 + 2 * count as u16, 4 + 4 * fields.len() as u16];
    out.extend(sizes.iter().chain(&places).flat_map(|v| v.to_le_bytes()));
    align(out, 4);
    let at = out.len();
    out.extend(((at - list) as i32).to_le_bytes());
    out.resize(at + 4 + 4 * fields.len(), 0);
    for (k, (_, field)) in fields.iter().enumerate() {
        let place = at + 4 + 4 * k;
        let value = match field {
            Field::Byte(v) => i32::from(*v) & 0xff,
            Field::Int(v) => *v,
            Field::Float(v) => v.to_bits() as i32,
            Field::Vector(size, bytes) => (vector(out, *size, bytes) - place) as i32,
            Field::Table(fields) => (table(out, fields) - place) as i32,
            Field::Tables(rows) => (tables(out, rows) - place) as i32,
        };
        out[place..place + 4].copy_from_slice(&value.to_le_bytes());
    }
    at
}

fn vector(out: &mut Vec<u8>, size: usize, bytes: &[u8]) -> usize {
    align(out, 4);
    if !(out.len() + 4).is_multiple_of(size.max(1)) {
        out.extend([0; 4]);
    }
    let at = out.len();
    out.extend(((bytes.len() / size) as u32).to_le_bytes());
    out.extend(bytes);
    // A string ends in a zero.
    out.push(0);
    at
}

fn tables(out: &mut Vec<u8>, rows: &[Fields]) -> usize {
    align(out, 4);
    let at = out.len();
    out.extend((rows.len() as u32).to_le_bytes());
    out.resize(at + 4 + 4 * rows.len(), 0);
    for (k, row) in rows.iter().enumerate() {
        let place = at + 4 + 4 * k;
        let distance = (table(out, row) - place) as u32;
        out[place..place + 4].copy_from_slice(&distance.to_le_bytes());
    }
    at
}
