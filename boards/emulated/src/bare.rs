//! The step and nothing else.

use core::hint::black_box;

use crate::step::{INPUTS, Model, RawInput, nervecord_step};

/// Steps for ever on inputs the compiler cannot know.
pub fn run() -> ! {
    let mut model = Model::new();
    let input: [RawInput; INPUTS] = [0; INPUTS];
    loop {
        black_box(nervecord_step(black_box(&mut model), black_box(&input)));
        #[cfg(any(feature = "seed-panic", feature = "seed-float", feature = "seed-heap"))]
        crate::seeded::violate();
    }
}
