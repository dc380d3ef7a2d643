//! The caller's number formats: powers of two, so that they are `fixed` types.

use nervecord::generated::Channel;

use super::format::Format;
use super::lowering::{Lowering, Value};
use super::rows::{Scales, Widening};
use super::scale;
use crate::calibrate::{Ranges, Span};
use crate::error::{Error, Result};
use crate::graph::{Graph, Layer, Shape, TensorId};
use crate::program::{Port, PortWidth};

/// 32-bit inputs whose magnitude is more than this many times their range get an offset.
const CENTRED: f64 = 4.0;

/// Chooses the input's format: 16 bits if one format serves all inputs, else 32 with a format each.
pub fn input(lowering: &mut Lowering) -> Result<Port> {
    let tensor = lowering.graph.input;
    let (shape, features) = (lowering.graph.tensors[tensor].shape, lowering.graph.input_len());
    let storage = lowering.new_storage(features);
    if let Some(bits) = lowering.unit_bits(tensor) {
        lowering.define(tensor, storage, Format::unit(bits));
        return Ok(unit_port(shape, bits, storage));
    }
    let margin = lowering.ranges.margin;
    let spans: Vec<_> = (0..features).map(|i| lowering.ranges.feature(tensor, i)).collect();
    if let Some(frac) = narrow(lowering.graph, lowering.ranges) {
        lowering.define(tensor, storage, Format::uniform(f64::powi(2.0, -(frac as i32))));
        let fracs = vec![frac; features];
        let ranges = spans.iter().map(|span| raw_range(span, margin, frac, &NARROW)).collect();
        let width = PortWidth::Narrow;
        return Ok(Port { shape, fracs, width, ranges, storage, full_scale: false });
    }
    let channel = |(i, span)| wide_channel(&lowering.graph.input_name(i), span, margin);
    let channels = spans.iter().enumerate().map(channel);
    let channels: Vec<(Channel, u32)> = channels.collect::<Result<_>>()?;
    let unit = |frac: u32| f64::powi(2.0, -(frac as i32));
    let format = Format {
        scale: channels.iter().map(|(c, frac)| unit(*frac) * f64::from(1_u32 << c.shift)).collect(),
        offset: channels.iter().map(|(c, frac)| f64::from(c.offset) * unit(*frac)).collect(),
        ..Format::uniform(1.0)
    };
    lowering.define(tensor, storage, format);
    let (channels, fracs): (_, Vec<u32>) = channels.into_iter().unzip();
    let formats = spans.iter().zip(&fracs);
    let ranges = formats.map(|(span, &frac)| raw_range(span, margin, frac, &WIDE)).collect();
    let width = PortWidth::WideIn(channels);
    Ok(Port { shape, fracs, width, ranges, storage, full_scale: false })
}

/// What an input's range may be at most: short of the ends of the integers, where a saturating conversion
/// leaves what does not fit.
const NARROW: [i32; 2] = [i16::MIN as i32 + 1, i16::MAX as i32 - 1];
const WIDE: [i32; 2] = [i32::MIN + 1, i32::MAX - 1];

/// The smallest and the largest integer that a calibrated range, widened by the margin about its middle,
/// rounds to.
fn raw_range(span: &Span, margin: f64, frac: u32, [least, most]: &[i32; 2]) -> [i32; 2] {
    let (half, middle) = ((span.high - span.low) / 2.0, (span.high + span.low) / 2.0);
    let raw = |x: f64| x * f64::powi(2.0, frac as i32);
    // A cast from float saturates.
    let low = raw(middle - half * margin).floor() as i32;
    let high = raw(middle + half * margin).ceil() as i32;
    [low.clamp(*least, *most), high.clamp(*least, *most)]
}

/// Fractional bits of an i16 that serves all inputs, if one does.
pub fn narrow(graph: &Graph, ranges: &Ranges) -> Option<u32> {
    let spans: Vec<_> = (0..graph.input_len()).map(|i| ranges.feature(graph.input, i)).collect();
    let largest = spans.iter().map(Span::magnitude).fold(0.0, f64::max);
    let frac = scale::frac_for(largest * ranges.margin).min(15);
    let step = f64::powi(2.0, -frac);
    (frac >= 0 && spans.iter().all(|s| scale::is_fine(s, step))).then_some(frac as u32)
}

