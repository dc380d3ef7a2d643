//! The firmware that every development board runs: a swimmer of five servos behind a PCA9685.
//!
//! A board gives its [`Hardware`], which is all it differs in: an I2C bus, a clock, a watchdog, a
//! counter of the core's cycles, and potentiometers if it has any. [`run`] swims with it,
//! [`bench()`] counts the cycles of a step.
#![no_std]

pub mod bench;
mod body;
mod swim;

#[allow(dead_code, missing_docs, clippy::all)]
mod generated {
    // The controller: another model with joint angles in and torques out takes these two lines.
    include!("../../../models/ncap_swimmer/ncap_swimmer.rs");
    pub use ncap_swimmer::NcapSwimmer as Model;
}

pub use body::{JOINTS, Joints, Unfelt};
pub use generated::Model;

pub use bench::bench;
pub use nervecord::control::{Clock, Watchdog, joint};
pub use swim::run;

use defmt_rtt as _;

/// Milliseconds without a good period before the watchdog resets the core: eight periods.
pub const WATCHDOG_MS: u32 = 250;

/// What a board brings.
pub struct Hardware<I, K, W, J> {
    /// The bus of the servo driver.
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

/// Says where and stops, until the watchdog resets the core; the servos keep their last pulse.
///
/// That the place is printed keeps it in the image, where `cargo xtask boards` looks for places in
/// our own code and wants none.
#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    if let Some(place) = info.location() {
        defmt::error!("panic in {=str}, line {=u32}", place.file(), place.line());
    }
    halt()
}
