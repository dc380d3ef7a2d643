//! The time of one call.

use std::time::Instant;

/// Calls of a batch, long enough for the clock and short enough for the scheduler.
const CALLS: u32 = 1000;
const BATCHES: usize = 301;

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
