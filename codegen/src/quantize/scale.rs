//! Scales that a caller can name: powers of two, as fine as a feature's range allows. Stands on calibrated spans.

use crate::calibrate::Span;

/// Inputs and outputs whose 16-bit step is more than this share of their standard deviation get 32 bits.
const COARSEST_STEP: f64 = 1.0 / 64.0;
/// The smallest power of two scale that represents `magnitude` in an i16.
pub fn power_of_two(magnitude: f64) -> f64 {
    f64::powi(2.0, -frac_for(magnitude))
}

/// Fractional bits of an i16 that represents `magnitude`.
pub fn frac_for(magnitude: f64) -> i32 {
    (32767.5 / magnitude.max(1e-12)).log2().floor() as i32
}

/// Scale and offset of an output that moves too little, so far from 0, for a scale that has both in 16 bits.
pub fn centre(span: &Span, margin: f64) -> Option<(f64, f64)> {
    /// The offset is a multiple of so many units, and stays one where the scale becomes wider.
    pub const MULTIPLE: f64 = 256.0;
    if is_fine(span, power_of_two(span.magnitude() * margin)) {
        return None;
    }
    let (half, middle) = ((span.high - span.low) / 2.0, (span.high + span.low) / 2.0);
    // As for inputs, one that hardly moves still gets a window of 1/256 of its size.
    let reach = (half * margin).max(middle.abs() / 256.0);
    // In the caller's 32 bits there is room for the offset and the window, twice over.
    let frac = frac_for(reach).min(frac_for(middle.abs()) + 14).clamp(-16, 31);
    let scale = f64::powi(2.0, -frac);
    let offset = (middle / (MULTIPLE * scale)).round() * MULTIPLE * scale;
    (offset != 0.0).then_some((scale, offset))
}

/// Whether the step of a scale is small beside how much a feature moves.
pub fn is_fine(span: &Span, step: f64) -> bool {
    span.deviation == 0.0 || step <= span.deviation * COARSEST_STEP
}

/// Makes the scales of all outputs that of the widest, where that costs little.
pub fn settle(scales: &mut [f64]) {
    /// Up to 4 bits of precision are worth one type for all outputs.
    pub const WORTH: f64 = 16.0;
    let widest = scales.iter().copied().fold(0.0, f64::max);
    let finest = scales.iter().copied().fold(widest, f64::min);
    if widest <= WORTH * finest {
        scales.fill(widest);
    }
}
