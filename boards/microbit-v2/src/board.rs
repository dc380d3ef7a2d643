//! Pins and clocks of the micro:bit v2.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use microbit::Board;
use microbit::hal::clocks::Clocks;
use microbit::hal::twim::{Frequency, Twim};
use microbit::hal::wdt::{Watchdog as Dog, count};
use nervecord_swimmer::{Clock, Hardware, Joints, Unfelt, WATCHDOG_MS, Watchdog};

/// The core's clock.
const HZ: u32 = 64_000_000;

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock, impl Watchdog, impl Joints>> {
    let mut board = Board::take()?;
    // The crystal instead of the RC oscillator: a period is as long as it says.
    Clocks::new(board.CLOCK).enable_ext_hfosc();
    // Edge connector: SCL is pin 19, SDA is pin 20.
    let bus = Twim::new(board.TWIM0, board.i2c_external.into(), Frequency::K100);
    board.DCB.enable_trace();
    board.DWT.enable_cycle_counter();
    let (clock, cycles) = (DWT::cycle_count, DWT::cycle_count);
    // It runs on through a soft reset, as it was set up before.
    let (mut dog,) = match Dog::try_new(board.WDT) {
        Ok(mut dog) => {
            dog.set_lfosc_ticks(WATCHDOG_MS * 32_768 / 1000);
            dog.activate::<count::One>().handles
        }
        Err(running) => Dog::try_recover::<count::One>(running).ok()?.handles,
    };
    let (watchdog, joints) = (move || dog.pet(), Unfelt);
    Some(Hardware { bus, clock, ticks_per_second: HZ, watchdog, joints, cycles, cycle_bits: 32 })
}
