//! Rows in, rows out, and what was measured on the way.

use core::hint::black_box;
use core::mem::{size_of, size_of_val};
use core::slice;

use semihosting::fs::File;
use semihosting::io::{self, Read, Write};
use semihosting::process;

use crate::stack::{Paint, WINDOW};
use crate::step::{
    INPUTS, Model, OUTPUTS, RawInput, RawOutput, TABLE_BYTES, nervecord_begin, nervecord_end,
    nervecord_step,
};

/// Steps whose stack is measured; painting costs more than a small network does.
const PAINTED: usize = 16;

/// Two colours in turn, because a step may happen to store one of them.
const COLOURS: [u32; 2] = [0xa5a5_5a5a, 0x3c3c_c3c3];

/// Runs the host's rows and leaves the emulator.
pub fn run() -> ! {
    // The first interval is empty: its count is what the markers themselves cost.
    nervecord_begin();
    nervecord_end();
    match rows().and_then(|(rows, stack)| summary(rows, stack)) {
        Ok(()) => process::exit(0),
        Err(error) => panic!("{error:?}"),
    }
}

fn rows() -> io::Result<(usize, usize)> {
    let mut source = File::open(c"input.bin")?;
    let mut sink = File::create(c"output.bin")?;
    let mut model = Model::new();
    let mut input: [RawInput; INPUTS] = [0; INPUTS];
    let (mut rows, mut deepest) = (0, 0);
    while read_row(&mut source, bytes_of_mut(&mut input))? {
        let window = if rows < PAINTED { WINDOW } else { 0 };
        let (output, stack) = step(&mut model, &input, window, COLOURS[rows % 2]);
        sink.write_all(bytes_of(&output))?;
        deepest = deepest.max(stack);
        rows += 1;
    }
    Ok((rows, deepest))
}

/// One marked step, and the bytes of stack it took out of a painted window.
#[inline(never)]
fn step(
    model: &mut Model,
    input: &[RawInput; INPUTS],
    window: usize,
    colour: u32,
) -> ([RawOutput; OUTPUTS], usize) {
    let mut output = [0; OUTPUTS];
    let (model, input, to) = (black_box(model), black_box(input), black_box(&mut output));
    let paint = Paint::new(window, colour);
    nervecord_begin();
    nervecord_step(model, input, to);
    nervecord_end();
    (output, paint.reached())
}

fn read_row(source: &mut File, row: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < row.len() {
        match source.read(&mut row[filled..])? {
            0 if filled == 0 => return Ok(false),
            0 => panic!("input.bin ends inside a row of {} bytes", row.len()),
            n => filled += n,
        }
    }
    Ok(true)
}

fn summary(rows: usize, stack: usize) -> io::Result<()> {
    let mut file = File::create(c"summary.json")?;
    writeln!(
        file,
        "{{\"rows\":{rows},\"inputs\":{INPUTS},\"outputs\":{OUTPUTS},\"input_bytes\":{},\
         \"output_bytes\":{},\"table_bytes\":{TABLE_BYTES},\"ram_bytes\":{},\
         \"stack_bytes\":{stack},\"stack_window\":{WINDOW}}}",
        size_of::<RawInput>(),
        size_of::<RawOutput>(),
        size_of::<Model>(),
    )
}

fn bytes_of(row: &[RawOutput]) -> &[u8] {
    // SAFETY: integers without padding, and every target here is little-endian like the file.
    unsafe { slice::from_raw_parts(row.as_ptr().cast(), size_of_val(row)) }
}

fn bytes_of_mut(row: &mut [RawInput]) -> &mut [u8] {
    // SAFETY: as above, and every bit pattern is an integer.
    unsafe { slice::from_raw_parts_mut(row.as_mut_ptr().cast(), size_of_val(row)) }
}
