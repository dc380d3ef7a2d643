//! Pins and clocks of the Raspberry Pi Pico 2, on its Cortex-M33 cores.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware};
use rp235x_hal::block::ImageDef;
use rp235x_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp235x_hal::fugit::RateExtU32;
use rp235x_hal::gpio::Pins;
use rp235x_hal::{I2C, Sio, Timer, Watchdog, pac};

/// The crystal.
const CRYSTAL_HZ: u32 = 12_000_000;

/// Tells the boot ROM what this image is.
// SAFETY: the name of the section that memory.x puts within the first 4 KB.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

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
    let timer = Timer::new_timer0(device.TIMER0, &mut resets, &clocks);
    let clock = move || timer.get_counter_low();
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let cycles = DWT::cycle_count;
    Some(Hardware { bus, clock, ticks_per_second: 1_000_000, cycles, cycle_bits: 32 })
}
