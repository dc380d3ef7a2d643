//! A program run on the host, through the runtime's kernels: one of its readers, and the one that tests and the
//! search compare with float. Stands on the program and the runtime.

use nervecord::generated::{Quad, Status, at_end, read16, read32, write16, write32};
use nervecord::host::{Fit, flat};

use crate::program::{Op, PortWidth, Program, StateFormat, TensorFormat};

/// A running model on the host.
#[derive(Debug, Clone)]
pub struct Interpreter<'a> {
    program: &'a Program,
    limits: Vec<Quad>,
    /// Bit of the width that is computed.
    width: u32,
    scratch: Vec<Quad>,
}

impl<'a> Interpreter<'a> {
    /// A model in its start state.
    pub fn new(program: &'a Program) -> Self {
        Self::of_width(program, program.widths.len().saturating_sub(1))
    }

    /// A model in its start state whose steps are those of its width `width`.
    pub fn of_width(program: &'a Program, width: usize) -> Self {
        let mut scratch = program.start.clone();
        scratch.resize(program.scratch_quads, Quad::default());
        Self { program, limits: program.input.limits(), width: 1 << width, scratch }
    }

    /// One step on the caller's integers.
    pub fn step_raw(&mut self, input: &[i32]) -> (Vec<i32>, Status) {
        self.run(input, |_, _| {}, |_, _| {})
    }

    /// The memory that all tensors share, the states first, as firmware has it.
    pub fn memory(&mut self) -> &mut [Quad] {
        &mut self.scratch
    }

    /// One step on the caller's integers; `see` is given the number of each operation that runs, and what it left in the
    /// storage it writes.
    pub fn step_seen(
        &mut self,
        input: &[i32],
        see: impl FnMut(usize, &[i16]),
    ) -> (Vec<i32>, Status) {
        self.run(input, |_, _| {}, see)
    }

    /// One step on the caller's integers; `disturb` is given the memory before each operation, by its number.
    pub fn step_disturbed(
        &mut self,
        input: &[i32],
        disturb: impl FnMut(usize, &mut [Quad]),
    ) -> (Vec<i32>, Status) {
        self.run(input, disturb, |_, _| {})
    }

    fn run(
        &mut self,
        input: &[i32],
        mut before: impl FnMut(usize, &mut [Quad]),
        mut see: impl FnMut(usize, &[i16]),
    ) -> (Vec<i32>, Status) {
        let program = self.program;
        let range = |storage: usize| program.storages[storage].clone();
        let x = &mut self.scratch[range(program.input.storage)];
        let mut status = match &program.input.width {
            PortWidth::WideIn(channels) => read32(input, channels, &self.limits, x),
            _ => read16(&input.iter().map(|&x| x as i16).collect::<Vec<_>>(), &self.limits, x),
        };
        let run = |(_, op): &(usize, &Op)| op.widths & self.width != 0;
        for (number, op) in program.ops.iter().enumerate().filter(run) {
            before(number, &mut self.scratch);
            let reads: Vec<_> = op.reads.iter().map(|&r| self.scratch[range(r)].to_vec()).collect();
            let reads: Vec<_> = reads.iter().map(Vec::as_slice).collect();
            let written = &mut self.scratch[range(op.write)];
            op.kernel.run(&reads, written);
            see(number, flat(written));
        }
        for state in program.states.iter().filter(|state| state.saturates) {
            let StateFormat { tensor, .. } = state;
            status.note_state(at_end(&self.scratch[range(tensor.storage)], tensor.shape.len()));
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
        *self = Self::of_width(self.program, self.width.trailing_zeros() as usize);
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
