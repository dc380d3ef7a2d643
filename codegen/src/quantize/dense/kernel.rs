//! The integers of a dense layer. Stands on widths and the runtime's kernel.

use std::sync::OnceLock;

use nervecord::generated::{Dense4, Dense8, Dense16, Quad};
use nervecord::host::{dense_words4, dense_words8, dense_words16};
use nervecord::host::{pack_dense4, pack_dense8, pack_dense16};

use crate::lanes::{DenseLanes, Lanes, Unit};
use crate::program::cost::Work;
use crate::program::kernel::Data;
use crate::program::table::{Array, Record, Table, Value};
use crate::program::{Kernel, Weights, Width};

/// A dense layer's tables.
#[derive(Debug, Clone)]
pub struct DenseKernel {
    pub inputs: usize,
    /// Row-major.
    pub weights: Weights,
    pub bias: Vec<i32>,
    pub multiplier: Vec<i16>,
    pub shift: u8,
    pub relu: bool,
    /// The same as the host's kernel wants them, once it has run.
    pub packed: OnceLock<Vec<u32>>,
    /// The same as lanes want them.
    pub lanes: OnceLock<DenseLanes>,
}

impl Kernel for DenseKernel {
    fn data(&self) -> Data<'_> {
        let &Self { inputs, shift, relu, .. } = self;
        let (kind, pack) = match self.width() {
            Width::I4 => ("Dense4", "pack_dense4"),
            Width::I8 => ("Dense8", "pack_dense8"),
            Width::I16 => ("Dense16", "pack_dense16"),
        };
        let packing = [
            Value::table("WEIGHTS"),
            Value::table("BIAS"),
            Value::table("MULTIPLIER"),
            shift.into(),
        ];
        let tables = vec![
            Table::matrix("WEIGHTS", self.weights.array(), inputs),
            Table::list("BIAS", Array::I32(&self.bias)),
            Table::list("MULTIPLIER", Array::I16(&self.multiplier)),
            Table::packed("PACKED", self.words(), pack, packing),
        ];
        let fields = [
            ("inputs", inputs.into()),
            ("outputs", self.bias.len().into()),
            ("packed", Value::table("PACKED")),
            ("relu", relu.into()),
        ];
        Data { kept: true, direct: true, ..Data::new(Record::new(kind, fields), tables, 1) }
    }

    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]) {
        #[cfg(debug_assertions)]
        self.watch(nervecord::host::flat(reads[0]));
        let mut x = reads[0].to_vec();
        match self.width() {
            Width::I4 => self.layer4().run(&mut x, y),
            Width::I8 => self.layer8().run(&mut x, y),
            Width::I16 => self.layer16().run(&mut x, y),
        }
    }

    fn work(&self) -> Work {
        let (width, outputs) = (self.width(), self.bias.len());
        Work::Dense { width, inputs: self.inputs, outputs, places: 1 }
    }

    fn has_lanes(&self) -> bool {
        true
    }

    fn run_lanes(&self, unit: Unit, reads: &[&[Lanes]], y: &mut [Lanes]) {
        let Self { inputs, weights, bias, multiplier, shift, relu, .. } = self;
        let make = || DenseLanes::new(*inputs, |i| weights.at(i), bias, multiplier, *shift, *relu);
        unit.dense(self.lanes.get_or_init(make), reads[0], y);
    }
}

impl DenseKernel {
    /// Width of the weights.
    pub fn width(&self) -> Width {
        self.weights.width()
    }

    /// The runtime's layer of weights of 4 bits, on the host.
    pub fn layer4(&self) -> Dense4<'_> {
        let stream = self.packed.get_or_init(|| self.pack());
        Dense4::new(self.inputs, self.bias.len(), stream, self.relu)
    }

    /// The runtime's layer of i8 weights, on the host.
    pub fn layer8(&self) -> Dense8<'_> {
        let stream = self.packed.get_or_init(|| self.pack());
        Dense8::new(self.inputs, self.bias.len(), stream, self.relu)
    }

    /// The runtime's layer of i16 weights, on the host.
    pub fn layer16(&self) -> Dense16<'_> {
        let stream = self.packed.get_or_init(|| self.pack());
        Dense16::new(self.inputs, self.bias.len(), stream, self.relu)
    }

    fn pack(&self) -> Vec<u32> {
        let (bias, multiplier, shift) = (&self.bias, &self.multiplier, self.shift);
        let mut stream = vec![0; self.words()];
        match &self.weights {
            Weights::I4(weights) => pack_dense4(weights, bias, multiplier, shift, &mut stream),
            Weights::I8(weights) => pack_dense8(weights, bias, multiplier, shift, &mut stream),
            Weights::I16(weights) => pack_dense16(weights, bias, multiplier, shift, &mut stream),
        }
        stream
    }

    /// Panics where the sum of a row leaves `i32` in some order: the host's vector unit would wrap in silence.
    #[cfg(debug_assertions)]
    pub fn watch(&self, x: &[i16]) {
        let x = &x[..self.inputs];
        for (r, &bias) in self.bias.iter().enumerate() {
            let weight = |i: usize| i64::from(self.weights.at(r * self.inputs + i));
            let terms = x.iter().enumerate().map(|(i, &x)| weight(i) * i64::from(x));
            let (mut low, mut high) = (0, 0);
            for term in terms.chain([i64::from(bias)]) {
                low += term.min(0);
                high += term.max(0);
            }
            let fits = i32::try_from(low).is_ok() && i32::try_from(high).is_ok();
            assert!(fits, "the sum of row {r} overflows: {low}..{high}");
        }
    }

    fn words(&self) -> usize {
        match self.width() {
            Width::I4 => dense_words4(self.inputs, self.bias.len()),
            Width::I8 => dense_words8(self.inputs, self.bias.len()),
            Width::I16 => dense_words16(self.inputs, self.bias.len()),
        }
    }
}
