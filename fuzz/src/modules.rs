//! Modules of random networks, built together as one program and run on the host.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nervecord_tests::built;
use nervecord_tests::drawn::draw;
use nervecord_tests::network;

use crate::case::network as network_seed;
use crate::outcome::{Outcome, Wrong, wrong};

/// Networks in a program.
const TOGETHER: u64 = 24;
/// Rows that each is run on, beside the extreme ones.
const ROWS: usize = 40;

/// Builds and runs the modules of a batch of networks.
///
/// # Errors
/// One does not build, or gives other integers or another status than the interpreter.
pub fn run(seed: u64, batch: u64) -> Result<Outcome, Wrong> {
    let folder = crate::places::target_folder().join("modules");
    let (mut text, mut calls) = (String::from("#![allow(dead_code)]\n"), String::new());
    for index in batch * TOGETHER..(batch + 1) * TOGETHER {
        let drawn =
            draw(network_seed(seed, index)).or_else(|error| wrong("harness", error.to_string()))?;
        // What cannot be compiled is for the target of networks to tell.
        let compile = || network::compile(drawn.graph, drawn.weights, &drawn.rows);
        let Ok(Ok(compiled)) = catch_unwind(AssertUnwindSafe(compile)) else { continue };
        text += &built::checked(&format!("network_{index}"), &compiled, &drawn.fresh[..ROWS]);
        calls += &format!("    network_{index}::check();\n");
    }
    text += &format!("fn main() {{\n{calls}}}\n");
    match built::run(&folder, &text) {
        Ok(()) => Ok(Outcome::Accepted),
        Err(said) => wrong("module", said),
    }
}
