//! Sequences side by side, a sequence a lane. Stands on the interpreter's parts and lanes.

use std::ops::{Deref, Range};

use nervecord::Status;
use nervecord::generated::{Quad, at_end};
use nervecord::host::flat;

use super::reading::reading;
use crate::interpret::{Interpreter, convert, ops, read, write};
use crate::lanes::{LANES, Lanes, Reading, Unit};
use crate::program::{Op, Program};

/// Sequences that are worth the way into lanes and back.
const WORTH: usize = 8;

/// Whether so many sequences are faster side by side: most of a step's operations have lanes.
pub fn pays(program: &Program, sequences: usize) -> bool {
    let ready = program.ops.iter().filter(|op| op.kernel.has_lanes()).count();
    sequences >= WORTH && 2 * ready > program.ops.len()
}

/// A program over as many rows as there are lanes.
pub struct Abreast<'a> {
    unit: Unit,
    program: &'a Program,
    limits: &'a [Quad],
    width: u32,
    memory: Vec<Lanes>,
    reading: Reading,
    raws: Vec<i32>,
    narrow: Vec<i16>,
    /// Rows of a tensor, one behind the other.
    rows: Vec<Quad>,
}

impl<'a> Abreast<'a> {
    /// In the start state of a model like `model`.
    pub fn new<P: Deref<Target = Program>>(model: &'a Interpreter<P>) -> Self {
        let program = model.program();
        let (width, limits) = model.parts();
        Self {
            unit: Unit::best(),
            program,
            limits,
            width,
            memory: vec![Lanes::default(); 4 * program.memory_quads()],
            reading: reading(&program.input),
            raws: vec![],
            narrow: vec![],
            rows: vec![],
        }
    }

    /// Inputs and outputs of a row.
    pub fn widths(&self) -> [usize; 2] {
        [self.program.input.features(), self.program.output.features()]
    }

    /// Back to the start state.
    pub fn reset(&mut self) {
        let start = flat(&self.program.start);
        self.memory.fill(Lanes::default());
        self.memory.iter_mut().zip(start).for_each(|(lanes, &x)| lanes.numbers_mut().fill(x));
    }

    /// One step of each row that `input` gives, on real numbers; `give` is given what each has of the caller's
    /// integers, and its status.
    pub fn step<'x>(
        &mut self,
        rows: usize,
        input: impl Fn(usize) -> &'x [f64],
        mut give: impl FnMut(usize, &[i32], Status),
    ) {
        let program = self.program;
        let mut statuses = [Status::new(); LANES];
        for (row, status) in statuses.iter_mut().enumerate().take(rows) {
            *status = self.read(row, input(row));
        }
        let place = tensor(program, program.input.storage);
        self.unit.to_lanes(&self.rows, &mut self.memory[place]);
        for (_, op) in ops(program, self.width) {
            self.apply(op);
        }
        for state in program.states.iter().filter(|state| state.saturates) {
            let quads = self.rows_of(state.tensor.storage);
            for (status, row) in statuses.iter_mut().zip(self.rows.chunks_exact(quads)) {
                status.note_state(at_end(row, state.tensor.shape.len()));
            }
        }
        let quads = self.rows_of(program.output.storage);
        let mut output = vec![0; program.output.features()];
        for (row, y) in self.rows.chunks_exact(quads).enumerate().take(rows) {
            write(&program.output, y, &mut self.narrow, &mut output);
            give(row, &output, statuses[row]);
        }
    }

    /// A row of inputs as activations, behind those before it.
    fn read(&mut self, row: usize, input: &[f64]) -> Status {
        let port = &self.program.input;
        let quads = tensor(self.program, port.storage).len() / 4;
        self.rows.resize(LANES * quads, Quad::default());
        let x = &mut self.rows[row * quads..][..quads];
        if self.unit.read(&self.reading, input, x) {
            return Status::new();
        }
        // Something to tell of.
        let status = convert(port, input, &mut self.raws);
        status.and(read(port, &self.raws, self.limits, &mut self.narrow, x))
    }

    /// The rows of a tensor, one behind the other; how many quads each has.
    fn rows_of(&mut self, storage: usize) -> usize {
        let place = tensor(self.program, storage);
        let quads = place.len() / 4;
        self.rows.resize(LANES * quads, Quad::default());
        self.unit.to_rows(&self.memory[place], &mut self.rows);
        quads
    }

    /// Runs an operation on all rows.
    fn apply(&mut self, op: &Op) {
        if !op.kernel.has_lanes() {
            return self.apply_to_each(op);
        }
        let write = tensor(self.program, op.write);
        let (head, rest) = self.memory.split_at_mut(write.start);
        let (written, tail) = rest.split_at_mut(write.len());
        let read = |storage: &usize| {
            let Range { start, end } = tensor(self.program, *storage);
            match end <= write.start {
                true => &head[start..end],
                false => &tail[start - write.end..end - write.end],
            }
        };
        let reads: Vec<&[Lanes]> = op.reads.iter().map(read).collect();
        op.kernel.run_lanes(self.unit, &reads, written);
    }

    /// Runs an operation on one row after the other: one that lanes have no kernel for.
    fn apply_to_each(&mut self, op: &Op) {
        let mut tensors: Vec<(usize, Vec<Quad>)> = Vec::with_capacity(op.reads.len() + 1);
        for &storage in op.reads.iter().chain([&op.write]) {
            let quads = self.rows_of(storage);
            tensors.push((quads, self.rows.clone()));
        }
        let Some(((quads, mut written), reads)) = tensors.pop().zip(Some(tensors)) else { return };
        for row in 0..LANES {
            let reads: Vec<&[Quad]> =
                reads.iter().map(|(quads, rows)| &rows[row * quads..(row + 1) * quads]).collect();
            op.kernel.run(&reads, &mut written[row * quads..(row + 1) * quads]);
        }
        let place = tensor(self.program, op.write);
        self.unit.to_lanes(&written, &mut self.memory[place]);
    }
}

/// The features of a storage.
fn tensor(program: &Program, storage: usize) -> Range<usize> {
    let Range { start, end } = program.storages[storage].clone();
    4 * start..4 * end
}
