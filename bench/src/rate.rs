//! The time of one call.

use std::time::Instant;

/// Calls of a batch, long enough for the clock and short enough for the scheduler.
const CALLS: u32 = 1000;
const BATCHES: usize = 301;
/// Calls that take long.
const REPETITIONS: usize = 21;

/// Nanoseconds of a call: the median over batches.
pub fn nanoseconds(mut call: impl FnMut()) -> f64 {
    let mut batch = || {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let mut batches: Vec<f64> = (0..BATCHES).map(|_| batch()).collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

/// Nanoseconds of a call that takes long: the least of several, since others only add to it.
pub fn least(mut call: impl FnMut()) -> f64 {
    let mut time = || {
        let start = Instant::now();
        call();
        start.elapsed().as_nanos() as f64
    };
    (0..REPETITIONS).map(|_| time()).fold(f64::INFINITY, f64::min)
}
