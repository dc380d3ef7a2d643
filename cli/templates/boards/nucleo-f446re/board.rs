//! Pins, clocks and watchdog of the Nucleo-F446RE.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use nervecord::control::{Clock, Watchdog};
use stm32f4xx_hal::i2c::{I2c as Bus, Mode};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;
use stm32f4xx_hal::watchdog::IndependentWatchdog;

/// Ticks of the clock a second: cycles of the core.
pub const TICKS_PER_SECOND: u32 = 180_000_000;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

/// The I2C bus, the clock of the loop and the watchdog, which runs already; once.
pub fn take() -> Option<(impl I2c, impl Clock, impl Watchdog)> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
    let mut rcc = device.RCC.freeze(Config::hsi().sysclk(TICKS_PER_SECOND.Hz()));
    let port_b = device.GPIOB.split(&mut rcc);
    let pins = (port_b.pb8, port_b.pb9); // SCL on D15, SDA on D14
    let bus = Bus::new(device.I2C1, pins, Mode::standard(100.kHz()), &mut rcc);
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let mut dog = IndependentWatchdog::new(device.IWDG);
    dog.stop_on_debug(&device.DBGMCU, true);
    dog.start(WATCHDOG_MS.millis());
    Some((bus, DWT::cycle_count, move || dog.feed()))
}
