//! What the RP2040 has of its own.

use cortex_m::Peripherals;
use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

/// The second-stage boot loader, which makes the flash readable.
// SAFETY: the name of the section that memory.x puts first.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// The timer of microseconds.
macro_rules! timer {
    ($device:ident, $resets:expr, $clocks:expr) => {
        hal::Timer::new($device.TIMER, $resets, $clocks)
    };
}
pub(crate) use timer;

/// The counter of cycles and its bits: an M0+ has none but the system timer, which counts down.
pub fn count_cycles() -> Option<(fn() -> u32, u32)> {
    let mut timer = Peripherals::take()?.SYST;
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(0x00ff_ffff);
    timer.clear_current();
    timer.enable_counter();
    Some((|| !SYST::get_current(), 24))
}
