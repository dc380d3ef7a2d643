//! The swimming circuit and its clock: unit fractions, with weights of 12 or 5 fractional bits.

use nervecord::generated::{Clock, Joint, Ncap, Quad, Side};

use super::format::Format;
use super::lowering::Lowering;
use crate::error::{Error, Result};
use crate::graph::{Node, ncap};
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value};
use crate::program::{Kernel, Width};

#[derive(Debug)]
struct NcapKernel {
    joints: Vec<Joint>,
    dorsal: u16,
    bits: u32,
    controls: bool,
}

impl Kernel for NcapKernel {
    fn data(&self) -> Data<'_> {
        let joints =
            Table::records("JOINTS", "Joint", size_of::<Joint>(), self.joints.iter().map(joint));
        let fields = [("joints", Value::table("JOINTS")), ("dorsal", self.dorsal.into())];
        Data {
            parameters: vec![self.bits.into(), self.controls.into()],
            ..Data::new(Record::new("Ncap", fields), vec![joints], 2)
        }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let (x, phase) = (reads[0], reads[1]);
        match (self.bits, self.controls) {
            (15, false) => Ncap::<15, false>::new(&self.joints, self.dorsal).run(x, phase, y),
            (15, true) => Ncap::<15, true>::new(&self.joints, self.dorsal).run(x, phase, y),
            (_, false) => Ncap::<7, false>::new(&self.joints, self.dorsal).run(x, phase, y),
            (_, true) => Ncap::<7, true>::new(&self.joints, self.dorsal).run(x, phase, y),
        }
    }
}

/// A joint's weights.
fn joint(&Joint { dorsal, ventral }: &Joint) -> Record {
    let side = |Side { drive, speed, turn, ipsi, contra }: Side| -> Value {
        Record::of(
            "Side",
            [
                ("drive", drive.into()),
                ("speed", speed.into()),
                ("turn", turn.into()),
                ("ipsi", ipsi.into()),
                ("contra", contra.into()),
            ],
        )
        .into()
    };
    Record::of("Joint", [("dorsal", side(dorsal)), ("ventral", side(ventral))])
}

/// Lowers the circuit; 8-bit weights mean 7-bit activations.
pub fn lower(lowering: &mut Lowering, index: usize, circuit: &ncap::Ncap) -> Result<()> {
    let node = &lowering.graph.nodes[index];
    let (bits, frac) = match lowering.widths[index] {
        Width::I4 | Width::I8 => (7, 5),
        Width::I16 => (15, 12),
    };
    let joint = |(i, joint): (usize, &ncap::Joint)| {
        let side = |name: &str, side: &ncap::Side| {
            quantize(side, bits, frac)
                .map_err(|e| e.at(format!("node `{}`, joint {i}, {name} side", node.name)))
        };
        let (dorsal, ventral) = (side("dorsal", &joint.dorsal)?, side("ventral", &joint.ventral)?);
        Ok(Joint { dorsal, ventral })
    };
    let joints: Vec<Joint> = circuit.joints.iter().enumerate().map(joint).collect::<Result<_>>()?;
    let sides = joints.iter().flat_map(|joint| [joint.dorsal, joint.ventral]);
    let bound = sides.map(|side| bound(&side, bits, frac)).max().unwrap_or(0);
    let kernel = NcapKernel { joints, dorsal: circuit.dorsal, bits, controls: circuit.controls };
    let mut reads = Vec::new();
    for &input in &node.inputs {
        reads.push(lowering.value(input).storage);
        lowering.readers[input] -= 1;
    }
    let storage = lowering.new_storage(circuit.joints.len());
    lowering.push(&node.name, Box::new(kernel), reads, storage);
    lowering.define(node.output, storage, Format::unit(bits));
    let row = lowering.report(node, format!("ncap Q{bits}"), String::new());
    row.accumulator_bound = Some(bound);
    Ok(())
}

/// `floor(w 2^frac + 1/2)`, refused where a sum could leave i32.
fn quantize(side: &ncap::Side, bits: u32, frac: u32) -> Result<Side> {
    let mut integers = [0; 5];
    for (integer, w) in integers.iter_mut().zip(side.weights()) {
        let scaled = (w * f64::from(1 << frac) + 0.5).floor();
        if !(-32768.0..=32767.0).contains(&scaled) {
            return Err(Error::new("a weight is too large for its fixed-point format")
                .expected(format!("magnitudes below {}", 32768 >> frac))
                .found(w)
                .help(
                    "scale the circuit's weights down, or use --weights 8, whose range is wider",
                ));
        }
        *integer = scaled as i16;
    }
    let [drive, speed, turn, ipsi, contra] = integers;
    let side = Side { drive, speed, turn, ipsi, contra };
    match bound(&side, bits, frac) {
        0..=2_147_483_647 => Ok(side),
        bound => Err(Error::new("the weights of a neuron are too large together")
            .expected("sums of inputs times weights that fit in 32 bits")
            .found(format!("up to {bound}"))
            .help("scale the circuit's weights down")),
    }
}

/// The largest magnitude of any partial sum of a side's neurons, the rounding half included: what a
/// weight multiplies is never negative, so that opposite signs do not add up.
fn bound(side: &Side, bits: u32, frac: u32) -> u64 {
    let largest = |weights: &[i16]| {
        let of_sign =
            |sign: i64| weights.iter().map(|&w| (sign * i64::from(w)).max(0)).sum::<i64>();
        of_sign(1).max(of_sign(-1)).unsigned_abs()
    };
    let b = largest(&[side.drive, side.speed, side.turn]);
    let muscle = largest(&[side.ipsi, side.contra]);
    b.max(muscle) * ((1 << bits) - 1) + (1 << (frac - 1))
}

#[derive(Debug)]
struct ClockKernel {
    periods: Vec<i16>,
}

impl Kernel for ClockKernel {
    fn data(&self) -> Data<'_> {
        let periods = Table::list("PERIODS", Array::I16(&self.periods));
        Data::new(Record::of("Clock", [("periods", Value::table("PERIODS"))]), vec![periods], 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        Clock { periods: &self.periods }.run(y);
    }
}

/// Lowers counters, in the place of the state they become where nothing else reads it any more.
pub fn lower_clock(lowering: &mut Lowering, node: &Node, periods: &[u16]) -> Result<()> {
    let input = node.inputs[0];
    let periods = periods.iter().map(|&n| n.min(32767) as i16).collect();
    let state = lowering.graph.states.iter().find(|s| s.previous == input);
    let in_place = state.is_some_and(|s| s.next == node.output) && lowering.readers[input] == 2;
    let value = match in_place {
        true => {
            lowering.readers[input] -= 1;
            lowering.value(input).clone()
        }
        false => lowering.take_in_place(input),
    };
    lowering.push(&node.name, Box::new(ClockKernel { periods }), vec![], value.storage);
    lowering.define(node.output, value.storage, Format::uniform(1.0));
    lowering.report(node, "clock".into(), String::new());
    Ok(())
}
