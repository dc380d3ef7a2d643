//! Pins and clocks of the Raspberry Pi Pico and the Pico 2, which are alike; `chip` is what is not.

// The bus of new projects, which is this board's.
#[path = "../../../cli/templates/boards/pico/bus.rs"]
mod bus;

use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware, Joints, WATCHDOG_MS};

use crate::chip;
use bus::Bus;
use hal::clocks::{Clock as _, init_clocks_and_plls};
use hal::fugit::ExtU32;
use hal::gpio::Pins;
use hal::{Sio, Watchdog, pac};

/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;

/// The board, the first time.
pub fn take()
-> Option<Hardware<impl I2c, impl Clock, impl nervecord_swimmer::Watchdog, impl Joints>> {
    let device = pac::Peripherals::take()?;
    let mut resets = device.RESETS;
    let mut watchdog = Watchdog::new(device.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        device.XOSC,
        device.CLOCKS,
        device.PLL_SYS,
        device.PLL_USB,
        &mut resets,
        &mut watchdog,
    )
    .ok()?;
    let sio = Sio::new(device.SIO);
    let pins = Pins::new(device.IO_BANK0, device.PADS_BANK0, sio.gpio_bank0, &mut resets);
    let (sda, scl) = (pins.gpio4.reconfigure(), pins.gpio5.reconfigure()); // pins 6 and 7
    let rate = clocks.system_clock.freq();
    let timer = chip::timer!(device, &mut resets, &clocks);
    let clock = move || timer.get_counter_low();
    let bus = Bus::new(device.I2C0, (sda, scl), resets, rate, clock);
    let (cycles, cycle_bits) = chip::count_cycles()?;
    #[cfg(not(feature = "imu"))]
    let joints = nervecord_swimmer::Unfelt;
    #[cfg(feature = "imu")]
    let joints = nervecord_swimmer::Head::new();
    watchdog.start(WATCHDOG_MS.millis());
    Some(Hardware {
        bus,
        clock,
        ticks_per_second: 1_000_000,
        watchdog: move || watchdog.feed(),
        joints,
        cycles,
        cycle_bits,
    })
}
