//! How integers stand for real numbers: formats of tensors, factors as multipliers and shifts. Stands on nothing.

/// How a tensor's integers map to real numbers: `value = integer * scale + offset`.
#[derive(Debug, Clone, PartialEq)]
pub struct Format {
    /// One factor for all features, or one a feature.
    pub scale: Vec<f64>,
    /// One addend a feature; empty for zeros.
    pub offset: Vec<f64>,
    /// Smallest integer that can occur.
    pub low: i32,
    /// Largest integer that can occur.
    pub high: i32,
}

impl Format {
    pub fn uniform(scale: f64) -> Self {
        Self { scale: vec![scale], offset: vec![], low: -32768, high: 32767 }
    }

    /// Unit fractions: 1.0 is the integer `2^bits - 1`.
    pub fn unit(bits: u32) -> Self {
        let one = (1 << bits) - 1;
        Self { low: -one, high: one, ..Self::uniform(1.0 / f64::from(one)) }
    }

    /// Bits of unit fractions, if that is what it holds.
    pub fn unit_bits(&self) -> Option<u32> {
        [7, 15].into_iter().find(|&bits| *self == Self::unit(bits))
    }

    pub fn scale(&self, feature: usize) -> f64 {
        self.scale[if self.scale.len() == 1 { 0 } else { feature }]
    }

    pub fn offset(&self, feature: usize) -> f64 {
        self.offset.get(feature).copied().unwrap_or(0.0)
    }

    /// That of the features `indices`, in their order.
    pub fn picked(&self, indices: impl Iterator<Item = usize> + Clone) -> Self {
        let of = |list: &[f64]| match list.len() {
            0 | 1 => list.to_vec(),
            _ => indices.clone().map(|i| list[i]).collect(),
        };
        Self { scale: of(&self.scale), offset: of(&self.offset), ..*self }
    }

    /// That of `features`, `times` one after the other.
    pub fn repeated(&self, features: usize, times: usize) -> Self {
        self.picked((0..times).flat_map(|_| 0..features))
    }

    /// All that distinguishes it from other formats.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        let ends = [f64::from(self.low), f64::from(self.high), self.scale.len() as f64];
        ends.into_iter().chain(self.scale.iter().chain(&self.offset).copied())
    }

    /// The one scale, if all features share it and none has an offset.
    pub fn as_uniform(&self) -> Option<f64> {
        (self.scale.len() == 1 && self.offset.is_empty()).then(|| self.scale[0])
    }
}

/// `(m, s)` with `factor = m / 2^(16+s)` as near as 15 bits allow, for the largest of a layer's factors.
///
/// Needs `0 < factor < 1/2`; a smaller one than `2^-17` keeps fewer bits.
pub fn multiplier(factor: f64) -> (i16, u8) {
    let shift = ((32767.49 / (factor * 65536.0)).log2().floor()).clamp(0.0, 15.0) as u8;
    (scaled_multiplier(factor, shift), shift)
}

/// `factor 2^(16+shift)`, rounded.
pub fn scaled_multiplier(factor: f64, shift: u8) -> i16 {
    (factor * f64::powi(2.0, 16 + i32::from(shift))).round().clamp(0.0, 32767.0) as i16
}

/// What rounds the product with a multiplier and shift to the nearest, in units of what is multiplied.
pub fn rounding_half(multiplier: i16, shift: u8) -> f64 {
    f64::powi(2.0, 15 + i32::from(shift)) / f64::from(multiplier.max(1))
}
