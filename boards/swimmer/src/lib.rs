//! The firmware that every development board runs: a swimmer of five servos behind a PCA9685.
//!
//! A board gives its [`Hardware`], which is all it differs in: an I2C bus, a clock, a watchdog, a
//! counter of the core's cycles, and what feels its joints if anything does. [`run`] swims with it,
//! [`bench()`] counts the cycles of a step.
#![no_std]

pub mod bench;
mod body;
mod control;
mod hardware;
mod head;
mod model;
mod shared;
mod swim;

pub use body::{JOINTS, Joints, Unfelt};
pub use hardware::{Hardware, WATCHDOG_MS, halt};
pub use head::Head;
pub use model::Model;

pub use bench::bench;
pub use nervecord::control::{Clock, Watchdog, joint};
pub use swim::run;

use defmt_rtt as _;

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
