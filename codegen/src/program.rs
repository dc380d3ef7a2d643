//! The whole integer meaning of a model, and its first reading: running it on the host.
//!
//! A [`Program`] is a list of [`Kernel`]s over planned memory. Interpreting and emitting are two
//! readings of the same kernels' tables, and both end in the runtime's functions, so they cannot
//! differ.

use std::fmt::Debug;
use std::ops::Range;

use nervecord::controller::Status;
use nervecord::host::{fill_limits16, fill_limits32, flat};
use nervecord::input::Fit;
use nervecord::port::{Channel, read16, read32, write16, write32};
use nervecord::tensor::{Quad, quads};

use crate::emit::Items;
use crate::graph::Classes;

/// One integer operation with its tables.
pub trait Kernel: Debug + Send + Sync {
    /// Computes on the host, through the runtime. A kernel that works in place finds its first
    /// operand in `y`; `reads` are the others.
    fn run(&self, reads: &[&[Quad]], y: &mut [Quad]);

    /// Adds its tables to the module under `name` and returns the statement that runs it, on
    /// operands called `x0`, `x1`, ... and `y`.
    fn emit(&self, name: &str, items: &mut Items) -> String;

    /// Bytes of tables in flash.
    fn table_bytes(&self) -> usize;

    /// Whether it takes the same time for every input.
    fn constant_time(&self) -> bool {
        true
    }

    /// Worst error of one of its functions over all input integers, in units of the output, where it
    /// takes time to find.
    fn worst_error(&self) -> Option<f64> {
        None
    }
}

/// A kernel applied to places in memory.
#[derive(Debug)]
pub struct Op {
    /// The layer's name, for reports and for the names of its tables.
    pub name: String,
    /// What it does.
    pub kernel: Box<dyn Kernel>,
    /// Storages read, beside the one written.
    pub reads: Vec<usize>,
    /// Storage written.
    pub write: usize,
}

/// How the caller's numbers map to integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
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
    /// Number of features.
    pub fn features(&self) -> usize {
        self.fracs.len()
    }

    /// Width of the caller's numbers.
    pub fn bits(&self) -> u32 {
        if self.width == PortWidth::Narrow { 16 } else { 32 }
    }

    /// The integer that stands for 1.0 in feature `i`.
    fn one(&self, i: usize) -> f64 {
        f64::powi(2.0, self.fracs[i] as i32) - f64::from(u8::from(self.full_scale))
    }

    /// The nearest integer the caller would pass as feature `i` for `x`; halves up, saturating. For NaN,
    /// the middle of the calibrated range.
    pub fn to_raw(&self, i: usize, x: f64) -> i32 {
        self.convert(i, x).0
    }

    /// The integer the caller would pass as feature `i` for `x`, as firmware's reading converts it, and
    /// how well it fits.
    fn convert(&self, i: usize, x: f64) -> (i32, Fit) {
        if x.is_nan() {
            let [low, high] = self.ranges.get(i).copied().unwrap_or_default();
            return (low.midpoint(high), Fit::Missing);
        }
        let scaled = (x * self.one(i) + 0.5).floor();
        let raw = if self.bits() == 32 { scaled as i32 } else { i32::from(scaled as i16) };
        (raw, if f64::from(raw) == scaled { Fit::Within } else { Fit::Clamped })
    }

    /// The integers for a row of inputs.
    pub fn to_raws(&self, row: &[f64]) -> Vec<i32> {
        row.iter().enumerate().map(|(i, &x)| self.to_raw(i, x)).collect()
    }

    /// The difference of two real numbers of feature `i` that are next to each other.
    pub fn step(&self, i: usize) -> f64 {
        let shift = match &self.width {
            PortWidth::Narrow => 0,
            PortWidth::WideIn(channels) => i32::from(channels[i].shift),
            PortWidth::WideOut(channels) => i32::from(channels[i].shift),
        };
        f64::powi(2.0, shift) / self.one(i)
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
    fn table_bytes(&self) -> usize {
        let width = match &self.width {
            PortWidth::Narrow => 0,
            PortWidth::WideIn(channels) | PortWidth::WideOut(channels) => {
                size_of_val(channels.as_slice())
            }
        };
        width + 2 * quads(self.ranges.len()) * size_of::<Quad>()
    }

    /// The formats in words.
    pub fn describe(&self) -> String {
        let bits = self.bits();
        let number = |frac: &u32| format!("I{}F{frac}", bits - frac.min(&bits));
        match self.uniform_frac() {
            Some(frac) if self.full_scale => {
                format!("{} x {}, 1.0 is {}", self.features(), number(&frac), (1 << frac) - 1)
            }
            Some(frac) => format!("{} x {}", self.features(), number(&frac)),
            None => self.fracs.iter().map(number).collect::<Vec<_>>().join(", "),
        }
    }
}

