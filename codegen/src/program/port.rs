//! The caller's numbers: their formats, and how they become activations. Stands on the runtime's ports.

use nervecord::Format;
use nervecord::generated::{Channel, Quad};
use nervecord::host::{Fit, fill_limits16, fill_limits32, quads};

use crate::graph::Shape;

/// How the caller's numbers map to integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Rows and features of the tensor; a caller's array holds one row after the other.
    pub shape: Shape,
    /// Fractional bits of each of the caller's fixed-point numbers.
    pub fracs: Vec<u32>,
    /// Width of the numbers, and how they become activations.
    pub width: PortWidth,
    /// Of an input, the smallest and the largest integer of each feature's calibrated range, with its
    /// margin; empty for an output.
    pub ranges: Vec<[i32; 2]>,
    /// Storage that holds the tensor.
    pub storage: usize,
    /// Whether 1.0 is the integer `2^frac - 1`, the largest, as in circuits of unit fractions.
    pub full_scale: bool,
}

/// Width of the caller's numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum PortWidth {
    /// `FixedI16`: the tensor itself.
    Narrow,
    /// `FixedI32` in: offset and shift a feature.
    WideIn(Vec<Channel>),
    /// `FixedI32` out: offset and shift a feature.
    WideOut(Vec<Channel>),
}

impl Port {
    /// Numbers of all rows.
    pub fn features(&self) -> usize {
        self.shape.len()
    }

    /// Width of the caller's numbers.
    pub fn bits(&self) -> u32 {
        if self.width == PortWidth::Narrow { 16 } else { 32 }
    }

    /// How feature `i`'s integers stand for numbers.
    pub fn format(&self, i: usize) -> Format {
        let frac = self.fracs.get(i).copied().unwrap_or_default();
        Format { frac: frac as u8, bits: self.bits() as u8, full_scale: self.full_scale }
    }

    /// The integer that stands for 1.0 in feature `i`.
    pub fn one(&self, i: usize) -> f64 {
        power(self.fracs[i]) - f64::from(u8::from(self.full_scale))
    }

    /// The factor and the addend that make a real number of the tensor's integer of feature `i`.
    pub fn line(&self, i: usize) -> (f64, f64) {
        match &self.width {
            PortWidth::Narrow => (1.0 / self.one(i), 0.0),
            PortWidth::WideIn(channels) | PortWidth::WideOut(channels) => {
                let Channel { offset, shift } = channels[i];
                (f64::powi(2.0, shift.into()) / self.one(i), f64::from(offset) / self.one(i))
            }
        }
    }

    /// The nearest integer the caller would pass as feature `i` for `x`; halves up, saturating. For NaN,
    /// the middle of the calibrated range.
    pub fn to_raw(&self, i: usize, x: f64) -> i32 {
        self.convert(i, x).0
    }

    /// The integer the caller would pass as feature `i` for `x`, as firmware's reading converts it, and
    /// how well it fits.
    pub(crate) fn convert(&self, i: usize, x: f64) -> (i32, Fit) {
        if x.is_nan() {
            let [low, high] = self.ranges.get(i).copied().unwrap_or_default();
            return (low.midpoint(high), Fit::Missing);
        }
        let scaled = (x * self.one(i) + 0.5).floor();
        let raw = if self.bits() == 32 { scaled as i32 } else { i32::from(scaled as i16) };
        (raw, if f64::from(raw) == scaled { Fit::Within } else { Fit::Clamped })
    }

    /// The tensor's integer of feature `i` for one of the caller's, as the runtime reads it.
    pub fn activation(&self, i: usize, raw: i32) -> i16 {
        let rounded = match &self.width {
            PortWidth::WideIn(channels) => {
                let Channel { offset, shift } = channels[i];
                // What no module has is shifted to nothing.
                let shift = u32::from(shift).min(62);
                let half = (1_i64 << shift) >> 1;
                (i64::from(raw.saturating_sub(offset)) + half) >> shift
            }
            _ => raw.into(),
        };
        rounded.clamp(i16::MIN.into(), i16::MAX.into()) as i16
    }

    /// One of the caller's integers of feature `i` that the runtime reads as an activation, where there is one.
    pub fn raw(&self, i: usize, activation: i16) -> i32 {
        match &self.width {
            PortWidth::WideIn(channels) => {
                let Channel { offset, shift } = channels[i];
                let raw = (i64::from(activation) << u32::from(shift).min(46)) + i64::from(offset);
                raw.clamp(i32::MIN.into(), i32::MAX.into()) as i32
            }
            _ => activation.into(),
        }
    }

    /// The integers for a row of inputs.
    pub fn to_raws(&self, row: &[f64]) -> Vec<i32> {
        row.iter().enumerate().map(|(i, &x)| self.to_raw(i, x)).collect()
    }

    /// The difference of two real numbers of feature `i` that are next to each other.
    pub fn step(&self, i: usize) -> f64 {
        self.line(i).0
    }

    /// The real number an integer of feature `i` stands for.
    pub fn to_real(&self, i: usize, raw: i32) -> f64 {
        f64::from(raw) / self.one(i)
    }

    /// The real numbers of a row of integers.
    pub fn to_reals(&self, raws: &[i32]) -> Vec<f64> {
        raws.iter().enumerate().map(|(i, &y)| self.to_real(i, y)).collect()
    }

    /// The fractional bits, if all features share them.
    pub fn uniform_frac(&self) -> Option<u32> {
        self.fracs.windows(2).all(|pair| pair[0] == pair[1]).then(|| self.fracs[0])
    }

    /// Of an input, the limits that the runtime compares its features with.
    pub fn limits(&self) -> Vec<Quad> {
        let mut limits = vec![Quad::default(); 2 * quads(self.ranges.len())];
        match &self.width {
            PortWidth::WideIn(channels) => fill_limits32(&self.ranges, channels, &mut limits),
            _ => fill_limits16(&self.ranges, &mut limits),
        }
        limits
    }

    /// Bytes of its tables in flash.
    pub(super) fn table_bytes(&self) -> usize {
        let width = match &self.width {
            PortWidth::Narrow => 0,
            PortWidth::WideIn(channels) | PortWidth::WideOut(channels) => {
                size_of_val(channels.as_slice())
            }
        };
        width + 2 * quads(self.ranges.len()) * size_of::<Quad>()
    }

    /// The fixed-point type of feature `i`: integer and fractional bits.
    pub fn number(&self, i: usize) -> String {
        let (bits, frac) = (self.bits(), self.fracs[i]);
        format!("I{}F{frac}", bits - frac.min(bits))
    }

    /// The formats in words.
    pub fn describe(&self) -> String {
        match self.uniform_frac() {
            Some(frac) if self.full_scale => {
                format!("{} x {}, 1.0 is {}", self.features(), self.number(0), (1 << frac) - 1)
            }
            Some(_) => format!("{} x {}", self.features(), self.number(0)),
            None => (0..self.fracs.len()).map(|i| self.number(i)).collect::<Vec<_>>().join(", "),
        }
    }
}

/// 2 to the power of `n`, by its bits: every number of every step is scaled by one.
fn power(n: u32) -> f64 {
    f64::from_bits(u64::from(n.min(1023) + 1023) << 52)
}
