//! A dense layer as lanes want it: data. Stands on nothing.

/// A dense layer as lanes want it.
#[derive(Debug, Clone)]
pub struct DenseLanes {
    /// Of each row the weights of two inputs in a word, the first in its lower half.
    pub pairs: Vec<i32>,
    /// Words of a row.
    pub half: usize,
    /// Of each row.
    pub bias: Vec<i32>,
    /// `m 2^(16-s)` of each row, the high word of whose product is the requantized sum.
    pub words: Vec<i32>,
    /// Whether what is below 0 becomes 0.
    pub relu: bool,
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
        let half = inputs.div_ceil(2);
        let pair = |(row, pair): (usize, usize)| {
            let at = |i: usize| if i < inputs { weight(row * inputs + i) } else { 0 };
            at(2 * pair) & 0xffff | at(2 * pair + 1) << 16
        };
        let places = (0..bias.len()).flat_map(|row| (0..half).map(move |pair| (row, pair)));
        let word = |&m: &i16| i32::from(m) << (16 - u32::from(shift).min(16));
        Self {
            pairs: places.map(pair).collect(),
            half,
            bias: bias.to_vec(),
            words: multiplier.iter().map(word).collect(),
            relu,
        }
    }
}