/// One edge, sampled over the range its input takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Input feature.
    pub input: usize,
    /// Output feature.
    pub output: usize,
    /// First and last input value.
    pub range: (f64, f64),
    /// The trained function at equal steps over the range.
    pub float: Vec<f64>,
    /// What the integers make of it; its constant part is in the layer's bias and added here.
    pub integer: Vec<f64>,
    /// Share of the output's standard deviation that the edge moves on the calibration data.
    pub importance: f64,
}

/// What the report says of a layer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LayerReport {
    /// Name in the trained file.
    pub name: String,
    /// Kind of kernel.
    pub kind: String,
    /// Input features.
    pub inputs: usize,
    /// Output features.
    pub outputs: usize,
    /// Bytes of tables.
    pub table_bytes: usize,
    /// Largest magnitude any partial sum can reach, in any order, for any input.
    pub accumulator_bound: Option<u64>,
    /// Bits between that bound and the end of `i32`.
    pub headroom_bits: Option<f64>,
    /// Worst error of a function table or of a spline layer's edge over all its inputs, in units of its output.
    pub worst_error: Option<f64>,
    /// What it computes.
    pub note: String,
    /// Why it is this kernel, where there was a choice.
    pub choice: String,
    /// The edges of a layer of functions, to draw.
    #[serde(skip)]
    pub curves: Vec<Curve>,
}

impl LayerReport {
    /// Whether `width`, `i8` or `i16`, is among the words of its kind.
    pub fn has_width(&self, width: &str) -> bool {
        self.kind.split([' ', ',']).any(|word| word == width)
    }

    /// Adds a reason.
    pub fn add_choice(&mut self, reason: &str) {
        if !self.choice.is_empty() {
            self.choice += "; ";
        }
        self.choice += reason;
    }
}

/// How far the integers are from float on calibration rows that decided nothing.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Promise {
    /// RMS difference in standard deviations of each output, as the root mean square over the outputs; of an
    /// index of the largest, the share of rows on which it is another.
    pub error: f64,
    /// What was asked for.
    pub tolerance: f64,
    /// Rows it was measured on.
    pub rows: usize,
    /// Whether no decision has seen them: a handful of rows decides and judges.
    pub held_out: bool,
    /// Why other data may do worse.
    pub thin: Option<String>,
}

impl Promise {
    /// Whether the tolerance was reached.
    pub fn is_kept(&self) -> bool {
        self.error <= self.tolerance
    }

    /// The promise, or that there is none, in a sentence.
    pub fn describe(&self) -> String {
        let Self { error, tolerance, rows, .. } = self;
        let which = match self.held_out {
            true => "calibration rows held out from every decision",
            false => "calibration rows, which decided as well",
        };
        let verdict = match self.is_kept() {
            true => "within",
            false => "NOT within",
        };
        format!("an error of {error:.4} on {rows} {which}: {verdict} the tolerance of {tolerance}")
    }
}

/// A tensor's place and the real number its unit stands for, for those who look into a step.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorFormat {
    /// Storage that holds it after a step.
    pub storage: usize,
    /// Number of features.
    pub features: usize,
    /// Real number a unit.
    pub scale: f64,
}

/// A model as integers.
#[derive(Debug)]
pub struct Program {
    /// Module name, in snake case.
    pub name: String,
    /// What the caller writes.
    pub input: Port,
    /// What the caller reads.
    pub output: Port,
    /// The quads of each storage in the scratch memory.
    pub storages: Vec<Range<usize>>,
    /// Quads of scratch memory.
    pub scratch_quads: usize,
    /// What the first quads of the scratch memory hold after a reset: the states, which come first.
    pub start: Vec<Quad>,
    /// The states that are real numbers, in the graph's order.
    pub states: Vec<TensorFormat>,
    /// Of a network that ends in argmax: the numbers whose largest is the output.
    pub scores: Option<TensorFormat>,
    /// The operations in order.
    pub ops: Vec<Op>,
    /// What the caller calls the input's features.
    pub input_names: Vec<String>,
    /// Class names of a classifier with a label output.
    pub classes: Option<Classes>,
    /// A row a layer.
    pub layers: Vec<LayerReport>,
    /// Multiply-accumulates of one step.
    pub macs: usize,
    /// How near float the integers are, once all is chosen.
    pub promise: Option<Promise>,
}

