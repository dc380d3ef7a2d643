//! A program run on the host, through the runtime's kernels: one of its readers, and the one that tests and the
//! search compare with float. Stands on the program and the runtime.

use std::ops::{Deref, Range};

use nervecord::generated::{Quad, Status, at_end, read16, read32, write16, write32};
use nervecord::host::{Fit, flat};

use crate::program::{Op, Port, PortWidth, Program, StateFormat, TensorFormat};

/// As many tensors as almost every kernel reads.
const FEW: usize = 4;

/// A running model on the host; `P` is what holds its program, such as a reference.
#[derive(Debug, Clone)]
pub struct Interpreter<P> {
    program: P,
    limits: Vec<Quad>,
    /// Bit of the width that is computed.
    width: u32,
    scratch: Vec<Quad>,
    /// The caller's integers of a step on real numbers.
    raws: Vec<i32>,
    /// The same as a narrow port reads or writes them.
    narrow: Vec<i16>,
}

impl<P: Deref<Target = Program>> Interpreter<P> {
    /// A model in its start state.
    pub fn new(program: P) -> Self {
        let width = program.widths.len().saturating_sub(1);
        Self::of_width(program, width)
    }

    /// A model in its start state whose steps are those of its width `width`.
    pub fn of_width(program: P, width: usize) -> Self {
        let mut scratch = program.start.clone();
        scratch.resize(program.memory_quads(), Quad::default());
        let (limits, raws, narrow) = (program.input.limits(), vec![], vec![]);
        Self { program, limits, width: 1 << width, scratch, raws, narrow }
    }

