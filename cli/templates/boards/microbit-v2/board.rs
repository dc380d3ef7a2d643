//! Pins, clocks and watchdog of the micro:bit v2.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use microbit::Board;
use microbit::hal::clocks::Clocks;
use microbit::hal::twim::{Frequency, Twim};
use microbit::hal::wdt::{Watchdog as Dog, count};
use nervecord::control::{Clock, Watchdog};

/// Ticks of the clock a second: cycles of the core.
pub const TICKS_PER_SECOND: u32 = 64_000_000;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

/// The I2C bus, the clock of the loop and the watchdog, which runs already; once.
pub fn take() -> Option<(impl I2c, impl Clock, impl Watchdog)> {
    let mut board = Board::take()?;
    // The crystal instead of the RC oscillator: a period is as long as it says.
    Clocks::new(board.CLOCK).enable_ext_hfosc();
    // On the edge connector: SCL is pin 19, SDA is pin 20.
    let bus = Twim::new(board.TWIM0, board.i2c_external.into(), Frequency::K100);
    board.DCB.enable_trace();
    board.DWT.enable_cycle_counter();
    // It runs on through a soft reset, as it was set up before.
    let (mut dog,) = match Dog::try_new(board.WDT) {
        Ok(mut dog) => {
            dog.set_lfosc_ticks(WATCHDOG_MS * 32_768 / 1000);
            dog.activate::<count::One>().handles
        }
        Err(running) => Dog::try_recover::<count::One>(running).ok()?.handles,
    };
    Some((bus, DWT::cycle_count, move || dog.pet()))
}
