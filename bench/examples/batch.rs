//! Nanoseconds of a row of a batch on one thread, a network a line, for `cargo xtask bench --host --against`.

use std::hint::black_box;

use nervecord_bench::rate::least;
use nervecord_codegen::interpret::Interpreter;
use nervecord_codegen::options::Weights;
use nervecord_codegen::{Result, batch};
use nervecord_tests::network;
use nervecord_tests::random::Random;
use nervecord_tests::shapes::{BATCHES, ROWS_OF_A_BATCH, Shape};

/// Rows that it is compiled on.
const CALIBRATED: usize = 500;

fn row(shape: &Shape) -> Result<f64> {
    let rows = Random::new(7).rows(ROWS_OF_A_BATCH, shape.widths[0]);
    let compiled = network::compile(shape.graph()?, Weights::I8, &rows[..CALIBRATED])?;
    let (model, inputs) = (Interpreter::new(&compiled.program), rows.concat());
    let batch = || drop(black_box(batch::sequences(&model, black_box(&inputs), 1, Some(1))));
    Ok(least(batch) / ROWS_OF_A_BATCH as f64)
}

fn main() -> Result<()> {
    for shape in &BATCHES {
        println!("{} {:.1}", shape.letter, row(shape)?);
    }
    Ok(())
}
