//! The integers of a spline layer, as the host runs them and as they are emitted.

use std::sync::OnceLock;

use nervecord::generated::{
    Axis, Grid, Quad, SparseSpline8, SparseSpline16, SparseSplineTables, Spline8, Spline16,
    SplineShape,
};
use nervecord::host::{pack_spline8, pack_spline16};

use super::check::Check;
use crate::program::cost::Work;
use crate::program::kernel::{Data, Operand};
use crate::program::table::{Array, Record, Table, Value};
use crate::program::{Kernel, Weights, Width};

#[derive(Debug)]
pub struct SplineKernel {
    pub shape: SplineShape,
    /// One for all inputs, or one an input.
    pub grids: Vec<Grid>,
    /// `[input][output][interval + 3]`, or `[edge][interval + 3]` with a list of edges.
    pub coefficients: Weights,
    /// `[input / 4][output][input % 4]`, `[edge]` with a list of edges, or none.
    pub factors: Weights,
    /// The edges that are not zero, where most are.
    pub edges: Option<EdgeList>,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    /// The same edges as they were trained.
    pub check: Check,
    /// All edges as the host's kernel wants them, once it has run.
    pub packed: OnceLock<Vec<u32>>,
}

/// Which edges a sparse layer has.
#[derive(Debug)]
pub struct EdgeList {
    /// How many leave each input.
    pub fans: Vec<u8>,
    /// Where each ends.
    pub outputs: Vec<u8>,
}

impl SplineKernel {
    fn width(&self) -> Width {
        self.coefficients.width()
    }

    fn words(&self) -> usize {
        self.shape.words(self.width().bits() as usize)
    }

    /// Runs a layer that has all edges.
    fn run_full(&self, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Self { shape, grids, bias, multiplier, .. } = self;
        let packed = |pack: &dyn Fn(&mut [u32])| {
            self.packed.get_or_init(|| {
                let mut stream = vec![0; self.words()];
                pack(&mut stream);
                stream
            })
        };
        match (&self.coefficients, &self.factors) {
            (Weights::I8(own), Weights::I8(factors)) => {
                let stream = packed(&|to| pack_spline8(shape, own, factors, bias, multiplier, to));
                Spline8::new(*shape, grids, stream).run(x, base, y);
            }
            (Weights::I16(own), Weights::I16(factors)) => {
                let stream = packed(&|to| pack_spline16(shape, own, factors, bias, multiplier, to));
                Spline16::new(*shape, grids, stream).run(x, base, y);
            }
            _ => unreachable!("coefficients and factors are made in one width"),
        }
    }

    /// Runs a layer that has only the edges of a list.
    fn run_listed(&self, list: &EdgeList, x: &[Quad], base: &[Quad], y: &mut [Quad]) {
        let Self { shape, grids, .. } = self;
        match (&self.coefficients, &self.factors) {
            (Weights::I8(own), Weights::I8(factors)) => {
                SparseSpline8::new(*shape, grids, self.listed(list, own, factors)).run(x, base, y);
            }
            (Weights::I16(own), Weights::I16(factors)) => {
                SparseSpline16::new(*shape, grids, self.listed(list, own, factors)).run(x, base, y);
            }
            _ => unreachable!("coefficients and factors are made in one width"),
        }
    }

    /// The tables of the edges of a list, with these coefficients and factors of its own.
    fn listed<'a, C>(
        &'a self,
        list: &'a EdgeList,
        coefficients: &'a [C],
        factors: &'a [C],
    ) -> SparseSplineTables<'a, C> {
        let (EdgeList { fans, outputs }, Self { bias, multiplier, .. }) = (list, self);
        SparseSplineTables { fans, outputs, coefficients, factors, bias, multiplier }
    }

    /// The layer's shape as data.
    fn shape(&self) -> Record {
        let SplineShape { inputs, outputs, axis, base, base_shift, shift } = self.shape;
        let Axis { intervals, shift: fraction, tails } = axis;
        let axis =
            [("intervals", intervals.into()), ("shift", fraction.into()), ("tails", tails.into())];
        let fields = [
            ("inputs", inputs.into()),
            ("outputs", outputs.into()),
            ("axis", Record::of("Axis", axis).into()),
            ("base", base.into()),
            ("base_shift", base_shift.into()),
            ("shift", shift.into()),
        ];
        Record::of("SplineShape", fields)
    }
}

impl Kernel for SplineKernel {
    fn data(&self) -> Data<'_> {
        let grid = |&Grid { input, factor, offset }: &Grid| {
            Record::of(
                "Grid",
                [("input", input.into()), ("factor", factor.into()), ("offset", offset.into())],
            )
        };
        let mut tables = vec![
            Table::records("GRIDS", "Grid", size_of::<Grid>(), self.grids.iter().map(grid)),
            Table::list("COEFFICIENTS", self.coefficients.array()),
        ];
        let mut factors = Value::NoTable;
        if !self.factors.is_empty() {
            tables.push(Table::list("FACTORS", self.factors.array()));
            factors = Value::table("FACTORS");
        }
        tables.extend([
            Table::list("BIAS", Array::I32(&self.bias)),
            Table::list("MULTIPLIER", Array::I16(&self.multiplier)),
            Table::record("SHAPE", self.shape()),
        ]);
        let (kind, last) = match (&self.edges, self.width()) {
            (None, width) => {
                let (kind, pack) = match width {
                    Width::I4 | Width::I8 => ("Spline8", "pack_spline8"),
                    Width::I16 => ("Spline16", "pack_spline16"),
                };
                let of = [
                    Value::table("SHAPE"),
                    Value::table("COEFFICIENTS"),
                    factors,
                    Value::table("BIAS"),
                    Value::table("MULTIPLIER"),
                ];
                tables.push(Table::packed("PACKED", self.words(), pack, of));
                (kind, Value::table("PACKED"))
            }
            (Some(list), width) => {
                tables.push(Table::list("FANS", Array::U8(&list.fans)));
                tables.push(Table::list("OUTPUTS", Array::U8(&list.outputs)));
                let fields = [
                    ("fans", Value::table("FANS")),
                    ("outputs", Value::table("OUTPUTS")),
                    ("coefficients", Value::table("COEFFICIENTS")),
                    ("factors", factors),
                    ("bias", Value::table("BIAS")),
                    ("multiplier", Value::table("MULTIPLIER")),
                ];
                let kind = match width {
                    Width::I4 | Width::I8 => "SparseSpline8",
                    Width::I16 => "SparseSpline16",
                };
                (kind, Record::of("SparseSplineTables", fields).into())
            }
        };
        let fields =
            [("shape", Value::table("SHAPE")), ("grids", Value::table("GRIDS")), ("tables", last)];
        let base = if self.factors.is_empty() { Operand::Nothing } else { Operand::Read(1) };
        let operands = vec![Operand::Read(0), base, Operand::Written];
        Data { operands, kept: true, ..Data::new(Record::new(kind, fields), tables, 2) }
    }

    fn work(&self) -> Work {
        let SplineShape { inputs, outputs, axis, base, .. } = self.shape;
        match &self.edges {
            Some(list) => Work::Edges { count: list.outputs.len(), inputs, outputs },
            None => Work::Splines { width: self.width(), inputs, outputs, tails: axis.tails, base },
        }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        let base = reads.get(1).copied().unwrap_or_default();
        match &self.edges {
            None => self.run_full(reads[0], base, y),
            Some(list) => self.run_listed(list, reads[0], base, y),
        }
    }

    fn worst_error(&self) -> Option<f64> {
        Some(self.check.worst_error())
    }
}
