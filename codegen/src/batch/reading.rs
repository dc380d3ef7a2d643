//! What a port takes, as lanes convert it. Stands on the program's ports and lanes.

use nervecord::host::flat;

use crate::lanes::{Line, Reading};
use crate::program::{Port, PortWidth};

/// The conversion of what `port`, an input, takes.
pub fn reading(port: &Port) -> Reading {
    let limits = port.limits();
    let (lowest, highest) = limits.split_at(limits.len() / 2);
    let end = f64::powi(2.0, port.bits() as i32 - 1);
    let line = |i: usize| {
        let (offset, unit) = match &port.width {
            PortWidth::WideIn(channels) => {
                (f64::from(channels[i].offset), f64::powi(2.0, channels[i].shift.into()))
            }
            _ => (0.0, 1.0),
        };
        // An activation less at either end keeps the caller's integer, and its distance from 0, within 32 bits.
        let low = (-end - offset.min(0.0)) / unit + 1.0;
        let high = (end - 1.0 - offset.max(0.0)) / unit - 1.0;
        Line {
            one: port.one(i),
            add: unit / 2.0 - offset,
            factor: 1.0 / unit,
            ends: [f64::from(flat(lowest)[i]).max(low), f64::from(flat(highest)[i]).min(high)],
        }
    };
    let inputs: Vec<Line> = (0..port.features()).map(line).collect();
    Reading::of(&inputs, matches!(port.width, PortWidth::WideIn(_)))
}

#[cfg(test)]
mod tests {
    use nervecord::generated::{Channel, Quad};
    use nervecord::host::quads;
    use proptest::prelude::*;

    use super::*;
    use crate::graph::Shape;
    use crate::interpret::{convert, read};
    use crate::lanes::Unit;

    /// A port of so many inputs, whose formats and ranges differ.
    fn port(features: usize, wide: bool, seed: i32) -> Port {
        let near = |i: usize| (i as i32).wrapping_mul(7_919).wrapping_add(seed);
        let channel = |i: usize| Channel {
            offset: near(i).wrapping_mul(if i.is_multiple_of(2) { 1 << 16 } else { 3 }),
            shift: 1 + near(i).rem_euclid(31) as u8,
        };
        let end = if wide { i32::MAX } else { i32::from(i16::MAX) };
        let range = |i: usize| {
            let (a, b) = (near(i).wrapping_mul(48_271) % end, near(i + 1) % end);
            [a.min(b), a.max(b)]
        };
        Port {
            shape: Shape::vector(features),
            fracs: (0..features).map(|i| near(i).rem_euclid(20) as u32).collect(),
            width: match wide {
                true => PortWidth::WideIn((0..features).map(channel).collect()),
                false => PortWidth::Narrow,
            },
            ranges: (0..features).map(range).collect(),
            storage: 0,
            full_scale: false,
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_firmware_reads_or_is_to_be_told_of(
            features in 1_usize..20,
            wide: bool,
            seed: i32,
            places in prop::collection::vec(-0.001_f64..1.001, 20),
            odd in prop::option::of(prop_oneof![
                Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(1e300), Just(-1e18)
            ]),
        ) {
            let port = port(features, wide, seed);
            let place = |(i, place): (usize, &f64)| {
                let [low, high] = port.ranges[i].map(f64::from);
                // Halves as well, where rounding may go wrong.
                ((low + place * (high - low)) * 2.0).round() / 2.0 / port.one(i)
            };
            let mut x: Vec<f64> = places[..features].iter().enumerate().map(place).collect();
            if let Some(odd) = odd {
                x[features / 2] = odd;
            }
            let (mut raws, mut narrow) = (vec![], vec![]);
            let mut wanted = vec![Quad::default(); quads(features)];
            let status = convert(&port, &x, &mut raws);
            let status = status.and(read(&port, &raws, &port.limits(), &mut narrow, &mut wanted));
            let reading = reading(&port);
            for unit in Unit::all() {
                let mut row = vec![Quad::default(); quads(features)];
                if unit.read(&reading, &x, &mut row) {
                    prop_assert!(!status.any(), "{:?}: {:?}", unit, status);
                    prop_assert_eq!(&row, &wanted, "{:?}", unit);
                }
            }
        }
    }

    #[test]
    fn rows_within_their_ranges_are_read_at_once() {
        for (unit, wide) in Unit::all().flat_map(|unit| [(unit, false), (unit, true)]) {
            let mut port = port(11, wide, 5);
            port.ranges.fill([-1000, 1000]);
            port.fracs.fill(3);
            if let PortWidth::WideIn(channels) = &mut port.width {
                channels.fill(Channel { offset: 100, shift: 2 });
            }
            let reading = reading(&port);
            let mut row = [Quad::default(); 3];
            assert!(unit.read(&reading, &[12.25; 11], &mut row), "{unit:?} {wide}");
            let mut x = [12.25; 11];
            x[10] = 125.2;
            assert!(!unit.read(&reading, &x, &mut row), "{unit:?} {wide}");
        }
    }
}
