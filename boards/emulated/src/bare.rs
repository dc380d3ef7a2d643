//! The step and nothing else.

use core::hint::black_box;

use crate::step::{INPUTS, Model, OUTPUTS, RawInput, RawOutput, nervecord_step};

/// Steps for ever on inputs the compiler cannot know.
pub fn run() -> ! {
    let mut model = Model::new();
    let input: [RawInput; INPUTS] = [0; INPUTS];
    let mut output: [RawOutput; OUTPUTS] = [0; OUTPUTS];
    loop {
        nervecord_step(black_box(&mut model), black_box(&input), black_box(&mut output));
        #[cfg(any(feature = "seed-panic", feature = "seed-float", feature = "seed-heap"))]
        crate::seeded::violate();
    }
}
