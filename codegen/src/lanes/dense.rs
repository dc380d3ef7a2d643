//! A dense layer as lanes want it: data. Stands on nothing.

/// Rows of weights that lie side by side.
pub const ROWS: usize = 8;

/// A dense layer as lanes want it.
#[derive(Debug, Clone)]
pub struct DenseLanes {
    /// Rows side by side; of those that are not there all is 0, and so is what they give.
    pub blocks: Vec<Block>,
    /// Whether what is below 0 becomes 0.
    pub relu: bool,
}

/// Rows side by side.
#[derive(Debug, Clone)]
pub struct Block {
    /// Of each row.
    pub bias: [i32; ROWS],
    /// `m 2^(16-s)` of each row, the high word of whose product is the requantized sum.
    pub words: [i32; ROWS],
    /// Input pair by input pair, the weights of both in a word for each row, the first in its lower half.
    pub pairs: Vec<[i32; ROWS]>,
}

impl DenseLanes {
    /// The layer of row-major `weights`, with the biases, multipliers and shift (below 16) of the runtime's.
    pub fn new(
        inputs: usize,
        weight: impl Fn(usize) -> i32,
        bias: &[i32],
        multiplier: &[i16],
        shift: u8,
        relu: bool,
    ) -> Self {
        let outputs = bias.len();
        let at = |row: usize, i: usize| match row < outputs && i < inputs {
            true => weight(row * inputs + i),
            false => 0,
        };
        let pair = |row, pair: usize| at(row, 2 * pair) & 0xffff | at(row, 2 * pair + 1) << 16;
        let word = |m: i16| i32::from(m) << (16 - u32::from(shift).min(16));
        let block = |from: usize| Block {
            bias: rows(|r| bias.get(from + r).copied().unwrap_or_default()),
            words: rows(|r| word(multiplier.get(from + r).copied().unwrap_or_default())),
            pairs: (0..inputs.div_ceil(2)).map(|p| rows(|r| pair(from + r, p))).collect(),
        };
        Self { blocks: (0..outputs).step_by(ROWS).map(block).collect(), relu }
    }
}

fn rows(of: impl Fn(usize) -> i32) -> [i32; ROWS] {
    std::array::from_fn(of)
}
