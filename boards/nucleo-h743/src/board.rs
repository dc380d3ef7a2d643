//! Pins and clocks of the Nucleo-H743ZI.

mod bus;

use bus::Modern;
use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware, Joints, Unfelt, WATCHDOG_MS, Watchdog};
use stm32h7xx_hal::independent_watchdog::IndependentWatchdog;
use stm32h7xx_hal::pac;
use stm32h7xx_hal::prelude::*;

/// The core's clock.
const HZ: u32 = 400_000_000;

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock, impl Watchdog, impl Joints>> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
    let power = device.PWR.constrain().freeze();
    let clocks = device.RCC.constrain().sys_ck(HZ.Hz()).freeze(power, &device.SYSCFG);
    core.SCB.enable_icache();
    let port_b = device.GPIOB.split(clocks.peripheral.GPIOB);
    // D15, D14
    let scl = port_b.pb8.into_alternate_open_drain();
    let sda = port_b.pb9.into_alternate_open_drain();
    let i2c1 = clocks.peripheral.I2C1;
    let bus = Modern(device.I2C1.i2c((scl, sda), 100.kHz(), i2c1, &clocks.clocks));
    core.DCB.enable_trace();
    DWT::unlock();
    core.DWT.enable_cycle_counter();
    let (clock, cycles) = (DWT::cycle_count, DWT::cycle_count);
    let mut dog = IndependentWatchdog::new(device.IWDG);
    dog.start(WATCHDOG_MS.millis());
    let (watchdog, joints) = (move || dog.feed(), Unfelt);
    Some(Hardware { bus, clock, ticks_per_second: HZ, watchdog, joints, cycles, cycle_bits: 32 })
}
