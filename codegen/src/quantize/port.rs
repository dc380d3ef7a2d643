//! The caller's number formats: powers of two, so that they are `fixed` types.

use nervecord::port::Channel;

use super::{Format, Lowering, Value, elementwise};
use crate::error::{Error, Result};
use crate::program::{Port, PortWidth};

/// Inputs whose 16-bit step is more than this share of their standard deviation get 32 bits.
const COARSEST_STEP: f64 = 1.0 / 256.0;

/// The smallest power of two scale that represents `magnitude` in an i16.
pub(super) fn power_of_two(magnitude: f64) -> f64 {
    f64::powi(2.0, -frac_for(magnitude))
}

/// Fractional bits of an i16 that represents `magnitude`.
fn frac_for(magnitude: f64) -> i32 {
    (32767.5 / magnitude.max(1e-12)).log2().floor() as i32
}

/// Chooses the input's format: 16 bits if one format serves all inputs, else 32.
pub(super) fn input(lowering: &mut Lowering) -> Result<Port> {
    let tensor = lowering.graph.input;
    let features = lowering.graph.input_len();
    let storage = lowering.new_storage(features);
    let spans: Vec<_> = (0..features).map(|i| lowering.ranges.feature(tensor, i)).collect();
    let margin = lowering.ranges.margin;
    let largest = spans.iter().map(|s| s.magnitude()).fold(0.0, f64::max);
    let frac = frac_for(largest * margin).min(15);
    let step = f64::powi(2.0, -frac);
    let fine = |deviation: f64| deviation == 0.0 || step <= deviation * COARSEST_STEP;
    if frac >= 0 && spans.iter().all(|s| fine(s.deviation)) {
        lowering.define(tensor, storage, Format::uniform(step));
        return Ok(Port { frac: frac as u32, width: PortWidth::Narrow, features, storage });
    }

    // 2^30 / largest leaves a factor of two beyond the calibrated range in the caller's type.
    let common = (f64::powi(2.0, 30) / (largest * margin).max(1e-12)).log2().floor().min(31.0);
    if common < 0.0 {
        let i = spans.iter().position(|s| s.magnitude() == largest).unwrap_or(0);
        return Err(Error::new("an input is too large for 32-bit fixed point")
            .at(format!("input x{i}"))
            .expected("magnitudes below 2^30")
            .found(largest)
            .help("express it in a larger unit, in the data and in front of the network"));
    }
    let common = common as i32;
    let channel = |span: &crate::calibrate::Span| {
        let centre = (span.low + span.high) / 2.0;
        let half = (span.high - span.low) / 2.0;
        // A range that almost reaches zero needs no offset.
        let centre = if centre.abs() > half { centre } else { 0.0 };
        let half = (span.high - centre).abs().max((span.low - centre).abs()) * margin;
        let offset = (centre * f64::powi(2.0, common)).round() as i32;
        // A constant input still gets a window of 1/256 of its size to move in.
        let frac = frac_for(half.max(centre.abs() / 256.0)).clamp(common - 31, common - 1);
        (Channel { offset, shift: (common - frac) as u8 }, frac)
    };
    let (channels, fracs): (Vec<_>, Vec<_>) = spans.iter().map(channel).unzip();
    let unit = f64::powi(2.0, -common);
    let format = Format {
        scale: fracs.iter().map(|&frac| f64::powi(2.0, -frac)).collect(),
        offset: channels.iter().map(|c| f64::from(c.offset) * unit).collect(),
        low: -32768,
        high: 32767,
    };
    lowering.define(tensor, storage, format);
    Ok(Port { frac: common as u32, width: PortWidth::WideIn(channels), features, storage })
}

/// The output's format; rescales it first if the last layer could not write a power of two.
pub(super) fn output(lowering: &mut Lowering) -> Port {
    let tensor = lowering.graph.output;
    let value = lowering.value(tensor).clone();
    let value = if is_port_format(&value.format) { value } else { rescale(lowering, value) };
    let features = value.features;
    let fracs: Vec<i32> =
        (0..features).map(|i| (-value.format.scale(i).log2()).round() as i32).collect();
    let (low, high) = (fracs.iter().min().copied(), fracs.iter().max().copied());
    let (low, high) = (low.unwrap_or(0), high.unwrap_or(0));
    if low == high && (0..=15).contains(&low) {
        return Port { frac: low as u32, width: PortWidth::Narrow, features, storage: value.storage };
    }
    let common = high.max(0);
    let shifts = fracs.iter().map(|&frac| (common - frac) as u8).collect();
    let width = PortWidth::WideOut(shifts);
    Port { frac: common as u32, width, features, storage: value.storage }
}

/// Whether every feature's scale is a power of two that a 32-bit port can carry.
fn is_port_format(format: &Format) -> bool {
    let power = |scale: f64| (-16.0..=31.0).contains(&-scale.log2()) && scale.log2().fract() == 0.0;
    format.offset.is_empty() && format.scale.iter().all(|&scale| power(scale))
}

fn rescale(lowering: &mut Lowering, value: Value) -> Value {
    let tensor = lowering.graph.output;
    let scale = lowering.scale_for(tensor, lowering.magnitude(tensor));
    let (ones, zeros) = (vec![1.0; value.features], vec![0.0; value.features]);
    let source = lowering.take_in_place(tensor);
    elementwise::push_affine(lowering, "output", &source, &ones, &zeros, scale);
    Value { format: Format::uniform(scale), ..source }
}

/// Power-of-two scales a feature for a wide output, within 16 bits of each other.
pub(super) fn output_scales(magnitudes: &[f64]) -> Vec<f64> {
    let fracs: Vec<i32> = magnitudes.iter().map(|&m| frac_for(m)).collect();
    let low = fracs.iter().min().copied().unwrap_or(0);
    // A spread of up to 4 bits costs less precision than a 32-bit output costs the caller.
    let spread = fracs.iter().max().copied().unwrap_or(0) - low;
    let most = if spread <= 4 { low } else { (low + 16).min(31) };
    fracs.iter().map(|&frac| f64::powi(2.0, -frac.min(most))).collect()
}
