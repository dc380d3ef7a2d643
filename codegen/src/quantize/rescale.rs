//! Activations in another scale: copies, and a factor and an addend a feature. Stands on formats.

use nervecord::generated::{AffineRows, Line, Place, Quad};

use super::format::Format;
use crate::lanes::{LANES, Lanes, Unit};
use crate::program::Kernel;
use crate::program::cost::Work;
use crate::program::kernel::Data;
use crate::program::table::{Record, Table, Value};

/// Features of the shortest rows whose lines are stored once: a row has a cost of its own.
const LEAST_ROW: usize = 4;

/// A factor and an addend a feature, the same for several rows, in place.
#[derive(Debug)]
pub struct AffineKernel {
    lines: Vec<Line>,
    rows: usize,
}

impl Kernel for AffineKernel {
    fn data(&self) -> Data<'_> {
        let line = |&Line { bias, weight, shift }: &Line| {
            Record::of(
                "Line",
                [("bias", bias.into()), ("weight", weight.into()), ("shift", shift.into())],
            )
        };
        let lines = Table::records("LINES", "Line", size_of::<Line>(), self.lines.iter().map(line));
        let record = match self.rows {
            1 => Record::of("Affine", [("lines", Value::table("LINES"))]),
            rows => {
                let fields = [("lines", Value::table("LINES")), ("rows", rows.into())];
                Record::of("AffineRows", fields)
            }
        };
        Data::new(record, vec![lines], 0)
    }

    fn run(&self, _: &[&[Quad]], y: &mut [Quad]) {
        AffineRows { lines: &self.lines, rows: self.rows }.run(y);
    }

    fn work(&self) -> Work {
        Work::Each { features: self.lines.len() * self.rows }
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, _: &[&[Lanes]], y: &mut [Lanes]) {
        let lines = self.lines.iter().cycle().take(self.lines.len() * self.rows);
        for (line, y) in lines.zip(y) {
            AffineRows { lines: &[*line; LANES], rows: 1 }.run(&mut y.0);
        }
    }
}

impl Kernel for Place {
    fn data(&self) -> Data<'_> {
        let &Self { offset, features, factor, shift } = self;
        let fields = [
            ("offset", offset.into()),
            ("features", features.into()),
            ("factor", factor.into()),
            ("shift", shift.into()),
        ];
        Data::new(Record::of("Place", fields), vec![], 1)
    }

    fn work(&self) -> Work {
        Work::Each { features: self.features }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        Self::run(self, reads[0], y);
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, _: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        let one = Self { offset: 0, features: LANES, ..*self };
        let features = y.iter_mut().skip(self.offset).take(self.features).zip(reads[0]);
        features.for_each(|(y, x)| one.run(&x.0, &mut y.0));
    }
}

impl AffineKernel {
    /// The lines of all features, those of equal rows once.
    fn of(mut lines: Vec<Line>) -> Self {
        let len = lines.len();
        let repeats = |row: &usize| lines.iter().zip(&lines[*row..]).all(|(a, b)| a == b);
        let row = (LEAST_ROW..=len / 2).filter(|row| len.is_multiple_of(*row)).find(repeats);
        let row = row.unwrap_or(len);
        lines.truncate(row);
        Self { rows: len / row.max(1), lines }
    }
}

/// A copy of `features` activations as they are.
pub fn copy(features: usize) -> Place {
    Place { offset: 0, features, factor: 1 << 14, shift: 14 }
}

/// `y = ratio x` into the features from `offset` on.
pub fn rescaling_copy(offset: usize, features: usize, ratio: f64) -> Place {
    let shift = (32767.0 / ratio).log2().floor().clamp(1.0, 15.0) as u8;
    let factor = (ratio * f64::from(1 << shift)).round().min(32767.0) as i16;
    Place { offset, features, factor, shift }
}

/// `y_i = scale_i x_i + offset_i`, from `format` to one scale for all features.
pub fn affine(format: &Format, scale: &[f64], offset: &[f64], out_scale: f64) -> AffineKernel {
    let line = |(i, (factor, addend)): (usize, (&f64, &f64))| {
        let addend = (factor * format.offset(i) + addend) / out_scale;
        let factor = factor * format.scale(i) / out_scale;
        // |factor| 2^shift < 2^15, and |addend| 2^shift + 2^30 < 2^31.
        let by_factor = (32767.0 / factor.abs().max(1e-9)).log2().floor();
        let by_addend = (f64::powi(2.0, 29) / addend.abs().max(1.0)).log2().floor();
        let shift = by_factor.min(by_addend).clamp(1.0, 15.0);
        let unit = f64::powi(2.0, shift as i32);
        let weight = (factor * unit).round().clamp(-32767.0, 32767.0) as i16;
        // With the rounding half.
        let bias = (addend * unit + unit / 2.0).round().clamp(-1e9, 1e9) as i32;
        Line { bias, weight, shift: shift as u8 }
    };
    AffineKernel::of(scale.iter().zip(offset).enumerate().map(line).collect())
}
