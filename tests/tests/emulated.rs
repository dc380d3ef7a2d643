//! The same bits on every core, in the same time for every input, and nothing in the firmware that
//! can panic, allocate or compute in floats.
//!
//! These run the emulators. `cargo xtask test` sets those up and runs them; plain `cargo test` lists
//! them as ignored.

use nervecord_codegen::Compiler;
use nervecord_codegen::emulate::{Board, Firmware, Job, Kind, emulate};
use nervecord_tests::{models, vectors};

/// The digits classifier on its 200 vectors.
fn digits() -> Job {
    let compiler = Compiler::new(models("digits")).calibration(models("digits/calibration.csv"));
    let compiled = compiler.name("model").build().unwrap();
    let raw = |row: &Vec<f64>| compiled.program.input.to_raws(row);
    let rows: Vec<Vec<i32>> = vectors(&compiled, "digits").iter().map(raw).collect();
    assert_eq!(rows.len(), 200);
    Job::of("digits", &compiled, rows).unwrap()
}

fn check(board: &str) {
    let (board, job) = (Board::find(board).unwrap(), digits());
    // Where nothing is set up, this fails with the command that does.
    let measured = emulate(&board, &job).unwrap_or_else(|error| panic!("{error}"));
    let expected = job.expected.as_ref().unwrap();
    assert_eq!(measured.equal_rows(expected), 200);
    assert_eq!(measured.min(), measured.max(), "the time depends on the input");

    let bare = Firmware::build(&board, &job.module, Kind::Bare).unwrap();
    let forbidden: Vec<String> = bare.forbidden().iter().map(|f| f.name()).collect();
    assert!(forbidden.is_empty(), "{forbidden:?}");
}

/// A test a board.
macro_rules! boards {
    ($($name:ident: $board:literal,)*) => {$(
        #[test]
        #[cfg_attr(not(feature = "emulated"), ignore = "needs emulators: run `cargo xtask test`")]
        fn $name() {
            check($board);
        }
    )*};
}

boards! {
    cortex_m4f_is_the_host: "qemu-cortex-m4",
    cortex_m0_is_the_host: "qemu-cortex-m0",
    rv32imac_is_the_host: "qemu-riscv32",
}