impl Program {
    /// Bytes of tables in flash.
    pub fn table_bytes(&self) -> usize {
        let kernels: usize = self.ops.iter().map(|op| op.kernel.table_bytes()).sum();
        kernels + self.input.table_bytes() + self.output.table_bytes()
    }

    /// Whether a step takes the same time for every input.
    pub fn constant_time(&self) -> bool {
        self.ops.iter().all(|op| op.kernel.constant_time())
    }

    /// Bytes of RAM: the size of the generated struct.
    pub fn ram_bytes(&self) -> usize {
        self.scratch_quads * size_of::<Quad>() + size_of::<Status>()
    }
}

/// A running model on the host.
#[derive(Debug)]
pub struct Interpreter<'a> {
    program: &'a Program,
    limits: Vec<Quad>,
    scratch: Vec<Quad>,
}

impl<'a> Interpreter<'a> {
    /// A model in its start state.
    pub fn new(program: &'a Program) -> Self {
        let mut scratch = program.start.clone();
        scratch.resize(program.scratch_quads, Quad::default());
        Self { program, limits: program.input.limits(), scratch }
    }

    /// One step on the caller's integers.
    pub fn step_raw(&mut self, input: &[i32]) -> (Vec<i32>, Status) {
        let program = self.program;
        let range = |storage: usize| program.storages[storage].clone();
        let x = &mut self.scratch[range(program.input.storage)];
        let status = match &program.input.width {
            PortWidth::WideIn(channels) => read32(input, channels, &self.limits, x),
            _ => read16(&input.iter().map(|&x| x as i16).collect::<Vec<_>>(), &self.limits, x),
        };
        for op in &program.ops {
            let reads: Vec<_> = op.reads.iter().map(|&r| self.scratch[range(r)].to_vec()).collect();
            let reads: Vec<_> = reads.iter().map(Vec::as_slice).collect();
            op.kernel.run(&reads, &mut self.scratch[range(op.write)]);
        }
        let y = &self.scratch[range(program.output.storage)];
        let output = match &program.output.width {
            PortWidth::WideOut(channels) => {
                let mut output = vec![0; program.output.features()];
                write32(y, channels, &mut output);
                output
            }
            _ => {
                let mut output = vec![0_i16; program.output.features()];
                write16(y, &mut output);
                output.into_iter().map(i32::from).collect()
            }
        };
        (output, status)
    }

    /// Returns to the start state.
    pub fn reset(&mut self) {
        *self = Self::new(self.program);
    }

    /// The values of the model's states, after the last step; counters are left out.
    pub fn states(&self) -> Vec<f64> {
        self.program.states.iter().flat_map(|state| self.values(state)).collect()
    }

    /// Of a network that ends in argmax: the numbers whose largest was the output of the last step.
    pub fn scores(&self) -> Option<Vec<f64>> {
        self.program.scores.as_ref().map(|scores| self.values(scores))
    }

    fn values(&self, tensor: &TensorFormat) -> Vec<f64> {
        let quads = &self.scratch[self.program.storages[tensor.storage].clone()];
        flat(quads)[..tensor.features].iter().map(|&x| f64::from(x) * tensor.scale).collect()
    }

    /// One step on real numbers, converted as firmware's reading converts them.
    pub fn step(&mut self, input: &[f64]) -> (Vec<f64>, Status) {
        let port = &self.program.input;
        let mut status = Status::new();
        for (i, &x) in input.iter().enumerate() {
            match port.convert(i, x).1 {
                Fit::Missing => status.set_invalid(i),
                Fit::Within => {}
                Fit::Clamped => status.set(i),
            }
        }
        let (output, outside) = self.step_raw(&port.to_raws(input));
        (self.program.output.to_reals(&output), status.and(outside))
    }
}