/// Unit fractions of `bits` bits for all features.
fn unit_port(shape: Shape, bits: u32, storage: usize) -> Port {
    let (fracs, ranges) = (vec![bits; shape.len()], vec![[-one(bits), one(bits)]; shape.len()]);
    Port { shape, fracs, width: PortWidth::Narrow, ranges, storage, full_scale: true }
}

/// The integer of a unit fraction's 1.0.
fn one(bits: u32) -> i32 {
    (1 << bits) - 1
}

/// The 32-bit format of one input: its conversion to an activation, and its fractional bits.
fn wide_channel(name: &str, span: &Span, margin: f64) -> Result<(Channel, u32)> {
    let (half, middle) = ((span.high - span.low) / 2.0, (span.high + span.low) / 2.0);
    let centre = if span.magnitude() <= CENTRED * 2.0 * half { 0.0 } else { middle };
    // A constant input still gets a window of 1/256 of its size to move in.
    let reach = (span.high - centre).abs().max((span.low - centre).abs()) * margin;
    let reach = reach.max(centre.abs() / 256.0).max(1e-9);
    // The caller's type reaches twice as far as the window, so that saturation is seen.
    let frac = (f64::powi(2.0, 30) / (centre.abs() + reach)).log2().floor().min(31.0);
    if frac < 0.0 {
        return Err(Error::new("an input is too large for 32-bit fixed point")
            .at(format!("input {name}"))
            .expected("magnitudes below 2^30")
            .found(centre.abs() + reach)
            .help("express it in a larger unit, in the data and in front of the network"));
    }
    let activation = scale::frac_for(reach).clamp(frac as i32 - 31, frac as i32 - 1);
    let offset = (centre * f64::powi(2.0, frac as i32)).round() as i32;
    Ok((Channel { offset, shift: (frac as i32 - activation) as u8 }, frac as u32))
}

/// The output's format; rescales it first if the last layer could not write powers of two.
pub fn output(lowering: &mut Lowering) -> Result<Port> {
    let tensor = lowering.graph.output;
    let shape = lowering.graph.tensors[tensor].shape;
    let value = lowering.value(tensor).clone();
    if let Some(bits) = value.format.unit_bits() {
        return Ok(unit_port(shape, bits, value.storage));
    }
    let value = match is_port_format(&value.format) {
        true => value,
        false => rescale(lowering, tensor, value)?,
    };
    tell_coarse(lowering, &value.format);
    let fracs: Vec<i32> = (0..value.features).map(|i| frac_of(value.format.scale(i))).collect();
    if value.format.offset.is_empty() && fracs.iter().all(|frac| (0..=15).contains(frac)) {
        let fracs = fracs.into_iter().map(|frac| frac as u32).collect();
        let width = PortWidth::Narrow;
        let (ranges, storage) = (Vec::new(), value.storage);
        return Ok(Port { shape, fracs, width, ranges, storage, full_scale: false });
    }
    let channel = |(i, &frac): (usize, &i32)| Channel {
        offset: caller_offset(value.format.offset(i), frac) as i32,
        shift: (-frac).max(0) as u8,
    };
    let channels = fracs.iter().enumerate().map(channel).collect();
    let fracs = fracs.into_iter().map(|frac| frac.max(0) as u32).collect();
    let width = PortWidth::WideOut(channels);
    Ok(Port { shape, fracs, width, ranges: Vec::new(), storage: value.storage, full_scale: false })
}

/// Fractional bits of a power of two.
fn frac_of(scale: f64) -> i32 {
    (-scale.log2()).round() as i32
}

/// An offset in the caller's units, where an activation has `frac` fractional bits.
fn caller_offset(offset: f64, frac: i32) -> f64 {
    offset * f64::powi(2.0, frac.max(0))
}

/// Whether every feature's scale is a power of two, and its offset an integer, that a 32-bit port can carry.
fn is_port_format(format: &Format) -> bool {
    let power = |scale: f64| (-16.0..=31.0).contains(&-scale.log2()) && scale.log2().fract() == 0.0;
    let whole = |(i, &offset): (usize, &f64)| {
        let scale = format.scale(i);
        let integer = caller_offset(offset, frac_of(scale));
        // |x 2^shift| <= 2^15 scale, in the same units
        let end = integer.abs() + caller_offset(32768.0 * scale, frac_of(scale));
        integer.fract() == 0.0 && end <= f64::from(i32::MAX)
    };
    format.scale.iter().all(|&scale| power(scale)) && format.offset.iter().enumerate().all(whole)
}

