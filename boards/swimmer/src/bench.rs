//! Cycles of a step on real hardware, from the core's own counter.

use core::hint::black_box;

use nervecord::control::Watchdog;

use crate::body::JOINTS;
use crate::hardware::Hardware;
use crate::model::Model;

/// Steps a line.
const STEPS: u32 = 1000;

/// The fewest and the most cycles of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycles {
    /// The fewest.
    pub min: u32,
    /// The most.
    pub max: u32,
}

/// Prints the cycles of steps on random inputs for ever.
pub fn bench<I, K, W: Watchdog, J>(mut hardware: Hardware<I, K, W, J>) -> ! {
    let mut random = 1;
    loop {
        let cycles = measure(&mut hardware, &mut random);
        defmt::println!(
            "a step takes {=u32} to {=u32} cycles, over {=u32} random inputs",
            cycles.min,
            cycles.max,
            STEPS
        );
    }
}

fn measure<I, K, W: Watchdog, J>(hardware: &mut Hardware<I, K, W, J>, random: &mut u32) -> Cycles {
    let counter = hardware.cycles;
    let unused = 32 - hardware.cycle_bits.clamp(1, 32); // 0..=31
    // A counter of fewer bits wraps within its own: shift the others out.
    let time = |work: &mut dyn FnMut()| {
        let start = counter();
        work();
        counter().wrapping_sub(start) << unused >> unused
    };
    let cost = time(&mut || {});
    let mut model = Model::new();
    let mut cycles = Cycles { min: u32::MAX, max: 0 };
    for _ in 0..STEPS {
        let input = [0; JOINTS].map(|_: i16| next(random) as i16);
        let taken = time(&mut || {
            black_box(model.step_raw(black_box(&input)));
        });
        hardware.watchdog.feed();
        let taken = taken.saturating_sub(cost);
        cycles = Cycles { min: cycles.min.min(taken), max: cycles.max.max(taken) };
    }
    cycles
}

/// Xorshift (Marsaglia 2003).
fn next(state: &mut u32) -> u32 {
    let mut x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    x
}
