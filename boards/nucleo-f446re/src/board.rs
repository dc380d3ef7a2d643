//! Pins and clocks of the Nucleo-F446RE.

use cortex_m::peripheral::DWT;
use embedded_hal::i2c::I2c;
use nervecord_swimmer::{Clock, Hardware};
use stm32f4xx_hal::i2c::{I2c as Bus, Mode};
use stm32f4xx_hal::pac;
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc::Config;

/// The core's clock.
const HZ: u32 = 180_000_000;

/// The board, the first time.
pub fn take() -> Option<Hardware<impl I2c, impl Clock>> {
    let (device, mut core) = (pac::Peripherals::take()?, cortex_m::Peripherals::take()?);
    let mut rcc = device.RCC.freeze(Config::hsi().sysclk(HZ.Hz()));
    let port_b = device.GPIOB.split(&mut rcc);
    let (scl, sda) = (port_b.pb8, port_b.pb9); // D15, D14
    let bus = Bus::new(device.I2C1, (scl, sda), Mode::standard(100.kHz()), &mut rcc);
    core.DCB.enable_trace();
    core.DWT.enable_cycle_counter();
    let (clock, cycles) = (DWT::cycle_count, DWT::cycle_count);
    Some(Hardware { bus, clock, ticks_per_second: HZ, cycles, cycle_bits: 32 })
}