/// Says in the last layer's row which outputs have steps that are coarse beside how much they move.
fn tell_coarse(lowering: &mut Lowering, format: &Format) {
    let graph = lowering.graph;
    let writer = graph.nodes.iter().find(|n| n.output == graph.output);
    if writer.is_some_and(|n| matches!(n.layer, Layer::Spiking(_))) {
        return; // whole numbers are exact
    }
    let indices: Vec<usize> = graph.indices().into_iter().map(|(feature, _)| feature).collect();
    let spans = (0..graph.output_len()).map(|i| lowering.ranges.feature(graph.output, i));
    let coarse: Vec<String> = spans
        .enumerate()
        .filter(|(i, span)| !indices.contains(i) && !scale::is_fine(span, format.scale(*i)))
        .map(|(i, span)| {
            let name = graph.output_name(i);
            format!("{name} moves by {:.1e} in steps of {:.1e}", span.deviation, format.scale(i))
        })
        .collect();
    if let (Some(first), Some(row)) = (coarse.first(), lowering.layers.last_mut()) {
        let others = match coarse.len() {
            1 => String::new(),
            n => format!(", and so on for {n} outputs"),
        };
        row.add_choice(&format!("coarse: {first}{others}"));
    }
}

/// One scale for all outputs of a network, where that costs little and none has an offset.
pub fn shared_scale<'a>(formats: impl Iterator<Item = &'a Format> + Clone) -> Option<f64> {
    let plain = |format: &Format| {
        format.offset.is_empty() && format.scale.windows(2).all(|pair| pair[0] == pair[1])
    };
    let mut scales: Vec<f64> = formats.clone().map(|format| format.scale(0)).collect();
    scale::settle(&mut scales);
    let one = scales.windows(2).all(|pair| pair[0] == pair[1]);
    scales.first().copied().filter(|_| one && formats.clone().all(plain))
}

/// Reads a tensor that the output joins to others, counting one reader off, in a format that a port can carry.
pub fn take(lowering: &mut Lowering, tensor: TensorId) -> Result<Value> {
    let value = lowering.value(tensor).clone();
    if !is_port_format(&value.format) {
        return rescale(lowering, tensor, value);
    }
    lowering.readers[tensor] -= 1;
    Ok(value)
}

fn rescale(lowering: &mut Lowering, tensor: TensorId, value: Value) -> Result<Value> {
    let magnitude = lowering.magnitude(tensor);
    let frac = scale::frac_for(magnitude).min(31);
    if frac < -16 {
        return Err(Error::new("the output is too large for 32-bit fixed point")
            .at(format!("tensor `{}`", lowering.graph.tensors[tensor].name))
            .expected("magnitudes below 2^31")
            .found(format!("{magnitude:.3e} on the calibration data, with its margin"))
            .help("express it in a larger unit, in training or behind the network"));
    }
    let scale = f64::powi(2.0, -frac);
    let (ones, zeros) = (vec![1.0; value.features], vec![0.0; value.features]);
    let source = lowering.take_in_place(tensor);
    lowering.push_affine("output", &source, &ones, &zeros, scale);
    let format = Format::uniform(scale);
    lowering.place(tensor, source.storage, &format);
    Ok(Value { format, ..source })
}

/// Power-of-two scales a feature for the network's output, and offsets where `centred` allows them. One
/// that is always 0 on the data tells nothing of its size, and gets the scale of the largest.
pub fn output_scales(spans: &[Span], margin: f64, centred: bool) -> Scales {
    let largest = spans.iter().map(Span::magnitude).fold(0.0, f64::max);
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let plain = |span: &Span| {
        let size = if span.magnitude() > 0.0 { span.magnitude() } else { largest };
        (f64::powi(2.0, -scale::frac_for(size * margin).clamp(-16, 31)), 0.0)
    };
    let format =
        |s: &Span| scale::centre(s, margin).filter(|_| centred).unwrap_or_else(|| plain(s));
    let (mut of, mut offset): (Vec<f64>, Vec<f64>) = spans.iter().map(format).unzip();
    if offset.iter().all(|offset| *offset == 0.0) {
        offset.clear();
        scale::settle(&mut of);
    }
    Scales { of, offset, widening: Widening::Port }
}
