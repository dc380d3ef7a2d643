//! The one source of random numbers for tests. Episodes of plants, and networks that figures are committed of, keep
//! the generator they were made with, `nervecord_plants::RandomState`.

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers everywhere and for ever.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An integer in `-127..=127`.
    pub fn weight(&mut self) -> i64 {
        (self.bits() % 255) as i64 - 127
    }

    /// A real number in `-1..1`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// A real number in `low..high`.
    pub fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.unit() + 1.0) / 2.0
    }

    /// An integer in `0..n`, and 0 for none.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    /// Whether something happens that does once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of several.
    ///
    /// # Panics
    /// There is none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Numbers in `-size..size`.
    pub fn row(&mut self, columns: usize, size: f64) -> Vec<f64> {
        (0..columns).map(|_| self.unit() * size).collect()
    }

    /// Rows of numbers in `-1..1`.
    pub fn rows(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        (0..rows).map(|_| self.row(columns, 1.0)).collect()
    }
}
