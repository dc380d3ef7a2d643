//! Little-endian numbers as both ONNX and safetensors store them.

/// How one number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scalar {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

impl Scalar {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    /// True if it holds whole numbers.
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    /// The numbers in `bytes`; a rest shorter than one number is left out.
    pub fn decode(self, bytes: &[u8]) -> Vec<f64> {
        match self {
            Self::F16 => each(bytes, |b| f16_to_f64(u16::from_le_bytes(b))),
            Self::Bf16 => each(bytes, |b| bf16_to_f64(u16::from_le_bytes(b))),
            Self::F32 => each(bytes, |b| f64::from(f32::from_le_bytes(b))),
            Self::F64 => each(bytes, f64::from_le_bytes),
            Self::I8 => each(bytes, |b| f64::from(i8::from_le_bytes(b))),
            Self::I16 => each(bytes, |b| f64::from(i16::from_le_bytes(b))),
            Self::I32 => each(bytes, |b| f64::from(i32::from_le_bytes(b))),
            Self::I64 => each(bytes, |b| i64::from_le_bytes(b) as f64),
            Self::U8 => each(bytes, |b| f64::from(u8::from_le_bytes(b))),
            Self::U16 => each(bytes, |b| f64::from(u16::from_le_bytes(b))),
            Self::U32 => each(bytes, |b| f64::from(u32::from_le_bytes(b))),
            Self::U64 => each(bytes, |b| u64::from_le_bytes(b) as f64),
            Self::Bool => each(bytes, |[b]: [u8; 1]| f64::from(u8::from(b != 0))),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|&b| number(b)).collect()
}

/// IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction.
pub fn f16_to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1024.0 + fraction) * 2f64.powi(e - 25),
    }
}

/// The upper half of a binary32.
pub fn bf16_to_f64(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_decoded() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x7c00, f64::INFINITY),
        ] {
            assert_eq!(f16_to_f64(bits), value);
        }
        assert!(f16_to_f64(0x7e00).is_nan());
        assert_eq!(bf16_to_f64(0x3fc0), 1.5);
    }

    #[test]
    fn every_kind_takes_its_size() {
        let bytes = [1u8; 16];
        for kind in [Scalar::Bool, Scalar::I16, Scalar::F32, Scalar::U64, Scalar::Bf16] {
            assert_eq!(kind.decode(&bytes).len(), 16 / kind.size());
        }
        assert_eq!(Scalar::I8.decode(&[0xff]), [-1.0]);
        assert_eq!(Scalar::U32.decode(&[0xff, 0xff, 0xff, 0xff, 9]), [4_294_967_295.0]);
    }
}
