//! Pins, clocks and watchdog of the Nucleo-H743ZI.

use cortex_m::peripheral::DWT;
use nervecord::control::{Clock, Watchdog};
use stm32h7xx_hal::i2c::I2c;
use stm32h7xx_hal::independent_watchdog::IndependentWatchdog;
use stm32h7xx_hal::pac;
use stm32h7xx_hal::prelude::*;

/// Ticks of the clock a second: cycles of the core.
pub const TICKS_PER_SECOND: u32 = 400_000_000;

/// Milliseconds without a good period after which the watchdog resets the part.
pub const WATCHDOG_MS: u32 = 250;

/// The I2C bus, the clock of the loop and the watchdog, which runs already; once.
/// The bus has the traits of embedded-hal 0.2, which are all that this HAL knows.
pub fn take() -> Option<(I2c<pac::I2C1>, impl Clock, impl Watchdog)> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
    let power = device.PWR.constrain().freeze();
    let rcc = device.RCC.constrain().sys_ck(TICKS_PER_SECOND.Hz());
    let clocks = rcc.freeze(power, &device.SYSCFG);
    core.SCB.enable_icache();
    let port_b = device.GPIOB.split(clocks.peripheral.GPIOB);
    let scl = port_b.pb8.into_alternate_open_drain(); // D15
    let sda = port_b.pb9.into_alternate_open_drain(); // D14
    let i2c1 = clocks.peripheral.I2C1;
    let bus = device.I2C1.i2c((scl, sda), 100.kHz(), i2c1, &clocks.clocks);
    core.DCB.enable_trace();
    DWT::unlock();
    core.DWT.enable_cycle_counter();
    let mut dog = IndependentWatchdog::new(device.IWDG);
    dog.start(WATCHDOG_MS.millis());
    Some((bus, DWT::cycle_count, move || dog.feed()))
}