    /// The bit of the width that is computed, and the limits of the inputs.
    pub(crate) fn parts(&self) -> (u32, &[Quad]) {
        (self.width, &self.limits)
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Has the steps from now on be those of width `width`.
    pub fn set_width(&mut self, width: usize) {
        self.width = 1 << width;
    }

    /// One step on the caller's integers.
    pub fn step_raw(&mut self, input: &[i32]) -> (Vec<i32>, Status) {
        self.step_seen(input, |_, _| {})
    }

    /// The memory that all tensors share, the states first, as firmware has it, and behind it the caller's arrays.
    pub fn memory(&mut self) -> &mut [Quad] {
        &mut self.scratch
    }

    /// The part of it that a step leaves for the next.
    pub fn memory_of_states(&mut self) -> &mut [Quad] {
        let states = self.program.start.len();
        self.scratch.split_at_mut(states).0
    }

    /// One step on the caller's integers; `see` is given the number of each operation that runs, and what it left in the
    /// storage it writes.
    pub fn step_seen(
        &mut self,
        input: &[i32],
        see: impl FnMut(usize, &[i16]),
    ) -> (Vec<i32>, Status) {
        let mut output = vec![0; self.program.output.features()];
        let status = self.run(input, &mut output, |_, _| {}, see);
        (output, status)
    }

    /// One step on the caller's integers; `disturb` is given the memory before each operation, by its number.
    pub fn step_disturbed(
        &mut self,
        input: &[i32],
        disturb: impl FnMut(usize, &mut [Quad]),
    ) -> (Vec<i32>, Status) {
        let mut output = vec![0; self.program.output.features()];
        let status = self.run(input, &mut output, disturb, |_, _| {});
        (output, status)
    }

    /// One step on real numbers, converted as firmware's reading converts them, to the caller's integers.
    pub fn step_into(&mut self, input: &[f64], output: &mut [i32]) -> Status {
        let mut raws = std::mem::take(&mut self.raws);
        let status = convert(&self.program.input, input, &mut raws);
        let outside = self.run(&raws, output, |_, _| {}, |_, _| {});
        self.raws = raws;
        status.and(outside)
    }

    /// One step on real numbers, converted as firmware's reading converts them.
    pub fn step(&mut self, input: &[f64]) -> (Vec<f64>, Status) {
        let mut output = vec![0; self.program.output.features()];
        let status = self.step_into(input, &mut output);
        (self.program.output.to_reals(&output), status)
    }

    fn run(
        &mut self,
        input: &[i32],
        output: &mut [i32],
        mut before: impl FnMut(usize, &mut [Quad]),
        mut see: impl FnMut(usize, &[i16]),
    ) -> Status {
        let program: &Program = &self.program;
        let range = |storage: usize| program.storages[storage].clone();
        let x = &mut self.scratch[range(program.input.storage)];
        let mut status = read(&program.input, input, &self.limits, &mut self.narrow, x);
        for (number, op) in ops(program, self.width) {
            before(number, &mut self.scratch);
            apply(op, &program.storages, &mut self.scratch);
            see(number, flat(&self.scratch[range(op.write)]));
        }
        for state in program.states.iter().filter(|state| state.saturates) {
            let StateFormat { tensor, .. } = state;
            status.note_state(at_end(&self.scratch[range(tensor.storage)], tensor.shape.len()));
        }
        let y = &self.scratch[range(program.output.storage)];
        write(&program.output, y, &mut self.narrow, output);
        status
    }

    /// Returns to the start state.
    pub fn reset(&mut self) {
        let start = &self.program.start;
        let (states, rest) = self.scratch.split_at_mut(start.len());
        states.clone_from_slice(start);
        rest.fill(Quad::default());
    }

    /// The values of the model's states, after the last step; counters are left out.
    pub fn states(&self) -> Vec<f64> {
        let value = |state: &StateFormat| {
            let mut values = self.values(&state.tensor);
            let Some(fine) = state.fine else { return values };
            let parts = flat(&self.scratch[self.program.storages[state.tensor.storage].clone()]);
            let unit = state.tensor.scale / fine;
            let low = parts[parts.len() / 2..].iter().map(|&low| f64::from(low) * unit);
            values.iter_mut().zip(low).for_each(|(value, low)| *value += low);
            values
        };
        self.program.states.iter().flat_map(value).collect()
    }

    /// Of a network that ends in argmax: the numbers whose largest was the output of the last step.
    pub fn scores(&self) -> Option<Vec<f64>> {
        self.program.scores.as_ref().map(|scores| self.values(scores))
    }

    fn values(&self, tensor: &TensorFormat) -> Vec<f64> {
        let quads = &self.scratch[self.program.storages[tensor.storage].clone()];
        flat(quads)[..tensor.shape.len()].iter().map(|&x| f64::from(x) * tensor.scale).collect()
    }
}

/// The caller's integers for real numbers, as firmware's reading converts them, and which were none or beyond their format.
pub(crate) fn convert(port: &Port, input: &[f64], raws: &mut Vec<i32>) -> Status {
    let mut status = Status::new();
    raws.clear();
    for (i, &x) in input.iter().enumerate() {
        let (raw, fit) = port.convert(i, x);
        raws.push(raw);
        match fit {
            Fit::Missing => status.set_invalid(i),
            Fit::Within => {}
            Fit::Clamped => status.set(i),
        }
    }
    status
}

/// The caller's integers as activations; `narrow` is room for them.
pub(crate) fn read(
    port: &Port,
    raws: &[i32],
    limits: &[Quad],
    narrow: &mut Vec<i16>,
    x: &mut [Quad],
) -> Status {
    match &port.width {
        PortWidth::WideIn(channels) => read32(raws, channels, limits, x),
        _ => {
            narrow.clear();
            narrow.extend(raws.iter().map(|&x| x as i16));
            read16(narrow, limits, x)
        }
    }
}

/// Activations as the caller's integers; `narrow` is room for them.
pub(crate) fn write(port: &Port, y: &[Quad], narrow: &mut Vec<i16>, output: &mut [i32]) {
    match &port.width {
        PortWidth::WideOut(channels) => write32(y, channels, output),
        _ => {
            narrow.resize(output.len(), 0);
            write16(y, narrow);
            output.iter_mut().zip(&*narrow).for_each(|(y, &raw)| *y = raw.into());
        }
    }
}

/// The operations of a width, by its bit, with their numbers.
pub(crate) fn ops(program: &Program, width: u32) -> impl Iterator<Item = (usize, &Op)> {
    program.ops.iter().enumerate().filter(move |(_, op)| op.widths & width != 0)
}

/// Runs an operation where its tensors are: what it reads is never what it writes.
fn apply(op: &Op, storages: &[Range<usize>], scratch: &mut [Quad]) {
    let write = storages[op.write].clone();
    let (head, rest) = scratch.split_at_mut(write.start);
    let (written, tail) = rest.split_at_mut(write.len());
    let read = |storage: usize| {
        let Range { start, end } = storages[storage].clone();
        match end <= write.start {
            true => &head[start..end],
            false => &tail[start - write.end..end - write.end],
        }
    };
    let mut few: [&[Quad]; FEW] = [&[]; FEW];
    match few.get_mut(..op.reads.len()) {
        Some(reads) => {
            reads.iter_mut().zip(&op.reads).for_each(|(tensor, &storage)| *tensor = read(storage));
            op.kernel.run(reads, written);
        }
        None => {
            let reads: Vec<&[Quad]> = op.reads.iter().map(|&storage| read(storage)).collect();
            op.kernel.run(&reads, written);
        }
    }
}
