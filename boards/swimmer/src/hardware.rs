//! What a board brings.

/// Milliseconds without a good period before the watchdog resets the core: eight periods.
pub const WATCHDOG_MS: u32 = 250;

/// A board, as far as boards differ.
pub struct Hardware<I, K, W, J> {
    /// The bus of the servo driver, and of sensors if there are any.
    pub bus: I,
    /// A monotonic counter that wraps at 2^32.
    pub clock: K,
    /// Ticks of the clock a second.
    pub ticks_per_second: u32,
    /// The part's watchdog, which runs already and waits [`WATCHDOG_MS`] for its food.
    pub watchdog: W,
    /// What feels the joints' angles.
    pub joints: J,
    /// The core's own counter of cycles, which wraps at 2^32 or at 2^24.
    pub cycles: fn() -> u32,
    /// Bits of that counter.
    pub cycle_bits: u32,
}

/// Stops for good, as when a board does not start.
pub fn halt() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
