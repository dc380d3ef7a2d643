//! Pins, clocks and watchdog of the Raspberry Pi Pico.

#[path = "bus.rs"]
mod bus;

use embedded_hal::i2c::I2c;
use nervecord::control::{Clock, Watchdog};
use rp2040_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp2040_hal::fugit::ExtU32;
use rp2040_hal::gpio::Pins;
use rp2040_hal::{Sio, Timer, pac, watchdog};

use bus::Bus;

/// Ticks of the clock a second.
pub const TICKS_PER_SECOND: u32 = 1_000_000;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;

/// The second-stage boot loader, which makes the flash readable.
// SAFETY: the name of the section that memory.x puts first.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// The I2C bus, the clock of the loop and the watchdog, which runs already; once.
pub fn take() -> Option<(impl I2c, impl Clock, impl Watchdog)> {
    let device = pac::Peripherals::take()?;
    let mut resets = device.RESETS;
    let mut dog = watchdog::Watchdog::new(device.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        device.XOSC,
        device.CLOCKS,
        device.PLL_SYS,
        device.PLL_USB,
        &mut resets,
        &mut dog,
    )
    .ok()?;
    let sio = Sio::new(device.SIO);
    let pins = Pins::new(device.IO_BANK0, device.PADS_BANK0, sio.gpio_bank0, &mut resets);
    let (sda, scl) = (pins.gpio4.reconfigure(), pins.gpio5.reconfigure()); // pins 6 and 7
    let rate = clocks.system_clock.freq();
    let timer = Timer::new(device.TIMER, &mut resets, &clocks);
    let clock = move || timer.get_counter_low();
    let bus = Bus::new(device.I2C0, (sda, scl), resets, rate, clock);
    dog.start(WATCHDOG_MS.millis());
    Some((bus, clock, move || dog.feed()))
}
