//! Pins and clocks of the Raspberry Pi Pico.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware};
use rp2040_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp2040_hal::fugit::RateExtU32;
use rp2040_hal::gpio::Pins;
use rp2040_hal::{I2C, Sio, Timer, Watchdog, pac};

/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;

/// The second-stage boot loader, which makes the flash readable.
// SAFETY: the name of the section that memory.x puts first.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT2: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock>> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
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
    let bus = I2C::i2c0(device.I2C0, sda, scl, 100.kHz(), &mut resets, rate);
    let timer = Timer::new(device.TIMER, &mut resets, &clocks);
    let clock = move || timer.get_counter_low();
    // An M0+ has no cycle counter: the system timer counts down 24 bits of cycles.
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(0x00ff_ffff);
    core.SYST.clear_current();
    core.SYST.enable_counter();
    let cycles = || !SYST::get_current();
    Some(Hardware { bus, clock, ticks_per_second: 1_000_000, cycles, cycle_bits: 24 })
}
